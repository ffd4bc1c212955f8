/* kernels/string.c - Spark's functions on text and bytes where DuckDB's differ.
 *
 * Invariant: positions and lengths count code points, as UTF8String does; text made only of ASCII takes the short way.
 */
#include "kernels/kn_call.h"
#include "kernels/number_text.h"
#include "kernels/unicode.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/ustring.h>
#include <unicode/uchar.h>

/* ---- upper and lower case --------------------------------------------------------------------------------------------------------- */

static void ascii_case(KnCall *kn, idx_t row, Str s, bool is_upper) {
    kn_text_start(kn);
    char *out = kn_text_reserve(kn, s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (is_upper) {
            out[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        } else {
            out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
    }
    kn_put(kn, row, (Str){out, s.len});
}

/* Java's full case mapping (ß becomes SS) in the root locale, by ICU. */
static Str unicode_case(KnCall *kn, Str s, bool is_upper) {
    int32_t cap = (int32_t)s.len * 3 + 8;
    UChar *from = malloc(sizeof(UChar) * (size_t)cap * 2);
    if (from == NULL) {
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return STR("");
    }
    UChar *to = from + cap;
    UErrorCode status = U_ZERO_ERROR;
    int32_t nfrom = 0;
    int32_t nbytes = 0;
    u_strFromUTF8WithSub(from, cap, &nfrom, s.data, (int32_t)s.len, 0xFFFD, NULL, &status);
    int32_t nto = is_upper ? u_strToUpper(to, cap, from, nfrom, "", &status) : u_strToLower(to, cap, from, nfrom, "", &status);
    kn_text_start(kn);
    char *out = kn_text_reserve(kn, (size_t)nto * 3 + 1);
    u_strToUTF8WithSub(out, nto * 3 + 1, &nbytes, to, nto, 0xFFFD, NULL, &status);
    free(from);
    if (U_FAILURE(status)) {
        kn_fail(kn, "SOLDER.INTERNAL: changing the case of a text: %s", u_errorName(status));
        return STR("");
    }
    kn_text_added(kn, (size_t)nbytes);
    return kn_text_str(kn);
}

static void change_case(KnCall *kn, bool is_upper) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        if (kn_is_ascii(s)) {
            ascii_case(kn, i, s, is_upper);
        } else {
            kn_put(kn, i, unicode_case(kn, s, is_upper));
        }
    }
}

static void upper(KnCall *kn) {
    change_case(kn, true);
}

static void lower(KnCall *kn) {
    change_case(kn, false);
}

/* Words are what single spaces separate: lower case, the first letter in title case. */
static void initcap(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        bool at_start = true;
        char *owned_copy = NULL;
        if (!kn_is_ascii(s)) { /* lower case as a whole first: it may make one character two */
            Str lowered = unicode_case(kn, s, false);
            owned_copy = malloc(lowered.len + 1);
            if (owned_copy == NULL || kn->failed) {
                free(owned_copy);
                kn_fail(kn, "SOLDER.INTERNAL: out of memory");
                return;
            }
            memcpy(owned_copy, lowered.data, lowered.len);
            s = (Str){owned_copy, lowered.len};
        }
        kn_text_start(kn);
        for (size_t at = 0; at < s.len;) {
            size_t size = kn_char_size(s, at);
            uint32_t code = kn_char_code(s, at, size);
            char bytes[4];
            UChar32 changed = at_start ? u_totitle((UChar32)code) : u_tolower((UChar32)code);
            kn_text_add(kn, bytes, kn_char_write((uint32_t)changed, bytes));
            at_start = code == ' ';
            at += size;
        }
        kn_put(kn, i, s.len == 0 ? STR("") : kn_text_str(kn));
        free(owned_copy);
    }
}

/* ---- parts ------------------------------------------------------------------------------------------------------------------------ */

static Str take(Str s, int64_t start, int64_t length, bool counts_bytes) {
    int64_t count = (int64_t)(counts_bytes ? s.len : kn_char_count(s));
    int64_t from = start > 0 ? start - 1 : start < 0 ? count + start : 0;
    int64_t to = from + length; /* both are ints: no overflow */
    if (to <= from) {
        return (Str){s.data, 0};
    }
    from = from < 0 ? 0 : from;
    to = to > count ? count : to;
    if (to <= from) {
        return (Str){s.data, 0};
    }
    if (counts_bytes || count == (int64_t)s.len) {
        return str_slice(s, (size_t)from, (size_t)to);
    }
    size_t begin = kn_char_offset(s, (size_t)from);
    Str rest = str_slice(s, begin, s.len);
    return str_slice(rest, 0, kn_char_offset(rest, (size_t)(to - from)));
}

