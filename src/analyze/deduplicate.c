/* deduplicate.c - distinct and dropDuplicates.
 *
 * Called by relations.c's dispatch. Source of meaning: Spark's ReplaceDeduplicateWithAggregate: group by the keys, first() of the others; with all
 * columns as keys it is DISTINCT. Columns keep their ids.
 */
#include "analyze/az.h"

static bool mark_keys(AzCtx *ctx, const PrRel *pr, const AzRel *input, bool *is_key) {
    for (size_t k = 0; k < pr->deduplicate.ncolumns; k++) {
        bool found = false;
        for (size_t i = 0; i < input->nattrs; i++) {
            if (az_name_eq(ctx, input->attrs[i].name, pr->deduplicate.columns[k])) {
                is_key[i] = true;
                found = true;
            }
        }
        if (!found) {
            return az_fail_unresolved(ctx, pr->origin, "UNRESOLVED_COLUMN", &pr->deduplicate.columns[k], 1, input->attrs, input->nattrs);
        }
    }
    for (size_t i = 0; pr->deduplicate.all_columns && i < input->nattrs; i++) {
        is_key[i] = true;
    }
    return true;
}

/* first(column) as an aggregate of the registry. */
static const TxExpr *first_of(AzCtx *ctx, const TyAttr *attr) {
    const TxExpr *column = az_column(ctx, attr);
    return az_apply(ctx, "first", &column, 1);
}

const AzRel *az_deduplicate_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    input = az_visible(ctx, input);
    bool *is_key = ARENA_ARRAY(ctx->arena, bool, input->nattrs);
    if (!mark_keys(ctx, pr, input, is_key)) {
        return NULL;
    }
    VEC(const TxExpr *) groups = {.arena = ctx->arena};
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        columns[i] = az_pass(ctx, &input->attrs[i]);
        if (is_key[i] && input->attrs[i].type->kind == PL_TYPE_MAP) {
            Str name = az_quote_parts(ctx->arena, &input->attrs[i].name, 1);
            (void)az_fail(ctx, pr->origin, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
                          "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, "
                          "etc.), but the type of column %.*s is %.*s.",
                          STR_ARG(name), STR_ARG(az_quote_type(ctx, input->attrs[i].type)));
            return NULL;
        }
        if (is_key[i]) {
            VEC_PUSH(&groups, columns[i].expr);
            continue;
        }
        columns[i].expr = first_of(ctx, &input->attrs[i]);
        if (columns[i].expr == NULL) {
            return NULL;
        }
        columns[i].attr.nullable = columns[i].expr->nullable;
    }
    TrRel *tr = az_tr(ctx, TR_AGGREGATE, input->tr);
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, input->nattrs);
    for (size_t i = 0; i < input->nattrs; i++) {
        output[i] = columns[i].attr;
    }
    tr->output = output;
    tr->noutput = input->nattrs;
    tr->aggregate.groups = groups.items;
    tr->aggregate.ngroups = groups.count;
    tr->aggregate.columns = columns;
    return az_rel(ctx, tr, input);
}
