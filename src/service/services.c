/* services.c - the services' start and end; see service.h. */
#include "service/service.h"

bool sv_start(SvServices *services, Err *err) {
    (void)services;
    (void)err;
    return true;
}

void sv_stop(SvServices *services) {
    (void)services;
}
