/* function.c - calls: f(…) with DISTINCT, FILTER, IGNORE NULLS and OVER, and the functions that have a grammar of their own.
 *
 * A call with its own grammar becomes the ordinary call that Spark makes of it: POSITION(a IN b) is locate(a, b).
 */
#include "sql/parser.h"

/* name => value, or an expression; in a struct's arguments with alias. */
static const PxExpr *argument(SqParser *p) {
    size_t first = p->pos;
    if (sq_is_identifier(sq_peek(p, 0)) && sq_peek(p, 1) == SQ_TOK_FAT_ARROW) {
        Str name = sq_identifier(p);
        const PxExpr *key = sq_string(p, first, name);
        sq_expect(p, SQ_TOK_FAT_ARROW);
        return sq_call2(p, first, "=>", key, sq_expression(p));
    }
    return sq_expression(p);
}

static Str dotted(SqParser *p, const Str *parts, size_t nparts) {
    if (nparts == 1) {
        return parts[0];
    }
    StrBuf buf = {.arena = p->arena};
    for (size_t i = 0; i < nparts; i++) {
        if (i > 0) {
            strbuf_add_char(&buf, '.');
        }
        strbuf_add(&buf, parts[i]);
    }
    return strbuf_str(&buf);
}

/* FILTER (WHERE …), IGNORE NULLS, OVER … behind a call. */
static const PxExpr *call_suffix(SqParser *p, size_t first, PxExpr *call) {
    if (sq_is(p, SQ_KW_FILTER) && sq_peek(p, 1) == SQ_TOK_LPAREN && sq_peek(p, 2) == SQ_KW_WHERE) {
        p->pos += 3;
        call->call.filter = sq_expression(p);
        sq_expect(p, SQ_TOK_RPAREN);
    }
    if ((sq_is(p, SQ_KW_IGNORE) || sq_is(p, SQ_KW_RESPECT)) && sq_peek(p, 1) == SQ_KW_NULLS) {
        call->call.ignore_nulls = sq_is(p, SQ_KW_IGNORE);
        p->pos += 2;
    }
    call->origin = sq_origin(p, first);
    if (sq_is(p, SQ_KW_OVER) && (sq_peek(p, 1) == SQ_TOK_LPAREN || sq_is_identifier(sq_peek(p, 1))) && !sq_continues_query(p, 1)) {
        sq_expect(p, SQ_KW_OVER);
        return sq_over(p, first, call);
    }
    return call;
}

/* Whether all are names of one part, which could be a lambda's parameters as well: what is wrong behind them is told in another way. */
static bool are_names(const SqExprs *args) {
    for (size_t i = 0; i < args->count; i++) {
        const PxExpr *e = args->items[i];
        if (e == NULL || (e->tag != PX_ATTRIBUTE && e->tag != PX_LAMBDA_VARIABLE) || e->attribute.nparts != 1) {
            return false;
        }
    }
    return args->count > 0;
}

const PxExpr *sq_function_call(SqParser *p, size_t first_token, const Str *parts, size_t nparts) {
    sq_expect(p, SQ_TOK_LPAREN);
    bool is_distinct = false;
    SqTok next = sq_peek(p, 1);
    if ((sq_is(p, SQ_KW_DISTINCT) || sq_is(p, SQ_KW_ALL)) && sq_starts_expression(next) && next != SQ_TOK_LPAREN) {
        is_distinct = sq_is(p, SQ_KW_DISTINCT);
        p->pos++;
    } else if (sq_is(p, SQ_KW_DISTINCT) && next == SQ_TOK_LPAREN) {
        is_distinct = true; /* count(DISTINCT (a)) is no call of a function named distinct */
        p->pos++;
    }
    SqExprs args = {.arena = p->arena};
    if (!sq_is(p, SQ_TOK_RPAREN)) {
        do {
            VEC_PUSH(&args, argument(p));
        } while (sq_accept(p, SQ_TOK_COMMA));
    }
    if (are_names(&args) && !is_distinct) {
        sq_expect(p, SQ_TOK_RPAREN);
    } else {
        sq_expect_list_end(p, SQ_TOK_RPAREN, args.count);
    }
    Str name = dotted(p, parts, nparts);
    bool is_count_star = args.count == 1 && args.items[0] != NULL && args.items[0]->tag == PX_STAR && args.items[0]->star.ntarget == 0 &&
                         !is_distinct && str_eq_nocase(name, STR("count"));
    if (is_count_star && !p->failed) {
        args.items[0] = sq_int(p, first_token, 1); /* Spark's own rewriting: the column is called count(1) */
    }
    PxExpr *call = sq_call(p, first_token, name, args.items, args.count);
    call->call.is_distinct = is_distinct;
    return call_suffix(p, first_token, call);
}

