/* kernels/number.c - arithmetic that wraps, conversions that saturate, and Spark's mathematics.
 *
 * Invariant: ANSI is off: integers wrap, a zero divisor gives null, a logarithm outside its domain gives null, other domain errors NaN.
 */
#include "kernels/kn_call.h"
#include "kernels/number_text.h"

#include <math.h>

/* Sums and products wrap in the unsigned type of at least int's width. */
#define WRAP(T, W, op)                                                                                                           \
    (T)(W)((W)x op(W) y)

KN_MAP2(add_1, int8_t, int8_t, int8_t, WRAP(int8_t, uint32_t, +))
KN_MAP2(add_2, int16_t, int16_t, int16_t, WRAP(int16_t, uint32_t, +))
KN_MAP2(add_4, int32_t, int32_t, int32_t, WRAP(int32_t, uint32_t, +))
KN_MAP2(add_8, int64_t, int64_t, int64_t, WRAP(int64_t, uint64_t, +))
KN_MAP2(subtract_1, int8_t, int8_t, int8_t, WRAP(int8_t, uint32_t, -))
KN_MAP2(subtract_2, int16_t, int16_t, int16_t, WRAP(int16_t, uint32_t, -))
KN_MAP2(subtract_4, int32_t, int32_t, int32_t, WRAP(int32_t, uint32_t, -))
KN_MAP2(subtract_8, int64_t, int64_t, int64_t, WRAP(int64_t, uint64_t, -))
KN_MAP2(multiply_1, int8_t, int8_t, int8_t, WRAP(int8_t, uint32_t, *))
KN_MAP2(multiply_2, int16_t, int16_t, int16_t, WRAP(int16_t, uint32_t, *))
KN_MAP2(multiply_4, int32_t, int32_t, int32_t, WRAP(int32_t, uint32_t, *))
KN_MAP2(multiply_8, int64_t, int64_t, int64_t, WRAP(int64_t, uint64_t, *))
KN_MAP1(negative_1, int8_t, int8_t, 0u - (uint32_t)x)
KN_MAP1(negative_2, int16_t, int16_t, 0u - (uint32_t)x)
KN_MAP1(negative_4, int32_t, int32_t, 0u - (uint32_t)x)
KN_MAP1(negative_8, int64_t, int64_t, UINT64_C(0) - (uint64_t)x)
KN_MAP1(abs_1, int8_t, int8_t, x < 0 ? 0u - (uint32_t)x : (uint32_t)x)
KN_MAP1(abs_2, int16_t, int16_t, x < 0 ? 0u - (uint32_t)x : (uint32_t)x)
KN_MAP1(abs_4, int32_t, int32_t, x < 0 ? 0u - (uint32_t)x : (uint32_t)x)
KN_MAP1(abs_8, int64_t, int64_t, x < 0 ? UINT64_C(0) - (uint64_t)x : (uint64_t)x)

KN_MAP1(long_to_byte, int64_t, int8_t, x)
KN_MAP1(long_to_short, int64_t, int16_t, x)
KN_MAP1(long_to_int, int64_t, int32_t, x)
KN_MAP1(double_to_float, double, float, x)

static void huge_to_long(KnCall *kn) {
    const duckdb_hugeint *a = KN_ARG(kn, duckdb_hugeint, 0);
    int64_t *r = KN_OUT(kn, int64_t);
    for (idx_t i = 0; i < kn->rows; i++) {
        r[i] = (int64_t)a[i].lower;
    }
    kn_copy_nulls(kn);
}

