/* lower/aggregate.c - grouping, windows and generators.
 *
 * Invariant: a grouping expression is computed once, below the GROUP BY, and its value is referred to by name above, so that constants,
 * volatile functions and expressions over groups mean what they mean in Spark.
 */
#include "lower/lo_internal.h"

/* Spark normalises keys: -0.0 becomes 0.0 (NaN is one value in DuckDB already). */
static void write_group_key(Lo *lo, StrBuf *out, const TxExpr *group) {
    if (group->type->kind == PL_TYPE_DOUBLE || group->type->kind == PL_TYPE_FLOAT) {
        strbuf_add_char(out, '(');
        lo_write_expr(lo, out, group);
        strbuf_add_c(out, group->type->kind == PL_TYPE_DOUBLE ? " + CAST(0 AS DOUBLE))" : " + CAST(0 AS FLOAT))");
        return;
    }
    lo_write_expr(lo, out, group);
}

static void write_group_by(StrBuf *out, const TrRel *rel, const Str *names) {
    if (rel->aggregate.ngroups == 0 && rel->aggregate.set_sizes == NULL) {
        return;
    }
    strbuf_add_c(out, " GROUP BY ");
    if (rel->aggregate.set_sizes == NULL) {
        for (size_t i = 0; i < rel->aggregate.ngroups; i++) {
            strbuf_fmt(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(names[i]));
        }
        return;
    }
    strbuf_add_c(out, "GROUPING SETS (");
    size_t at = 0;
    for (size_t s = 0; s < rel->aggregate.nsets; s++) {
        strbuf_add_c(out, s > 0 ? ", (" : "(");
        for (size_t i = 0; i < rel->aggregate.set_sizes[s]; i++) {
            strbuf_fmt(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(names[rel->aggregate.set_members[at + i]]));
        }
        at += rel->aggregate.set_sizes[s];
        strbuf_add_char(out, ')');
    }
    strbuf_add_char(out, ')');
}

void lo_write_aggregate(Lo *lo, StrBuf *out, const TrRel *rel) {
    size_t ngroups = rel->aggregate.ngroups;
    Str *names = ARENA_ARRAY(lo->arena, Str, ngroups);
    StrBuf keys = {.arena = lo->arena};
    for (size_t i = 0; i < ngroups; i++) {
        names[i] = lo_name(lo, "g");
        strbuf_add_c(&keys, ", ");
        write_group_key(lo, &keys, rel->aggregate.groups[i]);
        strbuf_fmt(&keys, " AS %.*s", STR_ARG(names[i]));
    }
    StrBuf from = {.arena = lo->arena};
    if (ngroups == 0) {
        lo_write_from(lo, &from, rel->input);
    } else {
        strbuf_fmt(&from, " FROM (SELECT *%.*s", STR_ARG(strbuf_str(&keys)));
        lo_write_from(lo, &from, rel->input);
        strbuf_fmt(&from, ") AS %s", lo_alias(lo));
    }
    lo->groups = (const TxExpr *const *)rel->aggregate.groups;
    lo->group_columns = names;
    lo->ngroups = ngroups;
    strbuf_add_c(out, "SELECT ");
    if (rel->noutput == 0 && ngroups == 0) {
        strbuf_add_c(out, "count(*) AS c_"); /* one row, whatever the input */
    } else {
        lo_write_named(lo, out, rel->aggregate.columns, rel->noutput);
    }
    lo->ngroups = 0;
    strbuf_add(out, strbuf_str(&from));
    write_group_by(out, rel, names);
}

void lo_write_window(Lo *lo, StrBuf *out, const TrRel *rel) {
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->input->output, rel->input->noutput);
    strbuf_add_c(out, ", ");
    lo_write_named(lo, out, rel->window.columns, rel->window.ncolumns);
    lo_write_from(lo, out, rel->input);
}

/* How a generator's argument becomes lists that are unnested side by side. */
typedef struct Generator {
    Str source; /* the column that holds the argument */
    Str lists[3];
    size_t nlists;
    bool is_struct; /* the one list's elements are structs to be spread */
} Generator;

