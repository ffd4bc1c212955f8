/* lex.c - see lex.h. The longest token wins; of equally long ones the keyword.
 *
 * Invariant: never fails: what starts no token becomes SQ_TOK_UNRECOGNIZED, and the grammar refuses it where it stands.
 */
#include "sql/lex.h"

#include "base/vec.h"

enum { FIRST_KEYWORD = SQ_TOK_BANG + 1, MAX_KEYWORD = 32 };

static const struct {
    const char *text;
    bool is_strict;
} KEYWORDS[] = {
#define SQ_KEYWORD(tag, text, is_strict) {text, is_strict},
#include "gen/keywords.inc"
#undef SQ_KEYWORD
};

enum { KEYWORD_COUNT = sizeof KEYWORDS / sizeof *KEYWORDS };

typedef struct Lexer {
    Str sql;
    size_t at;
    int line, column;
    VEC(SqToken) tokens;
    VEC(size_t) open; /* tokens of open parentheses */
    bool has_unclosed_comment;
} Lexer;

bool sq_tok_is_keyword(SqTok tok) {
    return tok >= SQ_TOK_BANG && tok < SQ_TOK_COUNT;
}

bool sq_tok_is_strict(SqTok tok) {
    return tok > SQ_TOK_BANG && tok < SQ_TOK_COUNT && KEYWORDS[tok - FIRST_KEYWORD].is_strict;
}

const char *sq_tok_text(SqTok tok) {
    if (tok > SQ_TOK_BANG && tok < SQ_TOK_COUNT) {
        return KEYWORDS[tok - FIRST_KEYWORD].text;
    }
    static const struct {
        SqTok tok;
        const char *text;
    } SYMBOLS[] = {{SQ_TOK_LPAREN, "("}, {SQ_TOK_RPAREN, ")"}, {SQ_TOK_COMMA, ","},        {SQ_TOK_LBRACKET, "["},
                   {SQ_TOK_RBRACKET, "]"}, {SQ_TOK_EQ, "="},   {SQ_TOK_GT, ">"},           {SQ_TOK_LT, "<"},
                   {SQ_TOK_ARROW, "->"}, {SQ_TOK_COLON, ":"},  {SQ_TOK_HINT_END, "*/"},
                   {SQ_TOK_INTEGER, "INTEGER_VALUE"}};
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
        if (SYMBOLS[i].tok == tok) {
            return SYMBOLS[i].text;
        }
    }
    return "";
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}

static char at(const Lexer *lx, size_t i) {
    return i < lx->sql.len ? lx->sql.data[i] : '\0';
}

/* Moves to a byte, counting lines and characters. */
static void move_to(Lexer *lx, size_t to) {
    for (; lx->at < to; lx->at++) {
        unsigned char c = (unsigned char)lx->sql.data[lx->at];
        if (c == '\n') {
            lx->line++;
            lx->column = 0;
        } else if ((c & 0xC0) != 0x80) {
            lx->column++;
        }
    }
}

static void add_token(Lexer *lx, SqTok tok, size_t end) {
    SqToken token = {.tok = tok, .start = (uint32_t)lx->at, .end = (uint32_t)end, .line = lx->line, .column = lx->column};
    if (tok == SQ_TOK_LPAREN) {
        VEC_PUSH(&lx->open, lx->tokens.count);
    } else if (tok == SQ_TOK_RPAREN && lx->open.count > 0) {
        lx->tokens.items[lx->open.items[--lx->open.count]].match = (uint32_t)lx->tokens.count;
    }
    VEC_PUSH(&lx->tokens, token);
    move_to(lx, end);
}