static int64_t saturate_long(double x) {
    if (isnan(x)) {
        return 0;
    }
    if (x >= 9223372036854775808.0) {
        return INT64_MAX;
    }
    return x <= -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

static int32_t saturate_int(double x) {
    if (isnan(x)) {
        return 0;
    }
    if (x >= 2147483647.0) {
        return INT32_MAX;
    }
    return x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}

KN_MAP1(double_to_int, double, int32_t, saturate_int(x))
KN_MAP1(double_to_long, double, int64_t, saturate_long(x))
KN_MAP1(floor_d, double, int64_t, saturate_long(floor(x)))
KN_MAP1(ceil_d, double, int64_t, saturate_long(ceil(x)))

/* try_cast: null outside the target's range. */
#define TRY_DOUBLE(fn, T, LOW, HIGH)                                                                                             \
    static void fn(KnCall *kn) {                                                                                                 \
        KN_EACH_ROW(kn, i) {                                                                                                     \
            double x = KN_ARG(kn, double, 0)[i];                                                                                 \
            if (isnan(x) || floor(x) > (HIGH) || ceil(x) < (LOW)) {                                                              \
                kn_null(kn, i);                                                                                                  \
            } else {                                                                                                             \
                KN_OUT(kn, T)[i] = (T)x;                                                                                         \
            }                                                                                                                    \
        }                                                                                                                        \
    }
TRY_DOUBLE(try_double_to_byte, int8_t, -128.0, 127.0)
TRY_DOUBLE(try_double_to_short, int16_t, -32768.0, 32767.0)
TRY_DOUBLE(try_double_to_int, int32_t, -2147483648.0, 2147483647.0)
TRY_DOUBLE(try_double_to_long, int64_t, -9223372036854775808.0, 9223372036854774784.0)

/* Division and what is left of it. MIN / -1 would trap: it wraps to MIN, and its remainder is 0. */
#define DIVIDING(fn, T, R, EXPR)                                                                                                 \
    static void fn(KnCall *kn) {                                                                                                 \
        KN_EACH_ROW(kn, i) {                                                                                                     \
            T x = KN_ARG(kn, T, 0)[i];                                                                                           \
            T y = KN_ARG(kn, T, 1)[i];                                                                                           \
            if (y == 0) {                                                                                                        \
                kn_null(kn, i);                                                                                                  \
            } else {                                                                                                             \
                KN_OUT(kn, R)[i] = (R)(EXPR);                                                                                    \
            }                                                                                                                    \
        }                                                                                                                        \
    }
DIVIDING(div_8, int64_t, int64_t, y == -1 ? (int64_t)(UINT64_C(0) - (uint64_t)x) : x / y)
DIVIDING(remainder_1, int8_t, int8_t, x % y)
DIVIDING(remainder_2, int16_t, int16_t, x % y)
DIVIDING(remainder_4, int32_t, int32_t, y == -1 ? 0 : x % y)
DIVIDING(remainder_8, int64_t, int64_t, y == -1 ? 0 : x % y)
DIVIDING(remainder_f, float, float, fmodf(x, y))
DIVIDING(remainder_d, double, double, fmod(x, y))

/* pmod: r = x % n; r < 0 ? (r + n) % n : r, the sum wrapping as the type does. */
#define PMOD(fn, T, W)                                                                                                           \
    static T fn##_of(T x, T n) {                                                                                                 \
        if (n == -1) {                                                                                                           \
            return 0;                                                                                                            \
        }                                                                                                                        \
        T r = (T)(x % n);                                                                                                        \
        if (r >= 0) {                                                                                                            \
            return r;                                                                                                            \
        }                                                                                                                        \
        T sum = (T)(W)((W)r + (W)n);                                                                                             \
        return (T)(sum % n);                                                                                                     \
    }                                                                                                                            \
    DIVIDING(fn, T, T, fn##_of(x, y))
PMOD(pmod_1, int8_t, uint32_t)
PMOD(pmod_2, int16_t, uint32_t)
PMOD(pmod_4, int32_t, uint32_t)
PMOD(pmod_8, int64_t, uint64_t)

static double pmod_double(double x, double n) {
    double r = fmod(x, n);
    return r < 0 ? fmod(r + n, n) : r;
}
static float pmod_float(float x, float n) {
    float r = fmodf(x, n);
    return r < 0 ? fmodf(r + n, n) : r;
}
DIVIDING(pmod_f, float, float, pmod_float(x, y))
DIVIDING(pmod_d, double, double, pmod_double(x, y))

/* ---- mathematics ------------------------------------------------------------------------------------------------------------------ */

#define DOUBLE1(name) KN_MAP1(math_##name, double, double, name(x))
DOUBLE1(sqrt)
DOUBLE1(cbrt)
DOUBLE1(exp)
DOUBLE1(expm1)
DOUBLE1(sin)
DOUBLE1(cos)
DOUBLE1(tan)
DOUBLE1(asin)
DOUBLE1(acos)
DOUBLE1(atan)
DOUBLE1(sinh)
DOUBLE1(cosh)
DOUBLE1(tanh)
DOUBLE1(rint)
/* By Spark's own formulas, which lose what libm's functions keep. */
KN_MAP1(math_asinh, double, double, isinf(x) && x < 0 ? x : x > 1e154 ? log(x) + log(2.0) : log(x + sqrt(x * x + 1.0)))
KN_MAP1(math_acosh, double, double, x < 1 ? NAN : x > 1e154 ? log(x) + log(2.0) : log(x + sqrt(x * x - 1.0)))
KN_MAP1(math_atanh, double, double, 0.5 * (log1p(x) - log1p(-x)))
KN_MAP1(math_cot, double, double, 1.0 / tan(x))
KN_MAP1(math_sec, double, double, 1.0 / cos(x))
KN_MAP1(math_csc, double, double, 1.0 / sin(x))
KN_MAP1(math_degrees, double, double, x * (180.0 / 3.14159265358979323846))
KN_MAP1(math_radians, double, double, x * (3.14159265358979323846 / 180.0))
KN_MAP1(math_signum, double, double, x > 0 ? 1.0 : x < 0 ? -1.0 : x)
KN_MAP2(math_atan2, double, double, double, atan2(x + 0.0, y + 0.0))
KN_MAP2(math_hypot, double, double, double, hypot(x, y))

/* Java's pow differs from C's where the base is 1 or -1 and the exponent is NaN or infinite. */
static double java_pow(double x, double y) {
    if (isnan(y) || (fabs(x) == 1.0 && isinf(y))) {
        return NAN;
    }
    return pow(x, y);
}
KN_MAP2(math_pow, double, double, double, java_pow(x, y))

#define LOGARITHM(fn, LOWEST, EXPR)                                                                                              \
    static void fn(KnCall *kn) {                                                                                                 \
        KN_EACH_ROW(kn, i) {                                                                                                     \
            double x = KN_ARG(kn, double, 0)[i];                                                                                 \
            if (x <= (LOWEST)) {                                                                                                 \
                kn_null(kn, i);                                                                                                  \
            } else {                                                                                                             \
                KN_OUT(kn, double)[i] = (EXPR);                                                                                  \
            }                                                                                                                    \
        }                                                                                                                        \
    }
LOGARITHM(math_ln, 0.0, log(x))
LOGARITHM(math_log10, 0.0, log10(x))
LOGARITHM(math_log2, 0.0, log(x) / log(2.0))
LOGARITHM(math_log1p, -1.0, log1p(x))

static void math_log_base(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        double base = KN_ARG(kn, double, 0)[i];
        double x = KN_ARG(kn, double, 1)[i];
        if (base <= 0.0 || x <= 0.0) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, double)[i] = log(x) / log(base);
        }
    }
}

