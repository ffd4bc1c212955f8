/* test_emr.c - EMR without processes: what spark-submit's words become, how much of the machine a cluster gets, marked processes. */
#include "service/emr_submit.h"
#include "service/emr_types.h"
#include "supervise/marked.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static Str no_setting(void *self, Str name) {
    const char *wanted = self;
    return wanted != NULL && str_eq_c(name, wanted) ? STR("-Da=b \"-Dc=d e\"") : STR("");
}

static bool fetch(void *self, Str uri, Str *ret_path, Err *err) {
    (void)self;
    if (str_ends_with(uri, STR("missing"))) {
        return err_set(err, "NoSuchKey", "%.*s does not exist", STR_ARG(uri));
    }
    *ret_path = str_slice(uri, str_starts_with(uri, STR("s3:")) ? 4 : 5, uri.len); /* s3://b/k: //b/k */
    return true;
}

static EmSubmit plan(Arena *arena, const char *setting, const char *const *words, Err *err, bool *ret_ok) {
    Str list[32];
    size_t count = 0;
    for (; words[count] != NULL; count++) {
        list[count] = str_from_c(words[count]);
    }
    EmSubmitContext context = {.arena = arena,
                               .master_url = STR("spark://m:1"),
                               .worker_cores = 2,
                               .worker_memory_mib = 2048,
                               .driver_memory_limit_mib = 4096,
                               .setting = no_setting,
                               .fetch = fetch,
                               .self = (void *)setting};
    EmSubmit submit;
    *ret_ok = em_plan_submit(&context, list, count, &submit, err);
    return submit;
}

static void check(const char *const *words, const char *const *expected) {
    Arena *arena = arena_new();
    Err err = {0};
    bool ok = false;
    EmSubmit submit = plan(arena, NULL, words, &err, &ok);
    assert_true(ok);
    assert_false(submit.needs_launcher);
    size_t i = 0;
    for (; expected[i] != NULL; i++) {
        assert_non_null(submit.arguments[i]);
        assert_string_equal(submit.arguments[i], expected[i]);
    }
    assert_null(submit.arguments[i]);
    arena_free(arena);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_words_for_yarn(void **state) {
    (void)state;
    check(WORDS("--deploy-mode", "cluster", "--master", "yarn", "--name", "n", "s3://b/job.py", "--master", "x", "s3://b/data"),
          WORDS("--master", "spark://m:1", "--name", "n", "//b/job.py", "--master", "x", "s3://b/data"));
    check(WORDS("--deploy-mode=cluster", "--conf", "spark.submit.deployMode=cluster", "--conf=spark.master=yarn", "-v", "a.jar"),
          WORDS("--master", "spark://m:1", "-v", "a.jar"));
    check(WORDS("--master", "local[2]", "job.py"), WORDS("--master", "spark://m:1", "--master", "local[2]", "job.py"));
    check(WORDS("--py-files", "s3://b/a.zip,local.py, s3n://c/d.py#e", "job.py"),
          WORDS("--master", "spark://m:1", "--py-files", "//b/a.zip,local.py,//c/d.py#e", "job.py"));
}

static void test_memory_is_cut(void **state) {
    (void)state;
    check(WORDS("--executor-memory", "4g", "--executor-cores", "8", "j.py"),
          WORDS("--master", "spark://m:1", "--executor-memory", "2048m", "--executor-cores", "2", "j.py"));
    check(WORDS("--conf", "spark.executor.memory=512m", "--conf", "spark.executor.cores=4", "j.py"),
          WORDS("--master", "spark://m:1", "--conf", "spark.executor.memory=512m", "--conf", "spark.executor.cores=2", "j.py"));
    Arena *arena = arena_new();
    Err err = {0};
    bool ok = false;
    EmSubmit submit = plan(arena, NULL, WORDS("--driver-memory", "8g", "j.py"), &err, &ok);
    assert_true(ok && str_eq_c(submit.driver_memory, "4096m"));
    assert_true(str_contains(submit.notes, STR("driver memory 8g: 4096m here")));
    submit = plan(arena, NULL, WORDS("j.py"), &err, &ok);
    assert_true(ok && str_eq_c(submit.driver_memory, "1024m") && submit.notes.len == 0);
    arena_free(arena);
}

static void test_what_only_the_launcher_knows(void **state) {
    const char *const *const CASES[] = {WORDS("--help"),
                                        WORDS("--properties-file", "f", "j.py"),
                                        WORDS("--no-such-option", "j.py"),
                                        WORDS("--name"),
                                        WORDS("--name", "n"),
                                        WORDS("--version"),
                                        WORDS("--driver-memory", "much", "j.py")};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Arena *arena = arena_new();
        Err err = {0};
        bool ok = false;
        EmSubmit submit = plan(arena, NULL, CASES[i], &err, &ok);
        assert_true(ok && submit.needs_launcher);
        arena_free(arena);
    }
}

