/* process_table.c - see process_table.h. */
#include "supervise/process_table.h"

#include "base/vec.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fields of /proc/PID/stat by their numbers in proc(5). */
enum { FLAGS_FIELD = 9, START_TICKS_FIELD = 22, ENVIRONMENT_END_FIELD = 51 };
enum { STAT_MAX = 1024, ENVIRONMENT_MAX = 1 << 20 };
/* Flags of a process that has no memory of its own (any more): it is exiting, or a thread of the kernel. */
enum { IS_EXITING = 0x4, IS_KERNEL_THREAD = 0x200000 };

static ssize_t read_proc(pid_t pid, const char *name, char *buffer, size_t size) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t len = 0;
    ssize_t got;
    while (len < size && (got = read(fd, buffer + len, size - len)) > 0) {
        len += (size_t)got;
    }
    (void)close(fd);
    return (ssize_t)len;
}

/* Reads the line; returns what stands behind the name, the space in front of field 3. NULL: there is no such process. The name in parentheses
 * may hold anything, a ')' too: the last one ends it. */
static const char *read_stat(pid_t pid, char line[STAT_MAX]) {
    ssize_t len = read_proc(pid, "stat", line, STAT_MAX - 1);
    if (len <= 0) {
        return NULL;
    }
    line[len] = '\0';
    const char *end = strrchr(line, ')');
    return end == NULL ? NULL : end + 1;
}

static bool read_field(const char *field_3, int wanted, uint64_t *ret_value) {
    const char *field = field_3;
    for (int number = 3; number < wanted && field != NULL; number++) {
        field = strchr(field + 1, ' ');
    }
    unsigned long long value = 0;
    if (field == NULL || sscanf(field, " %llu", &value) != 1) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool su_process_info(pid_t pid, SuProcessInfo *ret_info) {
    char line[STAT_MAX];
    const char *fields = read_stat(pid, line);
    char state = 0;
    int parent = 0;
    int group = 0;
    int session = 0;
    uint64_t ticks = 0;
    if (fields == NULL || sscanf(fields, " %c %d %d %d", &state, &parent, &group, &session) != 4 ||
        !read_field(fields, START_TICKS_FIELD, &ticks)) {
        return false;
    }
    *ret_info = (SuProcessInfo){.pid = pid, .parent = parent, .group = group, .session = session, .state = state, .start_ticks = (int64_t)ticks};
    return true;
}

size_t su_process_list(Arena *arena, const SuProcessInfo **ret_processes) {
    VEC(SuProcessInfo) all = {.arena = arena};
    DIR *proc = opendir("/proc");
    if (proc != NULL) {
        for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
            int64_t pid = 0;
            SuProcessInfo info;
            if (str_to_i64(str_from_c(entry->d_name), &pid) && pid > 1 && su_process_info((pid_t)pid, &info)) {
                VEC_PUSH(&all, info);
            }
        }
        (void)closedir(proc);
    }
    *ret_processes = all.items;
    return all.count;
}

/* false: the text has no such variable. */
static bool find_tag(Arena *arena, Str environment, Str *ret_tag) {
    static const char NAME[] = SU_TAG_VARIABLE "=";
    for (size_t at = 0; at < environment.len;) {
        size_t size = strnlen(environment.data + at, environment.len - at);
        Str variable = {environment.data + at, size};
        if (str_starts_with(variable, str_from_c(NAME))) {
            *ret_tag = str_copy(arena, str_slice(variable, sizeof NAME - 1, size));
            return true;
        }
        at += size + 1;
    }
    return false;
}

/* Where the environment ends in the process's memory: 0 while exec has not put it there yet. false: it has no memory, or is gone. */
static bool environment_end(pid_t pid, uint64_t *ret_end) {
    char line[STAT_MAX];
    const char *fields = read_stat(pid, line);
    uint64_t flags = 0;
    return fields != NULL && fields[1] != 'Z' && read_field(fields, FLAGS_FIELD, &flags) && (flags & (IS_EXITING | IS_KERNEL_THREAD)) == 0 &&
           read_field(fields, ENVIRONMENT_END_FIELD, ret_end);
}

SuTagAnswer su_process_tag(Arena *arena, pid_t pid, Str *ret_tag) {
    uint64_t before = 0;
    uint64_t after = 0;
    *ret_tag = STR("");
    if (!environment_end(pid, &before)) {
        return SU_TAG_NONE;
    }
    Arena *scratch = arena_new();
    char *text = arena_alloc(scratch, ENVIRONMENT_MAX);
    ssize_t len = read_proc(pid, "environ", text, ENVIRONMENT_MAX);
    bool found = len > 0 && find_tag(arena, (Str){text, (size_t)len}, ret_tag);
    arena_free(scratch);
    if (found) {
        return SU_TAG_FOUND;
    }
    /* The same before and after: what was read in between is the environment. Another's process does not tell, and can't be read. */
    bool is_certain = len < 0 || !environment_end(pid, &after) || (before == after && before != 0);
    return is_certain ? SU_TAG_NONE : SU_TAG_UNKNOWN;
}

void su_process_signal(const SuProcessInfo *process, int signal_number) {
    int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    SuProcessInfo now;
    if (pidfd < 0) {
        return;
    }
    /* Looked at after it is pinned: another process of that number is seen here. */
    if (su_process_info(process->pid, &now) && now.start_ticks == process->start_ticks) {
        (void)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
    }
    (void)close(pidfd);
}
