/* handlers.c - which handler an operation has: the rows of spec/aws/supported.tsv, generated. */
#include "service/service.h"

#include "gen/aws_handlers.inc"

AwsHandler sv_find_handler(Str service, Str operation) {
    for (size_t i = 0; i < sizeof HANDLERS / sizeof HANDLERS[0]; i++) {
        if (str_eq_c(service, HANDLERS[i].service) && str_eq_c(operation, HANDLERS[i].operation)) {
            return HANDLERS[i].handler;
        }
    }
    return NULL;
}
