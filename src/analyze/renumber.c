/* renumber.c - a copy of a typed tree with attribute ids of its own.
 *
 * Called by leaves.c for relations that the session keeps: their ids come from another analysis and would clash with this one's.
 * Invariant: every id moves by the same distance, above all ids handed out before.
 */
#include "analyze/az.h"

#include <string.h>

typedef struct Shift {
    AzCtx *ctx;
    uint32_t by;
    uint32_t highest;
} Shift;

static const TrRel *shift_rel(Shift *s, const TrRel *tr);

static uint32_t shift_id(Shift *s, uint32_t id) {
    uint32_t moved = id + s->by;
    s->highest = moved > s->highest ? moved : s->highest;
    return moved;
}

static TyAttr *shift_attrs(Shift *s, const TyAttr *attrs, size_t count) {
    TyAttr *copy = ARENA_ARRAY(s->ctx->arena, TyAttr, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = attrs[i];
        copy[i].id = shift_id(s, attrs[i].id);
    }
    return copy;
}

static const TxExpr *shift_expr(void *self, const TxExpr *expr) {
    Shift *s = self;
    const TxExpr *mapped = pl_expr_map_children(s->ctx->arena, expr, shift_expr, s);
    if (mapped == NULL || (expr->tag != TX_COLUMN && expr->tag != TX_LAMBDA && expr->tag != TX_SUBQUERY)) {
        return mapped;
    }
    TxExpr *copy = ARENA_NEW(s->ctx->arena, TxExpr);
    *copy = *mapped;
    if (expr->tag == TX_COLUMN) {
        copy->column.id = shift_id(s, expr->column.id);
    } else if (expr->tag == TX_LAMBDA) {
        copy->lambda.params = shift_attrs(s, expr->lambda.params, expr->lambda.nparams);
    } else {
        copy->subquery.plan = shift_rel(s, expr->subquery.plan);
    }
    return copy;
}

static const TxExpr **shift_exprs(Shift *s, const TxExpr *const *exprs, size_t count) {
    const TxExpr **copy = ARENA_ARRAY(s->ctx->arena, const TxExpr *, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = shift_expr(s, exprs[i]);
    }
    return copy;
}

static const TyNamed *shift_named(Shift *s, const TyNamed *columns, size_t count) {
    TyNamed *copy = ARENA_ARRAY(s->ctx->arena, TyNamed, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = columns[i];
        copy[i].attr.id = shift_id(s, columns[i].attr.id);
        copy[i].expr = columns[i].expr == NULL ? NULL : shift_expr(s, columns[i].expr);
    }
    return copy;
}

static const TySort *shift_keys(Shift *s, const TySort *keys, size_t count) {
    TySort *copy = ARENA_ARRAY(s->ctx->arena, TySort, count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = keys[i];
        copy[i].expr = shift_expr(s, keys[i].expr);
    }
    return copy;
}

static void shift_payload(Shift *s, const TrRel *tr, TrRel *copy) {
    switch (tr->tag) {
    case TR_SCAN:
    case TR_LOCAL_DATA:
    case TR_RANGE:
    case TR_SET_OP:
    case TR_LIMIT:
    case TR_TAIL:
    case TR_SAMPLE:
    case TR_KEPT:
    case TR_SHOW_STRING:
    case TR_HTML_STRING:
        break;
    case TR_VALUES:
        copy->values.cells = shift_exprs(s, tr->values.cells, tr->values.nrows * tr->noutput);
        break;
    case TR_PROJECT:
        copy->project.columns = shift_named(s, tr->project.columns, tr->noutput);
        break;
    case TR_FILTER:
        copy->filter.condition = shift_expr(s, tr->filter.condition);
        break;
    case TR_JOIN:
        copy->join.condition = tr->join.condition == NULL ? NULL : shift_expr(s, tr->join.condition);
        break;
    case TR_SORT:
        copy->sort.keys = shift_keys(s, tr->sort.keys, tr->sort.nkeys);
        break;
    case TR_AGGREGATE:
        copy->aggregate.groups = shift_exprs(s, tr->aggregate.groups, tr->aggregate.ngroups);
        copy->aggregate.columns = shift_named(s, tr->aggregate.columns, tr->noutput);
        break;
    case TR_WINDOW:
        copy->window.columns = shift_named(s, tr->window.columns, tr->window.ncolumns);
        break;
    case TR_GENERATE:
        copy->generate.generator = shift_expr(s, tr->generate.generator);
        break;
    case TR_PYTHON:
        copy->python.udfs = shift_named(s, tr->python.udfs, tr->python.nudfs);
        break;
    case TR_COLLECT_METRICS:
        copy->metrics.metrics = shift_named(s, tr->metrics.metrics, tr->metrics.nmetrics);
        break;
    }
}

static const TrRel *shift_rel(Shift *s, const TrRel *tr) {
    TrRel *copy = ARENA_NEW(s->ctx->arena, TrRel);
    *copy = *tr;
    copy->output = shift_attrs(s, tr->output, tr->noutput);
    copy->input = tr->input == NULL ? NULL : shift_rel(s, tr->input);
    copy->right = tr->right == NULL ? NULL : shift_rel(s, tr->right);
    shift_payload(s, tr, copy);
    return copy;
}

const TrRel *az_renumber(AzCtx *ctx, const TrRel *tr) {
    Shift s = {ctx, ctx->next_id, ctx->next_id};
    const TrRel *copy = shift_rel(&s, tr);
    ctx->next_id = s.highest;
    (void)az_new_id(ctx); /* fills the table of canonical ids up to here */
    return copy;
}