static void substring_as(KnCall *kn, bool counts_bytes) {
    KN_EACH_ROW(kn, i) {
        int64_t length = kn->nargs > 2 ? KN_ARG(kn, int32_t, 2)[i] : INT32_MAX;
        kn_put(kn, i, take(kn_str(kn, 0, i), KN_ARG(kn, int32_t, 1)[i], length, counts_bytes));
    }
}

static void substring(KnCall *kn) {
    substring_as(kn, false);
}

static void substring_bytes(KnCall *kn) {
    substring_as(kn, true);
}

static void left(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        kn_put(kn, i, take(kn_str(kn, 0, i), 1, KN_ARG(kn, int32_t, 1)[i], false));
    }
}

static void right(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        int32_t n = KN_ARG(kn, int32_t, 1)[i];
        kn_put(kn, i, n <= 0 ? STR("") : take(kn_str(kn, 0, i), -(int64_t)n, n, false));
    }
}

static const char *find(Str s, size_t from, Str part) {
    return from > s.len ? NULL : memmem(s.data + from, s.len - from, part.data, part.len);
}

static void substring_index(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        Str part = kn_str(kn, 1, i);
        int32_t count = KN_ARG(kn, int32_t, 2)[i];
        if (part.len == 0 || count == 0) {
            kn_put(kn, i, STR(""));
            continue;
        }
        size_t at = 0;
        if (count > 0) {
            const char *hit = NULL;
            int32_t left_over = count;
            while (left_over > 0 && (hit = find(s, at, part)) != NULL) {
                left_over--;
                at = (size_t)(hit - s.data) + (left_over > 0 ? 1 : 0); /* Spark looks for the next from one byte further */
            }
            kn_put(kn, i, left_over == 0 ? str_slice(s, 0, at) : s);
            continue;
        }
        int64_t place = (int64_t)s.len - (int64_t)part.len + 1;
        int64_t left_over = -(int64_t)count;
        while (left_over > 0) {
            for (place--; place >= 0 && memcmp(s.data + place, part.data, part.len) != 0; place--) {
            }
            if (place < 0) {
                break;
            }
            left_over--;
        }
        kn_put(kn, i, left_over == 0 ? str_slice(s, (size_t)place + part.len, s.len) : s);
    }
}

/* locate(part, s, from): 1-based in code points, 0 when there is none. */
static int32_t locate_in(Str s, Str part, int32_t from) {
    if (from < 1) {
        return 0;
    }
    if (part.len == 0) {
        return 1; /* wherever the search begins */
    }
    const char *hit = find(s, kn_char_offset(s, (size_t)from - 1), part);
    return hit == NULL ? 0 : (int32_t)kn_char_count(str_slice(s, 0, (size_t)(hit - s.data))) + 1;
}

static void locate(KnCall *kn) { /* never null for a null start: it is 0 then */
    for (idx_t i = 0; i < kn->rows; i++) {
        if (kn->nargs > 2 && kn_is_null(&kn->args[2], i)) {
            KN_OUT(kn, int32_t)[i] = 0;
        } else if (kn_row_has_null(kn, i)) {
            kn_null(kn, i);
        } else {
            KN_OUT(kn, int32_t)[i] = locate_in(kn_str(kn, 1, i), kn_str(kn, 0, i), kn->nargs > 2 ? KN_ARG(kn, int32_t, 2)[i] : 1);
        }
    }
}

static void pad(KnCall *kn, bool is_left) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        int64_t wanted = KN_ARG(kn, int32_t, 1)[i];
        Str fill = kn_str(kn, 2, i);
        int64_t count = (int64_t)kn_char_count(s);
        wanted = wanted < 0 ? 0 : wanted;
        if (count >= wanted || fill.len == 0) {
            kn_put(kn, i, count > wanted ? take(s, 1, wanted, false) : s);
            continue;
        }
        kn_text_start(kn);
        if (!is_left) {
            kn_text_add(kn, s.data, s.len);
        }
        int64_t missing = wanted - count;
        int64_t unit = (int64_t)kn_char_count(fill);
        for (int64_t done = 0; done < missing; done += unit) {
            kn_text_add(kn, fill.data, missing - done >= unit ? fill.len : kn_char_offset(fill, (size_t)(missing - done)));
        }
        if (is_left) {
            kn_text_add(kn, s.data, s.len);
        }
        kn_put(kn, i, kn_text_str(kn));
    }
}

