/* kernels/python_semantics.c - what Python 3.11 means by int(), float(), str(), round(), //, %, strip(), lower() and find().
 *
 * Called by python.c on single values. Invariant: text is valid UTF-8; the tables are those of Unicode 14, as Python 3.11 has them: letters
 * and digits of later versions are unknown to both.
 */
#include "kernels/python_semantics.h"

#include "kernels/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

/* int() refuses longer ones: sys.get_int_max_str_digits(). */
enum { MAX_INT_DIGITS = 4300 };

/* The zeros of the decimal digits beyond ASCII, in order. */
static const int32_t ZEROS[] = {
    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,   0xce6,   0xd66,   0xde6,
    0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,  0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,
    0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50,
    0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
};

/* Letters whose case is the same everywhere, and characters that have none: python/solder/rowspark.py has the same list. */
static const struct {
    int32_t first, last;
} SAFE_CASE[] = {
    {0x00, 0x12F},    {0x132, 0x148},   {0x14A, 0x17E},   {0x386, 0x386},   {0x388, 0x38F},     {0x391, 0x3A1},
    {0x3A4, 0x3AF},   {0x3B1, 0x3C1},   {0x3C4, 0x3CE},   {0x400, 0x481},   {0x5D0, 0x5EA},     {0x621, 0x64A},
    {0x904, 0x939},   {0xE01, 0xE30},   {0x2010, 0x2027}, {0x20A0, 0x20BF}, {0x3001, 0x301F},   {0x3041, 0x3096},
    {0x30A1, 0x30FA}, {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3}, {0x1F300, 0x1F64F},
};

/* White space around numbers: ASCII's six, and Unicode's beyond ASCII. */
static bool is_wide_space(int32_t c) {
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

static bool is_ascii_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int wide_digit(int32_t c) {
    size_t low = 0;
    size_t high = sizeof ZEROS / sizeof *ZEROS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (ZEROS[mid] + 9 < c) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < sizeof ZEROS / sizeof *ZEROS && ZEROS[low] <= c ? (int)(c - ZEROS[low]) : -1;
}

/* The next character of a number's text, as ASCII: wide digits and spaces become plain ones, everything else beyond ASCII '?'. */
static char next_char(Str text, size_t *at) {
    unsigned char c = (unsigned char)text.data[*at];
    if (c < 0x80) {
        (*at)++;
        return (char)c;
    }
    int32_t wide = 0;
    U8_NEXT(text.data, *at, text.len, wide);
    int digit = wide_digit(wide);
    if (digit >= 0) {
        return (char)('0' + digit);
    }
    return is_wide_space(wide) ? ' ' : '?';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A plain number of at most 18 digits: nearly all there are. */
static bool short_int(Str text, int64_t *ret_value) {
    size_t i = 0;
    bool is_negative = false;
    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        is_negative = text.data[0] == '-';
        i = 1;
    }
    if (text.len <= i || text.len - i > 18) {
        return false;
    }
    int64_t value = 0;
    for (; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = is_negative ? -value : value;
    return true;
}

bool kn_py_int(Str text, int64_t *ret_value, bool *ret_fits) {
    *ret_fits = true;
    if (short_int(text, ret_value)) {
        return true;
    }
    size_t at = 0;
    char c = 0;
    bool have = false;
    while (at < text.len) {
        c = next_char(text, &at);
        if (!is_ascii_space((unsigned char)c)) {
            have = true;
            break;
        }
    }
    bool is_negative = have && c == '-';
    if (have && (c == '-' || c == '+')) {
        have = at < text.len;
        c = have ? next_char(text, &at) : 0;
    }
    if (!have || !is_digit(c)) {
        return false;
    }
    uint64_t value = 0;
    const uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    int digits = 0;
    bool after_digit = false;
    bool ended = false;
    for (;;) {
        if (is_digit(c)) {
            if (ended || ++digits > MAX_INT_DIGITS) {
                return false;
            }
            unsigned digit = (unsigned)(c - '0');
            if (value > (limit - digit) / 10) {
                *ret_fits = false;
            } else {
                value = value * 10 + digit;
            }
            after_digit = true;
        } else if (c == '_') {
            if (!after_digit || ended) {
                return false;
            }
            after_digit = false;
        } else if (is_ascii_space((unsigned char)c)) {
            if (!after_digit) {
                return false;
            }
            ended = true;
        } else {
            return false;
        }
        if (at >= text.len) {
            break;
        }
        c = next_char(text, &at);
    }
    if (!after_digit) {
        return false;
    }
    if (!*ret_fits) {
        *ret_value = is_negative ? INT64_MIN : INT64_MAX;
    } else {
        *ret_value = is_negative ? (int64_t)(UINT64_C(0) - value) : (int64_t)value;
    }
    return true;
}

/* Powers of ten that a double holds exactly. */
static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Up to 15 digits, perhaps with a point: both parts are exact, so one division rounds once. */
static bool short_float(Str text, double *ret_value) {
    size_t i = 0;
    bool is_negative = false;
    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        is_negative = text.data[0] == '-';
        i = 1;
    }
    if (text.len <= i || text.len - i > 16) {
        return false;
    }
    int64_t value = 0;
    int digits = 0;
    int fraction = -1;
    for (; i < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && fraction < 0) {
            fraction = 0;
            continue;
        }
        if (!is_digit(c) || ++digits > 15) {
            return false;
        }
        value = value * 10 + (c - '0');
        fraction += fraction >= 0;
    }
    if (digits == 0) {
        return false;
    }
    double result = (double)value / TENS[fraction > 0 ? fraction : 0];
    *ret_value = is_negative ? -result : result;
    return true;
}