static bool describe_generator(Lo *lo, const TrRel *rel, Generator *ret_generator) {
    const TxExpr *call = rel->generate.generator;
    Str name = str_from_c(call->call.fn->lower);
    const PlType *arg = call->call.nargs > 0 ? call->call.args[0]->type : &PL_NULL;
    bool is_map = arg->kind == PL_TYPE_MAP;
    Generator g = {.source = lo_name(lo, "g")};
    Str length = str_fmt(lo->arena, is_map ? "CAST(cardinality(%.*s) AS BIGINT)" : "len(%.*s)", STR_ARG(g.source));
    bool is_pos = str_eq(name, STR("@posexplode"));
    if (is_pos) {
        g.lists[g.nlists++] = str_fmt(lo->arena, "list_transform(range(%.*s), lambda e: CAST(e AS INTEGER))", STR_ARG(length));
    }
    if (is_pos || str_eq(name, STR("@explode"))) {
        if (is_map) {
            g.lists[g.nlists++] = str_fmt(lo->arena, "map_keys(%.*s)", STR_ARG(g.source));
            g.lists[g.nlists++] = str_fmt(lo->arena, "map_values(%.*s)", STR_ARG(g.source));
        } else {
            g.lists[g.nlists++] = g.source;
        }
    } else if (str_eq(name, STR("@inline"))) {
        g.lists[g.nlists++] = g.source;
        g.is_struct = true;
    } else {
        return lo_not_supported(lo, "the generator", str_from_c(call->call.fn->name));
    }
    if (rel->generate.is_outer) { /* a row without elements gives one row of nulls */
        for (size_t i = 0; i < g.nlists; i++) {
            g.lists[i] = str_fmt(lo->arena, "CASE WHEN coalesce(%.*s, 0) = 0 THEN [NULL] ELSE %.*s END", STR_ARG(length), STR_ARG(g.lists[i]));
        }
    }
    *ret_generator = g;
    return true;
}

static void write_stack(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TxExpr *call = rel->generate.generator;
    size_t ncolumns = rel->generate.ncolumns;
    size_t nrows = ncolumns > 0 ? (call->call.nargs - 1 + ncolumns - 1) / ncolumns : 0;
    if (call->call.args[0]->tag == TX_LITERAL && call->call.args[0]->literal->i > 0) {
        nrows = (size_t)call->call.args[0]->literal->i;
    }
    const TyAttr *columns = rel->output + rel->noutput - ncolumns;
    strbuf_add_c(out, "SELECT ");
    for (size_t i = 0; i < rel->input->noutput; i++) {
        strbuf_fmt(out, "c%u, ", (unsigned)rel->input->output[i].id);
    }
    for (size_t c = 0; c < ncolumns; c++) {
        Str type = lo_duckdb_type(lo->arena, columns[c].type);
        strbuf_add_c(out, c > 0 ? ", unnest([" : "unnest([");
        for (size_t r = 0; r < nrows; r++) {
            size_t arg = 1 + r * ncolumns + c;
            strbuf_add_c(out, r > 0 ? ", " : "");
            if (arg < call->call.nargs) {
                lo_write_expr(lo, out, call->call.args[arg]);
            } else {
                strbuf_fmt(out, "CAST(NULL AS %.*s)", STR_ARG(type));
            }
        }
        strbuf_fmt(out, "]) AS c%u", (unsigned)columns[c].id);
    }
    lo_write_from(lo, out, rel->input);
}

void lo_write_generate(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TxExpr *call = rel->generate.generator;
    if (call->tag != TX_CALL) {
        lo_not_supported(lo, "a generator that is", STR("not a function"));
        return;
    }
    if (strcmp(call->call.fn->lower, "@stack") == 0) {
        write_stack(lo, out, rel);
        return;
    }
    Generator g = {0};
    if (!describe_generator(lo, rel, &g)) {
        return;
    }
    const TyAttr *columns = rel->output + rel->noutput - rel->generate.ncolumns;
    Str item = lo_name(lo, "u");
    strbuf_add_c(out, "SELECT ");
    for (size_t i = 0; i < rel->input->noutput; i++) {
        strbuf_fmt(out, "c%u, ", (unsigned)rel->input->output[i].id);
    }
    if (g.is_struct) {
        for (size_t i = 0; i < rel->generate.ncolumns; i++) {
            strbuf_fmt(out, "%sstruct_extract(%.*s, 'f%zu') AS c%u", i > 0 ? ", " : "", STR_ARG(item), i, (unsigned)columns[i].id);
        }
        strbuf_fmt(out, " FROM (SELECT *, unnest(%.*s) AS %.*s", STR_ARG(g.lists[0]), STR_ARG(item));
    } else {
        for (size_t i = 0; i < g.nlists; i++) {
            strbuf_fmt(out, "%sunnest(%.*s) AS c%u", i > 0 ? ", " : "", STR_ARG(g.lists[i]), (unsigned)columns[i].id);
        }
    }
    strbuf_add_c(out, " FROM (SELECT *, ");
    lo_write_expr(lo, out, call->call.args[0]);
    strbuf_fmt(out, " AS %.*s", STR_ARG(g.source));
    lo_write_from(lo, out, rel->input);
    strbuf_fmt(out, ") AS %s", lo_alias(lo));
    if (g.is_struct) {
        strbuf_fmt(out, ") AS %s", lo_alias(lo));
    }
}
