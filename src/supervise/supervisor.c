/* supervisor.c - see supervisor.h.
 *
 * Two threads: one loops over epoll (pidfds, pipes, an eventfd) and the next time that something is due; one does nothing but spawn, so that
 * the parent thread of every task lives as long as the supervisor while callers of su_task_start wait for no callback.
 * A task ends in this order: its process ends (and stays a zombie, which pins its pid, group and session) → what it started gets TERM, at
 * kill_at KILL → none is left and its pipes are at their end → reaped → on_exit.
 * Invariant: the list of tasks, and of a task what other threads look at (pid, flags, kill_at), is touched under the mutex; tasks are removed
 * and freed by the loop's thread only.
 */
#include "supervise/supervisor.h"

#include "supervise/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_SIZE = 1 << 16,
    MAX_EVENTS = 64,
    FIRST_LOOK_MS = 4,     /* between looks at what is left of a task; doubles up to the last */
    LAST_LOOK_MS = 200,
    LAST_SWEEPS = 3,
    SWEEP_MS = 1000,       /* between looks for ended orphans */
    PIPE_PATIENCE_MS = 1000, /* for a pipe that a process which is none of ours keeps open, once the task is empty */
    LEFT_PATIENCE_MS = 5000, /* for killed processes to go */
    TAG_MAX = 64
};

/* What an epoll event is about, in the low bits of its data; the rest is the task's id. */
enum { ABOUT_STDOUT, ABOUT_STDERR, ABOUT_PROCESS, ABOUT_BITS = 2, ABOUT_MASK = 3 };

typedef struct Task {
    struct Task *next;
    SuTaskId id;
    pid_t pid;
    int pidfd;
    int64_t start_ticks;
    char tag[TAG_MAX];
    bool is_adopted;
    int pipes[2];      /* read ends of stdout and stderr; -1: closed, or none */
    bool is_held[2];   /* not watched until su_resume */
    bool wants_resume; /* asked for by another thread */
    bool is_released, is_in_callback;
    bool was_stopped, was_timed_out;
    bool has_ended; /* the process; then status is known */
    bool is_empty;  /* nothing that it started is left */
    int status;
    int64_t kill_at, deadline_at, look_at, empty_at; /* monotonic ms; 0: not set */
    int look_ms;
    int grace_ms;
    SuSink sink;
    void (*on_exit)(void *self, const SuExit *exit);
    void *self;
} Task;

typedef struct Timer {
    struct Timer *next;
    int64_t at;
    void (*call)(void *self);
    void *self;
} Timer;

typedef struct Spawn {
    const SuTaskSpec *spec;
    Task *task;
    SuIdentity identity; /* set before the loop may see the task, and free it */
    bool ok, is_done;
    Err *err;
} Spawn;

struct SuSupervisor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;     /* a spawn asked for or done; a callback returned */
    pthread_mutex_t spawning;   /* one spawn at a time, and none while strangers are looked for */
    pthread_t loop, spawner;
    int epoll_fd, wake_fd;
    uint64_t nonce;
    SuTaskId last_id;
    Task *tasks;
    Timer *timers;
    Spawn *spawn;
    bool is_ending; /* no new tasks; the loop ends when there are none */
    bool spawner_ends;
    int sweeps_left; /* looks for ended orphans that are due without a task */
    int64_t sweep_at;
    char *buffer; /* READ_SIZE */
};

static int64_t now_ms(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 : 0;
}

static void lock(SuSupervisor *supervisor) {
    if (pthread_mutex_lock(&supervisor->mutex) != 0) {
        abort(); /* ours and valid: only memory corruption gets here */
    }
}

static void unlock(SuSupervisor *supervisor) {
    if (pthread_mutex_unlock(&supervisor->mutex) != 0) {
        abort();
    }
}

static void announce(SuSupervisor *supervisor) {
    (void)pthread_cond_broadcast(&supervisor->changed);
}

static void wake(SuSupervisor *supervisor) {
    uint64_t one = 1;
    ssize_t put = write(supervisor->wake_fd, &one, sizeof one);
    (void)put; /* it can only be full, and then the loop wakes anyway */
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static Task *find(SuSupervisor *supervisor, SuTaskId id) {
    Task *task = supervisor->tasks;
    while (task != NULL && task->id != id) {
        task = task->next;
    }
    return task;
}

static void free_task(Task *owned_task) {
    close_fd(&owned_task->pipes[0]);
    close_fd(&owned_task->pipes[1]);
    close_fd(&owned_task->pidfd);
    free(owned_task);
}

static bool watch(SuSupervisor *supervisor, const Task *task, int fd, unsigned about) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = task->id << ABOUT_BITS | about};
    return epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ---- start ---- */

