/* fuzz_types.c - libFuzzer target: any UTF-8 text as a type and as a schema in DDL form.
 *
 * What must hold: no crash, an error exactly when there is no type; schema JSON of a type gives it back; its SQL text is a type with the same
 * name again (but for comments, in which Spark leaves backslashes as they are).
 */
#include "base/utf8.h"
#include "sql/sql.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_comment(Arena *arena, const PlType *type) {
    bool found = (type->key != NULL && has_comment(arena, type->key)) || (type->element != NULL && has_comment(arena, type->element));
    for (size_t i = 0; i < type->nfields; i++) {
        Str comment;
        found = found || pl_field_comment(arena, &type->fields[i], &comment) || has_comment(arena, type->fields[i].type);
    }
    return found;
}

static void check(Arena *arena, const PlType *type, const Err *err) {
    if ((type == NULL) != err->is_set) {
        abort();
    }
    if (type == NULL) {
        return;
    }
    Err again = {0};
    const PlType *back = pl_type_from_json(arena, pl_type_json(arena, type), &again);
    if (back == NULL || !pl_type_equal(type, back)) {
        abort();
    }
    (void)pl_type_tree(arena, type, -1);
    if (!has_comment(arena, type)) {
        back = sq_parse_type(arena, pl_type_sql(arena, type), &again);
        if (back == NULL || !str_eq(pl_type_simple(arena, back), pl_type_simple(arena, type))) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!utf8_is_valid((const char *)data, size)) {
        return 0; /* no protobuf string */
    }
    Arena *arena = arena_new();
    Str text = {arena_copy(arena, data, size), size};
    Err err = {0}, schema_err = {0};
    check(arena, sq_parse_type(arena, text, &err), &err);
    check(arena, sq_parse_schema(arena, text, &schema_err), &schema_err);
    arena_free(arena);
    return 0;
}
