/* window.c - OVER (…), the WINDOW clause, frames and sort items.
 *
 * A window may be named before it is defined (SELECT … OVER w … WINDOW w AS (…)). Such a PX_WINDOW is kept in p->pending and completed when the
 * clause comes; the tree is handed out only after that, so whoever sees it sees whole windows.
 */
#include "sql/parser.h"

const PxExpr *sq_sort_item(SqParser *p) {
    size_t first = p->pos;
    const PxExpr *child = sq_expression(p);
    bool descending = sq_accept(p, SQ_KW_DESC);
    if (!descending) {
        (void)sq_accept(p, SQ_KW_ASC);
    }
    bool nulls_first = !descending;
    if (sq_is(p, SQ_KW_NULLS) && (sq_peek(p, 1) == SQ_KW_FIRST || sq_peek(p, 1) == SQ_KW_LAST)) {
        nulls_first = sq_peek(p, 1) == SQ_KW_FIRST;
        p->pos += 2;
    }
    PxExpr *e = sq_expr(p, PX_SORT, first);
    e->sort.child = child;
    e->sort.descending = descending;
    e->sort.nulls_first = nulls_first;
    return e;
}

/* A constant that PRECEDING can turn into its negative. */
static bool is_negatable(const PxExpr *e) {
    if (e == NULL || e->tag != PX_LITERAL || e->literal->is_null) {
        return false;
    }
    PlTypeKind kind = e->literal->type->kind;
    return (pl_type_is_integral(e->literal->type) || kind == PL_TYPE_DAY_TIME_INTERVAL || kind == PL_TYPE_YEAR_MONTH_INTERVAL) &&
           e->literal->i != INT64_MIN;
}

/* UNBOUNDED PRECEDING, CURRENT ROW, 3 FOLLOWING */
static void frame_bound(SqParser *p, bool is_lower, PlBound *ret_kind, const PxExpr **ret_value) {
    size_t first = p->pos;
    if (sq_is(p, SQ_KW_UNBOUNDED) && (sq_peek(p, 1) == SQ_KW_PRECEDING || sq_peek(p, 1) == SQ_KW_FOLLOWING)) {
        *ret_kind = PL_BOUND_UNBOUNDED;
        if ((sq_peek(p, 1) == SQ_KW_PRECEDING) != is_lower) {
            sq_note(p, first, "SOLDER.NOT_SUPPORTED", "A window frame cannot %s UNBOUNDED %s.", is_lower ? "start at" : "end at",
                    is_lower ? "FOLLOWING" : "PRECEDING");
        }
        p->pos += 2;
        return;
    }
    if (sq_is(p, SQ_KW_CURRENT) && sq_peek(p, 1) == SQ_KW_ROW) {
        *ret_kind = PL_BOUND_CURRENT_ROW;
        p->pos += 2;
        return;
    }
    const PxExpr *value = sq_expression(p);
    *ret_kind = PL_BOUND_VALUE;
    if (sq_accept(p, SQ_KW_PRECEDING)) {
        if (is_negatable(value)) {
            PlValue minus = *value->literal;
            minus.i = -minus.i;
            value = sq_literal(p, first, minus);
        } else {
            value = sq_call1(p, first, "negative", value);
        }
    } else {
        sq_expect(p, SQ_KW_FOLLOWING);
    }
    *ret_value = value;
}

static PxFrame frame_clause(SqParser *p) {
    PxFrame frame = {.type = sq_is(p, SQ_KW_ROWS) ? PL_FRAME_ROWS : PL_FRAME_RANGE};
    p->pos++;
    if (sq_accept(p, SQ_KW_BETWEEN)) {
        frame_bound(p, true, &frame.lower_kind, &frame.lower);
        sq_expect(p, SQ_KW_AND);
        frame_bound(p, false, &frame.upper_kind, &frame.upper);
    } else {
        frame_bound(p, true, &frame.lower_kind, &frame.lower);
        frame.upper_kind = PL_BOUND_CURRENT_ROW;
    }
    return frame;
}

/* The inside of the parentheses, into a window whose function is known. */
static void window_body(SqParser *p, PxExpr *window) {
    SqExprs partition = {.arena = p->arena};
    SqExprs order = {.arena = p->arena};
    bool is_cluster = sq_is(p, SQ_KW_CLUSTER) && sq_peek(p, 1) == SQ_KW_BY;
    if (is_cluster || ((sq_is(p, SQ_KW_PARTITION) || sq_is(p, SQ_KW_DISTRIBUTE)) && sq_peek(p, 1) == SQ_KW_BY)) {
        p->pos += 2;
        partition = sq_expressions(p);
    }
    if (!is_cluster && (sq_is(p, SQ_KW_ORDER) || sq_is(p, SQ_KW_SORT)) && sq_peek(p, 1) == SQ_KW_BY) {
        p->pos += 2;
        do {
            VEC_PUSH(&order, sq_sort_item(p));
        } while (sq_accept(p, SQ_TOK_COMMA));
    }
    if (sq_is(p, SQ_KW_ROWS) || sq_is(p, SQ_KW_RANGE)) {
        window->window.frame = frame_clause(p);
    }
    window->window.partition = partition.items;
    window->window.npartition = partition.count;
    window->window.order = order.items;
    window->window.norder = order.count;
}

