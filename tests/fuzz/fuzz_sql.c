/* fuzz_sql.c - libFuzzer target: any bytes as a statement, an expression, a type and a name.
 *
 * The first byte chooses the entry point. What must hold: no crash, no leak beyond the arena, an error when there is no result, and a result
 * that can be walked (it is dumped).
 */
#include "plan/unresolved.h"
#include "sql/sql.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const Err *err) {
    if (good == err->is_set) {
        abort(); /* a result and an error, or neither */
    }
}

static void parse(Arena *arena, int which, Str text) {
    Err err = {0};
    if (which == 0) {
        SqStatement statement;
        bool good = sq_parse_statement(arena, text, NULL, &statement, &err);
        check(good, &err);
        if (good && statement.plan != NULL) {
            (void)pl_unresolved_dump(arena, statement.plan);
        }
    } else if (which == 1) {
        const PxExpr *e = sq_parse_expression(arena, text, &err);
        check(e != NULL, &err);
        if (e != NULL) {
            (void)pl_unresolved_expr_dump(arena, e);
        }
    } else if (which == 2) {
        const PlType *t = sq_parse_schema(arena, text, &err);
        check(t != NULL, &err);
        if (t != NULL) {
            (void)pl_type_json(arena, t);
        }
    } else {
        const Str *parts;
        size_t nparts;
        bool good = sq_parse_name(arena, text, &parts, &nparts, &err);
        check(good, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 65536) {
        return 0;
    }
    Arena *arena = arena_new();
    parse(arena, data[0] % 4, (Str){(const char *)data + 1, size - 1});
    arena_free(arena);
    return 0;
}