/* How often the token stands in the call's parentheses, not counting those within; the call's name is the current token. Which of two
 * grammars a call has is told by this look ahead, so that nested calls need not be read twice. */
static size_t count_inside(const SqParser *p, SqTok tok) {
    size_t close = p->tokens.items[p->pos + 1].match;
    size_t count = 0;
    for (size_t i = p->pos + 2; i < close; i++) {
        const SqToken *t = &p->tokens.items[i];
        if (t->tok == tok && p->tokens.items[i - 1].tok != SQ_KW_DISTINCT) {
            count++;
        }
        if (t->tok == SQ_TOK_LPAREN && t->match > i) {
            i = t->match;
        }
    }
    return count;
}

/* The type with string in place of char and varchar, which are types of columns only. */
static const PlType *castable(Arena *arena, const PlType *t) {
    if (t->kind == PL_TYPE_CHAR || t->kind == PL_TYPE_VARCHAR) {
        return &PL_STRING;
    }
    if (t->kind == PL_TYPE_ARRAY) {
        return pl_array(arena, castable(arena, t->element), t->element_nullable);
    }
    if (t->kind == PL_TYPE_MAP) {
        return pl_map(arena, castable(arena, t->key), castable(arena, t->element), t->element_nullable);
    }
    if (t->kind == PL_TYPE_STRUCT) {
        PlField *fields = ARENA_ARRAY(arena, PlField, t->nfields);
        for (size_t i = 0; i < t->nfields; i++) {
            fields[i] = t->fields[i];
            fields[i].type = castable(arena, t->fields[i].type);
        }
        return pl_struct(arena, fields, t->nfields);
    }
    return t;
}

static const PxExpr *cast_call(SqParser *p, PlCastMode mode) {
    size_t first = p->pos;
    p->pos += 2;
    const PxExpr *child = sq_expression(p);
    sq_expect(p, SQ_KW_AS);
    const PlType *type = castable(p->arena, sq_data_type(p));
    sq_expect(p, SQ_TOK_RPAREN);
    PxExpr *e = sq_expr(p, PX_CAST, first);
    e->cast.child = child;
    e->cast.type = type;
    e->cast.mode = mode;
    return e;
}

/* STRUCT(a, b AS c): the aliases name the fields. */
static const PxExpr *struct_call(SqParser *p) {
    size_t first = p->pos;
    p->pos += 2;
    SqExprs args = {.arena = p->arena};
    if (!sq_is(p, SQ_TOK_RPAREN)) {
        args = sq_named_expressions(p);
    }
    sq_expect_plain(p, SQ_TOK_RPAREN);
    return sq_call(p, first, STR("struct"), args.items, args.count);
}

/* FIRST(x IGNORE NULLS), LAST, ANY_VALUE; NULL and nothing taken when the call is an ordinary one. */
static const PxExpr *first_call(SqParser *p, const char *name) {
    size_t first = p->pos;
    if (count_inside(p, SQ_KW_IGNORE) == 0 || count_inside(p, SQ_KW_NULLS) == 0) {
        return NULL;
    }
    p->pos += 2;
    const PxExpr *child = sq_expression(p);
    sq_expect(p, SQ_KW_IGNORE);
    sq_expect(p, SQ_KW_NULLS);
    sq_expect(p, SQ_TOK_RPAREN);
    PxExpr *call = sq_call(p, first, str_from_c(name), &child, 1);
    const PxExpr *e = call_suffix(p, first, call);
    call->call.ignore_nulls = true;
    return e;
}

