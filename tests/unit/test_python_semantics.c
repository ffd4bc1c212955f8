/* test_python_semantics.c - kernels/python_semantics.c against values that Python 3.11 gave. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/python_semantics.h"

static const struct {
    Str text;
    bool is_int;
    int64_t value;
    bool fits;
} INTS[] = {
    {STR("0"), true, INT64_C(0), true},
    {STR("-0"), true, INT64_C(0), true},
    {STR("12"), true, INT64_C(12), true},
    {STR("+7"), true, INT64_C(7), true},
    {STR(" 42 "), true, INT64_C(42), true},
    {STR("\011\0125\013"), true, INT64_C(5), true},
    {STR("1_000"), true, INT64_C(1000), true},
    {STR("1__0"), false, INT64_C(0), true},
    {STR("_1"), false, INT64_C(0), true},
    {STR("1_"), false, INT64_C(0), true},
    {STR(""), false, INT64_C(0), true},
    {STR("-"), false, INT64_C(0), true},
    {STR(" "), false, INT64_C(0), true},
    {STR("+-5"), false, INT64_C(0), true},
    {STR("+ 5"), false, INT64_C(0), true},
    {STR("5 5"), false, INT64_C(0), true},
    {STR("0.92"), false, INT64_C(0), true},
    {STR("9223372036854775807"), true, INT64_C(9223372036854775807), true},
    {STR("9223372036854775808"), true, INT64_C(9223372036854775807), false},
    {STR("-9223372036854775808"), true, INT64_MIN, true},
    {STR("-9223372036854775809"), true, INT64_MIN, false},
    {STR("0000000000000000000000000000005"), true, INT64_C(5), true},
    {STR("\331\243\331\244"), true, INT64_C(34), true},
    {STR("\302\2405\342\200\203"), true, INT64_C(5), true},
    {STR("\0345"), false, INT64_C(0), true},
    {STR("5\000"), false, INT64_C(0), true},
    {STR("1e3"), false, INT64_C(0), true},
    {STR("0x10"), false, INT64_C(0), true},
    {STR("\357\274\221\357\274\222"), true, INT64_C(12), true},
    {STR("\360\235\237\216"), true, INT64_C(0), true},
    {STR("\342\200\2131"), false, INT64_C(0), true},
    {STR("5_ "), false, INT64_C(0), true},
    {STR("--5"), false, INT64_C(0), true},
    {STR("12345678901234567"), true, INT64_C(12345678901234567), true},
    {STR("999999999999999999"), true, INT64_C(999999999999999999), true},
    {STR("1000000000000000000"), true, INT64_C(1000000000000000000), true},
    {STR("\302\262"), false, INT64_C(0), true},
};

static const struct {
    Str text;
    bool is_float;
    double value;
} FLOATS[] = {
    {STR("0.92"), true, 0x1.d70a3d70a3d71p-1},
    {STR("1"), true, 0x1.0000000000000p+0},
    {STR("-0.0"), true, -0x0.0p+0},
    {STR(".5"), true, 0x1.0000000000000p-1},
    {STR("5."), true, 0x1.4000000000000p+2},
    {STR("1e3"), true, 0x1.f400000000000p+9},
    {STR("1E-5"), true, 0x1.4f8b588e368f1p-17},
    {STR("1_0.5"), true, 0x1.5000000000000p+3},
    {STR("1._5"), false, 0x0.0p+0},
    {STR("._"), false, 0x0.0p+0},
    {STR(""), false, 0x0.0p+0},
    {STR("."), false, 0x0.0p+0},
    {STR(" 1.5 "), true, 0x1.8000000000000p+0},
    {STR("\302\2402.5"), true, 0x1.4000000000000p+1},
    {STR("inf"), true, INFINITY},
    {STR("-Infinity"), true, -INFINITY},
    {STR("+iNf"), true, INFINITY},
    {STR("nan"), true, NAN},
    {STR("0x1p3"), false, 0x0.0p+0},
    {STR("1d"), false, 0x0.0p+0},
    {STR("1e400"), true, INFINITY},
    {STR("-1e400"), true, -INFINITY},
    {STR("4.9e-324"), true, 0x0.0000000000001p-1022},
    {STR("2.2250738585072011e-308"), true, 0x0.fffffffffffffp-1022},
    {STR("9007199254740993"), true, 0x1.0000000000000p+53},
    {STR("123456789012345678901234567890"), true, 0x1.8ee90ff6c373ep+96},
    {STR("\331\241.\331\245"), true, 0x1.8000000000000p+0},
    {STR("1_e5"), false, 0x0.0p+0},
    {STR("1e1_0"), true, 0x1.2a05f20000000p+33},
    {STR("e5"), false, 0x0.0p+0},
    {STR("1e"), false, 0x0.0p+0},
    {STR("+"), false, 0x0.0p+0},
    {STR("0.1e-1"), true, 0x1.47ae147ae147bp-7},
    {STR("179769313486231580793e289"), true, INFINITY},
    {STR("3.14159265358979323846"), true, 0x1.921fb54442d18p+1},
};

static const struct {
    double value;
    const char *text;
} TEXTS[] = {
    {0x0.0p+0, "0.0"},
    {-0x0.0p+0, "-0.0"},
    {0x1.0000000000000p+0, "1.0"},
    {-0x1.8000000000000p+0, "-1.5"},
    {0x1.999999999999ap-4, "0.1"},
    {0x1.3333333333334p-2, "0.30000000000000004"},
    {0x1.c6bf526340000p+49, "1000000000000000.0"},
    {0x1.1c37937e08000p+53, "1e+16"},
    {0x1.b69b4ba630f35p+56, "1.2345678901234568e+17"},
    {0x1.0f0cf064dd592p+73, "1e+22"},
    {0x1.52d02c7e14af6p+76, "1e+23"},
    {0x1.f75104d551d69p-17, "1.5e-05"},
    {0x1.a36e2eb1c432dp-14, "0.0001"},
    {0x1.9e0fcaf9380fcp-17, "1.234e-05"},
    {0x0.0000000000001p-1022, "5e-324"},
    {0x0.0000000000003p-1022, "1.5e-323"},
    {0x0.0000000000014p-1022, "1e-322"},
    {-0x0.0000000000004p-1022, "-2e-323"},
    {0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
    {0x1.0624dd2f1a9fcp-9, "0.002"},
    {0x1.9000000000000p+6, "100.0"},
    {0x1.2d68720000000p+20, "1234567.125"},
    {0x1.1c37937e07fffp+53, "9999999999999998.0"},
    {0x1.249ad2594c37dp+332, "1e+100"},
    {-0x1.12e0be826d695p-32, "-2.5e-10"},
};

static const struct {
    double value;
    int digits;
    double rounded;
} ROUNDS[] = {
    {0x1.5666666666666p+1, 2, 0x1.55c28f5c28f5cp+1},
    {0x1.4000000000000p+1, 0, 0x1.0000000000000p+1},
    {0x1.c000000000000p+1, 0, 0x1.0000000000000p+2},
    {-0x1.0000000000000p-1, 0, -0x0.0p+0},
    {0x1.0147ae147ae14p+0, 2, 0x1.0000000000000p+0},
    {0x1.3333333333333p-3, 1, 0x1.999999999999ap-4},
    {0x1.5af1d78b58c40p+66, 2, 0x1.5af1d78b58c40p+66},
    {0x1.34a456d5cfaadp+10, 3, 0x1.34a45a1cac083p+10},
    {0x0.0000000000001p-1022, 5, 0x0.0p+0},
    {-0x1.2c28f5c28f5c3p+1, 2, -0x1.2cccccccccccdp+1},
    {0x1.0000000000000p-1, 0, 0x0.0p+0},
    {0x1.d6f3454800000p+26, 2, 0x1.d6f34547ae148p+26},
    {0x1.0f0cf064dd592p+73, 3, 0x1.0f0cf064dd592p+73},
};

static const struct {
    double x, y, floordiv, mod;
} DIVISIONS[] = {
    {0x1.c000000000000p+2, 0x1.0000000000000p+1, 0x1.8000000000000p+1, 0x1.0000000000000p+0},
    {-0x1.c000000000000p+2, 0x1.0000000000000p+1, -0x1.0000000000000p+2, 0x1.0000000000000p+0},
    {0x1.c000000000000p+2, -0x1.0000000000000p+1, -0x1.0000000000000p+2, -0x1.0000000000000p+0},
    {-0x1.c000000000000p+2, -0x1.0000000000000p+1, 0x1.8000000000000p+1, -0x1.0000000000000p+0},
    {0x0.0p+0, -0x1.8000000000000p+1, -0x0.0p+0, -0x0.0p+0},
    {-0x0.0p+0, 0x1.8000000000000p+1, -0x0.0p+0, 0x0.0p+0},
    {0x1.7e43c8800759cp+996, 0x1.8000000000000p+1, 0x1.fdafb60009cd0p+994, 0x0.0p+0},
    {0x1.6000000000000p+2, 0x1.999999999999ap-4, 0x1.b000000000000p+5, 0x1.9999999999984p-4},
    {INFINITY, 0x1.0000000000000p+1, NAN, NAN},
    {-0x1.0000000000000p+0, INFINITY, -0x1.0000000000000p+0, INFINITY},
    {0x1.0000000000000p+0, -INFINITY, -0x1.0000000000000p+0, -INFINITY},
    {0x1.3333333333333p-2, 0x1.999999999999ap-4, 0x1.0000000000000p+1, 0x1.9999999999998p-4},
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static bool same(double a, double b) {
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static void ints(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(INTS); i++) {
        int64_t value = 0;
        bool fits = false;
        bool is_int = kn_py_int(INTS[i].text, &value, &fits);
        if (is_int != INTS[i].is_int || (is_int && (value != INTS[i].value || fits != INTS[i].fits))) {
            fail_msg("row %zu, '%.*s': %d %lld %d", i, STR_ARG(INTS[i].text), is_int, (long long)value, fits);
        }
    }
}

static void ints_of_many_digits(void **state) {
    (void)state;
    static char text[4302];
    memset(text, '0', sizeof text);
    int64_t value = 1;
    bool fits = false;
    assert_true(kn_py_int((Str){text, 4300}, &value, &fits));
    assert_int_equal(value, 0);
    assert_true(fits);
    assert_false(kn_py_int((Str){text, 4301}, &value, &fits));
}

static void floats(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(FLOATS); i++) {
        char scratch[128];
        double value = 0;
        bool is_float = kn_py_float(FLOATS[i].text, scratch, &value);
        if (is_float != FLOATS[i].is_float || (is_float && !same(value, FLOATS[i].value))) {
            fail_msg("row %zu, '%.*s': %d %a", i, STR_ARG(FLOATS[i].text), is_float, value);
        }
    }
}

static void float_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        char text[32];
        size_t len = kn_py_float_text(TEXTS[i].value, text);
        if (!str_eq_c((Str){text, len}, TEXTS[i].text)) {
            fail_msg("got %.*s, expected %s", (int)len, text, TEXTS[i].text);
        }
    }
}

static void rounds(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(ROUNDS); i++) {
        double value = kn_py_round(ROUNDS[i].value, ROUNDS[i].digits);
        if (!same(value, ROUNDS[i].rounded)) {
            fail_msg("round(%a, %d) gave %a", ROUNDS[i].value, ROUNDS[i].digits, value);
        }
    }
}

static void divisions(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(DIVISIONS); i++) {
        double x = DIVISIONS[i].x;
        double y = DIVISIONS[i].y;
        if (!same(kn_py_floordiv(x, y), DIVISIONS[i].floordiv) || !same(kn_py_mod(x, y), DIVISIONS[i].mod)) {
            fail_msg("%a and %a: %a, %a", x, y, kn_py_floordiv(x, y), kn_py_mod(x, y));
        }
    }
}

static void sums_and_products_stop_at_64_bits(void **state) {
    (void)state;
    assert_int_equal(kn_py_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(kn_py_add(INT64_MIN, -1), INT64_MIN);
    assert_int_equal(kn_py_add(INT64_MIN, INT64_MAX), -1);
    assert_int_equal(kn_py_multiply(INT64_MAX, 2), INT64_MAX);
    assert_int_equal(kn_py_multiply(INT64_MAX, -2), INT64_MIN);
    assert_int_equal(kn_py_multiply(INT64_MIN, -1), INT64_MAX);
    assert_int_equal(kn_py_multiply(-3, 4), -12);
}

static void assert_text(Str got, const char *expected) {
    if (!str_eq_c(got, expected)) {
        fail_msg("got '%.*s', expected '%s'", STR_ARG(got), expected);
    }
}

static void strips(void **state) {
    (void)state;
    const Str spaces = STR(" \t\n\302\240\342\200\203");
    const Str text = STR("\342\200\203 a b\302\240\n");
    assert_text(kn_py_strip(text, spaces, KN_PY_BOTH), "a b");
    assert_text(kn_py_strip(text, spaces, KN_PY_LEFT), "a b\302\240\n");
    assert_text(kn_py_strip(text, spaces, KN_PY_RIGHT), "\342\200\203 a b");
    assert_text(kn_py_strip(STR("xxyxx"), STR("x"), KN_PY_BOTH), "y");
    assert_text(kn_py_strip(STR("xx"), STR("x"), KN_PY_BOTH), "");
    assert_text(kn_py_strip(STR("\303\251a"), STR("\303\250"), KN_PY_BOTH), "\303\251a");
}

static void assert_case(Str text, bool is_upper, const char *expected) {
    char out[64];
    if (expected == NULL) {
        assert_false(kn_py_case(text, is_upper, out));
    } else {
        assert_true(kn_py_case(text, is_upper, out));
        assert_text((Str){out, text.len}, expected);
    }
}

static void cases(void **state) {
    (void)state;
    assert_case(STR("aZ09[`{@"), true, "AZ09[`{@");
    assert_case(STR("aZ09[`{@"), false, "az09[`{@");
    assert_case(STR("\303\244\303\237\303\277"), true, "\303\204SS\305\270");
    assert_case(STR("\303\204\303\237\305\270"), false, "\303\244\303\237\303\277");
    assert_case(STR("\320\257\346\227\245"), false, "\321\217\346\227\245");
    assert_case(STR("\316\243"), false, NULL); /* a final sigma is another letter */
    assert_case(STR("\304\260"), false, NULL); /* becomes two characters */
}

static void finds(void **state) {
    (void)state;
    assert_int_equal(kn_py_find(STR("abc"), STR("c")), 2);
    assert_int_equal(kn_py_find(STR("\303\251\360\237\230\200b"), STR("b")), 2);
    assert_int_equal(kn_py_find(STR("abc"), STR("d")), -1);
    assert_int_equal(kn_py_find(STR("abc"), STR("")), 0);
    assert_int_equal(kn_py_find(STR(""), STR("a")), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ints),        cmocka_unit_test(ints_of_many_digits),
        cmocka_unit_test(floats),      cmocka_unit_test(float_texts),
        cmocka_unit_test(rounds),      cmocka_unit_test(divisions),
        cmocka_unit_test(strips),      cmocka_unit_test(sums_and_products_stop_at_64_bits),
        cmocka_unit_test(cases),       cmocka_unit_test(finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
