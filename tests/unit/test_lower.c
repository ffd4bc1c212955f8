/* tests/unit/test_lower.c - typed trees made by hand, lowered and run in DuckDB; and the registry's lower column.
 *
 * What analysis would make of real queries is the oracle's matter (tests/spark); here the writers stand alone, under the sanitizers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "lower/lo_internal.h"

#include <string.h>

typedef struct Fixture {
    duckdb_database database;
    duckdb_connection connection;
    KnSet *set;
    Arena *arena;
    PlSettings settings;
} Fixture;

static int start(void **state) {
    static Fixture fixture;
    Err err = {0};
    assert_int_equal(duckdb_open(NULL, &fixture.database), DuckDBSuccess);
    assert_int_equal(duckdb_connect(fixture.database, &fixture.connection), DuckDBSuccess);
    fixture.set = kn_set_new(fixture.connection, &err);
    assert_non_null(fixture.set);
    fixture.arena = arena_new();
    pl_settings_init(&fixture.settings, fixture.arena);
    *state = &fixture;
    return 0;
}

static int stop(void **state) {
    Fixture *fixture = *state;
    kn_set_free(fixture->set);
    arena_free(fixture->arena);
    duckdb_disconnect(&fixture->connection);
    duckdb_close(&fixture->database);
    return 0;
}

static const TxExpr *number(Arena *arena, const PlType *type, int64_t value) {
    PlValue *literal = ARENA_NEW(arena, PlValue);
    *literal = (PlValue){.type = type, .i = value};
    TxExpr *expr = ARENA_NEW(arena, TxExpr);
    *expr = (TxExpr){.tag = TX_LITERAL, .type = type, .literal = literal};
    return expr;
}

static const TxExpr *column(Arena *arena, uint32_t id, const PlType *type) {
    TxExpr *expr = ARENA_NEW(arena, TxExpr);
    *expr = (TxExpr){.tag = TX_COLUMN, .type = type, .nullable = true, .column = {.id = id}};
    return expr;
}

static const TxExpr *call(Arena *arena, const char *name, const PlType *type, const TxExpr *a, const TxExpr *b) {
    const PlFunction *fn = pl_function_find(str_from_c(name));
    assert_non_null(fn);
    const TxExpr **args = ARENA_ARRAY(arena, const TxExpr *, 2);
    args[0] = a;
    args[1] = b;
    TxExpr *expr = ARENA_NEW(arena, TxExpr);
    *expr = (TxExpr){.tag = fn->kind == PL_FN_AGGREGATE ? TX_AGGREGATE : TX_CALL, .type = type, .nullable = true};
    if (expr->tag == TX_AGGREGATE) {
        expr->aggregate.fn = fn;
        expr->aggregate.args = args;
        expr->aggregate.nargs = b == NULL ? 1 : 2;
    } else {
        expr->call.fn = fn;
        expr->call.args = args;
        expr->call.nargs = b == NULL ? 1 : 2;
    }
    return expr;
}

static const TyAttr *attr(Arena *arena, uint32_t id, const PlType *type) {
    TyAttr *made = ARENA_NEW(arena, TyAttr);
    *made = (TyAttr){.id = id, .name = STR("x"), .type = type, .nullable = true};
    return made;
}

static TrRel *range(Arena *arena, uint32_t id, int64_t end) {
    TrRel *rel = ARENA_NEW(arena, TrRel);
    *rel = (TrRel){.tag = TR_RANGE, .output = attr(arena, id, &PL_LONG), .noutput = 1, .range = {.start = 0, .end = end, .step = 1}};
    return rel;
}

static TrRel *project(Arena *arena, const TrRel *input, uint32_t id, const TxExpr *expr) {
    TyNamed *named = ARENA_NEW(arena, TyNamed);
    *named = (TyNamed){.attr = *attr(arena, id, expr->type), .expr = expr};
    TrRel *rel = ARENA_NEW(arena, TrRel);
    *rel = (TrRel){.tag = TR_PROJECT, .output = &named->attr, .noutput = 1, .input = input};
    rel->project.columns = named;
    return rel;
}

/* Lowers and runs; the first column's values, comma separated. */
static const char *run(Fixture *fixture, const TrRel *rel) {
    Err err = {0};
    const LoQuery *query = lo_lower(fixture->arena, &fixture->settings, rel, false, &err);
    if (query == NULL) {
        return str_to_c(fixture->arena, str_fmt(fixture->arena, "%s", err.code));
    }
    for (size_t i = 0; i < query->nkernels; i++) {
        const LoKernel *kernel = &query->kernels[i];
        assert_true(kn_set_require(fixture->set, fixture->connection, kernel->family, kernel->type, kernel->name, &err));
    }
    Str sql = str_fmt(fixture->arena, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%.*s)", STR_ARG(query->sql));
    duckdb_result result;
    if (duckdb_query(fixture->connection, sql.data, &result) != DuckDBSuccess) {
        fail_msg("%s\n%s", duckdb_result_error(&result), query->sql.data);
    }
    StrBuf out = {.arena = fixture->arena};
    for (idx_t i = 0; i < duckdb_row_count(&result); i++) {
        char *value = duckdb_value_varchar(&result, 0, i);
        strbuf_fmt(&out, "%s%s", i > 0 ? "," : "", value == NULL ? "null" : value);
        duckdb_free(value);
    }
    duckdb_destroy_result(&result);
    return str_to_c(fixture->arena, strbuf_str(&out));
}

