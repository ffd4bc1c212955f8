/* exec/csv_parse.c - one CSV record into tokens.
 *
 * Two ways: a fast one that slices the line between delimiters and plain quoted values with SSE2, and a careful one that follows univocity
 * character by character (stray quotes, escapes, blanks to trim, records over lines). The fast one hands over at the first doubt.
 */
#include "exec/csv.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

static bool grow_fields(ExCsvParser *parser, Err *err) {
    size_t cap = parser->cap == 0 ? 64 : parser->cap * 2;
    if ((int64_t)parser->nfields >= parser->options->max_columns) {
        return err_set(err, "SOLDER.CSV", "a record has more than maxColumns = %lld columns", (long long)parser->options->max_columns);
    }
    ExCsvField *fields = realloc(parser->fields, cap * sizeof *fields);
    if (fields == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a record's columns");
    }
    parser->fields = fields;
    parser->cap = cap;
    return true;
}

static inline bool add_field(ExCsvParser *parser, const char *data, size_t len, bool is_quoted, Err *err) {
    if (__builtin_expect(parser->nfields == parser->cap || (int64_t)parser->nfields >= parser->options->max_columns, 0) && !grow_fields(parser, err)) {
        return false;
    }
    parser->fields[parser->nfields++] = (ExCsvField){.data = data, .len = (uint32_t)len, .is_quoted = is_quoted};
    return true;
}

/* The first of two bytes in [p, end), or end. Up to 15 bytes behind end are read. */
static inline const char *find_any(const char *p, const char *end, __m128i a, __m128i b) {
    while (p < end) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, a), _mm_cmpeq_epi8(block, b)));
        if (mask != 0) {
            p += __builtin_ctz(mask);
            return p < end ? p : end;
        }
        p += 16;
    }
    return end;
}

/* false with no error: the careful way must do it. */
static bool fast_record(ExCsvParser *parser, const char *p, const char *end, Err *err) {
    const ExCsvOptions *o = parser->options;
    char sep = o->sep.data[0], quote = o->quote;
    const __m128i vsep = _mm_set1_epi8(sep), vquote = _mm_set1_epi8(quote), vescape = _mm_set1_epi8(o->escape != '\0' ? o->escape : quote);
    for (;;) {
        if (quote != '\0' && p < end && *p == quote) {
            const char *start = p + 1, *close = find_any(start, end, vquote, vescape);
            if (close >= end || *close != quote || (close + 1 < end && close[1] != sep)) {
                return false;
            }
            if (!add_field(parser, start, (size_t)(close - start), true, err)) {
                return false;
            }
            p = close + 1;
        } else {
            const char *stop = find_any(p, end, vsep, vsep);
            if (!add_field(parser, p, (size_t)(stop - p), false, err)) {
                return false;
            }
            p = stop;
        }
        if (p >= end) {
            return true;
        }
        p++;
    }
}

/* The careful way. EOF_CHAR stands for the exception that univocity's input throws at its end. */
enum { EOF_CHAR = -1, NEW_LINE = -2 };

typedef struct Machine {
    ExCsvParser *parser;
    const char *begin, *p, *end;
    int ch, prev;
    size_t start; /* of the value in the scratch */
    bool unescaped; /* an unescaped quote was met */
    bool is_text;   /* the value did not stay a quoted one */
    bool failed;
    Err *err;
} Machine;

static void put(Machine *m, int c) {
    ExCsvParser *parser = m->parser;
    if (c != NEW_LINE && parser->scratch_len == parser->scratch_cap) {
        size_t cap = parser->scratch_cap == 0 ? 4096 : parser->scratch_cap * 2;
        char *scratch = realloc(parser->scratch, cap);
        if (scratch == NULL) {
            m->failed = true;
            err_set(m->err, "SOLDER.OUT_OF_MEMORY", "no memory for a record");
            return;
        }
        parser->scratch = scratch;
        parser->scratch_cap = cap;
    }
    if (c != NEW_LINE) {
        parser->scratch[parser->scratch_len++] = (char)c;
        return;
    }
    /* As it stands in the file. */
    bool is_crlf = m->p - m->begin >= 2 && m->p[-2] == '\r';
    if (is_crlf) {
        put(m, '\r');
    }
    put(m, '\n');
}

