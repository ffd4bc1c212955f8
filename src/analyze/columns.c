/* columns.c - the DataFrame methods that change columns: withColumns, withColumnsRenamed, drop, toDF, to(schema).
 *
 * Called by analyze.c. Invariant: a column that is not touched keeps its id, so that references by DataFrame column still find it.
 */
#include "analyze/az.h"

#include <string.h>

static bool fail_duplicate(AzCtx *ctx, Str name) {
    Str lower = str_lower(ctx->arena, name);
    Str shown = az_quote_parts(ctx->arena, &lower, 1);
    return err_set(ctx->err, "COLUMN_ALREADY_EXISTS",
                   "The column %.*s already exists. Consider to choose another name or rename the existing column.", STR_ARG(shown));
}

static const AzRel *with_columns(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    size_t count = pr->with_columns.ncolumns;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (az_name_eq(ctx, pr->with_columns.columns[i].name, pr->with_columns.columns[k].name)) {
                fail_duplicate(ctx, pr->with_columns.columns[i].name);
                return NULL;
            }
        }
    }
    AzScope scope = az_scope_of(ctx, input);
    TyNamed *made = ARENA_ARRAY(ctx->arena, TyNamed, count);
    bool aggregates = false;
    for (size_t i = 0; i < count; i++) {
        const PxNamed *column = &pr->with_columns.columns[i];
        const TxExpr *expr = az_expr(ctx, column->expr, &scope);
        if (expr == NULL) {
            return NULL;
        }
        made[i] = az_named(ctx, column->name, expr);
        made[i].attr.metadata_json = column->metadata_json;
        if (column->metadata_json.len == 0 && expr->tag == TX_COLUMN) {
            for (size_t k = 0; k < input->nattrs; k++) {
                if (input->attrs[k].id == expr->column.id) {
                    made[i].attr.metadata_json = input->attrs[k].metadata_json;
                }
            }
        }
        if (expr->tag == TX_CALL && expr->call.fn->kind == PL_FN_GENERATOR && expr->type->nfields == 1) {
            PlField field = expr->type->fields[0];
            field.name = column->name;
            TxExpr *renamed = ARENA_NEW(ctx->arena, TxExpr);
            *renamed = *expr;
            renamed->type = pl_struct(ctx->arena, &field, 1);
            made[i].expr = renamed;
        }
        aggregates = aggregates || az_has_tag(expr, TX_AGGREGATE);
    }
    AzColumns columns = {.arena = ctx->arena};
    bool *used = ARENA_ARRAY(ctx->arena, bool, count);
    for (size_t i = 0; i < input->nattrs; i++) {
        const TyNamed *instead = NULL;
        for (size_t k = 0; k < count; k++) {
            if (az_name_eq(ctx, input->attrs[i].name, made[k].attr.name)) {
                instead = &made[k];
                used[k] = true;
            }
        }
        TyNamed column = instead != NULL ? *instead : az_pass(ctx, &input->attrs[i]);
        VEC_PUSH(&columns, column);
    }
    for (size_t k = 0; k < count; k++) {
        if (!used[k]) {
            VEC_PUSH(&columns, made[k]);
        }
    }
    return aggregates ? az_global_aggregate(ctx, input, columns.items, columns.count)
                      : az_select(ctx, input, columns.items, columns.count);
}

static const AzRel *rename_columns(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    for (size_t i = 0; i < pr->rename.nrenames; i++) {
        for (size_t k = 0; k < i; k++) {
            if (az_name_eq(ctx, pr->rename.renames[i].value, pr->rename.renames[k].value)) {
                fail_duplicate(ctx, pr->rename.renames[i].value);
                return NULL;
            }
        }
    }
    AzColumns columns = {.arena = ctx->arena};
    bool changed = false;
    for (size_t i = 0; i < input->nattrs; i++) {
        TyNamed column = az_pass(ctx, &input->attrs[i]);
        for (size_t k = 0; k < pr->rename.nrenames; k++) {
            if (az_name_eq(ctx, input->attrs[i].name, pr->rename.renames[k].key)) {
                column = az_named(ctx, pr->rename.renames[k].value, az_column(ctx, &input->attrs[i]));
                column.attr.metadata_json = input->attrs[i].metadata_json;
                changed = true;
            }
        }
        VEC_PUSH(&columns, column);
    }
    return changed ? az_project(ctx, input, columns.items, columns.count) : input;
}

static const AzRel *drop(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    AzScope scope = az_scope_of(ctx, input);
    VEC(uint32_t) gone = {.arena = ctx->arena};
    for (size_t i = 0; i < pr->drop.nexprs; i++) {
        Err *kept = ctx->err;
        Err mine = {0};
        ctx->err = &mine;
        const TxExpr *expr = az_expr(ctx, pr->drop.exprs[i], &scope);
        ctx->err = kept;
        if (expr != NULL && expr->tag == TX_COLUMN) {
            VEC_PUSH(&gone, expr->column.id);
        } else if (expr == NULL && !err_is(&mine, "UNRESOLVED_COLUMN.WITH_SUGGESTION") &&
                   !err_is(&mine, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION")) {
            err_set(ctx->err, mine.code, "%s", mine.message);
            return NULL;
        }
    }
    AzColumns columns = {.arena = ctx->arena};
    for (size_t i = 0; i < input->nattrs; i++) {
        bool dropped = false;
        for (size_t k = 0; k < gone.count; k++) {
            dropped = dropped || gone.items[k] == input->attrs[i].id;
        }
        for (size_t k = 0; k < pr->drop.nnames; k++) {
            dropped = dropped || az_name_eq(ctx, pr->drop.names[k], input->attrs[i].name);
        }
        if (!dropped) {
            TyNamed pass = az_pass(ctx, &input->attrs[i]);
            VEC_PUSH(&columns, pass);
        }
    }
    return columns.count == input->nattrs ? input : az_project(ctx, input, columns.items, columns.count);
}

static void add_names(StrBuf *text, const TyAttr *attrs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        strbuf_fmt(text, "%s%.*s", i > 0 ? ", " : "", STR_ARG(attrs[i].name));
    }
}

