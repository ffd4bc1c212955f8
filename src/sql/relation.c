/* relation.c - what FROM reads: tables, subqueries, VALUES, functions, joins, LATERAL VIEW, TABLESAMPLE, aliases.
 */
#include "sql/parser.h"

const PrRel *sq_table(SqParser *p, size_t first_token, const Str *parts, size_t nparts) {
    PrRel *rel = sq_rel(p, PR_READ_TABLE, first_token, NULL);
    rel->table.parts = parts;
    rel->table.nparts = nparts;
    return rel;
}

static PrRel *alias_over(SqParser *p, size_t first, const PrRel *rel, Str name) {
    PrRel *alias = sq_rel(p, PR_SUBQUERY_ALIAS, first, rel);
    alias->alias.name = name;
    return alias;
}

const PrRel *sq_table_alias(SqParser *p, size_t first_token, const PrRel *rel, const char *alias_if_none) {
    bool has_as = sq_is(p, SQ_KW_AS) && sq_is_identifier(sq_peek(p, 1)) && !sq_tok_is_strict(sq_peek(p, 1));
    if (has_as) {
        sq_expect(p, SQ_KW_AS);
    }
    SqTok tok = sq_peek(p, 0);
    if (!has_as && (!sq_is_identifier(tok) || sq_tok_is_strict(tok) || tok == SQ_TOK_BANG || sq_continues_query(p, 0))) {
        return alias_if_none == NULL ? rel : alias_over(p, first_token, rel, str_from_c(alias_if_none));
    }
    PrRel *alias = alias_over(p, first_token, rel, sq_strict_identifier(p));
    if (sq_is(p, SQ_TOK_LPAREN) && sq_is_identifier(sq_peek(p, 1))) {
        alias->alias.columns = sq_identifier_list(p, &alias->alias.ncolumns);
    }
    alias->origin = sq_origin(p, first_token);
    return alias;
}

/* -- TABLESAMPLE */

static double number_of(SqParser *p, size_t token) {
    double value = 0;
    if (!p->failed) {
        (void)str_to_double(sq_token_str(p, token), &value);
    }
    return value;
}

/* (5 PERCENT), (10 ROWS), (BUCKET 1 OUT OF 4); TABLESAMPLE is taken. */
static const PrRel *sampled(SqParser *p, size_t first, const PrRel *input) {
    size_t at_sample = p->pos - 1;
    sq_expect(p, SQ_TOK_LPAREN);
    bool is_negative = false;
    double fraction = 0;
    if (sq_accept(p, SQ_KW_BUCKET)) {
        size_t at = p->pos;
        sq_expect(p, SQ_TOK_INTEGER);
        sq_expect(p, SQ_KW_OUT);
        sq_expect(p, SQ_KW_OF);
        size_t at_total = p->pos;
        sq_expect(p, SQ_TOK_INTEGER);
        if (sq_accept(p, SQ_KW_ON)) {
            sq_note(p, at - 1, "_LEGACY_ERROR_TEMP_0015", "TABLESAMPLE(BUCKET x OUT OF y ON colname) is not supported.");
            (void)sq_expression(p);
        }
        double total = number_of(p, at_total);
        fraction = total > 0 ? number_of(p, at) / total : 0;
    } else {
        is_negative = sq_accept(p, SQ_TOK_MINUS);
        size_t at = p->pos;
        bool is_number = sq_is(p, SQ_TOK_INTEGER) || sq_is(p, SQ_TOK_DECIMAL);
        if (is_number && sq_peek(p, 1) == SQ_KW_PERCENT) {
            p->pos += 2;
            fraction = number_of(p, at) / 100.0;
        } else {
            const PxExpr *count = sq_expression(p);
            if (!p->failed && sq_is(p, SQ_TOK_RPAREN)) {
                Str text = sq_text_from(p, at);
                sq_note(p, at, "_LEGACY_ERROR_TEMP_0016", "%.*s is not a valid byte length literal, expected syntax: DIGIT+ ('B' | 'K' | 'M' | 'G').",
                        STR_ARG(text));
            } else {
                sq_expect(p, SQ_KW_ROWS);
            }
            sq_expect(p, SQ_TOK_RPAREN);
            PrRel *limit = sq_rel(p, PR_LIMIT, first, input);
            limit->limit.expr = count;
            if (count != NULL && count->tag == PX_LITERAL && pl_type_is_integral(count->literal->type)) {
                limit->limit.count = count->literal->i;
            }
            return limit;
        }
    }
    sq_expect(p, SQ_TOK_RPAREN);
    PrRel *sample = sq_rel(p, PR_SAMPLE, first, input);
    sample->sample.upper = is_negative ? -fraction : fraction;
    if (sq_accept(p, SQ_KW_REPEATABLE)) {
        sq_expect(p, SQ_TOK_LPAREN);
        size_t at = p->pos;
        sq_expect(p, SQ_TOK_INTEGER);
        sq_expect(p, SQ_TOK_RPAREN);
        sample->sample.seed = (int64_t)number_of(p, at);
        sample->sample.has_seed = true;
    }
    if (sample->sample.upper < 0 || sample->sample.upper > 1) {
        double shown = sample->sample.upper;
        const char *whole = shown == (double)(int64_t)shown ? ".0" : ""; /* as Java shows doubles */
        sq_note(p, at_sample, "_LEGACY_ERROR_TEMP_0064", "Sampling fraction (%.15g%s) must be on interval [0, 1].", shown, whole);
    }
    return sample;
}

