/* test_sql_parser.c - sql/ on its own: trees, origins, arguments, names, windows, limits. What is right by Spark's measure is for
 * tests/spark/test_sql_parser.py to find; here is what that test cannot see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/sql.h"

static int setup(void **state) {
    *state = arena_new();
    return 0;
}

static int teardown(void **state) {
    arena_free(*state);
    return 0;
}

static void assert_str(Str got, const char *expected) {
    if (!str_eq_c(got, expected)) {
        print_error("got:      %.*s\nexpected: %s\n", STR_ARG(got), expected);
        fail();
    }
}

static SqStatement statement_of(Arena *arena, const char *text, const SqArguments *args) {
    SqStatement statement = {0};
    Err err = {0};
    if (!sq_parse_statement(arena, str_from_c(text), args, &statement, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return statement;
}

static void assert_plan(Arena *arena, const char *text, const char *expected) {
    SqStatement statement = statement_of(arena, text, NULL);
    assert_int_equal(statement.kind, SQ_QUERY);
    assert_str(pl_unresolved_dump(arena, statement.plan), expected);
}

static void assert_error(Arena *arena, const char *text, const char *code) {
    SqStatement statement;
    Err err = {0};
    if (sq_parse_statement(arena, str_from_c(text), NULL, &statement, &err)) {
        fail_msg("%.60s: accepted", text);
    }
    assert_string_equal(err.code, code);
}

static void clauses_nest_in_order(void **state) {
    Arena *arena = *state;
    assert_plan(arena, "SELECT DISTINCT a AS x FROM t WHERE b ORDER BY c LIMIT 5 OFFSET 2",
                "(limit (literal \"int\" 5) (offset (literal \"int\" 2) (order-by (sort asc nulls-first (attribute \"c\")) (distinct (project "
                "(alias (attribute \"a\") \"x\") (filter (attribute \"b\") (table \"t\")))))))");
    assert_plan(arena, "select a, count(*) from t group by 1 having count(*) > 1",
                "(aggregate group-by (groups (literal \"int\" 1)) (select (attribute \"a\") (call \"count\" (literal \"int\" 1))) (having (call "
                "\">\" (call \"count\" (literal \"int\" 1)) (literal \"int\" 1))) (table \"t\"))");
    assert_plan(arena, "select 1 union all select 2 intersect select 3 except select 4",
                "(except (union all (project (literal \"int\" 1) (one-row)) (intersect (project (literal \"int\" 2) (one-row)) (project (literal "
                "\"int\" 3) (one-row)))) (project (literal \"int\" 4) (one-row)))");
    assert_plan(arena, "with a(x) as (select 1) select * from a b, (select 2)",
                "(with \"a\" (subquery-alias \"a\" \"x\" (project (literal \"int\" 1) (one-row))) (project (star) (join inner (subquery-alias \"b\" "
                "(table \"a\")) (subquery-alias \"__auto_generated_subquery_name\" (project (literal \"int\" 2) (one-row))))))");
    assert_plan(arena, "from t select a", "(project (attribute \"a\") (table \"t\"))");
}

static void joins(void **state) {
    Arena *arena = *state;
    assert_plan(arena, "select * from a left join b on x = y join c using (k, l) natural full join d cross join e",
                "(project (star) (join cross (join full natural (join inner (using \"k\" \"l\") (join left (on (call \"=\" (attribute \"x\") "
                "(attribute \"y\"))) (table \"a\") (table \"b\")) (table \"c\")) (table \"d\")) (table \"e\")))");
    assert_plan(arena, "select * from a, lateral (select 1) x, b left semi join c on true",
                "(project (star) (join inner (join inner lateral (table \"a\") (subquery-alias \"x\" (project (literal \"int\" 1) (one-row)))) "
                "(join left-semi (on (literal \"boolean\" true)) (table \"b\") (table \"c\"))))");
    assert_plan(arena, "select * from t lateral view outer explode(m) u as k, v where k",
                "(project (star) (filter (attribute \"k\") (generate outer \"u\" (call \"explode\" (attribute \"m\")) \"k\" \"v\" (table \"t\"))))");
}

static void grouping(void **state) {
    Arena *arena = *state;
    assert_plan(arena, "select 1 from t group by a, cube(b, c)",
                "(aggregate sets (groups (attribute \"a\") (attribute \"b\") (attribute \"c\")) (sets (0 1 2) (0 1) (0 2) (0)) (select (literal "
                "\"int\" 1)) (table \"t\"))");
    assert_plan(arena, "select 1 from t group by rollup(a, b)",
                "(aggregate rollup (groups (attribute \"a\") (attribute \"b\")) (select (literal \"int\" 1)) (table \"t\"))");
    assert_plan(arena, "select 1 from t group by grouping sets ((a, b), (a), ())",
                "(aggregate sets (groups (attribute \"a\") (attribute \"b\")) (sets (0 1) (0) ()) (select (literal \"int\" 1)) (table \"t\"))");
    assert_plan(arena, "select 1 from t group by rollup((a, b), c)",
                "(aggregate sets (groups (attribute \"a\") (attribute \"b\") (attribute \"c\")) (sets (0 1 2) (0 1) ()) (select (literal \"int\" 1)) "
                "(table \"t\"))");
}

static void windows_are_settled(void **state) {
    Arena *arena = *state;
    assert_plan(arena, "select sum(a) over w from t window v as (order by b), w as (partition by c order by d rows 2 preceding)",
                "(project (window (call \"sum\" (attribute \"a\")) (partition (attribute \"c\")) (order (sort asc nulls-first (attribute \"d\"))) "
                "(rows (literal \"int\" -2) current)) (table \"t\"))");
    assert_error(arena, "select sum(a) over w from t", "MISSING_WINDOW_SPECIFICATION");
}

static void pivots(void **state) {
    Arena *arena = *state;
    assert_plan(arena, "select * from t pivot (sum(a) as s for (b, c) in ((1, 2) as x, (3, 4)))",
                "(project (star) (pivot (aggregates (alias (call \"sum\" (attribute \"a\")) \"s\")) (columns (attribute \"b\") (attribute \"c\")) "
                "(values (alias (call \"named_struct\" (literal \"string\" \"col1\") (literal \"int\" 1) (literal \"string\" \"col2\") (literal "
                "\"int\" 2)) \"x\") (call \"named_struct\" (literal \"string\" \"col1\") (literal \"int\" 3) (literal \"string\" \"col2\") (literal "
                "\"int\" 4))) (table \"t\")))");
    assert_plan(arena, "select * from t unpivot include nulls (v for n in (a as x, b))",
                "(project (star) (unpivot sql include-nulls \"n\" \"v\" (ids) (values (alias (attribute \"a\") \"x\") (attribute \"b\")) (table "
                "\"t\")))");
}

static void origins(void **state) {
    Arena *arena = *state;
    const char *text = "SELECT a,\n  f(b) + 1 FROM t";
    SqStatement statement = statement_of(arena, text, NULL);
    const PxExpr *sum = statement.plan->project.exprs[1];
    assert_int_equal(sum->origin.line, 2);
    assert_int_equal(sum->origin.column, 2);
    assert_str(str_slice(sum->origin.sql, (size_t)sum->origin.start, (size_t)sum->origin.stop), "f(b) + 1");
    const PxExpr *call = sum->call.args[0];
    assert_str(str_slice(call->origin.sql, (size_t)call->origin.start, (size_t)call->origin.stop), "f(b)");
}

static void arguments_are_put_in(void **state) {
    Arena *arena = *state;
    PlValue seven = {.type = &PL_INT, .i = 7};
    PlValue word = {.type = &PL_STRING, .s = STR("x")};
    PxExpr first = {.tag = PX_LITERAL, .literal = &seven};
    PxExpr second = {.tag = PX_LITERAL, .literal = &word};
    const PxExpr *values[] = {&first, &second};
    const Str names[] = {STR("n"), STR("w")};
    SqArguments named = {.names = names, .values = values, .count = 2};
    SqArguments positional = {.values = values, .count = 2};
    const char *expected = "(project (literal \"string\" \"x\") (literal \"int\" 7) (one-row))";
    assert_str(pl_unresolved_dump(arena, statement_of(arena, "select :w, :n", &named).plan), expected);
    expected = "(project (literal \"int\" 7) (literal \"string\" \"x\") (one-row))";
    assert_str(pl_unresolved_dump(arena, statement_of(arena, "select ?, ?", &positional).plan), expected);
    assert_error(arena, "select :x", "UNBOUND_SQL_PARAMETER");
}

static void lambda_parameters_are_told_from_columns(void **state) {
    Arena *arena = *state;
    Err err = {0};
    const PxExpr *e = sq_parse_expression(arena, STR("f(x, (x, y) -> x.a + Y + z) + y"), &err);
    assert_non_null(e);
    assert_str(pl_unresolved_expr_dump(arena, e),
               "(call \"+\" (call \"f\" (attribute \"x\") (lambda (call \"+\" (call \"+\" (lambda-variable \"x\" \"a\") (lambda-variable \"Y\")) "
               "(attribute \"z\")) \"x\" \"y\")) (attribute \"y\"))");
}

static void statements(void **state) {
    Arena *arena = *state;
    SqStatement s = statement_of(arena, "CREATE OR REPLACE GLOBAL TEMP VIEW v (x) AS SELECT 1", NULL);
    assert_int_equal(s.kind, SQ_CREATE_TEMP_VIEW);
    assert_true(s.replace && s.global);
    assert_str(s.name[0], "v");
    assert_str(pl_unresolved_dump(arena, s.plan), "(subquery-alias \"v\" \"x\" (project (literal \"int\" 1) (one-row)))");
    s = statement_of(arena, "set spark.sql.x.y = a b 'c' ;", NULL);
    assert_int_equal(s.kind, SQ_SET);
    assert_str(s.key, "spark.sql.x.y");
    assert_str(s.value, "a b 'c'");
    s = statement_of(arena, "SET TIME ZONE INTERVAL -'1:30' HOUR TO MINUTE", NULL);
    assert_str(s.key, "spark.sql.session.timeZone");
    assert_str(s.value, "-01:30");
    s = statement_of(arena, "show tables in a.b like 'x*'", NULL);
    assert_int_equal(s.kind, SQ_SHOW_TABLES);
    assert_int_equal(s.nname, 2);
    assert_str(s.text, "x*");
    s = statement_of(arena, "describe function extended upper", NULL);
    assert_int_equal(s.kind, SQ_DESCRIBE_FUNCTION);
    assert_true(s.extended);
    s = statement_of(arena, "with a as (select 1) insert overwrite t (c) select * from a", NULL);
    assert_int_equal(s.kind, SQ_INSERT);
    assert_true(s.overwrite);
    assert_str(s.columns[0], "c");
    assert_str(pl_unresolved_dump(arena, s.plan), "(with \"a\" (project (literal \"int\" 1) (one-row)) (project (star) (table \"a\")))");
    s = statement_of(arena, "merge into t using u on t.a = u.a when matched then delete", NULL);
    assert_int_equal(s.kind, SQ_OTHER);
    assert_str(s.text, "MERGE INTO");
    s = statement_of(arena, "explain extended select 1", NULL);
    assert_int_equal(s.kind, SQ_EXPLAIN);
    assert_str(s.text, "EXTENDED");
}

static void names(void **state) {
    Arena *arena = *state;
    static const struct {
        const char *text, *parts; /* joined by |; NULL: an error */
    } cases[] = {{"a", "a"},   {"a.b", "a|b"}, {"`a.b`.c", "a.b|c"}, {"a.`b``c`", "a|b`c"}, {"", ""},      {"a b", "a b"},
                 {"a..b", NULL}, {"a.", NULL},  {"`a", NULL},         {"a`b`", NULL},        {"`a`b", NULL}, {".a", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Str *parts = NULL;
        size_t nparts = 0;
        Err err = {0};
        bool good = sq_parse_name(arena, str_from_c(cases[i].text), &parts, &nparts, &err);
        assert_int_equal(good, cases[i].parts != NULL);
        if (!good) {
            assert_string_equal(err.code, "_LEGACY_ERROR_TEMP_1049");
            continue;
        }
        StrBuf buf = {.arena = arena};
        for (size_t k = 0; k < nparts; k++) {
            strbuf_add_c(&buf, k > 0 ? "|" : "");
            strbuf_add(&buf, parts[k]);
        }
        assert_str(strbuf_str(&buf), cases[i].parts);
    }
}

