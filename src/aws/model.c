/* model.c - see model.h. */
#include "aws/model.h"

#include <string.h>

#include "gen/aws_model.inc"

const AwsService *aws_services(size_t *ret_count) {
    *ret_count = sizeof SERVICES / sizeof SERVICES[0];
    return SERVICES;
}

const AwsService *aws_service_of(const AwsOperation *operation) {
    return &SERVICES[operation->service];
}

const AwsOperation *aws_operations(const AwsService *service) {
    return &OPERATIONS[service->first_operation];
}

const AwsOperation *aws_operation_find(const AwsService *service, Str name) {
    const AwsOperation *operations = aws_operations(service);
    size_t low = 0;
    size_t high = service->noperations; /* sorted by name */
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(str_from_c(operations[middle].name), name);
        if (order == 0) {
            return &operations[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

const AwsOperation *aws_operation_of_route(const AwsService *service, Str method, int level, bool (*has_mark)(const void *self, const AwsMark *mark),
                                           const void *self) {
    const AwsOperation *best = NULL;
    for (size_t i = 0; i < service->noperations; i++) {
        const AwsOperation *operation = &aws_operations(service)[i];
        bool fits = str_eq_c(method, operation->method) && operation->level == level;
        for (size_t k = 0; fits && k < operation->nmarks; k++) {
            fits = has_mark(self, &MARKS[operation->first_mark + k]);
        }
        /* Equal numbers of marks: the one that is there wins over one that is not, else the first by name. */
        if (fits && (best == NULL || operation->nmarks > best->nmarks ||
                     (operation->nmarks == best->nmarks && operation->is_supported && !best->is_supported))) {
            best = operation;
        }
    }
    return best;
}

const AwsShape *aws_shape(uint16_t index) {
    return index == AWS_NO_SHAPE ? NULL : &SHAPES[index];
}

size_t aws_shape_count(void) {
    return sizeof SHAPES / sizeof SHAPES[0];
}

const AwsMember *aws_members(const AwsShape *shape) {
    return &MEMBERS[shape->first_member];
}

const AwsMember *aws_member_find(const AwsShape *shape, Str name) {
    for (size_t i = 0; i < shape->nmembers; i++) {
        if (str_eq_c(name, MEMBERS[shape->first_member + i].name)) {
            return &MEMBERS[shape->first_member + i];
        }
    }
    return NULL;
}

const char *aws_member_wire_name(const AwsMember *member) {
    return member->wire_name != NULL ? member->wire_name : member->name;
}

const char *aws_enum_value(const AwsShape *shape, size_t i) {
    return VALUES[shape->first_value + i];
}

int aws_error_status(const AwsService *service, Str code) {
    for (size_t i = 0; service != NULL && i < service->nerrors; i++) {
        const AwsErrorShape *error = &ERRORS[service->first_error + i];
        if (str_eq_c(code, error->code) && error->status != 0) {
            return error->status;
        }
    }
    for (size_t i = 0; i < sizeof COMMON_ERRORS / sizeof COMMON_ERRORS[0]; i++) {
        if (str_eq_c(code, COMMON_ERRORS[i].code)) {
            return COMMON_ERRORS[i].status;
        }
    }
    return 400;
}
