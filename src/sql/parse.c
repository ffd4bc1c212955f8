/* parse.c - the parser's state: moving over tokens, errors in Spark's layout, names, and the entry points for expressions, types and names.
 *
 * See parser.h for the invariant of the failed state. Entry points: sql.h; sq_parse_statement is in statement.c.
 */
#include "sql/parser.h"

#include <stdio.h>

/* Recursion of the grammar: deeper text ends in an error before the stack does. A level costs up to a dozen C frames. */
enum { MAX_DEPTH = 400, MAX_CHAIN = 2000 };

void sq_start(SqParser *ret_parser, Arena *arena, Str text, const SqArguments *args, Err *noted) {
    *ret_parser = (SqParser){.arena = arena, .sql = text, .args = args, .noted = noted};
    ret_parser->tokens = sq_lex(arena, text);
    ret_parser->pending.arena = arena;
    ret_parser->argument_used.arena = arena;
}

SqTok sq_peek(const SqParser *p, size_t ahead) {
    size_t i = p->pos + ahead;
    return p->failed || i >= p->tokens.count ? SQ_TOK_EOF : p->tokens.items[i].tok;
}

bool sq_is(const SqParser *p, SqTok tok) {
    return sq_peek(p, 0) == tok;
}

static void advance(SqParser *p) {
    if (!p->failed && p->pos + 1 < p->tokens.count) {
        p->pos++;
    }
}

bool sq_accept(SqParser *p, SqTok tok) {
    if (p->failed || !sq_is(p, tok)) {
        return false;
    }
    advance(p);
    return true;
}

void sq_fail_at(SqParser *p, size_t token) {
    if (!p->failed) {
        p->failed = true;
        p->failed_at = token;
        p->hint = SQ_HINT_NONE;
    }
}

void sq_fail(SqParser *p) {
    sq_fail_at(p, p->pos);
}

/* Whether the current token could stand behind the missing one. */
static bool could_follow(const SqParser *p, SqTok missing) {
    switch ((int)missing) {
    case SQ_TOK_RPAREN:
        return sq_is(p, SQ_TOK_EOF) && p->tokens.nunclosed == 1; /* the text would be whole */
    case SQ_TOK_RBRACKET:
        return sq_is(p, SQ_TOK_EOF) && p->tokens.nunclosed == 0;
    case SQ_TOK_GT:
        return sq_is(p, SQ_TOK_RPAREN) || sq_is(p, SQ_TOK_EOF);
    case SQ_TOK_INTEGER:
        return sq_is(p, SQ_TOK_RPAREN);
    case SQ_KW_JOIN:
    case SQ_KW_TABLE:
    case SQ_KW_VIEW:
        return sq_is_identifier(sq_peek(p, 0));
    case SQ_KW_AND:
    case SQ_KW_THEN:
    case SQ_KW_FROM:
        return sq_starts_expression(sq_peek(p, 0));
    case SQ_KW_FUNCTIONS:
        return sq_is(p, SQ_TOK_EOF);
    default:
        return false;
    }
}

void sq_expect_plain(SqParser *p, SqTok tok) {
    sq_expect(p, tok);
    if (p->failed && p->hint == SQ_HINT_MISSING) {
        p->hint = SQ_HINT_NONE;
    }
}

void sq_expect_list_end(SqParser *p, SqTok tok, size_t nitems) {
    bool is_wrong = !p->failed && !sq_is(p, tok);
    sq_expect(p, tok);
    if (is_wrong && (nitems > 1 || p->hint == SQ_HINT_MISSING)) {
        p->hint = nitems > 1 ? SQ_HINT_EXTRA : SQ_HINT_NONE;
    }
}

