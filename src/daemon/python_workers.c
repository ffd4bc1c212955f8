/* python_workers.c - see python_workers.h. A worker reads from its stdin and writes to a pipe that is its stdout; its stderr is ours. */
#include "daemon/python_workers.h"

#include "base/vec.h"
#include "supervise/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GRACE_MS = 2000 };

struct PythonWorkers {
    Arena *arena;
    pthread_mutex_t mutex;
    VEC(SuProcess) processes; /* the id of a worker is its place here */
    const char *python, *module_path;
    ExWorkerStarter starter;
};

static bool start_process(PythonWorkers *workers, int stdin_fd, int stdout_fd, SuProcess *ret_process, Err *err) {
    Arena *scratch = arena_new();
    const char *user_path = getenv("PYTHONPATH");
    const char *argv[] = {workers->python, "-m", "solder.worker", NULL};
    const char *env[] = {
        str_fmt(scratch, "PYTHONPATH=%s%s%s", workers->module_path, user_path != NULL ? ":" : "", user_path != NULL ? user_path : "").data,
        "SOLDER_ENGINE=1", "SPARK_CONNECT_MODE_ENABLED=1", NULL};
    SuCommand command = {.argv = argv, .extra_env = env, .stdin_fd = stdin_fd, .stdout_fd = stdout_fd, .stderr_fd = -1};
    bool ok = su_start(&command, ret_process, err);
    arena_free(scratch);
    return ok;
}

static bool start(void *self, int *ret_to_worker, int *ret_from_worker, int64_t *ret_id, Err *err) {
    PythonWorkers *workers = self;
    int to[2];
    int from[2];
    if (pipe2(to, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    }
    if (pipe2(from, O_CLOEXEC) != 0) {
        (void)close(to[0]);
        (void)close(to[1]);
        return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
    }
    SuProcess process;
    bool ok = start_process(workers, to[0], from[1], &process, err);
    (void)close(to[0]);
    (void)close(from[1]);
    if (!ok || pthread_mutex_lock(&workers->mutex) != 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        return err_prefix(err, "Python worker: ");
    }
    VEC_PUSH(&workers->processes, process);
    *ret_id = (int64_t)workers->processes.count - 1;
    (void)pthread_mutex_unlock(&workers->mutex);
    *ret_to_worker = to[1];
    *ret_from_worker = from[0];
    return true;
}

static void stop(void *self, int64_t id) {
    PythonWorkers *workers = self;
    if (pthread_mutex_lock(&workers->mutex) != 0) {
        return;
    }
    SuProcess process = workers->processes.items[id];
    workers->processes.items[id] = (SuProcess){.pidfd = -1};
    (void)pthread_mutex_unlock(&workers->mutex);
    if (process.pid > 0) {
        (void)su_end(&process, GRACE_MS);
    }
}

PythonWorkers *python_workers_new(const char *python, const char *module_path) {
    Arena *arena = arena_new();
    PythonWorkers *workers = ARENA_NEW(arena, PythonWorkers);
    workers->arena = arena;
    workers->processes.arena = arena;
    workers->python = python;
    workers->module_path = module_path;
    workers->starter = (ExWorkerStarter){.self = workers, .start = start, .stop = stop};
    if (pthread_mutex_init(&workers->mutex, NULL) != 0) {
        arena_free(arena);
        return NULL;
    }
    return workers;
}

const ExWorkerStarter *python_workers_starter(const PythonWorkers *workers) {
    return &workers->starter;
}

void python_workers_free(PythonWorkers *owned_workers) {
    if (owned_workers == NULL) {
        return;
    }
    for (size_t i = 0; i < owned_workers->processes.count; i++) {
        stop(owned_workers, (int64_t)i);
    }
    (void)pthread_mutex_destroy(&owned_workers->mutex);
    arena_free(owned_workers->arena);
}
