/* errors.c - Spark's error classes with Spark's words.
 *
 * Called from everywhere in this room. Invariant: the message has no "[CLASS] " in front (connect/ adds it), and ends with
 * "; line L pos P" when the place in a SQL text is known, as Spark's does.
 */
#include "analyze/az.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool az_fail(AzCtx *ctx, PlOrigin origin, const char *code, const char *fmt, ...) {
    StrBuf text = {.arena = ctx->arena};
    va_list args;
    va_start(args, fmt);
    strbuf_vfmt(&text, fmt, args);
    va_end(args);
    if (origin.line > 0) {
        strbuf_fmt(&text, "; line %d pos %d", origin.line, origin.column);
    }
    Str message = strbuf_str(&text);
    return err_set(ctx->err, code, "%.*s", STR_ARG(message));
}

bool az_not_supported(AzCtx *ctx, const char *fmt, ...) {
    StrBuf text = {.arena = ctx->arena};
    va_list args;
    va_start(args, fmt);
    strbuf_vfmt(&text, fmt, args);
    va_end(args);
    Str message = strbuf_str(&text);
    return err_set(ctx->err, ERR_NOT_SUPPORTED, "%.*s", STR_ARG(message));
}

Str az_quote_parts(Arena *arena, const Str *parts, size_t nparts) {
    StrBuf text = {.arena = arena};
    for (size_t i = 0; i < nparts; i++) {
        strbuf_add_c(&text, i > 0 ? ".`" : "`");
        for (size_t k = 0; k < parts[i].len; k++) {
            if (parts[i].data[k] == '`') {
                strbuf_add_char(&text, '`');
            }
            strbuf_add_char(&text, parts[i].data[k]);
        }
        strbuf_add_char(&text, '`');
    }
    return strbuf_str(&text);
}

Str az_quote_type(AzCtx *ctx, const PlType *type) {
    Str sql = pl_type_sql(ctx->arena, type);
    return str_fmt(ctx->arena, "\"%.*s\"", STR_ARG(sql));
}

Str az_quote_expr(AzCtx *ctx, const TxExpr *expr) {
    Str text = az_pretty(ctx, expr);
    return str_fmt(ctx->arena, "\"%.*s\"", STR_ARG(text));
}

/* Levenshtein distance by bytes. */
static size_t edit_distance(Arena *arena, Str a, Str b) {
    size_t *row = ARENA_ARRAY(arena, size_t, b.len + 1);
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t above = row[k];
            size_t best = diagonal + (a.data[i - 1] == b.data[k - 1] ? 0 : 1);
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            best = above + 1 < best ? above + 1 : best;
            row[k] = best;
            diagonal = above;
        }
    }
    return row[b.len];
}

typedef struct Candidate {
    Str text;
    size_t distance;
    Str name;
    size_t position;
} Candidate;

static int by_distance(const void *a, const void *b) {
    const Candidate *x = a;
    const Candidate *y = b;
    if (x->distance != y->distance) {
        return x->distance < y->distance ? -1 : 1;
    }
    int order = str_cmp(x->name, y->name);
    return order != 0 ? order : x->position < y->position ? -1 : 1;
}

/* Whether all candidates have the same parts but for the last keep ones. */
static bool same_prefix(const TyAttr *attrs, size_t nattrs, size_t keep) {
    for (size_t i = 1; i < nattrs; i++) {
        size_t a = attrs[0].nqualifier + 1 > keep ? attrs[0].nqualifier + 1 - keep : 0;
        size_t b = attrs[i].nqualifier + 1 > keep ? attrs[i].nqualifier + 1 - keep : 0;
        if (a != b) {
            return false;
        }
        for (size_t k = 0; k < a; k++) {
            if (!str_eq(attrs[0].qualifier[k], attrs[i].qualifier[k])) {
                return false;
            }
        }
    }
    return true;
}

static Str join_parts(Arena *arena, const Str *parts, size_t nparts) {
    StrBuf text = {.arena = arena};
    for (size_t i = 0; i < nparts; i++) {
        if (i > 0) {
            strbuf_add_char(&text, '.');
        }
        strbuf_add(&text, parts[i]);
    }
    return strbuf_str(&text);
}

enum { MAX_SUGGESTIONS = 5 };

bool az_fail_unresolved(AzCtx *ctx, PlOrigin origin, const char *what, const Str *parts, size_t nparts, const TyAttr *attrs, size_t nattrs) {
    Arena *arena = ctx->arena;
    Str shown = az_quote_parts(arena, parts, nparts);
    (void)what;
    if (nattrs == 0) {
        return az_fail(ctx, origin, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                       "A column or function parameter with name %.*s cannot be resolved. ", STR_ARG(shown));
    }
    Str wanted = join_parts(arena, parts, nparts);
    /* StringUtils.orderSuggestedIdentifiersBySimilarity: what all candidates share in front is not shown. */
    size_t keep = nparts == 1 && same_prefix(attrs, nattrs, 1) ? 1 : nparts <= 2 && same_prefix(attrs, nattrs, 2) ? 2 : SIZE_MAX;
    Candidate *candidates = ARENA_ARRAY(arena, Candidate, nattrs);
    for (size_t i = 0; i < nattrs; i++) {
        size_t total = attrs[i].nqualifier + 1;
        Str *all = ARENA_ARRAY(arena, Str, total);
        for (size_t k = 0; k + 1 < total; k++) {
            all[k] = attrs[i].qualifier[k];
        }
        all[total - 1] = attrs[i].name;
        size_t from = total > keep ? total - keep : 0;
        Str text = az_quote_parts(arena, all + from, total - from);
        candidates[i] = (Candidate){text, edit_distance(arena, text, wanted), attrs[i].name, i};
    }
    qsort(candidates, nattrs, sizeof *candidates, by_distance);
    StrBuf list = {.arena = arena};
    for (size_t i = 0; i < nattrs && i < MAX_SUGGESTIONS; i++) {
        strbuf_fmt(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARG(candidates[i].text));
    }
    Str names = strbuf_str(&list);
    return az_fail(ctx, origin, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                   "A column or function parameter with name %.*s cannot be resolved. Did you mean one of the following? [%.*s].",
                   STR_ARG(shown), STR_ARG(names));
}

bool az_ambiguous(AzCtx *ctx, PlOrigin origin, const Str *parts, size_t nparts, const TyAttr *const *found, size_t nfound) {
    Arena *arena = ctx->arena;
    Str shown = az_quote_parts(arena, parts, nparts);
    StrBuf list = {.arena = arena};
    for (size_t i = 0; i < nfound; i++) {
        size_t total = found[i]->nqualifier + 1;
        Str *all = ARENA_ARRAY(arena, Str, total);
        for (size_t k = 0; k + 1 < total; k++) {
            all[k] = found[i]->qualifier[k];
        }
        all[total - 1] = found[i]->name;
        Str quoted = az_quote_parts(arena, all, total);
        strbuf_fmt(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARG(quoted));
    }
    Str names = strbuf_str(&list);
    return az_fail(ctx, origin, "AMBIGUOUS_REFERENCE", "Reference %.*s is ambiguous, could be: [%.*s].", STR_ARG(shown), STR_ARG(names));
}
