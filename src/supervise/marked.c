/* marked.c - see marked.h. */
#include "supervise/marked.h"

#include "base/vec.h"
#include "supervise/process_table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 1 << 20, PAUSE_MS = 20, KILL_PATIENCE_MS = 5000 };

static size_t read_environment(pid_t pid, char *buffer) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got;
    while (fd >= 0 && len < ENVIRONMENT_MAX && (got = read(fd, buffer + len, ENVIRONMENT_MAX - len)) > 0) {
        len += (size_t)got;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return len;
}

static bool has_variable(const char *environment, size_t len, Str variable) {
    for (size_t at = 0; at < len;) {
        size_t end = at + strnlen(environment + at, len - at);
        if (str_eq(variable, (Str){environment + at, end - at})) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

size_t su_list_marked(Arena *arena, Str variable, const SuIdentity **ret_processes) {
    VEC(SuIdentity) found = {.arena = arena};
    const SuProcessInfo *all = NULL;
    Arena *scratch = arena_new();
    char *buffer = malloc(ENVIRONMENT_MAX);
    if (buffer == NULL) {
        abort();
    }
    size_t count = su_process_list(scratch, &all);
    for (size_t i = 0; i < count; i++) {
        if (all[i].pid == getpid() || all[i].state == 'Z' || all[i].state == 'X') {
            continue;
        }
        if (has_variable(buffer, read_environment(all[i].pid, buffer), variable)) {
            VEC_PUSH(&found, (SuIdentity){.pid = all[i].pid, .start_ticks = all[i].start_ticks});
        }
    }
    free(buffer);
    arena_free(scratch);
    *ret_processes = found.items;
    return found.count;
}

bool su_end_marked(Str variable, int grace_ms) {
    for (int waited = 0;; waited += PAUSE_MS) {
        Arena *scratch = arena_new();
        const SuIdentity *all = NULL;
        size_t count = su_list_marked(scratch, variable, &all);
        for (size_t i = 0; i < count && (waited == 0 || waited >= grace_ms); i++) {
            SuProcessInfo process;
            if (su_process_info(all[i].pid, &process) && process.start_ticks == all[i].start_ticks) {
                su_process_signal(&process, waited >= grace_ms ? SIGKILL : SIGTERM);
            }
        }
        arena_free(scratch);
        if (count == 0 || waited >= grace_ms + KILL_PATIENCE_MS) {
            return count == 0;
        }
        struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}
