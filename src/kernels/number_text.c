/* kernels/number_text.c - see number_text.h; and the casts between numbers and strings.
 *
 * Invariant: no locale: everything is read and written byte by byte, or by functions of the C locale, which the program never leaves.
 */
#include "kernels/number_text.h"

#include "kernels/kn_call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/utf8.h>
#include <yyjson.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* ---- shortest digits -------------------------------------------------------------------------------------------------------------- */

/* The digits of a JSON number, which yyjson writes in the shortest form. */
static void take_digits(const char *text, size_t len, KnDigits *ret_digits) {
    KnDigits digits = {0};
    int point = -1;
    int seen = 0; /* digits before the point, leading zeros included */
    int exponent = 0;
    int leading = 0;
    bool started = false;
    size_t i = 0;
    if (i < len && text[i] == '-') {
        digits.is_negative = true;
        i++;
    }
    for (; i < len && (is_digit(text[i]) || text[i] == '.'); i++) {
        if (text[i] == '.') {
            point = seen;
            continue;
        }
        seen++;
        if (!started && text[i] == '0') {
            leading++;
            continue;
        }
        started = true;
        if (digits.count < 19) {
            digits.text[digits.count++] = text[i];
        }
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        bool is_negative = false;
        i++;
        if (i < len && (text[i] == '-' || text[i] == '+')) {
            is_negative = text[i] == '-';
            i++;
        }
        for (; i < len && is_digit(text[i]); i++) {
            exponent = exponent * 10 + (text[i] - '0');
        }
        exponent = is_negative ? -exponent : exponent;
    }
    digits.exponent = (point < 0 ? seen : point) - leading + exponent;
    while (digits.count > 0 && digits.text[digits.count - 1] == '0') {
        digits.count--;
    }
    *ret_digits = digits;
}

static void shortest(double x, bool is_float, KnDigits *ret_digits) {
    char pool[512];
    yyjson_alc allocator;
    yyjson_val value = {0};
    size_t len = 0;
    *ret_digits = (KnDigits){.is_negative = signbit(x) != 0};
    if (x == 0 || !yyjson_alc_pool_init(&allocator, pool, sizeof pool)) {
        return;
    }
    yyjson_set_real(&value, x);
    char *text = yyjson_val_write_opts(&value, is_float ? YYJSON_WRITE_FP_TO_FLOAT : 0, &allocator, &len, NULL);
    if (text != NULL) {
        take_digits(text, len, ret_digits);
    }
    if (ret_digits->count == 1) { /* Java wants two digits where they come closer: 4.9E-324, not 5E-324 */
        char two[32];
        int n = snprintf(two, sizeof two, "%.1e", x);
        if (n > 0 && (is_float ? (double)strtof(two, NULL) : strtod(two, NULL)) == x) {
            take_digits(two, (size_t)n, ret_digits);
        }
    }
}

void kn_digits_of_double(double x, KnDigits *ret_digits) {
    shortest(x, false, ret_digits);
}

void kn_digits_increment(KnDigits *digits) {
    int i = digits->count - 1;
    while (i >= 0 && digits->text[i] == '9') {
        i--;
    }
    if (i < 0) { /* 999 becomes 1000 */
        digits->text[0] = '1';
        digits->count = 1;
        digits->exponent++;
        return;
    }
    digits->text[i]++;
    digits->count = i + 1;
}

double kn_digits_to_double(const KnDigits *digits) {
    char text[48];
    int n = snprintf(text, sizeof text, "%s0.%.*s0e%d", digits->is_negative ? "-" : "", digits->count, digits->text, digits->exponent);
    return n > 0 ? strtod(text, NULL) : 0;
}