static void test_driver_options(void **state) {
    Arena *arena = arena_new();
    Err err = {0};
    bool ok = false;
    (void)state;
    EmSubmit submit = plan(arena, "spark.driver.extraJavaOptions", WORDS("j.py"), &err, &ok);
    assert_true(ok);
    assert_string_equal(submit.driver_java_options[0], "-Da=b");
    assert_string_equal(submit.driver_java_options[1], "-Dc=d e");
    assert_null(submit.driver_java_options[2]);
    submit = plan(arena, NULL, WORDS("s3://b/missing"), &err, &ok);
    assert_false(ok);
    assert_true(err_is(&err, "NoSuchKey"));
    arena_free(arena);
}

static void test_memory_sizes(void **state) {
    (void)state;
    assert_int_equal(em_memory_mib(STR("4g")), 4096);
    assert_int_equal(em_memory_mib(STR("4GB")), 4096);
    assert_int_equal(em_memory_mib(STR(" 512m ")), 512);
    assert_int_equal(em_memory_mib(STR("1024")), 1024);
    assert_int_equal(em_memory_mib(STR("2048k")), 2);
    assert_int_equal(em_memory_mib(STR("1t")), 1024 * 1024);
    assert_int_equal(em_memory_mib(STR("")), -1);
    assert_int_equal(em_memory_mib(STR("g")), -1);
    assert_int_equal(em_memory_mib(STR("-1g")), -1);
    assert_int_equal(em_memory_mib(STR("1.5g")), -1);
    assert_int_equal(em_memory_mib(STR("99999999999999999999g")), -1);
}

static void test_share_of_the_machine(void **state) {
    const EmInstanceType *xlarge = em_instance_type(STR("m5.xlarge"));
    EmMachine big = {.cores = 64, .budget_mib = 300000};
    EmMachine small = {.cores = 2, .budget_mib = 14000};
    EmMachine tiny = {.cores = 1, .budget_mib = 2000};
    EmShare share;
    (void)state;
    assert_non_null(xlarge);
    assert_null(em_instance_type(STR("m5.tiny")));
    assert_true(em_share(&big, xlarge, 2, &share));
    assert_int_equal(share.cores, 4);
    assert_int_equal(share.memory_mib, 12288);
    assert_false(share.is_scaled_down);
    assert_true(em_share(&small, xlarge, 2, &share));
    assert_int_equal(share.cores, 1);
    assert_true(share.is_scaled_down && share.memory_mib >= 768 && share.memory_mib < 12288);
    assert_true(share.promise_mib <= small.budget_mib / 2);
    /* More workers than there is memory for get the least, and then no place at all. */
    assert_true(em_share(&small, xlarge, 8, &share));
    assert_int_equal(share.memory_mib, 768);
    assert_false(em_share(&small, xlarge, 20, &share));
    assert_false(em_share(&tiny, xlarge, 1, &share));
}

static void test_releases(void **state) {
    const EmRelease *release = em_release(STR("emr-6.5.0"));
    const char *name = NULL;
    (void)state;
    assert_non_null(release);
    assert_string_equal(em_application_version(release, STR("spark"), &name), "3.1.2");
    assert_string_equal(name, "Spark");
    assert_string_equal(em_application_version(release, STR("Presto"), &name), "");
    assert_null(em_application_version(release, STR("Nothing"), &name));
    assert_null(em_release(STR("emr-6.5")));
}

static pid_t start_marked(const char *mark) {
    pid_t pid = fork();
    if (pid == 0) {
        const char *const argv[] = {"/bin/sh", "-c", "sleep 60 & sleep 60", NULL};
        const char *const env[] = {"PATH=/usr/bin:/bin", mark, NULL};
        (void)execve(argv[0], (char *const *)argv, (char *const *)env);
        _exit(127);
    }
    return pid;
}

static void test_marked_processes(void **state) {
    Arena *arena = arena_new();
    const SuIdentity *found = NULL;
    (void)state;
    Str mark = str_fmt(arena, "SOLDER_CLUSTER=/test/%d", (int)getpid());
    Str other = str_fmt(arena, "SOLDER_CLUSTER=/test/%d0", (int)getpid());
    assert_int_equal(su_list_marked(arena, mark, &found), 0);
    pid_t pid = start_marked(mark.data);
    pid_t kept = start_marked(other.data);
    assert_true(pid > 0 && kept > 0);
    while (su_list_marked(arena, mark, &found) < 3 || su_list_marked(arena, other, &found) < 3) {
        (void)usleep(1000);
    }
    /* The shell is ours to reap: it ends as a zombie, which is not counted. */
    assert_true(su_end_marked(mark, 2000));
    assert_int_equal(su_list_marked(arena, mark, &found), 0);
    assert_int_equal(su_list_marked(arena, other, &found), 3);
    assert_true(su_end_marked(other, 0));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(waitpid(kept, NULL, 0), kept);
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_for_yarn), cmocka_unit_test(test_memory_is_cut),    cmocka_unit_test(test_what_only_the_launcher_knows),
        cmocka_unit_test(test_driver_options), cmocka_unit_test(test_memory_sizes),     cmocka_unit_test(test_share_of_the_machine),
        cmocka_unit_test(test_releases),       cmocka_unit_test(test_marked_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
