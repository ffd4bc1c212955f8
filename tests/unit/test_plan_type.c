/* test_plan_type.c - plan/type.c and plan/type_json.c: names, equality and JSON of types; expected texts are real Spark 3.5's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/type.h"

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

/* struct<a:int NOT NULL COMMENT 'it's x', b:array<struct<z:array<int>>> NOT NULL, d:map<struct<x:int>,decimal>, `x.y\nz`:interval day> */
static const PlType *sample(Arena *arena) {
    PlField z[] = {{.name = STR("z"), .type = pl_array(arena, &PL_INT, true), .nullable = true}};
    PlField x[] = {{.name = STR("x"), .type = &PL_INT, .nullable = true}};
    PlType *day = ARENA_NEW(arena, PlType);
    day->kind = PL_TYPE_DAY_TIME_INTERVAL;
    PlField fields[] = {
        {.name = STR("a"), .type = &PL_INT, .metadata_json = pl_comment_metadata(arena, STR("it's x"))},
        {.name = STR("b"), .type = pl_array(arena, pl_struct(arena, z, 1), true)},
        {.name = STR("d"), .type = pl_map(arena, pl_struct(arena, x, 1), &PL_DECIMAL_USER, true), .nullable = true},
        {.name = STR("x.y\nz"), .type = day, .nullable = true},
    };
    return pl_struct(arena, fields, 4);
}

static void prints_as_spark(void **state) {
    Arena *arena = *state;
    const PlType *t = sample(arena);
    assert_str(pl_type_simple(arena, t),
               "struct<a:int,b:array<struct<z:array<int>>>,d:map<struct<x:int>,decimal(10,0)>,x.y\nz:interval day>");
    assert_str(pl_type_sql(arena, t), "STRUCT<a: INT COMMENT 'it\\'s x', b: ARRAY<STRUCT<z: ARRAY<INT>>>, d: MAP<STRUCT<x: INT>, "
                                      "DECIMAL(10,0)>, `x.y\nz`: INTERVAL DAY>");
    assert_str(pl_type_tree(arena, t, -1), "root\n"
                                           " |-- a: integer (nullable = false)\n"
                                           " |-- b: array (nullable = false)\n"
                                           " |    |-- element: struct (containsNull = true)\n"
                                           " |    |    |-- z: array (nullable = true)\n"
                                           " |    |    |    |-- element: integer (containsNull = true)\n"
                                           " |-- d: map (nullable = true)\n"
                                           " |    |-- key: struct\n"
                                           " |    |    |-- x: integer (nullable = true)\n"
                                           " |    |-- value: decimal(10,0) (valueContainsNull = true)\n"
                                           " |-- x.y\\nz: interval day (nullable = true)\n");
    assert_str(pl_type_tree(arena, t, 1), "root\n"
                                          " |-- a: integer (nullable = false)\n"
                                          " |-- b: array (nullable = false)\n"
                                          " |-- d: map (nullable = true)\n"
                                          " |-- x.y\\nz: interval day (nullable = true)\n");
    PlField odd[] = {{.name = STR("1a"), .type = &PL_LONG}, {.name = STR("12"), .type = &PL_LONG}, {.name = STR("a`b"), .type = &PL_NULL}};
    assert_str(pl_type_sql(arena, pl_struct(arena, odd, 3)), "STRUCT<1a: BIGINT, `12`: BIGINT, `a``b`: VOID>");
    assert_str(pl_type_sql(arena, &PL_DAY_TIME), "INTERVAL DAY TO SECOND");
    assert_str(pl_type_simple(arena, &PL_YEAR_MONTH), "interval year to month");
}

static void json_goes_there_and_back(void **state) {
    Arena *arena = *state;
    const PlType *t = sample(arena);
    Str json = pl_type_json(arena, t);
    assert_str(json, "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"integer\",\"nullable\":false,\"metadata\":{\"comment\":"
                     "\"it's x\"}},{\"name\":\"b\",\"type\":{\"type\":\"array\",\"elementType\":{\"type\":\"struct\",\"fields\":[{\"name\":"
                     "\"z\",\"type\":{\"type\":\"array\",\"elementType\":\"integer\",\"containsNull\":true},\"nullable\":true,\"metadata\":"
                     "{}}]},\"containsNull\":true},\"nullable\":false,\"metadata\":{}},{\"name\":\"d\",\"type\":{\"type\":\"map\","
                     "\"keyType\":{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}}]}"
                     ",\"valueType\":\"decimal(10,0)\",\"valueContainsNull\":true},\"nullable\":true,\"metadata\":{}},{\"name\":"
                     "\"x.y\\nz\",\"type\":\"interval day\",\"nullable\":true,\"metadata\":{}}]}");
    Err err = {0};
    const PlType *back = pl_type_from_json(arena, json, &err);
    assert_non_null(back);
    assert_true(pl_type_equal(t, back));
}