static size_t java_text(double x, bool is_float, char *ret_text) {
    if (isnan(x)) {
        memcpy(ret_text, "NaN", 3);
        return 3;
    }
    if (isinf(x)) {
        memcpy(ret_text, x < 0 ? "-Infinity" : "Infinity", x < 0 ? 9 : 8);
        return x < 0 ? 9 : 8;
    }
    KnDigits d;
    size_t n = 0;
    shortest(x, is_float, &d);
    if (d.is_negative) {
        ret_text[n++] = '-';
    }
    if (d.count == 0) {
        memcpy(ret_text + n, "0.0", 3);
        return n + 3;
    }
    /* Plain from 10^-3 up to 10^7, else one digit, the point, the rest and the exponent. */
    if (d.exponent > -3 && d.exponent <= 7) {
        if (d.exponent <= 0) {
            ret_text[n++] = '0';
            ret_text[n++] = '.';
            for (int i = d.exponent; i < 0; i++) {
                ret_text[n++] = '0';
            }
            memcpy(ret_text + n, d.text, (size_t)d.count);
            return n + (size_t)d.count;
        }
        for (int i = 0; i < d.exponent; i++) {
            ret_text[n++] = i < d.count ? d.text[i] : '0';
        }
        ret_text[n++] = '.';
        if (d.count <= d.exponent) {
            ret_text[n++] = '0';
        }
        for (int i = d.exponent; i < d.count; i++) {
            ret_text[n++] = d.text[i];
        }
        return n;
    }
    ret_text[n++] = d.text[0];
    ret_text[n++] = '.';
    if (d.count == 1) {
        ret_text[n++] = '0';
    }
    for (int i = 1; i < d.count; i++) {
        ret_text[n++] = d.text[i];
    }
    int written = snprintf(ret_text + n, 8, "E%d", d.exponent - 1);
    return n + (written > 0 ? (size_t)written : 0);
}

size_t kn_double_text(double x, char *ret_text) {
    return java_text(x, false, ret_text);
}

size_t kn_float_text(float x, char *ret_text) {
    return java_text((double)x, true, ret_text);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

Str kn_trim_all(Str text) {
    size_t from = 0;
    size_t to = text.len;
    while (from < to && ((unsigned char)text.data[from] <= 0x20 || text.data[from] == 0x7f)) {
        from++;
    }
    while (to > from && ((unsigned char)text.data[to - 1] <= 0x20 || text.data[to - 1] == 0x7f)) {
        to--;
    }
    return str_slice(text, from, to);
}

/* String.trim: everything up to the space. */
static Str trim_java(Str text) {
    size_t from = 0;
    size_t to = text.len;
    while (from < to && (unsigned char)text.data[from] <= 0x20) {
        from++;
    }
    while (to > from && (unsigned char)text.data[to - 1] <= 0x20) {
        to--;
    }
    return str_slice(text, from, to);
}

/* Digits, at least one; counted down from zero, so that the least value fits. */
static bool read_long(Str digits, bool is_negative, int64_t *ret_value) {
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_sub_overflow(value, (int64_t)digit, &value)) {
            return false;
        }
    }
    if (!is_negative && value == INT64_MIN) {
        return false;
    }
    *ret_value = is_negative ? value : -value;
    return true;
}

static bool has_sign(Str s) {
    return s.len > 0 && (s.data[0] == '-' || s.data[0] == '+');
}

bool kn_java_long(Str text, int64_t *ret_value) {
    size_t sign = has_sign(text) ? 1 : 0;
    return text.len > sign && read_long((Str){text.data + sign, text.len - sign}, sign == 1 && text.data[0] == '-', ret_value);
}

bool kn_parse_long(Str text, bool allows_fraction, int64_t *ret_value) {
    Str s = kn_trim_all(text);
    size_t sign = has_sign(s) ? 1 : 0;
    const char *point = allows_fraction && s.len > 0 ? memchr(s.data, '.', s.len) : NULL;
    size_t end = point == NULL ? s.len : (size_t)(point - s.data);
    if (s.len == sign || (end < sign)) {
        return false;
    }
    for (size_t i = end + 1; i < s.len; i++) {
        if (!is_digit(s.data[i])) {
            return false;
        }
    }
    return read_long(str_slice(s, sign, end), sign == 1 && s.data[0] == '-', ret_value);
}

typedef struct Decimal {
    bool is_negative;
    Str whole, fraction; /* digits */
    int64_t exponent;    /* clamped, far beyond what BigDecimal's scale holds */
    size_t end;          /* behind what was read */
} Decimal;

/* [+-] digits [. digits] [e [+-] digits], at least one digit. */
static bool read_decimal(Str s, Decimal *ret_decimal) {
    Decimal d = {0};
    size_t i = 0;
    if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) {
        d.is_negative = s.data[i++] == '-';
    }
    size_t from = i;
    while (i < s.len && is_digit(s.data[i])) {
        i++;
    }
    d.whole = str_slice(s, from, i);
    if (i < s.len && s.data[i] == '.') {
        from = ++i;
        while (i < s.len && is_digit(s.data[i])) {
            i++;
        }
        d.fraction = str_slice(s, from, i);
    }
    if (d.whole.len + d.fraction.len == 0) {
        return false;
    }
    if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
        size_t at = i + 1;
        bool is_negative = false;
        if (at < s.len && (s.data[at] == '-' || s.data[at] == '+')) {
            is_negative = s.data[at++] == '-';
        }
        if (at >= s.len || !is_digit(s.data[at])) {
            return false;
        }
        for (; at < s.len && is_digit(s.data[at]); at++) {
            d.exponent = d.exponent > INT32_MAX ? d.exponent : d.exponent * 10 + (s.data[at] - '0');
        }
        d.exponent = is_negative ? -d.exponent : d.exponent;
        i = at;
    }
    d.end = i;
    *ret_decimal = d;
    return true;
}