static void math_factorial(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        int32_t n = KN_ARG(kn, int32_t, 0)[i];
        if (n < 0 || n > 20) {
            kn_null(kn, i);
            continue;
        }
        int64_t product = 1;
        for (int32_t k = 2; k <= n; k++) {
            product *= k;
        }
        KN_OUT(kn, int64_t)[i] = product;
    }
}

/* ---- round and bround ------------------------------------------------------------------------------------------------------------- */

/* Spark rounds the decimal digits that Java prints, not the binary value. */
static double round_digits(double x, int scale, bool half_even) {
    if (isnan(x) || isinf(x)) {
        return x;
    }
    if (x == 0) {
        return 0.0; /* BigDecimal has no -0 */
    }
    KnDigits digits;
    kn_digits_of_double(x, &digits);
    int keep = digits.exponent + scale; /* digits left of the cut */
    if (keep >= digits.count) {
        return x;
    }
    if (keep < 0) {
        return 0.0;
    }
    bool up = digits.text[keep] > '5';
    if (digits.text[keep] == '5') {
        up = !half_even || keep + 1 < digits.count || (keep > 0 && (digits.text[keep - 1] - '0') % 2 == 1);
    }
    digits.count = keep;
    if (up) {
        kn_digits_increment(&digits);
    }
    double rounded = kn_digits_to_double(&digits);
    return rounded == 0 ? 0.0 : rounded;
}

