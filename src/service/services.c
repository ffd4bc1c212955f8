/* services.c - the services' start and end; see service.h. */
#include "service/service.h"

enum { SWEEP_EVERY_MS = 10000 };

/* What could not go when it was deleted, because somebody read it then. */
static void sweep(void *self) {
    SvServices *services = self;
    st_sweep(services->store);
    su_after(services->supervisor, SWEEP_EVERY_MS, sweep, services);
}

bool sv_start(SvServices *services, Err *err) {
    (void)err;
    su_after(services->supervisor, SWEEP_EVERY_MS, sweep, services);
    return true;
}

void sv_stop(SvServices *services) {
    (void)services;
}