static void schemas(void **state) {
    Arena *arena = *state;
    static const char *const cases[][2] = {
        {"a int, b string not null comment 'x'", "struct<a:int,b:string>"},
        {"struct<a:int>", "struct<a:int>"},
        {"decimal(10,2)", "decimal(10,2)"},
        {"interval day", "interval day"},
        {"`a b` array<int>", "struct<a b:array<int>>"},
        {"a-b int", NULL},
        {"a:int", NULL},
        {"a", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {0};
        const PlType *t = sq_parse_schema(arena, str_from_c(cases[i][0]), &err);
        assert_int_equal(t != NULL, cases[i][1] != NULL);
        if (t != NULL) {
            assert_str(pl_type_simple(arena, t), cases[i][1]);
        } else {
            assert_true(err.is_set);
        }
    }
}

/* prefix × count, middle, suffix × count */
static const char *nested(Arena *arena, const char *head, const char *prefix, const char *middle, const char *suffix, size_t count) {
    StrBuf buf = {.arena = arena};
    strbuf_add_c(&buf, head);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&buf, prefix);
    }
    strbuf_add_c(&buf, middle);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&buf, suffix);
    }
    return strbuf_str(&buf).data;
}

static const struct {
    const char *head, *prefix, *middle, *suffix;
} NESTED[] = {
    {"select ", "(", "1", ")"},
    {"select ", "((select ", "1", "))"},
    {"select * from ", "(select * from ", "t", ")"},
    {"select * from ", "(", "t", ")"},
    {"", "(", "select 1", ")"},
    {"select ", "not ", "a", ""},
    {"select ", "- ", "a", ""},
    {"select ", "f(", "a", ")"},
    {"select ", "trim(both 'x' from ", "a", ")"},
    {"select ", "substring(", "a", ", 1)"},
    {"select ", "cast(", "a", " as int)"},
    {"select ", "case when a then ", "b", " end"},
    {"select ", "case ", "a", " when 1 then 2 end"},
    {"select ", "a[", "0", "]"},
    {"select ", "x -> ", "x", ""},
    {"select 1 where ", "a in (", "1", ")"},
    {"select 1 where ", "exists (select 1 where ", "a", ")"},
    {"select ", "", "a", "[0]"},
    {"select ", "", "f(a)", ".b"},
    {"select ", "", "a", " + 1"},
    {"select ", "1 = ", "a", ""},
    {"", "select 1 union ", "select 1", ""},
    {"select 1 from ", "t join ", "t", ""},
    {"select 1 from ", "t, ", "t", ""},
    {"select 1 from t ", "lateral view explode(a) u ", "", ""},
    {"select 1 from t group by ", "grouping sets (", "a", ")"},
    {"", "with a as (", "select 1", ") select 1"},
    {"select cast(a as ", "array<", "int", ">"},
    {"select cast(a as ", "struct<a:", "int", ">"},
};

