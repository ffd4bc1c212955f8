/* lower/aggregate_writers.c - aggregates and window functions whose SQL depends on types or on where they stand.
 *
 * Used by call.c through lo_writer_find. Invariant: call->over stands right behind DuckDB's own function, so that it is the aggregate which
 * is filtered or windowed and not a cast around it.
 */
#include "lower/lo_internal.h"

static bool is_floating(const PlType *type) {
    return type->kind == PL_TYPE_FLOAT || type->kind == PL_TYPE_DOUBLE;
}

/* name(DISTINCT argument) FILTER … OVER … */
static void write_plain(Lo *lo, StrBuf *out, const LoCall *call, const char *name, Str argument) {
    (void)lo;
    strbuf_fmt(out, "%s(%.*s%.*s)%.*s", name, STR_ARG(call->distinct), STR_ARG(argument), STR_ARG(call->over));
}

static Str first_argument(Lo *lo, const LoCall *call) {
    return call->nargs > 0 ? lo_expr(lo, call->args[0]) : STR("");
}

static void write_sum(Lo *lo, StrBuf *out, const LoCall *call) {
    const PlType *type = call->args[0]->type;
    Str argument = first_argument(lo, call);
    if (is_floating(type)) {
        write_plain(lo, out, call, "sum", str_fmt(lo->arena, "CAST(%.*s AS DOUBLE)", STR_ARG(argument)));
    } else if (call->type->kind == PL_TYPE_DECIMAL) {
        strbuf_add_c(out, "TRY_CAST(");
        write_plain(lo, out, call, "sum", argument);
        strbuf_fmt(out, " AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
    } else if (pl_type_is_integral(type)) { /* DuckDB's sum is 128 bits wide; Spark's long wraps */
        strbuf_add_c(out, "spark_huge_to_long(CAST(");
        write_plain(lo, out, call, "sum", argument);
        strbuf_add_c(out, " AS HUGEINT))");
    } else {
        strbuf_add_c(out, "CAST(");
        write_plain(lo, out, call, "sum", argument);
        strbuf_fmt(out, " AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
    }
}

static void write_avg(Lo *lo, StrBuf *out, const LoCall *call) {
    const PlType *type = call->args[0]->type;
    Str argument = first_argument(lo, call);
    if (type->kind != PL_TYPE_DECIMAL) { /* Spark adds doubles whatever the number's type */
        write_plain(lo, out, call, "avg", str_fmt(lo->arena, "CAST(%.*s AS DOUBLE)", STR_ARG(argument)));
        return;
    }
    strbuf_fmt(out, "%s(", str_to_c(lo->arena, lo_kernel(lo, "decimal_divide", call->type)));
    write_plain(lo, out, call, "sum", argument);
    strbuf_add_c(out, ", CAST(");
    write_plain(lo, out, call, "count", argument);
    strbuf_add_c(out, " AS DECIMAL(20,0)))");
}

/* count(a, b): rows where none is null; with DISTINCT, different ones of them. */
static void write_count(Lo *lo, StrBuf *out, const LoCall *call) {
    bool is_star = call->nargs == 0 || (call->nargs == 1 && call->args[0]->tag == TX_LITERAL && !call->args[0]->literal->is_null);
    if (is_star && call->distinct.len == 0) {
        strbuf_fmt(out, "count(*)%.*s", STR_ARG(call->over));
        return;
    }
    if (call->nargs == 1) {
        write_plain(lo, out, call, "count", first_argument(lo, call));
        return;
    }
    StrBuf all = {.arena = lo->arena};
    strbuf_add_c(&all, "CASE WHEN ");
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(&all, i > 0 ? " AND (" : "(");
        lo_write_expr(lo, &all, call->args[i]);
        strbuf_add_c(&all, ") IS NOT NULL");
    }
    strbuf_add_c(&all, " THEN row(");
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(&all, i > 0 ? ", " : "");
        lo_write_expr(lo, &all, call->args[i]);
    }
    strbuf_add_c(&all, ") END");
    write_plain(lo, out, call, "count", strbuf_str(&all));
}

/* A long that does not fit is null. */
static void write_try_sum(Lo *lo, StrBuf *out, const LoCall *call) {
    if (!pl_type_is_integral(call->args[0]->type)) {
        write_sum(lo, out, call);
        return;
    }
    strbuf_add_c(out, "TRY_CAST(");
    write_plain(lo, out, call, "sum", first_argument(lo, call));
    strbuf_add_c(out, " AS BIGINT)");
}

