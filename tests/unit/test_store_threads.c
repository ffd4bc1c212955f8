/* tsan */
/* test_store_threads.c - store/ under many threads at once: rows, states, keys, objects; also run under ThreadSanitizer. */
#include "store/catalog_json.h"
#include "store/keys.h"
#include "store/resource.h"

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8, ROUNDS = 12 };

typedef struct Fixture {
    char home[64];
    Arena *arena;
    StStore *store;
    atomic_int wins, losses, failures;
} Fixture;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    Err err = {0};
    assert_non_null(fixture);
    (void)snprintf(fixture->home, sizeof fixture->home, "/tmp/solder-threads-XXXXXX");
    assert_non_null(mkdtemp(fixture->home));
    fixture->arena = arena_new();
    fixture->store = st_open(str_from_c(fixture->home), &err);
    assert_non_null(fixture->store);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    st_close(fixture->store);
    arena_free(fixture->arena);
    assert_int_equal(nftw(fixture->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static void run_threads(Fixture *fixture, void *(*body)(void *)) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, body, fixture), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&fixture->failures), 0);
}

static StResourceName run_name(int round, char *space, size_t size) {
    (void)snprintf(space, size, "jr_%d", round);
    return (StResourceName){STR("job-run"), STR("job"), str_from_c(space)};
}

/* A stop against an end: of all who try, one moves it. */
static void *race_states(void *arg) {
    Fixture *fixture = arg;
    for (int round = 0; round < ROUNDS; round++) {
        char space[32];
        StResourceName name = run_name(round, space, sizeof space);
        bool moved = false;
        Err err = {0};
        if (!st_resource_move(fixture->store, &name, STR("STOPPING"), STR("{\"a\": 1}"), &moved, &err)) {
            (void)atomic_fetch_add(&fixture->failures, 1);
        }
        (void)atomic_fetch_add(moved ? &fixture->wins : &fixture->losses, 1);
    }
    return NULL;
}

static void test_one_wins_a_transition(void **state) {
    Fixture *fixture = *state;
    Err err = {0};
    for (int round = 0; round < ROUNDS; round++) {
        char space[32];
        StResourceName name = run_name(round, space, sizeof space);
        assert_true(st_resource_insert(fixture->store, &name, STR("STARTING"), STR("{}"), &err));
    }
    run_threads(fixture, race_states);
    assert_int_equal(atomic_load(&fixture->wins), ROUNDS);
    assert_int_equal(atomic_load(&fixture->losses), ROUNDS * (THREADS - 1));
    StResource got;
    char space[32];
    StResourceName name = run_name(0, space, sizeof space);
    assert_true(st_resource_get(fixture->store, fixture->arena, &name, &got, &err));
    assert_true(str_eq_c(got.state, "STOPPING") && str_eq_c(got.json, "{\"a\":1}"));
}

static void test_transitions_are_the_tables(void **state) {
    Fixture *fixture = *state;
    StResourceName name = {STR("step"), STR("j-1"), STR("s-1")};
    Err err = {0};
    bool moved = true;
    assert_false(st_resource_insert(fixture->store, &name, STR("RUNNING"), STR("{}"), &err));
    err_clear(&err);
    assert_true(st_resource_insert(fixture->store, &name, STR("PENDING"), STR("{\"b\": 2}"), &err));
    assert_false(st_resource_insert(fixture->store, &name, STR("PENDING"), STR("{}"), &err));
    assert_true(err_is(&err, "AlreadyExistsException"));
    err_clear(&err);
    assert_true(st_resource_move(fixture->store, &name, STR("COMPLETED"), STR(""), &moved, &err));
    assert_false(moved);
    assert_true(st_resource_move(fixture->store, &name, STR("RUNNING"), STR("{\"b\": null, \"c\": 3}"), &moved, &err));
    assert_true(moved);
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = STR("step"), .parent = STR("j-1"), .by_parent = true, .state = STR("RUNNING"), .newest_first = true};
    assert_true(st_resource_list(fixture->store, fixture->arena, &query, &rows, &count, &err));
    assert_int_equal(count, 1);
    assert_true(str_eq_c(rows[0].json, "{\"c\":3}"));
    static const struct {
        const char *states;
        size_t count;
    } SETS[] = {{"", 1}, {"PENDING RUNNING", 1}, {"RUNNING PENDING", 1}, {"PENDING CANCEL_PENDING", 0}, {"RUN", 0}, {"RUNNING_", 0}};
    for (size_t i = 0; i < sizeof SETS / sizeof SETS[0]; i++) {
        query.state = str_from_c(SETS[i].states);
        assert_true(st_resource_list(fixture->store, fixture->arena, &query, &rows, &count, &err));
        assert_int_equal(count, SETS[i].count);
    }
    assert_true(st_resource_delete(fixture->store, &name, &err));
    assert_false(st_resource_move(fixture->store, &name, STR("FAILED"), STR(""), &moved, &err));
    assert_true(err_is(&err, "EntityNotFoundException"));
}

