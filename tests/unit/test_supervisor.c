/* tsan */
/* test_supervisor.c - tasks under real processes: how they end, what they start, what they print, and what an earlier server left. */
#include "supervise/process_table.h"
#include "supervise/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What one task did. */
typedef struct Watcher {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool has_ended;
    SuExit exit;
    int ends;
    size_t bytes[2];
    char text[2][4096]; /* the first bytes of each stream */
    bool holds;         /* the sink says no each time */
    int calls;
} Watcher;

typedef struct Fixture {
    SuSupervisor *supervisor;
    Err err;
} Fixture;

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->supervisor = su_supervisor_new(&fixture->err);
    assert_non_null(fixture->supervisor);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    su_supervisor_free(fixture->supervisor);
    free(fixture);
    /* Nothing that any task started is left. */
    siginfo_t info = {0};
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    return 0;
}

static void watcher_init(Watcher *watcher) {
    memset(watcher, 0, sizeof *watcher);
    assert_int_equal(pthread_mutex_init(&watcher->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&watcher->changed, NULL), 0);
}

static bool sink(void *self, bool is_stderr, Str bytes) {
    Watcher *watcher = self;
    pthread_mutex_lock(&watcher->mutex);
    size_t have = watcher->bytes[is_stderr];
    size_t room = have < sizeof watcher->text[0] - 1 ? sizeof watcher->text[0] - 1 - have : 0;
    memcpy(watcher->text[is_stderr] + have - (room == 0 ? have : 0), bytes.data, bytes.len < room ? bytes.len : room);
    watcher->bytes[is_stderr] += bytes.len;
    watcher->calls++;
    bool goes_on = !watcher->holds;
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->mutex);
    return goes_on;
}

static void on_exit_of(void *self, const SuExit *exit) {
    Watcher *watcher = self;
    pthread_mutex_lock(&watcher->mutex);
    watcher->has_ended = true;
    watcher->ends++;
    watcher->exit = *exit;
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->mutex);
}

static SuExit wait_for_end(Watcher *watcher) {
    pthread_mutex_lock(&watcher->mutex);
    while (!watcher->has_ended) {
        pthread_cond_wait(&watcher->changed, &watcher->mutex);
    }
    SuExit exit = watcher->exit;
    assert_int_equal(watcher->ends, 1);
    pthread_mutex_unlock(&watcher->mutex);
    return exit;
}

static void wait_for_bytes(Watcher *watcher, int stream, size_t bytes) {
    pthread_mutex_lock(&watcher->mutex);
    while (watcher->bytes[stream] < bytes && !watcher->has_ended) {
        pthread_cond_wait(&watcher->changed, &watcher->mutex);
    }
    assert_true(watcher->bytes[stream] >= bytes);
    pthread_mutex_unlock(&watcher->mutex);
}

static SuTaskSpec spec_of(Watcher *watcher, const char *const *argv) {
    watcher_init(watcher);
    return (SuTaskSpec){.command = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1},
                        .grace_ms = 5000,
                        .sink = sink,
                        .on_exit = on_exit_of,
                        .self = watcher};
}

static SuTaskId start_spec(Fixture *fixture, const SuTaskSpec *spec, SuIdentity *ret_identity) {
    SuTaskId task = su_task_start(fixture->supervisor, spec, ret_identity, &fixture->err);
    if (task == 0) {
        fail_msg("%s", fixture->err.message);
    }
    return task;
}

static SuTaskId start(Fixture *fixture, Watcher *watcher, const char *script, SuIdentity *ret_identity) {
    const char *argv[] = {"bash", "-c", script, NULL};
    SuTaskSpec spec = spec_of(watcher, argv);
    return start_spec(fixture, &spec, ret_identity);
}

static SuExit run(Fixture *fixture, Watcher *watcher, const char *script) {
    (void)start(fixture, watcher, script, NULL);
    return wait_for_end(watcher);
}

static bool is_gone(int64_t pid) {
    SuProcessInfo info;
    return !su_process_info((pid_t)pid, &info) || info.state == 'Z';
}

static int64_t number(const char *text) {
    int64_t value = 0;
    assert_true(str_to_i64(str_trim(str_from_c(text)), &value));
    return value;
}

