/* services.c - the services' start and end; see service.h. */
#include "service/service.h"

#include "service/emr.h"
#include "service/glue_jobs.h"
#include "service/s3_settings.h"

#include <stdio.h>

enum { LOG_SYNC_MS = 1000, SWEEP_EVERY_MS = 10000 };

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
    if (pthread_mutex_init(&services->iam_lock, NULL) != 0) {
        return err_set(err, ERR_INTERNAL, "no lock for IAM");
    }
    services->logs = st_logs_open(services->store, err);
    if (services->logs == NULL || !s3_lifecycle_open(services, err)) {
        return false;
    }
    services->jobs = rl_new(services);
    su_after(services->supervisor, LOG_SYNC_MS, sync_logs, services);
    return em_open(services, err);
}

/* What could not go when it was deleted, because somebody read it then. */
static void sweep(void *self) {
    SvServices *services = self;
    st_sweep(services->store);
    su_after(services->supervisor, SWEEP_EVERY_MS, sweep, services);
}

bool sv_start(SvServices *services, Err *err) {
    su_after(services->supervisor, SWEEP_EVERY_MS, sweep, services);
    services->lifecycle = s3_lifecycle_start(services, err);
    return services->lifecycle != NULL && rl_start(services->jobs, err) && em_start(services, err);
}

void sv_stop(SvServices *services) {
    s3_lifecycle_stop(services->lifecycle);
    if (services->jobs != NULL) {
        rl_stop(services->jobs);
    }
    em_stop(services);
    if (services->jobs != NULL) {
        rl_end_steps(services->jobs);
    }
}

void sv_close(SvServices *services) {
    rl_free(services->jobs);
    services->jobs = NULL;
    st_logs_close(services->logs);
    services->logs = NULL;
    (void)pthread_mutex_destroy(&services->iam_lock);
}
