/* analyze_dump.c - answers what analyze/ makes of SQL texts, for the analysis oracle (test_analysis.py).
 *
 * One statement a line on standard input; "view NAME QUERY" keeps a temp view for the lines behind it. One line each on standard output:
 * ok, TAB, TAB, the schema as DataType.json; or error, TAB, class, TAB, message. With --tree: the typed tree. Invariant: no data is read.
 */
#include "analyze/analyze.h"
#include "sql/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VIEWS = 32 };

typedef struct Views {
    Str names[MAX_VIEWS];
    const PrRel *plans[MAX_VIEWS];
    size_t count;
} Views;

static const PrRel *find_view(void *self, const Str *parts, size_t nparts) {
    const Views *views = self;
    for (size_t i = 0; nparts == 1 && i < views->count; i++) {
        if (str_eq_nocase(views->names[i], parts[0])) {
            return views->plans[i];
        }
    }
    return NULL;
}

static bool no_table(void *self, Arena *arena, const Str *parts, size_t nparts, TyScan *ret_scan, Err *err) {
    (void)self, (void)arena, (void)parts, (void)nparts, (void)ret_scan;
    return err_set(err, "TABLE_OR_VIEW_NOT_FOUND", "not found");
}

static const PlType *parse_ddl(void *self, Arena *arena, Str text, Err *err) {
    (void)self;
    return sq_parse_schema(arena, text, err);
}

static void print_line(const char *kind, const char *code, Str text) {
    (void)printf("%s\t%s\t", kind, code);
    for (size_t i = 0; i < text.len; i++) {
        (void)putchar(text.data[i] == '\n' ? ' ' : text.data[i]);
    }
    (void)putchar('\n');
}

static void answer(Arena *arena, const AzWorld *world, Str sql) {
    Err err = {0};
    SqStatement statement = {0};
    const TrRel *rel = NULL;
    if (sq_parse_statement(arena, sql, NULL, &statement, &err)) {
        rel = statement.plan == NULL ? NULL : az_analyze(arena, world, statement.plan, &err);
    }
    if (rel == NULL) {
        print_line("error", err.code, str_from_c(err.message));
        return;
    }
    Str schema = pl_type_json(arena, pl_output_schema(arena, rel));
    print_line("ok", "", schema);
}

int main(int argc, char **argv) {
    Arena *session = arena_new();
    PlSettings settings;
    Views views = {.count = 0};
    pl_settings_init(&settings, session);
    AzWorld world = {.self = &views, .settings = &settings, .current_database = STR("default"), .view = find_view, .table = no_table,
                     .ddl = parse_ddl};
    bool show_tree = argc > 1 && strcmp(argv[1], "--tree") == 0;
    char *line = NULL;
    size_t size = 0;
    for (ssize_t len = getline(&line, &size, stdin); len > 0; len = getline(&line, &size, stdin)) {
        Str text = str_trim((Str){line, (size_t)len});
        if (str_starts_with(text, STR("view ")) && views.count < MAX_VIEWS) {
            Str rest = str_copy(session, str_slice(text, 5, text.len));
            const char *space = memchr(rest.data, ' ', rest.len);
            SqStatement statement = {0};
            Err err = {0};
            size_t at = space == NULL ? rest.len : (size_t)(space - rest.data);
            if (!sq_parse_statement(session, str_slice(rest, at, rest.len), NULL, &statement, &err)) {
                (void)fprintf(stderr, "%s\n", err.message);
                return 1;
            }
            views.names[views.count] = str_slice(rest, 0, at);
            views.plans[views.count++] = statement.plan;
            continue;
        }
        Arena *arena = arena_new();
        if (show_tree) {
            Err err = {0};
            SqStatement statement = {0};
            const TrRel *rel = sq_parse_statement(arena, text, NULL, &statement, &err) ? az_analyze(arena, &world, statement.plan, &err) : NULL;
            Str tree = rel == NULL ? str_from_c(err.message) : pl_typed_dump(arena, rel);
            (void)printf("%.*s\n", STR_ARG(tree));
        } else {
            answer(arena, &world, text);
        }
        (void)fflush(stdout);
        arena_free(arena);
    }
    free(line);
    arena_free(session);
    return 0;
}