static bool limit(pid_t pid, int resource, int64_t value) {
    struct rlimit now;
    if (value <= 0) {
        return true;
    }
    if (prlimit(pid, (enum __rlimit_resource)resource, NULL, &now) != 0) {
        return errno == ESRCH; /* it has ended already */
    }
    rlim_t wanted = now.rlim_max != RLIM_INFINITY && (rlim_t)value > now.rlim_max ? now.rlim_max : (rlim_t)value;
    struct rlimit limits = {.rlim_cur = wanted, .rlim_max = wanted};
    return prlimit(pid, (enum __rlimit_resource)resource, &limits, NULL) == 0 || errno == ESRCH;
}

static bool limit_all(pid_t pid, const SuLimits *limits, Err *err) {
    bool ok = limit(pid, RLIMIT_AS, limits->memory_bytes) && limit(pid, RLIMIT_NPROC, limits->processes) &&
              limit(pid, RLIMIT_NOFILE, limits->open_files) && limit(pid, RLIMIT_FSIZE, limits->file_bytes);
    return ok || err_set(err, ERR_IO, "cannot set the limits of process %d: %s", (int)pid, strerror(errno));
}

/* The command's own variables behind the tag. */
static const char *const *tagged_environment(Arena *arena, const Task *task, const char *const *extra) {
    size_t count = 0;
    while (extra != NULL && extra[count] != NULL) {
        count++;
    }
    const char **env = ARENA_ARRAY(arena, const char *, count + 2);
    env[0] = str_fmt(arena, SU_TAG_VARIABLE "=%s", task->tag).data;
    for (size_t i = 0; i < count; i++) {
        env[i + 1] = extra[i];
    }
    return env;
}

static bool make_pipes(Task *task, SuCommand *command, int ret_write_ends[2], Err *err) {
    for (int i = 0; i < 2; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
        }
        task->pipes[i] = ends[0];
        ret_write_ends[i] = ends[1];
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
            return err_set(err, ERR_IO, "pipe: %s", strerror(errno));
        }
    }
    command->stdout_fd = ret_write_ends[0];
    command->stderr_fd = ret_write_ends[1];
    return true;
}

static void add_task(SuSupervisor *supervisor, Task *task, const SuTaskSpec *spec) {
    task->deadline_at = spec->deadline_ms > 0 ? now_ms() + spec->deadline_ms : 0;
    task->grace_ms = spec->grace_ms;
    task->sink = spec->sink;
    task->on_exit = spec->on_exit;
    task->self = spec->self;
    task->next = supervisor->tasks;
    supervisor->tasks = task;
}

/* On the spawner's thread. A task is in the list before anyone may take its process for a stranger. */
static bool spawn_task(SuSupervisor *supervisor, const SuTaskSpec *spec, Task *task, SuIdentity *ret_identity, Err *err) {
    SuCommand command = spec->command;
    int write_ends[2] = {-1, -1};
    SuProcess process = {.pidfd = -1};
    SuProcessInfo info;
    Arena *scratch = arena_new();
    command.extra_env = tagged_environment(scratch, task, command.extra_env);
    bool ok = (spec->sink == NULL || make_pipes(task, &command, write_ends, err)) &&
              su_start_session(&command, spec->working_directory, &process, err);
    close_fd(&write_ends[0]);
    close_fd(&write_ends[1]);
    arena_free(scratch);
    if (!ok) {
        return false;
    }
    ok = limit_all(process.pid, &spec->limits, err) &&
         (su_process_info(process.pid, &info) || err_set(err, ERR_IO, "cannot look at process %d", (int)process.pid)) &&
         ((watch(supervisor, task, process.pidfd, ABOUT_PROCESS) && (task->pipes[0] < 0 || watch(supervisor, task, task->pipes[0], ABOUT_STDOUT)) &&
           (task->pipes[1] < 0 || watch(supervisor, task, task->pipes[1], ABOUT_STDERR))) ||
          err_set(err, ERR_IO, "cannot watch process %d: %s", (int)process.pid, strerror(errno)));
    if (!ok) {
        (void)su_end(&process, 0);
        return false;
    }
    task->pid = process.pid;
    task->pidfd = process.pidfd;
    task->start_ticks = info.start_ticks;
    *ret_identity = (SuIdentity){.pid = process.pid, .start_ticks = info.start_ticks};
    lock(supervisor);
    add_task(supervisor, task, spec);
    unlock(supervisor);
    wake(supervisor);
    return true;
}

