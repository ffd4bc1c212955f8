/* test_exec_ordered.c - exec/ordered.c: scans read by several threads give their rows in the order of the files, and end well when they end early. */
#include "exec/ex_internal.h"
#include "exec/ordered.h"

#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The first and the fourth of FILES files are of LINES lines, and large enough for several splits. */
enum { FILES = 6, LINES = 900000, FEW = 7, LINE = 30, THREADS = 4, MEMORY_MIB = 64 };

typedef struct Fixture {
    char folder[64];
    Arena *arena;
    PlSettings settings;
    ExEngine *engine;
    TyFile files[FILES];
    int64_t nrows;
} Fixture;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Line i of all the files: its number, then filler. */
static void write_file(Fixture *fixture, TyFile *file, int64_t nlines) {
    FILE *out = fopen(file->path.data, "w");
    assert_non_null(out);
    for (int64_t i = 0; i < nlines; i++) {
        assert_int_equal(fprintf(out, "%09lld,some text to fill it\n", (long long)(fixture->nrows + i)), LINE + 1);
    }
    assert_int_equal(fclose(out), 0);
    file->size = nlines * (LINE + 1);
    fixture->nrows += nlines;
}

static int setup(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    Err err = {0};
    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/solder-ordered-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_new();
    pl_settings_init(&fixture->settings, fixture->arena);
    static const int64_t lines[FILES] = {LINES, FEW, 0, LINES, 1, LINES / 2};
    for (size_t i = 0; i < FILES; i++) {
        Str path = str_fmt(fixture->arena, "%s/%zu", fixture->folder, i);
        fixture->files[i] = (TyFile){.path = path, .shown = path};
        write_file(fixture, &fixture->files[i], lines[i]);
    }
    const ExConfig config = {.threads = THREADS, .memory_limit = str_fmt(fixture->arena, "%dMiB", MEMORY_MIB)};
    fixture->engine = ex_engine_new(&config, &err);
    assert_non_null(fixture->engine);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    Fixture *fixture = *state;
    ex_engine_free(fixture->engine);
    arena_free(fixture->arena);
    (void)nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

static ExOperation *open_rel(Fixture *fixture, const TrRel *rel) {
    Err err = {0};
    const LoQuery *query = lo_lower(fixture->arena, &fixture->settings, rel, false, &err);
    assert_non_null(query);
    ExOperation *op = ex_open(fixture->engine, fixture->arena, &fixture->settings, query, &err);
    assert_non_null(op);
    return op;
}

static const TrRel *scan_of(Arena *arena, const char *format, const PlField *fields, size_t nfields, const TyFile *files, size_t nfiles) {
    static const PlOption options[] = {{STR("mode"), STR("FAILFAST")}};
    TyScan *scan = ARENA_NEW(arena, TyScan);
    *scan = (TyScan){.format = str_from_c(format), .files = files, .nfiles = nfiles, .options = options, .noptions = 1};
    scan->data_schema = pl_struct(arena, fields, nfields);
    TyAttr *output = ARENA_ARRAY(arena, TyAttr, nfields);
    for (size_t i = 0; i < nfields; i++) {
        output[i] = (TyAttr){.id = (uint32_t)i + 1, .name = fields[i].name, .type = fields[i].type, .nullable = true};
    }
    TrRel *rel = ARENA_NEW(arena, TrRel);
    *rel = (TrRel){.tag = TR_SCAN, .output = output, .noutput = nfields, .scan = {.scan = scan}};
    return rel;
}

static const TrRel *text_of_all(Fixture *fixture) {
    const PlField field = {.name = STR("value"), .type = &PL_STRING, .nullable = true};
    return scan_of(fixture->arena, "text", &field, 1, fixture->files, FILES);
}

/* A scan of all files that has given its first batch, by several threads. */
static ExOperation *start(Fixture *fixture, struct ArrowArray *ret_batch) {
    Err err = {0};
    ExOperation *op = open_rel(fixture, text_of_all(fixture));
    bool is_done;
    assert_true(ex_next(op, ret_batch, &is_done, &err));
    assert_false(is_done);
    assert_non_null(op->ordered);
    return op;
}

static int64_t number_at(const struct ArrowArray *batch, int64_t row) {
    const struct ArrowArray *column = batch->children[0];
    const int32_t *offsets = column->buffers[1];
    char text[LINE + 1] = {0}; /* Arrow's text has no end of its own */
    assert_int_equal(offsets[column->offset + row + 1] - offsets[column->offset + row], LINE);
    memcpy(text, (const char *)column->buffers[2] + offsets[column->offset + row], LINE);
    return strtoll(text, NULL, 10);
}

static void test_order(void **state) {
    Fixture *fixture = *state;
    Err err = {0};
    struct ArrowArray batch = {0};
    ExOperation *op = start(fixture, &batch);
    int64_t wanted = 0;
    for (bool is_done = false; !is_done;) {
        for (int64_t i = 0; i < batch.length; i++) {
            assert_int_equal(number_at(&batch, i), wanted);
            wanted++;
        }
        batch.release(&batch);
        assert_true(ex_next(op, &batch, &is_done, &err));
    }
    assert_int_equal(wanted, fixture->nrows);
    bool is_done = false;
    assert_true(ex_next(op, &batch, &is_done, &err) && is_done);
    ex_close(op);
}

/* What has been read but not been asked for stays below the engine's share, however slow the consumer is. */
static void test_memory(void **state) {
    Fixture *fixture = *state;
    /* An eighth of the memory, one batch a thread, and what DuckDB holds of each thread's result (1 MB and a batch). */
    const int64_t most = (MEMORY_MIB / 8 + THREADS * 2) * 1024 * 1024 / LINE;
    Err err = {0};
    struct ArrowArray batch = {0};
    ExProgress progress = {0};
    ExOperation *op = start(fixture, &batch);
    while (progress.rows_read < MEMORY_MIB / 8 * 1024 * 1024 / (LINE + 8) - THREADS * 2048) {
        sched_yield();
        ex_progress(op, &progress);
    }
    for (bool is_done = false; !is_done;) {
        batch.release(&batch);
        ex_progress(op, &progress);
        assert_true(progress.rows_read - progress.rows_out <= most);
        assert_true(ex_next(op, &batch, &is_done, &err));
    }
    assert_int_equal(progress.rows_read, fixture->nrows);
    ex_close(op);
}

static void test_interrupt(void **state) {
    Fixture *fixture = *state;
    struct ArrowArray batch = {0};
    ExOperation *op = start(fixture, &batch);
    batch.release(&batch);
    ex_interrupt(op);
    for (int i = 0; i < 2; i++) {
        Err err = {0};
        bool is_done = true;
        assert_false(ex_next(op, &batch, &is_done, &err));
        assert_true(err_is(&err, ERR_CANCELLED));
    }
    ex_close(op);
}

/* Threads work, wait for room or have not begun: closing ends them all, and no batch is lost (the address sanitizer would tell). */
static void test_close(void **state) {
    Fixture *fixture = *state;
    for (int64_t ahead = 0; ahead < 300000; ahead = ahead * 4 + 2048) {
        struct ArrowArray batch = {0};
        ExOperation *op = start(fixture, &batch);
        batch.release(&batch);
        for (ExProgress progress = {0}; progress.rows_read < ahead;) {
            sched_yield();
            ex_progress(op, &progress);
        }
        ex_close(op);
    }
}

/* A few rows are no reason to read ahead. */
static void test_limit(void **state) {
    Fixture *fixture = *state;
    const TrRel *scan = text_of_all(fixture);
    const TrRel rel = {.tag = TR_LIMIT, .output = scan->output, .noutput = scan->noutput, .input = scan, .limit = {.limit = FEW}};
    Err err = {0};
    struct ArrowArray batch = {0};
    ExOperation *op = open_rel(fixture, &rel);
    bool is_done = true;
    assert_true(ex_next(op, &batch, &is_done, &err));
    assert_false(is_done);
    assert_int_equal(batch.length, FEW);
    assert_int_equal(number_at(&batch, FEW - 1), FEW - 1);
    batch.release(&batch);
    assert_true(ex_next(op, &batch, &is_done, &err) && is_done);
    ExProgress progress;
    ex_progress(op, &progress);
    assert_true(progress.rows_read < LINES);
    ex_close(op);
}

/* The error of one part is the query's, at every further call. */
static void test_error(void **state) {
    Fixture *fixture = *state;
    FILE *bad = fopen(fixture->files[3].path.data, "r+");
    assert_non_null(bad);
    assert_int_equal(fseek(bad, (LINES / 2) * (LINE + 1), SEEK_SET), 0);
    assert_int_equal(fprintf(bad, "no number"), 9);
    assert_int_equal(fclose(bad), 0);
    Err err = {0};
    struct ArrowArray batch = {0};
    const PlField fields[] = {{.name = STR("id"), .type = &PL_INT, .nullable = true},
                              {.name = STR("text"), .type = &PL_STRING, .nullable = true}};
    ExOperation *op = open_rel(fixture, scan_of(fixture->arena, "csv", fields, 2, &fixture->files[3], 3));
    bool is_ok = true;
    int64_t rows = 0;
    for (bool is_done = false; is_ok && !is_done;) {
        is_ok = ex_next(op, &batch, &is_done, &err);
        rows += batch.length;
        if (batch.release != NULL) {
            batch.release(&batch);
        }
        batch = (struct ArrowArray){0};
    }
    assert_non_null(op->ordered);
    assert_false(is_ok);
    assert_non_null(strstr(err.message, "no number"));
    assert_true(rows <= LINES);
    Err again = {0};
    bool is_done = true;
    assert_false(ex_next(op, &batch, &is_done, &again));
    assert_string_equal(again.message, err.message);
    ex_close(op);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_memory), cmocka_unit_test(test_interrupt),
                                       cmocka_unit_test(test_close), cmocka_unit_test(test_limit),  cmocka_unit_test(test_error)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
