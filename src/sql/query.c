/* query.c - queries: WITH, set operations and their order, SELECT and its clauses, ORDER BY … LIMIT.
 *
 * INTERSECT binds tighter than UNION and EXCEPT, which are of one rank and associate to the left.
 * Invariant: a clause becomes one relation over the one before: FROM, LATERAL VIEW, WHERE, GROUP BY/SELECT, DISTINCT; then, over the whole
 * query with its set operations, ORDER BY, LIMIT, OFFSET.
 */
#include "sql/parser.h"

bool sq_continues_query(const SqParser *p, size_t ahead) {
    SqTok tok = sq_peek(p, ahead);
    SqTok next = sq_peek(p, ahead + 1);
    switch ((int)tok) {
    case SQ_KW_FROM:
        return sq_is_identifier(next) || next == SQ_TOK_LPAREN;
    case SQ_KW_WHERE:
    case SQ_KW_HAVING:
        return sq_starts_expression(next);
    case SQ_KW_LIMIT:
    case SQ_KW_OFFSET:
        return sq_starts_expression(next) && next != SQ_TOK_ASTERISK;
    case SQ_KW_GROUP:
    case SQ_KW_ORDER:
    case SQ_KW_SORT:
    case SQ_KW_CLUSTER:
    case SQ_KW_DISTRIBUTE:
        return next == SQ_KW_BY;
    case SQ_KW_WINDOW:
        return sq_is_identifier(next) && sq_peek(p, ahead + 2) == SQ_KW_AS;
    case SQ_KW_LATERAL:
        return next == SQ_KW_VIEW;
    case SQ_KW_UNION:
    case SQ_KW_EXCEPT:
    case SQ_KW_MINUS:
    case SQ_KW_INTERSECT:
        return next == SQ_KW_ALL || next == SQ_KW_DISTINCT || next == SQ_TOK_LPAREN ||
               (sq_starts_query(p, ahead + 1) && next != SQ_KW_FROM) || (tok == SQ_KW_UNION && next == SQ_KW_FROM);
    case SQ_KW_PIVOT:
    case SQ_KW_TABLESAMPLE:
        return next == SQ_TOK_LPAREN;
    case SQ_KW_UNPIVOT:
        return next == SQ_TOK_LPAREN || next == SQ_KW_INCLUDE || next == SQ_KW_EXCLUDE;
    case SQ_KW_SELECT:
        return sq_starts_expression(next);
    default:
        return false;
    }
}

static PrRel *project(SqParser *p, size_t first, const PrRel *input, const SqExprs *list) {
    PrRel *rel = sq_rel(p, PR_PROJECT, first, input);
    rel->project.exprs = list->items;
    rel->project.nexprs = list->count;
    return rel;
}

static const PrRel *filter(SqParser *p, size_t first, const PrRel *input) {
    const PxExpr *condition = sq_condition(p);
    PrRel *rel = sq_rel(p, PR_FILTER, first, input);
    rel->filter.condition = condition;
    return rel;
}

/* Hints, BROADCAST(t), REPARTITION(3): each a call. */
static void hints(SqParser *p, SqExprs *list) {
    while (sq_accept(p, SQ_TOK_HINT_START)) {
        bool has_more = true;
        while (!p->failed && (has_more || !sq_is(p, SQ_TOK_HINT_END))) {
            size_t first = p->pos;
            Str name = sq_identifier(p);
            SqExprs args = {.arena = p->arena};
            if (sq_accept(p, SQ_TOK_LPAREN)) {
                if (!sq_is(p, SQ_TOK_RPAREN)) {
                    args = sq_expressions(p);
                }
                sq_expect(p, SQ_TOK_RPAREN);
            }
            VEC_PUSH(list, sq_call(p, first, name, args.items, args.count));
            has_more = sq_accept(p, SQ_TOK_COMMA);
        }
        sq_expect(p, SQ_TOK_HINT_END);
    }
}

