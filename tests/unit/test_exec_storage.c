/* test_exec_storage.c - exec/'s transactions on plain directories: nothing is seen before commit, old files stay or go as asked. */
#include "exec/ex_internal.h"
#include "exec/storage_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void put(ExStorageTxn *txn, Arena *arena, const char *name) {
    Err err = {0};
    Str path;
    assert_true(ex_dir_storage.add(txn, arena, str_from_c(name), &path, &err));
    FILE *file = fopen(path.data, "w");
    assert_non_null(file);
    assert_true(fputs(name, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static size_t count(Arena *arena, Str url) {
    Err err = {0};
    const ExObject *objects;
    size_t n = 0;
    assert_true(ex_dir_storage.list(NULL, arena, url, &objects, &n, &err));
    return n;
}

static void test_commit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Err err = {0};
    char folder[] = "/tmp/solder-storage-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Str url = str_fmt(arena, "%s/target", folder);
    ExStorageTxn *txn = ex_dir_storage.begin(NULL, url, &err);
    put(txn, arena, "p=1/a");
    put(txn, arena, "p=2/b");
    assert_int_equal(count(arena, url), 0);
    assert_true(ex_dir_storage.commit(txn, &err));
    assert_int_equal(count(arena, url), 2);
    /* Added to. */
    txn = ex_dir_storage.begin(NULL, url, &err);
    put(txn, arena, "p=1/c");
    assert_true(ex_dir_storage.commit(txn, &err));
    assert_int_equal(count(arena, url), 3);
    /* One directory replaced. */
    txn = ex_dir_storage.begin(NULL, url, &err);
    assert_true(ex_dir_storage.replace(txn, STR("p=1"), &err));
    put(txn, arena, "p=1/d");
    assert_true(ex_dir_storage.commit(txn, &err));
    assert_int_equal(count(arena, url), 2);
    /* Given up. */
    txn = ex_dir_storage.begin(NULL, url, &err);
    put(txn, arena, "p=3/e");
    ex_dir_storage.abort(txn);
    assert_int_equal(count(arena, url), 2);
    /* All replaced. */
    txn = ex_dir_storage.begin(NULL, url, &err);
    assert_true(ex_dir_storage.replace(txn, STR(""), &err));
    put(txn, arena, "f");
    assert_true(ex_dir_storage.commit(txn, &err));
    assert_int_equal(count(arena, url), 1);
    ex_remove_tree(folder);
    assert_int_not_equal(access(folder, F_OK), 0);
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
