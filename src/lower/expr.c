/* lower/expr.c - typed expressions as SQL text.
 *
 * Used by every relation writer. Invariant: see lo_internal.h: self-contained text of exactly the carrier type.
 */
#include "lower/lo_internal.h"

Str lo_expr(Lo *lo, const TxExpr *expr) {
    StrBuf out = {.arena = lo->arena};
    lo_write_expr(lo, &out, expr);
    return strbuf_str(&out);
}

static bool exprs_equal(const TxExpr *const *a, const TxExpr *const *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!lo_expr_equal(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

bool lo_expr_equal(const TxExpr *a, const TxExpr *b) {
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->tag != b->tag || !pl_type_equal(a->type, b->type)) {
        return false;
    }
    switch (a->tag) {
    case TX_LITERAL: return pl_value_equal(a->literal, b->literal);
    case TX_COLUMN: return a->column.id == b->column.id;
    case TX_CALL: return a->call.fn == b->call.fn && a->call.nargs == b->call.nargs && exprs_equal(a->call.args, b->call.args, a->call.nargs);
    case TX_CAST: return a->cast.mode == b->cast.mode && lo_expr_equal(a->cast.child, b->cast.child);
    case TX_CASE:
        return a->cases.nwhen == b->cases.nwhen && exprs_equal(a->cases.when, b->cases.when, a->cases.nwhen * 2) &&
               lo_expr_equal(a->cases.otherwise, b->cases.otherwise);
    case TX_FIELD: return a->field.index == b->field.index && lo_expr_equal(a->field.child, b->field.child);
    case TX_LAMBDA:
    case TX_AGGREGATE:
    case TX_WINDOW:
    case TX_PYTHON_UDF:
    case TX_SUBQUERY: return false; /* their parameters have ids of their own */
    }
    return false;
}

static void write_column(Lo *lo, StrBuf *out, const TxExpr *expr) {
    for (const LoSubstitute *s = lo->substitutes; s != NULL; s = s->outer) {
        if (s->id == expr->column.id) {
            strbuf_add(out, s->sql);
            return;
        }
    }
    strbuf_fmt(out, "c%u", (unsigned)expr->column.id);
}

static void write_case(Lo *lo, StrBuf *out, const TxExpr *expr) {
    strbuf_add_c(out, "(CASE");
    for (size_t i = 0; i < expr->cases.nwhen; i++) {
        strbuf_add_c(out, " WHEN ");
        lo_write_expr(lo, out, expr->cases.when[2 * i]);
        strbuf_add_c(out, " THEN ");
        lo_write_expr(lo, out, expr->cases.when[2 * i + 1]);
    }
    if (expr->cases.otherwise != NULL) {
        strbuf_add_c(out, " ELSE ");
        lo_write_expr(lo, out, expr->cases.otherwise);
    }
    strbuf_add_c(out, " END)");
}

static void write_aggregate_call(Lo *lo, StrBuf *out, const TxExpr *expr) {
    /* Arguments are of the aggregate's input, where the grouping columns have their own names. */
    size_t ngroups = lo->ngroups;
    lo->ngroups = 0;
    LoCall call = {.fn = expr->aggregate.fn,
                   .args = expr->aggregate.args,
                   .nargs = expr->aggregate.nargs,
                   .type = expr->type,
                   .ignore_nulls = expr->aggregate.ignore_nulls};
    if (expr->aggregate.is_distinct) {
        call.distinct = STR("DISTINCT ");
    }
    if (expr->aggregate.filter != NULL) {
        call.filter = lo_expr(lo, expr->aggregate.filter);
        call.over = str_fmt(lo->arena, " FILTER (WHERE %.*s)", STR_ARG(call.filter));
    }
    lo_write_call(lo, out, &call);
    lo->ngroups = ngroups;
}

static void write_bound(Lo *lo, StrBuf *out, TyFrameBound bound, const TxExpr *offset) {
    switch (bound) {
    case TY_BOUND_UNBOUNDED_PRECEDING: strbuf_add_c(out, "UNBOUNDED PRECEDING"); return;
    case TY_BOUND_CURRENT_ROW: strbuf_add_c(out, "CURRENT ROW"); return;
    case TY_BOUND_UNBOUNDED_FOLLOWING: strbuf_add_c(out, "UNBOUNDED FOLLOWING"); return;
    case TY_BOUND_PRECEDING:
    case TY_BOUND_FOLLOWING:
        lo_write_expr(lo, out, offset);
        strbuf_add_c(out, bound == TY_BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
        return;
    }
}

static void write_window_call(Lo *lo, StrBuf *out, const TxExpr *expr) {
    const TxExpr *function = expr->window.function;
    bool is_aggregate = function->tag == TX_AGGREGATE;
    StrBuf over = {.arena = lo->arena};
    LoCall call = {.type = expr->type, .is_window = true};
    if (is_aggregate) {
        call.fn = function->aggregate.fn;
        call.args = function->aggregate.args;
        call.nargs = function->aggregate.nargs;
        call.ignore_nulls = function->aggregate.ignore_nulls;
        if (function->aggregate.is_distinct) {
            call.distinct = STR("DISTINCT ");
        }
        if (function->aggregate.filter != NULL) {
            call.filter = lo_expr(lo, function->aggregate.filter);
            strbuf_fmt(&over, " FILTER (WHERE %.*s)", STR_ARG(call.filter));
        }
    } else {
        call.fn = function->call.fn;
        call.args = function->call.args;
        call.nargs = function->call.nargs;
    }
    strbuf_add_c(&over, " OVER (");
    for (size_t i = 0; i < expr->window.npartition; i++) {
        strbuf_add_c(&over, i > 0 ? ", " : "PARTITION BY ");
        lo_write_expr(lo, &over, expr->window.partition[i]);
    }
    lo_write_order(lo, &over, expr->window.order, expr->window.norder);
    /* Rank-like functions have no frame of their own. */
    bool has_frame = is_aggregate || strcmp(call.fn->lower, "@nth_value") == 0;
    if (!has_frame) {
        strbuf_add_char(&over, ')');
        call.over = strbuf_str(&over);
        lo_write_call(lo, out, &call);
        return;
    }
    strbuf_add_c(&over, expr->window.frame == PL_FRAME_ROWS ? " ROWS BETWEEN " : " RANGE BETWEEN ");
    write_bound(lo, &over, expr->window.lower, expr->window.lower_offset);
    strbuf_add_c(&over, " AND ");
    write_bound(lo, &over, expr->window.upper, expr->window.upper_offset);
    strbuf_add_char(&over, ')');
    call.over = strbuf_str(&over);
    lo_write_call(lo, out, &call);
}

static void write_subquery(Lo *lo, StrBuf *out, const TxExpr *expr) {
    switch (expr->subquery.kind) {
    case PL_SUBQUERY_SCALAR: strbuf_add_c(out, "("); break;
    case PL_SUBQUERY_EXISTS: strbuf_add_c(out, expr->subquery.is_negated ? "(NOT EXISTS (" : "(EXISTS ("); break;
    case PL_SUBQUERY_IN:
        strbuf_add_c(out, "((");
        for (size_t i = 0; i < expr->subquery.nvalues; i++) {
            strbuf_add_c(out, i > 0 ? ", " : "");
            lo_write_expr(lo, out, expr->subquery.values[i]);
        }
        strbuf_add_c(out, expr->subquery.is_negated ? ") NOT IN (" : ") IN (");
        break;
    }
    lo_write_correlated(lo, out, expr->subquery.plan);
    strbuf_add_c(out, expr->subquery.kind == PL_SUBQUERY_SCALAR ? ")" : "))");
}

void lo_write_expr(Lo *lo, StrBuf *out, const TxExpr *expr) {
    if (lo->err->is_set) {
        return;
    }
    for (size_t i = 0; i < lo->ngroups; i++) {
        if (lo_expr_equal(lo->groups[i], expr)) {
            strbuf_add(out, lo->group_columns[i]);
            return;
        }
    }
    switch (expr->tag) {
    case TX_LITERAL: lo_write_literal(lo, out, expr->literal); return;
    case TX_COLUMN: write_column(lo, out, expr); return;
    case TX_CALL: {
        LoCall call = {.fn = expr->call.fn, .args = expr->call.args, .nargs = expr->call.nargs, .type = expr->type};
        lo_write_call(lo, out, &call);
        return;
    }
    case TX_CAST:
        if (expr->cast.child->type->kind == PL_TYPE_NULL && expr->cast.child->tag == TX_CALL) { /* raise_error: it must run */
            Str child = lo_expr(lo, expr->cast.child);
            strbuf_fmt(out, "(CASE WHEN %.*s IS NULL THEN CAST(NULL AS %.*s) END)", STR_ARG(child), STR_ARG(lo_duckdb_type(lo->arena, expr->type)));
            return;
        }
        lo_write_cast(lo, out, lo_expr(lo, expr->cast.child), expr->cast.child->type, expr->type, expr->cast.mode);
        return;
    case TX_CASE: write_case(lo, out, expr); return;
    case TX_FIELD:
        strbuf_add_c(out, "struct_extract(");
        lo_write_expr(lo, out, expr->field.child);
        strbuf_fmt(out, ", 'f%zu')", expr->field.index);
        return;
    case TX_LAMBDA:
        strbuf_add_c(out, "lambda ");
        for (size_t i = 0; i < expr->lambda.nparams; i++) {
            strbuf_fmt(out, "%sc%u", i > 0 ? ", " : "", (unsigned)expr->lambda.params[i].id);
        }
        strbuf_add_c(out, ": ");
        lo_write_expr(lo, out, expr->lambda.body);
        return;
    case TX_AGGREGATE: write_aggregate_call(lo, out, expr); return;
    case TX_WINDOW: write_window_call(lo, out, expr); return;
    case TX_PYTHON_UDF: lo_not_supported(lo, "a Python function inside", STR("an expression")); return;
    case TX_SUBQUERY: write_subquery(lo, out, expr); return;
    }
}
