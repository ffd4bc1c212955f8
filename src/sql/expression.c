/* expression.c - expressions down to operators: OR, AND, NOT, predicates, comparison, arithmetic; named expressions.
 *
 * Spark's precedence, loosest first: OR, AND, NOT, predicate (IN, LIKE, BETWEEN, IS: one at most), comparison, |, ^, &, + - ||, * / % DIV, unary.
 * Invariant: a chain of ANDs or ORs becomes a balanced tree, so that a thousand conditions are not a thousand levels deep.
 */
#include "sql/parser.h"

static const PxExpr *negated_if(SqParser *p, size_t first, bool is_negated, const PxExpr *e) {
    return is_negated ? sq_call1(p, first, "not", e) : e;
}

/* -- binary operators */

enum { LEVEL_COMPARISON = 1, LEVEL_PIPE, LEVEL_HAT, LEVEL_AMPERSAND, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_UNARY };

typedef struct Operator {
    SqTok tok;
    int level;
    const char *name;
    bool is_negated;
} Operator;

static const Operator OPERATORS[] = {
    {SQ_TOK_EQ, LEVEL_COMPARISON, "=", false},   {SQ_TOK_NSEQ, LEVEL_COMPARISON, "<=>", false}, {SQ_TOK_NEQ, LEVEL_COMPARISON, "=", true},
    {SQ_TOK_NEQJ, LEVEL_COMPARISON, "=", true},  {SQ_TOK_LT, LEVEL_COMPARISON, "<", false},     {SQ_TOK_LTE, LEVEL_COMPARISON, "<=", false},
    {SQ_TOK_GT, LEVEL_COMPARISON, ">", false},   {SQ_TOK_GTE, LEVEL_COMPARISON, ">=", false},   {SQ_TOK_PIPE, LEVEL_PIPE, "|", false},
    {SQ_TOK_HAT, LEVEL_HAT, "^", false},         {SQ_TOK_AMPERSAND, LEVEL_AMPERSAND, "&", false}, {SQ_TOK_PLUS, LEVEL_ADD, "+", false},
    {SQ_TOK_MINUS, LEVEL_ADD, "-", false},       {SQ_TOK_CONCAT, LEVEL_ADD, "concat", false},   {SQ_TOK_ASTERISK, LEVEL_MULTIPLY, "*", false},
    {SQ_TOK_SLASH, LEVEL_MULTIPLY, "/", false},  {SQ_TOK_PERCENT, LEVEL_MULTIPLY, "%", false},  {SQ_KW_DIV, LEVEL_MULTIPLY, "div", false},
};

static const Operator *operator_of(const SqParser *p) {
    SqTok tok = sq_peek(p, 0);
    if (tok == SQ_KW_DIV && !sq_starts_expression(sq_peek(p, 1))) {
        return NULL; /* an alias */
    }
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        if (OPERATORS[i].tok == tok) {
            return &OPERATORS[i];
        }
    }
    return NULL;
}

static bool is_number(SqTok tok) {
    return tok >= SQ_TOK_INTEGER && tok <= SQ_TOK_BIGDECIMAL;
}

static const PxExpr *value_above(SqParser *p, int level);

static const PxExpr *unary(SqParser *p) {
    size_t first = p->pos;
    SqTok tok = sq_peek(p, 0);
    if ((tok == SQ_TOK_MINUS && !is_number(sq_peek(p, 1))) || tok == SQ_TOK_PLUS || tok == SQ_TOK_TILDE) {
        if (!sq_deeper(p)) {
            return NULL;
        }
        (void)sq_accept(p, tok);
        const PxExpr *child = unary(p);
        p->depth--;
        return sq_call1(p, first, tok == SQ_TOK_MINUS ? "negative" : tok == SQ_TOK_PLUS ? "positive" : "~", child);
    }
    return sq_primary(p);
}

static const PxExpr *value_above(SqParser *p, int level) {
    size_t first = p->pos;
    const PxExpr *left = unary(p);
    for (size_t count = 0;; count++) {
        const Operator *op = operator_of(p);
        if (op == NULL || op->level < level || sq_chain_is_too_long(p, count)) {
            return left;
        }
        (void)sq_accept(p, op->tok);
        const PxExpr *right = value_above(p, op->level + 1);
        left = negated_if(p, first, op->is_negated, sq_call2(p, first, op->name, left, right));
    }
}

const PxExpr *sq_value(SqParser *p) {
    if (!sq_deeper(p)) {
        p->depth--;
        return NULL;
    }
    const PxExpr *e = value_above(p, LEVEL_COMPARISON);
    p->depth--;
    return e;
}