static void *spawn_all(void *argument) {
    SuSupervisor *supervisor = argument;
    lock(supervisor);
    while (!supervisor->spawner_ends) {
        Spawn *spawn = supervisor->spawn;
        if (spawn == NULL) {
            (void)pthread_cond_wait(&supervisor->changed, &supervisor->mutex);
            continue;
        }
        supervisor->spawn = NULL;
        unlock(supervisor);
        spawn->ok = spawn_task(supervisor, spawn->spec, spawn->task, &spawn->identity, spawn->err);
        lock(supervisor);
        spawn->is_done = true;
        announce(supervisor);
    }
    unlock(supervisor);
    return NULL;
}

static Task *new_task(SuSupervisor *supervisor) {
    Task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        abort();
    }
    task->pipes[0] = task->pipes[1] = task->pidfd = -1;
    lock(supervisor);
    task->id = ++supervisor->last_id;
    unlock(supervisor);
    return task;
}

SuTaskId su_task_start(SuSupervisor *supervisor, const SuTaskSpec *spec, SuIdentity *ret_identity, Err *err) {
    Task *task = new_task(supervisor);
    SuTaskId id = task->id;
    Spawn spawn = {.spec = spec, .task = task, .err = err};
    (void)snprintf(task->tag, sizeof task->tag, "%016llx.%llu", (unsigned long long)supervisor->nonce, (unsigned long long)id);
    (void)pthread_mutex_lock(&supervisor->spawning);
    lock(supervisor);
    if (supervisor->is_ending) {
        spawn.is_done = true;
        (void)err_set(err, ERR_CANCELLED, "cannot start %s: the server is stopping", spec->command.argv[0]);
    } else {
        supervisor->spawn = &spawn;
        announce(supervisor);
    }
    while (!spawn.is_done) {
        (void)pthread_cond_wait(&supervisor->changed, &supervisor->mutex);
    }
    unlock(supervisor);
    if (!spawn.ok) {
        free_task(task); /* one that runs belongs to the loop, which may have freed it by now */
    }
    (void)pthread_mutex_unlock(&supervisor->spawning);
    if (spawn.ok && ret_identity != NULL) {
        *ret_identity = spawn.identity;
    }
    return spawn.ok ? id : 0;
}