static const PxExpr *position_call(SqParser *p) {
    size_t first = p->pos;
    if (count_inside(p, SQ_KW_IN) == 0 || count_inside(p, SQ_TOK_COMMA) > 0) {
        return NULL; /* position(a, b) */
    }
    p->pos += 2;
    const PxExpr *part = sq_value(p);
    sq_expect(p, SQ_KW_IN);
    const PxExpr *whole = sq_value(p);
    sq_expect(p, SQ_TOK_RPAREN);
    return sq_call2(p, first, "locate", part, whole);
}

static const PxExpr *extract_call(SqParser *p) {
    size_t first = p->pos;
    if (!sq_is_identifier(sq_peek(p, 2)) || sq_peek(p, 3) != SQ_KW_FROM) {
        return NULL;
    }
    p->pos += 2;
    size_t at = p->pos;
    Str field = sq_identifier(p);
    const PxExpr *unit = sq_string(p, at, field);
    sq_expect(p, SQ_KW_FROM);
    const PxExpr *source = sq_value(p);
    sq_expect(p, SQ_TOK_RPAREN);
    return sq_call2(p, first, "extract", unit, source);
}

static const PxExpr *substring_call(SqParser *p) {
    size_t first = p->pos;
    if (count_inside(p, SQ_KW_FROM) == 0) {
        return NULL;
    }
    p->pos += 2;
    const PxExpr *text = sq_value(p);
    sq_expect(p, SQ_KW_FROM);
    const PxExpr *from = sq_value(p);
    const PxExpr *len = sq_accept(p, SQ_KW_FOR) ? sq_value(p) : NULL;
    sq_expect(p, SQ_TOK_RPAREN);
    return len == NULL ? sq_call2(p, first, "substring", text, from) : sq_call3(p, first, "substring", text, from, len);
}

static const PxExpr *trim_call(SqParser *p) {
    size_t first = p->pos;
    SqTok side = sq_peek(p, 2);
    SqTok after = sq_peek(p, 3);
    bool has_side = (side == SQ_KW_BOTH || side == SQ_KW_LEADING || side == SQ_KW_TRAILING) && sq_starts_expression(after);
    if (count_inside(p, SQ_KW_FROM) == 0 && !has_side) {
        return NULL; /* trim(a), trim(a, b) */
    }
    p->pos += has_side ? 3 : 2;
    const PxExpr *what = NULL;
    if (!(sq_is(p, SQ_KW_FROM) && (has_side || sq_starts_expression(sq_peek(p, 1))))) {
        what = sq_value(p);
    }
    sq_expect(p, SQ_KW_FROM);
    const PxExpr *source = sq_value(p);
    sq_expect(p, SQ_TOK_RPAREN);
    const char *name = !has_side || side == SQ_KW_BOTH ? "trim" : side == SQ_KW_LEADING ? "ltrim" : "rtrim";
    return what == NULL ? sq_call1(p, first, name, source) : sq_call2(p, first, name, what, source);
}

static const PxExpr *overlay_call(SqParser *p) {
    size_t first = p->pos;
    if (count_inside(p, SQ_KW_PLACING) == 0) {
        return NULL;
    }
    p->pos += 2;
    const PxExpr *args[4] = {sq_value(p)};
    sq_expect(p, SQ_KW_PLACING);
    args[1] = sq_value(p);
    sq_expect(p, SQ_KW_FROM);
    args[2] = sq_value(p);
    size_t nargs = 3;
    if (sq_accept(p, SQ_KW_FOR)) {
        args[nargs++] = sq_value(p);
    }
    sq_expect(p, SQ_TOK_RPAREN);
    return sq_call(p, first, STR("overlay"), args, nargs);
}

/* PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a): the sort item is the call's first argument. */
static const PxExpr *percentile_call(SqParser *p, const char *name) {
    size_t first = p->pos;
    p->pos += 2;
    const PxExpr *percentage = sq_value(p);
    sq_expect(p, SQ_TOK_RPAREN);
    sq_expect(p, SQ_KW_WITHIN);
    sq_expect(p, SQ_KW_GROUP);
    sq_expect(p, SQ_TOK_LPAREN);
    sq_expect(p, SQ_KW_ORDER);
    sq_expect(p, SQ_KW_BY);
    const PxExpr *item = sq_sort_item(p);
    sq_expect(p, SQ_TOK_RPAREN);
    return call_suffix(p, first, sq_call2(p, first, name, item, percentage));
}

