/* kernels/text_tools.c - text functions that scripts use now and then: parts by number, codes of sounds, number bases, URLs, character sets.
 *
 * Invariant: as in string.c; where Java counts UTF-16 units and Spark code points, code points are meant.
 */
#include "kernels/kn_call.h"
#include "kernels/unicode.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- parts ------------------------------------------------------------------------------------------------------------------------ */

/* The offset of the next part in s from at on; s.len when there is none. */
static size_t find_part(Str s, size_t at, Str part) {
    while (at + part.len <= s.len && memcmp(s.data + at, part.data, part.len) != 0) {
        at++;
    }
    return at + part.len <= s.len ? at : s.len;
}

static size_t count_parts(Str s, Str by) {
    size_t count = 1;
    for (size_t at = find_part(s, 0, by); by.len > 0 && at < s.len; at = find_part(s, at + by.len, by)) {
        count++;
    }
    return count;
}

/* split_part(text, delimiter, number): from 1, or from the end by a negative number. */
static void split_part(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i), by = kn_str(kn, 1, i);
        int64_t number = KN_ARG(kn, int32_t, 2)[i];
        if (number == 0) {
            kn_fail(kn, "INVALID_INDEX_OF_ZERO: [INVALID_INDEX_OF_ZERO] The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).");
            return;
        }
        int64_t count = (int64_t)count_parts(s, by);
        number = number < 0 ? count + number + 1 : number;
        if (number < 1 || number > count) {
            kn_put(kn, i, STR(""));
            continue;
        }
        size_t from = 0;
        for (; number > 1; number--) {
            from = find_part(s, from, by) + by.len;
        }
        kn_put(kn, i, str_slice(s, from, by.len > 0 ? find_part(s, from, by) : s.len));
    }
}

/* find_in_set(word, 'a,b,c'): from 1; 0 when it is not there or holds a comma. */
static void find_in_set(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str word = kn_str(kn, 0, i), set = kn_str(kn, 1, i);
        int32_t number = 1, found = 0;
        bool has_comma = word.len > 0 && memchr(word.data, ',', word.len) != NULL;
        for (size_t from = 0; !has_comma && found == 0 && from <= set.len; number++) {
            size_t to = from;
            while (to < set.len && set.data[to] != ',') {
                to++;
            }
            found = str_eq(str_slice(set, from, to), word) ? number : 0;
            from = to + 1;
        }
        KN_OUT(kn, int32_t)[i] = found;
    }
}

/* overlay(text, by, position[, length]) of code points; a negative length means that of by. */
static void overlay(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i), by = kn_str(kn, 1, i);
        int64_t position = KN_ARG(kn, int32_t, 2)[i], length = KN_ARG(kn, int32_t, 3)[i];
        int64_t count = (int64_t)kn_char_count(s);
        length = length >= 0 ? length : (int64_t)kn_char_count(by);
        /* substring(s, 1, position - 1) || by || substring(s, position + length), with the rules of substringSQL. */
        int64_t head = position - 1 < 0 ? 0 : position - 1 > count ? count : position - 1;
        int64_t start = position + length;
        int64_t tail = start > 0 ? start - 1 : start < 0 ? count + start : 0;
        tail = tail < 0 ? 0 : tail > count ? count : tail;
        kn_text_start(kn);
        kn_text_add(kn, s.data, kn_char_offset(s, (size_t)head));
        kn_text_add(kn, by.data, by.len);
        size_t offset = kn_char_offset(s, (size_t)tail);
        kn_text_add(kn, s.data + offset, s.len - offset);
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* ---- sounds and numbers ------------------------------------------------------------------------------------------------------------ */