/* The moments of all values: DuckDB's skewness corrects for a sample, and needs three values. */
static void write_skewness(Lo *lo, StrBuf *out, const LoCall *call) {
    Str x = first_argument(lo, call);
    Str over = call->over;
    strbuf_fmt(out,
               "(CASE WHEN count(%.*s)%.*s < 3 THEN CASE WHEN min(%.*s)%.*s < max(%.*s)%.*s THEN CAST(0 AS DOUBLE) END ELSE skewness(%.*s)%.*s * "
               "(count(%.*s)%.*s - 2) / sqrt(CAST(count(%.*s)%.*s AS DOUBLE) * (count(%.*s)%.*s - 1)) END)",
               STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over),
               STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over));
}

static void write_kurtosis(Lo *lo, StrBuf *out, const LoCall *call) {
    Str x = first_argument(lo, call);
    Str over = call->over;
    strbuf_fmt(out, "(CASE WHEN min(%.*s)%.*s < max(%.*s)%.*s THEN kurtosis_pop(%.*s)%.*s END)", STR_ARG(x), STR_ARG(over), STR_ARG(x), STR_ARG(over),
               STR_ARG(x), STR_ARG(over));
}

static void write_percentile_approx(Lo *lo, StrBuf *out, const LoCall *call) {
    Str x = first_argument(lo, call);
    Str at = lo_expr(lo, call->args[1]);
    strbuf_fmt(out, "quantile_disc(%.*s, %.*s)%.*s", STR_ARG(x), STR_ARG(at), STR_ARG(call->over));
}

/* first(x[, ignoreNulls]) and last: in a window they are first_value and last_value, which alone know frames. */
static void write_edge(Lo *lo, StrBuf *out, const LoCall *call, const char *any, const char *value) {
    bool ignores = call->ignore_nulls || (call->nargs > 1 && call->args[1]->tag == TX_LITERAL && call->args[1]->literal->i != 0);
    Str argument = first_argument(lo, call);
    if (call->is_window) {
        strbuf_fmt(out, "%s(%.*s%s)%.*s", value, STR_ARG(argument), ignores ? " IGNORE NULLS" : "", STR_ARG(call->over));
        return;
    }
    if (!ignores) {
        write_plain(lo, out, call, any, argument);
        return;
    }
    Str and_filter = call->filter.len == 0 ? STR("") : str_fmt(lo->arena, " AND (%.*s)", STR_ARG(call->filter));
    strbuf_fmt(out, "%s(%.*s) FILTER (WHERE (%.*s) IS NOT NULL%.*s)", any, STR_ARG(argument), STR_ARG(argument), STR_ARG(and_filter));
}

static void write_first(Lo *lo, StrBuf *out, const LoCall *call) {
    write_edge(lo, out, call, "first", "first_value");
}

static void write_last(Lo *lo, StrBuf *out, const LoCall *call) {
    write_edge(lo, out, call, "last", "last_value");
}

static void write_min(Lo *lo, StrBuf *out, const LoCall *call) {
    write_plain(lo, out, call, "min", first_argument(lo, call));
}

static void write_max(Lo *lo, StrBuf *out, const LoCall *call) {
    write_plain(lo, out, call, "max", first_argument(lo, call));
}

/* collect_list and collect_set leave nulls out and are never null. */
static void write_collect(Lo *lo, StrBuf *out, const LoCall *call, Str distinct) {
    Str argument = first_argument(lo, call);
    Str type = lo_duckdb_type(lo->arena, call->type);
    strbuf_add_c(out, "coalesce(");
    if (call->is_window) { /* a window's FILTER comes before its OVER; the list is cleaned afterwards instead */
        strbuf_fmt(out, "list_filter(list(%.*s%.*s)%.*s, lambda e: e IS NOT NULL)", STR_ARG(distinct), STR_ARG(argument), STR_ARG(call->over));
    } else {
        Str and_filter = call->filter.len == 0 ? STR("") : str_fmt(lo->arena, " AND (%.*s)", STR_ARG(call->filter));
        strbuf_fmt(out, "list(%.*s%.*s) FILTER (WHERE (%.*s) IS NOT NULL%.*s)", STR_ARG(distinct), STR_ARG(argument), STR_ARG(argument),
                   STR_ARG(and_filter));
    }
    strbuf_fmt(out, ", CAST([] AS %.*s))", STR_ARG(type));
}

