/* explain.c - the text of DataFrame.explain(): Spark's headings over Solder's own trees and the SQL that DuckDB runs. */
#include "connect/cache.h"

Str cn_explain(CnRequest *request, const PrRel *plan, const TrRel *rel, Str mode, Err *err) {
    Arena *arena = request->arena;
    StrBuf text = {.arena = arena};
    Str analyzed = pl_typed_dump(arena, rel);
    rel = cn_cache_use(request, rel);
    Str tree = pl_typed_dump(arena, rel);
    bool is_show = rel->tag == TR_SHOW_STRING || rel->tag == TR_HTML_STRING;
    const LoQuery *query = lo_lower(arena, &request->settings, is_show ? rel->input : rel, false, err);
    if (query == NULL) {
        return STR("");
    }
    const char *end = tree.len > 0 && tree.data[tree.len - 1] == '\n' ? "" : "\n";
    if (str_eq_c(mode, "extended") || str_eq_c(mode, "cost")) {
        strbuf_fmt(&text, "== Parsed Logical Plan ==\n%.*s\n\n== Analyzed Logical Plan ==\n", STR_ARG(pl_unresolved_dump(arena, plan)));
        for (size_t i = 0; i < rel->noutput; i++) {
            strbuf_fmt(&text, "%s%.*s: %.*s", i > 0 ? ", " : "", STR_ARG(rel->output[i].name), STR_ARG(pl_type_simple(arena, rel->output[i].type)));
        }
        strbuf_fmt(&text, "\n%.*s%s\n", STR_ARG(analyzed), end);
        strbuf_fmt(&text, "== Physical Plan ==\nDuckDB %.*s\n", STR_ARG(query->sql));
    } else if (str_eq_c(mode, "codegen")) {
        strbuf_fmt(&text, "== Generated SQL ==\n%.*s\n", STR_ARG(query->sql));
    } else {
        strbuf_fmt(&text, "== Physical Plan ==\n%.*s%s", STR_ARG(tree), end);
        if (str_eq_c(mode, "formatted")) {
            strbuf_fmt(&text, "\n== Generated SQL ==\n%.*s\n", STR_ARG(query->sql));
        }
    }
    return strbuf_str(&text);
}