static void test_projection_and_filter(void **state) {
    Fixture *f = *state;
    TrRel *filter = ARENA_NEW(f->arena, TrRel);
    TrRel *input = range(f->arena, 1, 6);
    *filter = (TrRel){.tag = TR_FILTER, .output = input->output, .noutput = 1, .input = input};
    filter->filter.condition = call(f->arena, ">", &PL_BOOLEAN, column(f->arena, 1, &PL_LONG), number(f->arena, &PL_LONG, 2));
    const TxExpr *sum = call(f->arena, "+", &PL_LONG, column(f->arena, 1, &PL_LONG), number(f->arena, &PL_LONG, INT64_MAX));
    assert_string_equal(run(f, filter), "3,4,5");
    assert_string_equal(run(f, project(f->arena, range(f->arena, 1, 2), 2, sum)), "9223372036854775807,-9223372036854775808");
}

static void test_aggregate_over_groups(void **state) {
    Fixture *f = *state;
    const TxExpr *group = call(f->arena, "%", &PL_LONG, column(f->arena, 1, &PL_LONG), number(f->arena, &PL_LONG, 2));
    const TxExpr *sum = call(f->arena, "sum", &PL_LONG, column(f->arena, 1, &PL_LONG), NULL);
    const TxExpr *both = call(f->arena, "+", &PL_LONG, sum, group);
    TyNamed *named = ARENA_NEW(f->arena, TyNamed);
    *named = (TyNamed){.attr = *attr(f->arena, 9, &PL_LONG), .expr = both};
    TrRel *rel = ARENA_NEW(f->arena, TrRel);
    *rel = (TrRel){.tag = TR_AGGREGATE, .output = &named->attr, .noutput = 1, .input = range(f->arena, 1, 5)};
    rel->aggregate.groups = &group;
    rel->aggregate.ngroups = 1;
    rel->aggregate.columns = named;
    TrRel *sort = ARENA_NEW(f->arena, TrRel);
    TySort key = {.expr = column(f->arena, 9, &PL_LONG)};
    *sort = (TrRel){.tag = TR_SORT, .output = rel->output, .noutput = 1, .input = rel};
    sort->sort.keys = &key;
    sort->sort.nkeys = 1;
    assert_string_equal(run(f, sort), "5,6");
}

static void test_casts(void **state) {
    Fixture *f = *state;
    static const struct {
        const char *text;
        const PlType *type;
        const char *expected;
    } rows[] = {{" 12 ", &PL_INT, "12"}, {"x", &PL_INT, "null"}, {"2020-02-29", &PL_DATE, "2020-02-29"}, {"1.005", &PL_DECIMAL_USER, "1"}, {"it's", &PL_STRING, "it's"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        PlValue value = {.type = &PL_STRING, .s = str_from_c(rows[i].text)};
        TxExpr literal = {.tag = TX_LITERAL, .type = &PL_STRING, .literal = &value};
        TxExpr cast = {.tag = TX_CAST, .type = rows[i].type, .cast = {.child = &literal}};
        assert_string_equal(run(f, project(f->arena, range(f->arena, 1, 1), 2, &cast)), rows[i].expected);
    }
}

static void test_literals_keep_every_digit(void **state) {
    Fixture *f = *state;
    static const double values[] = {0.1, 1e300, 5e-324, -0.0, 123456789.123456789};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        PlValue value = {.type = &PL_DOUBLE, .f = values[i]};
        TxExpr literal = {.tag = TX_LITERAL, .type = &PL_DOUBLE, .literal = &value};
        double back = 0;
        assert_true(str_to_double(str_from_c(run(f, project(f->arena, range(f->arena, 1, 1), 2, &literal))), &back));
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    PlValue text = {.type = &PL_STRING, .s = STR("a\0b'c")};
    TxExpr literal = {.tag = TX_LITERAL, .type = &PL_STRING, .literal = &text};
    const TxExpr *length = call(f->arena, "length", &PL_INT, &literal, NULL);
    assert_string_equal(run(f, project(f->arena, range(f->arena, 1, 1), 2, length)), "5");
}

/* Every @name of the registry has its writer, and every {word} of a template is known. */
static void test_every_row_can_be_lowered(void **state) {
    (void)state;
    size_t count = 0;
    const PlFunction *rows = pl_functions(&count);
    assert_true(count > 200);
    for (size_t i = 0; i < count; i++) {
        Str lower = str_from_c(rows[i].lower);
        if (lower.len > 0 && lower.data[0] == '@' && rows[i].kind != PL_FN_GENERATOR) {
            if (lo_writer_find(lower) == NULL) {
                fail_msg("%s: no writer %s", rows[i].name, rows[i].lower);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_projection_and_filter),     cmocka_unit_test(test_aggregate_over_groups),   cmocka_unit_test(test_casts),
        cmocka_unit_test(test_literals_keep_every_digit), cmocka_unit_test(test_every_row_can_be_lowered),
    };
    return cmocka_run_group_tests_name("lower", tests, start, stop);
}