/* What stands behind SELECT's list: the rest of a query specification over the relation that it reads. */
static const PrRel *after_list(SqParser *p, size_t first, const PrRel *from, const SqExprs *list) {
    if (sq_is(p, SQ_KW_WHERE)) {
        size_t at = p->pos;
        sq_expect(p, SQ_KW_WHERE);
        from = filter(p, at, from);
    }
    bool has_group = sq_is(p, SQ_KW_GROUP) && sq_peek(p, 1) == SQ_KW_BY;
    PrRel *aggregate = NULL;
    if (has_group || sq_is(p, SQ_KW_HAVING)) {
        aggregate = sq_rel(p, PR_AGGREGATE, first, from);
        aggregate->aggregate.type = PL_GROUP_BY;
        aggregate->aggregate.is_select_list = true;
        aggregate->aggregate.aggregates = list->items;
        aggregate->aggregate.naggregates = list->count;
    }
    if (has_group) {
        p->pos += 2;
        sq_group_by(p, aggregate);
    }
    if (sq_accept(p, SQ_KW_HAVING)) {
        aggregate->aggregate.having = sq_condition(p);
    }
    if (aggregate != NULL) {
        aggregate->origin = sq_origin(p, first);
        return aggregate;
    }
    return project(p, first, from, list);
}

/* SELECT … without FROM in front; from not NULL: the form FROM t SELECT …, whose relation is already read. */
static const PrRel *select_specification(SqParser *p, const PrRel *from) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_SELECT);
    SqExprs hint_list = {.arena = p->arena};
    hints(p, &hint_list);
    bool is_distinct = false;
    SqTok next = sq_peek(p, 1);
    if ((sq_is(p, SQ_KW_DISTINCT) || sq_is(p, SQ_KW_ALL)) && sq_starts_expression(next) && !sq_continues_query(p, 1)) {
        is_distinct = sq_is(p, SQ_KW_DISTINCT);
        p->pos++;
    }
    SqExprs list = sq_named_expressions(p);
    if (from == NULL) {
        if (sq_is(p, SQ_KW_FROM)) {
            sq_expect(p, SQ_KW_FROM);
            from = sq_from_clause(p);
        } else {
            from = sq_rel(p, PR_ONE_ROW, first, NULL);
        }
    }
    from = sq_lateral_views(p, from);
    const PrRel *rel = after_list(p, first, from, &list);
    if (is_distinct) {
        PrRel *distinct = sq_rel(p, PR_DEDUPLICATE, first, rel);
        distinct->deduplicate.all_columns = true;
        rel = distinct;
    }
    if (hint_list.count > 0) {
        PrRel *hint = sq_rel(p, PR_HINT, first, rel);
        hint->project.exprs = hint_list.items;
        hint->project.nexprs = hint_list.count;
        rel = hint;
    }
    return rel;
}

static const PrRel *query_primary(SqParser *p) {
    size_t first = p->pos;
    if (sq_is(p, SQ_TOK_LPAREN)) {
        if (!sq_deeper(p)) {
            p->depth--;
            return NULL;
        }
        sq_expect(p, SQ_TOK_LPAREN);
        const PrRel *rel = sq_query(p);
        sq_expect(p, SQ_TOK_RPAREN);
        p->depth--;
        return rel;
    }
    if (sq_is(p, SQ_KW_SELECT)) {
        return select_specification(p, NULL);
    }
    if (sq_is(p, SQ_KW_VALUES)) {
        return sq_inline_table(p);
    }
    if (sq_accept(p, SQ_KW_TABLE)) {
        size_t nparts;
        const Str *parts = sq_multipart(p, &nparts);
        return sq_table(p, first, parts, nparts);
    }
    if (sq_accept(p, SQ_KW_FROM)) {
        const PrRel *from = sq_from_clause(p);
        if (!sq_is(p, SQ_KW_SELECT)) {
            sq_fail(p);
            return NULL;
        }
        return select_specification(p, from);
    }
    sq_fail(p);
    return NULL;
}

static const PrRel *set_operation(SqParser *p, size_t first, const PrRel *left, PlSetOp op, bool is_all, const PrRel *right) {
    PrRel *rel = sq_rel(p, PR_SET_OP, first, left);
    rel->right = right;
    rel->set_op.op = op;
    rel->set_op.is_all = is_all;
    return rel;
}