static void prepend(Machine *m, char c) {
    put(m, c);
    char *value = m->parser->scratch + m->start;
    if (!m->failed) {
        memmove(value + 1, value, m->parser->scratch_len - m->start - 1);
        value[0] = c;
    }
}

/* Steps to the next character; false at the end of the input (ch keeps its value, as when Java's nextChar throws). */
static bool step(Machine *m) {
    if (m->p >= m->end) {
        return false;
    }
    const ExCsvOptions *o = m->parser->options;
    if (o->multi_line) {
        if (*m->p == '\n') {
            m->p++;
            m->ch = NEW_LINE;
            return true;
        }
        if (*m->p == '\r' && m->p + 1 < m->end && m->p[1] == '\n') {
            m->p += 2;
            m->ch = NEW_LINE;
            return true;
        }
    }
    if (o->sep.len > 1 && (size_t)(m->end - m->p) >= o->sep.len && memcmp(m->p, o->sep.data, o->sep.len) == 0) {
        m->p += o->sep.len;
        m->ch = (unsigned char)o->sep.data[0] | 0x100; /* the whole delimiter */
        return true;
    }
    m->ch = (unsigned char)*m->p++;
    return true;
}

static bool is_sep(const Machine *m) {
    const ExCsvOptions *o = m->parser->options;
    return o->sep.len > 1 ? m->ch >= 0x100 : m->ch == (unsigned char)o->sep.data[0];
}

static bool is_end(const Machine *m) {
    return m->ch == NEW_LINE || is_sep(m);
}

static bool is_blank(int ch) {
    return ch >= 0 && ch <= ' ';
}

static int quote_of(const Machine *m) {
    char q = m->parser->options->quote;
    return q != '\0' ? (unsigned char)q : EOF_CHAR - 10;
}

static int escape_of(const Machine *m) {
    char e = m->parser->options->escape;
    return e != '\0' ? (unsigned char)e : EOF_CHAR - 11;
}

static void put_char(Machine *m, int ch) {
    put(m, ch == NEW_LINE || ch < 0x100 ? ch : ch & 0xFF);
    for (size_t i = 1; ch >= 0x100 && i < m->parser->options->sep.len; i++) {
        put(m, (unsigned char)m->parser->options->sep.data[i]);
    }
}

/* The character at ch, all of its UTF-8 bytes. */
static void put_whole(Machine *m) {
    put_char(m, m->ch);
    while (m->ch >= 0x80 && m->ch < 0x100 && m->p < m->end && ((unsigned char)*m->p & 0xC0) == 0x80) {
        put(m, (unsigned char)*m->p++);
    }
}

/* Everything up to a delimiter or a line's end; false at the end of the input, with ch the run's first character, as univocity leaves it. */
static bool put_until_end(Machine *m) {
    int first = m->ch;
    while (!is_end(m)) {
        put(m, m->ch);
        if (!step(m)) {
            m->ch = first;
            return false;
        }
    }
    return true;
}

/* The value turns out to be text with quotes in it: what was read gets its opening quote back, and all up to the delimiter follows. */
static bool text_to_end(Machine *m) {
    prepend(m, (char)quote_of(m));
    m->is_text = true;
    m->prev = m->ch;
    return step(m) && put_until_end(m);
}

/* A character that is no quote stands right behind a quote inside a quoted value. */
static bool unescaped_value(Machine *m) {
    m->unescaped = true;
    if (m->parser->options->unescaped == EX_CSV_RAISE) {
        m->failed = true;
        return err_set(m->err, "SOLDER.CSV", "an unescaped quote inside a quoted value (unescapedQuoteHandling=RAISE_ERROR)");
    }
    put(m, quote_of(m));
    put_whole(m);
    return text_to_end(m);
}

