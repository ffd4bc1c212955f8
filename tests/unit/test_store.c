/* test_store.c - the catalog, buckets and transactions of store/, over a home directory of their own. */
#include "store/catalog_json.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
    char home[64];
    Arena *arena;
    StStore *store;
    Err err;
} Fixture;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)snprintf(fixture->home, sizeof fixture->home, "/tmp/solder-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->home));
    fixture->arena = arena_new();
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
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

static void write_file(Str path, const char *text) {
    int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void put_object(Fixture *fixture, const char *key, const char *text) {
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    assert_non_null(txn);
    assert_true(st_txn_add(txn, fixture->arena, str_from_c(key), &path, &fixture->err));
    write_file(path, text);
    assert_true(st_txn_commit(txn, &fixture->err));
}

static size_t count_objects(Fixture *fixture, const char *prefix) {
    const StObject *objects;
    size_t count;
    assert_true(st_object_list(fixture->store, fixture->arena, STR("bucket"), str_from_c(prefix), STR(""), 0, &objects, &count, &fixture->err));
    return count;
}

static void test_buckets(void **state) {
    Fixture *fixture = *state;
    bool exists = true;
    assert_true(st_bucket_exists(fixture->store, STR("bucket"), &exists, &fixture->err));
    assert_false(exists);
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    assert_false(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    assert_string_equal(fixture->err.code, "BucketAlreadyOwnedByYou");
    const char *bad[] = {"ab", "Bucket", "-ab", "ab-", "a..b", "a/b", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err_clear(&fixture->err);
        assert_false(st_bucket_create(fixture->store, str_from_c(bad[i]), &fixture->err));
        assert_string_equal(fixture->err.code, "InvalidBucketName");
    }
    err_clear(&fixture->err);
    put_object(fixture, "a", "x");
    assert_false(st_bucket_delete(fixture->store, STR("bucket"), &fixture->err));
    assert_string_equal(fixture->err.code, "BucketNotEmpty");
    err_clear(&fixture->err);
    assert_true(st_object_delete(fixture->store, STR("bucket"), STR("a"), &fixture->err));
    assert_true(st_bucket_delete(fixture->store, STR("bucket"), &fixture->err));
    assert_null(st_txn_begin(fixture->store, STR("bucket"), &fixture->err));
    assert_string_equal(fixture->err.code, "NoSuchBucket");
}

static void test_listing_follows_bytes(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    const char *keys[] = {"dir/b", "dir/a", "dirty", "dir", "dir/\xC3\xA9", "\xFF\xFF"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        put_object(fixture, keys[i], "x");
    }
    const StObject *objects;
    size_t count;
    assert_true(st_object_list(fixture->store, fixture->arena, STR("bucket"), STR("dir/"), STR("dir/a"), 0, &objects, &count, &fixture->err));
    assert_int_equal(count, 2);
    assert_true(str_eq_c(objects[0].key, "dir/b"));
    assert_true(str_eq_c(objects[1].key, "dir/\xC3\xA9"));
    assert_int_equal(count_objects(fixture, ""), 6);
    assert_int_equal(count_objects(fixture, "dir"), 5);
    assert_int_equal(count_objects(fixture, "\xFF"), 1);
}

static void test_transaction_is_all_or_nothing(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    put_object(fixture, "out/old-1", "1");
    put_object(fixture, "out/old-2", "2");
    put_object(fixture, "outer", "3");
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str first;
    Str second;
    assert_true(st_txn_add(txn, fixture->arena, STR("out/new-1"), &first, &fixture->err));
    assert_true(st_txn_add(txn, fixture->arena, STR("out/old-1"), &second, &fixture->err));
    assert_true(st_txn_replace(txn, STR("out/"), &fixture->err));
    write_file(first, "new");
    write_file(second, "newer");
    assert_int_equal(count_objects(fixture, "out/"), 2);
    StObject object;
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("out/old-1"), &object, &fixture->err));
    assert_int_equal(object.size, 1);
    assert_true(st_txn_commit(txn, &fixture->err));
    assert_int_equal(count_objects(fixture, "out/"), 2);
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("out/old-1"), &object, &fixture->err));
    assert_int_equal(object.size, 5);
    assert_int_equal(count_objects(fixture, "outer"), 1);
}

static void test_commit_without_the_file_fails_whole(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    StTxn *txn = st_txn_begin(fixture->store, STR("bucket"), &fixture->err);
    Str path;
    assert_true(st_txn_add(txn, fixture->arena, STR("a"), &path, &fixture->err));
    write_file(path, "x");
    assert_true(st_txn_add(txn, fixture->arena, STR("b"), &path, &fixture->err));
    assert_false(st_txn_commit(txn, &fixture->err));
    assert_int_equal(count_objects(fixture, ""), 0);
}

static size_t count_directories(const Fixture *fixture) {
    char command[128];
    (void)snprintf(command, sizeof command, "ls %s/objects | wc -l", fixture->home);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    unsigned count = 0;
    assert_int_equal(fscanf(out, "%u", &count), 1);
    assert_int_equal(pclose(out), 0);
    return count;
}