static bool is_datetime_unit(SqTok tok) {
    return tok == SQ_KW_YEAR || tok == SQ_KW_QUARTER || tok == SQ_KW_MONTH || tok == SQ_KW_WEEK || tok == SQ_KW_DAY || tok == SQ_KW_DAYOFYEAR ||
           tok == SQ_KW_HOUR || tok == SQ_KW_MINUTE || tok == SQ_KW_SECOND || tok == SQ_KW_MILLISECOND || tok == SQ_KW_MICROSECOND;
}

/* TIMESTAMPADD(DAY, 1, t): three arguments, the first a unit. */
static const PxExpr *unit_call(SqParser *p, const char *name) {
    size_t first = p->pos;
    bool is_unit = is_datetime_unit(sq_peek(p, 2)) && sq_peek(p, 3) == SQ_TOK_COMMA;
    bool is_text = sq_peek(p, 2) == SQ_TOK_STRING && sq_peek(p, 3) == SQ_TOK_COMMA;
    if ((!is_unit && !is_text) || count_inside(p, SQ_TOK_COMMA) != 2) {
        return NULL; /* datediff(a, b), the ordinary function */
    }
    Str shown = sq_token_str(p, p->pos); /* as written: dateadd */
    p->pos += 2;
    size_t at = p->pos;
    Str unit = sq_token_str(p, p->pos);
    p->pos++;
    sq_expect(p, SQ_TOK_COMMA);
    const PxExpr *a = sq_value(p);
    sq_expect(p, SQ_TOK_COMMA);
    const PxExpr *b = sq_value(p);
    sq_expect(p, SQ_TOK_RPAREN);
    if (is_text) {
        sq_note(p, first, "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
                "The value of parameter(s) `unit` in `%.*s` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, "
                "DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got the string literal %.*s.",
                STR_ARG(shown), STR_ARG(unit));
    }
    return sq_call3(p, first, name, sq_string(p, at, unit), a, b);
}

const PxExpr *sq_special_call(SqParser *p) {
    if (sq_peek(p, 1) != SQ_TOK_LPAREN) {
        return NULL;
    }
    switch ((int)sq_peek(p, 0)) {
    case SQ_KW_CAST:
        return count_inside(p, SQ_KW_AS) == 0 && count_inside(p, SQ_TOK_COMMA) > 0 ? NULL : cast_call(p, PL_CAST_LEGACY);
    case SQ_KW_TRY_CAST:
        return count_inside(p, SQ_KW_AS) == 0 && count_inside(p, SQ_TOK_COMMA) > 0 ? NULL : cast_call(p, PL_CAST_TRY);
    case SQ_KW_STRUCT:
        return struct_call(p);
    case SQ_KW_FIRST:
        return first_call(p, "first");
    case SQ_KW_LAST:
        return first_call(p, "last");
    case SQ_KW_ANY_VALUE:
        return first_call(p, "any_value");
    case SQ_KW_POSITION:
        return position_call(p);
    case SQ_KW_EXTRACT:
        return extract_call(p);
    case SQ_KW_SUBSTR:
    case SQ_KW_SUBSTRING:
        return substring_call(p);
    case SQ_KW_TRIM:
        return trim_call(p);
    case SQ_KW_OVERLAY:
        return overlay_call(p);
    case SQ_KW_PERCENTILE_CONT:
        return percentile_call(p, "percentile_cont");
    case SQ_KW_PERCENTILE_DISC:
        return percentile_call(p, "percentile_disc");
    case SQ_KW_TIMESTAMPADD:
    case SQ_KW_DATEADD:
    case SQ_KW_DATE_ADD:
        return unit_call(p, "timestampadd");
    case SQ_KW_TIMESTAMPDIFF:
    case SQ_KW_DATEDIFF:
    case SQ_KW_DATE_DIFF:
        return unit_call(p, "timestampdiff");
    default:
        return NULL;
    }
}
