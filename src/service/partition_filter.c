/* partition_filter.c - see partition_filter.h. A recursive descent over the text makes a tree; matching walks it. */
#include "service/partition_filter.h"

#include "base/vec.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

typedef enum PfKind { PF_AND, PF_OR, PF_NOT, PF_COMPARE, PF_IN, PF_LIKE, PF_IS_NULL } PfKind;
typedef enum PfCompare { PF_EQ, PF_NE, PF_LT, PF_LE, PF_GT, PF_GE } PfCompare;

struct PfFilter {
    PfKind kind;
    const PfFilter *left, *right; /* AND, OR; NOT: left */
    size_t column;                /* the rest */
    bool is_number;               /* of the column */
    PfCompare compare;
    const Str *literals; /* COMPARE, LIKE: one; IN: all */
    size_t nliterals;
};

typedef struct Parser {
    Arena *arena;
    Str text;
    size_t at;
    yyjson_val *keys;
    int depth;
    Err *err;
} Parser;

static const PfFilter *parse_or(Parser *parser);

static bool fail(Parser *parser, const char *what) {
    return err_set(parser->err, "InvalidInputException", "Unsupported expression '%.*s': %s at character %zu", STR_ARG(parser->text), what,
                   parser->at + 1);
}

static void skip_space(Parser *parser) {
    while (parser->at < parser->text.len && isspace((unsigned char)parser->text.data[parser->at])) {
        parser->at++;
    }
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool take_symbol(Parser *parser, const char *symbol) {
    skip_space(parser);
    size_t len = strlen(symbol);
    if (str_eq_c(str_slice(parser->text, parser->at, parser->at + len), symbol)) {
        parser->at += len;
        return true;
    }
    return false;
}

static Str peek_word(Parser *parser) {
    skip_space(parser);
    size_t end = parser->at;
    while (end < parser->text.len && is_word(parser->text.data[end])) {
        end++;
    }
    return str_slice(parser->text, parser->at, end);
}

static bool take_keyword(Parser *parser, Str keyword) {
    Str word = peek_word(parser);
    if (word.len > 0 && str_eq_nocase(word, keyword)) {
        parser->at += word.len;
        return true;
    }
    return false;
}

static bool type_is_number(Str type) {
    static const char *const NUMBERS[] = {"tinyint", "smallint", "int", "integer", "bigint", "long", "float", "double", "decimal"};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        if (str_starts_with(type, str_from_c(NUMBERS[i]))) {
            return true;
        }
    }
    return false;
}

static bool parse_column(Parser *parser, size_t *ret_column, bool *ret_is_number) {
    bool is_quoted = take_symbol(parser, "`") || take_symbol(parser, "\"");
    Str name = peek_word(parser);
    if (name.len == 0) {
        return fail(parser, "a partition column is expected");
    }
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_arr_foreach(parser->keys, i, count, key) {
        Str key_name = str_from_c(yyjson_get_str(yyjson_obj_get(key, "Name")));
        if (str_eq_nocase(key_name, name)) {
            parser->at += name.len + (is_quoted ? 1 : 0);
            *ret_column = i;
            *ret_is_number = type_is_number(str_lower(parser->arena, str_from_c(yyjson_get_str(yyjson_obj_get(key, "Type")))));
            return true;
        }
    }
    return fail(parser, "not a partition column");
}

/* 'text' with '' for a quote, "text", or a number or bare word up to the next space, comma or parenthesis. DATE and TIMESTAMP may stand in front. */
static bool parse_literal(Parser *parser, Str *ret_literal) {
    if (!take_keyword(parser, STR("DATE"))) {
        (void)take_keyword(parser, STR("TIMESTAMP"));
    }
    skip_space(parser);
    char quote = parser->at < parser->text.len ? parser->text.data[parser->at] : '\0';
    StrBuf literal = {.arena = parser->arena};
    if (quote == '\'' || quote == '"') {
        for (parser->at++; parser->at < parser->text.len; parser->at++) {
            char c = parser->text.data[parser->at];
            if (c != quote) {
                strbuf_add_char(&literal, c);
            } else if (parser->at + 1 < parser->text.len && parser->text.data[parser->at + 1] == quote) {
                strbuf_add_char(&literal, c);
                parser->at++;
            } else {
                parser->at++;
                *ret_literal = strbuf_str(&literal);
                return true;
            }
        }
        return fail(parser, "a quote is not closed");
    }
    size_t start = parser->at;
    while (parser->at < parser->text.len && strchr(" \t\r\n,()", parser->text.data[parser->at]) == NULL) {
        parser->at++;
    }
    *ret_literal = str_slice(parser->text, start, parser->at);
    return ret_literal->len > 0 || fail(parser, "a value is expected");
}