static const PrRel *maybe_sampled(SqParser *p, size_t first, const PrRel *rel) {
    if (sq_is(p, SQ_KW_TABLESAMPLE) && sq_peek(p, 1) == SQ_TOK_LPAREN) {
        sq_expect(p, SQ_KW_TABLESAMPLE);
        rel = sampled(p, first, rel);
    }
    return rel;
}

/* -- tables, functions, VALUES */

const PrRel *sq_inline_table(SqParser *p) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_VALUES);
    SqExprs cells = {.arena = p->arena};
    size_t nrows = 0;
    size_t ncolumns = 0;
    do {
        const PxExpr *row = sq_expression(p);
        bool is_row = row != NULL && row->tag == PX_CALL && str_eq(row->call.name, STR("named_struct"));
        bool is_struct = row != NULL && row->tag == PX_CALL && str_eq(row->call.name, STR("struct"));
        size_t width = is_row ? row->call.nargs / 2 : is_struct ? row->call.nargs : 1;
        if (nrows > 0 && width != ncolumns && !p->failed) {
            sq_note(p, first, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                    "Invalid inline table. Inline table expected %zu columns but found %zu columns in row %zu.", ncolumns, width, nrows);
        }
        ncolumns = nrows == 0 ? width : ncolumns;
        for (size_t i = 0; i < width && i < ncolumns; i++) {
            const PxExpr *cell = is_row ? row->call.args[2 * i + 1] : is_struct ? row->call.args[i] : row;
            VEC_PUSH(&cells, is_struct && cell != NULL && cell->tag == PX_ALIAS ? cell->alias.child : cell);
        }
        nrows++;
    } while (sq_accept(p, SQ_TOK_COMMA));
    PrRel *rel = sq_rel(p, PR_VALUES, first, NULL);
    rel->values.cells = cells.items;
    rel->values.nrows = nrows;
    rel->values.ncolumns = ncolumns;
    return sq_table_alias(p, first, rel, NULL);
}

/* FOR VERSION AS OF 3, TIMESTAMP AS OF '…': as options of the table. */
static void time_travel(SqParser *p, PrRel *table) {
    size_t start = p->pos;
    (void)(sq_is(p, SQ_KW_FOR) ? sq_accept(p, SQ_KW_FOR) : false);
    bool is_version = sq_is(p, SQ_KW_VERSION) || sq_is(p, SQ_KW_SYSTEM_VERSION);
    bool is_time = sq_is(p, SQ_KW_TIMESTAMP) || sq_is(p, SQ_KW_SYSTEM_TIME);
    if ((!is_version && !is_time) || sq_peek(p, 1) != SQ_KW_AS || sq_peek(p, 2) != SQ_KW_OF) {
        p->pos = p->failed ? p->pos : start;
        return;
    }
    p->pos += 3;
    size_t at = p->pos;
    PlOption *option = ARENA_NEW(p->arena, PlOption);
    option->key = is_version ? STR("versionAsOf") : STR("timestampAsOf");
    if (sq_is(p, SQ_TOK_STRING)) {
        option->value = sq_string_literal(p);
    } else {
        (void)sq_value(p);
        option->value = sq_text_from(p, at);
    }
    table->table.options = option;
    table->table.noptions = 1;
}

static const PrRel *table_function(SqParser *p, size_t first, const Str *parts, size_t nparts) {
    const PxExpr *call = sq_function_call(p, first, parts, nparts);
    PrRel *rel = sq_rel(p, PR_TABLE_FUNCTION, first, NULL);
    rel->table_function.call = call;
    return sq_table_alias(p, first, rel, NULL);
}