/* What an escape or a quote at ch means; *ret_stray: an escape stands right behind a quote. */
static void quote_or_escape(Machine *m, bool *ret_stray) {
    int quote = quote_of(m), escape = escape_of(m);
    char escape_escape = m->parser->options->escape_escape;
    *ret_stray = false;
    if (m->ch == escape && escape_escape != '\0' && m->prev == (unsigned char)escape_escape) {
        put(m, escape);
        m->ch = 0;
    } else if (m->prev == escape) {
        if (m->ch == quote) {
            put(m, quote);
            m->ch = 0;
        } else {
            put(m, m->prev);
        }
    } else if (m->ch == quote && m->prev == quote) {
        put(m, quote);
    } else {
        *ret_stray = m->prev == quote;
    }
}

/* Behind a stray escape univocity reads to the delimiter, taking escapes away, steps over the delimiter and goes on as if nothing had been; a
 * stray escape inside does the same one level deeper. false: end of the input. */
static bool stray_escape(Machine *m) {
    size_t depth = 0;
    put(m, quote_of(m));
    m->prev = m->ch;
    for (;;) {
        if (is_end(m)) {
            if (depth == 0) {
                return true;
            }
            depth--;
        } else if (m->ch != quote_of(m) && m->ch != escape_of(m)) {
            if (m->prev == quote_of(m)) {
                put(m, quote_of(m));
            }
            put_char(m, m->ch);
        } else {
            bool is_stray;
            quote_or_escape(m, &is_stray);
            if (is_stray) {
                put(m, quote_of(m));
                m->prev = m->ch;
                depth++;
                continue;
            }
        }
        m->prev = m->ch;
        if (m->failed || !step(m)) {
            return false;
        }
    }
}

/* More than blanks stand behind the closing quote, or the value ends. blanks: the first of them. */
static bool behind_quote(Machine *m) {
    const char *blanks = m->p - 1;
    do {
        if (!step(m)) {
            return false;
        }
        if (m->ch == NEW_LINE) {
            return true;
        }
    } while (is_blank(m->ch));
    if (is_end(m)) {
        return true;
    }
    put(m, quote_of(m));
    for (const char *b = blanks; b < m->p - 1; b++) {
        put(m, (unsigned char)*b);
    }
    put_whole(m);
    return text_to_end(m);
}

/* A value that began with a quote, ch being its first character behind it; ends with ch at a delimiter or line end. false: end of the input. */
static bool quoted_value(Machine *m) {
    int quote = quote_of(m), escape = escape_of(m);
    char escape_escape = m->parser->options->escape_escape;
    int third = escape_escape != '\0' ? (unsigned char)escape_escape : escape;
    for (;;) {
        if (m->failed) {
            return false;
        }
        if (m->prev == quote && (is_blank(m->ch) || is_end(m))) {
            return is_end(m) || behind_quote(m);
        }
        if (m->ch != quote && m->ch != escape) {
            if (m->prev == quote) {
                return unescaped_value(m);
            }
            if (m->prev == escape) {
                put(m, escape);
            }
            int first = m->ch;
            do {
                put_char(m, m->ch);
                if (!step(m)) {
                    m->ch = first;
                    return false;
                }
            } while (m->ch != quote && m->ch != escape && m->ch != third);
        } else {
            bool is_stray;
            quote_or_escape(m, &is_stray);
            if (is_stray && !stray_escape(m)) {
                return false;
            }
        }
        m->prev = m->ch;
        if (!step(m)) {
            return false;
        }
    }
}

static bool finish_field(Machine *m, bool is_quoted) {
    ExCsvParser *parser = m->parser;
    size_t len = parser->scratch_len - m->start;
    if (m->failed) {
        return false;
    }
    if (parser->options->max_chars >= 0 && (int64_t)len > parser->options->max_chars) {
        return err_set(m->err, "SOLDER.CSV", "a value is longer than maxCharsPerColumn = %lld", (long long)parser->options->max_chars);
    }
    if (!add_field(parser, NULL, len, is_quoted, m->err)) {
        return false;
    }
    ExCsvField *field = &parser->fields[parser->nfields - 1];
    field->data = (const char *)m->start; /* an offset until the record is whole: the scratch may move */
    field->is_scratch = true;
    m->start = parser->scratch_len;
    return true;
}

static void trim_tail(Machine *m) {
    ExCsvParser *parser = m->parser;
    while (parser->scratch_len > m->start && (unsigned char)parser->scratch[parser->scratch_len - 1] <= ' ') {
        parser->scratch_len--;
    }
}

