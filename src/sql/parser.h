/* sql/parser.h - the parser's state and what its files offer one another. Private to sql/.
 *
 * A recursive descent: one function a rule, left-associative operators by precedence climbing. Two kinds of errors are kept apart as Spark does:
 * a syntax error ends everything; a wrong literal or name is noted and reported only if the text is good otherwise.
 * Invariant: after a syntax error p->failed is set, the current token reads as EOF, and nothing moves any more; so rules need not check after
 * each step, and loops end. What they return then is of no meaning, and is dropped by the entry points in parse.c.
 */
#ifndef SOLDER_SQL_PARSER_H
#define SOLDER_SQL_PARSER_H

#include "base/vec.h"
#include "sql/lex.h"
#include "sql/sql.h"

typedef enum SqHint { SQ_HINT_NONE, SQ_HINT_EXTRA, SQ_HINT_MISSING } SqHint;

/* The parameters of the lambdas around the current place. */
typedef struct SqScope {
    const struct SqScope *outer;
    const Str *params;
    size_t nparams;
} SqScope;

/* A window that was named before the WINDOW clause said what it is. */
typedef struct SqPendingWindow {
    PxExpr *window;
    Str name;
} SqPendingWindow;

typedef struct SqParser {
    Arena *arena;
    Str sql;
    SqTokens tokens;
    size_t pos;
    int depth;
    const SqScope *scope;
    const SqArguments *args;
    size_t nquestions; /* ? seen so far */
    VEC(SqPendingWindow) pending;
    VEC(bool) argument_used;
    bool is_select_item; /* an alias may follow the expression */
    bool failed;
    size_t failed_at;
    SqHint hint;
    SqTok missing; /* with SQ_HINT_MISSING */
    Err *noted;    /* the first error that is not one of syntax */
} SqParser;