const PxExpr *sq_over(SqParser *p, size_t first_token, const PxExpr *function) {
    PxExpr *window = sq_expr(p, PX_WINDOW, first_token);
    window->window.function = function;
    bool is_name = sq_is_identifier(sq_peek(p, 0));
    bool is_name_in_parentheses = sq_is(p, SQ_TOK_LPAREN) && sq_is_identifier(sq_peek(p, 1)) && sq_peek(p, 2) == SQ_TOK_RPAREN;
    if (is_name || is_name_in_parentheses) {
        (void)sq_accept(p, SQ_TOK_LPAREN);
        Str name = sq_identifier(p);
        if (is_name_in_parentheses) {
            sq_expect(p, SQ_TOK_RPAREN);
        }
        VEC_PUSH(&p->pending, (SqPendingWindow){.window = window, .name = name});
    } else {
        size_t open = p->pos;
        sq_expect(p, SQ_TOK_LPAREN);
        window_body(p, window);
        sq_expect(p, SQ_TOK_RPAREN);
        if (p->failed && p->failed_at == open + 1) { /* Spark then reads OVER as an alias, and finds the parenthesis too much */
            p->failed_at = open;
            p->hint = open + 2 == p->tokens.count ? SQ_HINT_EXTRA : SQ_HINT_NONE;
        }
    }
    window->origin = sq_origin(p, first_token);
    return window;
}

typedef struct NamedWindow {
    Str name;
    PxExpr *definition;
} NamedWindow;

static void settle(SqParser *p, size_t pending_from, const NamedWindow *definition) {
    for (size_t i = pending_from; i < p->pending.count; i++) {
        SqPendingWindow *pending = &p->pending.items[i];
        if (pending->window == NULL || !str_eq_nocase(pending->name, definition->name)) {
            continue;
        }
        pending->window->window.partition = definition->definition->window.partition;
        pending->window->window.npartition = definition->definition->window.npartition;
        pending->window->window.order = definition->definition->window.order;
        pending->window->window.norder = definition->definition->window.norder;
        pending->window->window.frame = definition->definition->window.frame;
        pending->window = NULL;
    }
}

void sq_window_clause(SqParser *p, size_t pending_from) {
    VEC(NamedWindow) named = {.arena = p->arena};
    size_t clause = p->pos - 1;
    do {
        size_t first = p->pos;
        Str name = sq_identifier(p);
        PxExpr *definition = sq_expr(p, PX_WINDOW, first);
        sq_expect(p, SQ_KW_AS);
        for (size_t i = 0; i < named.count; i++) {
            if (str_eq_nocase(named.items[i].name, name)) {
                sq_note(p, clause, "INVALID_SQL_SYNTAX.REPETITIVE_WINDOW_DEFINITION",
                        "Invalid SQL syntax: The definition of window `%.*s` is repetitive.", STR_ARG(name));
            }
        }
        bool is_reference = sq_is_identifier(sq_peek(p, 0));
        bool has_reference = sq_is(p, SQ_TOK_LPAREN) && sq_is_identifier(sq_peek(p, 1)) && sq_peek(p, 2) == SQ_TOK_RPAREN;
        if (is_reference || has_reference) {
            (void)sq_accept(p, SQ_TOK_LPAREN);
            Str other = sq_identifier(p);
            if (has_reference) {
                sq_expect(p, SQ_TOK_RPAREN);
            }
            for (size_t i = 0; i < named.count; i++) {
                if (str_eq_nocase(named.items[i].name, other)) {
                    *definition = *named.items[i].definition;
                }
            }
        } else {
            sq_expect(p, SQ_TOK_LPAREN);
            window_body(p, definition);
            sq_expect(p, SQ_TOK_RPAREN);
        }
        VEC_PUSH(&named, (NamedWindow){.name = name, .definition = definition});
    } while (sq_accept(p, SQ_TOK_COMMA));
    if (p->failed && p->failed_at < p->tokens.count) {
        p->failed_at = clause;
        p->hint = SQ_HINT_NONE;
    }
    for (size_t i = 0; i < named.count; i++) {
        settle(p, pending_from, &named.items[i]);
    }
}

void sq_check_windows(SqParser *p) {
    for (size_t i = 0; i < p->pending.count; i++) {
        if (p->pending.items[i].window != NULL && !p->noted->is_set) {
            (void)err_set(p->noted, "MISSING_WINDOW_SPECIFICATION",
                          "[MISSING_WINDOW_SPECIFICATION] Window specification %.*s is not defined in the WINDOW clause. For more information about "
                          "WINDOW clauses, please refer to '<docroot>/sql-ref-syntax-qry-select-window.html'.",
                          STR_ARG(p->pending.items[i].name));
        }
    }
}