static PfFilter *new_filter(Parser *parser, PfKind kind, const PfFilter *left, const PfFilter *right) {
    PfFilter *filter = ARENA_NEW(parser->arena, PfFilter);
    *filter = (PfFilter){.kind = kind, .left = left, .right = right};
    return filter;
}

static const PfFilter *compare(Parser *parser, const PfFilter *column, PfCompare how, Str literal) {
    double number = 0;
    if (column->is_number && !str_to_double(str_trim(literal), &number)) {
        (void)fail(parser, "a number is expected for this column's type");
        return NULL;
    }
    PfFilter *filter = new_filter(parser, PF_COMPARE, NULL, NULL);
    *filter = *column;
    filter->compare = how;
    filter->literals = memcpy(ARENA_NEW(parser->arena, Str), &literal, sizeof literal);
    filter->nliterals = 1;
    return filter;
}

static const PfFilter *parse_in(Parser *parser, const PfFilter *column) {
    VEC(Str) literals = {.arena = parser->arena};
    if (!take_symbol(parser, "(")) {
        (void)fail(parser, "( is expected behind IN");
        return NULL;
    }
    do {
        Str literal = {0};
        if (!parse_literal(parser, &literal)) {
            return NULL;
        }
        VEC_PUSH(&literals, literal);
    } while (take_symbol(parser, ","));
    if (!take_symbol(parser, ")")) {
        (void)fail(parser, ") is expected");
        return NULL;
    }
    PfFilter *filter = new_filter(parser, PF_IN, NULL, NULL);
    *filter = *column;
    filter->kind = PF_IN;
    filter->literals = literals.items;
    filter->nliterals = literals.count;
    return filter;
}

static const PfFilter *parse_between(Parser *parser, const PfFilter *column) {
    Str low = {0};
    Str high = {0};
    if (!parse_literal(parser, &low) || !(take_keyword(parser, STR("AND")) || fail(parser, "AND is expected")) || !parse_literal(parser, &high)) {
        return NULL;
    }
    const PfFilter *from = compare(parser, column, PF_GE, low);
    const PfFilter *to = compare(parser, column, PF_LE, high);
    return from == NULL || to == NULL ? NULL : new_filter(parser, PF_AND, from, to);
}

static const PfFilter *parse_like(Parser *parser, const PfFilter *column) {
    Str *pattern = ARENA_NEW(parser->arena, Str);
    if (!parse_literal(parser, pattern)) {
        return NULL;
    }
    PfFilter *filter = new_filter(parser, PF_LIKE, NULL, NULL);
    *filter = *column;
    filter->kind = PF_LIKE;
    filter->literals = pattern;
    filter->nliterals = 1;
    return filter;
}

static const PfFilter *parse_is_null(Parser *parser, const PfFilter *column) {
    bool negated = take_keyword(parser, STR("NOT"));
    if (!take_keyword(parser, STR("NULL"))) {
        (void)fail(parser, "NULL is expected behind IS");
        return NULL;
    }
    PfFilter *filter = new_filter(parser, PF_IS_NULL, NULL, NULL);
    *filter = *column;
    filter->kind = PF_IS_NULL;
    return negated ? new_filter(parser, PF_NOT, filter, NULL) : filter;
}

static const PfFilter *parse_comparison(Parser *parser) {
    static const struct {
        const char *symbol;
        PfCompare compare;
    } SYMBOLS[] = {{"<=", PF_LE}, {">=", PF_GE}, {"<>", PF_NE}, {"!=", PF_NE}, {"==", PF_EQ}, {"=", PF_EQ}, {"<", PF_LT}, {">", PF_GT}};
    static const struct {
        Str keyword;
        const PfFilter *(*parse)(Parser *parser, const PfFilter *column);
    } WORDS[] = {{STR("IN"), parse_in}, {STR("BETWEEN"), parse_between}, {STR("LIKE"), parse_like}};
    PfFilter column = {.kind = PF_COMPARE};
    if (!parse_column(parser, &column.column, &column.is_number)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++) {
        if (take_symbol(parser, SYMBOLS[i].symbol)) {
            Str literal = {0};
            return parse_literal(parser, &literal) ? compare(parser, &column, SYMBOLS[i].compare, literal) : NULL;
        }
    }
    if (take_keyword(parser, STR("IS"))) {
        return parse_is_null(parser, &column);
    }
    bool negated = take_keyword(parser, STR("NOT"));
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (take_keyword(parser, WORDS[i].keyword)) {
            const PfFilter *filter = WORDS[i].parse(parser, &column);
            return filter != NULL && negated ? new_filter(parser, PF_NOT, filter, NULL) : filter;
        }
    }
    (void)fail(parser, "a comparison is expected");
    return NULL;
}

