/* kernels/decimal.c - decimals: conversions, and arithmetic whose exact result may not fit 38 digits.
 *
 * Invariant: results are exact, then rounded once HALF_UP to the result's scale; what does not fit its precision is null (ANSI off).
 */
#include "kernels/kn_call.h"
#include "kernels/number_text.h"

#include <math.h>
#include <stdlib.h>

/* ---- 256 bits ---------------------------------------------------------------------------------------------------------------------- */

typedef struct Wide {
    uint64_t limb[5]; /* least first; 320 bits leave room for a shift by ten powers */
} Wide;

static unsigned __int128 magnitude(__int128 x) {
    return x < 0 ? -(unsigned __int128)x : (unsigned __int128)x;
}

static Wide wide_from(unsigned __int128 x) {
    return (Wide){{(uint64_t)x, (uint64_t)(x >> 64), 0, 0, 0}};
}

/* Multiplies by a 128-bit number; what exceeds 320 bits is lost (operands here are below 10^38 × 10^38). */
static Wide wide_multiply(Wide a, unsigned __int128 b) {
    uint64_t parts[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    Wide result = {{0}};
    for (int p = 0; p < 2; p++) {
        uint64_t carry = 0;
        for (int i = 0; i + p < 5; i++) {
            unsigned __int128 sum = (unsigned __int128)a.limb[i] * parts[p] + result.limb[i + p] + carry;
            result.limb[i + p] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    }
    return result;
}

/* Divides by a 128-bit number, bit by bit: only reached when 128 bits are not enough. */
static Wide wide_divide(Wide a, unsigned __int128 divisor, unsigned __int128 *ret_rest) {
    Wide quotient = {{0}};
    unsigned __int128 rest = 0;
    for (int bit = 319; bit >= 0; bit--) {
        bool top = rest >> 127 != 0;
        rest = rest << 1 | (a.limb[bit / 64] >> (bit % 64) & 1);
        if (top || rest >= divisor) {
            rest -= divisor;
            quotient.limb[bit / 64] |= UINT64_C(1) << (bit % 64);
        }
    }
    *ret_rest = rest;
    return quotient;
}

static bool wide_to_128(const Wide *a, bool is_negative, __int128 *ret_value) {
    unsigned __int128 low = (unsigned __int128)a->limb[1] << 64 | a->limb[0];
    if (a->limb[2] != 0 || a->limb[3] != 0 || a->limb[4] != 0 || low >> 127 != 0) {
        return false;
    }
    *ret_value = is_negative ? -(__int128)low : (__int128)low;
    return true;
}

/* a × b at scale from, rounded HALF_UP to scale to. */
static bool multiply_rounded(__int128 a, __int128 b, int from, int to, __int128 *ret_value) {
    __int128 small;
    if (!__builtin_mul_overflow(a, b, &small)) {
        return kn_rescale(small, from, to, ret_value);
    }
    Wide product = wide_multiply(wide_from(magnitude(a)), magnitude(b));
    int drop = from - to;
    if (drop > 0) {
        unsigned __int128 unit = (unsigned __int128)kn_power_of_ten[drop > 38 ? 38 : drop];
        unsigned __int128 rest;
        product = wide_divide(product, unit, &rest);
        if (rest >= unit - rest) {
            for (int i = 0; i < 5 && ++product.limb[i] == 0; i++) {
            }
        }
    }
    return wide_to_128(&product, (a < 0) != (b < 0), ret_value);
}

/* a × 10^shift / b, rounded HALF_UP (or truncated). */
static bool divide_shifted(__int128 a, int shift, __int128 b, bool rounds, __int128 *ret_value) {
    Wide dividend = wide_from(magnitude(a));
    unsigned __int128 divisor = magnitude(b);
    while (shift > 0) {
        int step = shift > 38 ? 38 : shift;
        dividend = wide_multiply(dividend, (unsigned __int128)kn_power_of_ten[step]);
        shift -= step;
    }
    unsigned __int128 rest;
    if (dividend.limb[2] == 0 && dividend.limb[3] == 0 && dividend.limb[4] == 0) {
        unsigned __int128 low = (unsigned __int128)dividend.limb[1] << 64 | dividend.limb[0];
        rest = low % divisor;
        dividend = wide_from(low / divisor);
    } else {
        dividend = wide_divide(dividend, divisor, &rest);
    }
    if (rounds && rest >= divisor - rest) {
        for (int i = 0; i < 5 && ++dividend.limb[i] == 0; i++) {
        }
    }
    return wide_to_128(&dividend, (a < 0) != (b < 0), ret_value);
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------------------------- */

typedef struct Operands {
    KnDecimal a, b, out;
} Operands;

typedef bool Operation(const Operands *types, __int128 a, __int128 b, __int128 *ret_value);

static void binary_decimal(KnCall *kn, Operation *operation) {
    Operands types = {kn_decimal_of(&kn->args[0]), kn_decimal_of(&kn->args[1]), kn_decimal_of(&kn->out)};
    KN_EACH_ROW(kn, i) {
        __int128 value;
        __int128 a = kn_decimal_get(&kn->args[0], &types.a, i);
        __int128 b = kn_decimal_get(&kn->args[1], &types.b, i);
        if (operation(&types, a, b, &value) && kn_fits(value, types.out.width)) {
            kn_decimal_put(&kn->out, &types.out, i, value);
        } else {
            kn_null(kn, i);
        }
    }
}

static bool add(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    int scale = types->a.scale > types->b.scale ? types->a.scale : types->b.scale;
    __int128 sum;
    if (kn_rescale(a, types->a.scale, scale, &a) && kn_rescale(b, types->b.scale, scale, &b) && !__builtin_add_overflow(a, b, &sum)) {
        return kn_rescale(sum, scale, types->out.scale, ret_value);
    }
    return false;
}

static bool subtract(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    return add(types, a, -b, ret_value);
}

static bool multiply(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    return multiply_rounded(a, b, types->a.scale + types->b.scale, types->out.scale, ret_value);
}

static bool divide(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    if (b == 0) {
        return false;
    }
    int shift = types->out.scale - types->a.scale + types->b.scale;
    if (shift >= 0) {
        return divide_shifted(a, shift, b, true, ret_value);
    }
    __int128 divisor;
    return kn_rescale(b, 0, -shift, &divisor) && divide_shifted(a, 0, divisor, true, ret_value);
}

/* Both at the larger scale. */
static bool align(const Operands *types, __int128 *a, __int128 *b, int *ret_scale) {
    *ret_scale = types->a.scale > types->b.scale ? types->a.scale : types->b.scale;
    return kn_rescale(*a, types->a.scale, *ret_scale, a) && kn_rescale(*b, types->b.scale, *ret_scale, b);
}

static bool take_rest(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    int scale;
    return b != 0 && align(types, &a, &b, &scale) && kn_rescale(a % b, scale, types->out.scale, ret_value);
}

static bool take_pmod(const Operands *types, __int128 a, __int128 b, __int128 *ret_value) {
    int scale;
    if (b == 0 || !align(types, &a, &b, &scale)) {
        return false;
    }
    __int128 rest = a % b;
    rest = rest < 0 ? (rest + b) % b : rest;
    return kn_rescale(rest, scale, types->out.scale, ret_value);
}

static void decimal_add(KnCall *kn) {
    binary_decimal(kn, add);
}
static void decimal_subtract(KnCall *kn) {
    binary_decimal(kn, subtract);
}
static void decimal_multiply(KnCall *kn) {
    binary_decimal(kn, multiply);
}
static void decimal_divide(KnCall *kn) {
    binary_decimal(kn, divide);
}
static void decimal_remainder(KnCall *kn) {
    binary_decimal(kn, take_rest);
}
static void decimal_pmod(KnCall *kn) {
    binary_decimal(kn, take_pmod);
}

/* div: the truncated quotient as a long, its low bits if it is larger. */
static void decimal_div(KnCall *kn) {
    KnDecimal a = kn_decimal_of(&kn->args[0]);
    KnDecimal b = kn_decimal_of(&kn->args[1]);
    KN_EACH_ROW(kn, i) {
        __int128 x = kn_decimal_get(&kn->args[0], &a, i);
        __int128 y = kn_decimal_get(&kn->args[1], &b, i);
        __int128 value;
        int shift = b.scale - a.scale;
        bool ok = y != 0;
        if (ok && shift < 0) {
            ok = kn_rescale(y, 0, -shift, &y);
            shift = 0;
        }
        if (ok && divide_shifted(x, shift, y, false, &value)) {
            KN_OUT(kn, int64_t)[i] = (int64_t)value;
        } else {
            kn_null(kn, i);
        }
    }
}

/* round(d, scale) and bround: the result type has the scale already, but a negative one rounds further left. */
static void decimal_round_as(KnCall *kn, bool half_even) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KnDecimal to = kn_decimal_of(&kn->out);
    KN_EACH_ROW(kn, i) {
        __int128 x = kn_decimal_get(&kn->args[0], &from, i);
        int drop = from.scale - KN_ARG(kn, int32_t, 1)[i];
        __int128 value = x;
        int scale = from.scale;
        if (drop > 38) {
            value = 0;
        } else if (drop > 0) {
            __int128 unit = kn_power_of_ten[drop];
            __int128 rest = x % unit;
            value = x - rest;
            rest = rest < 0 ? -rest : rest;
            if (rest > unit - rest || (rest == unit - rest && (!half_even || value / unit % 2 != 0))) {
                value += x < 0 ? -unit : unit;
            }
        }
        if (kn_rescale(value, scale, to.scale, &value) && kn_fits(value, to.width)) {
            kn_decimal_put(&kn->out, &to, i, value);
        } else {
            kn_null(kn, i);
        }
    }
}

static void decimal_round(KnCall *kn) {
    decimal_round_as(kn, false);
}

static void decimal_bround(KnCall *kn) {
    decimal_round_as(kn, true);
}

/* floor and ceil: the result type has scale 0. */
static void decimal_whole(KnCall *kn, bool up) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KnDecimal to = kn_decimal_of(&kn->out);
    KN_EACH_ROW(kn, i) {
        __int128 x = kn_decimal_get(&kn->args[0], &from, i);
        __int128 unit = kn_power_of_ten[from.scale];
        __int128 value = x / unit;
        if (x % unit != 0) {
            value += up ? (x > 0 ? 1 : 0) : (x < 0 ? -1 : 0);
        }
        if (kn_fits(value, to.width)) {
            kn_decimal_put(&kn->out, &to, i, value);
        } else {
            kn_null(kn, i);
        }
    }
}

static void decimal_floor(KnCall *kn) {
    decimal_whole(kn, false);
}

static void decimal_ceil(KnCall *kn) {
    decimal_whole(kn, true);
}

/* ---- conversions ------------------------------------------------------------------------------------------------------------------- */

/* From a string, a double, an integer or another decimal. */
static void to_decimal(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KnDecimal to = kn_decimal_of(&kn->out);
    char text[40];
    KN_EACH_ROW(kn, i) {
        __int128 value = 0;
        bool ok;
        if (from.storage == DUCKDB_TYPE_VARCHAR) {
            ok = kn_parse_decimal(kn_str(kn, 0, i), to.scale, &value);
        } else if (from.storage == DUCKDB_TYPE_DOUBLE) {
            double x = KN_ARG(kn, double, 0)[i];
            ok = isfinite(x) && kn_parse_decimal((Str){text, kn_double_text(x, text)}, to.scale, &value);
        } else {
            ok = kn_rescale(kn_decimal_get(&kn->args[0], &from, i), from.scale, to.scale, &value);
        }
        if (ok && kn_fits(value, to.width)) {
            kn_decimal_put(&kn->out, &to, i, value);
        } else {
            kn_null(kn, i);
        }
    }
}

static void decimal_to_long(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KN_EACH_ROW(kn, i) {
        KN_OUT(kn, int64_t)[i] = (int64_t)(kn_decimal_get(&kn->args[0], &from, i) / kn_power_of_ten[from.scale]);
    }
}

static double nearest_double(__int128 value, int scale) {
    if (scale <= 22 && value < (__int128)1 << 53 && value > -((__int128)1 << 53)) {
        return (double)(int64_t)value / (double)kn_power_of_ten[scale];
    }
    char text[64];
    size_t len = kn_decimal_text(value, scale, text);
    text[len] = '\0';
    return strtod(text, NULL);
}

static void decimal_to_double(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KN_EACH_ROW(kn, i) {
        KN_OUT(kn, double)[i] = nearest_double(kn_decimal_get(&kn->args[0], &from, i), from.scale);
    }
}

static void decimal_to_float(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KN_EACH_ROW(kn, i) {
        char text[64];
        text[kn_decimal_text(kn_decimal_get(&kn->args[0], &from, i), from.scale, text)] = '\0';
        KN_OUT(kn, float)[i] = strtof(text, NULL);
    }
}

static void decimal_str(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    char text[64];
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, (Str){text, kn_big_decimal_text(kn_decimal_get(&kn->args[0], &from, i), from.scale, text)});
    }
}