/* The letter and three digits; a text that does not begin with a letter stays as it is. */
static void soundex(KnCall *kn) {
    static const char codes[] = "01230127022455012623017202"; /* 0: a vowel, 7: H and W, which do not part equal codes */
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        if (s.len == 0 || !isalpha((unsigned char)s.data[0])) {
            kn_put(kn, i, s);
            continue;
        }
        char out[4] = {(char)toupper((unsigned char)s.data[0]), '0', '0', '0'};
        size_t n = 1;
        char last = codes[out[0] - 'A'];
        for (size_t k = 1; k < s.len && n < 4; k++) {
            if (!isalpha((unsigned char)s.data[k])) {
                last = '0';
                continue;
            }
            char code = codes[toupper((unsigned char)s.data[k]) - 'A'];
            if (code == '7') {
                continue;
            }
            if (code != '0' && code != last) {
                out[n++] = code;
            }
            last = code;
        }
        kn_put(kn, i, (Str){out, 4});
    }
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* conv(number, from, to): unsigned 64 bits; a negative base of the result shows its sign. */
static void conv(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = str_trim(kn_str(kn, 0, i));
        int32_t from = KN_ARG(kn, int32_t, 1)[i], to = KN_ARG(kn, int32_t, 2)[i];
        int base = to < 0 ? -to : to;
        if (from < 2 || from > 36 || base < 2 || base > 36 || s.len == 0) {
            kn_null(kn, i);
            continue;
        }
        bool is_negative = s.data[0] == '-';
        uint64_t value = 0;
        bool is_large = false;
        for (size_t k = is_negative ? 1 : 0; k < s.len && digit_of(s.data[k]) < from; k++) {
            is_large = is_large || __builtin_mul_overflow(value, (uint64_t)from, &value) ||
                       __builtin_add_overflow(value, (uint64_t)digit_of(s.data[k]), &value);
        }
        value = is_large ? UINT64_MAX : value;
        if (is_negative && to > 0) {
            value = is_large || (int64_t)value < 0 ? UINT64_MAX : 0 - value;
        }
        bool shows_sign = to < 0 && (is_negative || (int64_t)value < 0);
        if (to < 0 && !is_negative && (int64_t)value < 0) {
            value = 0 - value;
        }
        char text[66];
        size_t at = sizeof text;
        do {
            int digit = (int)(value % (uint64_t)base);
            text[--at] = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
            value /= (uint64_t)base;
        } while (value > 0);
        if (shows_sign) {
            text[--at] = '-';
        }
        kn_put(kn, i, (Str){text + at, sizeof text - at});
    }
}

/* ---- URLs -------------------------------------------------------------------------------------------------------------------------- */

