/* str.c - see str.h. */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Str str_from_c(const char *borrowed_text) {
    return borrowed_text == NULL ? (Str){"", 0} : (Str){borrowed_text, strlen(borrowed_text)};
}

Str str_copy(Arena *arena, Str s) {
    return (Str){arena_copy(arena, s.data, s.len), s.len};
}

char *str_to_c(Arena *arena, Str s) {
    return arena_copy(arena, s.data, s.len);
}

Str str_fmt(Arena *arena, const char *fmt, ...) {
    StrBuf buf = {.arena = arena};
    va_list args;
    va_start(args, fmt);
    strbuf_vfmt(&buf, fmt, args);
    va_end(args);
    return strbuf_str(&buf);
}

bool str_eq(Str a, Str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_eq_c(Str a, const char *b) {
    return str_eq(a, str_from_c(b));
}

static unsigned char lower_ascii(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(Str a, Str b) {
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower_ascii(a.data[i]) != lower_ascii(b.data[i])) {
            return false;
        }
    }
    return true;
}

int str_cmp(Str a, Str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.data, b.data, n);
    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts_with(Str s, Str prefix) {
    return s.len >= prefix.len && str_eq((Str){s.data, prefix.len}, prefix);
}

bool str_ends_with(Str s, Str suffix) {
    return s.len >= suffix.len && str_eq((Str){s.data + (s.len - suffix.len), suffix.len}, suffix);
}

bool str_contains(Str s, Str part) {
    if (part.len == 0) {
        return true;
    }
    return s.len >= part.len && memmem(s.data, s.len, part.data, part.len) != NULL;
}

Str str_slice(Str s, size_t from, size_t to) {
    if (to > s.len) {
        to = s.len;
    }
    if (from > to) {
        from = to;
    }
    return s.data == NULL ? s : (Str){s.data + from, to - from};
}

Str str_trim(Str s) {
    size_t from = 0;
    size_t to = s.len;
    while (from < to && isspace((unsigned char)s.data[from])) {
        from++;
    }
    while (to > from && isspace((unsigned char)s.data[to - 1])) {
        to--;
    }
    return str_slice(s, from, to);
}

Str str_lower(Arena *arena, Str s) {
    char *copy = str_to_c(arena, s);
    for (size_t i = 0; i < s.len; i++) {
        copy[i] = (char)lower_ascii(copy[i]);
    }
    return (Str){copy, s.len};
}

Str str_upper(Arena *arena, Str s) {
    char *copy = str_to_c(arena, s);
    for (size_t i = 0; i < s.len; i++) {
        if (copy[i] >= 'a' && copy[i] <= 'z') {
            copy[i] = (char)(copy[i] - ('a' - 'A'));
        }
    }
    return (Str){copy, s.len};
}

uint64_t str_hash(Str s) {
    /* FNV-1a with a final mix: short keys, no adversary (names of columns, functions, settings). */
    uint64_t hash = 1469598103934665603ULL;
    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.data[i]) * 1099511628211ULL;
    }
    hash ^= hash >> 32;
    return hash * 0x9E3779B97F4A7C15ULL;
}

bool str_to_i64(Str s, int64_t *ret_value) {
    char copy[32];
    if (s.len == 0 || s.len >= sizeof copy || isspace((unsigned char)s.data[0])) {
        return false;
    }
    memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    char *end = NULL;
    errno = 0;
    long long value = strtoll(copy, &end, 10);
    if (errno != 0 || end != copy + s.len) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool str_to_double(Str s, double *ret_value) {
    char copy[512];
    if (s.len == 0 || s.len >= sizeof copy || isspace((unsigned char)s.data[0])) {
        return false;
    }
    memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    if (end != copy + s.len) {
        return false;
    }
    *ret_value = value;
    return true;
}

static void strbuf_reserve(StrBuf *buf, size_t more) {
    if (buf->cap - buf->len > more) {
        return;
    }
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap - buf->len <= more) {
        cap *= 2;
    }
    char *data = arena_alloc(buf->arena, cap);
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    buf->data = data;
    buf->cap = cap;
}

void strbuf_add(StrBuf *buf, Str s) {
    if (s.len == 0) {
        return;
    }
    strbuf_reserve(buf, s.len);
    memcpy(buf->data + buf->len, s.data, s.len);
    buf->len += s.len;
    buf->data[buf->len] = '\0';
}

void strbuf_add_c(StrBuf *buf, const char *borrowed_text) {
    strbuf_add(buf, str_from_c(borrowed_text));
}

void strbuf_add_char(StrBuf *buf, char c) {
    strbuf_add(buf, (Str){&c, 1});
}

void strbuf_fmt(StrBuf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    strbuf_vfmt(buf, fmt, args);
    va_end(args);
}

void strbuf_vfmt(StrBuf *buf, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, fmt, args);
    if (need > 0) {
        strbuf_reserve(buf, (size_t)need);
        int wrote = vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, again);
        if (wrote == need) {
            buf->len += (size_t)need;
        }
    }
    va_end(again);
}

Str strbuf_str(const StrBuf *buf) {
    return buf->data == NULL ? (Str){"", 0} : (Str){buf->data, buf->len};
}