/* Exact for up to 15 digits and small powers of ten; anything else is left to the C library. */
static bool quick_double(const Decimal *d, double *ret_value) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t exponent = d->exponent - (int64_t)d->fraction.len;
    if (d->whole.len + d->fraction.len > 15 || exponent < -22 || exponent > 22) {
        return false;
    }
    int64_t mantissa = 0;
    for (size_t i = 0; i < d->whole.len; i++) {
        mantissa = mantissa * 10 + (d->whole.data[i] - '0');
    }
    for (size_t i = 0; i < d->fraction.len; i++) {
        mantissa = mantissa * 10 + (d->fraction.data[i] - '0');
    }
    double value = exponent < 0 ? (double)mantissa / powers[-exponent] : (double)mantissa * powers[exponent];
    *ret_value = d->is_negative ? -value : value;
    return true;
}

/* 0x1.8p3 as Java takes it: the exponent is required. */
static bool is_hex_float(Str s) {
    size_t i = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    if (i + 2 >= s.len || s.data[i] != '0' || (s.data[i + 1] | 32) != 'x') {
        return false;
    }
    bool has_digit = false;
    bool has_point = false;
    for (i += 2; i < s.len && (s.data[i] | 32) != 'p'; i++) {
        if (s.data[i] == '.' && !has_point) {
            has_point = true;
        } else if (is_digit(s.data[i]) || ((s.data[i] | 32) >= 'a' && (s.data[i] | 32) <= 'f')) {
            has_digit = true;
        } else {
            return false;
        }
    }
    if (!has_digit || i >= s.len) {
        return false;
    }
    i++;
    i += i < s.len && (s.data[i] == '-' || s.data[i] == '+') ? 1 : 0;
    size_t digits = i;
    while (i < s.len && is_digit(s.data[i])) {
        i++;
    }
    return i > digits && i == s.len;
}