static void nap(int ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* A process's tag; empty: none. */
static Str tag_of(Arena *arena, pid_t pid) {
    Str tag;
    while (su_process_tag(arena, pid, &tag) == SU_TAG_UNKNOWN) {
        nap(1); /* within an exec: over at once */
    }
    return tag;
}

bool su_task_adopt(SuSupervisor *supervisor, const SuIdentity *identity, const SuTaskSpec *spec, SuTaskId *ret_task) {
    SuProcessInfo info;
    Task *task = new_task(supervisor);
    task->pid = identity->pid;
    task->start_ticks = identity->start_ticks;
    task->is_adopted = true;
    task->pidfd = identity->pid > 1 ? (int)syscall(SYS_pidfd_open, identity->pid, 0) : -1;
    bool ok = task->pidfd >= 0 && su_process_info(identity->pid, &info) && info.start_ticks == identity->start_ticks && info.state != 'Z';
    if (ok) {
        Arena *scratch = arena_new();
        (void)snprintf(task->tag, sizeof task->tag, "%.*s", STR_ARG(tag_of(scratch, identity->pid)));
        arena_free(scratch);
        *ret_task = task->id;
        lock(supervisor);
        /* In the list before it is watched: its end may come at once. */
        ok = !supervisor->is_ending;
        if (ok) {
            add_task(supervisor, task, spec);
            ok = watch(supervisor, task, task->pidfd, ABOUT_PROCESS);
            supervisor->tasks = ok ? task : task->next;
        }
        unlock(supervisor);
    }
    if (!ok) {
        free_task(task);
        return false;
    }
    wake(supervisor);
    return true;
}

/* ---- what others ask for ---- */

/* Under the mutex. A process that has ended is a zombie until it is reaped under the mutex as well: the signal can't reach another's group. */
static void signal_group(const Task *task, int signal_number) {
    bool is_there = !task->has_ended && (!task->is_adopted || syscall(SYS_pidfd_send_signal, task->pidfd, 0, NULL, 0) == 0);
    if (is_there) {
        (void)kill(-task->pid, signal_number);
    }
}

static void begin_stop(Task *task) {
    if (!task->has_ended && task->kill_at == 0) {
        signal_group(task, task->grace_ms > 0 ? SIGTERM : SIGKILL);
        task->kill_at = now_ms() + task->grace_ms;
    }
}

void su_task_stop(SuSupervisor *supervisor, SuTaskId id) {
    lock(supervisor);
    Task *task = find(supervisor, id);
    if (task != NULL && !task->has_ended) {
        task->was_stopped = true;
        begin_stop(task);
    }
    unlock(supervisor);
    wake(supervisor);
}

void su_task_signal(SuSupervisor *supervisor, SuTaskId id, int signal_number) {
    lock(supervisor);
    const Task *task = find(supervisor, id);
    if (task != NULL) {
        signal_group(task, signal_number);
    }
    unlock(supervisor);
}

void su_resume(SuSupervisor *supervisor, SuTaskId id) {
    lock(supervisor);
    Task *task = find(supervisor, id);
    if (task != NULL) {
        task->wants_resume = true;
    }
    unlock(supervisor);
    wake(supervisor);
}

void su_task_release(SuSupervisor *supervisor, SuTaskId id) {
    bool is_loop = pthread_equal(pthread_self(), supervisor->loop) != 0;
    lock(supervisor);
    Task *task = find(supervisor, id);
    if (task != NULL) {
        task->is_released = true;
    }
    while (!is_loop && (task = find(supervisor, id)) != NULL && task->is_in_callback) {
        (void)pthread_cond_wait(&supervisor->changed, &supervisor->mutex);
    }
    unlock(supervisor);
    wake(supervisor);
}

void su_after(SuSupervisor *supervisor, int64_t delay_ms, void (*call)(void *self), void *self) {
    Timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        abort();
    }
    *timer = (Timer){.at = now_ms() + (delay_ms > 0 ? delay_ms : 0), .call = call, .self = self};
    lock(supervisor);
    Timer **place = &supervisor->timers;
    while (*place != NULL && (*place)->at <= timer->at) {
        place = &(*place)->next;
    }
    timer->next = *place;
    *place = timer;
    unlock(supervisor);
    wake(supervisor);
}

/* ---- whose process is it ---- */

typedef enum Belonging { IS_OTHERS, IS_MEMBER, MAY_BE_MEMBER } Belonging;

/* Whether a process was started by the one that leads the session: by session and group while that process's number can't belong to
 * another, else by tag alone. */
static Belonging belongs(const SuProcessInfo *process, pid_t leader, int64_t start_ticks, Str tag, bool by_session) {
    if (process->start_ticks < start_ticks || process->pid == leader) {
        return IS_OTHERS;
    }
    if (by_session && (process->session == leader || process->group == leader)) {
        return IS_MEMBER;
    }
    if (tag.len == 0 || process->session == getsid(0)) {
        return IS_OTHERS;
    }
    Arena *scratch = arena_new();
    Str its_tag;
    SuTagAnswer answer = su_process_tag(scratch, process->pid, &its_tag);
    Belonging belonging = answer == SU_TAG_UNKNOWN ? MAY_BE_MEMBER : str_eq(its_tag, tag) ? IS_MEMBER : IS_OTHERS;
    arena_free(scratch);
    return belonging;
}

static bool is_live(const SuProcessInfo *process) {
    return process->state != 'Z' && process->state != 'X';
}

/* An orphan of a task: a child of ours in a session that is not ours, whose end nobody else waits for. */
static bool is_orphan(SuSupervisor *supervisor, const SuProcessInfo *process) {
    if (process->parent != getpid() || process->session == getsid(0)) {
        return false;
    }
    lock(supervisor);
    const Task *task = supervisor->tasks;
    while (task != NULL && task->pid != process->pid) {
        task = task->next;
    }
    unlock(supervisor);
    return task == NULL;
}

/* Reaps ended orphans. With spawning held: a process that was just spawned is in no list yet. */
static size_t list_and_reap(SuSupervisor *supervisor, Arena *scratch, const SuProcessInfo **ret_processes) {
    (void)pthread_mutex_lock(&supervisor->spawning);
    size_t count = su_process_list(scratch, ret_processes);
    for (size_t i = 0; i < count; i++) {
        const SuProcessInfo *process = &(*ret_processes)[i];
        if (!is_live(process) && is_orphan(supervisor, process)) {
            (void)waitpid(process->pid, NULL, WNOHANG);
        }
    }
    (void)pthread_mutex_unlock(&supervisor->spawning);
    return count;
}