/* ch is the first character of a value. *ret_more: a delimiter ended it. */
static bool value(Machine *m, bool *ret_eof) {
    const ExCsvOptions *o = m->parser->options;
    bool is_quoted = false;
    m->unescaped = m->is_text = false;
    if (o->trim_leading) {
        while (is_blank(m->ch) && !is_end(m)) {
            if (!step(m)) {
                *ret_eof = true;
                return finish_field(m, false);
            }
        }
    }
    if (is_end(m)) {
        return finish_field(m, false);
    }
    if (m->ch == quote_of(m)) {
        m->prev = 0;
        if (!step(m) || !quoted_value(m)) {
            *ret_eof = true;
            bool is_quote = m->ch == quote_of(m);
            m->parser->is_truncated = !m->is_text && !(is_quote && m->prev == m->ch);
            if (is_quote && m->prev != m->ch && !m->unescaped) {
                put(m, m->ch);
            }
        }
        is_quoted = !m->is_text;
        if (m->is_text && o->trim_trailing) {
            trim_tail(m);
        }
    } else {
        size_t start = m->parser->scratch_len;
        *ret_eof = !put_until_end(m);
        bool ends_in_quote = m->parser->scratch_len > start && (unsigned char)m->parser->scratch[m->parser->scratch_len - 1] == quote_of(m);
        if (*ret_eof && o->sep.len > 1 && ends_in_quote) {
            put(m, quote_of(m)); /* so does univocity with delimiters of several characters */
        }
        if (o->trim_trailing) {
            trim_tail(m);
        }
    }
    return finish_field(m, is_quoted);
}

static bool careful_record(ExCsvParser *parser, const char *p, const char *end, const char **ret_next, Err *err) {
    Machine m = {.parser = parser, .begin = p, .p = p, .end = end, .start = parser->scratch_len, .err = err};
    bool is_eof = false;
    if (!step(&m)) {
        is_eof = true;
    }
    while (!is_eof) {
        if (!value(&m, &is_eof)) {
            return false;
        }
        if (is_eof || m.ch == NEW_LINE) {
            break;
        }
        if (!step(&m)) {
            /* A delimiter at the end: one more, empty. */
            is_eof = true;
            if (!finish_field(&m, false)) {
                return false;
            }
        } else if (m.ch == NEW_LINE) {
            if (!finish_field(&m, false)) {
                return false;
            }
            break;
        }
    }
    for (size_t i = 0; i < parser->nfields; i++) {
        if (parser->fields[i].is_scratch) {
            /* No scratch yet: every such field is empty. */
            parser->fields[i].data = parser->scratch == NULL ? "" : parser->scratch + (size_t)parser->fields[i].data;
        }
    }
    *ret_next = m.p;
    return true;
}

bool ex_csv_record(ExCsvParser *parser, const char *p, const char *end, const char **ret_next, Err *err) {
    parser->nfields = 0;
    parser->is_truncated = false;
    *ret_next = end;
    if (parser->options->is_simple && fast_record(parser, p, end, err)) {
        return true;
    }
    if (err->is_set) {
        return false;
    }
    parser->nfields = 0;
    return careful_record(parser, p, end, ret_next, err);
}

bool ex_csv_is_skipped(const ExCsvOptions *options, Str line) {
    size_t i = 0;
    while (i < line.len && (unsigned char)line.data[i] <= ' ') {
        i++;
    }
    if (i == line.len) {
        return true;
    }
    return options->comment != '\0' && line.data[0] == options->comment;
}

void ex_csv_reset(ExCsvParser *parser) {
    parser->scratch_len = 0;
}

void ex_csv_done(ExCsvParser *parser) {
    free(parser->fields);
    free(parser->scratch);
    *parser = (ExCsvParser){0};
}

bool ex_csv_value(const ExCsvOptions *options, const ExCsvField *field, Str *ret_value) {
    Str value = {field->data, field->len};
    if (value.len == 0) {
        if (!field->is_quoted) {
            return false;
        }
        value = options->empty_value;
    }
    *ret_value = value;
    return !(value.len == options->null_value.len && memcmp(value.data, options->null_value.data, value.len) == 0);
}