static bool accept_all(SqParser *p) {
    if (sq_accept(p, SQ_KW_ALL)) {
        return true;
    }
    (void)sq_accept(p, SQ_KW_DISTINCT);
    return false;
}

static const PrRel *query_term(SqParser *p, bool is_intersection) {
    size_t first = p->pos;
    const PrRel *left = is_intersection ? query_primary(p) : query_term(p, true);
    for (size_t count = 0;; count++) {
        SqTok tok = sq_peek(p, 0);
        bool is_mine = is_intersection ? tok == SQ_KW_INTERSECT : tok == SQ_KW_UNION || tok == SQ_KW_EXCEPT || tok == SQ_KW_MINUS;
        if (!is_mine || sq_chain_is_too_long(p, count)) {
            return left;
        }
        p->pos++;
        bool is_all = accept_all(p);
        const PrRel *right = is_intersection ? query_primary(p) : query_term(p, true);
        PlSetOp op = tok == SQ_KW_UNION ? PL_SET_UNION : tok == SQ_KW_INTERSECT ? PL_SET_INTERSECT : PL_SET_EXCEPT;
        left = set_operation(p, first, left, op, is_all, right);
    }
}

static const PrRel *sorted(SqParser *p, size_t first, const PrRel *input, bool is_global) {
    SqExprs order = {.arena = p->arena};
    do {
        VEC_PUSH(&order, sq_sort_item(p));
    } while (sq_accept(p, SQ_TOK_COMMA));
    PrRel *rel = sq_rel(p, PR_SORT, first, input);
    rel->sort.order = order.items;
    rel->sort.norder = order.count;
    rel->sort.is_global = is_global;
    return rel;
}

static const PrRel *distributed(SqParser *p, size_t first, const PrRel *input, const SqExprs *by) {
    PrRel *rel = sq_rel(p, PR_REPARTITION, first, input);
    rel->partition.count = -1;
    rel->partition.shuffle = true;
    rel->partition.exprs = by->items;
    rel->partition.nexprs = by->count;
    return rel;
}

/* CLUSTER BY a: DISTRIBUTE BY a SORT BY a. */
static const PrRel *clustered(SqParser *p, size_t first, const PrRel *input) {
    SqExprs by = sq_expressions(p);
    PrRel *rel = sq_rel(p, PR_SORT, first, distributed(p, first, input, &by));
    rel->sort.order = ARENA_ARRAY(p->arena, const PxExpr *, by.count);
    rel->sort.norder = by.count;
    for (size_t i = 0; i < by.count; i++) {
        PxExpr *key = sq_expr(p, PX_SORT, first);
        key->sort.child = by.items[i];
        key->sort.nulls_first = true;
        rel->sort.order[i] = key;
    }
    return rel;
}

static const PrRel *limited(SqParser *p, size_t first, const PrRel *input, PrTag tag, const PxExpr *e) {
    PrRel *rel = sq_rel(p, tag, first, input);
    rel->limit.expr = e;
    if (e != NULL && e->tag == PX_LITERAL && pl_type_is_integral(e->literal->type)) {
        rel->limit.count = e->literal->i;
    }
    return rel;
}

static bool accept_by(SqParser *p, SqTok tok) {
    if (!sq_is(p, tok) || sq_peek(p, 1) != SQ_KW_BY) {
        return false;
    }
    p->pos += 2;
    return true;
}

