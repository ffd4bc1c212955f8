/* set_ops.c - UNION, INTERSECT, EXCEPT: columns aligned and widened.
 *
 * Called by analyze.c. Invariant: both inputs of a TR_SET_OP have the same types, column by column.
 */
#include "analyze/az.h"

#include <string.h>

static const char *op_name(const PrRel *pr) {
    switch (pr->set_op.op) {
    case PL_SET_UNION:
        return "UNION";
    case PL_SET_INTERSECT:
        return pr->set_op.is_all ? "INTERSECT ALL" : "INTERSECT";
    case PL_SET_EXCEPT:
        return pr->set_op.is_all ? "EXCEPT ALL" : "EXCEPT";
    }
    return "UNION";
}

static const char *ordinal_word(size_t index) {
    static const char *const WORDS[] = {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"};
    return index < sizeof WORDS / sizeof WORDS[0] ? WORDS[index] : NULL;
}

static bool fail_types(AzCtx *ctx, const PrRel *pr, size_t index, const PlType *first, const PlType *second) {
    Str a = az_quote_type(ctx, first);
    Str b = az_quote_type(ctx, second);
    Str word = ordinal_word(index) != NULL ? str_from_c(ordinal_word(index)) : str_fmt(ctx->arena, "%zuth", index + 1);
    return az_fail(ctx, pr->origin, "INCOMPATIBLE_COLUMN_TYPE",
                   "%s can only be performed on tables with compatible column types. The %.*s column of the second table is %.*s type which is "
                   "not compatible with %.*s at the same column of the first table..",
                   op_name(pr), STR_ARG(word), STR_ARG(b), STR_ARG(a));
}

/* rel's columns in the order of names; NULL literals where allowed to miss. */
static const AzRel *by_name(AzCtx *ctx, const PrRel *pr, const AzRel *left, const AzRel *right, bool allow_missing) {
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, left->nattrs + right->nattrs);
    size_t count = 0;
    for (size_t i = 0; i < left->nattrs; i++) {
        bool ambiguous = false;
        const TyAttr *attr = az_find_attr(ctx, right, left->attrs[i].name, &ambiguous);
        if (attr == NULL && (!allow_missing || ambiguous)) {
            StrBuf list = {.arena = ctx->arena};
            for (size_t k = 0; k < right->nattrs; k++) {
                strbuf_fmt(&list, "%s%.*s", k > 0 ? ", " : "", STR_ARG(right->attrs[k].name));
            }
            Str names = strbuf_str(&list);
            az_fail(ctx, pr->origin, "_LEGACY_ERROR_TEMP_1201", "Cannot resolve column name \"%.*s\" among (%.*s).",
                    STR_ARG(left->attrs[i].name), STR_ARG(names));
            return NULL;
        }
        columns[count++] = attr != NULL ? az_pass(ctx, attr) : az_named(ctx, left->attrs[i].name, az_null(ctx, &PL_NULL));
    }
    bool same = right->nattrs == count;
    for (size_t i = 0; same && i < count; i++) {
        same = columns[i].attr.id == right->attrs[i].id;
    }
    return same ? right : az_project(ctx, right, columns, count);
}

/* left with the columns that only right has, as NULL. */
static const AzRel *with_missing(AzCtx *ctx, const AzRel *left, const AzRel *right) {
    AzColumns columns = {.arena = ctx->arena};
    for (size_t i = 0; i < left->nattrs; i++) {
        TyNamed pass = az_pass(ctx, &left->attrs[i]);
        VEC_PUSH(&columns, pass);
    }
    for (size_t i = 0; i < right->nattrs; i++) {
        bool ambiguous = false;
        if (az_find_attr(ctx, left, right->attrs[i].name, &ambiguous) == NULL && !ambiguous) {
            TyNamed made = az_named(ctx, right->attrs[i].name, az_null(ctx, &PL_NULL));
            VEC_PUSH(&columns, made);
        }
    }
    return columns.count == left->nattrs ? left : az_project(ctx, left, columns.items, columns.count);
}