static size_t signal_members(SuSupervisor *supervisor, const Task *task, int signal_number) {
    Arena *scratch = arena_new();
    const SuProcessInfo *all = NULL;
    size_t count = list_and_reap(supervisor, scratch, &all);
    Str tag = str_from_c(task->tag);
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_live(&all[i])) {
            continue;
        }
        Belonging belonging = belongs(&all[i], task->pid, task->start_ticks, tag, !task->is_adopted || tag.len == 0);
        members += belonging != IS_OTHERS;
        if (belonging == IS_MEMBER && signal_number != 0) {
            su_process_signal(&all[i], signal_number);
        }
    }
    arena_free(scratch);
    return members;
}

/* Ends orphans that dropped their environment, and with it the tag. Called when no task is left that they could belong to. The number of
 * those that were there, or may have been. */
static size_t end_strangers(SuSupervisor *supervisor) {
    Arena *scratch = arena_new();
    const SuProcessInfo *all = NULL;
    size_t ended = 0;
    (void)pthread_mutex_lock(&supervisor->spawning);
    size_t count = su_process_list(scratch, &all);
    for (size_t i = 0; i < count; i++) {
        if (!is_orphan(supervisor, &all[i])) {
            continue;
        }
        if (!is_live(&all[i])) {
            (void)waitpid(all[i].pid, NULL, WNOHANG);
            continue;
        }
        Str tag;
        SuTagAnswer answer = su_process_tag(scratch, all[i].pid, &tag);
        ended += answer != SU_TAG_FOUND;
        if (answer == SU_TAG_NONE) {
            su_process_signal(&all[i], SIGKILL);
        }
    }
    (void)pthread_mutex_unlock(&supervisor->spawning);
    arena_free(scratch);
    return ended;
}

static void sweep(SuSupervisor *supervisor, int64_t now) {
    siginfo_t info = {0};
    supervisor->sweep_at = now + SWEEP_MS;
    if (supervisor->sweeps_left > 0) {
        supervisor->sweeps_left--;
        lock(supervisor);
        bool is_alone = supervisor->tasks == NULL;
        unlock(supervisor);
        if (is_alone) {
            (void)end_strangers(supervisor); /* those that were becoming another program at the first look, too */
        }
    }
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        Arena *scratch = arena_new();
        const SuProcessInfo *all = NULL;
        (void)list_and_reap(supervisor, scratch, &all);
        arena_free(scratch);
    }
}

/* ---- the loop ---- */

static bool enter_callback(SuSupervisor *supervisor, Task *task) {
    lock(supervisor);
    bool may = !task->is_released;
    task->is_in_callback = may;
    unlock(supervisor);
    return may;
}

/* Whether the supervisor is ending. */
static bool leave_callback(SuSupervisor *supervisor, Task *task) {
    lock(supervisor);
    task->is_in_callback = false;
    announce(supervisor);
    bool is_ending = supervisor->is_ending;
    unlock(supervisor);
    return is_ending;
}

static void take_output(SuSupervisor *supervisor, Task *task, int which) {
    if (task->pipes[which] < 0 || task->is_held[which]) {
        return;
    }
    ssize_t got = read(task->pipes[which], supervisor->buffer, READ_SIZE);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        close_fd(&task->pipes[which]);
        return;
    }
    if (!enter_callback(supervisor, task)) {
        return;
    }
    bool goes_on = task->sink(task->self, which == ABOUT_STDERR, (Str){supervisor->buffer, (size_t)got});
    bool is_ending = leave_callback(supervisor, task);
    if (!goes_on && !is_ending) {
        task->is_held[which] = true;
        (void)epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, task->pipes[which], NULL);
    }
}

static void take_end(SuSupervisor *supervisor, Task *task) {
    siginfo_t info = {0};
    if (task->has_ended) {
        return;
    }
    /* WNOWAIT: as long as it is a zombie, nobody else gets its number, nor that of its group. */
    int code = waitid(P_PID, (id_t)task->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (code == 0 && info.si_pid != task->pid) {
        return;
    }
    /* Not our child: an adopted one, or one that somebody else reaped, which is a defect. */
    int unknown = task->is_adopted ? -1 : 128 + SIGKILL;
    int status = code != 0 ? unknown : info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    (void)epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, task->pidfd, NULL);
    lock(supervisor);
    task->has_ended = true;
    task->status = status;
    unlock(supervisor);
    task->look_at = now_ms();
    task->look_ms = FIRST_LOOK_MS;
}