/* ORDER BY … OFFSET … over a whole query. */
static const PrRel *organised(SqParser *p, size_t first, size_t pending_from, const PrRel *rel) {
    size_t at = p->pos;
    bool has_order = false;
    size_t nclauses = 0;
    if (sq_is(p, SQ_KW_ORDER) && sq_peek(p, 1) == SQ_KW_BY && sq_peek(p, 2) == SQ_TOK_EOF) {
        sq_fail(p);
    }
    if (accept_by(p, SQ_KW_ORDER)) {
        rel = sorted(p, first, rel, true);
        has_order = true;
        nclauses++;
    }
    if (accept_by(p, SQ_KW_CLUSTER)) {
        rel = clustered(p, first, rel);
        nclauses += 2;
    }
    if (accept_by(p, SQ_KW_DISTRIBUTE)) {
        SqExprs by = sq_expressions(p);
        rel = distributed(p, first, rel, &by);
        nclauses++;
        if (accept_by(p, SQ_KW_SORT)) {
            rel = sorted(p, first, rel, false);
        }
    } else if (accept_by(p, SQ_KW_SORT)) {
        rel = sorted(p, first, rel, false);
        nclauses++;
    }
    if (nclauses > (has_order ? 1u : 2u) || (nclauses == 2 && has_order)) {
        sq_note(p, at, "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES",
                "The feature is not supported: Combination of ORDER BY/SORT BY/DISTRIBUTE BY/CLUSTER BY.");
    }
    if (sq_is(p, SQ_KW_WINDOW)) {
        sq_expect(p, SQ_KW_WINDOW);
        sq_window_clause(p, pending_from);
    }
    const PxExpr *limit = NULL;
    size_t at_limit = p->pos;
    if (sq_accept(p, SQ_KW_LIMIT)) {
        if (!sq_accept(p, SQ_KW_ALL)) {
            limit = sq_expression(p);
        }
    }
    if (sq_accept(p, SQ_KW_OFFSET)) {
        rel = limited(p, first, rel, PR_OFFSET, sq_expression(p));
    }
    if (limit != NULL) { /* rows are skipped before they are counted */
        rel = limited(p, at_limit, rel, PR_LIMIT, limit);
    }
    return rel;
}

typedef VEC(Str) Names;
typedef VEC(const PrRel *) Plans;

/* WITH is taken. */
static void common_table_expressions(SqParser *p, Names *names, Plans *plans) {
    size_t at_with = p->pos - 1;
    do {
        size_t first = p->pos;
        Str name = sq_identifier(p);
        const Str *columns = NULL;
        size_t ncolumns = 0;
        if (sq_is(p, SQ_TOK_LPAREN)) {
            columns = sq_identifier_list(p, &ncolumns);
        }
        (void)sq_accept(p, SQ_KW_AS);
        sq_expect(p, SQ_TOK_LPAREN);
        const PrRel *plan = sq_query(p);
        sq_expect(p, SQ_TOK_RPAREN);
        for (size_t i = 0; i < names->count; i++) {
            if (str_eq_nocase(names->items[i], name)) {
                sq_note(p, at_with, "_LEGACY_ERROR_TEMP_0038", "CTE definition can't have duplicate names: '%.*s'.", STR_ARG(name));
            }
        }
        if (ncolumns > 0) {
            PrRel *alias = sq_rel(p, PR_SUBQUERY_ALIAS, first, plan);
            alias->alias.name = name;
            alias->alias.columns = columns;
            alias->alias.ncolumns = ncolumns;
            plan = alias;
        }
        VEC_PUSH(names, name);
        VEC_PUSH(plans, plan);
    } while (sq_accept(p, SQ_TOK_COMMA));
}

PrRel *sq_with(SqParser *p) {
    size_t first = p->pos;
    Names names = {.arena = p->arena};
    Plans plans = {.arena = p->arena};
    sq_expect(p, SQ_KW_WITH);
    common_table_expressions(p, &names, &plans);
    PrRel *with = sq_rel(p, PR_WITH, first, NULL);
    with->with.names = names.items;
    with->with.plans = plans.items;
    with->with.count = names.count;
    return with;
}

const PrRel *sq_query(SqParser *p) {
    if (!sq_deeper(p)) {
        p->depth--;
        return NULL;
    }
    size_t first = p->pos;
    size_t pending_from = p->pending.count;
    PrRel *with = sq_is(p, SQ_KW_WITH) ? sq_with(p) : NULL;
    const PrRel *rel = query_term(p, false);
    rel = organised(p, first, pending_from, rel);
    if (with != NULL) {
        with->input = rel;
        with->origin = sq_origin(p, first);
        rel = with;
    }
    p->depth--;
    return rel;
}