static void reads_names(void **state) {
    Arena *arena = *state;
    static const struct {
        const char *json, *sql;
    } cases[] = {
        {"\"integer\"", "INT"},
        {"\"null\"", "VOID"},
        {"\"decimal\"", "DECIMAL(10,0)"},
        {"\"decimal( 5 , 2 )\"", "DECIMAL(5,2)"},
        {"\"char(5)\"", "CHAR(5)"},
        {"\"varchar(0)\"", "VARCHAR(0)"},
        {"\"timestamp_ltz\"", "TIMESTAMP"},
        {"\"interval\"", "INTERVAL"},
        {"\"interval month\"", "INTERVAL MONTH"},
        {"\"interval hour to second\"", "INTERVAL HOUR TO SECOND"},
        {"long", "BIGINT"},
        {"{\"type\":\"udt\",\"pyClass\":\"a.b\",\"serializedClass\":\"x\",\"sqlType\":\"integer\"}", "INT"},
        {"{\"type\":\"struct\",\"fields\":[]}", "STRUCT<>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {0};
        const PlType *t = pl_type_from_json(arena, str_from_c(cases[i].json), &err);
        if (t == NULL) {
            fail_msg("%s: %s", cases[i].json, err.message);
            return;
        }
        assert_str(pl_type_sql(arena, t), cases[i].sql);
    }
}

static void refuses_what_is_no_type(void **state) {
    Arena *arena = *state;
    static const char *const cases[][2] = {
        {"\"foo\"", "Failed to convert the JSON string 'foo' to a data type."},
        {"\"int\"", "Failed to convert the JSON string 'int' to a data type."},
        {"\"decimal(5)\"", "Failed to convert the JSON string 'decimal(5)' to a data type."},
        {"\"interval second to day\"", "Failed to convert the JSON string 'interval second to day' to a data type."},
        {"{\"type\":\"struct\"}", "Failed to convert the JSON string '{\"type\":\"struct\"}' to a data type."},
        {"{\"type\":\"array\",\"elementType\":\"integer\"}",
         "Failed to convert the JSON string '{\"type\":\"array\",\"elementType\":\"integer\"}' to a data type."},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"integer\"}]}",
         "Failed to convert the JSON string '{\"name\":\"a\",\"type\":\"integer\"}' to a field."},
        {"3", "Failed to convert the JSON string '3' to a data type."},
        {"\"decimal(50,2)\"", "Decimal precision 50 exceeds max precision 38."},
        {"\"decimal(2,5)\"", "Decimal scale (5) cannot be greater than precision (2)."},
        {"", "The schema is not JSON: input length is 0 at byte 0."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {0};
        assert_null(pl_type_from_json(arena, str_from_c(cases[i][0]), &err));
        assert_string_equal(err.message, cases[i][1]);
    }
}

static void refuses_deep_nesting(void **state) {
    Arena *arena = *state;
    StrBuf buf = {.arena = arena};
    enum { DEPTH = 100000 };
    for (int i = 0; i < DEPTH; i++) {
        strbuf_add_c(&buf, "{\"type\":\"array\",\"containsNull\":true,\"elementType\":");
    }
    strbuf_add_c(&buf, "\"integer\"");
    for (int i = 0; i < DEPTH; i++) {
        strbuf_add_char(&buf, '}');
    }
    Err err = {0};
    assert_null(pl_type_from_json(arena, strbuf_str(&buf), &err));
    assert_string_equal(err.code, "PARSE_DATATYPE_JSON");
}

static void equality(void **state) {
    Arena *arena = *state;
    PlField lower[] = {{.name = STR("a"), .type = &PL_INT, .nullable = true}};
    PlField upper[] = {{.name = STR("A"), .type = &PL_INT, .nullable = false}};
    PlField other[] = {{.name = STR("a"), .type = &PL_LONG, .nullable = true}};
    const PlType *a = pl_struct(arena, lower, 1);
    const PlType *b = pl_struct(arena, upper, 1);
    const PlType *c = pl_struct(arena, other, 1);
    assert_true(pl_type_equal(a, pl_struct(arena, lower, 1)));
    assert_false(pl_type_equal(a, b));
    assert_true(pl_type_same(a, b));
    assert_false(pl_type_same(a, c));
    assert_true(pl_type_same(pl_array(arena, a, true), pl_array(arena, b, false)));
    assert_false(pl_type_equal(pl_array(arena, &PL_INT, true), pl_array(arena, &PL_INT, false)));
    assert_false(pl_type_same(pl_decimal(arena, 5, 2), pl_decimal(arena, 5, 1)));
    assert_false(pl_type_same(&PL_DAY_TIME, &PL_YEAR_MONTH));

    PlValue nan = {.type = &PL_DOUBLE, .f = __builtin_nan("")};
    PlValue one = {.type = &PL_LONG, .i = 1};
    PlValue one_int = {.type = &PL_INT, .i = 1};
    PlValue null_long = {.type = &PL_LONG, .is_null = true};
    assert_true(pl_value_equal(&nan, &nan));
    assert_true(pl_value_equal(&one, &one));
    assert_false(pl_value_equal(&one, &one_int));
    assert_false(pl_value_equal(&one, &null_long));
    assert_true(pl_value_equal(&null_long, &null_long));
    PlValue list_a = {.type = pl_array(arena, &PL_LONG, true), .items = &one, .nitems = 1};
    PlValue list_b = {.type = pl_array(arena, &PL_LONG, true), .items = &null_long, .nitems = 1};
    assert_true(pl_value_equal(&list_a, &list_a));
    assert_false(pl_value_equal(&list_a, &list_b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prints_as_spark, setup, teardown),
        cmocka_unit_test_setup_teardown(json_goes_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_names, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_type, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_deep_nesting, setup, teardown),
        cmocka_unit_test_setup_teardown(equality, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
