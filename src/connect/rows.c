/* rows.c - see rows.h. */
#include "connect/rows.h"

#include "connect/arrow_out.h"

#include <ctype.h>

CnRows cn_rows_new(Arena *arena, const CnColumn *columns, size_t ncolumns) {
    PlField *fields = ARENA_ARRAY(arena, PlField, ncolumns);
    for (size_t i = 0; i < ncolumns; i++) {
        fields[i] = (PlField){.name = str_from_c(columns[i].name), .type = columns[i].type, .nullable = columns[i].nullable};
    }
    return (CnRows){.arena = arena, .type = pl_struct(arena, fields, ncolumns), .cells = {.arena = arena}};
}

void cn_rows_text(CnRows *rows, Str text) {
    PlValue cell = {.type = &PL_STRING, .s = text};
    VEC_PUSH(&rows->cells, cell);
}

void cn_rows_text_or_null(CnRows *rows, Str text) {
    PlValue cell = {.type = &PL_STRING, .s = text, .is_null = text.len == 0};
    VEC_PUSH(&rows->cells, cell);
}

void cn_rows_bool(CnRows *rows, bool value) {
    PlValue cell = {.type = &PL_BOOLEAN, .i = value ? 1 : 0};
    VEC_PUSH(&rows->cells, cell);
}

const PlType *cn_rows_names_type(Arena *arena) {
    return pl_array(arena, &PL_STRING, true);
}

void cn_rows_names(CnRows *rows, const Str *names, size_t count) {
    PlValue *items = ARENA_ARRAY(rows->arena, PlValue, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = (PlValue){.type = &PL_STRING, .s = names[i]};
    }
    PlValue cell = {.type = cn_rows_names_type(rows->arena), .items = items, .nitems = count, .is_null = count == 0};
    VEC_PUSH(&rows->cells, cell);
}

size_t cn_rows_count(const CnRows *rows) {
    return rows->type->nfields > 0 ? rows->cells.count / rows->type->nfields : 0;
}

bool cn_rows_arrow(const CnRows *rows, Str *ret_ipc, Err *err) {
    return cn_arrow_rows(rows->arena, rows->type, rows->cells.items, cn_rows_count(rows), ret_ipc, err);
}

const TrRel *cn_rows_rel(const CnRows *rows, uint32_t first_id, Err *err) {
    TrRel *rel = ARENA_NEW(rows->arena, TrRel);
    TyAttr *output = ARENA_ARRAY(rows->arena, TyAttr, rows->type->nfields);
    for (size_t i = 0; i < rows->type->nfields; i++) {
        const PlField *field = &rows->type->fields[i];
        output[i] = (TyAttr){.id = first_id + (uint32_t)i, .name = field->name, .type = field->type, .nullable = field->nullable};
    }
    rel->tag = TR_LOCAL_DATA;
    rel->output = output;
    rel->noutput = rows->type->nfields;
    return cn_rows_arrow(rows, &rel->local.arrow_ipc, err) ? rel : NULL;
}

static bool like_one(Str name, Str pattern) {
    if (pattern.len == 0) {
        return name.len == 0;
    }
    if (pattern.data[0] == '*') {
        Str rest = str_slice(pattern, 1, pattern.len);
        for (size_t i = 0; i <= name.len; i++) {
            if (like_one(str_slice(name, i, name.len), rest)) {
                return true;
            }
        }
        return false;
    }
    return name.len > 0 && tolower((unsigned char)name.data[0]) == tolower((unsigned char)pattern.data[0]) &&
           like_one(str_slice(name, 1, name.len), str_slice(pattern, 1, pattern.len));
}

bool cn_like(Str name, Str pattern) {
    if (pattern.len == 0) {
        return true;
    }
    for (size_t from = 0; from <= pattern.len;) {
        size_t to = from;
        while (to < pattern.len && pattern.data[to] != '|') {
            to++;
        }
        if (like_one(name, str_trim(str_slice(pattern, from, to)))) {
            return true;
        }
        from = to + 1;
    }
    return false;
}