void sq_expect(SqParser *p, SqTok tok) {
    if (sq_accept(p, tok) || p->failed) {
        return;
    }
    SqHint hint = SQ_HINT_NONE;
    if (sq_peek(p, 1) == tok && !sq_is(p, SQ_TOK_EOF)) {
        hint = SQ_HINT_EXTRA; /* without this token the text would go on */
    } else if (could_follow(p, tok)) {
        hint = SQ_HINT_MISSING; /* with that token in front of this one the text would go on */
    }
    sq_fail(p);
    p->hint = hint;
    p->missing = tok;
}

void sq_expect_end(SqParser *p) {
    bool has_semicolon = false;
    while (sq_accept(p, SQ_TOK_SEMICOLON)) {
        has_semicolon = true;
    }
    if (p->failed || sq_is(p, SQ_TOK_EOF)) {
        return;
    }
    bool is_extra = has_semicolon || sq_peek(p, 1) == SQ_TOK_EOF;
    sq_fail(p);
    p->hint = is_extra ? SQ_HINT_EXTRA : SQ_HINT_NONE;
}

static void too_complex(SqParser *p, const char *what, size_t limit) {
    if (p->failed) {
        return;
    }
    err_clear(p->noted);
    sq_note(p, p->pos, "FAILED_TO_PARSE_TOO_COMPLEX",
            "The statement %s %zu, which is too complex to parse. To mitigate this error divide the statement into multiple, less complex chunks.",
            what, limit);
    p->failed = true;
    p->failed_at = SIZE_MAX; /* the noted error is the one to report */
}

bool sq_deeper(SqParser *p) {
    p->depth++;
    if (p->depth > MAX_DEPTH) {
        too_complex(p, "has more levels of nesting than", MAX_DEPTH);
        return false;
    }
    return true;
}

bool sq_chain_is_too_long(SqParser *p, size_t count) {
    if (count >= MAX_CHAIN) {
        too_complex(p, "has a chain of operations longer than", MAX_CHAIN);
        return true;
    }
    return false;
}

Str sq_token_str(const SqParser *p, size_t token) {
    const SqToken *t = &p->tokens.items[token];
    return str_slice(p->sql, t->start, t->end);
}

Str sq_text_from(const SqParser *p, size_t first_token) {
    if (p->pos == 0 || p->pos <= first_token) {
        return (Str){0};
    }
    return str_slice(p->sql, p->tokens.items[first_token].start, p->tokens.items[p->pos - 1].end);
}

PlOrigin sq_origin(const SqParser *p, size_t first_token) {
    const SqToken *first = &p->tokens.items[first_token];
    const SqToken *last = p->pos > first_token ? &p->tokens.items[p->pos - 1] : first;
    return (PlOrigin){.sql = p->sql, .line = first->line, .column = first->column, .start = (int)first->start, .stop = (int)last->end};
}

/* -- errors */

/* "(line 1, pos 7)\n\n== SQL ==\n" and the text with a mark under the place. */
static void add_place(StrBuf *buf, Str sql, int line, int column) {
    strbuf_fmt(buf, "(line %d, pos %d)\n\n== SQL ==\n", line, column);
    while (sql.len > 0 && sql.data[sql.len - 1] == '\n') {
        sql.len--; /* as Spark, which drops empty lines at the end */
    }
    size_t at = 0;
    for (int number = 1; number == 1 || at <= sql.len; number++) {
        size_t end = at;
        while (end < sql.len && sql.data[end] != '\n') {
            end++;
        }
        strbuf_add(buf, str_slice(sql, at, end));
        strbuf_add_char(buf, '\n');
        if (number == line) {
            for (int i = 0; i < column; i++) {
                strbuf_add_char(buf, '-');
            }
            strbuf_add_c(buf, "^^^\n");
        }
        at = end + 1;
    }
}

void sq_note(SqParser *p, size_t token, const char *code, const char *fmt, ...) {
    if (p->noted->is_set) {
        return;
    }
    StrBuf buf = {.arena = p->arena};
    strbuf_add_char(&buf, '\n');
    if (strncmp(code, "_LEGACY", 7) != 0) {
        strbuf_fmt(&buf, "[%s] ", code);
    }
    va_list args;
    va_start(args, fmt);
    strbuf_vfmt(&buf, fmt, args);
    va_end(args);
    const SqToken *t = &p->tokens.items[token];
    add_place(&buf, p->sql, t->line, t->column);
    (void)err_set(p->noted, code, "%.*s", STR_ARG(strbuf_str(&buf)));
}