static void write_collect_list(Lo *lo, StrBuf *out, const LoCall *call) {
    write_collect(lo, out, call, call->distinct);
}

static void write_collect_set(Lo *lo, StrBuf *out, const LoCall *call) {
    write_collect(lo, out, call, STR("DISTINCT "));
}

/* Without rows count is 0 and the window functions have numbers of their own: row_number … are int in Spark. */
static void write_rank_like(Lo *lo, StrBuf *out, const LoCall *call, const char *name, const char *type) {
    strbuf_fmt(out, "CAST(%s(", name);
    for (size_t i = 0; i < call->nargs; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_fmt(out, ")%.*s AS %s)", STR_ARG(call->over), type);
}

static void write_row_number(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rank_like(lo, out, call, "row_number", "INTEGER");
}
static void write_rank(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rank_like(lo, out, call, "rank", "INTEGER");
}
static void write_dense_rank(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rank_like(lo, out, call, "dense_rank", "INTEGER");
}
static void write_percent_rank(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rank_like(lo, out, call, "percent_rank", "DOUBLE");
}
static void write_cume_dist(Lo *lo, StrBuf *out, const LoCall *call) {
    write_rank_like(lo, out, call, "cume_dist", "DOUBLE");
}
static void write_ntile(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->nargs == 0) {
        strbuf_fmt(out, "CAST(ntile(1)%.*s AS INTEGER)", STR_ARG(call->over));
        return;
    }
    write_rank_like(lo, out, call, "ntile", "INTEGER");
}

/* lag(x[, offset[, default[, ignoreNulls]]]) and lead. */
static void write_shift(Lo *lo, StrBuf *out, const LoCall *call, const char *name) {
    bool ignores = call->ignore_nulls || (call->nargs > 3 && call->args[3]->tag == TX_LITERAL && call->args[3]->literal->i != 0);
    strbuf_fmt(out, "%s(", name);
    for (size_t i = 0; i < call->nargs && i < 3; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        lo_write_expr(lo, out, call->args[i]);
    }
    strbuf_fmt(out, "%s)%.*s", ignores ? " IGNORE NULLS" : "", STR_ARG(call->over));
}

static void write_lag(Lo *lo, StrBuf *out, const LoCall *call) {
    write_shift(lo, out, call, "lag");
}
static void write_lead(Lo *lo, StrBuf *out, const LoCall *call) {
    write_shift(lo, out, call, "lead");
}

static void write_nth_value(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->nargs < 2) {
        lo_not_supported(lo, "without a position, the function", str_from_c(call->fn->name));
        return;
    }
    bool ignores = call->ignore_nulls || (call->nargs > 2 && call->args[2]->tag == TX_LITERAL && call->args[2]->literal->i != 0);
    Str argument = first_argument(lo, call);
    Str position = lo_expr(lo, call->args[1]);
    strbuf_fmt(out, "nth_value(%.*s, %.*s%s)%.*s", STR_ARG(argument), STR_ARG(position), ignores ? " IGNORE NULLS" : "", STR_ARG(call->over));
}

typedef struct Writer {
    const char *name;
    LoWriter *write;
} Writer;

static const Writer writers[] = {
    {"@avg", write_avg},
    {"@collect_list", write_collect_list},
    {"@collect_set", write_collect_set},
    {"@count", write_count},
    {"@cume_dist", write_cume_dist},
    {"@dense_rank", write_dense_rank},
    {"@first", write_first},
    {"@kurtosis", write_kurtosis},
    {"@lag", write_lag},
    {"@last", write_last},
    {"@lead", write_lead},
    {"@max", write_max},
    {"@min", write_min},
    {"@nth_value", write_nth_value},
    {"@ntile", write_ntile},
    {"@percent_rank", write_percent_rank},
    {"@percentile_approx", write_percentile_approx},
    {"@rank", write_rank},
    {"@row_number", write_row_number},
    {"@skewness", write_skewness},
    {"@sum", write_sum},
    {"@try_sum", write_try_sum},
};

LoWriter *lo_aggregate_writer_find(Str name) {
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        if (str_eq_c(name, writers[i].name)) {
            return writers[i].write;
        }
    }
    return NULL;
}