static void round_double(KnCall *kn, bool half_even) {
    KN_EACH_ROW(kn, i) {
        KN_OUT(kn, double)[i] = round_digits(KN_ARG(kn, double, 0)[i], KN_ARG(kn, int32_t, 1)[i], half_even);
    }
}

static void round_d(KnCall *kn) {
    round_double(kn, false);
}

static void bround_d(KnCall *kn) {
    round_double(kn, true);
}

static void round_float(KnCall *kn, bool half_even) {
    KN_EACH_ROW(kn, i) {
        float x = KN_ARG(kn, float, 0)[i];
        int32_t scale = KN_ARG(kn, int32_t, 1)[i];
        char text[32];
        double shown = 0;
        /* The digits of the float, not of the double that equals it. */
        if (isnan(x) || isinf(x) || !str_to_double((Str){text, kn_float_text(x, text)}, &shown)) {
            KN_OUT(kn, float)[i] = x;
        } else {
            KN_OUT(kn, float)[i] = (float)round_digits(shown, scale, half_even);
        }
    }
}

static void round_f(KnCall *kn) {
    round_float(kn, false);
}

static void bround_f(KnCall *kn) {
    round_float(kn, true);
}

/* Integers change only for a negative scale. */
static __int128 round_integer(__int128 x, int scale, bool half_even) {
    if (scale >= 0) {
        return x;
    }
    if (scale < -20) {
        return 0;
    }
    __int128 unit = 1;
    for (int i = 0; i < -scale; i++) {
        unit *= 10;
    }
    __int128 size = x < 0 ? -x : x;
    __int128 whole = size / unit;
    __int128 rest = size % unit;
    if (rest * 2 > unit || (rest * 2 == unit && (!half_even || whole % 2 == 1))) {
        whole++;
    }
    return x < 0 ? -whole * unit : whole * unit;
}

