/* str.h - borrowed byte strings (pointer and length) and a growing buffer in an arena.
 *
 * Invariant: a Str never owns; whoever made it says by its arena how long it lives. Bytes are UTF-8 unless a name says
 * otherwise and may hold NUL. A zero Str ({0}) is the empty string.
 */
#ifndef SOLDER_BASE_STR_H
#define SOLDER_BASE_STR_H

#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Str {
    const char *data;
    size_t len;
} Str;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, ((s).data != NULL ? (s).data : "")

Str str_from_c(const char *borrowed_text); /* NULL gives the empty string */
Str str_copy(Arena *arena, Str s);         /* the copy is followed by a NUL byte */
char *str_to_c(Arena *arena, Str s);       /* NUL-terminated copy */
Str str_fmt(Arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool str_eq(Str a, Str b);
bool str_eq_c(Str a, const char *b);
bool str_eq_nocase(Str a, Str b); /* ASCII case only: Spark lower-cases identifiers with Locale.ROOT; see str_lower */
int str_cmp(Str a, Str b);        /* bytewise, as memcmp; the shorter first */
bool str_starts_with(Str s, Str prefix);
bool str_ends_with(Str s, Str suffix);
bool str_contains(Str s, Str part);
Str str_slice(Str s, size_t from, size_t to); /* clamped */
Str str_trim(Str s);                          /* ASCII white space at both ends */
Str str_lower(Arena *arena, Str s);           /* ASCII only */
Str str_upper(Arena *arena, Str s);           /* ASCII only */
uint64_t str_hash(Str s);
/* The whole of s as a decimal number; false if it is not one or does not fit. */
bool str_to_i64(Str s, int64_t *ret_value);
bool str_to_double(Str s, double *ret_value);

/* Growing text in an arena. Start with {.arena = a}. */
typedef struct StrBuf {
    Arena *arena;
    char *data;
    size_t len;
    size_t cap;
} StrBuf;

void strbuf_add(StrBuf *buf, Str s);
void strbuf_add_c(StrBuf *buf, const char *borrowed_text);
void strbuf_add_char(StrBuf *buf, char c);
void strbuf_fmt(StrBuf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vfmt(StrBuf *buf, const char *fmt, va_list args);
Str strbuf_str(const StrBuf *buf); /* borrowed from the arena; NUL-terminated behind its end */

#endif