/* -- predicates */

/* items[from..to) joined by a balanced tree. */
static const PxExpr *balanced(SqParser *p, size_t first, const char *name, const SqExprs *items, size_t from, size_t to) {
    if (to - from == 1) {
        return items->items[from];
    }
    size_t middle = from + (to - from + 1) / 2; /* a AND b AND c is (a AND b) AND c, as Spark shows it */
    return sq_call2(p, first, name, balanced(p, first, name, items, from, middle), balanced(p, first, name, items, middle, to));
}

static const PxExpr *in_predicate(SqParser *p, size_t first, const PxExpr *left, bool is_negated) {
    size_t at_in = p->pos - 1;
    if (sq_is(p, SQ_TOK_LPAREN) && sq_parenthesis_is_query(p)) {
        sq_expect(p, SQ_TOK_LPAREN);
        const PrRel *plan = sq_query(p);
        sq_expect(p, SQ_TOK_RPAREN);
        PxExpr *e = sq_expr(p, PX_SUBQUERY, first);
        e->subquery.kind = PL_SUBQUERY_IN;
        e->subquery.is_negated = is_negated;
        e->subquery.plan = plan;
        SqExprs values = {.arena = p->arena};
        VEC_PUSH(&values, left);
        e->subquery.values = values.items;
        e->subquery.nvalues = values.count;
        /* (a, b) IN (SELECT …): the row on the left is its members */
        if (left != NULL && left->tag == PX_CALL && str_eq(left->call.name, STR("named_struct")) &&
            p->tokens.items[first].tok == SQ_TOK_LPAREN) {
            size_t n = left->call.nargs / 2;
            e->subquery.values = ARENA_ARRAY(p->arena, const PxExpr *, n);
            e->subquery.nvalues = n;
            for (size_t i = 0; i < n; i++) {
                e->subquery.values[i] = left->call.args[2 * i + 1];
            }
        }
        return e;
    }
    if (is_negated && !sq_is(p, SQ_TOK_LPAREN)) {
        sq_fail(p);
        return NULL;
    }
    bool is_empty = sq_peek(p, 1) == SQ_TOK_RPAREN;
    sq_expect(p, SQ_TOK_LPAREN);
    SqExprs args = {.arena = p->arena};
    VEC_PUSH(&args, left);
    SqExprs list = sq_expressions(p);
    for (size_t i = 0; i < list.count; i++) {
        VEC_PUSH(&args, list.items[i]);
    }
    sq_expect(p, SQ_TOK_RPAREN);
    if (p->failed && p->failed_at < p->tokens.count) { /* IN (…) without a list is no IN, but a name where a name can stand, so Spark's error is there */
        p->failed_at = p->is_select_item && !is_empty ? at_in + 1 : at_in;
        p->hint = SQ_HINT_NONE;
    }
    return negated_if(p, first, is_negated, sq_call(p, first, STR("in"), args.items, args.count));
}

/* LIKE ANY (…), LIKE ALL (…): a LIKE for each pattern. */
static const PxExpr *like_quantified(SqParser *p, size_t first, const PxExpr *left, bool is_negated, const char *name) {
    bool is_all = sq_is(p, SQ_KW_ALL);
    p->pos++;
    size_t at_list = p->pos;
    sq_expect(p, SQ_TOK_LPAREN);
    if (sq_is(p, SQ_TOK_RPAREN)) {
        sq_expect(p, SQ_TOK_RPAREN);
        sq_note(p, at_list - (is_negated ? 3 : 2), "_LEGACY_ERROR_TEMP_0064", "Expected something between '(' and ')'..");
        return left;
    }
    SqExprs patterns = sq_expressions(p);
    sq_expect_plain(p, SQ_TOK_RPAREN);
    for (size_t i = 0; i < patterns.count; i++) {
        patterns.items[i] = negated_if(p, first, is_negated, sq_call2(p, first, name, left, patterns.items[i]));
    }
    return balanced(p, first, is_all ? "and" : "or", &patterns, 0, patterns.count);
}

