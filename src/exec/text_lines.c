/* exec/text_lines.c - see text_lines.h. */
#include "exec/text_lines.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1024 * 1024, TAIL_SIZE = 16 * 1024 };

bool ex_record_is_sampled(uint64_t n, double ratio) {
    uint64_t mixed = (n + 1) * UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    mixed ^= mixed >> 31;
    return ratio > 0.99 || (double)(mixed >> 11) * 0x1p-53 < ratio;
}

bool ex_is_ascii(const char *data, size_t size) {
    __m128i seen = _mm_setzero_si128();
    size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        seen = _mm_or_si128(seen, _mm_loadu_si128((const __m128i *)(const void *)(data + i)));
    }
    int mask = _mm_movemask_epi8(seen);
    for (; i < size; i++) {
        mask |= (unsigned char)data[i] & 0x80;
    }
    return mask == 0;
}

const char *ex_line_end(const ExLines *lines, const char *p, const char *limit, const char **ret_next) {
    if (lines->separator.len > 0) {
        const char *at = memmem(p, (size_t)(limit - p), lines->separator.data, lines->separator.len);
        *ret_next = at != NULL ? at + lines->separator.len : limit;
        return at != NULL ? at : limit;
    }
    const __m128i nl = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    while (p < limit) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, nl), _mm_cmpeq_epi8(block, cr)));
        if (mask != 0) {
            const char *end = p + __builtin_ctz(mask);
            if (end >= limit) {
                break;
            }
            *ret_next = end + 1 + (*end == '\r' && end + 1 < limit && end[1] == '\n');
            return end;
        }
        p += 16;
    }
    *ret_next = limit;
    return limit;
}

static bool reserve(ExLines *lines, size_t cap, Err *err) {
    if (cap <= lines->cap) {
        return true;
    }
    char *buffer = realloc(lines->buffer, cap + EX_LINES_PAD);
    if (buffer == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "reading %.*s: no memory for a record of %zu bytes", STR_ARG(lines->shown), cap);
    }
    lines->buffer = buffer;
    lines->cap = cap;
    return true;
}

static bool read_more(ExLines *lines, Err *err) {
    /* Behind the split's end only the rest of one record is wanted. */
    int64_t wanted = (int64_t)lines->cap;
    if (lines->split_to != INT64_MAX) {
        int64_t left = lines->split_to - (lines->base + (int64_t)lines->to);
        wanted = (int64_t)lines->to + (left > 0 ? left : 0) + TAIL_SIZE;
    }
    size_t most = wanted < (int64_t)lines->cap ? (size_t)wanted : lines->cap;
    while (lines->to < most && !lines->at_end) {
        size_t n = 0;
        if (!ex_bytes_read(lines->source, lines->buffer + lines->to, most - lines->to, &n, err)) {
            return false;
        }
        lines->at_end = n == 0;
        lines->to += n;
    }
    memset(lines->buffer + lines->to, 0, EX_LINES_PAD);
    return true;
}

/* Where the last whole line of the buffer ends. */
static size_t last_end(const ExLines *lines) {
    if (lines->at_end) {
        return lines->to;
    }
    if (lines->separator.len > 0) {
        size_t n = lines->separator.len;
        for (size_t i = lines->to; i >= lines->from + n; i--) {
            if (memcmp(lines->buffer + i - n, lines->separator.data, n) == 0) {
                return i;
            }
        }
        return lines->from;
    }
    /* A \r at the very end may have its \n still to come. */
    for (size_t i = lines->to; i > lines->from; i--) {
        char c = lines->buffer[i - 1];
        if (c == '\n' || (c == '\r' && i < lines->to)) {
            return i;
        }
    }
    return lines->from;
}