static SqTok keyword_of(Str word) {
    char upper[MAX_KEYWORD];
    if (word.len >= sizeof upper) {
        return SQ_TOK_IDENT;
    }
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    Str key = {upper, word.len};
    size_t low = 0;
    size_t high = KEYWORD_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(key, str_from_c(KEYWORDS[middle].text));
        if (order == 0) {
            return (SqTok)(FIRST_KEYWORD + middle);
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return SQ_TOK_IDENT;
}

/* The end of an exponent (e10, E-3) that starts at i; i itself when there is none. */
static size_t exponent_end(const Lexer *lx, size_t i) {
    if (at(lx, i) != 'e' && at(lx, i) != 'E') {
        return i;
    }
    size_t k = i + 1;
    if (at(lx, k) == '+' || at(lx, k) == '-') {
        k++;
    }
    if (!is_digit(at(lx, k))) {
        return i;
    }
    while (is_digit(at(lx, k))) {
        k++;
    }
    return k;
}

/* A number that starts here, or nothing (*ret_end is then the start). Longer words (1st, 1e3x) are the caller's concern. */
static SqTok scan_number(const Lexer *lx, size_t *ret_end) {
    size_t start = lx->at;
    size_t i = start;
    while (is_digit(at(lx, i))) {
        i++;
    }
    bool has_point = at(lx, i) == '.' && (i > start || is_digit(at(lx, i + 1)));
    size_t whole_end = i;
    if (has_point) {
        i++;
        while (is_digit(at(lx, i))) {
            i++;
        }
    }
    size_t digits_end = i;
    i = exponent_end(lx, i);
    bool has_exponent = i > digits_end;
    char c = (char)(at(lx, i) & ~0x20);
    SqTok tok;
    if (c == 'B' && (char)(at(lx, i + 1) & ~0x20) == 'D') {
        tok = SQ_TOK_BIGDECIMAL;
        i += 2;
    } else if (c == 'F' || c == 'D') {
        tok = c == 'F' ? SQ_TOK_FLOAT : SQ_TOK_DOUBLE;
        i++;
    } else if (!has_point && !has_exponent && (c == 'L' || c == 'S' || c == 'Y')) {
        tok = c == 'L' ? SQ_TOK_BIGINT : c == 'S' ? SQ_TOK_SMALLINT : SQ_TOK_TINYINT;
        i++;
    } else {
        tok = has_exponent ? SQ_TOK_EXPONENT : has_point ? SQ_TOK_DECIMAL : SQ_TOK_INTEGER;
    }
    /* 1.a and 1.5x are no decimals: the point is a field access, the rest a name. */
    if (has_point && is_word(at(lx, i))) {
        tok = SQ_TOK_INTEGER;
        i = whole_end;
    }
    *ret_end = i;
    return tok;
}

/* The end of a quoted thing that starts at i, or 0 when the text ends before it does. */
static size_t quoted_end(const Lexer *lx, size_t i, bool has_escapes) {
    char quote = at(lx, i);
    for (i++; i < lx->sql.len; i++) {
        if (lx->sql.data[i] == '\\' && has_escapes) {
            i++;
        } else if (lx->sql.data[i] == quote) {
            return i + 1;
        }
    }
    return 0;
}

static size_t back_quoted_end(const Lexer *lx) {
    for (size_t i = lx->at + 1; i < lx->sql.len; i++) {
        if (lx->sql.data[i] == '`') {
            if (at(lx, i + 1) != '`') {
                return i + 1;
            }
            i++;
        }
    }
    return 0;
}

/* Skips a bracketed comment, which may hold others. */
static void skip_comment(Lexer *lx) {
    size_t i = lx->at + 2;
    int depth = 1;
    while (i < lx->sql.len && depth > 0) {
        if (at(lx, i) == '/' && at(lx, i + 1) == '*' && at(lx, i + 2) != '+') {
            depth++;
            i += 2;
        } else if (at(lx, i) == '*' && at(lx, i + 1) == '/') {
            depth--;
            i += 2;
        } else {
            i++;
        }
    }
    lx->has_unclosed_comment = lx->has_unclosed_comment || depth > 0;
    move_to(lx, i > lx->sql.len ? lx->sql.len : i);
}

static void skip_line_comment(Lexer *lx) {
    size_t i = lx->at;
    while (i < lx->sql.len && lx->sql.data[i] != '\n' && lx->sql.data[i] != '\r') {
        i += lx->sql.data[i] == '\\' && at(lx, i + 1) == '\n' ? 2 : 1;
    }
    move_to(lx, i);
}

static SqTok scan_symbol(const Lexer *lx, size_t *ret_len) {
    static const struct {
        const char *text;
        SqTok tok;
    } SYMBOLS[] = {
        {"/*+", SQ_TOK_HINT_START}, {"<=>", SQ_TOK_NSEQ},    {"==", SQ_TOK_EQ},         {"<>", SQ_TOK_NEQ},    {"!=", SQ_TOK_NEQJ},
        {"<=", SQ_TOK_LTE},         {"!>", SQ_TOK_LTE},      {">=", SQ_TOK_GTE},        {"!<", SQ_TOK_GTE},    {"||", SQ_TOK_CONCAT},
        {"->", SQ_TOK_ARROW},       {"=>", SQ_TOK_FAT_ARROW}, {"*/", SQ_TOK_HINT_END},  {";", SQ_TOK_SEMICOLON}, {"(", SQ_TOK_LPAREN},
        {")", SQ_TOK_RPAREN},       {",", SQ_TOK_COMMA},     {".", SQ_TOK_DOT},         {"[", SQ_TOK_LBRACKET}, {"]", SQ_TOK_RBRACKET},
        {"=", SQ_TOK_EQ},           {"<", SQ_TOK_LT},        {">", SQ_TOK_GT},          {"+", SQ_TOK_PLUS},    {"-", SQ_TOK_MINUS},
        {"*", SQ_TOK_ASTERISK},     {"/", SQ_TOK_SLASH},     {"%", SQ_TOK_PERCENT},     {"~", SQ_TOK_TILDE},   {"&", SQ_TOK_AMPERSAND},
        {"|", SQ_TOK_PIPE},         {"^", SQ_TOK_HAT},       {":", SQ_TOK_COLON},       {"?", SQ_TOK_QUESTION}, {"!", SQ_TOK_BANG},
    };
    Str rest = str_slice(lx->sql, lx->at, lx->sql.len);
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
        Str text = str_from_c(SYMBOLS[i].text);
        if (str_starts_with(rest, text)) {
            *ret_len = text.len;
            return SYMBOLS[i].tok;
        }
    }
    size_t len = 1; /* the whole character */
    while (len < rest.len && ((unsigned char)rest.data[len] & 0xC0) == 0x80) {
        len++;
    }
    *ret_len = len;
    return SQ_TOK_UNRECOGNIZED;
}

