/* sql_dump.c - answers what sql/ makes of a text, for tests/spark/test_sql_parser.py, which asks real Spark the same.
 *
 * Requests on stdin: "plan|expr|type|schema LENGTH\n" and LENGTH bytes of text. Replies on stdout: "ok LENGTH\n" and the tree as text, or
 * "CODE LENGTH\n" and the message. Ends with the input.
 */
#include "plan/unresolved.h"
#include "sql/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reply(const char *code, Str text) {
    printf("%s %zu\n%.*s", code, text.len, STR_ARG(text));
    fflush(stdout);
}

static Str dump_statement(Arena *arena, const SqStatement *s) {
    StrBuf buf = {.arena = arena};
    strbuf_fmt(&buf, "statement %d", (int)s->kind);
    for (size_t i = 0; i < s->nname; i++) {
        strbuf_fmt(&buf, " name=%.*s", STR_ARG(s->name[i]));
    }
    if (s->key.len > 0) {
        strbuf_fmt(&buf, " key=%.*s", STR_ARG(s->key));
    }
    if (s->has_value) {
        strbuf_fmt(&buf, " value=%.*s", STR_ARG(s->value));
    }
    if (s->text.len > 0) {
        strbuf_fmt(&buf, " text=%.*s", STR_ARG(s->text));
    }
    if (s->plan != NULL) {
        strbuf_fmt(&buf, "\n%.*s", STR_ARG(pl_unresolved_dump(arena, s->plan)));
    }
    return strbuf_str(&buf);
}

static void answer(Arena *arena, const char *kind, Str text) {
    Err err = {0};
    Str result = {0};
    bool good = false;
    if (strcmp(kind, "plan") == 0) {
        SqStatement statement;
        good = sq_parse_statement(arena, text, NULL, &statement, &err);
        result = good ? dump_statement(arena, &statement) : result;
    } else if (strcmp(kind, "expr") == 0) {
        const PxExpr *e = sq_parse_expression(arena, text, &err);
        good = e != NULL;
        result = good ? pl_unresolved_expr_dump(arena, e) : result;
    } else {
        const PlType *t = strcmp(kind, "type") == 0 ? sq_parse_type(arena, text, &err) : sq_parse_schema(arena, text, &err);
        good = t != NULL;
        result = good ? pl_type_json(arena, t) : result;
    }
    reply(good ? "ok" : err.code, good ? result : str_from_c(err.message));
}

int main(void) {
    char kind[16];
    size_t len;
    while (scanf("%15s %zu", kind, &len) == 2 && getchar() == '\n') {
        Arena *arena = arena_new();
        char *text = arena_alloc(arena, len + 1);
        if (fread(text, 1, len, stdin) != len) {
            arena_free(arena);
            return EXIT_FAILURE;
        }
        answer(arena, kind, (Str){text, len});
        arena_free(arena);
    }
    return EXIT_SUCCESS;
}
