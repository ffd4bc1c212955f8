/* progress.c - the progress line of a running script and the summary at its end. See cli.h. */
#include "cli/cli.h"

#include "base/vec.h"

enum { BAR_WIDTH = 24 };

Str cli_progress_line(Arena *arena, const CliProgress *progress, double seconds, int width) {
    StrBuf buf = {.arena = arena};
    if (progress->bytes_total > 0) {
        double part = (double)progress->bytes_read / (double)progress->bytes_total;
        part = part > 1 ? 1 : part;
        int full = (int)(part * BAR_WIDTH);
        strbuf_add_c(&buf, "[");
        for (int i = 0; i < BAR_WIDTH; i++) {
            strbuf_add_c(&buf, i < full ? "#" : "-");
        }
        strbuf_fmt(&buf, "] %3d%%  %.*s of %.*s", (int)(part * 100), STR_ARG(cli_bytes(arena, progress->bytes_read)),
                   STR_ARG(cli_bytes(arena, progress->bytes_total)));
    } else {
        strbuf_add_c(&buf, "running");
    }
    strbuf_fmt(&buf, "  %.*s rows  %.1f s", STR_ARG(cli_count(arena, progress->rows_read)), seconds);
    Str line = strbuf_str(&buf);
    return width > 1 ? str_slice(line, 0, (size_t)width - 1) : line;
}

static void print_files(FILE *out, Arena *arena, const CliSummary *summary, bool targets, int width) {
    static const CliColumn SOURCE[] = {{"source", CLI_TEXT}, {"format", CLI_TEXT}, {"files", CLI_NUMBER}, {"rows read", CLI_NUMBER}, {"bytes", CLI_NUMBER}, {"malformed", CLI_NUMBER}};
    static const CliColumn TARGET[] = {{"target", CLI_TEXT}, {"format", CLI_TEXT}, {"files", CLI_NUMBER}, {"rows written", CLI_NUMBER}, {"bytes", CLI_NUMBER}};
    size_t ncolumns = targets ? 5 : 6;
    VEC(Str) cells = {.arena = arena};
    for (size_t i = 0; i < summary->nfiles; i++) {
        const CliFileCount *file = &summary->files[i];
        if (file->is_target != targets) {
            continue;
        }
        VEC_PUSH(&cells, file->shown);
        VEC_PUSH(&cells, file->format);
        VEC_PUSH(&cells, cli_count(arena, file->files));
        VEC_PUSH(&cells, cli_count(arena, file->rows));
        VEC_PUSH(&cells, cli_bytes(arena, file->bytes));
        if (!targets) {
            VEC_PUSH(&cells, cli_count(arena, file->malformed));
        }
    }
    if (cells.count == 0) {
        return;
    }
    fputc('\n', out);
    cli_print_table(out, arena, targets ? TARGET : SOURCE, ncolumns, cells.items, cells.count / ncolumns, width);
    for (size_t i = 0; i < summary->nfiles; i++) {
        if (summary->files[i].is_target == targets && summary->files[i].first_malformed.len > 0) {
            fprintf(out, "  malformed, the first: %.*s\n", STR_ARG(summary->files[i].first_malformed));
        }
    }
}

static void print_functions(FILE *out, Arena *arena, const CliSummary *summary, int width) {
    static const CliColumn COLUMNS[] = {{"function", CLI_TEXT}, {"at", CLI_TEXT}, {"way", CLI_TEXT}, {"rows", CLI_NUMBER}, {"kept", CLI_NUMBER}, {"raised", CLI_NUMBER}, {"errors", CLI_NUMBER}};
    if (summary->nfunctions == 0) {
        return;
    }
    VEC(Str) cells = {.arena = arena};
    for (size_t i = 0; i < summary->nfunctions; i++) {
        const CliFunctionCount *f = &summary->functions[i];
        VEC_PUSH(&cells, f->kind);
        VEC_PUSH(&cells, f->site);
        VEC_PUSH(&cells, f->way);
        VEC_PUSH(&cells, cli_count(arena, f->rows));
        VEC_PUSH(&cells, cli_count(arena, f->kept));
        VEC_PUSH(&cells, cli_count(arena, f->raised));
        VEC_PUSH(&cells, cli_count(arena, f->errors));
    }
    fputc('\n', out);
    cli_print_table(out, arena, COLUMNS, 7, cells.items, summary->nfunctions, width);
    for (size_t i = 0; i < summary->nfunctions; i++) {
        const CliFunctionCount *f = &summary->functions[i];
        if (f->raised > 0) {
            fprintf(out, "  %.*s at %.*s: %.*s record%s for which the function raised: %.*s\n    %.*s\n", STR_ARG(f->kind), STR_ARG(f->site),
                    STR_ARG(cli_count(arena, f->raised)), f->raised == 1 ? "" : "s", STR_ARG(f->raised_by), STR_ARG(f->code));
        }
        if (f->why.len > 0) {
            fprintf(out, "  %.*s at %.*s ran row by row in Python: %.*s\n", STR_ARG(f->kind), STR_ARG(f->site), STR_ARG(f->why));
        }
    }
}

void cli_print_summary(FILE *out, Arena *arena, const CliSummary *summary, double seconds, const char *outcome) {
    int width = cli_terminal_width(out);
    print_files(out, arena, summary, false, width);
    print_functions(out, arena, summary, width);
    print_files(out, arena, summary, true, width);
    fprintf(out, "\n  %s in %.2f s\n", outcome, seconds);
}
