/* test_process.c - supervise/: children start, are watched, end with all that they started. */
#include "supervise/process.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static SuProcess start(const char *script, int stdout_fd) {
    Err err = {0};
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *env[] = {"GREETING=hello", NULL};
    SuCommand command = {.argv = argv, .extra_env = env, .stdin_fd = -1, .stdout_fd = stdout_fd, .stderr_fd = -1};
    SuProcess process;
    assert_true(su_start(&command, &process, &err));
    return process;
}

static int wait_for(SuProcess *process) {
    struct pollfd watched = {.fd = process->pidfd, .events = POLLIN};
    int status = -1;
    assert_int_equal(poll(&watched, 1, -1), 1);
    assert_true(su_try_wait(process, &status));
    return status;
}

static void test_status_and_environment(void **state) {
    (void)state;
    int out[2];
    char text[32] = "";
    assert_int_equal(pipe(out), 0);
    SuProcess process = start("printf %s \"$GREETING\"; exit 3", out[1]);
    assert_int_equal(close(out[1]), 0);
    assert_int_equal(wait_for(&process), 3);
    assert_int_equal(read(out[0], text, sizeof text - 1), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(close(out[0]), 0);
    process = start("kill -SEGV $$", -1);
    assert_int_equal(wait_for(&process), 128 + SIGSEGV);
}

static void test_missing_program(void **state) {
    (void)state;
    Err err = {0};
    const char *argv[] = {"/nonexistent/program", NULL};
    SuCommand command = {.argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
    SuProcess process;
    assert_false(su_start(&command, &process, &err));
    assert_non_null(strstr(err.message, "/nonexistent/program"));
}

/* A child that ignores TERM, with a child of its own: both are gone. The pipe closes only when every holder has ended. */
static void test_end_takes_the_group(void **state) {
    (void)state;
    int out[2];
    char byte;
    assert_int_equal(pipe(out), 0);
    SuProcess process = start("trap '' TERM; sleep 1000 & echo ready; while :; do sleep 1; done", out[1]);
    assert_int_equal(close(out[1]), 0);
    char ready[8];
    assert_true(read(out[0], ready, sizeof ready) > 0);
    assert_int_equal(su_end(&process, 50), 128 + SIGKILL);
    assert_int_equal(process.pid, 0);
    assert_int_equal(read(out[0], &byte, 1), 0);
    assert_int_equal(close(out[0]), 0);
}

static void test_orphans_end(void **state) {
    (void)state;
    Err err = {0};
    int out[2];
    char byte;
    assert_true(su_become_subreaper(&err));
    assert_int_equal(pipe(out), 0);
    /* setsid: out of the group, as a daemon would. */
    SuProcess process = start("setsid sleep 1000 & exit 0", out[1]);
    assert_int_equal(close(out[1]), 0);
    assert_int_equal(wait_for(&process), 0);
    assert_true(su_end_orphans() >= 1);
    assert_int_equal(read(out[0], &byte, 1), 0);
    assert_int_equal(close(out[0]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_status_and_environment), cmocka_unit_test(test_missing_program),
                                       cmocka_unit_test(test_end_takes_the_group), cmocka_unit_test(test_orphans_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