static void *use_store(void *arg) {
    Fixture *fixture = arg;
    Arena *arena = arena_new();
    for (int round = 0; round < ROUNDS; round++) {
        Err err = {0};
        StKey key;
        StKey found_key;
        bool found = false;
        StImported counts;
        const Str *rows = NULL;
        size_t count = 0;
        bool ok = st_catalog_import(fixture->store, STR("{\"DatabaseInput\": {\"Name\": \"shared\"}}"), &counts, &err) &&
                  st_catalog_list(fixture->store, arena, ST_DATABASE, &(StEntityName){0}, &rows, &count, &err) && count == 1 &&
                  st_key_issue(fixture->store, arena, 60, STR("ab01"), &key, &err) && str_eq_c(st_key_claim(&key), "ab01") && st_key_find(fixture->store, arena, key.id, &found_key, &found, &err) && found &&
                  str_eq(found_key.secret, key.secret) && st_key_default(fixture->store, arena, &key, &err);
        if (!ok) {
            (void)atomic_fetch_add(&fixture->failures, 1);
        }
    }
    arena_free(arena);
    return NULL;
}

static void test_many_threads_use_it(void **state) {
    Fixture *fixture = *state;
    run_threads(fixture, use_store);
    const StKey *keys = NULL;
    size_t count = 0;
    Err err = {0};
    assert_true(st_key_list(fixture->store, fixture->arena, &keys, &count, &err));
    assert_int_equal(count, 1);
}

enum { OBJECTS_OF_A_THREAD = 40 };

static bool put_text(Fixture *fixture, Arena *arena, const StPut *put, Err *err) {
    Str path;
    if (!st_object_file(fixture->store, arena, &path, err)) {
        return false;
    }
    FILE *file = fopen(path.data, "wb");
    bool ok = file != NULL && fwrite(put->key.data, 1, put->key.len, file) == put->key.len;
    ok = (file == NULL || fclose(file) == 0) && ok;
    return ok && st_object_put(fixture->store, arena, STR("bucket"), put, path, NULL, err);
}

/* Each its own key, one that all write, and one that may be made once: whichever share a commit, each has its own end. */
static void *put_objects(void *arg) {
    Fixture *fixture = arg;
    Arena *arena = arena_new();
    int own = atomic_fetch_add(&fixture->losses, 1);
    for (int i = 0; i < OBJECTS_OF_A_THREAD; i++) {
        Err err = {0};
        Err refusal = {0};
        StPut mine = {.key = str_fmt(arena, "own/%02d/%03d", own, i), .condition = {.must_be_absent = true}};
        StPut shared = {.key = STR("shared")};
        StPut once = {.key = str_fmt(arena, "once/%03d", i), .condition = {.must_be_absent = true}};
        bool ok = put_text(fixture, arena, &mine, &err) && put_text(fixture, arena, &shared, &err);
        bool won = put_text(fixture, arena, &once, &refusal);
        ok = ok && (won || err_is(&refusal, "PreconditionFailed"));
        if (won) {
            (void)atomic_fetch_add(&fixture->wins, 1);
        }
        if (!ok) {
            (void)atomic_fetch_add(&fixture->failures, 1);
        }
    }
    arena_free(arena);
    return NULL;
}

static void test_puts_share_commits(void **state) {
    Fixture *fixture = *state;
    Err err = {0};
    const StObject *objects = NULL;
    size_t count = 0;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), STR(""), &err));
    run_threads(fixture, put_objects);
    assert_int_equal(atomic_load(&fixture->wins), OBJECTS_OF_A_THREAD);
    assert_true(st_object_list(fixture->store, fixture->arena, STR("bucket"), STR(""), STR(""), 0, &objects, &count, &err));
    assert_int_equal(count, OBJECTS_OF_A_THREAD * (THREADS + 1) + 1);
    for (size_t i = 0; i < count; i++) {
        struct stat status;
        assert_int_equal(stat(objects[i].path.data, &status), 0);
        assert_int_equal(status.st_size, objects[i].size);
        assert_int_equal(objects[i].size, objects[i].key.len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_one_wins_a_transition, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_transitions_are_the_tables, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_many_threads_use_it, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_puts_share_commits, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
