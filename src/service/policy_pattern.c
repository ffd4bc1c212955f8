/* policy_pattern.c - wildcards and variables of policies; see policy.h.
 *
 * In a pattern two bytes that no UTF-8 has stand for the wildcards, so that what a variable brings in can't be one.
 */
#include "service/policy.h"

#include <string.h>

#define ANY_TEXT '\xFF'
#define ANY_CHARACTER '\xFE'
#define NO_CHARACTER '\xC0' /* never part of UTF-8 either: what such a byte of a variable's value becomes */

static void add_literal(StrBuf *out, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        strbuf_add_char(out, c == ANY_TEXT || c == ANY_CHARACTER ? NO_CHARACTER : c);
    }
}

Str policy_key_name(Arena *arena, Str name) {
    const char *slash = name.len == 0 ? NULL : memchr(name.data, '/', name.len);
    size_t at = slash == NULL ? name.len : (size_t)(slash - name.data);
    Str lower = str_lower(arena, str_slice(name, 0, at));
    return str_fmt(arena, "%.*s%.*s", STR_ARG(lower), STR_ARG(str_slice(name, at, name.len)));
}

/* "aws:username" or "aws:username, 'nobody'". */
static bool add_variable(const PolicyContext *context, StrBuf *out, Str inner) {
    const char *comma = inner.len == 0 ? NULL : memchr(inner.data, ',', inner.len);
    size_t at = comma == NULL ? inner.len : (size_t)(comma - inner.data);
    Str name = str_trim(str_slice(inner, 0, at));
    Str fallback = str_trim(str_slice(inner, at + 1, inner.len));
    const Str *values = NULL;
    size_t count = context->values(context->self, policy_key_name(out->arena, name), &values);
    if (count == 1) {
        add_literal(out, values[0]);
        return true;
    }
    if (comma == NULL || fallback.len < 2 || fallback.data[0] != '\'' || fallback.data[fallback.len - 1] != '\'') {
        return false;
    }
    add_literal(out, str_slice(fallback, 1, fallback.len - 1));
    return true;
}

bool policy_expand(Arena *arena, const PolicyContext *context, Str text, bool has_wildcards, Str *ret_pattern) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool begins = context != NULL && c == '$' && i + 1 < text.len && text.data[i + 1] == '{';
        const char *end = begins ? memchr(text.data + i, '}', text.len - i) : NULL;
        if (end != NULL) {
            size_t at = (size_t)(end - text.data);
            Str inner = str_slice(text, i + 2, at);
            if (inner.len == 1 && strchr("*?$", inner.data[0]) != NULL) {
                strbuf_add_char(&out, inner.data[0]);
            } else if (!add_variable(context, &out, inner)) {
                return false;
            }
            i = at;
        } else if (has_wildcards && (c == '*' || c == '?')) {
            strbuf_add_char(&out, c == '*' ? ANY_TEXT : ANY_CHARACTER);
        } else {
            add_literal(&out, (Str){&text.data[i], 1});
        }
    }
    *ret_pattern = strbuf_str(&out);
    return true;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many bytes the character at i has. */
static size_t character_size(Str text, size_t i) {
    size_t end = i + 1;
    while (end < text.len && ((unsigned char)text.data[end] & 0xC0) == 0x80) {
        end++;
    }
    return end - i;
}

/* Goes back to the last star alone: an earlier one has no more to give. */
bool policy_matches(Str pattern, Str text, bool ignores_case) {
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    while (t < text.len) {
        char c = p < pattern.len ? pattern.data[p] : '\0';
        if (p < pattern.len && c == ANY_TEXT) {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && c == ANY_CHARACTER) {
            t += character_size(text, t);
            p++;
        } else if (p < pattern.len && (c == text.data[t] || (ignores_case && lower(c) == lower(text.data[t])))) {
            t++;
            p++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == ANY_TEXT) {
        p++;
    }
    return p == pattern.len;
}

size_t policy_count(yyjson_val *value) {
    return yyjson_is_arr(value) ? yyjson_arr_size(value) : value == NULL ? 0 : 1;
}

yyjson_val *policy_item(yyjson_val *value, size_t i) {
    return yyjson_is_arr(value) ? yyjson_arr_get(value, i) : value;
}
