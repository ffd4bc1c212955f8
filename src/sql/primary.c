/* primary.c - what stands between operators: literals, names, stars, parentheses, CASE, lambdas, [index] and .field; parameters.
 *
 * Every keyword may be a name in Spark's default mode; so a keyword with a grammar of its own is taken as such only when what follows fits it.
 */
#include "sql/parser.h"

static const PxExpr *case_expression(SqParser *p) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_CASE);
    size_t at_value = p->pos;
    bool is_searched = sq_is(p, SQ_KW_WHEN);
    const PxExpr *value = is_searched ? NULL : sq_expression(p);
    SqExprs args = {.arena = p->arena};
    if (!sq_is(p, SQ_KW_WHEN)) {
        sq_fail(p);
    }
    while (sq_accept(p, SQ_KW_WHEN)) {
        const PxExpr *condition = sq_expression(p);
        if (value != NULL) {
            condition = sq_call2(p, at_value, "=", value, condition);
        }
        sq_expect(p, SQ_KW_THEN);
        VEC_PUSH(&args, condition);
        VEC_PUSH(&args, sq_expression(p));
    }
    if (sq_accept(p, SQ_KW_ELSE)) {
        VEC_PUSH(&args, sq_expression(p));
    }
    sq_expect(p, SQ_KW_END);
    if (p->failed && is_searched && p->failed_at < p->tokens.count && p->failed_at > at_value) {
        p->failed_at = at_value + 1; /* Spark then reads CASE with a value named "when", and misses the WHEN behind it */
        p->hint = SQ_HINT_NONE;
    }
    return sq_call(p, first, STR("when"), args.items, args.count);
}

/* The arrow is taken. */
static const PxExpr *lambda_body(SqParser *p, size_t first, const Str *params, size_t nparams) {
    SqScope scope = {.outer = p->scope, .params = params, .nparams = nparams};
    p->scope = &scope;
    const PxExpr *body = sq_expression(p);
    p->scope = scope.outer;
    PxExpr *e = sq_expr(p, PX_LAMBDA, first);
    e->lambda.body = body;
    e->lambda.params = params;
    e->lambda.nparams = nparams;
    return e;
}

static bool at_lambda_list(const SqParser *p) {
    if (p->failed || !sq_is(p, SQ_TOK_LPAREN) || sq_peek(p, 2) != SQ_TOK_COMMA) {
        return false; /* one parameter stands without parentheses */
    }
    size_t close = p->tokens.items[p->pos].match;
    return close > 0 && close + 1 < p->tokens.count && p->tokens.items[close + 1].tok == SQ_TOK_ARROW;
}

/* (a, b AS c): a row. Its fields are called as its members, or col1, col2 … */
static const PxExpr *row(SqParser *p, size_t first, const SqExprs *members) {
    SqExprs args = {.arena = p->arena};
    for (size_t i = 0; i < members->count; i++) {
        const PxExpr *e = members->items[i];
        if (e == NULL) {
            return NULL;
        }
        if (e->tag == PX_STAR) {
            return sq_call(p, first, STR("struct"), members->items, members->count); /* the star's columns name themselves */
        }
        Str name = str_fmt(p->arena, "col%zu", i + 1);
        if (e->tag == PX_ATTRIBUTE || e->tag == PX_LAMBDA_VARIABLE) {
            name = e->attribute.parts[e->attribute.nparts - 1];
        } else if (e->tag == PX_ALIAS) {
            name = e->alias.names[0];
            e = e->alias.child;
        }
        VEC_PUSH(&args, sq_string(p, first, name));
        VEC_PUSH(&args, e);
    }
    return sq_call(p, first, STR("named_struct"), args.items, args.count);
}