/* A process that dies inside a transaction leaves nothing that the next opening does not sweep; what was committed stays. */
static void test_killed_transaction_leaves_no_trace(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    put_object(fixture, "kept", "x");
    st_close(fixture->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Err err = {0};
        Arena *arena = arena_new();
        StStore *store = st_open(str_from_c(fixture->home), &err);
        StTxn *txn = store == NULL ? NULL : st_txn_begin(store, STR("bucket"), &err);
        Str path;
        if (txn == NULL || !st_txn_add(txn, arena, STR("lost"), &path, &err)) {
            _exit(1);
        }
        FILE *file = fopen(path.data, "w");
        _exit(file != NULL && fputs("half", file) >= 0 && fflush(file) == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_directories(fixture), 2);
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    assert_int_equal(count_objects(fixture, ""), 1);
    assert_int_equal(count_directories(fixture), 1);
}

static void test_replaced_file_goes_when_nobody_reads(void **state) {
    Fixture *fixture = *state;
    assert_true(st_bucket_create(fixture->store, STR("bucket"), &fixture->err));
    put_object(fixture, "a", "1");
    StObject old;
    assert_true(st_object_get(fixture->store, fixture->arena, STR("bucket"), STR("a"), &old, &fixture->err));
    StStore *other = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(other);
    put_object(fixture, "a", "2");
    assert_int_equal(access(old.path.data, R_OK), 0);
    st_close(other);
    st_close(fixture->store);
    fixture->store = st_open(str_from_c(fixture->home), &fixture->err);
    assert_non_null(fixture->store);
    assert_int_not_equal(access(old.path.data, R_OK), 0);
    assert_int_equal(count_objects(fixture, ""), 1);
}

static bool import_text(Fixture *fixture, const char *json, StImported *ret_counts) {
    err_clear(&fixture->err);
    return st_catalog_import(fixture->store, str_from_c(json), ret_counts, &fixture->err);
}

static void test_catalog_takes_cli_input(void **state) {
    Fixture *fixture = *state;
    StImported counts;
    assert_false(import_text(fixture, "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"t\"}}", &counts));
    assert_string_equal(fixture->err.code, "EntityNotFoundException");
    assert_true(import_text(fixture, "{\"DatabaseInput\":{\"Name\":\"D\",\"Description\":\"x\"}}", &counts));
    assert_int_equal(counts.databases, 1);
    assert_true(import_text(fixture,
                            "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"T\",\"StorageDescriptor\":{\"Columns\":[{\"Name\":\"a\",\"Type\":"
                            "\"int\"}]},\"PartitionKeys\":[{\"Name\":\"p\",\"Type\":\"string\"}]}}",
                            &counts));
    assert_true(import_text(fixture, "{\"DatabaseName\":\"d\",\"TableName\":\"t\",\"PartitionInputList\":[{\"Values\":[\"1\"]},{\"Values\":[\"2\"]}]}",
                            &counts));
    assert_int_equal(counts.partitions, 2);
    Str json;
    StEntityName name = {.database = STR("d"), .table = STR("t")};
    assert_true(st_catalog_get(fixture->store, fixture->arena, ST_TABLE, &name, &json, &fixture->err));
    assert_true(str_contains(json, STR("\"Name\":\"t\"")));
    assert_true(str_contains(json, STR("\"DatabaseName\":\"d\"")));
    assert_false(st_catalog_put(fixture->store, ST_TABLE, &name, json, false, &fixture->err));
    assert_string_equal(fixture->err.code, "AlreadyExistsException");
    Str exported;
    assert_true(st_catalog_export(fixture->store, fixture->arena, &exported, &fixture->err));
    StEntityName database = {.database = STR("d")};
    err_clear(&fixture->err);
    assert_true(st_catalog_delete(fixture->store, ST_DATABASE, &database, &fixture->err));
    assert_false(st_catalog_get(fixture->store, fixture->arena, ST_TABLE, &name, &json, &fixture->err));
    assert_true(import_text(fixture, exported.data, &counts));
    assert_int_equal(counts.databases + counts.tables + counts.partitions, 4);
}

static void test_catalog_refuses_what_is_wrong(void **state) {
    Fixture *fixture = *state;
    StImported counts;
    assert_true(import_text(fixture, "{\"DatabaseInput\":{\"Name\":\"d\"}}", &counts));
    const char *wrong[] = {"",
                           "[]",
                           "{",
                           "{\"DatabaseInput\":{}}",
                           "{\"DatabaseInput\":{\"Name\":\"\"}}",
                           "{\"DatabaseInput\":[]}",
                           "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":7}}",
                           "{\"DatabaseName\":\"d\",\"TableInput\":{\"Name\":\"t\",\"StorageDescriptor\":{\"Columns\":[{\"Type\":\"int\"}]}}}",
                           "{\"TableInput\":{\"Name\":\"t\"}}",
                           "{\"Something\":{}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(import_text(fixture, wrong[i], &counts));
        assert_string_equal(fixture->err.code, "InvalidInputException");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listing_follows_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transaction_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_without_the_file_fails_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_transaction_leaves_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced_file_goes_when_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catalog_takes_cli_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_catalog_refuses_what_is_wrong, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