static double seconds(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_status_output_environment(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const char *argv[] = {"bash", "-c", "pwd; echo \"$GREETING\"; echo wrong >&2; exit 3", NULL};
    const char *env[] = {"GREETING=hello", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.command.extra_env = env;
    spec.working_directory = "/usr";
    SuIdentity identity = {0};
    (void)start_spec(fixture, &spec, &identity);
    SuExit exit = wait_for_end(&watcher);
    assert_int_equal(exit.status, 3);
    assert_false(exit.was_stopped || exit.was_timed_out);
    assert_string_equal(watcher.text[0], "/usr\nhello\n");
    assert_string_equal(watcher.text[1], "wrong\n");
    assert_true(identity.pid > 1 && identity.start_ticks > 0);
    assert_int_equal(run(fixture, &watcher, "true").status, 0);
    assert_int_equal(run(fixture, &watcher, "kill -SEGV $$").status, 128 + SIGSEGV);
}

static void test_missing_program(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const char *argv[] = {"/nonexistent/program", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    Err err = {0};
    assert_int_equal(su_task_start(fixture->supervisor, &spec, NULL, &err), 0);
    assert_non_null(strstr(err.message, "/nonexistent/program"));
    const char *shell[] = {"true", NULL};
    spec.command.argv = shell;
    spec.working_directory = "/nonexistent";
    err_clear(&err);
    assert_int_equal(su_task_start(fixture->supervisor, &spec, NULL, &err), 0);
    assert_int_equal(watcher.ends, 0);
}

static void test_bytes_pass_unchanged(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    assert_int_equal(run(fixture, &watcher, "printf '\\377\\000\\303x'; printf no-line-end >&2").status, 0);
    assert_int_equal(watcher.bytes[0], 4);
    assert_memory_equal(watcher.text[0], "\377\000\303x", 4);
    assert_string_equal(watcher.text[1], "no-line-end");
}

/* Children in the background, in a session of their own, orphaned twice: all end with the task that started them, and not before. */
static void test_children_end_with_it(void **state) {
    Fixture *fixture = *state;
    static const char *const LEAVE_BEHIND[] = {
        "sleep 1000 >/dev/null 2>&1 & echo $!",
        "sleep 1000 & echo $!", /* keeps the pipes open */
        "setsid bash -c 'echo $$; exec sleep 1000' & wait_for=1; sleep 0.2",
        "(setsid bash -c 'echo $$; exec sleep 1000' &) ; sleep 0.2",
        "(setsid bash -c '(bash -c \"echo \\$\\$; exec sleep 1000\" &)' &) ; sleep 0.2",
        "set -m; sleep 1000 & echo $!",
        "trap '' TERM; setsid sleep 1000 & echo $!; sleep 0.2",
        "env -u SOLDER_TASK sleep 1000 & echo $!",
    };
    for (size_t i = 0; i < sizeof LEAVE_BEHIND / sizeof LEAVE_BEHIND[0]; i++) {
        Watcher watcher;
        const char *argv[] = {"bash", "-c", LEAVE_BEHIND[i], NULL};
        SuTaskSpec spec = spec_of(&watcher, argv);
        spec.grace_ms = 200;
        (void)start_spec(fixture, &spec, NULL);
        assert_int_equal(wait_for_end(&watcher).status, 0);
        assert_true(is_gone(number(watcher.text[0])));
    }
}

/* One that dropped its tag and left the session can't be told from another task's: it ends when no task is left. */
static void test_stranger_ends_with_the_last_task(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    assert_int_equal(run(fixture, &watcher, "(env -i setsid bash -c 'echo $$; exec sleep 1000' </dev/null 2>/dev/null &) ; sleep 0.2").status, 0);
    int64_t pid = number(watcher.text[0]);
    double since = seconds();
    while (!is_gone(pid) && seconds() - since < 10) {
        (void)poll(NULL, 0, 5);
    }
    assert_true(is_gone(pid));
}

static void test_other_tasks_stay(void **state) {
    Fixture *fixture = *state;
    Watcher stays;
    Watcher ends;
    SuTaskId id = start(fixture, &stays, "(setsid bash -c 'echo $$; exec sleep 1000' &) ; exec sleep 1000", NULL);
    wait_for_bytes(&stays, 0, 2);
    assert_int_equal(run(fixture, &ends, "(setsid sleep 1000 &) ; exit 1").status, 1);
    assert_false(is_gone(number(stays.text[0])));
    su_task_stop(fixture->supervisor, id);
    assert_true(wait_for_end(&stays).was_stopped);
    assert_true(is_gone(number(stays.text[0])));
}

static void test_stop_is_term_then_kill(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    SuTaskId id = start(fixture, &watcher, "trap 'echo cleaned; exit 7' TERM; echo ready; while :; do sleep 0.05; done", NULL);
    wait_for_bytes(&watcher, 0, 6);
    su_task_stop(fixture->supervisor, id);
    SuExit exit = wait_for_end(&watcher);
    assert_int_equal(exit.status, 7);
    assert_true(exit.was_stopped);
    assert_string_equal(watcher.text[0], "ready\ncleaned\n");

    const char *argv[] = {"bash", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.grace_ms = 100;
    id = start_spec(fixture, &spec, NULL);
    wait_for_bytes(&watcher, 0, 6);
    double since = seconds();
    su_task_stop(fixture->supervisor, id);
    su_task_stop(fixture->supervisor, id);
    exit = wait_for_end(&watcher);
    assert_int_equal(exit.status, 128 + SIGKILL);
    assert_true(exit.was_stopped && !exit.was_timed_out);
    assert_true(seconds() - since >= 0.1);
    su_task_stop(fixture->supervisor, id); /* gone: nothing happens */
    su_task_signal(fixture->supervisor, id, SIGKILL);
}

static void test_signal(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    SuTaskId id = start(fixture, &watcher, "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done", NULL);
    wait_for_bytes(&watcher, 0, 6);
    su_task_signal(fixture->supervisor, id, SIGUSR1);
    SuExit exit = wait_for_end(&watcher);
    assert_int_equal(exit.status, 9);
    assert_false(exit.was_stopped);
}

static void test_deadline(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const char *argv[] = {"sleep", "1000", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.deadline_ms = 150;
    double since = seconds();
    (void)start_spec(fixture, &spec, NULL);
    SuExit exit = wait_for_end(&watcher);
    assert_true(exit.was_timed_out && !exit.was_stopped);
    assert_int_equal(exit.status, 128 + SIGTERM);
    assert_true(seconds() - since >= 0.15);
}

static void test_limits(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    /* The limits come right behind the start: the script waits for them before it looks. */
    const char *argv[] = {"bash", "-c", "while [ \"$(ulimit -n)\" != 77 ]; do sleep 0.01; done; ulimit -f; ulimit -v", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.limits = (SuLimits){.memory_bytes = INT64_C(4) << 30, .open_files = 77, .file_bytes = 1 << 20};
    (void)start_spec(fixture, &spec, NULL);
    assert_int_equal(wait_for_end(&watcher).status, 0);
    assert_string_equal(watcher.text[0], "1024\n4194304\n");
}

static long resident_kb(void) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* 200 MB into a sink that says no after each read: the writer waits, nothing is lost, memory does not grow. */
static void test_back_pressure(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const size_t total = 200000000;
    const char *argv[] = {"head", "-c", "200000000", "/dev/zero", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    watcher.holds = true;
    SuIdentity identity;
    SuTaskId id = start_spec(fixture, &spec, &identity);
    wait_for_bytes(&watcher, 0, 1);
    (void)poll(NULL, 0, 100);
    pthread_mutex_lock(&watcher.mutex);
    assert_int_equal(watcher.calls, 1); /* held */
    pthread_mutex_unlock(&watcher.mutex);
    assert_false(is_gone(identity.pid));
    long before = resident_kb();
    pthread_mutex_lock(&watcher.mutex);
    while (!watcher.has_ended) {
        int calls = watcher.calls;
        pthread_mutex_unlock(&watcher.mutex);
        su_resume(fixture->supervisor, id);
        pthread_mutex_lock(&watcher.mutex);
        while (!watcher.has_ended && watcher.calls == calls && watcher.bytes[0] < total) {
            pthread_cond_wait(&watcher.changed, &watcher.mutex);
        }
    }
    pthread_mutex_unlock(&watcher.mutex);
    assert_int_equal(wait_for_end(&watcher).status, 0);
    assert_int_equal(watcher.bytes[0], total);
    assert_true(resident_kb() - before < 20000);
}

static void test_many_at_once(void **state) {
    Fixture *fixture = *state;
    enum { COUNT = 40 };
    Watcher *watchers = calloc(COUNT, sizeof *watchers);
    assert_non_null(watchers);
    for (int i = 0; i < COUNT; i++) {
        (void)start(fixture, &watchers[i], i % 2 == 0 ? "echo a; exit 4" : "echo b >&2; (setsid sleep 1000 >/dev/null 2>&1 &); exit 5", NULL);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(wait_for_end(&watchers[i]).status, i % 2 == 0 ? 4 : 5);
        assert_int_equal(watchers[i].bytes[i % 2], 2);
    }
    free(watchers);
}

typedef struct Chain {
    Fixture *fixture;
    Watcher watcher; /* of the last task */
} Chain;

static void start_chained(Chain *chain, const char *script, void (*on_exit)(void *self, const SuExit *exit)) {
    const char *argv[] = {"bash", "-c", script, NULL};
    SuTaskSpec spec = {.command = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1}, .on_exit = on_exit, .self = chain};
    (void)start_spec(chain->fixture, &spec, NULL);
}

static void second_ended(void *self, const SuExit *exit) {
    on_exit_of(&((Chain *)self)->watcher, exit);
}

static void first_ended(void *self, const SuExit *exit) {
    assert_int_equal(exit->status, 4);
    start_chained(self, "exit 6", second_ended);
}

static void start_later(void *self) {
    start_chained(self, "exit 4", first_ended);
}

/* A timer starts a task whose end starts another. */
static void test_callbacks_may_start(void **state) {
    Chain chain = {.fixture = *state};
    watcher_init(&chain.watcher);
    su_after(chain.fixture->supervisor, 50, start_later, &chain);
    assert_int_equal(wait_for_end(&chain.watcher).status, 6);
}

static void test_released_task_outlives(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const char *argv[] = {"bash", "-c", "(setsid sleep 1000 &); exec sleep 1000", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.sink = NULL;
    SuIdentity identity;
    SuTaskId id = start_spec(fixture, &spec, &identity);
    su_task_release(fixture->supervisor, id);
    su_supervisor_free(fixture->supervisor);
    fixture->supervisor = NULL;
    assert_false(is_gone(identity.pid));
    assert_int_equal(watcher.ends, 0);
    fixture->supervisor = su_supervisor_new(&fixture->err);
    assert_non_null(fixture->supervisor);

    SuIdentity wrong = identity;
    wrong.start_ticks++;
    spec = spec_of(&watcher, argv);
    assert_false(su_task_adopt(fixture->supervisor, &wrong, &spec, &id));
    su_end_stale(&wrong, 0);
    assert_false(is_gone(identity.pid));
    assert_true(su_task_adopt(fixture->supervisor, &identity, &spec, &id));
    su_task_stop(fixture->supervisor, id);
    assert_true(wait_for_end(&watcher).was_stopped);
    assert_true(is_gone(identity.pid));
    assert_false(su_task_adopt(fixture->supervisor, &identity, &spec, &id));
}

static void test_end_of_supervisor_ends_tasks(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    const char *argv[] = {"bash", "-c", "trap '' TERM; (setsid sleep 1000 &); head -c 300000 /dev/zero; echo; while :; do sleep 0.05; done", NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.grace_ms = 100;
    watcher.holds = true;
    SuIdentity identity;
    (void)start_spec(fixture, &spec, &identity);
    wait_for_bytes(&watcher, 0, 1);
    su_supervisor_free(fixture->supervisor);
    fixture->supervisor = NULL;
    assert_true(watcher.has_ended && watcher.exit.was_stopped);
    assert_true(is_gone(identity.pid));
    fixture->supervisor = su_supervisor_new(&fixture->err);
    assert_non_null(fixture->supervisor);
}

/* A process that becomes another program all the time has no environment to look at for moments: it is neither missed nor taken for a stranger. */
static void test_exec_in_a_loop(void **state) {
    Fixture *fixture = *state;
    Watcher watcher;
    Watcher other;
    char path[] = "/tmp/solder-loop-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n[ -n \"$SAID\" ] || echo $$\nexport SAID=1\nexec %s\n", path) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(close(fd), 0);
    char leave[128];
    (void)snprintf(leave, sizeof leave, "(setsid %s &) ; sleep 0.05", path);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(run(fixture, &watcher, leave).status, 0);
        assert_true(is_gone(number(watcher.text[0])));
    }
    int devnull = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(devnull >= 0);
    const char *argv[] = {path, NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.sink = NULL;
    spec.command.stdout_fd = devnull;
    SuIdentity identity;
    SuTaskId id = start_spec(fixture, &spec, &identity);
    su_task_release(fixture->supervisor, id);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(run(fixture, &other, "exit 0").status, 0);
        assert_false(is_gone(identity.pid));
    }
    su_end_stale(&identity, 0);
    assert_true(is_gone(identity.pid));
    assert_int_equal(close(devnull), 0);
    assert_int_equal(unlink(path), 0);
}

/* An earlier server: a process with a supervisor that is killed. It tells the identity and the pids of two descendants. */
static pid_t start_earlier_server(const char *script, int *ret_fd) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Err err = {0};
    const char *argv[] = {"/proc/self/exe", script, NULL};
    SuCommand command = {.argv = argv, .stdin_fd = -1, .stdout_fd = ends[1], .stderr_fd = -1};
    SuProcess server;
    assert_true(su_start(&command, &server, &err));
    assert_int_equal(close(server.pidfd), 0);
    assert_int_equal(close(ends[1]), 0);
    *ret_fd = ends[0];
    return server.pid;
}

static int be_earlier_server(const char *script) {
    Err err = {0};
    SuSupervisor *supervisor = su_supervisor_new(&err);
    Watcher watcher;
    const char *argv[] = {"bash", "-c", script, NULL};
    SuTaskSpec spec = spec_of(&watcher, argv);
    spec.sink = NULL;
    SuIdentity identity;
    if (supervisor == NULL || su_task_start(supervisor, &spec, &identity, &err) == 0) {
        return 1;
    }
    (void)printf("%d %lld\n", (int)identity.pid, (long long)identity.start_ticks);
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}

static void check_stale(const char *script, int lines) {
    int fd = -1;
    pid_t server = start_earlier_server(script, &fd);
    FILE *in = fdopen(fd, "r");
    assert_non_null(in);
    SuIdentity identity = {0};
    long others[8];
    int nothers = 0;
    for (int i = 0; i < lines; i++) {
        char line[128];
        long long first = 0;
        long long second = 0;
        assert_non_null(fgets(line, sizeof line, in));
        if (sscanf(line, "%lld %lld", &first, &second) == 2) {
            identity = (SuIdentity){.pid = (pid_t)first, .start_ticks = second};
        } else {
            others[nothers++] = (long)first;
        }
    }
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    for (int i = 0; i < nothers; i++) {
        assert_false(is_gone(others[i]));
    }
    su_end_stale(&identity, 100);
    assert_true(is_gone(identity.pid));
    for (int i = 0; i < nothers; i++) {
        assert_true(is_gone(others[i]));
    }
    (void)fclose(in);
    /* This process is a subreaper: what the earlier server left became its children. */
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void test_stale(void **state) {
    (void)state;
    check_stale("trap '' TERM; (setsid bash -c 'echo $$; exec sleep 1000' &); sleep 1000 & echo $!; while :; do sleep 0.05; done", 3);
    /* The process itself has ended; what it left in its group and elsewhere is found by the tag. (A supervisor that lives ends it: a grace of 5
     * seconds is far from over.) */
    check_stale("trap '' TERM; sleep 1000 & echo $!; setsid sleep 1000 & echo $!; sleep 0.2; exit 0", 3);
    SuIdentity none = {0};
    su_end_stale(&none, 0);
    su_end_stale(&(SuIdentity){.pid = getpid(), .start_ticks = 1}, 0);
}

/* PR_SET_PDEATHSIG comes when the parent thread ends: the thread that calls su_task_start may end before the task. */
static void *start_on_thread(void *argument) {
    Chain *chain = argument;
    const char *argv[] = {"python3", "-c",
                          "import ctypes, signal, time, sys\n"
                          "ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
                          "print('ready', flush=True)\n"
                          "time.sleep(0.5)\n"
                          "sys.exit(8)",
                          NULL};
    SuTaskSpec spec = spec_of(&chain->watcher, argv);
    (void)start_spec(chain->fixture, &spec, NULL);
    wait_for_bytes(&chain->watcher, 0, 6);
    return NULL;
}

static void test_parent_thread_lives_on(void **state) {
    Chain chain = {.fixture = *state};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, start_on_thread, &chain), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wait_for_end(&chain.watcher).status, 8);
}

int main(int argc, char **argv) {
    if (argc == 2) {
        return be_earlier_server(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_status_output_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_pass_unchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_children_end_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stranger_ends_with_the_last_task, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_tasks_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_is_term_then_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callbacks_may_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_released_task_outlives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exec_in_a_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_supervisor_ends_tasks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parent_thread_lives_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