static const PxExpr *parenthesised(SqParser *p) {
    size_t first = p->pos;
    if (at_lambda_list(p)) {
        size_t nparams;
        const Str *params = sq_identifier_list(p, &nparams);
        sq_expect(p, SQ_TOK_ARROW);
        return lambda_body(p, first, params, nparams);
    }
    if (sq_parenthesis_is_query(p)) {
        sq_expect(p, SQ_TOK_LPAREN);
        const PrRel *plan = sq_query(p);
        sq_expect(p, SQ_TOK_RPAREN);
        PxExpr *e = sq_expr(p, PX_SUBQUERY, first);
        e->subquery.kind = PL_SUBQUERY_SCALAR;
        e->subquery.plan = plan;
        return e;
    }
    sq_expect(p, SQ_TOK_LPAREN);
    SqExprs members = sq_named_expressions(p);
    if (!p->failed && members.count == 1 && !sq_is(p, SQ_TOK_RPAREN)) {
        sq_fail(p);
    }
    if (members.count == 1) {
        sq_expect_plain(p, SQ_TOK_RPAREN);
    } else {
        sq_expect_list_end(p, SQ_TOK_RPAREN, members.count);
    }
    if (members.count == 1) {
        if (!p->failed && members.items[0]->tag == PX_ALIAS) {
            sq_fail_at(p, p->pos - 2); /* (a AS b): an alias needs a row */
        }
        return members.items[0];
    }
    return row(p, first, &members);
}

static const PxExpr *null_literal(SqParser *p, size_t first) {
    return sq_literal(p, first, (PlValue){.type = &PL_NULL, .is_null = true});
}

/* Parameters of spark.sql(text, args). */
static const PxExpr *parameter(SqParser *p) {
    size_t first = p->pos;
    if (sq_accept(p, SQ_TOK_QUESTION)) {
        size_t number = p->nquestions++;
        if (p->args != NULL && p->args->names == NULL && number < p->args->count) {
            return p->args->values[number];
        }
        sq_note(p, first, "UNBOUND_SQL_PARAMETER",
                "Found the unbound parameter: _%zu. Please, fix `args` and provide a mapping of the parameter to a SQL literal.",
                (size_t)p->tokens.items[first].start);
        return null_literal(p, first);
    }
    sq_expect(p, SQ_TOK_COLON);
    Str name = sq_identifier(p);
    if (p->args != NULL && p->args->names != NULL) {
        for (size_t i = 0; i < p->args->count; i++) {
            if (str_eq(p->args->names[i], name)) {
                return p->args->values[i];
            }
        }
    }
    sq_note(p, first, "UNBOUND_SQL_PARAMETER",
            "Found the unbound parameter: %.*s. Please, fix `args` and provide a mapping of the parameter to a SQL literal.", STR_ARG(name));
    return null_literal(p, first);
}

static const PxExpr *star(SqParser *p, size_t first, const Str *target, size_t ntarget) {
    PxExpr *e = sq_expr(p, PX_STAR, first);
    e->star.target = target;
    e->star.ntarget = ntarget;
    e->star.plan_id = -1;
    return e;
}

/* IDENTIFIER('a.b'): a name given as a constant text, of a column or of the function that is called. */
static const PxExpr *identifier_clause(SqParser *p, size_t first) {
    sq_expect(p, SQ_TOK_LPAREN);
    Str text = sq_string_literal(p);
    sq_expect(p, SQ_TOK_RPAREN);
    const Str *parts;
    size_t nparts;
    if (p->failed || !sq_parse_name(p->arena, text, &parts, &nparts, p->noted)) {
        return null_literal(p, first);
    }
    return sq_is(p, SQ_TOK_LPAREN) ? sq_function_call(p, first, parts, nparts) : sq_attribute(p, first, parts, nparts);
}

/* A name and what may follow it: a.b.c, a.*, f(…), x -> …, DATE'…'. */
static const PxExpr *name_or_call(SqParser *p) {
    size_t first = p->pos;
    if (sq_peek(p, 1) == SQ_TOK_STRING && sq_peek(p, 0) != SQ_TOK_QUOTED_IDENT && sq_peek(p, 0) != SQ_TOK_BANG) {
        return sq_typed_literal(p);
    }
    if (sq_peek(p, 1) == SQ_TOK_ARROW) {
        Str *param = ARENA_NEW(p->arena, Str);
        *param = sq_identifier(p);
        sq_expect(p, SQ_TOK_ARROW);
        return lambda_body(p, first, param, 1);
    }
    VEC(Str) parts = {.arena = p->arena};
    VEC_PUSH(&parts, sq_identifier(p));
    while (sq_is(p, SQ_TOK_DOT)) {
        if (sq_peek(p, 1) == SQ_TOK_ASTERISK) {
            p->pos += 2;
            return star(p, first, parts.items, parts.count);
        }
        sq_expect(p, SQ_TOK_DOT);
        VEC_PUSH(&parts, sq_identifier(p));
    }
    if (parts.count == 1 && p->tokens.items[first].tok == SQ_KW_IDENTIFIER && sq_is(p, SQ_TOK_LPAREN) && sq_peek(p, 1) == SQ_TOK_STRING) {
        return identifier_clause(p, first);
    }
    if (sq_is(p, SQ_TOK_LPAREN) && p->tokens.items[first].tok != SQ_TOK_BANG && !p->failed) {
        return sq_function_call(p, first, parts.items, parts.count);
    }
    return sq_attribute(p, first, parts.items, parts.count);
}

