/* analyze.c - the entry of this room, and the dispatch over relations.
 *
 * Called by connect/. One pass from the leaves up: each relation's inputs are resolved before its own expressions.
 * Invariant: on success the tree obeys plan/typed.h and its output is what the user sees, hidden columns gone.
 */
#include "analyze/az.h"

#include <string.h>

AzScope az_scope_of(const AzCtx *ctx, const AzRel *input) {
    AzScope scope = {.inputs = {input, NULL}, .ninputs = input == NULL ? 0 : 1, .outer = ctx->outer};
    return scope;
}

static const AzRel *alias_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    input = az_visible(ctx, input);
    if (pr->alias.ncolumns > 0 && pr->alias.ncolumns != input->nattrs) {
        az_fail(ctx, pr->origin, "ASSIGNMENT_ARITY_MISMATCH",
                "The number of columns or variables assigned or aliased: %zu does not match the number of source expressions: %zu.",
                pr->alias.ncolumns, input->nattrs);
        return NULL;
    }
    if (pr->alias.ncolumns > 0) {
        TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
        for (size_t i = 0; i < input->nattrs; i++) {
            columns[i] = az_named(ctx, pr->alias.columns[i], az_column(ctx, &input->attrs[i]));
        }
        input = az_project(ctx, input, columns, input->nattrs);
    }
    AzRel *rel = az_rel(ctx, input->tr, input);
    Str *qualifier = ARENA_NEW(ctx->arena, Str);
    *qualifier = pr->alias.name;
    bool is_named = pr->alias.name.len > 0 && !str_eq_c(pr->alias.name, "__auto_generated_subquery_name");
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        attrs[i] = input->attrs[i];
        attrs[i].qualifier = qualifier;
        attrs[i].nqualifier = is_named ? 1 : 0;
    }
    rel->attrs = attrs;
    return rel;
}

const AzRel *az_with_rel(AzCtx *ctx, const PrRel *pr) {
    const AzCte *before = ctx->ctes;
    for (size_t i = 0; i < pr->with.count; i++) {
        AzCte *cte = ARENA_NEW(ctx->arena, AzCte);
        *cte = (AzCte){pr->with.names[i], pr->with.plans[i], ctx->ctes};
        ctx->ctes = cte;
    }
    const AzRel *rel = az_relation(ctx, pr->input);
    ctx->ctes = before;
    return rel;
}

static const AzRel *dispatch(AzCtx *ctx, const PrRel *pr) {
    switch (pr->tag) {
    case PR_READ_TABLE:
    case PR_READ_SOURCE:
    case PR_LOCAL_DATA:
    case PR_VALUES:
    case PR_ONE_ROW:
    case PR_RANGE:
    case PR_CACHED:
    case PR_CATALOG:
        return az_leaf(ctx, pr);
    case PR_PROJECT:
        return az_project_rel(ctx, pr);
    case PR_FILTER:
        return az_filter_rel(ctx, pr);
    case PR_SORT:
        return az_sort_rel(ctx, pr);
    case PR_JOIN:
        return az_join_rel(ctx, pr);
    case PR_SET_OP:
        return az_set_op_rel(ctx, pr);
    case PR_AGGREGATE:
        return az_aggregate_rel(ctx, pr);
    case PR_SUBQUERY_ALIAS:
        return alias_rel(ctx, pr);
    case PR_WITH:
        return az_with_rel(ctx, pr);
    case PR_TO_DF:
    case PR_RENAME_COLUMNS:
    case PR_WITH_COLUMNS:
    case PR_DROP:
    case PR_TO_SCHEMA:
        return az_columns_rel(ctx, pr);
    case PR_GENERATE:
        return az_lateral_view_rel(ctx, pr);
    case PR_TABLE_FUNCTION:
        return az_table_function_rel(ctx, pr);
    case PR_PIVOT:
        return az_pivot_rel(ctx, pr);
    case PR_DEDUPLICATE:
        return az_deduplicate_rel(ctx, pr);
    case PR_UNPIVOT:
        return az_unpivot_rel(ctx, pr);
    case PR_NA_FILL:
    case PR_NA_DROP:
    case PR_NA_REPLACE:
        return az_na_rel(ctx, pr);
    case PR_LIMIT:
    case PR_OFFSET:
    case PR_TAIL:
    case PR_SAMPLE:
    case PR_REPARTITION:
    case PR_HINT:
    case PR_SHOW_STRING:
    case PR_HTML_STRING:
    case PR_MAP_PARTITIONS:
    case PR_COLLECT_METRICS:
        return az_rows_rel(ctx, pr);
    }
    return NULL;
}