static void lpad(KnCall *kn) {
    pad(kn, true);
}

static void rpad(KnCall *kn) {
    pad(kn, false);
}

static void repeat(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        int32_t times = KN_ARG(kn, int32_t, 1)[i];
        if (times > 0 && s.len > 0 && (uint64_t)times * s.len > INT32_MAX) {
            kn_fail(kn, "SOLDER.LIMIT: repeat() would make a text of %llu bytes", (unsigned long long)times * s.len);
            return;
        }
        kn_text_start(kn);
        for (int32_t n = 0; n < times; n++) {
            kn_text_add(kn, s.data, s.len);
        }
        kn_put(kn, i, times > 0 ? kn_text_str(kn) : STR(""));
    }
}

static void reverse(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        char *out = kn_text_reserve(kn, s.len);
        for (size_t at = 0; at < s.len;) {
            size_t size = kn_char_size(s, at);
            memcpy(out + s.len - at - size, s.data + at, size);
            at += size;
        }
        kn_put(kn, i, (Str){out, s.len});
    }
}

static void replace(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        Str part = kn_str(kn, 1, i);
        Str by = kn_str(kn, 2, i);
        const char *hit = part.len == 0 ? NULL : find(s, 0, part);
        if (hit == NULL) {
            kn_put(kn, i, s);
            continue;
        }
        size_t at = 0;
        kn_text_start(kn);
        while (hit != NULL) {
            kn_text_add(kn, s.data + at, (size_t)(hit - s.data) - at);
            kn_text_add(kn, by.data, by.len);
            at = (size_t)(hit - s.data) + part.len;
            hit = find(s, at, part);
        }
        kn_text_add(kn, s.data + at, s.len - at);
        kn_put(kn, i, kn_text_str(kn));
    }
}

static void translate(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        Str from = kn_str(kn, 1, i);
        Str to = kn_str(kn, 2, i);
        kn_text_start(kn);
        for (size_t at = 0; at < s.len;) {
            size_t size = kn_char_size(s, at);
            size_t a = 0;
            size_t b = 0;
            bool found = false;
            while (a < from.len && !found) {
                size_t asize = kn_char_size(from, a);
                found = asize == size && memcmp(from.data + a, s.data + at, size) == 0;
                if (!found) {
                    a += asize;
                    b += b < to.len ? kn_char_size(to, b) : 0;
                }
            }
            if (!found) {
                kn_text_add(kn, s.data + at, size);
            } else if (b < to.len) {
                kn_text_add(kn, to.data + b, kn_char_size(to, b));
            }
            at += size;
        }
        kn_put(kn, i, kn_text_str(kn));
    }
}

/* trim(BOTH set FROM s): characters of the set at either end. */
static bool in_set(Str set, Str s, size_t at, size_t size) {
    for (size_t a = 0; a < set.len;) {
        size_t asize = kn_char_size(set, a);
        if (asize == size && memcmp(set.data + a, s.data + at, size) == 0) {
            return true;
        }
        a += asize;
    }
    return false;
}

static void trim_as(KnCall *kn, bool at_left, bool at_right) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        Str set = kn->nargs > 1 ? kn_str(kn, 1, i) : STR(" ");
        size_t from = 0;
        size_t to = s.len;
        while (at_left && from < to) {
            size_t size = kn_char_size(s, from);
            if (!in_set(set, s, from, size)) {
                break;
            }
            from += size;
        }
        while (at_right && to > from) {
            size_t last = to - 1;
            while (last > from && ((unsigned char)s.data[last] & 0xC0) == 0x80) {
                last--;
            }
            if (!in_set(set, s, last, to - last)) {
                break;
            }
            to = last;
        }
        kn_put(kn, i, str_slice(s, from, to));
    }
}

static void trim(KnCall *kn) {
    trim_as(kn, true, true);
}

static void ltrim(KnCall *kn) {
    trim_as(kn, true, false);
}

static void rtrim(KnCall *kn) {
    trim_as(kn, false, true);
}

/* ---- codes ------------------------------------------------------------------------------------------------------------------------ */

static void ascii(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        uint32_t code = s.len == 0 ? 0 : kn_char_code(s, 0, kn_char_size(s, 0));
        KN_OUT(kn, int32_t)[i] = (int32_t)code;
    }
}

static void chr(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        int64_t n = KN_ARG(kn, int64_t, 0)[i];
        char bytes[4];
        kn_put(kn, i, n < 0 ? STR("") : (Str){bytes, kn_char_write((uint32_t)(n & 0xFF), bytes)});
    }
}

