/* process.c - see process.h. */
#include "supervise/process.h"

#include "supervise/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The extra variables, then those of the parent that they do not replace. */
static char **build_environment(Arena *arena, const char *const *extra) {
    size_t nextra = 0;
    size_t ninherited = 0;
    while (extra != NULL && extra[nextra] != NULL) {
        nextra++;
    }
    while (environ[ninherited] != NULL) {
        ninherited++;
    }
    char **env = ARENA_ARRAY(arena, char *, nextra + ninherited + 1);
    size_t count = 0;
    for (size_t i = 0; i < nextra; i++) {
        env[count++] = arena_strdup(arena, extra[i]);
    }
    for (size_t i = 0; i < ninherited; i++) {
        const char *end = strchr(environ[i], '=');
        size_t name_len = end == NULL ? strlen(environ[i]) : (size_t)(end - environ[i]) + 1;
        bool is_replaced = false;
        for (size_t j = 0; j < nextra && !is_replaced; j++) {
            is_replaced = strncmp(extra[j], environ[i], name_len) == 0;
        }
        if (!is_replaced) {
            env[count++] = environ[i];
        }
    }
    return env;
}

static int add_fds(posix_spawn_file_actions_t *actions, const SuCommand *command) {
    int code = command->stdin_fd < 0 ? posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
                                     : posix_spawn_file_actions_adddup2(actions, command->stdin_fd, 0);
    if (code == 0 && command->stdout_fd >= 0) {
        code = posix_spawn_file_actions_adddup2(actions, command->stdout_fd, 1);
    }
    if (code == 0 && command->stderr_fd >= 0) {
        code = posix_spawn_file_actions_adddup2(actions, command->stderr_fd, 2);
    }
    return code;
}

static int set_attributes(posix_spawnattr_t *attributes, bool own_session) {
    sigset_t none;
    sigset_t defaults;
    if (sigemptyset(&none) != 0 || sigemptyset(&defaults) != 0 || sigaddset(&defaults, SIGINT) != 0 ||
        sigaddset(&defaults, SIGTERM) != 0 || sigaddset(&defaults, SIGPIPE) != 0 || sigaddset(&defaults, SIGCHLD) != 0) {
        return errno;
    }
    /* A session's leader leads a group as well; asking for both fails. */
    short kind = own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    int code = posix_spawnattr_setflags(attributes, (short)(kind | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    code = code != 0 ? code : posix_spawnattr_setpgroup(attributes, 0);
    code = code != 0 ? code : posix_spawnattr_setsigmask(attributes, &none);
    return code != 0 ? code : posix_spawnattr_setsigdefault(attributes, &defaults);
}

static bool start(const SuCommand *command, const char *working_directory, bool own_session, SuProcess *ret_process, Err *err) {
    *ret_process = (SuProcess){.pidfd = -1};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot prepare a process");
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return err_set(err, ERR_INTERNAL, "cannot prepare a process");
    }
    Arena *scratch = arena_new();
    pid_t pid = 0;
    int code = add_fds(&actions, command);
    code = code != 0 || working_directory == NULL ? code : posix_spawn_file_actions_addchdir_np(&actions, working_directory);
    code = code != 0 ? code : set_attributes(&attributes, own_session);
    code = code != 0 ? code
                     : posix_spawnp(&pid, command->argv[0], &actions, &attributes, (char *const *)command->argv,
                                    build_environment(scratch, command->extra_env));
    arena_free(scratch);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
        return err_set(err, ERR_IO, "cannot start %s%s%s: %s", command->argv[0], working_directory != NULL ? " in " : "",
                       working_directory != NULL ? working_directory : "", strerror(code));
    }
    ret_process->pid = pid;
    ret_process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (ret_process->pidfd < 0) {
        (void)err_set(err, ERR_IO, "cannot watch process %d: %s", (int)pid, strerror(errno));
        (void)su_end(ret_process, 0);
        return false;
    }
    return true;
}

bool su_start(const SuCommand *command, SuProcess *ret_process, Err *err) {
    return start(command, NULL, false, ret_process, err);
}

bool su_start_session(const SuCommand *command, const char *working_directory, SuProcess *ret_process, Err *err) {
    return start(command, working_directory, true, ret_process, err);
}

static bool reap(SuProcess *process, int options, int *ret_status) {
    int raw = 0;
    pid_t reaped;
    do {
        reaped = waitpid(process->pid, &raw, options);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) {
        return false;
    }
    /* reaped < 0: not our child any more; report it as killed rather than wait for ever. */
    *ret_status = reaped < 0 ? 128 + SIGKILL : WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    if (process->pidfd >= 0) {
        (void)close(process->pidfd);
    }
    process->pid = 0;
    process->pidfd = -1;
    return true;
}

bool su_try_wait(SuProcess *process, int *ret_status) {
    return process->pid == 0 || reap(process, WNOHANG, ret_status);
}

void su_signal(const SuProcess *process, int signal_number) {
    if (process->pid > 0) {
        (void)kill(-process->pid, signal_number); /* ESRCH: gone already */
    }
}

int su_end(SuProcess *process, int grace_ms) {
    int status = 0;
    if (process->pid == 0) {
        return status;
    }
    pid_t group = process->pid;
    su_signal(process, grace_ms > 0 ? SIGTERM : SIGKILL);
    if (grace_ms > 0 && process->pidfd >= 0) {
        struct pollfd watched = {.fd = process->pidfd, .events = POLLIN};
        (void)poll(&watched, 1, grace_ms);
    }
    /* The leader may have gone and left others of its group behind. */
    (void)kill(-group, SIGKILL);
    (void)reap(process, 0, &status);
    return status;
}

bool su_become(const char *const *argv, const char *const *extra_env, Err *err) {
    Arena *scratch = arena_new();
    (void)execvpe(argv[0], (char *const *)argv, build_environment(scratch, extra_env));
    (void)err_set(err, ERR_IO, "cannot start %s: %s", argv[0], strerror(errno));
    arena_free(scratch);
    return false;
}

bool su_become_subreaper(Err *err) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot become subreaper: %s", strerror(errno));
    }
    return true;
}

static int kill_children(void) {
    Arena *scratch = arena_new();
    const SuProcessInfo *all = NULL;
    size_t count = su_process_list(scratch, &all);
    int killed = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].parent == getpid()) {
            (void)kill(all[i].pid, SIGKILL);
            killed++;
        }
    }
    arena_free(scratch);
    return killed;
}

int su_end_orphans(void) {
    int ended = 0;
    /* Killing a process hands its children to us: go on until none is left. */
    while (kill_children() > 0) {
        pid_t reaped;
        do {
            reaped = waitpid(-1, NULL, 0);
        } while (reaped < 0 && errno == EINTR);
        if (reaped < 0) {
            break;
        }
        ended++;
    }
    return ended;
}