static const PrRel *named_relation(SqParser *p) {
    size_t first = p->pos;
    if (sq_is(p, SQ_KW_IDENTIFIER) && sq_peek(p, 1) == SQ_TOK_LPAREN && sq_peek(p, 2) == SQ_TOK_STRING && sq_peek(p, 3) == SQ_TOK_RPAREN) {
        p->pos += 2;
        Str text = sq_string_literal(p);
        sq_expect(p, SQ_TOK_RPAREN);
        const Str *parts;
        size_t nparts;
        if (!sq_parse_name(p->arena, text, &parts, &nparts, p->noted)) {
            return NULL;
        }
        return sq_table_alias(p, first, maybe_sampled(p, first, sq_table(p, first, parts, nparts)), NULL);
    }
    size_t nparts;
    const Str *parts = sq_multipart(p, &nparts);
    if (sq_is(p, SQ_TOK_LPAREN)) {
        return table_function(p, first, parts, nparts);
    }
    PrRel *table = sq_rel(p, PR_READ_TABLE, first, NULL);
    table->table.parts = parts;
    table->table.nparts = nparts;
    time_travel(p, table);
    return sq_table_alias(p, first, maybe_sampled(p, first, table), NULL);
}

static const PrRel *relation(SqParser *p);

static const PrRel *relation_primary(SqParser *p) {
    size_t first = p->pos;
    if (sq_is(p, SQ_TOK_LPAREN)) {
        bool is_query = sq_parenthesis_is_query(p);
        if (!sq_deeper(p)) {
            p->depth--;
            return NULL;
        }
        sq_expect(p, SQ_TOK_LPAREN);
        const PrRel *inner = is_query ? sq_query(p) : relation(p);
        sq_expect(p, SQ_TOK_RPAREN);
        p->depth--;
        /* Spark gives a subquery without a name this one, so that its tables' names end with it. */
        return sq_table_alias(p, first, maybe_sampled(p, first, inner), is_query ? "__auto_generated_subquery_name" : NULL);
    }
    if (sq_is(p, SQ_KW_VALUES) && sq_starts_expression(sq_peek(p, 1)) && !sq_continues_query(p, 1)) {
        return sq_inline_table(p);
    }
    if (!sq_is_identifier(sq_peek(p, 0)) || sq_is(p, SQ_TOK_BANG)) {
        sq_fail(p);
        return NULL;
    }
    return named_relation(p);
}

/* -- joins */

/* INNER, LEFT OUTER, … up to JOIN; false and nothing taken: no join begins here. */
static bool join_type(SqParser *p, PlJoinType *ret_type) {
    size_t start = p->pos;
    *ret_type = PL_JOIN_INNER;
    if (sq_accept(p, SQ_KW_CROSS)) {
        *ret_type = PL_JOIN_CROSS;
    } else if (sq_accept(p, SQ_KW_INNER)) {
        *ret_type = PL_JOIN_INNER;
    } else if (sq_is(p, SQ_KW_SEMI) || (sq_is(p, SQ_KW_LEFT) && sq_peek(p, 1) == SQ_KW_SEMI)) {
        p->pos += sq_is(p, SQ_KW_LEFT) ? 2 : 1;
        *ret_type = PL_JOIN_LEFT_SEMI;
    } else if (sq_is(p, SQ_KW_ANTI) || (sq_is(p, SQ_KW_LEFT) && sq_peek(p, 1) == SQ_KW_ANTI)) {
        p->pos += sq_is(p, SQ_KW_LEFT) ? 2 : 1;
        *ret_type = PL_JOIN_LEFT_ANTI;
    } else if (sq_is(p, SQ_KW_LEFT) || sq_is(p, SQ_KW_RIGHT) || sq_is(p, SQ_KW_FULL)) {
        *ret_type = sq_is(p, SQ_KW_LEFT) ? PL_JOIN_LEFT : sq_is(p, SQ_KW_RIGHT) ? PL_JOIN_RIGHT : PL_JOIN_FULL;
        p->pos++;
        (void)sq_accept(p, SQ_KW_OUTER);
    } else if (!sq_is(p, SQ_KW_JOIN)) {
        return false;
    }
    sq_expect(p, SQ_KW_JOIN);
    return !p->failed || p->pos > start;
}

static const PrRel *joined(SqParser *p, size_t first, const PrRel *left) {
    bool is_natural = sq_accept(p, SQ_KW_NATURAL);
    PlJoinType type;
    if (!join_type(p, &type)) {
        if (is_natural) {
            sq_expect(p, SQ_KW_JOIN);
        }
        return NULL;
    }
    bool is_lateral = sq_accept(p, SQ_KW_LATERAL);
    const PrRel *right = relation_primary(p);
    PrRel *join = sq_rel(p, PR_JOIN, first, left);
    join->right = right;
    join->join.type = type;
    join->join.is_natural = is_natural;
    join->join.is_lateral = is_lateral;
    if (is_natural) {
        if (type == PL_JOIN_CROSS) {
            sq_note(p, first, "INCOMPATIBLE_JOIN_TYPES", "The join types NATURAL and CROSS are incompatible.");
        }
        return join;
    }
    if (sq_accept(p, SQ_KW_ON)) {
        join->join.condition = sq_condition(p);
    } else if (sq_accept(p, SQ_KW_USING)) {
        join->join.using_columns = sq_identifier_list(p, &join->join.nusing);
    }
    join->origin = sq_origin(p, first);
    return join;
}