static void hex_bytes(KnCall *kn) {
    static const char digits[] = "0123456789ABCDEF";
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        char *out = kn_text_reserve(kn, s.len * 2);
        for (size_t b = 0; b < s.len; b++) {
            out[2 * b] = digits[(unsigned char)s.data[b] >> 4];
            out[2 * b + 1] = digits[(unsigned char)s.data[b] & 15];
        }
        kn_put(kn, i, (Str){out, s.len * 2});
    }
}

static void hex_long(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        char text[24];
        int n = snprintf(text, sizeof text, "%llX", (unsigned long long)KN_ARG(kn, int64_t, 0)[i]);
        kn_put(kn, i, (Str){text, n > 0 ? (size_t)n : 0});
    }
}

static void bin(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        uint64_t n = (uint64_t)KN_ARG(kn, int64_t, 0)[i];
        char text[64];
        size_t at = sizeof text;
        do {
            text[--at] = (char)('0' + (n & 1));
            n >>= 1;
        } while (n > 0);
        kn_put(kn, i, (Str){text + at, sizeof text - at});
    }
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static void unhex(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        bool ok = true;
        kn_text_start(kn);
        size_t at = 0;
        if (s.len % 2 == 1) { /* an odd number of digits: the first stands alone */
            int digit = hex_digit(s.data[at++]);
            ok = digit >= 0;
            kn_text_char(kn, (char)digit);
        }
        for (; at + 1 < s.len && ok; at += 2) {
            int high = hex_digit(s.data[at]);
            int low = hex_digit(s.data[at + 1]);
            ok = high >= 0 && low >= 0;
            kn_text_char(kn, (char)(high << 4 | low));
        }
        if (ok) {
            kn_put(kn, i, kn_text_str(kn));
        } else {
            kn_null(kn, i);
        }
    }
}