static void deep_text_is_refused(void **state) {
    Arena *arena = *state;
    for (size_t i = 0; i < sizeof NESTED / sizeof *NESTED; i++) {
        const char *text = nested(arena, NESTED[i].head, NESTED[i].prefix, NESTED[i].middle, NESTED[i].suffix, 30000);
        SqStatement statement;
        Err err = {0};
        if (sq_parse_statement(arena, str_from_c(text), NULL, &statement, &err)) {
            fail_msg("%s%s… accepted", NESTED[i].head, NESTED[i].prefix);
        }
        if (!err_is(&err, "FAILED_TO_PARSE_TOO_COMPLEX")) {
            fail_msg("%s%s…: %s", NESTED[i].head, NESTED[i].prefix, err.code);
        }
    }
}

static void moderate_nesting_is_read(void **state) {
    Arena *arena = *state;
    for (size_t i = 0; i < sizeof NESTED / sizeof *NESTED; i++) {
        const char *text = nested(arena, NESTED[i].head, NESTED[i].prefix, NESTED[i].middle, NESTED[i].suffix, 60);
        SqStatement statement;
        Err err = {0};
        (void)sq_parse_statement(arena, str_from_c(text), NULL, &statement, &err);
        if (err_is(&err, "FAILED_TO_PARSE_TOO_COMPLEX")) {
            fail_msg("%s%s…: too complex at 60 levels", NESTED[i].head, NESTED[i].prefix);
        }
    }
}

static size_t depth_of(const PxExpr *e) {
    if (e->tag != PX_CALL) {
        return 0;
    }
    size_t a = depth_of(e->call.args[0]);
    size_t b = depth_of(e->call.args[1]);
    return 1 + (a > b ? a : b);
}

static void many_conditions_stay_flat(void **state) {
    Arena *arena = *state;
    Err err = {0};
    const PxExpr *e = sq_parse_expression(arena, str_from_c(nested(arena, "", "a or ", "a", "", 20000)), &err);
    assert_non_null(e);
    assert_in_range(depth_of(e), 14, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clauses_nest_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(joins, setup, teardown),
        cmocka_unit_test_setup_teardown(grouping, setup, teardown),
        cmocka_unit_test_setup_teardown(windows_are_settled, setup, teardown),
        cmocka_unit_test_setup_teardown(pivots, setup, teardown),
        cmocka_unit_test_setup_teardown(origins, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_are_put_in, setup, teardown),
        cmocka_unit_test_setup_teardown(lambda_parameters_are_told_from_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(statements, setup, teardown),
        cmocka_unit_test_setup_teardown(names, setup, teardown),
        cmocka_unit_test_setup_teardown(schemas, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_text_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(moderate_nesting_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(many_conditions_stay_flat, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