static const PfFilter *parse_not(Parser *parser) {
    const PfFilter *filter = NULL;
    if (++parser->depth > MAX_DEPTH) {
        (void)fail(parser, "nested too deeply");
    } else if (take_keyword(parser, STR("NOT"))) {
        const PfFilter *inner = parse_not(parser);
        filter = inner == NULL ? NULL : new_filter(parser, PF_NOT, inner, NULL);
    } else if (take_symbol(parser, "(")) {
        filter = parse_or(parser);
        if (filter != NULL && !take_symbol(parser, ")")) {
            (void)fail(parser, ") is expected");
            filter = NULL;
        }
    } else {
        filter = parse_comparison(parser);
    }
    parser->depth--;
    return filter;
}

static const PfFilter *parse_and(Parser *parser) {
    const PfFilter *left = parse_not(parser);
    while (left != NULL && take_keyword(parser, STR("AND"))) {
        const PfFilter *right = parse_not(parser);
        left = right == NULL ? NULL : new_filter(parser, PF_AND, left, right);
    }
    return left;
}

static const PfFilter *parse_or(Parser *parser) {
    const PfFilter *left = parse_and(parser);
    while (left != NULL && take_keyword(parser, STR("OR"))) {
        const PfFilter *right = parse_and(parser);
        left = right == NULL ? NULL : new_filter(parser, PF_OR, left, right);
    }
    return left;
}

bool pf_parse(Arena *arena, Str expression, yyjson_val *keys, const PfFilter **ret_filter, Err *err) {
    Parser parser = {.arena = arena, .text = expression, .keys = keys, .err = err};
    *ret_filter = parse_or(&parser);
    if (*ret_filter == NULL) {
        return false;
    }
    skip_space(&parser);
    return parser.at == expression.len || fail(&parser, "the end is expected");
}

/* ---- matching ---- */

/* -1, 0, 1; false when one of them is no number though the column is one of numbers. */
static bool order(const PfFilter *filter, Str value, Str literal, int *ret_order) {
    double a = 0;
    double b = 0;
    if (!filter->is_number) {
        *ret_order = str_cmp(value, literal);
        return true;
    }
    if (!str_to_double(str_trim(value), &a) || !str_to_double(str_trim(literal), &b)) {
        return false;
    }
    *ret_order = a < b ? -1 : a > b ? 1 : 0;
    return true;
}

static bool holds(PfCompare compare, int order) {
    switch (compare) {
    case PF_EQ:
        return order == 0;
    case PF_NE:
        return order != 0;
    case PF_LT:
        return order < 0;
    case PF_LE:
        return order <= 0;
    case PF_GT:
        return order > 0;
    case PF_GE:
        return order >= 0;
    }
    return false;
}

/* SQL's LIKE: % any characters, _ one. Going back only to the last % keeps it linear in practice and bounded by the product of lengths. */
static bool like(Str pattern, Str text) {
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t resume = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '%') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && (pattern.data[p] == '_' || pattern.data[p] == text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '%') {
        p++;
    }
    return p == pattern.len;
}

static bool matches_value(const PfFilter *filter, Str value) {
    int result = 0;
    for (size_t i = 0; i < filter->nliterals; i++) {
        if (filter->kind == PF_LIKE) {
            return like(filter->literals[i], value);
        }
        PfCompare how = filter->kind == PF_IN ? PF_EQ : filter->compare;
        if (order(filter, value, filter->literals[i], &result) && holds(how, result)) {
            return true;
        }
    }
    return false;
}

bool pf_matches(const PfFilter *filter, yyjson_val *values) {
    switch (filter->kind) {
    case PF_AND:
        return pf_matches(filter->left, values) && pf_matches(filter->right, values);
    case PF_OR:
        return pf_matches(filter->left, values) || pf_matches(filter->right, values);
    case PF_NOT:
        return !pf_matches(filter->left, values);
    case PF_COMPARE:
    case PF_IN:
    case PF_LIKE:
    case PF_IS_NULL:
        break;
    }
    yyjson_val *item = yyjson_arr_get(values, filter->column);
    Str value = {yyjson_get_str(item), yyjson_get_len(item)};
    bool is_null = !yyjson_is_str(item) || str_eq_c(value, HIVE_NULL);
    return filter->kind == PF_IS_NULL ? is_null : !is_null && matches_value(filter, value);
}