static void resume(SuSupervisor *supervisor, Task *task, int64_t now) {
    for (int i = 0; i < 2; i++) {
        if (task->is_held[i] && task->pipes[i] >= 0) {
            task->is_held[i] = false;
            task->empty_at = task->empty_at > 0 ? now : 0;
            if (!watch(supervisor, task, task->pipes[i], (unsigned)i)) {
                close_fd(&task->pipes[i]); /* no memory in the kernel: rather end than hang */
            }
        }
    }
}

/* TERM first, KILL when the grace is over, until nothing is left. */
static void look_at_rest(SuSupervisor *supervisor, Task *task, int64_t now) {
    bool is_first = task->look_ms == FIRST_LOOK_MS;
    lock(supervisor);
    task->kill_at = task->kill_at > 0 ? task->kill_at : now + task->grace_ms;
    bool kills = now >= task->kill_at;
    unlock(supervisor);
    if (signal_members(supervisor, task, kills ? SIGKILL : is_first ? SIGTERM : 0) == 0) {
        task->is_empty = true;
        task->empty_at = now;
        return;
    }
    task->look_ms = task->look_ms * 2 < LAST_LOOK_MS ? task->look_ms * 2 : LAST_LOOK_MS;
    task->look_at = now + task->look_ms;
}

static void unlink_task(SuSupervisor *supervisor, Task *task) {
    Task **place = &supervisor->tasks;
    while (*place != task) {
        place = &(*place)->next;
    }
    *place = task->next;
}

static void remove_task(SuSupervisor *supervisor, Task *task) {
    lock(supervisor);
    unlink_task(supervisor, task);
    bool is_last = supervisor->tasks == NULL;
    announce(supervisor);
    unlock(supervisor);
    free_task(task);
    if (is_last) {
        (void)end_strangers(supervisor);
        supervisor->sweeps_left = LAST_SWEEPS;
        supervisor->sweep_at = now_ms() + LAST_LOOK_MS;
    }
}

static void finish(SuSupervisor *supervisor, Task *task) {
    lock(supervisor);
    int raw = 0;
    (void)waitpid(task->pid, &raw, WNOHANG); /* an adopted one is not ours to reap */
    unlock(supervisor);
    if (enter_callback(supervisor, task)) {
        SuExit exit = {.status = task->status, .was_stopped = task->was_stopped, .was_timed_out = task->was_timed_out};
        task->on_exit(task->self, &exit);
        (void)leave_callback(supervisor, task);
    }
    remove_task(supervisor, task);
}

static void end_pipes(SuSupervisor *supervisor, Task *task, int64_t now) {
    bool is_patient = now < task->empty_at + PIPE_PATIENCE_MS;
    for (int i = 0; i < 2; i++) {
        if (task->pipes[i] >= 0 && !task->is_held[i] && !is_patient) {
            close_fd(&task->pipes[i]);
        }
    }
    if (task->pipes[0] < 0 && task->pipes[1] < 0) {
        finish(supervisor, task);
    }
}

/* What is due for one task; it may be gone afterwards. */
static void settle_task(SuSupervisor *supervisor, Task *task, int64_t now) {
    lock(supervisor);
    bool is_released = task->is_released;
    bool wants_resume = task->wants_resume || supervisor->is_ending;
    task->wants_resume = false;
    if (supervisor->is_ending && !is_released && !task->has_ended && task->kill_at == 0) {
        task->was_stopped = true;
        begin_stop(task);
    }
    if (!task->has_ended && task->deadline_at > 0 && now >= task->deadline_at && !task->was_timed_out) {
        task->was_timed_out = task->kill_at == 0; /* else it was being stopped already */
        task->deadline_at = 0;
        begin_stop(task);
    }
    bool kills = !task->has_ended && task->kill_at > 0 && now >= task->kill_at;
    if (kills && !is_released) {
        signal_group(task, SIGKILL);
        task->kill_at = now + LAST_LOOK_MS; /* again, should it have forked meanwhile */
    }
    unlock(supervisor);
    if (is_released) {
        remove_task(supervisor, task);
        return;
    }
    if (wants_resume) {
        resume(supervisor, task, now);
    }
    if (kills) {
        (void)signal_members(supervisor, task, SIGKILL);
    }
    if (task->has_ended && !task->is_empty && now >= task->look_at) {
        look_at_rest(supervisor, task, now);
    }
    if (task->has_ended && task->is_empty) {
        end_pipes(supervisor, task, now);
    }
}

