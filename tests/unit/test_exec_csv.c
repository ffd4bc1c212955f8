/* test_exec_csv.c - the CSV tokenizer, UTF-8 repair, zones and dates of exec/, alone. What real Spark makes of whole files is in
 * tests/spark/test_sources.py; the tokens here were seen there.
 */
#include "exec/csv.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The record's tokens joined by '|', nulls as N, or "error". */
static Str tokens(Arena *arena, const char *line, const PlOption *options, size_t noptions) {
    ExCsvOptions csv;
    Err err = {0};
    assert_true(ex_csv_options(&csv, options, noptions, STR("UTC"), arena, &err));
    ExCsvParser parser = {.options = &csv};
    StrBuf out = {.arena = arena};
    size_t len = strlen(line);
    char *padded = arena_alloc(arena, len + EX_LINES_PAD);
    memcpy(padded, line, len);
    const char *next;
    if (!ex_csv_record(&parser, padded, padded + len, &next, &err)) {
        strbuf_add_c(&out, "error");
    } else {
        for (size_t i = 0; i < parser.nfields; i++) {
            Str value;
            strbuf_add_c(&out, i > 0 ? "|" : "");
            strbuf_add(&out, ex_csv_value(&csv, &parser.fields[i], &value) ? value : STR("N"));
        }
    }
    ex_csv_done(&parser);
    return strbuf_str(&out);
}

static void test_tokens(void **state) {
    (void)state;
    static const struct {
        const char *line, *wanted;
    } cases[] = {{"a,b,c", "a|b|c"},
                 {"a,,", "a|N|N"},
                 {"\"a,b\",c", "a,b|c"},
                 {"\"\",x", "N|x"},
                 {"\"a\\\"b\",c", "a\"b|c"},
                 {"\"a\"\"b\",c", "\"a\"\"b\"|c"},
                 {"\"abc\"def,x", "\"abc\"def|x"},
                 {"\"abc", "abc"},
                 {"a\"b,c", "a\"b|c"},
                 {"\"\"\\b", "\"\\b"},
                 {"\"a\"  ,b", "a|b"}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Str got = tokens(arena, cases[i].line, NULL, 0);
        assert_string_equal(got.data, cases[i].wanted);
    }
    const PlOption doubled[] = {{STR("escape"), STR("\"")}};
    assert_string_equal(tokens(arena, "\"a\"\"b\",c", doubled, 1).data, "a\"b|c");
    const PlOption none[] = {{STR("quote"), STR("")}, {STR("sep"), STR("\t")}};
    assert_string_equal(tokens(arena, "\"a\t\"b", none, 2).data, "\"a|\"b");
    arena_free(arena);
}

static void test_utf8(void **state) {
    (void)state;
    char out[64];
    assert_true(utf8_is_valid("\xC3\xA9", 2));
    assert_false(utf8_is_valid("\xC3(", 2));
    assert_false(utf8_is_valid("\xED\xA0\x80", 3)); /* a surrogate */
    size_t n = utf8_repair("a\xE2\x82z", 4, out);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "a\xEF\xBF\xBDz", 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_utf8)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
