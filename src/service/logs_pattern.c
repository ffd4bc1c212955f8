/* logs_pattern.c - see logs_pattern.h. */
#include "service/logs_pattern.h"

#include "base/vec.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A quoted phrase from its opening quote on; \" and \\ stand for themselves. */
static bool take_phrase(Arena *arena, Str text, size_t *at, Str *ret_phrase, Err *err) {
    StrBuf phrase = {.arena = arena};
    for ((*at)++; *at < text.len; (*at)++) {
        char c = text.data[*at];
        if (c == '"') {
            (*at)++;
            *ret_phrase = strbuf_str(&phrase);
            return true;
        }
        bool is_escape = c == '\\' && *at + 1 < text.len && (text.data[*at + 1] == '"' || text.data[*at + 1] == '\\');
        *at += is_escape;
        strbuf_add_char(&phrase, text.data[*at]);
    }
    return err_set(err, "InvalidParameterException", "Invalid filter pattern: a quoted phrase does not end");
}

static bool take_term(Arena *arena, Str text, size_t *at, LgTerm *ret_term, Err *err) {
    char first = text.data[*at];
    *ret_term = (LgTerm){.kind = first == '?' ? LG_OPTIONAL : first == '-' ? LG_EXCLUDED : LG_REQUIRED};
    *at += ret_term->kind != LG_REQUIRED;
    if (*at < text.len && text.data[*at] == '"') {
        return take_phrase(arena, text, at, &ret_term->text, err);
    }
    size_t from = *at;
    while (*at < text.len && !is_space(text.data[*at])) {
        (*at)++;
    }
    ret_term->text = str_slice(text, from, *at);
    return true;
}

bool lg_pattern_parse(Arena *arena, Str text, LgPattern *ret_pattern, Err *err) {
    VEC(LgTerm) terms = {.arena = arena};
    Str trimmed = str_trim(text);
    if (trimmed.len > 0 && (trimmed.data[0] == '{' || trimmed.data[0] == '[' || trimmed.data[0] == '%')) {
        return err_set(err, "InvalidParameterException",
                       "Invalid filter pattern: Solder knows terms, \"phrases\", ?optional and -excluded ones, not JSON, fields or regular expressions");
    }
    for (size_t at = 0; at < text.len;) {
        if (is_space(text.data[at])) {
            at++;
            continue;
        }
        LgTerm term;
        if (!take_term(arena, text, &at, &term, err)) {
            return false;
        }
        if (term.text.len > 0) {
            VEC_PUSH(&terms, term);
        }
    }
    *ret_pattern = (LgPattern){.terms = terms.items, .count = terms.count};
    return true;
}

bool lg_pattern_matches(const LgPattern *pattern, Str message) {
    bool has_others = false;
    bool has_optional = false;
    bool optional_found = false;
    for (size_t i = 0; i < pattern->count; i++) {
        const LgTerm *term = &pattern->terms[i];
        bool found = str_contains(message, term->text);
        if (term->kind == LG_OPTIONAL) {
            has_optional = true;
            optional_found = optional_found || found;
            continue;
        }
        has_others = true;
        if (found != (term->kind == LG_REQUIRED)) {
            return false;
        }
    }
    return has_others || !has_optional || optional_found;
}