static void settle_timers(SuSupervisor *supervisor, int64_t now) {
    for (;;) {
        lock(supervisor);
        Timer *due = supervisor->timers;
        bool is_due = due != NULL && due->at <= now && !supervisor->is_ending;
        if (is_due) {
            supervisor->timers = due->next;
        }
        unlock(supervisor);
        if (!is_due) {
            return;
        }
        due->call(due->self);
        free(due);
    }
}

static void earlier(int64_t *next, int64_t at) {
    if (at > 0 && (*next == 0 || at < *next)) {
        *next = at;
    }
}

/* Milliseconds until something is due; -1: nothing. */
static int time_left(SuSupervisor *supervisor) {
    int64_t next = 0;
    lock(supervisor);
    if (supervisor->timers != NULL) {
        earlier(&next, supervisor->timers->at);
    }
    for (const Task *task = supervisor->tasks; task != NULL; task = task->next) {
        earlier(&next, task->has_ended ? 0 : task->deadline_at);
        earlier(&next, task->has_ended ? 0 : task->kill_at);
        earlier(&next, task->has_ended && !task->is_empty ? task->look_at : 0);
        bool waits = (task->pipes[0] >= 0 && !task->is_held[0]) || (task->pipes[1] >= 0 && !task->is_held[1]);
        earlier(&next, task->is_empty && waits ? task->empty_at + PIPE_PATIENCE_MS : 0);
    }
    earlier(&next, supervisor->tasks != NULL || supervisor->sweeps_left > 0 ? supervisor->sweep_at : 0);
    unlock(supervisor);
    int64_t left = next == 0 ? -1 : next - now_ms();
    return next == 0 ? -1 : left < 0 ? 0 : left > SWEEP_MS ? SWEEP_MS : (int)left;
}

/* false: the end was asked for, and no task is left. */
static bool settle(SuSupervisor *supervisor) {
    int64_t now = now_ms();
    settle_timers(supervisor, now);
    lock(supervisor);
    Task *task = supervisor->tasks;
    unlock(supervisor);
    /* Others only put tasks in front of the list. */
    while (task != NULL) {
        Task *next = task->next;
        settle_task(supervisor, task, now);
        task = next;
    }
    if (now >= supervisor->sweep_at) {
        sweep(supervisor, now);
    }
    lock(supervisor);
    bool goes_on = !supervisor->is_ending || supervisor->tasks != NULL;
    unlock(supervisor);
    return goes_on;
}

static void take_event(SuSupervisor *supervisor, uint64_t data) {
    uint64_t count = 0;
    if (data == 0) {
        ssize_t got = read(supervisor->wake_fd, &count, sizeof count);
        (void)got;
        return;
    }
    lock(supervisor);
    Task *task = find(supervisor, data >> ABOUT_BITS);
    unlock(supervisor);
    unsigned about = data & ABOUT_MASK;
    if (task != NULL && about == ABOUT_PROCESS) {
        take_end(supervisor, task);
    } else if (task != NULL) {
        take_output(supervisor, task, (int)about);
    }
}

static void *watch_all(void *argument) {
    SuSupervisor *supervisor = argument;
    struct epoll_event events[MAX_EVENTS];
    while (settle(supervisor)) {
        int count = epoll_wait(supervisor->epoll_fd, events, MAX_EVENTS, time_left(supervisor));
        for (int i = 0; i < count; i++) {
            take_event(supervisor, events[i].data.u64);
        }
    }
    for (int waited = 0; waited < LEFT_PATIENCE_MS && end_strangers(supervisor) > 0; waited += FIRST_LOOK_MS) {
        nap(FIRST_LOOK_MS);
    }
    return NULL;
}

/* ---- the supervisor ---- */

static bool open_fds(SuSupervisor *supervisor, Err *err) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    supervisor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    supervisor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = supervisor->epoll_fd >= 0 && supervisor->wake_fd >= 0 &&
              epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, supervisor->wake_fd, &event) == 0 &&
              getrandom(&supervisor->nonce, sizeof supervisor->nonce, 0) == (ssize_t)sizeof supervisor->nonce;
    return ok || err_set(err, ERR_INTERNAL, "cannot watch processes: %s", strerror(errno));
}

static void free_supervisor(SuSupervisor *supervisor) {
    while (supervisor->timers != NULL) {
        Timer *next = supervisor->timers->next;
        free(supervisor->timers);
        supervisor->timers = next;
    }
    close_fd(&supervisor->epoll_fd);
    close_fd(&supervisor->wake_fd);
    (void)pthread_cond_destroy(&supervisor->changed);
    (void)pthread_mutex_destroy(&supervisor->spawning);
    (void)pthread_mutex_destroy(&supervisor->mutex);
    free(supervisor->buffer);
    free(supervisor);
}

