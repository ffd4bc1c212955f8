/* windows.c - f(…) OVER (…): the call with its frame made explicit, and its way into a relation below the projection.
 *
 * Called by expressions.c and by the relations. Invariant: after az_extract_windows no TX_WINDOW is left in the columns.
 */
#include "analyze/az.h"

#include <string.h>

typedef struct TagSearch {
    TxTag tag;
    Arena *arena;
} TagSearch;

static const TxExpr *search(void *self, const TxExpr *expr) {
    TagSearch *s = self;
    if (expr->tag == s->tag) {
        return NULL;
    }
    if (expr->tag == TX_WINDOW) {
        /* The window's own function is not an aggregate of the query; its arguments may hold one. */
        TxExpr inner = *expr;
        if (pl_expr_map_children(s->arena, expr->window.function, search, self) == NULL) {
            return NULL;
        }
        inner.window.function = NULL;
        return pl_expr_map_children(s->arena, &inner, search, self) == NULL ? NULL : expr;
    }
    return pl_expr_map_children(s->arena, expr, search, self) == NULL ? NULL : expr;
}

bool az_has_tag(const TxExpr *expr, TxTag tag) {
    TagSearch s = {tag, arena_new()};
    bool found = search(&s, expr) == NULL;
    arena_free(s.arena);
    return found;
}

static bool bound(AzCtx *ctx, const AzScope *scope, PlBound kind, const PxExpr *px, bool lower, TyFrameBound *ret_bound,
                  const TxExpr **ret_offset) {
    *ret_offset = NULL;
    if (kind == PL_BOUND_UNBOUNDED) {
        *ret_bound = lower ? TY_BOUND_UNBOUNDED_PRECEDING : TY_BOUND_UNBOUNDED_FOLLOWING;
        return true;
    }
    if (kind == PL_BOUND_CURRENT_ROW) {
        *ret_bound = TY_BOUND_CURRENT_ROW;
        return true;
    }
    const TxExpr *offset = az_expr(ctx, px, scope);
    if (offset == NULL) {
        return false;
    }
    *ret_bound = TY_BOUND_FOLLOWING;
    if (offset->tag == TX_CALL && strcmp(offset->call.fn->name, "negative") == 0) {
        *ret_bound = TY_BOUND_PRECEDING;
        offset = offset->call.args[0];
    } else if (offset->tag == TX_LITERAL) {
        const PlValue *value = offset->literal;
        bool negative = value->type->kind == PL_TYPE_DECIMAL ? value->dec < 0
                        : value->type->kind == PL_TYPE_DOUBLE || value->type->kind == PL_TYPE_FLOAT ? value->f < 0
                                                                                                   : value->i < 0;
        if (negative) {
            PlValue *positive = ARENA_NEW(ctx->arena, PlValue);
            *positive = *value;
            positive->i = value->i == INT64_MIN ? INT64_MAX : -value->i;
            positive->f = -value->f;
            positive->dec = -value->dec;
            offset = az_literal(ctx, positive);
            *ret_bound = TY_BOUND_PRECEDING;
        } else if (value->i == 0 && pl_type_is_integral(value->type)) {
            *ret_bound = TY_BOUND_CURRENT_ROW;
            return true;
        }
    }
    *ret_offset = offset;
    return true;
}

/* Functions of the window kind other than lead, lag and nth_value look at the rows up to the current one. */
static bool default_frame(TxExpr *window, bool is_window_function) {
    if (is_window_function) {
        bool by_value = strcmp(window->window.function->call.fn->name, "cume_dist") == 0;
        window->window.frame = by_value ? PL_FRAME_RANGE : PL_FRAME_ROWS;
        window->window.lower = TY_BOUND_UNBOUNDED_PRECEDING;
        window->window.upper = TY_BOUND_CURRENT_ROW;
        return true;
    }
    window->window.lower = TY_BOUND_UNBOUNDED_PRECEDING;
    if (window->window.norder > 0) {
        window->window.frame = PL_FRAME_RANGE;
        window->window.upper = TY_BOUND_CURRENT_ROW;
    } else {
        window->window.frame = PL_FRAME_ROWS;
        window->window.upper = TY_BOUND_UNBOUNDED_FOLLOWING;
    }
    return true;
}