/* The token in quotes, as messages show it; a text's end has words of its own. */
static void add_shown_token(StrBuf *buf, const SqParser *p, size_t token) {
    if (p->tokens.items[token].tok == SQ_TOK_EOF) {
        strbuf_add_c(buf, "end of input");
        return;
    }
    strbuf_add_char(buf, '\'');
    Str text = sq_token_str(p, token);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n' || c == '\r' || c == '\t') {
            strbuf_add_c(buf, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else {
            strbuf_add_char(buf, c);
        }
    }
    strbuf_add_char(buf, '\'');
}

static bool report_syntax_error(SqParser *p, Err *err) {
    const SqToken *t = &p->tokens.items[p->failed_at];
    StrBuf buf = {.arena = p->arena};
    strbuf_add_c(&buf, "\n[PARSE_SYNTAX_ERROR] Syntax error at or near ");
    add_shown_token(&buf, p, p->failed_at);
    if (p->hint == SQ_HINT_EXTRA) {
        strbuf_add_c(&buf, ": extra input ");
        add_shown_token(&buf, p, p->failed_at);
    } else if (p->hint == SQ_HINT_MISSING) {
        const char *quote = p->missing == SQ_TOK_INTEGER ? "" : "'"; /* a kind of token, not a text */
        strbuf_fmt(&buf, ": missing %s%s%s", quote, sq_tok_text(p->missing), quote);
    }
    strbuf_add_char(&buf, '.');
    add_place(&buf, p->sql, t->line, t->column);
    bool is_blank = str_trim(p->sql).len == 0;
    return err_set(err, is_blank ? "PARSE_EMPTY_STATEMENT" : "PARSE_SYNTAX_ERROR", "%.*s", STR_ARG(strbuf_str(&buf)));
}

bool sq_finish(SqParser *p, Err *err) {
    if (p->failed && p->failed_at < p->tokens.count && !p->tokens.has_unclosed_comment) {
        return report_syntax_error(p, err);
    }
    if (p->tokens.has_unclosed_comment) {
        return err_set(err, "UNCLOSED_BRACKETED_COMMENT",
                       "\n[UNCLOSED_BRACKETED_COMMENT] Found an unclosed bracketed comment. Please, append */ at the end of the comment.\n"
                       "== SQL ==\n%.*s",
                       STR_ARG(p->sql));
    }
    if (p->noted->is_set) {
        return err_set(err, p->noted->code, "%s", p->noted->message);
    }
    return true;
}

/* -- names */

bool sq_is_identifier(SqTok tok) {
    return tok == SQ_TOK_IDENT || tok == SQ_TOK_QUOTED_IDENT || sq_tok_is_keyword(tok);
}

bool sq_starts_expression(SqTok tok) {
    return sq_is_identifier(tok) || (tok >= SQ_TOK_STRING && tok <= SQ_TOK_BIGDECIMAL) || tok == SQ_TOK_LPAREN || tok == SQ_TOK_MINUS ||
           tok == SQ_TOK_PLUS || tok == SQ_TOK_TILDE || tok == SQ_TOK_ASTERISK || tok == SQ_TOK_QUESTION || tok == SQ_TOK_COLON;
}

Str sq_back_quotes_removed(Arena *arena, Str quoted) {
    StrBuf buf = {.arena = arena};
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.data[i] == '`') {
            i++; /* doubled */
        }
        strbuf_add_char(&buf, quoted.data[i]);
    }
    return strbuf_str(&buf);
}