static const PxExpr *primary_start(SqParser *p) {
    size_t first = p->pos;
    SqTok tok = sq_peek(p, 0);
    SqTok next = sq_peek(p, 1);
    if (tok == SQ_TOK_LPAREN) {
        return parenthesised(p);
    }
    if (tok == SQ_TOK_STRING) {
        Str text = sq_string_literal(p);
        return sq_string(p, first, text);
    }
    if (tok == SQ_TOK_MINUS || (tok >= SQ_TOK_INTEGER && tok <= SQ_TOK_BIGDECIMAL)) {
        return sq_number(p);
    }
    if (tok == SQ_TOK_ASTERISK) {
        sq_expect(p, SQ_TOK_ASTERISK);
        return star(p, first, NULL, 0);
    }
    if (tok == SQ_TOK_QUESTION || tok == SQ_TOK_COLON) {
        return parameter(p);
    }
    if (next != SQ_TOK_STRING && next != SQ_TOK_LPAREN && next != SQ_TOK_DOT && next != SQ_TOK_ARROW) {
        if (sq_accept(p, SQ_KW_NULL)) {
            return null_literal(p, first);
        }
        if (tok == SQ_KW_TRUE || tok == SQ_KW_FALSE) {
            (void)sq_accept(p, tok);
            return sq_boolean(p, first, tok == SQ_KW_TRUE);
        }
    }
    if (tok == SQ_KW_CASE && sq_starts_expression(next) && !(next == SQ_KW_END && sq_peek(p, 2) != SQ_KW_WHEN)) {
        return case_expression(p);
    }
    if (sq_at_interval(p)) {
        return sq_interval(p);
    }
    const PxExpr *special = sq_special_call(p);
    if (special != NULL || p->failed) {
        return special;
    }
    if (!sq_is_identifier(tok)) {
        sq_fail(p);
        return NULL;
    }
    return name_or_call(p);
}

const PxExpr *sq_primary(SqParser *p) {
    size_t first = p->pos;
    const PxExpr *e = primary_start(p);
    for (size_t count = 0;; count++) {
        if (sq_chain_is_too_long(p, count)) {
            return e;
        }
        if (sq_is(p, SQ_TOK_LBRACKET)) {
            sq_expect(p, SQ_TOK_LBRACKET);
            const PxExpr *index = sq_value(p);
            sq_expect(p, SQ_TOK_RBRACKET);
            PxExpr *item = sq_expr(p, PX_EXTRACT, first);
            item->extract.child = e;
            item->extract.key = index;
            e = item;
        } else if (sq_is(p, SQ_TOK_DOT)) {
            sq_expect(p, SQ_TOK_DOT);
            size_t at = p->pos;
            Str field = sq_identifier(p);
            if (e != NULL && (e->tag == PX_ATTRIBUTE || e->tag == PX_LAMBDA_VARIABLE)) { /* (a).b is a.b */
                Str *parts = ARENA_ARRAY(p->arena, Str, e->attribute.nparts + 1);
                memcpy(parts, e->attribute.parts, e->attribute.nparts * sizeof *parts);
                parts[e->attribute.nparts] = field;
                e = sq_attribute(p, first, parts, e->attribute.nparts + 1);
                continue;
            }
            PxExpr *item = sq_expr(p, PX_EXTRACT, first);
            item->extract.child = e;
            item->extract.key = sq_string(p, at, field);
            e = item;
        } else {
            return e;
        }
    }
}