static bool special_float(Str s, double *ret_value) {
    static const struct {
        const char *word;
        double value;
    } words[] = {{"inf", INFINITY},   {"+inf", INFINITY},       {"infinity", INFINITY}, {"+infinity", INFINITY},
                 {"-inf", -INFINITY}, {"-infinity", -INFINITY}, {"nan", NAN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_eq_nocase(s, str_from_c(words[i].word))) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return false;
}

/* Java's own two words, with or without a sign. */
static bool java_word(Str s, double *ret_value) {
    Str word = str_slice(s, has_sign(s) ? 1 : 0, s.len);
    if (str_eq(word, STR("NaN"))) {
        *ret_value = NAN;
        return true;
    }
    *ret_value = s.len > 0 && s.data[0] == '-' ? -INFINITY : INFINITY;
    return str_eq(word, STR("Infinity"));
}

static bool java_floating(Str text, bool is_float, double *ret_value) {
    Str s = trim_java(text);
    Str number = s;
    if (number.len > 1 && strchr("dDfF", number.data[number.len - 1]) != NULL && number.data[number.len - 1] != '\0') {
        number.len--;
    }
    Decimal d;
    bool is_decimal = read_decimal(number, &d) && d.end == number.len;
    if (!is_decimal && !is_hex_float(number)) {
        return java_word(s, ret_value);
    }
    if (is_decimal && !is_float && quick_double(&d, ret_value)) {
        return true;
    }
    char small[128];
    char *copy = number.len < sizeof small ? small : malloc(number.len + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, number.data, number.len);
    copy[number.len] = '\0';
    *ret_value = is_float ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (copy != small) {
        free(copy);
    }
    return true;
}

bool kn_java_double(Str text, double *ret_value) {
    return java_floating(text, false, ret_value);
}

bool kn_java_float(Str text, float *ret_value) {
    double value;
    if (!java_floating(text, true, &value)) {
        return false;
    }
    *ret_value = (float)value;
    return true;
}

bool kn_parse_double(Str text, double *ret_value) {
    return java_floating(text, false, ret_value) || special_float(trim_java(text), ret_value);
}

bool kn_parse_float(Str text, float *ret_value) {
    double value;
    if (!java_floating(text, true, &value) && !special_float(trim_java(text), &value)) {
        return false;
    }
    *ret_value = (float)value;
    return true;
}

/* ---- decimals --------------------------------------------------------------------------------------------------------------------- */

#define E19 ((__int128)UINT64_C(10000000000000000000))
#define P(n) ((__int128)UINT64_C(n))
const __int128 kn_power_of_ten[39] = {
    P(1), P(10), P(100), P(1000), P(10000), P(100000), P(1000000), P(10000000), P(100000000), P(1000000000), P(10000000000),
    P(100000000000), P(1000000000000), P(10000000000000), P(100000000000000), P(1000000000000000), P(10000000000000000),
    P(100000000000000000), P(1000000000000000000), E19, E19 * P(10), E19 *P(100), E19 *P(1000), E19 *P(10000), E19 *P(100000), E19 *P(1000000),
    E19 *P(10000000), E19 *P(100000000), E19 *P(1000000000), E19 *P(10000000000), E19 *P(100000000000), E19 *P(1000000000000),
    E19 *P(10000000000000), E19 *P(100000000000000), E19 *P(1000000000000000), E19 *P(10000000000000000), E19 *P(100000000000000000),
    E19 *P(1000000000000000000), E19 *E19};

bool kn_fits(__int128 value, int precision) {
    return value < kn_power_of_ten[precision] && value > -kn_power_of_ten[precision];
}

bool kn_rescale(__int128 value, int from_scale, int to_scale, __int128 *ret_value) {
    if (to_scale >= from_scale) {
        return to_scale - from_scale <= 38 && !__builtin_mul_overflow(value, kn_power_of_ten[to_scale - from_scale], ret_value);
    }
    if (from_scale - to_scale > 38) {
        *ret_value = 0;
        return true;
    }
    __int128 unit = kn_power_of_ten[from_scale - to_scale];
    __int128 whole = value / unit;
    __int128 rest = value % unit;
    rest = rest < 0 ? -rest : rest;
    if (rest >= unit - rest) {
        whole += value < 0 ? -1 : 1;
    }
    *ret_value = whole;
    return true;
}

/* The digits of both parts as one row. */
static char digit_at(const Decimal *d, size_t i) {
    return i < d->whole.len ? d->whole.data[i] : d->fraction.data[i - d->whole.len];
}

static size_t leading_zeros(const Decimal *d) {
    size_t total = d->whole.len + d->fraction.len;
    size_t n = 0;
    while (n < total && digit_at(d, n) == '0') {
        n++;
    }
    return n;
}

/* count digits from the first on, at most 38; behind the text's end they are zeros. */
static __int128 digits_value(const Decimal *d, size_t first, size_t count) {
    size_t total = d->whole.len + d->fraction.len;
    __int128 value = 0;
    for (size_t done = 0; done < count;) { /* up to 18 digits fit the machine's own numbers */
        size_t part = count - done < 18 ? count - done : 18;
        uint64_t small = 0;
        for (size_t i = 0; i < part; i++, done++) {
            small = small * 10 + (first + done < total ? (uint64_t)(digit_at(d, first + done) - '0') : 0);
        }
        value = value == 0 ? (__int128)small : value * kn_power_of_ten[part] + small;
    }
    return value;
}

bool kn_parse_decimal(Str text, int scale, __int128 *ret_value) {
    Str s = trim_java(text);
    Decimal d;
    if (!read_decimal(s, &d) || d.end != s.len || d.exponent > INT32_MAX || d.exponent < -INT32_MAX) {
        return false;
    }
    size_t total = d.whole.len + d.fraction.len;
    size_t at = leading_zeros(&d);
    int64_t keep = (int64_t)d.whole.len + d.exponent - (int64_t)at + scale; /* significant digits in front of the cut */
    *ret_value = 0;
    if (at == total || keep < 0) {
        return true;
    }
    if (keep > 38) {
        return false;
    }
    __int128 value = digits_value(&d, at, (size_t)keep);
    size_t next = at + (size_t)keep;
    if (next < total && digit_at(&d, next) >= '5') {
        value++;
    }
    *ret_value = d.is_negative ? -value : value;
    return true;
}

bool kn_decimal_shape(Str text, int *ret_precision, int *ret_scale) {
    Decimal d;
    if (!read_decimal(text, &d) || d.end != text.len) {
        return false;
    }
    size_t digits = d.whole.len + d.fraction.len - leading_zeros(&d);
    int64_t scale = (int64_t)d.fraction.len - d.exponent;
    if (digits > INT32_MAX || scale > INT32_MAX || scale < INT32_MIN) {
        return false;
    }
    *ret_precision = digits == 0 ? 1 : (int)digits;
    *ret_scale = (int)scale;
    return true;
}

/* Digits from the last on, at least one; how many. */
static size_t reversed_digits(unsigned __int128 value, char *ret_text) {
    size_t n = 0;
    while (value > UINT64_MAX) { /* divisions of 128 bits are slow: one for 18 digits */
        uint64_t low = (uint64_t)(value % (unsigned __int128)kn_power_of_ten[18]);
        value /= (unsigned __int128)kn_power_of_ten[18];
        for (int i = 0; i < 18; i++, low /= 10) {
            ret_text[n++] = (char)('0' + low % 10);
        }
    }
    uint64_t rest = (uint64_t)value;
    do {
        ret_text[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    return n;
}

size_t kn_padded_text(int64_t value, int width, char *ret_text) {
    if (width == 2 && value >= 0 && value < 100) { /* nearly all parts of dates and times */
        ret_text[0] = (char)('0' + value / 10);
        ret_text[1] = (char)('0' + value % 10);
        return 2;
    }
    uint64_t rest = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    int digits = 1;
    for (uint64_t above = rest / 10; above > 0; above /= 10) {
        digits++;
    }
    size_t sign = value < 0 ? 1 : 0;
    size_t end = sign + (size_t)(digits > width ? digits : width);
    ret_text[0] = '-';
    for (size_t i = end; i > sign; rest /= 10) {
        ret_text[--i] = (char)('0' + rest % 10);
    }
    return end;
}

/* A row of reversed digits with the point in front of the last scale of them. */
static size_t plain_decimal(char *reversed, size_t n, bool is_negative, size_t scale, char *ret_text) {
    size_t len = 0;
    while (n <= scale) {
        reversed[n++] = '0';
    }
    if (is_negative) {
        ret_text[len++] = '-';
    }
    while (n > 0) {
        if (n == scale) {
            ret_text[len++] = '.';
        }
        ret_text[len++] = reversed[--n];
    }
    return len;
}

size_t kn_decimal_text(__int128 value, int scale, char *ret_text) {
    char reversed[48];
    size_t n = reversed_digits(value < 0 ? -(unsigned __int128)value : (unsigned __int128)value, reversed);
    return plain_decimal(reversed, n, value < 0, (size_t)scale, ret_text);
}

size_t kn_big_decimal_text(__int128 value, int scale, char *ret_text) {
    char reversed[48];
    size_t n = reversed_digits(value < 0 ? -(unsigned __int128)value : (unsigned __int128)value, reversed);
    int exponent = (int)n - 1 - scale;
    if (exponent >= -6) {
        return plain_decimal(reversed, n, value < 0, (size_t)scale, ret_text);
    }
    size_t len = 0;
    if (value < 0) {
        ret_text[len++] = '-';
    }
    ret_text[len++] = reversed[--n];
    if (n > 0) {
        ret_text[len++] = '.';
    }
    while (n > 0) {
        ret_text[len++] = reversed[--n];
    }
    ret_text[len++] = 'E';
    return len + kn_padded_text(exponent, 1, ret_text + len);
}

/* ---- kernels ---------------------------------------------------------------------------------------------------------------------- */

static void str_d(KnCall *kn) {
    char text[40];
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, (Str){text, kn_double_text(KN_ARG(kn, double, 0)[i], text)});
    }
}

static void str_f(KnCall *kn) {
    char text[40];
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, (Str){text, kn_float_text(KN_ARG(kn, float, 0)[i], text)});
    }
}