static void base64(KnCall *kn) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        size_t column = 0;
        for (size_t at = 0; at < s.len; at += 3) {
            uint32_t bits = (uint32_t)(unsigned char)s.data[at] << 16;
            bits |= at + 1 < s.len ? (uint32_t)(unsigned char)s.data[at + 1] << 8 : 0;
            bits |= at + 2 < s.len ? (uint32_t)(unsigned char)s.data[at + 2] : 0;
            if (column == 76) { /* MIME lines, as Spark 3.5's encoder has them */
                kn_text_add(kn, "\r\n", 2);
                column = 0;
            }
            char quad[4] = {letters[bits >> 18], letters[bits >> 12 & 63], at + 1 < s.len ? letters[bits >> 6 & 63] : '=',
                            at + 2 < s.len ? letters[bits & 63] : '='};
            kn_text_add(kn, quad, 4);
            column += 4;
        }
        kn_put(kn, i, s.len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* As Java's MIME decoder: characters outside the alphabet do not count. */
static void unbase64(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        uint32_t bits = 0;
        int nbits = 0;
        kn_text_start(kn);
        for (size_t at = 0; at < s.len && s.data[at] != '='; at++) {
            char c = s.data[at];
            int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
                        : c == '+' ? 62 : c == '/' ? 63 : -1;
            if (value < 0) {
                continue;
            }
            bits = bits << 6 | (uint32_t)value;
            nbits += 6;
            if (nbits >= 8) {
                nbits -= 8;
                kn_text_char(kn, (char)(bits >> nbits & 0xFF));
            }
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* format_number(x, d): #,##0.ddd with HALF_EVEN, on the decimal digits of the double as DecimalFormat does. */
static void format_number(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        double x = KN_ARG(kn, double, 0)[i];
        int32_t places = KN_ARG(kn, int32_t, 1)[i];
        if (places < 0) {
            kn_null(kn, i);
            continue;
        }
        if (isnan(x) || isinf(x)) {
            kn_put(kn, i, isnan(x) ? STR("NaN") : x > 0 ? STR("\xE2\x88\x9E") : STR("-\xE2\x88\x9E"));
            continue;
        }
        char digits[512];
        int n = snprintf(digits, sizeof digits, "%.*f", places > 150 ? 150 : places, x);
        if (n <= 0 || (size_t)n >= sizeof digits) {
            kn_null(kn, i);
            continue;
        }
        bool is_negative = digits[0] == '-';
        if (fabs(x) >= 1e15) { /* the shortest digits, and zeros behind them, as Java has it */
            KnDigits exact;
            kn_digits_of_double(x, &exact);
            for (int d = 0; d < exact.exponent; d++) {
                digits[is_negative + d] = d < exact.count ? exact.text[d] : '0';
            }
        }
        size_t whole = strcspn(digits + is_negative, ".");
        kn_text_start(kn);
        if (is_negative) {
            kn_text_char(kn, '-');
        }
        for (size_t d = 0; d < whole; d++) {
            if (d > 0 && (whole - d) % 3 == 0) {
                kn_text_char(kn, ',');
            }
            kn_text_char(kn, digits[(size_t)is_negative + d]);
        }
        kn_text_add(kn, digits + is_negative + whole, (size_t)n - (size_t)is_negative - whole);
        kn_put(kn, i, kn_text_str(kn));
    }
}

/* Edits between two texts, in code points. */
static void levenshtein(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str a = kn_str(kn, 0, i);
        Str b = kn_str(kn, 1, i);
        size_t columns = kn_char_count(b) + 1;
        int32_t *row = malloc(columns * sizeof *row);
        if (row == NULL) {
            kn_fail(kn, "SOLDER.INTERNAL: out of memory");
            return;
        }
        for (size_t c = 0; c < columns; c++) {
            row[c] = (int32_t)c;
        }
        for (size_t x = 0; x < a.len; x += kn_char_size(a, x)) {
            int32_t diagonal = row[0]++;
            size_t c = 1;
            for (size_t y = 0; y < b.len && c < columns; y += kn_char_size(b, y), c++) {
                bool same = kn_char_code(a, x, kn_char_size(a, x)) == kn_char_code(b, y, kn_char_size(b, y));
                int32_t best = diagonal + (same ? 0 : 1);
                diagonal = row[c];
                best = row[c] + 1 < best ? row[c] + 1 : best;
                row[c] = row[c - 1] + 1 < best ? row[c - 1] + 1 : best;
            }
        }
        KN_OUT(kn, int32_t)[i] = row[columns - 1];
        free(row);
    }
}

/* concat_ws(sep, …): null parts are left out; only a null separator makes null. */
static void concat_ws(KnCall *kn) {
    for (idx_t i = 0; i < kn->rows; i++) {
        if (kn_is_null(&kn->args[0], i)) {
            kn_null(kn, i);
            continue;
        }
        Str separator = kn_str(kn, 0, i);
        bool is_first = true;
        kn_text_start(kn);
        for (idx_t arg = 1; arg < kn->nargs; arg++) {
            if (kn_is_null(&kn->args[arg], i)) {
                continue;
            }
            if (!is_first) {
                kn_text_add(kn, separator.data, separator.len);
            }
            is_first = false;
            Str part = kn_str(kn, arg, i);
            kn_text_add(kn, part.data, part.len);
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

const KnScalar kn_string_kernels[] = {
    {"spark_upper", "s:s", upper},
    {"spark_lower", "s:s", lower},
    {"spark_initcap", "s:s", initcap},
    {"spark_substring", "s4:s", substring},
    {"spark_substring", "s44:s", substring},
    {"spark_substring", "x4:x", substring_bytes},
    {"spark_substring", "x44:x", substring_bytes},
    {"spark_left", "s4:s", left},
    {"spark_right", "s4:s", right},
    {"spark_substring_index", "ss4:s", substring_index},
    {"spark_locate", "ss:4", locate},
    {"spark_locate", "ss4:4", locate},
    {"spark_lpad", "s4s:s", lpad},
    {"spark_rpad", "s4s:s", rpad},
    {"spark_repeat", "s4:s", repeat},
    {"spark_reverse", "s:s", reverse},
    {"spark_replace", "sss:s", replace},
    {"spark_translate", "sss:s", translate},
    {"spark_trim", "s:s", trim},
    {"spark_trim", "ss:s", trim},
    {"spark_ltrim", "s:s", ltrim},
    {"spark_ltrim", "ss:s", ltrim},
    {"spark_rtrim", "s:s", rtrim},
    {"spark_rtrim", "ss:s", rtrim},
    {"spark_ascii", "s:4", ascii},
    {"spark_chr", "8:s", chr},
    {"spark_hex", "s:s", hex_bytes},
    {"spark_hex", "x:s", hex_bytes},
    {"spark_hex", "8:s", hex_long},
    {"spark_bin", "8:s", bin},
    {"spark_unhex", "s:x", unhex},
    {"spark_base64", "x:s", base64},
    {"spark_unbase64", "s:x", unbase64},
    {"spark_format_number", "d4:s", format_number},
    {"spark_levenshtein", "ss:4", levenshtein},
    {"spark_concat_ws", "ss*:s", concat_ws},
    {.name = NULL},
};