#define ROUND_INTEGER(fn, T)                                                                                                     \
    KN_MAP2(round_##fn, T, int32_t, T, round_integer(x, y, false))                                                               \
    KN_MAP2(bround_##fn, T, int32_t, T, round_integer(x, y, true))
ROUND_INTEGER(1, int8_t)
ROUND_INTEGER(2, int16_t)
ROUND_INTEGER(4, int32_t)
ROUND_INTEGER(8, int64_t)

/* ---- bits ------------------------------------------------------------------------------------------------------------------------- */

KN_MAP2(shiftleft_4, int32_t, int32_t, int32_t, (uint32_t)x << (y & 31))
KN_MAP2(shiftleft_8, int64_t, int32_t, int64_t, (uint64_t)x << (y & 63))
KN_MAP2(shiftright_4, int32_t, int32_t, int32_t, x >> (y & 31))
KN_MAP2(shiftright_8, int64_t, int32_t, int64_t, x >> (y & 63))
KN_MAP2(shiftrightunsigned_4, int32_t, int32_t, int32_t, (uint32_t)x >> (y & 31))
KN_MAP2(shiftrightunsigned_8, int64_t, int32_t, int64_t, (uint64_t)x >> (y & 63))
KN_MAP1(bit_count_8, int64_t, int32_t, __builtin_popcountll((uint64_t)x))

const KnScalar kn_number_kernels[] = {
    {"spark_add", "11:1", add_1},
    {"spark_add", "22:2", add_2},
    {"spark_add", "44:4", add_4},
    {"spark_add", "88:8", add_8},
    {"spark_subtract", "11:1", subtract_1},
    {"spark_subtract", "22:2", subtract_2},
    {"spark_subtract", "44:4", subtract_4},
    {"spark_subtract", "88:8", subtract_8},
    {"spark_multiply", "11:1", multiply_1},
    {"spark_multiply", "22:2", multiply_2},
    {"spark_multiply", "44:4", multiply_4},
    {"spark_multiply", "88:8", multiply_8},
    {"spark_negative", "1:1", negative_1},
    {"spark_negative", "2:2", negative_2},
    {"spark_negative", "4:4", negative_4},
    {"spark_negative", "8:8", negative_8},
    {"spark_abs", "1:1", abs_1},
    {"spark_abs", "2:2", abs_2},
    {"spark_abs", "4:4", abs_4},
    {"spark_abs", "8:8", abs_8},
    {"spark_long_to_byte", "8:1", long_to_byte},
    {"spark_long_to_short", "8:2", long_to_short},
    {"spark_long_to_int", "8:4", long_to_int},
    {"spark_huge_to_long", "h:8", huge_to_long},
    {"spark_double_to_float", "d:f", double_to_float},
    {"spark_double_to_int", "d:4", double_to_int},
    {"spark_double_to_long", "d:8", double_to_long},
    {"spark_try_double_to_byte", "d:1", try_double_to_byte},
    {"spark_try_double_to_short", "d:2", try_double_to_short},
    {"spark_try_double_to_int", "d:4", try_double_to_int},
    {"spark_try_double_to_long", "d:8", try_double_to_long},
    {"spark_floor", "d:8", floor_d},
    {"spark_ceil", "d:8", ceil_d},
    {"spark_div", "88:8", div_8},
    {"spark_remainder", "11:1", remainder_1},
    {"spark_remainder", "22:2", remainder_2},
    {"spark_remainder", "44:4", remainder_4},
    {"spark_remainder", "88:8", remainder_8},
    {"spark_remainder", "ff:f", remainder_f},
    {"spark_remainder", "dd:d", remainder_d},
    {"spark_pmod", "11:1", pmod_1},
    {"spark_pmod", "22:2", pmod_2},
    {"spark_pmod", "44:4", pmod_4},
    {"spark_pmod", "88:8", pmod_8},
    {"spark_pmod", "ff:f", pmod_f},
    {"spark_pmod", "dd:d", pmod_d},
    {"spark_sqrt", "d:d", math_sqrt},
    {"spark_cbrt", "d:d", math_cbrt},
    {"spark_exp", "d:d", math_exp},
    {"spark_expm1", "d:d", math_expm1},
    {"spark_sin", "d:d", math_sin},
    {"spark_cos", "d:d", math_cos},
    {"spark_tan", "d:d", math_tan},
    {"spark_asin", "d:d", math_asin},
    {"spark_acos", "d:d", math_acos},
    {"spark_atan", "d:d", math_atan},
    {"spark_sinh", "d:d", math_sinh},
    {"spark_cosh", "d:d", math_cosh},
    {"spark_tanh", "d:d", math_tanh},
    {"spark_asinh", "d:d", math_asinh},
    {"spark_acosh", "d:d", math_acosh},
    {"spark_atanh", "d:d", math_atanh},
    {"spark_rint", "d:d", math_rint},
    {"spark_cot", "d:d", math_cot},
    {"spark_sec", "d:d", math_sec},
    {"spark_csc", "d:d", math_csc},
    {"spark_degrees", "d:d", math_degrees},
    {"spark_radians", "d:d", math_radians},
    {"spark_signum", "d:d", math_signum},
    {"spark_atan2", "dd:d", math_atan2},
    {"spark_hypot", "dd:d", math_hypot},
    {"spark_pow", "dd:d", math_pow},
    {"spark_ln", "d:d", math_ln},
    {"spark_log10", "d:d", math_log10},
    {"spark_log2", "d:d", math_log2},
    {"spark_log1p", "d:d", math_log1p},
    {"spark_log_base", "dd:d", math_log_base},
    {"spark_factorial", "4:8", math_factorial},
    {"spark_round", "14:1", round_1},
    {"spark_round", "24:2", round_2},
    {"spark_round", "44:4", round_4},
    {"spark_round", "84:8", round_8},
    {"spark_round", "f4:f", round_f},
    {"spark_round", "d4:d", round_d},
    {"spark_bround", "14:1", bround_1},
    {"spark_bround", "24:2", bround_2},
    {"spark_bround", "44:4", bround_4},
    {"spark_bround", "84:8", bround_8},
    {"spark_bround", "f4:f", bround_f},
    {"spark_bround", "d4:d", bround_d},
    {"spark_shiftleft", "44:4", shiftleft_4},
    {"spark_shiftleft", "84:8", shiftleft_8},
    {"spark_shiftright", "44:4", shiftright_4},
    {"spark_shiftright", "84:8", shiftright_8},
    {"spark_shiftrightunsigned", "44:4", shiftrightunsigned_4},
    {"spark_shiftrightunsigned", "84:8", shiftrightunsigned_8},
    {"spark_bit_count", "8:4", bit_count_8},
    {.name = NULL},
};