/* lead(x, n): a frame of one row, n behind the current one; lag's is in front, and Spark names it by a negative distance. */
static bool shift_frame(AzCtx *ctx, TxExpr *window, const TxExpr *function, bool lag) {
    const TxExpr *distance = function->call.nargs > 1 ? function->call.args[1] : az_int(ctx, 1);
    if (lag && distance->tag == TX_LITERAL) {
        PlValue *negative = ARENA_NEW(ctx->arena, PlValue);
        *negative = *distance->literal;
        negative->i = -negative->i;
        distance = az_literal(ctx, negative);
    }
    window->window.frame = PL_FRAME_ROWS;
    window->window.lower = TY_BOUND_FOLLOWING;
    window->window.upper = TY_BOUND_FOLLOWING;
    window->window.lower_offset = distance;
    window->window.upper_offset = distance;
    return true;
}

static bool frame(AzCtx *ctx, const PxExpr *px, const AzScope *scope, TxExpr *window) {
    const TxExpr *function = window->window.function;
    bool is_window = function->tag == TX_CALL;
    const char *name = is_window ? function->call.fn->name : "";
    bool shift = strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0;
    if (is_window && window->window.norder == 0) {
        Str shown = az_pretty(ctx, function);
        return az_fail(ctx, (PlOrigin){0}, "_LEGACY_ERROR_TEMP_1037",
                       "Window function %.*s requires window to be ordered, please add ORDER BY clause. For example SELECT "
                       "%.*s(value_expr) OVER (PARTITION BY window_partition ORDER BY window_ordering) from table.",
                       STR_ARG(shown), STR_ARG(shown));
    }
    if (px->window.frame.type == PL_FRAME_NONE) {
        return shift ? shift_frame(ctx, window, function, strcmp(name, "lag") == 0) : default_frame(window, is_window && strcmp(name, "nth_value") != 0);
    }
    const PxFrame *f = &px->window.frame;
    window->window.frame = f->type;
    if (!bound(ctx, scope, f->lower_kind, f->lower, true, &window->window.lower, &window->window.lower_offset) ||
        !bound(ctx, scope, f->upper_kind, f->upper, false, &window->window.upper, &window->window.upper_offset)) {
        return false;
    }
    bool value_bound = window->window.lower_offset != NULL || window->window.upper_offset != NULL;
    if (f->type == PL_FRAME_RANGE && value_bound && window->window.norder != 1) {
        Str shown = az_quote_expr(ctx, window);
        if (window->window.norder == 0) {
            return az_fail(ctx, px->origin, "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER",
                           "Cannot resolve %.*s due to data type mismatch: A range window frame cannot be used in an unordered window "
                           "specification.",
                           STR_ARG(shown));
        }
        return az_fail(ctx, px->origin, "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER",
                       "Cannot resolve %.*s due to data type mismatch: A range window frame with value boundaries cannot be used in a window "
                       "specification with multiple order by expressions.",
                       STR_ARG(shown));
    }
    if (is_window && (shift || strcmp(name, "nth_value") != 0)) {
        bool required = f->type == PL_FRAME_ROWS && window->window.lower == TY_BOUND_UNBOUNDED_PRECEDING &&
                        window->window.upper == TY_BOUND_CURRENT_ROW;
        if (!required) {
            Str shown = az_pretty(ctx, function);
            return az_fail(ctx, (PlOrigin){0}, "_LEGACY_ERROR_TEMP_1036",
                           "Window Frame of %.*s must match the required frame specifiedwindowframe(RowFrame, unboundedpreceding$(), "
                           "currentrow$()).",
                           STR_ARG(shown));
        }
    }
    return true;
}

