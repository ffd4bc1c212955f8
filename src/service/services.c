/* services.c - the services' start and end; see service.h. */
#include "service/emr.h"
#include "service/service.h"

#include <stdio.h>

enum { LOG_SYNC_MS = 1000 };

/* Log lines are read back at once; on disk they are within about a second. */
static void sync_logs(void *self) {
    SvServices *services = self;
    bool did = false;
    Err err = {0};
    if (!st_logs_sync(services->logs, &did, &err)) {
        fprintf(stderr, "solder: logs: %s\n", err.message);
    }
    su_after(services->supervisor, LOG_SYNC_MS, sync_logs, services);
}

bool sv_open(SvServices *services, Err *err) {
    services->logs = st_logs_open(services->store, err);
    if (services->logs == NULL) {
        return false;
    }
    su_after(services->supervisor, LOG_SYNC_MS, sync_logs, services);
    return em_open(services, err);
}

bool sv_start(SvServices *services, Err *err) {
    return em_start(services, err);
}

void sv_stop(SvServices *services) {
    em_stop(services);
}

void sv_close(SvServices *services) {
    st_logs_close(services->logs);
    services->logs = NULL;
}