const AzRel *az_relation(AzCtx *ctx, const PrRel *pr) {
    if (pr == NULL) {
        err_set(ctx->err, "INVALID_PLAN_INPUT", "A relation of the plan has no input.");
        return NULL;
    }
    if (!az_enter(ctx)) {
        return NULL;
    }
    const AzRel *found = dispatch(ctx, pr);
    az_leave(ctx);
    if (found == NULL || pr->plan_id < 0) {
        return found;
    }
    AzRel *marked = ARENA_NEW(ctx->arena, AzRel);
    *marked = *found;
    marked->plan_id = pr->plan_id;
    marked->inputs[0] = found;
    marked->inputs[1] = NULL;
    return marked;
}

const TrRel *az_analyze(Arena *arena, const AzWorld *world, const PrRel *plan, Err *err) {
    AzCtx ctx = {.arena = arena, .world = world, .err = err, .next_id = 1, .canon = {.arena = arena}};
    const AzRel *rel = az_relation(&ctx, plan);
    if (rel == NULL) {
        if (!err->is_set) {
            err_set(err, ERR_INTERNAL, "The analysis of the plan failed without a reason.");
        }
        return NULL;
    }
    const TrRel *tr = az_visible(&ctx, rel)->tr;
    return ctx.names_files ? az_name_files(&ctx, tr) : tr;
}

/* ---- constants ---- */

static const PlValue *fold(AzCtx *ctx, const TxExpr *expr) {
    if (expr->tag == TX_LITERAL) {
        return expr->literal;
    }
    const PlValue *child = NULL;
    if (expr->tag == TX_CAST) {
        child = fold(ctx, expr->cast.child);
        bool whole = child != NULL && pl_type_is_integral(child->type) && pl_type_is_integral(expr->type);
        if (child == NULL || !(whole || pl_type_same(child->type, expr->type))) {
            return NULL;
        }
        PlValue *value = ARENA_NEW(ctx->arena, PlValue);
        *value = *child;
        value->type = expr->type;
        return value;
    }
    if (expr->tag != TX_CALL || !pl_type_is_integral(expr->type) || expr->call.nargs == 0 || expr->call.nargs > 2) {
        return NULL;
    }
    const PlValue *other = expr->call.nargs == 2 ? fold(ctx, expr->call.args[1]) : NULL;
    child = fold(ctx, expr->call.args[0]);
    if (child == NULL || child->is_null || (expr->call.nargs == 2 && (other == NULL || other->is_null))) {
        return NULL;
    }
    PlValue *value = ARENA_NEW(ctx->arena, PlValue);
    value->type = expr->type;
    const char *op = expr->call.fn->name;
    bool overflow = false;
    if (strcmp(op, "negative") == 0) {
        overflow = __builtin_sub_overflow((int64_t)0, child->i, &value->i);
    } else if (strcmp(op, "positive") == 0) {
        value->i = child->i;
    } else if (strcmp(op, "+") == 0) {
        overflow = __builtin_add_overflow(child->i, other->i, &value->i);
    } else if (strcmp(op, "-") == 0 && other != NULL) {
        overflow = __builtin_sub_overflow(child->i, other->i, &value->i);
    } else if (strcmp(op, "*") == 0) {
        overflow = __builtin_mul_overflow(child->i, other->i, &value->i);
    } else {
        return NULL;
    }
    return overflow ? NULL : value;
}

static const PlValue *constant(AzCtx *ctx, const PxExpr *px) {
    AzScope scope = {0};
    const TxExpr *expr = az_expr(ctx, px, &scope);
    if (expr == NULL) {
        return NULL;
    }
    const PlValue *value = fold(ctx, expr);
    if (value == NULL) {
        Str shown = az_quote_expr(ctx, expr);
        az_fail(ctx, px->origin, "NON_FOLDABLE_ARGUMENT", "A constant is needed here, but the expression %.*s is not one.", STR_ARG(shown));
    }
    return value;
}

const PlValue *az_constant(Arena *arena, const AzWorld *world, const PxExpr *expr, Err *err) {
    AzCtx ctx = {.arena = arena, .world = world, .err = err, .next_id = 1, .canon = {.arena = arena}};
    return constant(&ctx, expr);
}

bool az_int_constant(AzCtx *ctx, const PxExpr *px, const char *what, int64_t *ret_value) {
    const PlValue *value = constant(ctx, px);
    if (value == NULL) {
        return false;
    }
    if (!pl_type_is_integral(value->type) || value->is_null) {
        Str type = az_quote_type(ctx, value->type);
        Str shown = az_value_text(ctx->arena, value, false);
        return az_fail(ctx, px->origin, "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE",
                       "The limit like expression \"%.*s\" is invalid. The %s expression must be integer type, but got %.*s.", STR_ARG(shown), what,
                       STR_ARG(type));
    }
    if (value->i < 0) {
        return az_fail(ctx, px->origin, "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
                       "The limit like expression \"%lld\" is invalid. The %s expression must be equal to or greater than 0, but got %lld.",
                       (long long)value->i, what, (long long)value->i);
    }
    *ret_value = value->i;
    return true;
}