/* An unquoted name that goes on with a hyphen (my-table) is a frequent slip, with a message of its own. */
static void check_hyphen(SqParser *p, size_t first_token) {
    size_t i = p->pos;
    while (sq_peek(p, i - p->pos) == SQ_TOK_MINUS && sq_is_identifier(sq_peek(p, i + 1 - p->pos))) {
        i += 2;
    }
    if (i == p->pos) {
        return;
    }
    Str whole = str_slice(p->sql, p->tokens.items[first_token].start, p->tokens.items[i - 1].end);
    sq_note(p, first_token + 1, "INVALID_IDENTIFIER", "The identifier %.*s is invalid. Please, consider quoting it with back-quotes as `%.*s`.",
            STR_ARG(whole), STR_ARG(whole));
    p->pos = i;
}

Str sq_identifier(SqParser *p) {
    SqTok tok = sq_peek(p, 0);
    if (!sq_is_identifier(tok)) {
        sq_fail(p);
        return (Str){0};
    }
    Str text = sq_token_str(p, p->pos);
    advance(p);
    return tok == SQ_TOK_QUOTED_IDENT ? sq_back_quotes_removed(p->arena, text) : text;
}

Str sq_strict_identifier(SqParser *p) {
    if (sq_tok_is_strict(sq_peek(p, 0))) {
        sq_fail(p);
        return (Str){0};
    }
    return sq_identifier(p);
}

const Str *sq_multipart(SqParser *p, size_t *ret_nparts) {
    VEC(Str) parts = {.arena = p->arena};
    do {
        size_t first = p->pos;
        VEC_PUSH(&parts, sq_identifier(p));
        check_hyphen(p, first);
    } while (sq_accept(p, SQ_TOK_DOT));
    *ret_nparts = parts.count;
    return parts.items;
}

const Str *sq_identifier_list(SqParser *p, size_t *ret_count) {
    VEC(Str) names = {.arena = p->arena};
    sq_expect(p, SQ_TOK_LPAREN);
    do {
        size_t first = p->pos;
        VEC_PUSH(&names, sq_identifier(p));
        check_hyphen(p, first);
    } while (sq_accept(p, SQ_TOK_COMMA));
    sq_expect(p, SQ_TOK_RPAREN);
    *ret_count = names.count;
    return names.items;
}

bool sq_starts_query(const SqParser *p, size_t ahead) {
    SqTok tok = sq_peek(p, ahead);
    SqTok next = sq_peek(p, ahead + 1);
    switch ((int)tok) {
    case SQ_KW_SELECT:
        return sq_starts_expression(next) || next == SQ_TOK_HINT_START;
    case SQ_KW_WITH:
        return sq_is_identifier(next) && (sq_peek(p, ahead + 2) == SQ_KW_AS || sq_peek(p, ahead + 2) == SQ_TOK_LPAREN);
    case SQ_KW_FROM:
    case SQ_KW_TABLE:
        return sq_is_identifier(next) || (tok == SQ_KW_FROM && next == SQ_TOK_LPAREN);
    case SQ_KW_VALUES:
        return sq_starts_expression(next);
    default:
        return false;
    }
}

/* What may follow a parenthesised query that is a part of a greater one: UNION (…), ORDER BY … */
static bool goes_on_as_query(SqTok tok) {
    return tok == SQ_KW_UNION || tok == SQ_KW_EXCEPT || tok == SQ_KW_MINUS || tok == SQ_KW_INTERSECT || tok == SQ_KW_ORDER ||
           tok == SQ_KW_SORT || tok == SQ_KW_CLUSTER || tok == SQ_KW_DISTRIBUTE || tok == SQ_KW_LIMIT || tok == SQ_KW_OFFSET;
}