static const AzRel *cast_columns(AzCtx *ctx, const AzRel *rel, const PlType *const *types) {
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, rel->nattrs);
    bool changed = false;
    for (size_t i = 0; i < rel->nattrs; i++) {
        const TyAttr *attr = &rel->attrs[i];
        bool same = pl_type_equal(attr->type, types[i]);
        changed = changed || !same;
        columns[i] = same ? az_pass(ctx, attr) : az_named(ctx, attr->name, az_cast_to(ctx, az_column(ctx, attr), types[i]));
        if (attr->type->kind == PL_TYPE_NULL && !same) {
            columns[i].expr = az_null(ctx, types[i]);
            columns[i].attr.nullable = true;
        }
    }
    return changed ? az_project(ctx, rel, columns, rel->nattrs) : rel;
}

const AzRel *az_set_op_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *left = az_relation(ctx, pr->input);
    const AzRel *right = left == NULL ? NULL : az_relation(ctx, pr->right);
    if (right == NULL) {
        return NULL;
    }
    left = az_visible(ctx, left);
    right = az_visible(ctx, right);
    if (pr->set_op.by_name) {
        if (pr->set_op.allow_missing) {
            left = with_missing(ctx, left, right);
        }
        size_t extra = !pr->set_op.allow_missing && right->nattrs > left->nattrs ? right->nattrs : 0;
        right = by_name(ctx, pr, left, right, pr->set_op.allow_missing);
        if (right == NULL) {
            return NULL;
        }
        if (extra > 0) {
            az_fail(ctx, pr->origin, "NUM_COLUMNS_MISMATCH",
                    "%s can only be performed on inputs with the same number of columns, but the first input has %zu columns and the second "
                    "input has %zu columns.",
                    op_name(pr), left->nattrs, extra);
            return NULL;
        }
    }
    if (left->nattrs != right->nattrs) {
        az_fail(ctx, pr->origin, "NUM_COLUMNS_MISMATCH",
                "%s can only be performed on inputs with the same number of columns, but the first input has %zu columns and the second input "
                "has %zu columns.",
                op_name(pr), left->nattrs, right->nattrs);
        return NULL;
    }
    const PlType **types = ARENA_ARRAY(ctx->arena, const PlType *, left->nattrs);
    for (size_t i = 0; i < left->nattrs; i++) {
        types[i] = az_wider_type(ctx, left->attrs[i].type, right->attrs[i].type, true);
        if (types[i] == NULL) {
            fail_types(ctx, pr, i, left->attrs[i].type, right->attrs[i].type);
            return NULL;
        }
        if (pr->set_op.op != PL_SET_UNION && types[i]->kind == PL_TYPE_MAP) {
            az_fail(ctx, pr->origin, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
                    "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, "
                    "etc.), but the type of column `%.*s` is \"%.*s\".",
                    STR_ARG(left->attrs[i].name), STR_ARG(pl_type_sql(ctx->arena, types[i])));
            return NULL;
        }
    }
    left = cast_columns(ctx, left, types);
    right = cast_columns(ctx, right, types);
    TrRel *tr = az_tr(ctx, TR_SET_OP, left->tr);
    tr->right = right->tr;
    tr->set_op.op = pr->set_op.op;
    tr->set_op.is_all = pr->set_op.is_all;
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, left->nattrs);
    for (size_t i = 0; i < left->nattrs; i++) {
        output[i] = left->attrs[i];
        bool r = right->attrs[i].nullable;
        output[i].nullable = pr->set_op.op == PL_SET_UNION       ? output[i].nullable || r
                             : pr->set_op.op == PL_SET_INTERSECT ? output[i].nullable && r
                                                                 : output[i].nullable;
    }
    tr->output = output;
    AzRel *rel = az_rel(ctx, tr, left);
    rel->inputs[1] = right;
    return rel;
}