static const PxExpr *like_predicate(SqParser *p, size_t first, const PxExpr *left, bool is_negated, const char *name) {
    SqTok tok = sq_peek(p, 0);
    if ((tok == SQ_KW_ANY || tok == SQ_KW_SOME || tok == SQ_KW_ALL) && sq_peek(p, 1) == SQ_TOK_LPAREN) {
        return like_quantified(p, first, left, is_negated, name);
    }
    const PxExpr *pattern = sq_value(p);
    if (sq_is(p, SQ_KW_ESCAPE) && sq_peek(p, 1) == SQ_TOK_STRING) {
        (void)sq_accept(p, SQ_KW_ESCAPE);
        size_t at = p->pos;
        Str escape = sq_string_literal(p);
        size_t chars = 0;
        for (size_t i = 0; i < escape.len; i++) {
            chars += ((unsigned char)escape.data[i] & 0xC0) != 0x80;
        }
        if (chars != 1) {
            sq_note(p, at, "_LEGACY_ERROR_TEMP_0017", "Escape string must contain only one character.");
        }
        return negated_if(p, first, is_negated, sq_call3(p, first, name, left, pattern, sq_string(p, at, escape)));
    }
    return negated_if(p, first, is_negated, sq_call2(p, first, name, left, pattern));
}

static const PxExpr *between_predicate(SqParser *p, size_t first, const PxExpr *left, bool is_negated) {
    const PxExpr *low = sq_value(p);
    sq_expect(p, SQ_KW_AND);
    const PxExpr *high = sq_value(p);
    return negated_if(p, first, is_negated,
                      sq_call2(p, first, "and", sq_call2(p, first, ">=", left, low), sq_call2(p, first, "<=", left, high)));
}

/* IS is the current token, and a test follows. */
static const PxExpr *is_predicate(SqParser *p, size_t first, const PxExpr *left) {
    sq_expect(p, SQ_KW_IS);
    bool is_negated = sq_accept(p, SQ_KW_NOT) || sq_accept(p, SQ_TOK_BANG);
    if (sq_accept(p, SQ_KW_NULL) || sq_accept(p, SQ_KW_UNKNOWN)) {
        return sq_call1(p, first, is_negated ? "isnotnull" : "isnull", left);
    }
    size_t at = p->pos;
    bool is_true = sq_accept(p, SQ_KW_TRUE);
    if (is_true || sq_accept(p, SQ_KW_FALSE)) {
        return negated_if(p, first, is_negated, sq_call2(p, first, "<=>", left, sq_boolean(p, at, is_true)));
    }
    sq_expect(p, SQ_KW_DISTINCT);
    sq_expect(p, SQ_KW_FROM);
    const PxExpr *right = sq_value(p);
    return negated_if(p, first, !is_negated, sq_call2(p, first, "<=>", left, right));
}

static bool at_is_test(const SqParser *p) {
    SqTok next = sq_peek(p, 1);
    return next == SQ_KW_NOT || next == SQ_TOK_BANG || next == SQ_KW_NULL || next == SQ_KW_TRUE || next == SQ_KW_FALSE ||
           next == SQ_KW_UNKNOWN || next == SQ_KW_DISTINCT;
}

/* A value and at most one predicate over it. */
static const PxExpr *predicated(SqParser *p) {
    size_t first = p->pos;
    const PxExpr *left = sq_value(p);
    if (sq_is(p, SQ_KW_IS)) {
        return at_is_test(p) ? is_predicate(p, first, left) : left;
    }
    bool is_negated = sq_is(p, SQ_KW_NOT) || sq_is(p, SQ_TOK_BANG);
    SqTok tok = sq_peek(p, is_negated ? 1 : 0);
    SqTok next = sq_peek(p, is_negated ? 2 : 1);
    const char *like = tok == SQ_KW_LIKE ? "like" : tok == SQ_KW_ILIKE ? "ilike" : NULL;
    bool is_rlike = tok == SQ_KW_RLIKE || tok == SQ_KW_REGEXP;
    bool is_predicate_word = like != NULL || is_rlike || tok == SQ_KW_BETWEEN || (tok == SQ_KW_IN && (is_negated || next == SQ_TOK_LPAREN));
    if (!is_predicate_word || (!is_negated && !sq_starts_expression(next))) {
        return left; /* the word is an alias */
    }
    p->pos += is_negated ? 2 : 1;
    if (tok == SQ_KW_BETWEEN) {
        return between_predicate(p, first, left, is_negated);
    }
    if (tok == SQ_KW_IN) {
        return in_predicate(p, first, left, is_negated);
    }
    if (is_rlike) {
        return negated_if(p, first, is_negated, sq_call2(p, first, "rlike", left, sq_value(p)));
    }
    return like_predicate(p, first, left, is_negated, like);
}

/* -- AND, OR, NOT */

