/* render.c - numbers, sizes and tables for people. See cli.h. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEAST_WIDTH = 4 };

Str cli_count(Arena *arena, int64_t n) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    StrBuf buf = {.arena = arena};
    for (int i = 0; i < len; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0) {
            strbuf_add_char(&buf, ',');
        }
        strbuf_add_char(&buf, digits[i]);
    }
    return strbuf_str(&buf);
}

Str cli_bytes(Arena *arena, int64_t n) {
    static const char *const UNITS[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof UNITS / sizeof UNITS[0]) {
        value /= 1000;
        unit++;
    }
    return unit == 0 ? str_fmt(arena, "%lld B", (long long)n) : str_fmt(arena, value < 9.95 ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
}

int cli_terminal_width(FILE *out) {
    struct winsize size;
    if (!isatty(fileno(out))) {
        return 0;
    }
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Code points, which is near enough for names of files and columns. */
static size_t display_width(Str s) {
    size_t width = 0;
    for (size_t i = 0; i < s.len; i++) {
        width += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    }
    return width;
}

/* The first width code points, the last of them an ellipsis when something was cut. */
static Str fit(Arena *arena, Str s, size_t width) {
    if (display_width(s) <= width) {
        return s;
    }
    size_t seen = 0;
    size_t at = 0;
    while (at < s.len && seen + 1 < width) {
        at++;
        while (at < s.len && ((unsigned char)s.data[at] & 0xC0) == 0x80) {
            at++;
        }
        seen++;
    }
    return str_fmt(arena, "%.*s\xE2\x80\xA6", (int)at, s.data);
}

/* Names may hold line ends. */
static Str on_one_line(Arena *arena, Str s) {
    char *text = arena_alloc(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        text[i] = (char)((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7F ? ' ' : s.data[i]);
    }
    return (Str){text, s.len};
}

static void print_cell(FILE *out, Str cell, size_t width, bool right, bool is_last) {
    size_t pad = width - display_width(cell);
    fprintf(out, "  %*s%.*s%*s", right ? (int)pad : 0, "", STR_ARG(cell), right || is_last ? 0 : (int)pad, "");
}

/* Takes what does not fit from the widest text, a column at a time. */
static void fit_widths(const CliColumn *columns, size_t ncolumns, size_t *widths, size_t limit) {
    size_t total = 0;
    for (size_t c = 0; c < ncolumns; c++) {
        total += widths[c] + 2;
    }
    for (; total > limit; total--) {
        size_t widest = ncolumns;
        for (size_t c = 0; c < ncolumns; c++) {
            size_t title = strlen(columns[c].title);
            bool may_shrink = columns[c].kind == CLI_TEXT && widths[c] > (title > LEAST_WIDTH ? title : LEAST_WIDTH);
            widest = may_shrink && (widest == ncolumns || widths[c] >= widths[widest]) ? c : widest;
        }
        if (widest == ncolumns) {
            return; /* nothing more to take: the lines are longer than the terminal is wide */
        }
        widths[widest]--;
    }
}

void cli_print_table(FILE *out, Arena *arena, const CliColumn *columns, size_t ncolumns, const Str *cells, size_t nrows, int width) {
    size_t *widths = ARENA_ARRAY(arena, size_t, ncolumns);
    for (size_t c = 0; c < ncolumns; c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t r = 0; r < nrows; r++) {
            size_t w = display_width(cells[r * ncolumns + c]);
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
    if (width > 0) {
        fit_widths(columns, ncolumns, widths, (size_t)width);
    }
    for (size_t c = 0; c < ncolumns; c++) {
        print_cell(out, str_from_c(columns[c].title), widths[c], columns[c].kind == CLI_NUMBER, c + 1 == ncolumns);
    }
    fputc('\n', out);
    for (size_t r = 0; r < nrows; r++) {
        for (size_t c = 0; c < ncolumns; c++) {
            print_cell(out, fit(arena, on_one_line(arena, cells[r * ncolumns + c]), widths[c]), widths[c], columns[c].kind == CLI_NUMBER,
                       c + 1 == ncolumns);
        }
        fputc('\n', out);
    }
}