/* -- parse.c: tokens and errors */
void sq_start(SqParser *ret_parser, Arena *arena, Str text, const SqArguments *args, Err *noted);
/* True when there was no error; else err has it. */
bool sq_finish(SqParser *p, Err *err);
SqTok sq_peek(const SqParser *p, size_t ahead); /* 0: the current token */
bool sq_is(const SqParser *p, SqTok tok);
bool sq_accept(SqParser *p, SqTok tok);
/* Takes the token, or fails as Spark does when it is missing or when one too many stands before it. */
void sq_expect(SqParser *p, SqTok tok);
void sq_expect_plain(SqParser *p, SqTok tok); /* never said to be missing */
/* Behind a list of nitems: what stands there instead is said to be one too many. */
void sq_expect_list_end(SqParser *p, SqTok tok, size_t nitems);
void sq_expect_end(SqParser *p); /* ; … and the end of the text */
void sq_fail(SqParser *p);       /* syntax error at the current token */
void sq_fail_at(SqParser *p, size_t token);
/* Notes an error that is not one of syntax, with Spark's layout; code's class is put in front unless it is a legacy one. */
void sq_note(SqParser *p, size_t token, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Fails when a chain (joins, a[0][0]…), which nests what is made of it, has count links already and that is too many. */
bool sq_chain_is_too_long(SqParser *p, size_t count);
bool sq_deeper(SqParser *p); /* false: too deep, and failed; pair with p->depth-- */
Str sq_token_str(const SqParser *p, size_t token);
Str sq_text_from(const SqParser *p, size_t first_token); /* to the last token taken */
PlOrigin sq_origin(const SqParser *p, size_t first_token);
bool sq_is_identifier(SqTok tok);
bool sq_starts_expression(SqTok tok);
bool sq_starts_query(const SqParser *p, size_t ahead); /* SELECT, WITH, VALUES … there */
/* Whether the parenthesis at the current token holds a query, and not an expression or a relation. */
bool sq_parenthesis_is_query(const SqParser *p);
Str sq_identifier(SqParser *p);
Str sq_strict_identifier(SqParser *p);
Str sq_back_quotes_removed(Arena *arena, Str quoted);
/* a.b.c; for tables, views, functions. */
const Str *sq_multipart(SqParser *p, size_t *ret_nparts);
/* (a, b, c) */
const Str *sq_identifier_list(SqParser *p, size_t *ret_count);

/* -- node.c: making nodes; first_token .. the last token taken are their origin */
PxExpr *sq_expr(SqParser *p, PxTag tag, size_t first_token);
PrRel *sq_rel(SqParser *p, PrTag tag, size_t first_token, const PrRel *input);
PxExpr *sq_call(SqParser *p, size_t first_token, Str name, const PxExpr *const *args, size_t nargs);
PxExpr *sq_call1(SqParser *p, size_t first_token, const char *name, const PxExpr *a);
PxExpr *sq_call2(SqParser *p, size_t first_token, const char *name, const PxExpr *a, const PxExpr *b);
PxExpr *sq_call3(SqParser *p, size_t first_token, const char *name, const PxExpr *a, const PxExpr *b, const PxExpr *c);
PxExpr *sq_literal(SqParser *p, size_t first_token, PlValue value);
PxExpr *sq_string(SqParser *p, size_t first_token, Str value);
PxExpr *sq_int(SqParser *p, size_t first_token, int32_t value);
PxExpr *sq_boolean(SqParser *p, size_t first_token, bool value);
PxExpr *sq_attribute(SqParser *p, size_t first_token, const Str *parts, size_t nparts);
PxExpr *sq_alias(SqParser *p, size_t first_token, const PxExpr *child, const Str *names, size_t nnames);

typedef VEC(const PxExpr *) SqExprs;

/* -- expression.c */
const PxExpr *sq_expression(SqParser *p);       /* with AND, OR, NOT, predicates */
const PxExpr *sq_condition(SqParser *p);        /* the same, where no alias can follow: WHERE, ON, HAVING */
const PxExpr *sq_value(SqParser *p);            /* comparison and tighter */
const PxExpr *sq_named_expression(SqParser *p); /* with alias */
/* expression [, expression]… */
SqExprs sq_expressions(SqParser *p);
SqExprs sq_named_expressions(SqParser *p);

/* -- primary.c, function.c */
const PxExpr *sq_primary(SqParser *p);
const PxExpr *sq_function_call(SqParser *p, size_t first_token, const Str *parts, size_t nparts);
/* EXTRACT(…), TRIM(…), CAST(…) and the other calls with a grammar of their own; NULL: the current tokens are none. */
const PxExpr *sq_special_call(SqParser *p);

/* -- window.c */
/* OVER is taken: (…) or a name. */
const PxExpr *sq_over(SqParser *p, size_t first_token, const PxExpr *function);
/* WINDOW is taken: name AS (…), …; settles the windows pending from pending_from on. */
void sq_window_clause(SqParser *p, size_t pending_from);
/* Notes the windows that no WINDOW clause defined. */
void sq_check_windows(SqParser *p);
const PxExpr *sq_sort_item(SqParser *p);

/* -- literal.c, interval.c, datetime.c */
const PxExpr *sq_number(SqParser *p); /* with a leading minus */
Str sq_string_literal(SqParser *p);   /* 'a' 'b': one or more tokens */
Str sq_single_string(SqParser *p);    /* one token */
bool sq_at_interval(const SqParser *p);
const PxExpr *sq_interval(SqParser *p);
/* name 'text': DATE'…' and its like. */
const PxExpr *sq_typed_literal(SqParser *p);
/* The text of an interval ("1 day 2 hours") as a value; false: it is none. why may be NULL. */
bool sq_interval_from_text(Str text, PlValue *ret_value, Arena *arena, Str *ret_why);
bool sq_date_from_text(Str text, int64_t *ret_days);
/* has_zone: the text names one. zone_us is then its offset when it is a fixed one, else *ret_zone its name. */
typedef struct SqInstant {
    int64_t micros; /* local, or of UTC when has_zone */
    bool has_zone;
    bool is_named_zone; /* a region: not resolved here */
} SqInstant;
bool sq_timestamp_from_text(Str text, SqInstant *ret_instant);

/* -- types.c */
const PlType *sq_data_type(SqParser *p);
const PlType *sq_table_schema(SqParser *p); /* a int, b string NOT NULL COMMENT 'x' */

/* -- query.c, relation.c */
const PrRel *sq_query(SqParser *p);
PrRel *sq_with(SqParser *p); /* WITH …, to be put over what follows it */
const PrRel *sq_from_clause(SqParser *p); /* FROM is taken; with LATERAL VIEWs and pivots */
const PrRel *sq_lateral_views(SqParser *p, const PrRel *input);
const PrRel *sq_inline_table(SqParser *p); /* VALUES is the current token */
const PrRel *sq_table(SqParser *p, size_t first_token, const Str *parts, size_t nparts);
/* Whether the keyword at ahead goes on with the clause it names (WHERE a, GROUP BY), and is no alias. */
bool sq_continues_query(const SqParser *p, size_t ahead);
/* Takes an optional table alias (AS t (a, b)) and puts it over the relation. NULL alias text: none. */
const PrRel *sq_table_alias(SqParser *p, size_t first_token, const PrRel *rel, const char *alias_if_none);

/* -- group.c */
void sq_group_by(SqParser *p, PrRel *aggregate); /* GROUP BY is taken */

/* -- pivot.c */
const PrRel *sq_pivot(SqParser *p, const PrRel *input);   /* PIVOT is the current token */
const PrRel *sq_unpivot(SqParser *p, const PrRel *input); /* UNPIVOT is the current token */

#endif