/* Digits with single underscores between them; how many digits, or -1. */
static int take_digits(const char *text, size_t len, size_t *at, char *out, size_t *used) {
    int digits = 0;
    while (*at < len && (is_digit(text[*at]) || text[*at] == '_')) {
        if (text[*at] == '_') {
            if (digits == 0 || !is_digit(text[*at - 1]) || *at + 1 >= len || !is_digit(text[*at + 1])) {
                return -1;
            }
        } else {
            out[(*used)++] = text[*at];
            digits++;
        }
        (*at)++;
    }
    return digits;
}

static bool is_word(const char *text, size_t len, const char *word) {
    if (strlen(word) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

/* The grammar of float() over plain text without spaces around it; the text is rewritten in place without underscores. */
static bool parse_float(char *text, size_t len, double *ret_value) {
    size_t at = 0;
    size_t used = 0;
    bool is_negative = false;
    if (at < len && (text[at] == '-' || text[at] == '+')) {
        is_negative = text[at] == '-';
        text[used++] = text[at++];
    }
    if (is_word(text + at, len - at, "inf") || is_word(text + at, len - at, "infinity")) {
        *ret_value = is_negative ? -INFINITY : INFINITY;
        return true;
    }
    if (is_word(text + at, len - at, "nan")) {
        *ret_value = is_negative ? -NAN : NAN;
        return true;
    }
    int whole = take_digits(text, len, &at, text, &used);
    int part = 0;
    if (whole >= 0 && at < len && text[at] == '.') {
        text[used++] = text[at++];
        part = take_digits(text, len, &at, text, &used);
    }
    if (whole < 0 || part < 0 || whole + part == 0) {
        return false;
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        text[used++] = text[at++];
        if (at < len && (text[at] == '-' || text[at] == '+')) {
            text[used++] = text[at++];
        }
        if (take_digits(text, len, &at, text, &used) <= 0) {
            return false;
        }
    }
    if (at != len) {
        return false;
    }
    text[used] = 0;
    *ret_value = strtod(text, NULL);
    return true;
}

bool kn_py_float(Str text, char *scratch, double *ret_value) {
    if (short_float(text, ret_value)) {
        return true;
    }
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        scratch[len++] = next_char(text, &at);
    }
    size_t from = 0;
    while (from < len && is_ascii_space((unsigned char)scratch[from])) {
        from++;
    }
    while (len > from && is_ascii_space((unsigned char)scratch[len - 1])) {
        len--;
    }
    return parse_float(scratch + from, len - from, ret_value);
}

/* Java writes two digits where they come closer than one (4.9E-324), Python the fewest (5e-324). Only the smallest numbers have both: below 15
 * digits no two decimals are the same normal number. */
static void fewest_digits(double x, KnDigits *digits) {
    char text[32];
    if (digits->count != 2 || fabs(x) >= DBL_MIN) {
        return;
    }
    int len = snprintf(text, sizeof text, "%.0e", fabs(x));
    if (len > 2 && strtod(text, NULL) == fabs(x)) {
        digits->text[0] = text[0];
        digits->count = 1;
        digits->exponent = (int)strtol(text + 2, NULL, 10) + 1;
    }
}

size_t kn_py_float_text(double x, char *ret_text) {
    if (isnan(x)) {
        memcpy(ret_text, "nan", 3);
        return 3;
    }
    if (isinf(x)) {
        memcpy(ret_text, x < 0 ? "-inf" : "inf", x < 0 ? 4 : 3);
        return x < 0 ? 4 : 3;
    }
    size_t n = 0;
    if (signbit(x)) {
        ret_text[n++] = '-';
    }
    KnDigits digits;
    kn_digits_of_double(x, &digits);
    fewest_digits(x, &digits);
    if (digits.count == 0) {
        memcpy(ret_text + n, "0.0", 3);
        return n + 3;
    }
    if (digits.exponent > -4 && digits.exponent <= 16) {
        if (digits.exponent <= 0) {
            memcpy(ret_text + n, "0.", 2);
            n += 2;
            for (int i = digits.exponent; i < 0; i++) {
                ret_text[n++] = '0';
            }
        }
        for (int i = 0; i < digits.count || i < digits.exponent; i++) {
            if (i == digits.exponent && i > 0) {
                ret_text[n++] = '.';
            }
            ret_text[n++] = i < digits.count ? digits.text[i] : '0';
        }
        if (digits.count <= digits.exponent) {
            memcpy(ret_text + n, ".0", 2);
            n += 2;
        }
        return n;
    }
    ret_text[n++] = digits.text[0];
    if (digits.count > 1) {
        ret_text[n++] = '.';
        memcpy(ret_text + n, digits.text + 1, (size_t)digits.count - 1);
        n += (size_t)digits.count - 1;
    }
    int exponent = digits.exponent - 1;
    ret_text[n++] = 'e';
    ret_text[n++] = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent >= 100) {
        ret_text[n++] = (char)('0' + exponent / 100);
    }
    ret_text[n++] = (char)('0' + exponent / 10 % 10);
    ret_text[n++] = (char)('0' + exponent % 10);
    return n;
}