bool sq_parenthesis_is_query(const SqParser *p) {
    size_t inner = p->pos;
    while (inner < p->tokens.count && p->tokens.items[inner].tok == SQ_TOK_LPAREN) {
        inner++;
    }
    if (p->failed || inner == p->pos || !sq_starts_query(p, inner - p->pos)) {
        return false;
    }
    /* Outwards from the innermost: ((SELECT 1) + 1) is an expression, ((SELECT 1) UNION (SELECT 2)) a query. */
    for (size_t i = inner - 1; i > p->pos; i--) {
        size_t close = p->tokens.items[i].match;
        SqTok after = close == 0 || close + 1 >= p->tokens.count ? SQ_TOK_EOF : p->tokens.items[close + 1].tok;
        if (after != SQ_TOK_RPAREN && after != SQ_TOK_EOF && !goes_on_as_query(after)) {
            return false;
        }
    }
    return true;
}

/* -- entry points */

const PxExpr *sq_parse_expression(Arena *arena, Str text, Err *err) {
    SqParser p;
    Err noted = {0};
    sq_start(&p, arena, text, NULL, &noted);
    const PxExpr *e = sq_named_expression(&p);
    if (!p.failed && !sq_is(&p, SQ_TOK_EOF)) {
        bool is_last = sq_peek(&p, 1) == SQ_TOK_EOF;
        sq_fail(&p);
        p.hint = is_last ? SQ_HINT_EXTRA : SQ_HINT_NONE;
    }
    sq_check_windows(&p);
    return sq_finish(&p, err) ? e : NULL;
}

static const PlType *parse_type_by(Arena *arena, Str text, const PlType *(*rule)(SqParser *p), Err *err) {
    SqParser p;
    Err noted = {0};
    sq_start(&p, arena, text, NULL, &noted);
    const PlType *t = rule(&p);
    if (!p.failed && !sq_is(&p, SQ_TOK_EOF)) {
        bool is_last = sq_peek(&p, 1) == SQ_TOK_EOF;
        sq_fail(&p);
        p.hint = is_last ? SQ_HINT_EXTRA : SQ_HINT_NONE;
    }
    return sq_finish(&p, err) ? t : NULL;
}

const PlType *sq_parse_type(Arena *arena, Str text, Err *err) {
    return parse_type_by(arena, text, sq_data_type, err);
}

const PlType *sq_parse_schema(Arena *arena, Str text, Err *err) {
    Err type_error = {0};
    const PlType *t = sq_parse_type(arena, text, &type_error);
    if (t != NULL) {
        return t;
    }
    Err schema_error = {0};
    t = parse_type_by(arena, text, sq_table_schema, &schema_error);
    if (t == NULL) {
        (void)err_set(err, type_error.code, "%s", type_error.message); /* Spark reports the first attempt */
    }
    return t;
}

static bool bad_name(Str text, Err *err) {
    return err_set(err, "_LEGACY_ERROR_TEMP_1049", "Syntax error in attribute name: %.*s.", STR_ARG(text));
}

bool sq_parse_name(Arena *arena, Str text, const Str **ret_parts, size_t *ret_nparts, Err *err) {
    VEC(Str) parts = {.arena = arena};
    StrBuf part = {.arena = arena};
    bool is_quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        char next = i + 1 < text.len ? text.data[i + 1] : '\0';
        if (is_quoted) {
            if (c != '`') {
                strbuf_add_char(&part, c);
            } else if (next == '`') {
                strbuf_add_char(&part, c);
                i++;
            } else {
                is_quoted = false;
                if (i + 1 < text.len && next != '.') {
                    return bad_name(text, err);
                }
            }
        } else if (c == '`') {
            if (part.len > 0) {
                return bad_name(text, err);
            }
            is_quoted = true;
        } else if (c == '.') {
            if (i == 0 || text.data[i - 1] == '.' || i + 1 == text.len) {
                return bad_name(text, err);
            }
            VEC_PUSH(&parts, strbuf_str(&part));
            part = (StrBuf){.arena = arena};
        } else {
            strbuf_add_char(&part, c);
        }
    }
    if (is_quoted) {
        return bad_name(text, err);
    }
    VEC_PUSH(&parts, strbuf_str(&part));
    *ret_parts = parts.items;
    *ret_nparts = parts.count;
    return true;
}
