/* unpivot.c - unpivot (melt): one row for each value column, as the generator stack over the input.
 *
 * Called by relations.c's dispatch. Source of meaning: Spark 3.5's Unpivot and TypeCoercion.UnpivotCoercion: the values' common type is the value
 * column's; the variable column holds the values' names and is not null. Rows with null values are kept (DataFrame API), dropped by
 * SQL's UNPIVOT without INCLUDE NULLS.
 */
#include "analyze/az.h"

typedef struct UnpivotParts {
    AzColumns ids;
    AzColumns values;
    const PlType *type;
} UnpivotParts;

static bool is_among(const AzColumns *columns, uint32_t id) {
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->items[i].expr->tag == TX_COLUMN && columns->items[i].expr->column.id == id) {
            return true;
        }
    }
    return false;
}

/* The side that was not given is every column that the other one does not name. */
static void take_the_rest(AzCtx *ctx, const AzRel *input, const AzColumns *taken, AzColumns *rest) {
    for (size_t i = 0; i < input->nattrs; i++) {
        if (!is_among(taken, input->attrs[i].id)) {
            VEC_PUSH(rest, az_pass(ctx, &input->attrs[i]));
        }
    }
}

static bool common_type(AzCtx *ctx, const PrRel *pr, UnpivotParts *parts) {
    const TxExpr **exprs = ARENA_ARRAY(ctx->arena, const TxExpr *, parts->values.count);
    StrBuf shown = {.arena = ctx->arena};
    for (size_t i = 0; i < parts->values.count; i++) {
        exprs[i] = parts->values.items[i].expr;
        Str type = az_quote_type(ctx, exprs[i]->type);
        Str name = az_quote_parts(ctx->arena, &parts->values.items[i].attr.name, 1);
        strbuf_fmt(&shown, "%s%.*s (%.*s)", i > 0 ? ", " : "", STR_ARG(type), STR_ARG(name));
    }
    parts->type = az_wider_common(ctx, exprs, parts->values.count);
    if (parts->type == NULL) {
        Str types = strbuf_str(&shown);
        return az_fail(ctx, pr->origin, "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                       "Unpivot value columns must share a least common type, some types do not: [%.*s].", STR_ARG(types));
    }
    return true;
}

static bool resolve_parts(AzCtx *ctx, const PrRel *pr, const AzRel *input, UnpivotParts *parts) {
    AzScope scope = az_scope_of(ctx, input);
    scope.clause = "UNPIVOT";
    if (!az_select_list(ctx, pr->unpivot.ids, pr->unpivot.nids, &scope, &parts->ids) ||
        !az_select_list(ctx, pr->unpivot.values, pr->unpivot.nvalues, &scope, &parts->values)) {
        return false;
    }
    if (pr->unpivot.from_sql) {
        take_the_rest(ctx, input, &parts->values, &parts->ids);
    } else if (!pr->unpivot.has_values) {
        take_the_rest(ctx, input, &parts->ids, &parts->values);
    }
    if (parts->values.count == 0) {
        return az_fail(ctx, pr->origin, "UNPIVOT_REQUIRES_VALUE_COLUMNS", "At least one value column needs to be specified for UNPIVOT, all columns specified as ids.");
    }
    return common_type(ctx, pr, parts);
}

static const AzRel *drop_null_values(AzCtx *ctx, const AzRel *rel, const TyAttr *value) {
    const TxExpr *column = az_column(ctx, value);
    TrRel *filter = az_tr(ctx, TR_FILTER, rel->tr);
    filter->filter.condition = az_apply(ctx, "isnotnull", &column, 1);
    return filter->filter.condition == NULL ? NULL : az_rel(ctx, filter, rel);
}

const AzRel *az_unpivot_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    if (pr->unpivot.nvalue_names > 0) {
        (void)az_not_supported(ctx, "UNPIVOT with several value columns is not supported");
        return NULL;
    }
    input = az_visible(ctx, input);
    UnpivotParts parts = {.ids = {.arena = ctx->arena}, .values = {.arena = ctx->arena}};
    if (!resolve_parts(ctx, pr, input, &parts)) {
        return NULL;
    }
    size_t nargs = 1 + 2 * parts.values.count;
    const TxExpr **args = ARENA_ARRAY(ctx->arena, const TxExpr *, nargs);
    args[0] = az_int(ctx, (int64_t)parts.values.count);
    for (size_t i = 0; i < parts.values.count; i++) {
        args[1 + 2 * i] = az_string(ctx, parts.values.items[i].attr.name);
        args[2 + 2 * i] = az_cast_to(ctx, parts.values.items[i].expr, parts.type);
    }
    const TxExpr *generator = az_apply(ctx, "stack", args, nargs);
    Str names[] = {pr->unpivot.variable_name, pr->unpivot.value_name};
    const AzRel *rows = generator == NULL ? NULL : az_generate(ctx, input, generator, false, names, 2, STR(""));
    if (rows == NULL) {
        return NULL;
    }
    const TyAttr *made = rows->attrs + rows->nattrs - 2;
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, parts.ids.count + 2);
    for (size_t i = 0; i < parts.ids.count; i++) {
        columns[i] = parts.ids.items[i];
    }
    columns[parts.ids.count] = az_pass(ctx, &made[0]);
    columns[parts.ids.count + 1] = az_pass(ctx, &made[1]);
    if (pr->unpivot.from_sql && !pr->unpivot.include_nulls) {
        rows = drop_null_values(ctx, rows, &made[1]);
    }
    return rows == NULL ? NULL : az_project(ctx, rows, columns, parts.ids.count + 2);
}