static bool at_join(const SqParser *p) {
    SqTok tok = sq_peek(p, 0);
    return tok == SQ_KW_JOIN || tok == SQ_KW_CROSS || tok == SQ_KW_INNER || tok == SQ_KW_LEFT || tok == SQ_KW_RIGHT || tok == SQ_KW_FULL ||
           tok == SQ_KW_SEMI || tok == SQ_KW_ANTI || tok == SQ_KW_NATURAL;
}

static bool at_pivot(const SqParser *p) {
    return (sq_is(p, SQ_KW_PIVOT) || sq_is(p, SQ_KW_UNPIVOT)) && sq_continues_query(p, 0);
}

static const PrRel *pivoted(SqParser *p, const PrRel *rel) {
    for (size_t count = 0; at_pivot(p) && !sq_chain_is_too_long(p, count); count++) {
        rel = sq_is(p, SQ_KW_PIVOT) ? sq_pivot(p, rel) : sq_unpivot(p, rel);
    }
    return rel;
}

static const PrRel *relation(SqParser *p) {
    size_t first = p->pos;
    const PrRel *rel = relation_primary(p);
    for (size_t count = 0; (at_join(p) || at_pivot(p)) && !sq_chain_is_too_long(p, count); count++) {
        rel = at_join(p) ? joined(p, first, rel) : pivoted(p, rel);
    }
    return rel;
}

const PrRel *sq_from_clause(SqParser *p) {
    size_t first = p->pos;
    bool is_lateral = sq_accept(p, SQ_KW_LATERAL);
    const PrRel *rel = relation(p);
    if (is_lateral && !p->failed) {
        sq_note(p, first, "INVALID_LATERAL_JOIN_TYPE", "LATERAL has nothing on its left that it could refer to.");
    }
    for (size_t count = 0; sq_accept(p, SQ_TOK_COMMA) && !sq_chain_is_too_long(p, count); count++) {
        is_lateral = sq_accept(p, SQ_KW_LATERAL);
        const PrRel *right = relation(p);
        PrRel *join = sq_rel(p, PR_JOIN, first, rel);
        join->right = right;
        join->join.type = PL_JOIN_INNER;
        join->join.is_lateral = is_lateral;
        rel = join;
    }
    return pivoted(p, sq_lateral_views(p, rel));
}

/* LATERAL VIEW [OUTER] explode(a) [t] [AS c, d] */
const PrRel *sq_lateral_views(SqParser *p, const PrRel *input) {
    for (size_t count = 0; sq_is(p, SQ_KW_LATERAL) && !sq_chain_is_too_long(p, count); count++) {
        size_t first = p->pos;
        sq_expect(p, SQ_KW_LATERAL);
        sq_expect(p, SQ_KW_VIEW);
        bool is_outer = sq_is(p, SQ_KW_OUTER) && sq_is_identifier(sq_peek(p, 1)) && sq_accept(p, SQ_KW_OUTER);
        size_t at = p->pos;
        size_t nparts;
        const Str *parts = sq_multipart(p, &nparts);
        const PxExpr *call = NULL;
        if (sq_is(p, SQ_TOK_LPAREN)) {
            call = sq_function_call(p, at, parts, nparts);
        } else {
            sq_fail(p);
        }
        VEC(Str) columns = {.arena = p->arena};
        Str alias = sq_identifier(p); /* must be there; in LATERAL VIEW explode(a) AS b it is "AS" */
        bool has_columns = sq_accept(p, SQ_KW_AS) || (sq_is_identifier(sq_peek(p, 0)) && !sq_is(p, SQ_KW_LATERAL) && !sq_continues_query(p, 0));
        while (has_columns) {
            VEC_PUSH(&columns, sq_identifier(p));
            has_columns = sq_accept(p, SQ_TOK_COMMA);
        }
        PrRel *rel = sq_rel(p, PR_GENERATE, first, input);
        rel->generate.generator = call;
        rel->generate.is_outer = is_outer;
        rel->generate.alias = alias;
        rel->generate.columns = columns.items;
        rel->generate.ncolumns = columns.count;
        input = rel;
    }
    return input;
}