const TxExpr *az_window(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    AzScope inner = *scope;
    inner.is_window_function = true;
    const TxExpr *function = az_expr(ctx, px->window.function, &inner);
    if (function == NULL) {
        return NULL;
    }
    bool is_aggregate = function->tag == TX_AGGREGATE;
    bool is_window = function->tag == TX_CALL && function->call.fn->kind == PL_FN_WINDOW;
    if (!is_aggregate && !is_window) {
        Str shown = az_quote_expr(ctx, function);
        az_fail(ctx, px->origin, "UNSUPPORTED_EXPR_FOR_WINDOW", "Expression %.*s not supported within a window function.", STR_ARG(shown));
        return NULL;
    }
    if (is_aggregate && function->aggregate.is_distinct) {
        Str shown = az_quote_expr(ctx, function);
        az_fail(ctx, px->origin, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", "Distinct window functions are not supported: %.*s.", STR_ARG(shown));
        return NULL;
    }
    if (is_aggregate && function->aggregate.filter != NULL) {
        az_fail(ctx, (PlOrigin){0}, "_LEGACY_ERROR_TEMP_1030", "Window aggregate function with filter predicate is not supported yet.");
        return NULL;
    }
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    expr->tag = TX_WINDOW;
    expr->type = function->type;
    expr->nullable = function->nullable;
    expr->window.function = function;
    expr->window.npartition = px->window.npartition;
    expr->window.partition = ARENA_ARRAY(ctx->arena, const TxExpr *, px->window.npartition);
    for (size_t i = 0; i < px->window.npartition; i++) {
        expr->window.partition[i] = az_expr(ctx, px->window.partition[i], scope);
        if (expr->window.partition[i] == NULL) {
            return NULL;
        }
    }
    TySort *keys = NULL;
    if (!az_sort_keys(ctx, px->window.order, px->window.norder, scope, &keys)) {
        return NULL;
    }
    expr->window.order = keys;
    expr->window.norder = px->window.norder;
    return frame(ctx, px, scope, expr) ? expr : NULL;
}

/* ---- extraction ---- */

typedef struct Extract {
    AzCtx *ctx;
    AzColumns windows;
} Extract;

static const TxExpr *take_windows(void *self, const TxExpr *expr) {
    Extract *out = self;
    if (expr->tag != TX_WINDOW) {
        return pl_expr_map_children(out->ctx->arena, expr, take_windows, out);
    }
    for (size_t i = 0; i < out->windows.count; i++) {
        if (pl_expr_equal(out->windows.items[i].expr, expr)) {
            return az_column(out->ctx, &out->windows.items[i].attr);
        }
    }
    TyNamed made = az_named(out->ctx, az_pretty(out->ctx, expr), expr);
    VEC_PUSH(&out->windows, made);
    return az_column(out->ctx, &made.attr);
}

const TrRel *az_extract_windows(AzCtx *ctx, const TrRel *input, TyNamed *columns, size_t ncolumns) {
    Extract out = {.ctx = ctx, .windows = {.arena = ctx->arena}};
    for (size_t i = 0; i < ncolumns; i++) {
        columns[i].expr = take_windows(&out, columns[i].expr);
    }
    if (out.windows.count == 0) {
        return input;
    }
    /* Python functions in a window's arguments run before it. */
    input = az_extract_python(ctx, input, out.windows.items, out.windows.count);
    if (input == NULL) {
        return NULL;
    }
    TrRel *tr = az_tr(ctx, TR_WINDOW, input);
    tr->noutput = input->noutput + out.windows.count;
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, tr->noutput);
    if (input->noutput > 0) {
        memcpy(output, input->output, input->noutput * sizeof *output);
    }
    for (size_t i = 0; i < out.windows.count; i++) {
        output[input->noutput + i] = out.windows.items[i].attr;
    }
    tr->output = output;
    tr->window.columns = out.windows.items;
    tr->window.ncolumns = out.windows.count;
    return tr;
}