/* A word or a number; the longer of the two. */
static void add_word(Lexer *lx) {
    size_t word_end = lx->at;
    while (is_word(at(lx, word_end))) {
        word_end++;
    }
    size_t number_end = lx->at;
    SqTok number = SQ_TOK_INTEGER;
    if (is_digit(at(lx, lx->at)) || at(lx, lx->at) == '.') {
        number = scan_number(lx, &number_end);
    }
    if (number_end > lx->at && number_end >= word_end) {
        add_token(lx, number, number_end);
    } else if (word_end > lx->at) {
        add_token(lx, keyword_of(str_slice(lx->sql, lx->at, word_end)), word_end);
    } else {
        add_token(lx, SQ_TOK_DOT, lx->at + 1);
    }
}

static void add_next(Lexer *lx) {
    char c = at(lx, lx->at);
    char next = at(lx, lx->at + 1);
    bool is_raw = (c == 'r' || c == 'R') && (next == '\'' || next == '"');
    if (c == '\'' || c == '"' || is_raw) {
        size_t end = quoted_end(lx, lx->at + (is_raw ? 1 : 0), !is_raw);
        if (end > 0) {
            add_token(lx, SQ_TOK_STRING, end);
        } else if (is_raw) {
            add_word(lx); /* r and then a quote that nothing closes */
        } else {
            add_token(lx, SQ_TOK_UNRECOGNIZED, lx->at + 1);
        }
        return;
    }
    if (c == '`') {
        size_t end = back_quoted_end(lx);
        add_token(lx, end > 0 ? SQ_TOK_QUOTED_IDENT : SQ_TOK_UNRECOGNIZED, end > 0 ? end : lx->at + 1);
        return;
    }
    if (is_word(c) || (c == '.' && is_digit(next))) {
        add_word(lx);
        return;
    }
    size_t len;
    SqTok tok = scan_symbol(lx, &len);
    add_token(lx, tok, lx->at + len);
}

SqTokens sq_lex(Arena *arena, Str sql) {
    Lexer lx = {.sql = sql, .line = 1, .tokens = {.arena = arena}, .open = {.arena = arena}};
    while (lx.at < sql.len) {
        char c = sql.data[lx.at];
        char next = at(&lx, lx.at + 1);
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            move_to(&lx, lx.at + 1);
        } else if (c == '-' && next == '-') {
            skip_line_comment(&lx);
        } else if (c == '/' && next == '*' && at(&lx, lx.at + 2) != '+') {
            skip_comment(&lx);
        } else {
            add_next(&lx);
        }
    }
    add_token(&lx, SQ_TOK_EOF, sql.len);
    return (SqTokens){.items = lx.tokens.items, .count = lx.tokens.count, .nunclosed = lx.open.count,
                      .has_unclosed_comment = lx.has_unclosed_comment};
}
