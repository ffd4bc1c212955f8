/* pivot.c - PIVOT and UNPIVOT in FROM. Which columns are grouped by, or kept, is for analyze/ to find: all that the clause does not name.
 */
#include "sql/parser.h"

/* a, or (a, b): a struct when there are several. */
static const PxExpr *members(SqParser *p, size_t *ret_count) {
    size_t first = p->pos;
    SqExprs list = {.arena = p->arena};
    if (sq_accept(p, SQ_TOK_LPAREN)) {
        do {
            size_t at = p->pos;
            size_t nparts;
            const Str *parts = sq_multipart(p, &nparts);
            VEC_PUSH(&list, sq_attribute(p, at, parts, nparts));
        } while (sq_accept(p, SQ_TOK_COMMA));
        sq_expect(p, SQ_TOK_RPAREN);
    } else {
        size_t nparts;
        const Str *parts = sq_multipart(p, &nparts);
        VEC_PUSH(&list, sq_attribute(p, first, parts, nparts));
    }
    *ret_count = list.count;
    return list.count == 1 ? list.items[0] : sq_call(p, first, STR("struct"), list.items, list.count);
}

static const PxExpr *maybe_alias(SqParser *p, size_t first, const PxExpr *e) {
    bool has_as = sq_accept(p, SQ_KW_AS);
    if (!has_as && !sq_is_identifier(sq_peek(p, 0))) {
        return e;
    }
    Str *name = ARENA_NEW(p->arena, Str);
    *name = sq_identifier(p);
    return sq_alias(p, first, e, name, 1);
}

/* PIVOT (sum(a) AS s, … FOR c IN (1 AS x, 2)) [alias] */
const PrRel *sq_pivot(SqParser *p, const PrRel *input) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_PIVOT);
    sq_expect(p, SQ_TOK_LPAREN);
    SqExprs aggregates = {.arena = p->arena};
    do {
        size_t at = p->pos;
        const PxExpr *e = sq_expression(p);
        bool has_alias = sq_is(p, SQ_KW_AS) || (sq_is_identifier(sq_peek(p, 0)) && !sq_is(p, SQ_KW_FOR));
        VEC_PUSH(&aggregates, has_alias ? maybe_alias(p, at, e) : e);
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_KW_FOR);
    SqExprs columns = {.arena = p->arena};
    bool is_list = sq_accept(p, SQ_TOK_LPAREN);
    do {
        size_t at = p->pos;
        Str *name = ARENA_NEW(p->arena, Str);
        *name = sq_identifier(p);
        VEC_PUSH(&columns, sq_attribute(p, at, name, 1));
    } while (is_list && sq_accept(p, SQ_TOK_COMMA));
    if (is_list) {
        sq_expect(p, SQ_TOK_RPAREN);
    }
    sq_expect(p, SQ_KW_IN);
    sq_expect(p, SQ_TOK_LPAREN);
    SqExprs values = {.arena = p->arena};
    do {
        size_t at = p->pos;
        VEC_PUSH(&values, maybe_alias(p, at, sq_expression(p)));
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_TOK_RPAREN);
    sq_expect(p, SQ_TOK_RPAREN);
    PrRel *rel = sq_rel(p, PR_PIVOT, first, input);
    rel->pivot.aggregates = aggregates.items;
    rel->pivot.naggregates = aggregates.count;
    rel->pivot.columns = columns.items;
    rel->pivot.ncolumns = columns.count;
    rel->pivot.values = values.items;
    rel->pivot.nvalues = values.count;
    return sq_table_alias(p, first, rel, NULL);
}

/* UNPIVOT [INCLUDE | EXCLUDE NULLS] (v FOR n IN (a AS 'x', b)) or ((v, w) FOR n IN ((a, b) AS 'x', …)) [alias] */
const PrRel *sq_unpivot(SqParser *p, const PrRel *input) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_UNPIVOT);
    bool include_nulls = sq_is(p, SQ_KW_INCLUDE);
    if (include_nulls || sq_is(p, SQ_KW_EXCLUDE)) {
        p->pos++;
        sq_expect(p, SQ_KW_NULLS);
    }
    sq_expect(p, SQ_TOK_LPAREN);
    VEC(Str) value_names = {.arena = p->arena};
    bool is_multiple = sq_accept(p, SQ_TOK_LPAREN);
    do {
        VEC_PUSH(&value_names, sq_identifier(p));
    } while (is_multiple && sq_accept(p, SQ_TOK_COMMA));
    if (is_multiple) {
        sq_expect(p, SQ_TOK_RPAREN);
    }
    sq_expect(p, SQ_KW_FOR);
    Str variable = sq_identifier(p);
    sq_expect(p, SQ_KW_IN);
    sq_expect(p, SQ_TOK_LPAREN);
    SqExprs values = {.arena = p->arena};
    do {
        size_t at = p->pos;
        size_t width;
        const PxExpr *e = members(p, &width);
        if (!p->failed && width != value_names.count) {
            sq_note(p, at, "UNPIVOT_VALUE_SIZE_MISMATCH", "All unpivot value columns must have the same size as there are value column names (%zu).",
                    value_names.count);
        }
        VEC_PUSH(&values, maybe_alias(p, at, e));
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_TOK_RPAREN);
    sq_expect(p, SQ_TOK_RPAREN);
    PrRel *rel = sq_rel(p, PR_UNPIVOT, first, input);
    rel->unpivot.from_sql = true;
    rel->unpivot.has_values = true;
    rel->unpivot.include_nulls = include_nulls;
    rel->unpivot.values = values.items;
    rel->unpivot.nvalues = values.count;
    rel->unpivot.variable_name = variable;
    if (is_multiple) {
        rel->unpivot.value_names = value_names.items;
        rel->unpivot.nvalue_names = value_names.count;
    } else {
        rel->unpivot.value_name = value_names.items[0];
    }
    return sq_table_alias(p, first, rel, NULL);
}