double kn_py_round(double x, int digits) {
    if (digits == 0 || !isfinite(x) || fabs(x) >= 4503599627370496.0) {
        return digits == 0 && isfinite(x) ? rint(x) : x;
    }
    /* The decimal that is nearest to the exact binary value, and the double nearest to that. */
    char text[64];
    int len = snprintf(text, sizeof text, "%.*f", digits, x);
    return len > 0 && (size_t)len < sizeof text ? strtod(text, NULL) : x;
}

double kn_py_mod(double x, double y) {
    double rest = fmod(x, y);
    if (rest == 0) {
        return copysign(0.0, y);
    }
    return (y < 0) != (rest < 0) ? rest + y : rest;
}

double kn_py_floordiv(double x, double y) {
    double rest = fmod(x, y);
    double ratio = (x - rest) / y;
    if (rest != 0 && (y < 0) != (rest < 0)) {
        ratio -= 1.0;
    }
    if (ratio == 0) {
        return copysign(0.0, x / y);
    }
    double whole = floor(ratio);
    return ratio - whole > 0.5 ? whole + 1.0 : whole;
}

int64_t kn_py_add(int64_t x, int64_t y) {
    int64_t sum = 0;
    if (__builtin_add_overflow(x, y, &sum)) {
        return x < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int64_t kn_py_multiply(int64_t x, int64_t y) {
    int64_t product = 0;
    if (__builtin_mul_overflow(x, y, &product)) {
        return (x < 0) == (y < 0) ? INT64_MAX : INT64_MIN;
    }
    return product;
}

static bool has_char(Str chars, int32_t c) {
    for (size_t at = 0; at < chars.len;) {
        int32_t other = 0;
        U8_NEXT(chars.data, at, chars.len, other);
        if (other == c) {
            return true;
        }
    }
    return false;
}

Str kn_py_strip(Str text, Str chars, KnPySide side) {
    size_t from = 0;
    size_t to = text.len;
    while (side != KN_PY_RIGHT && from < to) {
        size_t next = from;
        int32_t c = 0;
        U8_NEXT(text.data, next, to, c);
        if (!has_char(chars, c)) {
            break;
        }
        from = next;
    }
    while (side != KN_PY_LEFT && to > from) {
        size_t before = to - 1;
        while (before > from && ((unsigned char)text.data[before] & 0xC0) == 0x80) {
            before--;
        }
        size_t next = before;
        int32_t c = 0;
        U8_NEXT(text.data, next, to, c);
        if (!has_char(chars, c)) {
            break;
        }
        to = before;
    }
    return str_slice(text, from, to);
}

static bool is_safe_case(int32_t c) {
    for (size_t i = 0; i < sizeof SAFE_CASE / sizeof *SAFE_CASE && SAFE_CASE[i].first <= c; i++) {
        if (c <= SAFE_CASE[i].last) {
            return true;
        }
    }
    return false;
}

bool kn_py_case(Str text, bool is_upper, char *ret_text) {
    size_t n = 0;
    for (size_t at = 0; at < text.len;) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte < 0x80) {
            unsigned char first = is_upper ? 'a' : 'A';
            ret_text[n++] = (char)((unsigned char)(byte - first) < 26 ? byte ^ 0x20 : byte);
            at++;
            continue;
        }
        int32_t c = 0;
        U8_NEXT(text.data, at, text.len, c);
        if (c < 0 || !is_safe_case(c)) {
            return false;
        }
        if (c == 0xDF && is_upper) {
            ret_text[n++] = 'S';
            ret_text[n++] = 'S';
            continue;
        }
        c = is_upper ? u_toupper(c) : u_tolower(c);
        /* No letter of the list needs more bytes in the other case, and both have the same number. */
        U8_APPEND_UNSAFE(ret_text, n, c);
    }
    return n == text.len;
}

int64_t kn_py_find(Str text, Str part) {
    if (part.len == 0) {
        return 0;
    }
    const char *found = memmem(text.data, text.len, part.data, part.len);
    if (found == NULL) {
        return -1;
    }
    int64_t position = 0;
    for (const char *p = text.data; p < found; p++) {
        position += ((unsigned char)*p & 0xC0) != 0x80;
    }
    return position;
}
