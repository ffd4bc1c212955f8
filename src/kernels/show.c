/* kernels/show.c - the text of DataFrame.show() and of notebooks' HTML.
 *
 * Reached through TR_SHOW_STRING and TR_HTML_STRING. Invariant: the layout of Spark 3.5's Dataset.showString: widths count UTF-16 units, full-width
 * characters twice.
 */
#include "kernels/kn_call.h"
#include "kernels/unicode.h"

#include <stdio.h>

typedef struct Grid {
    const duckdb_string_t *names;
    idx_t ncolumns;
    const duckdb_list_entry *rows; /* of cells */
    const duckdb_string_t *cells;
    idx_t nrows;     /* shown */
    bool has_more;
    int64_t limit, truncate;
} Grid;

static bool is_full_width(uint32_t c) {
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6);
}

/* Columns on the screen as Spark counts them; units: UTF-16 length. */
static size_t width_of(Str text) {
    size_t width = 0;
    for (size_t at = 0; at < text.len;) {
        size_t size = kn_char_size(text, at);
        uint32_t code = kn_char_code(text, at, size);
        width += (code > 0xFFFF ? 2 : 1) + (is_full_width(code) ? 1 : 0);
        at += size;
    }
    return width;
}

static size_t units_of(Str text) {
    size_t units = 0;
    for (size_t at = 0; at < text.len;) {
        size_t size = kn_char_size(text, at);
        units += kn_char_code(text, at, size) > 0xFFFF ? 2 : 1;
        at += size;
    }
    return units;
}

/* Control characters are shown by their escapes. */
static void escape(Arena *arena, Str text, Str *ret_text) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        const char *escaped = NULL;
        switch (text.data[i]) {
        case '\n': escaped = "\\n"; break;
        case '\r': escaped = "\\r"; break;
        case '\t': escaped = "\\t"; break;
        case '\f': escaped = "\\f"; break;
        case '\b': escaped = "\\b"; break;
        case '\v': escaped = "\\v"; break;
        case '\a': escaped = "\\a"; break;
        default: break;
        }
        if (escaped != NULL) {
            strbuf_add_c(&out, escaped);
        } else {
            strbuf_add_char(&out, text.data[i]);
        }
    }
    *ret_text = strbuf_str(&out);
}

static Str cell_text(Arena *arena, const Grid *grid, Str text, bool is_name) {
    Str shown;
    escape(arena, text, &shown);
    if (is_name && grid->truncate <= 0) {
        return shown;
    }
    size_t limit = grid->truncate > 0 ? (size_t)grid->truncate : 0;
    if (limit == 0 || is_name || units_of(shown) <= limit) {
        return shown;
    }
    size_t keep = limit < 4 ? limit : limit - 3;
    size_t at = 0;
    size_t units = 0;
    while (at < shown.len) {
        size_t size = kn_char_size(shown, at);
        units += kn_char_code(shown, at, size) > 0xFFFF ? 2 : 1;
        if (units > keep) {
            break;
        }
        at += size;
    }
    Str cut = str_slice(shown, 0, at);
    return limit < 4 ? cut : str_fmt(arena, "%.*s...", STR_ARG(cut));
}

static void pad(StrBuf *out, size_t count, char c) {
    for (size_t i = 0; i < count; i++) {
        strbuf_add_char(out, c);
    }
}

static void add_line(StrBuf *out, const size_t *widths, size_t count) {
    strbuf_add_char(out, '+');
    for (size_t i = 0; i < count; i++) {
        pad(out, widths[i], '-');
        strbuf_add_char(out, '+');
    }
    strbuf_add_char(out, '\n');
}

static void write_table(const Grid *grid, StrBuf *out, const Str *texts, const size_t *widths) {
    add_line(out, widths, grid->ncolumns);
    for (idx_t row = 0; row <= grid->nrows; row++) {
        strbuf_add_char(out, '|');
        for (idx_t c = 0; c < grid->ncolumns; c++) {
            Str text = texts[row * grid->ncolumns + c];
            size_t missing = widths[c] - width_of(text);
            pad(out, grid->truncate > 0 ? missing : 0, ' ');
            strbuf_add(out, text);
            pad(out, grid->truncate > 0 ? 0 : missing, ' ');
            strbuf_add_char(out, '|');
        }
        if (grid->ncolumns == 0) {
            strbuf_add_char(out, '|');
        }
        strbuf_add_char(out, '\n');
        if (row == 0) {
            add_line(out, widths, grid->ncolumns);
        }
    }
    add_line(out, widths, grid->ncolumns);
}

static void write_vertical(const Grid *grid, StrBuf *out, const Str *texts) {
    size_t name_width = 3;
    size_t data_width = 3;
    for (idx_t i = 0; i < (grid->nrows + 1) * grid->ncolumns; i++) {
        size_t width = width_of(texts[i]);
        size_t *widest = i < grid->ncolumns ? &name_width : &data_width;
        *widest = width > *widest ? width : *widest;
    }
    for (idx_t row = 1; row <= grid->nrows; row++) {
        size_t before = out->len;
        strbuf_fmt(out, "-RECORD %llu", (unsigned long long)(row - 1));
        size_t used = out->len - before;
        size_t wanted = name_width + data_width + 5;
        pad(out, wanted > used ? wanted - used : 0, '-');
        strbuf_add_char(out, '\n');
        for (idx_t c = 0; c < grid->ncolumns; c++) {
            Str name = texts[c];
            Str data = texts[row * grid->ncolumns + c];
            strbuf_fmt(out, " %.*s", STR_ARG(name));
            pad(out, name_width - width_of(name), ' ');
            strbuf_fmt(out, " | %.*s", STR_ARG(data));
            pad(out, data_width - width_of(data), ' ');
            strbuf_add_c(out, " \n");
        }
    }
}

