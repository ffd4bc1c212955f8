/* sql/lex.h - Spark SQL text into tokens.
 *
 * First stage of sql/: everything behind it sees tokens only. Keywords come from spec/keywords.tsv through gen/keywords.inc.
 * Invariant: tokens are in the order of the text, do not overlap, and the last one is SQ_TOK_EOF; comments and white space are gone.
 */
#ifndef SOLDER_SQL_LEX_H
#define SOLDER_SQL_LEX_H

#include "base/str.h"

typedef enum SqTok {
    SQ_TOK_EOF,
    SQ_TOK_UNRECOGNIZED, /* one character that starts nothing; an unclosed quote too */
    SQ_TOK_IDENT,
    SQ_TOK_QUOTED_IDENT, /* `…` */
    SQ_TOK_STRING,       /* '…' "…" r'…' */
    SQ_TOK_INTEGER,
    SQ_TOK_EXPONENT, /* 1e3: double */
    SQ_TOK_DECIMAL,  /* 1.0 */
    SQ_TOK_BIGINT,   /* 1L */
    SQ_TOK_SMALLINT, /* 1S */
    SQ_TOK_TINYINT,  /* 1Y */
    SQ_TOK_FLOAT,    /* 1F */
    SQ_TOK_DOUBLE,   /* 1D */
    SQ_TOK_BIGDECIMAL, /* 1BD */
    SQ_TOK_SEMICOLON,
    SQ_TOK_LPAREN,
    SQ_TOK_RPAREN,
    SQ_TOK_COMMA,
    SQ_TOK_DOT,
    SQ_TOK_LBRACKET,
    SQ_TOK_RBRACKET,
    SQ_TOK_EQ,   /* = == */
    SQ_TOK_NSEQ, /* <=> */
    SQ_TOK_NEQ,  /* <> */
    SQ_TOK_NEQJ, /* != */
    SQ_TOK_LT,
    SQ_TOK_LTE, /* <= !> */
    SQ_TOK_GT,
    SQ_TOK_GTE, /* >= !< */
    SQ_TOK_PLUS,
    SQ_TOK_MINUS,
    SQ_TOK_ASTERISK,
    SQ_TOK_SLASH,
    SQ_TOK_PERCENT,
    SQ_TOK_TILDE,
    SQ_TOK_AMPERSAND,
    SQ_TOK_PIPE,
    SQ_TOK_CONCAT,
    SQ_TOK_HAT,
    SQ_TOK_COLON,
    SQ_TOK_ARROW,
    SQ_TOK_FAT_ARROW,
    SQ_TOK_HINT_START,
    SQ_TOK_HINT_END,
    SQ_TOK_QUESTION,
    SQ_TOK_BANG, /* ! : a keyword in Spark, another spelling of NOT */
#define SQ_KEYWORD(tag, text, is_strict) SQ_KW_##tag,
#include "gen/keywords.inc"
#undef SQ_KEYWORD
    SQ_TOK_COUNT
} SqTok;

typedef struct SqToken {
    SqTok tok;
    uint32_t start, end; /* bytes, end exclusive */
    uint32_t match;      /* of an opening parenthesis: the number of the closing token; else 0 */
    int line, column;    /* line from 1, column from 0 in characters, as Spark counts */
} SqToken;

typedef struct SqTokens {
    SqToken *items;
    size_t count;              /* with the EOF */
    size_t nunclosed;          /* opening parentheses without their closing ones */
    bool has_unclosed_comment; /* a bracketed comment that the text does not end */
} SqTokens;

SqTokens sq_lex(Arena *arena, Str sql);

bool sq_tok_is_keyword(SqTok tok);
/* A keyword that cannot be a table's alias without AS and quotes: the words of joins and set operations. */
bool sq_tok_is_strict(SqTok tok);
/* How messages show it when it is missing: JOIN, ')' without the quotes around it. */
const char *sq_tok_text(SqTok tok);

#endif