static void decimal_to_timestamp(KnCall *kn) {
    KnDecimal from = kn_decimal_of(&kn->args[0]);
    KN_EACH_ROW(kn, i) {
        __int128 value = kn_decimal_get(&kn->args[0], &from, i);
        __int128 micros;
        if (from.scale <= 6) {
            micros = value * kn_power_of_ten[6 - from.scale]; /* the low bits count, as longValue has it */
        } else {
            micros = value / kn_power_of_ten[from.scale - 6];
        }
        KN_OUT(kn, int64_t)[i] = (int64_t)micros;
    }
}

const KnScalar kn_decimal_kernels[] = {
    {"spark_decimal_div", "AA:8", decimal_div},
    {"spark_decimal_to_long", "A:8", decimal_to_long},
    {"spark_decimal_to_double", "A:d", decimal_to_double},
    {"spark_decimal_to_float", "A:f", decimal_to_float},
    {"spark_decimal_str", "A:s", decimal_str},
    {"spark_decimal_to_timestamp", "A:T", decimal_to_timestamp},
    {.name = NULL},
};

const KnFamily kn_decimal_families[] = {
    {"decimal_add", "AA", decimal_add},
    {"decimal_subtract", "AA", decimal_subtract},
    {"decimal_multiply", "AA", decimal_multiply},
    {"decimal_divide", "AA", decimal_divide},
    {"decimal_remainder", "AA", decimal_remainder},
    {"decimal_pmod", "AA", decimal_pmod},
    {"decimal_round", "A4", decimal_round},
    {"decimal_bround", "A4", decimal_bround},
    {"decimal_floor", "A", decimal_floor},
    {"decimal_ceil", "A", decimal_ceil},
    {"to_decimal", "A", to_decimal},
    {.name = NULL},
};
