/* test_exec_arrow.c - exec/arrow_stream.c: streams whose messages lie about their sizes or lack parts end in an error, never in memory that is not theirs. */
#include "connect/arrow_out.h"
#include "exec/arrow_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Reads all batches; -1: an error, else the number of rows. */
static int64_t drain(Str ipc, Err *err) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    if (!ex_arrow_stream_open(ipc, &stream, &schema, err)) {
        assert_true(err->is_set);
        return -1;
    }
    int64_t rows = 0;
    struct ArrowArray array = {0};
    int failed;
    while ((failed = ArrowArrayStreamGetNext(&stream, &array, NULL)) == NANOARROW_OK && array.release != NULL) {
        rows += array.length;
        ArrowArrayRelease(&array);
    }
    ArrowSchemaRelease(&schema);
    ArrowArrayStreamRelease(&stream);
    return failed ? -1 : rows;
}

static Str sample(Arena *arena) {
    const PlField fields[] = {{.name = STR("a"), .type = &PL_LONG, .nullable = true}, {.name = STR("b"), .type = &PL_STRING, .nullable = true}};
    PlValue cells[6];
    for (size_t i = 0; i < 6; i++) {
        cells[i] = i % 2 == 0 ? (PlValue){.type = &PL_LONG, .i = (int64_t)i} : (PlValue){.type = &PL_STRING, .s = STR("some text")};
    }
    Err err = {0};
    Str ipc;
    assert_true(cn_arrow_rows(arena, pl_struct(arena, fields, 2), cells, 3, &ipc, &err));
    return ipc;
}

static void test_whole(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Err err = {0};
    assert_int_equal(drain(sample(arena), &err), 3);
    arena_free(arena);
}

/* Cut anywhere, at an address of any alignment: fewer rows or an error. The copy ends where its memory ends. */
static void test_cut(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Str whole = sample(arena);
    for (size_t len = 0; len < whole.len; len++) {
        char *bytes = arena_alloc(arena, len + 1);
        memcpy(bytes + 1, whole.data, len);
        Err err = {0};
        int64_t rows = drain((Str){bytes + 1, len}, &err);
        assert_true(rows == -1 || rows == 0 || rows == 3);
    }
    /* Without its last body byte (the end mark is 8 bytes) the batch is not all there. */
    Err err = {0};
    assert_int_equal(drain(str_slice(whole, 0, whole.len - 9), &err), -1);
    assert_true(err_is(&err, "SOLDER.ARROW_DATA"));
    arena_free(arena);
}

/* Any eight bytes as a size that is below zero or above all memory: one of the places is the body's size, others the header's. */
static void test_sizes(void **state) {
    (void)state;
    static const int64_t sizes[] = {-8, -1, INT64_MIN, INT64_MAX, (int64_t)1 << 45, INT32_MAX, 1, 3};
    Arena *arena = arena_new();
    Str whole = sample(arena);
    size_t refused = 0;
    for (size_t at = 0; at + 8 <= whole.len; at++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *bytes = arena_copy(arena, whole.data, whole.len);
            memcpy(bytes + at, &sizes[i], 8);
            Err err = {0};
            (void)drain((Str){bytes, whole.len}, &err);
            refused += err_is(&err, "SOLDER.ARROW_DATA") && strstr(err.message, "says that it has") != NULL;
        }
    }
    assert_true(refused > 0);
    arena_free(arena);
}

/* Before Arrow 0.15 a message began with its length; one that is shorter than the marker would be read with a length below zero. */
static void test_old_prefix(void **state) {
    (void)state;
    char bytes[64] = {0};
    for (int32_t length = 1; length < 4; length++) {
        memcpy(bytes, &length, sizeof length);
        Err err = {0};
        assert_int_equal(drain((Str){bytes, sizeof bytes}, &err), -1);
        assert_true(err_is(&err, "SOLDER.ARROW_DATA"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_cut), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_old_prefix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
