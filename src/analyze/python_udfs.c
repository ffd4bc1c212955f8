/* python_udfs.c - Python functions leave expressions for relations of their own: each TR_PYTHON appends their columns.
 *
 * Called by the relations before their expressions are final. Invariant: after az_extract_python no TX_PYTHON_UDF is left; a function
 * whose argument holds another one runs in a relation above it.
 */
#include "analyze/az.h"

#include <string.h>

typedef struct Extract {
    AzCtx *ctx;
    AzColumns udfs;
} Extract;

static bool is_python(void *self, const TxExpr *expr) {
    (void)self;
    return expr->tag == TX_PYTHON_UDF;
}

static bool has_inner(const TxExpr *udf) {
    for (size_t i = 0; i < udf->python.nargs; i++) {
        if (pl_expr_any(udf->python.args[i], is_python, NULL)) {
            return true;
        }
    }
    return false;
}

static const TxExpr *take_innermost(void *self, const TxExpr *expr) {
    Extract *out = self;
    if (expr->tag != TX_PYTHON_UDF || has_inner(expr)) {
        return pl_expr_map_children(out->ctx->arena, expr, take_innermost, out);
    }
    for (size_t i = 0; i < out->udfs.count; i++) {
        if (pl_expr_equal(out->udfs.items[i].expr, expr)) {
            return az_column(out->ctx, &out->udfs.items[i].attr);
        }
    }
    TyNamed made = az_named(out->ctx, az_pretty(out->ctx, expr), expr);
    VEC_PUSH(&out->udfs, made);
    return az_column(out->ctx, &made.attr);
}

const TrRel *az_extract_python(AzCtx *ctx, const TrRel *input, TyNamed *columns, size_t ncolumns) {
    for (;;) {
        Extract out = {.ctx = ctx, .udfs = {.arena = ctx->arena}};
        for (size_t i = 0; i < ncolumns; i++) {
            columns[i].expr = take_innermost(&out, columns[i].expr);
        }
        if (out.udfs.count == 0) {
            return input;
        }
        for (size_t i = 0; i < out.udfs.count; i++) {
            if (out.udfs.items[i].expr->python.function->eval == PL_PY_GROUPED_AGG_PANDAS) {
                az_not_supported(ctx, "Aggregate pandas functions are not supported yet.");
                return NULL;
            }
        }
        TrRel *tr = az_tr(ctx, TR_PYTHON, input);
        tr->noutput = input->noutput + out.udfs.count;
        TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, tr->noutput);
        if (input->noutput > 0) {
            memcpy(output, input->output, input->noutput * sizeof *output);
        }
        for (size_t i = 0; i < out.udfs.count; i++) {
            output[input->noutput + i] = out.udfs.items[i].attr;
        }
        tr->output = output;
        tr->python.udfs = out.udfs.items;
        tr->python.nudfs = out.udfs.count;
        input = tr;
    }
}