#define STRING_TO_INTEGER(fn, T, LOW, HIGH, FRACTION)                                                                            \
    static void fn(KnCall *kn) {                                                                                                 \
        KN_EACH_ROW(kn, i) {                                                                                                     \
            int64_t value;                                                                                                       \
            if (!kn_parse_long(kn_str(kn, 0, i), FRACTION, &value) || value < (LOW) || value > (HIGH)) {                         \
                kn_null(kn, i);                                                                                                  \
            } else {                                                                                                             \
                KN_OUT(kn, T)[i] = (T)value;                                                                                     \
            }                                                                                                                    \
        }                                                                                                                        \
    }
STRING_TO_INTEGER(string_to_byte, int8_t, INT8_MIN, INT8_MAX, true)
STRING_TO_INTEGER(string_to_short, int16_t, INT16_MIN, INT16_MAX, true)
STRING_TO_INTEGER(string_to_int, int32_t, INT32_MIN, INT32_MAX, true)
STRING_TO_INTEGER(string_to_long, int64_t, INT64_MIN, INT64_MAX, true)
STRING_TO_INTEGER(try_string_to_byte, int8_t, INT8_MIN, INT8_MAX, false)
STRING_TO_INTEGER(try_string_to_short, int16_t, INT16_MIN, INT16_MAX, false)
STRING_TO_INTEGER(try_string_to_int, int32_t, INT32_MIN, INT32_MAX, false)
STRING_TO_INTEGER(try_string_to_long, int64_t, INT64_MIN, INT64_MAX, false)

