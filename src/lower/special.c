/* lower/special.c - relations with something from outside SQL in them: metrics, Python, show(), samples.
 *
 * Invariant: what exec/ must supply is an input (LoInput) with a number; the SQL around it is ordinary.
 */
#include "lower/lo_internal.h"

/* ---- observe() -------------------------------------------------------------------------------------------------------------------- */

typedef struct Metrics {
    VEC(LoMetric) items;
    StrBuf values; /* what solder_metrics is called with, behind the number */
} Metrics;

static Str metric_type(Lo *lo, const PlType *type, LoMetricKind kind) {
    switch (type->kind) {
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: return STR("BIGINT");
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE: return STR("DOUBLE");
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
        if (kind != LO_METRIC_SUM) {
            return lo_duckdb_type(lo->arena, type);
        }
        break;
    case PL_TYPE_NULL:
    case PL_TYPE_BINARY:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    lo_not_supported(lo, "observing a metric over", pl_type_simple(lo->arena, type));
    return STR("BIGINT");
}

/* Adds one gathered number and gives its parameter, cast to its type. */
static Str gather(Lo *lo, Metrics *metrics, LoMetricKind kind, Str value, Str type) {
    VEC_PUSH(&metrics->items, (LoMetric){.kind = kind, .type = kind == LO_METRIC_COUNT ? STR("BIGINT") : type});
    if (kind == LO_METRIC_COUNT) {
        strbuf_fmt(&metrics->values, ", %.*s", STR_ARG(value));
    } else {
        strbuf_fmt(&metrics->values, ", CAST(%.*s AS %.*s)", STR_ARG(value), STR_ARG(type));
    }
    Str last = metrics->items.items[metrics->items.count - 1].type;
    return str_fmt(lo->arena, "CAST($%zu AS %.*s)", metrics->items.count, STR_ARG(last));
}

static Str gather_aggregate(Lo *lo, Metrics *metrics, const TxExpr *aggregate) {
    Str name = str_from_c(aggregate->aggregate.fn->name);
    Str result = lo_duckdb_type(lo->arena, aggregate->type);
    const TxExpr *arg = aggregate->aggregate.nargs > 0 ? aggregate->aggregate.args[0] : NULL;
    bool is_counting = str_eq(name, STR("count")) || str_eq(name, STR("count_if"));
    if (aggregate->aggregate.is_distinct || (arg == NULL && !is_counting) || aggregate->aggregate.nargs > 1) {
        lo_not_supported(lo, "observing the metric", name);
        return STR("NULL");
    }
    Str value = arg == NULL ? STR("true") : lo_expr(lo, arg);
    if (str_eq(name, STR("count_if"))) {
        value = str_fmt(lo->arena, "(CASE WHEN %.*s THEN true END)", STR_ARG(value));
    }
    if (aggregate->aggregate.filter != NULL) {
        Str filter = lo_expr(lo, aggregate->aggregate.filter);
        value = str_fmt(lo->arena, "(CASE WHEN %.*s THEN %.*s END)", STR_ARG(filter), STR_ARG(value));
    }
    if (is_counting) {
        return gather(lo, metrics, LO_METRIC_COUNT, value, STR("BIGINT"));
    }
    if (str_eq(name, STR("avg")) || str_eq(name, STR("mean"))) {
        Str sum = gather(lo, metrics, LO_METRIC_SUM, value, STR("DOUBLE"));
        metric_type(lo, arg->type, LO_METRIC_SUM);
        Str count = gather(lo, metrics, LO_METRIC_COUNT, value, STR("BIGINT"));
        return str_fmt(lo->arena, "(%.*s / nullif(%.*s, 0))", STR_ARG(sum), STR_ARG(count));
    }
    LoMetricKind kind = LO_METRIC_SUM;
    if (str_eq(name, STR("min"))) {
        kind = LO_METRIC_MIN;
    } else if (str_eq(name, STR("max"))) {
        kind = LO_METRIC_MAX;
    } else if (!str_eq(name, STR("sum"))) {
        lo_not_supported(lo, "observing the metric", name);
        return STR("NULL");
    }
    Str gathered = gather(lo, metrics, kind, value, metric_type(lo, arg->type, kind));
    return str_fmt(lo->arena, "CAST(%.*s AS %.*s)", STR_ARG(gathered), STR_ARG(result));
}

/* Collects the aggregates of a metric's expression, with the parameter that each becomes. */
static void gather_all(Lo *lo, Metrics *metrics, const TxExpr *expr, const TxExpr **found, Str *names, size_t *count, size_t max) {
    if (expr == NULL || *count == max) {
        return;
    }
    if (expr->tag == TX_AGGREGATE) {
        found[*count] = expr;
        names[(*count)++] = gather_aggregate(lo, metrics, expr);
    } else if (expr->tag == TX_CALL) {
        for (size_t i = 0; i < expr->call.nargs; i++) {
            gather_all(lo, metrics, expr->call.args[i], found, names, count, max);
        }
    } else if (expr->tag == TX_CAST) {
        gather_all(lo, metrics, expr->cast.child, found, names, count, max);
    } else if (expr->tag == TX_CASE) {
        for (size_t i = 0; i < 2 * expr->cases.nwhen; i++) {
            gather_all(lo, metrics, expr->cases.when[i], found, names, count, max);
        }
        gather_all(lo, metrics, expr->cases.otherwise, found, names, count, max);
    }
}

void lo_write_metrics(Lo *lo, StrBuf *out, const TrRel *rel) {
    enum { MAX_AGGREGATES = 256 };
    size_t number = lo->inputs.count;
    Metrics metrics = {.items = {.arena = lo->arena}, .values = {.arena = lo->arena}};
    const TxExpr **found = ARENA_ARRAY(lo->arena, const TxExpr *, MAX_AGGREGATES);
    Str *names = ARENA_ARRAY(lo->arena, Str, MAX_AGGREGATES);
    size_t count = 0;
    for (size_t i = 0; i < rel->metrics.nmetrics; i++) {
        gather_all(lo, &metrics, rel->metrics.metrics[i].expr, found, names, &count, MAX_AGGREGATES);
    }
    if (count == MAX_AGGREGATES) {
        lo_not_supported(lo, "observing more than 255 metrics in", rel->metrics.name);
        return;
    }
    StrBuf finish = {.arena = lo->arena};
    lo->groups = found;
    lo->group_columns = names;
    lo->ngroups = count;
    strbuf_add_c(&finish, "SELECT ");
    lo_write_named(lo, &finish, rel->metrics.metrics, rel->metrics.nmetrics);
    lo->ngroups = 0;
    VEC_PUSH(&lo->inputs, (LoInput){.kind = LO_INPUT_METRICS,
                                    .rel = rel,
                                    .metrics = metrics.items.items,
                                    .nmetrics = metrics.items.count,
                                    .finish = strbuf_str(&finish)});
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_fmt(out, " FROM (SELECT *, solder_metrics(CAST(%zu AS BIGINT)%.*s) AS seen", number, STR_ARG(strbuf_str(&metrics.values)));
    lo_write_from(lo, out, rel->input);
    /* The sample of everything passes vectors on as they are, in parallel; it is there because DuckDB pushes no filter through a sample, so that
     * rows are counted before what comes later drops them. */
    strbuf_fmt(out, ") AS %s WHERE seen USING SAMPLE 100 PERCENT (system)", lo_alias(lo));
}

/* ---- Python ----------------------------------------------------------------------------------------------------------------------- */

void lo_write_python(Lo *lo, StrBuf *out, const TrRel *rel) {
    size_t number = lo->inputs.count;
    VEC_PUSH(&lo->inputs, (LoInput){.kind = LO_INPUT_PYTHON, .rel = rel});
    const LoQuery *child;
    if (rel->python.function != NULL) {
        child = lo_lower(lo->arena, lo->settings, rel->input, lo->is_staged, lo->err);
    } else { /* the input's columns and the functions' arguments behind them */
        VEC(TyNamed) columns = {.arena = lo->arena};
        VEC(TyAttr) output = {.arena = lo->arena};
        for (size_t i = 0; i < rel->input->noutput; i++) {
            TyAttr attr = rel->input->output[i];
            TxExpr *column = ARENA_NEW(lo->arena, TxExpr);
            *column = (TxExpr){.tag = TX_COLUMN, .type = attr.type, .nullable = attr.nullable, .column = {.id = attr.id, .name = attr.name}};
            VEC_PUSH(&columns, (TyNamed){.attr = attr, .expr = column});
            VEC_PUSH(&output, attr);
        }
        uint32_t next = UINT32_MAX; /* ids from above: analyze/ counts from below */
        for (size_t u = 0; u < rel->python.nudfs; u++) {
            const TxExpr *udf = rel->python.udfs[u].expr;
            for (size_t i = 0; i < udf->python.nargs; i++) {
                TyAttr attr = {.id = next--, .type = udf->python.args[i]->type, .nullable = udf->python.args[i]->nullable};
                VEC_PUSH(&columns, (TyNamed){.attr = attr, .expr = udf->python.args[i]});
                VEC_PUSH(&output, attr);
            }
        }
        TrRel *project = ARENA_NEW(lo->arena, TrRel);
        *project = (TrRel){.tag = TR_PROJECT, .output = output.items, .noutput = output.count, .input = rel->input};
        project->project.columns = columns.items;
        child = lo_lower(lo->arena, lo->settings, project, lo->is_staged, lo->err);
    }
    lo->inputs.items[number].child = child;
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_fmt(out, " FROM solder_python(%zu)", number);
}

/* ---- show() ----------------------------------------------------------------------------------------------------------------------- */

void lo_write_show(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TrRel *input = rel->input;
    int rows = rel->show.rows < 0 ? 0 : rel->show.rows;
    StrBuf names = {.arena = lo->arena};
    StrBuf cells = {.arena = lo->arena};
    for (size_t i = 0; i < input->noutput; i++) {
        const TyAttr *attr = &input->output[i];
        strbuf_add_c(&names, i > 0 ? ", " : "");
        lo_write_quoted(&names, attr->name);
        Str column = str_fmt(lo->arena, "c%u", (unsigned)attr->id);
        strbuf_add_c(&cells, i > 0 ? ", " : "");
        if (attr->type->kind == PL_TYPE_BINARY) { /* show() alone prints bytes as hex numbers */
            strbuf_fmt(&cells, "coalesce(spark_show_binary(%.*s), 'NULL')", STR_ARG(column));
        } else {
            strbuf_add_c(&cells, "coalesce(");
            lo_write_cast(lo, &cells, column, attr->type, &PL_STRING, PL_CAST_LEGACY);
            strbuf_add_c(&cells, ", 'NULL')");
        }
    }
    /* One row more than is shown tells whether there is more. */
    strbuf_fmt(out, "SELECT %s(CAST(%d AS BIGINT), CAST(%d AS BIGINT), %s, CAST([%.*s] AS VARCHAR[]), ",
               rel->tag == TR_SHOW_STRING ? "spark_show_string" : "spark_show_html", rows, rel->show.truncate,
               rel->show.vertical ? "true" : "false", STR_ARG(strbuf_str(&names)));
    strbuf_fmt(out, "coalesce(list(show_cells ORDER BY show_row), CAST([] AS VARCHAR[][]))) AS c%u FROM (SELECT CAST([%.*s] AS VARCHAR[]) AS show_cells, ",
               (unsigned)rel->output[0].id, STR_ARG(strbuf_str(&cells)));
    strbuf_add_c(out, "row_number() OVER () AS show_row FROM (");
    lo_write_rel(lo, out, input);
    strbuf_fmt(out, ") AS %s LIMIT %lld) AS %s", lo_alias(lo), (long long)rows + 1, lo_alias(lo));
}

/* ---- sample ----------------------------------------------------------------------------------------------------------------------- */

void lo_write_sample(Lo *lo, StrBuf *out, const TrRel *rel) {
    if (rel->sample.with_replacement) {
        lo_not_supported(lo, "sampling rows:", STR("sample(withReplacement=True)"));
        return;
    }
    Str pick = lo_name(lo, "pick");
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_add_c(out, " FROM (SELECT *, ");
    if (rel->sample.is_seeded) { /* in the rows' order, as Spark on one partition */
        strbuf_fmt(out, "spark_rand(CAST(%lld AS BIGINT), row_number() OVER ())", (long long)rel->sample.seed);
    } else {
        strbuf_add_c(out, "spark_rand()");
    }
    strbuf_fmt(out, " AS %.*s", STR_ARG(pick));
    lo_write_from(lo, out, rel->input);
    strbuf_fmt(out, ") AS %s WHERE %.*s >= CAST('%.17g' AS DOUBLE) AND %.*s < CAST('%.17g' AS DOUBLE)", lo_alias(lo), STR_ARG(pick), rel->sample.lower,
               STR_ARG(pick), rel->sample.upper);
}