static bool fill_block(ExLines *lines, Err *err) {
    size_t rest = lines->to - lines->from;
    if (lines->from > 0) {
        memmove(lines->buffer, lines->buffer + lines->from, rest);
        lines->base += (int64_t)lines->from;
        lines->from = 0;
        lines->to = rest;
    }
    size_t cap = lines->cap > BLOCK_SIZE ? lines->cap : BLOCK_SIZE;
    for (;;) {
        if (!reserve(lines, cap, err) || !read_more(lines, err)) {
            return false;
        }
        lines->limit = lines->is_whole ? lines->to : last_end(lines);
        if (lines->limit > lines->from || lines->at_end) {
            break;
        }
        cap = lines->to + TAIL_SIZE < lines->cap ? lines->cap : lines->cap * 2;
    }
    lines->is_ascii = ex_is_ascii(lines->buffer, lines->limit);
    return true;
}

bool ex_lines_begin(ExLines *lines, Str path, Str shown, ExCharset charset, Str separator, int64_t from, int64_t to, Err *err) {
    ex_bytes_close(lines->source);
    lines->shown = shown;
    lines->separator = separator;
    lines->from = lines->to = lines->limit = 0;
    lines->base = from;
    lines->split_to = to;
    lines->at_end = false;
    lines->taken_before = 0;
    lines->source = ex_bytes_open(path, shown, charset, from, err);
    if (lines->source == NULL) {
        return false;
    }
    if (from == 0) {
        return true;
    }
    if (!fill_block(lines, err)) {
        return false;
    }
    const char *next;
    ex_line_end(lines, lines->buffer, lines->buffer + lines->limit, &next);
    lines->from = (size_t)(next - lines->buffer);
    return true;
}

bool ex_lines_fill(ExLines *lines, bool *ret_more, Err *err) {
    if (lines->from >= lines->limit && !fill_block(lines, err)) {
        return false;
    }
    bool is_past = lines->split_to != INT64_MAX && lines->base + (int64_t)lines->from > lines->split_to;
    *ret_more = lines->from < lines->limit && !is_past;
    return true;
}

bool ex_lines_grow(ExLines *lines, bool *ret_more, Err *err) {
    size_t had = lines->to - lines->from;
    if (lines->at_end) {
        *ret_more = false;
        return true;
    }
    if (lines->from == 0 && lines->to == lines->cap && !reserve(lines, lines->cap * 2, err)) {
        return false;
    }
    if (!fill_block(lines, err)) {
        return false;
    }
    *ret_more = lines->to - lines->from > had;
    return true;
}

bool ex_lines_next(ExLines *lines, Str *ret_line) {
    if (lines->from >= lines->limit || (lines->split_to != INT64_MAX && lines->base + (int64_t)lines->from > lines->split_to)) {
        return false;
    }
    const char *p = lines->buffer + lines->from, *next;
    const char *end = ex_line_end(lines, p, lines->buffer + lines->limit, &next);
    *ret_line = (Str){p, (size_t)(end - p)};
    lines->from = (size_t)(next - lines->buffer);
    return true;
}

int64_t ex_lines_taken(ExLines *lines) {
    if (lines->source == NULL) {
        return 0;
    }
    int64_t now = ex_bytes_taken(lines->source);
    int64_t n = now - lines->taken_before;
    lines->taken_before = now;
    return n;
}

void ex_lines_close(ExLines *lines) {
    ex_bytes_close(lines->source);
    free(lines->buffer);
    *lines = (ExLines){0};
}

Str ex_line_place(Arena *arena, Str path, Str shown, int64_t offset) {
    Err err = {0};
    ExByteSource *source = ex_bytes_open(path, shown, EX_UTF8, 0, &err);
    int64_t line = 1, at = 0;
    char *buffer = malloc(BLOCK_SIZE);
    size_t n = 1;
    while (source != NULL && buffer != NULL && at < offset && n > 0 && ex_bytes_read(source, buffer, BLOCK_SIZE, &n, &err)) {
        size_t end = offset - at < (int64_t)n ? (size_t)(offset - at) : n;
        for (size_t i = 0; i < end; i++) {
            line += buffer[i] == '\n';
        }
        at += (int64_t)n;
    }
    free(buffer);
    ex_bytes_close(source);
    return str_fmt(arena, "%.*s:%lld", STR_ARG(shown), (long long)line);
}