static void string_to_double(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        if (!kn_parse_double(kn_str(kn, 0, i), &KN_OUT(kn, double)[i])) {
            kn_null(kn, i);
        }
    }
}

static void string_to_float(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        if (!kn_parse_float(kn_str(kn, 0, i), &KN_OUT(kn, float)[i])) {
            kn_null(kn, i);
        }
    }
}

static void string_to_boolean(KnCall *kn) {
    static const char *const yes[] = {"t", "true", "y", "yes", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "0"};
    KN_EACH_ROW(kn, i) {
        Str s = kn_trim_all(kn_str(kn, 0, i));
        int found = -1;
        for (size_t w = 0; w < 5 && found < 0; w++) {
            found = str_eq_nocase(s, str_from_c(yes[w])) ? 1 : str_eq_nocase(s, str_from_c(no[w])) ? 0 : -1;
        }
        if (found < 0) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, bool)[i] = found == 1;
        }
    }
}

#define TO_BINARY(fn, T)                                                                                                         \
    static void fn(KnCall *kn) {                                                                                                 \
        KN_EACH_ROW(kn, i) {                                                                                                     \
            uint64_t value = (uint64_t)KN_ARG(kn, T, 0)[i];                                                                      \
            char bytes[sizeof(T)];                                                                                               \
            for (size_t b = 0; b < sizeof(T); b++) {                                                                             \
                bytes[b] = (char)(value >> (8 * (sizeof(T) - 1 - b)));                                                           \
            }                                                                                                                    \
            kn_put(kn, i, (Str){bytes, sizeof bytes});                                                                           \
        }                                                                                                                        \
    }
TO_BINARY(binary_1, int8_t)
TO_BINARY(binary_2, int16_t)
TO_BINARY(binary_4, int32_t)
TO_BINARY(binary_8, int64_t)

/* Java keeps the bytes and shows what is no UTF-8 as U+FFFD; here it becomes that at once, since clients refuse other text. */
static void binary_to_string(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        for (int32_t at = 0; at < (int32_t)s.len;) {
            int32_t before = at;
            UChar32 code;
            U8_NEXT(s.data, at, (int32_t)s.len, code);
            if (code < 0) {
                kn_text_add(kn, "\xEF\xBF\xBD", 3);
            } else {
                kn_text_add(kn, s.data + before, (size_t)(at - before));
            }
        }
        kn_put(kn, i, s.len == 0 ? STR("") : kn_text_str(kn));
    }
}

const KnScalar kn_number_text_kernels[] = {
    {"spark_str", "d:s", str_d},
    {"spark_str", "f:s", str_f},
    {"spark_string_to_byte", "s:1", string_to_byte},
    {"spark_string_to_short", "s:2", string_to_short},
    {"spark_string_to_int", "s:4", string_to_int},
    {"spark_string_to_long", "s:8", string_to_long},
    {"spark_try_string_to_byte", "s:1", try_string_to_byte},
    {"spark_try_string_to_short", "s:2", try_string_to_short},
    {"spark_try_string_to_int", "s:4", try_string_to_int},
    {"spark_try_string_to_long", "s:8", try_string_to_long},
    {"spark_string_to_double", "s:d", string_to_double},
    {"spark_string_to_float", "s:f", string_to_float},
    {"spark_string_to_boolean", "s:b", string_to_boolean},
    {"spark_to_binary", "1:x", binary_1},
    {"spark_to_binary", "2:x", binary_2},
    {"spark_to_binary", "4:x", binary_4},
    {"spark_to_binary", "8:x", binary_8},
    {"spark_binary_to_string", "x:s", binary_to_string},
    {.name = NULL},
};