/* Column titles in the first row, then the cells. */
static Str *collect_texts(Arena *arena, const Grid *grid, size_t *widths) {
    Str *texts = ARENA_ARRAY(arena, Str, (grid->nrows + 1) * grid->ncolumns + 1);
    for (idx_t row = 0; row <= grid->nrows; row++) {
        for (idx_t c = 0; c < grid->ncolumns; c++) {
            const duckdb_string_t *value = row == 0 ? &grid->names[c] : &grid->cells[grid->rows[row - 1].offset + c];
            Str text = cell_text(arena, grid, kn_text(value), row == 0);
            texts[row * grid->ncolumns + c] = text;
            size_t width = width_of(text);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    return texts;
}

static void write_more(const Grid *grid, StrBuf *out) {
    if (grid->has_more) {
        strbuf_fmt(out, "only showing top %lld %s\n", (long long)grid->limit, grid->limit == 1 ? "row" : "rows");
    }
}

static void write_escaped_html(StrBuf *out, Str text) {
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '<': strbuf_add_c(out, "&lt;"); break;
        case '>': strbuf_add_c(out, "&gt;"); break;
        case '&': strbuf_add_c(out, "&amp;"); break;
        case '"': strbuf_add_c(out, "&quot;"); break;
        default: strbuf_add_char(out, text.data[i]); break;
        }
    }
}

static void write_html(const Grid *grid, StrBuf *out, const Str *texts) {
    strbuf_add_c(out, "<table border='1'>\n");
    for (idx_t row = 0; row <= grid->nrows; row++) {
        const char *tag = row == 0 ? "th" : "td";
        strbuf_add_c(out, "<tr>");
        for (idx_t c = 0; c < grid->ncolumns; c++) {
            strbuf_fmt(out, "<%s>", tag);
            write_escaped_html(out, texts[row * grid->ncolumns + c]);
            strbuf_fmt(out, "</%s>", tag);
        }
        strbuf_add_c(out, "</tr>\n");
    }
    strbuf_add_c(out, "</table>\n");
    write_more(grid, out);
}

static void show(KnCall *kn, bool is_html) {
    KN_EACH_ROW(kn, i) {
        duckdb_vector names = duckdb_list_vector_get_child(kn->args[3].vector);
        duckdb_vector rows = duckdb_list_vector_get_child(kn->args[4].vector);
        duckdb_vector cells = duckdb_list_vector_get_child(rows);
        duckdb_list_entry name_entry = KN_ARG(kn, duckdb_list_entry, 3)[i];
        duckdb_list_entry row_entry = KN_ARG(kn, duckdb_list_entry, 4)[i];
        Grid grid = {.names = (const duckdb_string_t *)duckdb_vector_get_data(names) + name_entry.offset,
                     .ncolumns = name_entry.length,
                     .rows = (const duckdb_list_entry *)duckdb_vector_get_data(rows) + row_entry.offset,
                     .cells = duckdb_vector_get_data(cells),
                     .nrows = row_entry.length,
                     .limit = KN_ARG(kn, int64_t, 0)[i],
                     .truncate = KN_ARG(kn, int64_t, 1)[i]};
        bool is_vertical = KN_ARG(kn, bool, 2)[i];
        if ((int64_t)grid.nrows > grid.limit) {
            grid.nrows = (idx_t)grid.limit;
            grid.has_more = true;
        }
        Arena *arena = arena_new();
        StrBuf out = {.arena = arena};
        size_t *widths = ARENA_ARRAY(arena, size_t, grid.ncolumns + 1);
        for (idx_t c = 0; c < grid.ncolumns; c++) {
            widths[c] = 3;
        }
        Str *texts = collect_texts(arena, &grid, widths);
        if (is_html) {
            write_html(&grid, &out, texts);
        } else if (!is_vertical) {
            write_table(&grid, &out, texts, widths);
            write_more(&grid, &out);
        } else if (grid.nrows == 0) {
            strbuf_add_c(&out, "(0 rows)\n");
        } else {
            write_vertical(&grid, &out, texts);
            write_more(&grid, &out);
        }
        kn_put(kn, i, strbuf_str(&out));
        arena_free(arena);
    }
}

static void show_string(KnCall *kn) {
    show(kn, false);
}

static void show_html(KnCall *kn) {
    show(kn, true);
}

/* Bytes as show() prints them: [61 62]. */
static void show_binary(KnCall *kn) {
    static const char hex[] = "0123456789ABCDEF";
    KN_EACH_ROW(kn, i) {
        Str bytes = kn_str(kn, 0, i);
        kn_text_start(kn);
        kn_text_char(kn, '[');
        for (size_t b = 0; b < bytes.len; b++) {
            unsigned char c = (unsigned char)bytes.data[b];
            if (b > 0) {
                kn_text_char(kn, ' ');
            }
            kn_text_char(kn, hex[c >> 4]);
            kn_text_char(kn, hex[c & 15]);
        }
        kn_text_char(kn, ']');
        kn_put(kn, i, kn_text_str(kn));
    }
}

const KnScalar kn_show_kernels[] = {
    {"spark_show_string", "88bSZ:s", show_string},
    {"spark_show_html", "88bSZ:s", show_html},
    {"spark_show_binary", "x:s", show_binary},
    {.name = NULL},
};