static void end_spawner(SuSupervisor *supervisor) {
    lock(supervisor);
    supervisor->spawner_ends = true;
    announce(supervisor);
    unlock(supervisor);
    (void)pthread_join(supervisor->spawner, NULL);
}

/* Without signals, so that the process's own thread gets them. */
static bool start_threads(SuSupervisor *supervisor, Err *err) {
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int code = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (code == 0) {
        code = pthread_create(&supervisor->spawner, NULL, spawn_all, supervisor);
        if (code == 0) {
            code = pthread_create(&supervisor->loop, NULL, watch_all, supervisor);
            if (code != 0) {
                end_spawner(supervisor);
            }
        }
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return code == 0 || err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(code));
}

SuSupervisor *su_supervisor_new(Err *err) {
    SuSupervisor *supervisor = calloc(1, sizeof *supervisor);
    if (supervisor == NULL || (supervisor->buffer = malloc(READ_SIZE)) == NULL) {
        abort();
    }
    supervisor->epoll_fd = supervisor->wake_fd = -1;
    if (pthread_mutex_init(&supervisor->mutex, NULL) != 0 || pthread_mutex_init(&supervisor->spawning, NULL) != 0 ||
        pthread_cond_init(&supervisor->changed, NULL) != 0) {
        abort();
    }
    if (!su_become_subreaper(err) || !open_fds(supervisor, err) || !start_threads(supervisor, err)) {
        free_supervisor(supervisor);
        return NULL;
    }
    return supervisor;
}

void su_supervisor_free(SuSupervisor *owned_supervisor) {
    if (owned_supervisor == NULL) {
        return;
    }
    lock(owned_supervisor);
    owned_supervisor->is_ending = true;
    unlock(owned_supervisor);
    wake(owned_supervisor);
    (void)pthread_join(owned_supervisor->loop, NULL);
    end_spawner(owned_supervisor);
    free_supervisor(owned_supervisor);
}

/* ---- what an earlier server left ---- */

/* Signals what is left of a task; the number of processes. */
static size_t signal_stale(const SuIdentity *identity, bool is_leader_there, Str *tag, Arena *arena, int signal_number) {
    Arena *scratch = arena_new();
    const SuProcessInfo *all = NULL;
    size_t count = su_process_list(scratch, &all);
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        const SuProcessInfo *process = &all[i];
        bool is_leader = is_leader_there && process->pid == identity->pid && process->start_ticks == identity->start_ticks;
        bool in_session = process->session == identity->pid || process->group == identity->pid;
        /* With the leader gone its number may be another's: then what is in its group must carry a tag to be one of ours. */
        if (!is_leader_there && tag->len == 0 && in_session && process->start_ticks >= identity->start_ticks) {
            *tag = tag_of(arena, process->pid);
        }
        if (!is_live(process)) {
            continue;
        }
        Belonging belonging = is_leader ? IS_MEMBER : belongs(process, identity->pid, identity->start_ticks, *tag, is_leader_there);
        left += belonging != IS_OTHERS;
        if (belonging == IS_MEMBER && signal_number != 0) {
            su_process_signal(process, signal_number);
        }
    }
    arena_free(scratch);
    return left;
}

void su_end_stale(const SuIdentity *identity, int grace_ms) {
    SuProcessInfo info;
    bool is_there = identity->pid > 1 && su_process_info(identity->pid, &info);
    if (identity->pid <= 1 || (is_there && info.start_ticks != identity->start_ticks)) {
        return;
    }
    Arena *arena = arena_new();
    Str tag = is_there ? tag_of(arena, identity->pid) : STR("");
    int64_t kill_at = now_ms() + grace_ms;
    int64_t give_up_at = kill_at + LEFT_PATIENCE_MS;
    int signal_number = SIGTERM;
    int pause = FIRST_LOOK_MS;
    for (;;) {
        int64_t now = now_ms();
        signal_number = now >= kill_at ? SIGKILL : signal_number;
        if (signal_stale(identity, is_there, &tag, arena, signal_number) == 0 || now >= give_up_at) {
            break;
        }
        signal_number = 0;
        nap(pause);
        pause = pause * 2 < LAST_LOOK_MS ? pause * 2 : LAST_LOOK_MS;
    }
    arena_free(arena);
}