static void url_encode(KnCall *kn) {
    static const char hex[] = "0123456789ABCDEF";
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        for (size_t k = 0; k < s.len; k++) {
            unsigned char c = (unsigned char)s.data[k];
            if (c < 0x80 && (isalnum(c) || c == '.' || c == '-' || c == '*' || c == '_')) {
                kn_text_char(kn, (char)c);
            } else if (c == ' ') {
                kn_text_char(kn, '+');
            } else {
                char code[3] = {'%', hex[c >> 4], hex[c & 15]};
                kn_text_add(kn, code, 3);
            }
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

static void url_decode(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        kn_text_start(kn);
        for (size_t k = 0; k < s.len; k++) {
            if (s.data[k] == '%' && k + 2 < s.len && digit_of(s.data[k + 1]) < 16 && digit_of(s.data[k + 2]) < 16) {
                kn_text_char(kn, (char)(digit_of(s.data[k + 1]) * 16 + digit_of(s.data[k + 2])));
                k += 2;
            } else if (s.data[k] == '%') {
                kn_fail(kn, "CANNOT_DECODE_URL: [CANNOT_DECODE_URL] The provided URL cannot be decoded: %.*s. Please ensure that the URL is properly formatted and try again.",
                        STR_ARG(s));
                return;
            } else {
                kn_text_char(kn, s.data[k] == '+' ? ' ' : s.data[k]);
            }
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* ---- character sets ---------------------------------------------------------------------------------------------------------------- */

typedef enum Charset { SET_NONE, SET_UTF8, SET_ASCII, SET_LATIN1, SET_UTF16, SET_UTF16BE, SET_UTF16LE } Charset;

static Charset charset_of(Str name) {
    static const struct {
        const char *name;
        Charset set;
    } sets[] = {{"UTF-8", SET_UTF8}, {"UTF8", SET_UTF8}, {"US-ASCII", SET_ASCII}, {"ASCII", SET_ASCII}, {"ISO-8859-1", SET_LATIN1}, {"UTF-16", SET_UTF16},
                {"UTF-16BE", SET_UTF16BE}, {"UTF-16LE", SET_UTF16LE}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (str_eq_nocase(name, str_from_c(sets[i].name))) {
            return sets[i].set;
        }
    }
    return SET_NONE;
}

static void add_unit(KnCall *kn, uint32_t unit, bool is_little) {
    kn_text_char(kn, (char)(is_little ? unit & 0xFF : unit >> 8));
    kn_text_char(kn, (char)(is_little ? unit >> 8 : unit & 0xFF));
}

static void encode(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i), name = kn_str(kn, 1, i);
        Charset set = charset_of(name);
        if (set == SET_NONE) {
            kn_fail(kn, "_LEGACY_ERROR_CHARSET: %.*s", STR_ARG(name));
            return;
        }
        kn_text_start(kn);
        if (set == SET_UTF16) {
            add_unit(kn, s.len > 0 ? 0xFEFF : 0, false);
            kn->state->buffer_len = s.len > 0 ? 2 : 0;
        }
        for (size_t at = 0; at < s.len;) {
            size_t size = kn_char_size(s, at);
            uint32_t code = kn_char_code(s, at, size);
            if (set == SET_UTF8) {
                kn_text_add(kn, s.data + at, size);
            } else if (set == SET_ASCII || set == SET_LATIN1) {
                kn_text_char(kn, code < (set == SET_ASCII ? 0x80u : 0x100u) ? (char)code : '?');
            } else if (code >= 0x10000) {
                add_unit(kn, 0xD800 + ((code - 0x10000) >> 10), set == SET_UTF16LE);
                add_unit(kn, 0xDC00 + ((code - 0x10000) & 0x3FF), set == SET_UTF16LE);
            } else {
                add_unit(kn, code, set == SET_UTF16LE);
            }
            at += size;
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

static void add_code(KnCall *kn, uint32_t code) {
    char bytes[4];
    kn_text_add(kn, bytes, kn_char_write(code, bytes));
}

static void decode_utf16(KnCall *kn, Str s, bool is_little) {
    for (size_t at = 0; at < s.len; at += 2) {
        if (at + 1 == s.len) {
            add_code(kn, 0xFFFD);
            return;
        }
        unsigned char a = (unsigned char)s.data[at], b = (unsigned char)s.data[at + 1];
        uint32_t unit = is_little ? (uint32_t)b << 8 | a : (uint32_t)a << 8 | b;
        if (unit >= 0xD800 && unit < 0xDC00 && at + 3 < s.len) {
            unsigned char c = (unsigned char)s.data[at + 2], d = (unsigned char)s.data[at + 3];
            uint32_t low = is_little ? (uint32_t)d << 8 | c : (uint32_t)c << 8 | d;
            if (low >= 0xDC00 && low < 0xE000) {
                add_code(kn, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                at += 2;
                continue;
            }
        }
        add_code(kn, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
    }
}

/* UTF-8 with U+FFFD for each byte that belongs to no character. */
static void decode_utf8(KnCall *kn, Str s) {
    for (size_t at = 0; at < s.len;) {
        unsigned char c = (unsigned char)s.data[at];
        size_t size = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
        size_t good = 1;
        while (size > good && at + good < s.len && ((unsigned char)s.data[at + good] & 0xC0) == 0x80) {
            good++;
        }
        if (size > 0 && good == size) {
            kn_text_add(kn, s.data + at, size);
        } else {
            add_code(kn, 0xFFFD);
        }
        at += size > 0 ? good : 1;
    }
}

static void decode(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i), name = kn_str(kn, 1, i);
        Charset set = charset_of(name);
        kn_text_start(kn);
        switch (set) {
        case SET_NONE: kn_fail(kn, "_LEGACY_ERROR_CHARSET: %.*s", STR_ARG(name)); return;
        case SET_UTF8: decode_utf8(kn, s); break;
        case SET_ASCII:
        case SET_LATIN1:
            for (size_t at = 0; at < s.len; at++) {
                unsigned char c = (unsigned char)s.data[at];
                add_code(kn, set == SET_ASCII && c >= 0x80 ? 0xFFFD : c);
            }
            break;
        case SET_UTF16: {
            bool has_mark = s.len >= 2 && (memcmp(s.data, "\xFE\xFF", 2) == 0 || memcmp(s.data, "\xFF\xFE", 2) == 0);
            decode_utf16(kn, str_slice(s, has_mark ? 2 : 0, s.len), has_mark && (unsigned char)s.data[0] == 0xFF);
            break;
        }
        case SET_UTF16BE:
        case SET_UTF16LE: decode_utf16(kn, s, set == SET_UTF16LE); break;
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

const KnScalar kn_text_tool_kernels[] = {
    {"spark_split_part", "ss4:s", split_part},
    {"spark_find_in_set", "ss:4", find_in_set},
    {"spark_overlay", "ss44:s", overlay},
    {"spark_soundex", "s:s", soundex},
    {"spark_conv", "s44:s", conv},
    {"spark_url_encode", "s:s", url_encode},
    {"spark_url_decode", "s:s", url_decode},
    {"spark_encode", "ss:x", encode},
    {"spark_decode", "xs:s", decode},
    {.name = NULL},
};