static const PxExpr *negation(SqParser *p) {
    size_t first = p->pos;
    SqTok next = sq_peek(p, 1);
    bool has_operand = sq_starts_expression(next) && next != SQ_TOK_ASTERISK;
    bool is_negation = sq_is(p, SQ_TOK_BANG) || (sq_is(p, SQ_KW_NOT) && has_operand);
    /* NOT and ! are names too when nothing that could be negated follows: SELECT not FROM t. */
    if (is_negation && has_operand && next != SQ_KW_FROM && next != SQ_KW_AS) {
        if (!sq_deeper(p)) {
            p->depth--;
            return NULL;
        }
        p->pos++;
        const PxExpr *child = negation(p);
        p->depth--;
        return sq_call1(p, first, "not", child);
    }
    if (sq_is(p, SQ_KW_EXISTS) && next == SQ_TOK_LPAREN) {
        p->pos++;
        if (sq_parenthesis_is_query(p)) {
            sq_expect(p, SQ_TOK_LPAREN);
            const PrRel *plan = sq_query(p);
            sq_expect(p, SQ_TOK_RPAREN);
            PxExpr *e = sq_expr(p, PX_SUBQUERY, first);
            e->subquery.kind = PL_SUBQUERY_EXISTS;
            e->subquery.plan = plan;
            return e;
        }
        p->pos--; /* the function exists(array, x -> …) */
    }
    return predicated(p);
}

static const PxExpr *conjunction(SqParser *p) {
    size_t first = p->pos;
    SqExprs items = {.arena = p->arena};
    do {
        VEC_PUSH(&items, negation(p));
    } while (sq_is(p, SQ_KW_AND) && sq_starts_expression(sq_peek(p, 1)) && sq_accept(p, SQ_KW_AND));
    return balanced(p, first, "and", &items, 0, items.count);
}

const PxExpr *sq_condition(SqParser *p) {
    bool was_select_item = p->is_select_item;
    p->is_select_item = false;
    const PxExpr *e = sq_expression(p);
    p->is_select_item = was_select_item;
    return e;
}

const PxExpr *sq_expression(SqParser *p) {
    if (!sq_deeper(p)) {
        p->depth--;
        return NULL;
    }
    size_t first = p->pos;
    SqExprs items = {.arena = p->arena};
    do {
        VEC_PUSH(&items, conjunction(p));
    } while (sq_is(p, SQ_KW_OR) && sq_starts_expression(sq_peek(p, 1)) && sq_accept(p, SQ_KW_OR));
    p->depth--;
    return balanced(p, first, "or", &items, 0, items.count);
}

SqExprs sq_expressions(SqParser *p) {
    SqExprs list = {.arena = p->arena};
    do {
        VEC_PUSH(&list, sq_expression(p));
    } while (sq_accept(p, SQ_TOK_COMMA));
    return list;
}

/* -- aliases */

const PxExpr *sq_named_expression(SqParser *p) {
    size_t first = p->pos;
    bool was_select_item = p->is_select_item;
    p->is_select_item = true;
    const PxExpr *e = sq_expression(p);
    p->is_select_item = was_select_item;
    bool has_as = sq_is(p, SQ_KW_AS) && (sq_is_identifier(sq_peek(p, 1)) || sq_peek(p, 1) == SQ_TOK_LPAREN);
    if (has_as) {
        (void)sq_accept(p, SQ_KW_AS);
    }
    if (sq_is(p, SQ_TOK_LPAREN) && sq_is_identifier(sq_peek(p, 1)) && !p->failed) {
        size_t nnames;
        const Str *names = sq_identifier_list(p, &nnames);
        return sq_alias(p, first, e, names, nnames);
    }
    if (has_as || (sq_is_identifier(sq_peek(p, 0)) && !sq_continues_query(p, 0))) {
        Str *name = ARENA_NEW(p->arena, Str);
        if (sq_peek(p, 1) == SQ_TOK_MINUS && sq_is_identifier(sq_peek(p, 2))) {
            size_t nparts;
            const Str *parts = sq_multipart(p, &nparts); /* a-b: notes the slip */
            *name = parts[0];
        } else {
            *name = sq_identifier(p);
        }
        return sq_alias(p, first, e, name, 1);
    }
    return e;
}

SqExprs sq_named_expressions(SqParser *p) {
    SqExprs list = {.arena = p->arena};
    do {
        VEC_PUSH(&list, sq_named_expression(p));
    } while (sq_accept(p, SQ_TOK_COMMA));
    return list;
}