static const AzRel *to_df(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    if (pr->to_df.nnames != input->nattrs) {
        StrBuf old = {.arena = ctx->arena};
        StrBuf new = {.arena = ctx->arena};
        add_names(&old, input->attrs, input->nattrs);
        for (size_t i = 0; i < pr->to_df.nnames; i++) {
            strbuf_fmt(&new, "%s%.*s", i > 0 ? ", " : "", STR_ARG(pr->to_df.names[i]));
        }
        Str a = strbuf_str(&old);
        Str b = strbuf_str(&new);
        err_set(ctx->err, "_LEGACY_ERROR_ILLEGAL_ARGUMENT",
                "requirement failed: The number of columns doesn't match.\nOld column names (%zu): %.*s\nNew column names (%zu): %.*s",
                input->nattrs, STR_ARG(a), pr->to_df.nnames, STR_ARG(b));
        return NULL;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        columns[i] = az_named(ctx, pr->to_df.names[i], az_column(ctx, &input->attrs[i]));
        columns[i].attr.metadata_json = input->attrs[i].metadata_json;
    }
    return az_project(ctx, input, columns, input->nattrs);
}

/* Cast.canANSIStoreAssign: numbers among themselves, dates and timestamps among themselves, all to text. */
static bool can_store(const PlType *from, const PlType *to) {
    if (pl_type_same(from, to) || from->kind == PL_TYPE_NULL) {
        return true;
    }
    if (to->kind == PL_TYPE_STRING) {
        return pl_type_is_atomic(from) && from->kind != PL_TYPE_BINARY;
    }
    if (pl_type_is_numeric(from) && pl_type_is_numeric(to)) {
        return true;
    }
    if (from->kind == PL_TYPE_DATE || from->kind == PL_TYPE_TIMESTAMP || from->kind == PL_TYPE_TIMESTAMP_NTZ) {
        return to->kind == PL_TYPE_DATE || to->kind == PL_TYPE_TIMESTAMP || to->kind == PL_TYPE_TIMESTAMP_NTZ;
    }
    if (from->kind == PL_TYPE_ARRAY && to->kind == PL_TYPE_ARRAY) {
        return can_store(from->element, to->element);
    }
    if (from->kind == PL_TYPE_MAP && to->kind == PL_TYPE_MAP) {
        return can_store(from->key, to->key) && can_store(from->element, to->element);
    }
    if (from->kind != PL_TYPE_STRUCT || to->kind != PL_TYPE_STRUCT || from->nfields != to->nfields) {
        return false;
    }
    for (size_t i = 0; i < from->nfields; i++) {
        if (!can_store(from->fields[i].type, to->fields[i].type)) {
            return false;
        }
    }
    return true;
}

static const AzRel *to_schema(AzCtx *ctx, const PrRel *pr, const AzRel *input) {
    const PlType *schema = pr->to_schema.schema;
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, schema->nfields);
    for (size_t i = 0; i < schema->nfields; i++) {
        const PlField *field = &schema->fields[i];
        bool ambiguous = false;
        const TyAttr *attr = az_find_attr(ctx, input, field->name, &ambiguous);
        Str shown = az_quote_parts(ctx->arena, &field->name, 1);
        if (attr == NULL && (!field->nullable || ambiguous)) {
            az_fail_unresolved(ctx, pr->origin, "COLUMN", &field->name, 1, input->attrs, input->nattrs);
            return NULL;
        }
        if (attr == NULL) {
            columns[i] = az_named(ctx, field->name, az_null(ctx, field->type));
            continue;
        }
        if (attr->nullable && !field->nullable) {
            err_set(ctx->err, "NULLABLE_COLUMN_OR_FIELD", "Column or field %.*s is nullable while it's required to be non-nullable.",
                    STR_ARG(shown));
            return NULL;
        }
        if (!can_store(attr->type, field->type)) {
            Str is = az_quote_type(ctx, attr->type);
            Str wanted = az_quote_type(ctx, field->type);
            err_set(ctx->err, "INVALID_COLUMN_OR_FIELD_DATA_TYPE",
                    "Column or field %.*s is of type %.*s while it's required to be %.*s.", STR_ARG(shown), STR_ARG(is), STR_ARG(wanted));
            return NULL;
        }
        columns[i] = az_named(ctx, field->name, az_cast_to(ctx, az_column(ctx, attr), field->type));
        columns[i].attr.metadata_json = field->metadata_json.len > 0 ? field->metadata_json : attr->metadata_json;
    }
    return az_project(ctx, input, columns, schema->nfields);
}

const AzRel *az_columns_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    if (pr->tag == PR_WITH_COLUMNS) {
        return with_columns(ctx, pr, input);
    }
    if (pr->tag == PR_RENAME_COLUMNS) {
        return rename_columns(ctx, pr, input);
    }
    if (pr->tag == PR_DROP) {
        return drop(ctx, pr, input);
    }
    return pr->tag == PR_TO_DF ? to_df(ctx, pr, input) : to_schema(ctx, pr, input);
}
