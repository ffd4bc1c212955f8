/* subquery.c - scalar, EXISTS and IN subqueries: the inner query sees the outer one's columns.
 *
 * Called by expressions.c. Invariant: an outer column inside the plan is a TX_COLUMN with is_outer and the outer attribute's id.
 */
#include "analyze/az.h"

/* Whether a correlated scalar subquery gives at most one row: a global aggregate, or LIMIT 1. */
static bool gives_one_row(const TrRel *tr) {
    while (tr->tag == TR_PROJECT || tr->tag == TR_FILTER) {
        tr = tr->input;
    }
    return tr->tag == TR_AGGREGATE || (tr->tag == TR_LIMIT && tr->limit.limit >= 0 && tr->limit.limit <= 1);
}

const TxExpr *az_subquery(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr **values = ARENA_ARRAY(ctx->arena, const TxExpr *, px->subquery.nvalues);
    for (size_t i = 0; i < px->subquery.nvalues; i++) {
        values[i] = az_expr(ctx, px->subquery.values[i], scope);
        if (values[i] == NULL) {
            return NULL;
        }
    }
    const AzScope *before = ctx->outer;
    bool used_before = ctx->used_outer;
    ctx->outer = scope;
    ctx->used_outer = false;
    const AzRel *rel = az_relation(ctx, px->subquery.plan);
    ctx->outer = before;
    bool correlated = ctx->used_outer;
    ctx->used_outer = used_before;
    if (rel == NULL) {
        return NULL;
    }
    rel = az_visible(ctx, rel);
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_SUBQUERY;
    expr->type = &PL_BOOLEAN;
    expr->subquery.kind = px->subquery.kind;
    expr->subquery.is_negated = px->subquery.is_negated;
    expr->subquery.values = values;
    expr->subquery.nvalues = px->subquery.nvalues;
    expr->subquery.plan = rel->tr;
    if (px->subquery.kind == PL_SUBQUERY_SCALAR) {
        if (rel->nattrs != 1) {
            az_fail(ctx, px->origin, "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                    "Invalid subquery: Scalar subquery must return only one column, but got %zu.", rel->nattrs);
            return NULL;
        }
        if (correlated && !gives_one_row(rel->tr)) {
            az_fail(ctx, px->origin, "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.MUST_AGGREGATE_CORRELATED_SCALAR_SUBQUERY",
                    "Unsupported subquery expression: Correlated scalar subqueries must be aggregated to return at most one row.");
            return NULL;
        }
        expr->type = rel->attrs[0].type;
        expr->nullable = true;
        return expr;
    }
    if (px->subquery.kind == PL_SUBQUERY_EXISTS) {
        return expr;
    }
    if (px->subquery.nvalues != rel->nattrs) {
        az_fail(ctx, px->origin, "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                "Cannot resolve \"(IN (listquery()))\" due to data type mismatch: The number of columns in the left hand side of an IN subquery "
                "does not match the number of columns in the output of subquery. Left hand side columns(length: %zu), right hand side "
                "columns(length: %zu).",
                px->subquery.nvalues, rel->nattrs);
        return NULL;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, rel->nattrs);
    bool cast = false;
    for (size_t i = 0; i < rel->nattrs; i++) {
        const TyAttr *attr = &rel->attrs[i];
        const PlType *types[] = {values[i]->type, attr->type};
        const PlType *common = az_wider_common_types(ctx, types, 2);
        if (common == NULL) {
            Str left = az_quote_type(ctx, types[0]);
            Str right = az_quote_type(ctx, types[1]);
            az_fail(ctx, px->origin, "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
                    "Cannot resolve \"(IN (listquery()))\" due to data type mismatch: The data type of one or more elements in the left hand "
                    "side of an IN subquery is not compatible with the data type of the output of the subquery. Left side: [%.*s], right side: "
                    "[%.*s].",
                    STR_ARG(left), STR_ARG(right));
            return NULL;
        }
        expr->nullable = expr->nullable || values[i]->nullable || attr->nullable;
        values[i] = az_cast_to(ctx, values[i], common);
        columns[i] = pl_type_equal(attr->type, common) ? az_pass(ctx, attr)
                                                       : az_named(ctx, attr->name, az_cast_to(ctx, az_column(ctx, attr), common));
        cast = cast || !pl_type_equal(attr->type, common);
    }
    if (cast) {
        expr->subquery.plan = az_tr_project(ctx, rel->tr, columns, rel->nattrs);
    }
    return expr;
}
