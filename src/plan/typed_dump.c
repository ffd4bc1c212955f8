/* plan/typed_dump.c - a typed tree as text, in the shape of Spark's explain: one node a line, children below it behind "+- ".
 *
 * Used by explain and by tests. Invariant: equal trees give equal text; attributes are name#id.
 */
#include "plan/typed.h"

static void add_expr(StrBuf *buf, const TxExpr *expr);

static const char *const JOIN_NAMES[] = {[PL_JOIN_INNER] = "Inner",          [PL_JOIN_LEFT] = "LeftOuter", [PL_JOIN_RIGHT] = "RightOuter",
                                         [PL_JOIN_FULL] = "FullOuter",       [PL_JOIN_CROSS] = "Cross",    [PL_JOIN_LEFT_SEMI] = "LeftSemi",
                                         [PL_JOIN_LEFT_ANTI] = "LeftAnti"};

static void add_list(StrBuf *buf, const TxExpr *const *exprs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(buf, i > 0 ? ", " : "");
        add_expr(buf, exprs[i]);
    }
}

static void add_attr(StrBuf *buf, const TyAttr *attr) {
    strbuf_fmt(buf, "%.*s#%u", STR_ARG(attr->name), attr->id);
}

static void add_attrs(StrBuf *buf, const TyAttr *attrs, size_t count) {
    strbuf_add_char(buf, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(buf, i > 0 ? ", " : "");
        add_attr(buf, &attrs[i]);
    }
    strbuf_add_char(buf, ']');
}

/* A column that is passed on shows as itself, a computed one with its name. */
static void add_named(StrBuf *buf, const TyNamed *columns, size_t count) {
    strbuf_add_char(buf, '[');
    for (size_t i = 0; i < count; i++) {
        const TxExpr *expr = columns[i].expr;
        strbuf_add_c(buf, i > 0 ? ", " : "");
        add_expr(buf, expr);
        if (expr->tag != TX_COLUMN || expr->column.id != columns[i].attr.id) {
            strbuf_add_c(buf, " AS ");
            add_attr(buf, &columns[i].attr);
        }
    }
    strbuf_add_char(buf, ']');
}

static void add_sorts(StrBuf *buf, const TySort *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(buf, i > 0 ? ", " : "");
        add_expr(buf, keys[i].expr);
        strbuf_fmt(buf, " %s NULLS %s", keys[i].descending ? "DESC" : "ASC", keys[i].nulls_first ? "FIRST" : "LAST");
    }
}

static void add_value(StrBuf *buf, const PlValue *value) {
    if (value->is_null) {
        strbuf_add_c(buf, "null");
        return;
    }
    switch (value->type->kind) {
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: strbuf_add(buf, value->s); return;
    case PL_TYPE_BOOLEAN: strbuf_add_c(buf, value->i != 0 ? "true" : "false"); return;
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE: strbuf_fmt(buf, "%.17g", value->f); return;
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: strbuf_fmt(buf, "%lld", (long long)value->i); return;
    case PL_TYPE_NULL:
    case PL_TYPE_BINARY:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: strbuf_fmt(buf, "<%.*s>", STR_ARG(pl_type_simple(buf->arena, value->type))); return;
    }
}

static void add_call(StrBuf *buf, const char *name, const TxExpr *const *args, size_t nargs, bool is_distinct) {
    strbuf_fmt(buf, "%s(%s", name, is_distinct ? "DISTINCT " : "");
    add_list(buf, args, nargs);
    strbuf_add_char(buf, ')');
}

static void add_case(StrBuf *buf, const TxExpr *expr) {
    strbuf_add_c(buf, "CASE");
    for (size_t i = 0; i < expr->cases.nwhen; i++) {
        strbuf_add_c(buf, " WHEN ");
        add_expr(buf, expr->cases.when[2 * i]);
        strbuf_add_c(buf, " THEN ");
        add_expr(buf, expr->cases.when[2 * i + 1]);
    }
    if (expr->cases.otherwise != NULL) {
        strbuf_add_c(buf, " ELSE ");
        add_expr(buf, expr->cases.otherwise);
    }
    strbuf_add_c(buf, " END");
}

static void add_window(StrBuf *buf, const TxExpr *expr) {
    add_expr(buf, expr->window.function);
    strbuf_add_c(buf, " OVER (PARTITION BY ");
    add_list(buf, expr->window.partition, expr->window.npartition);
    strbuf_add_c(buf, " ORDER BY ");
    add_sorts(buf, expr->window.order, expr->window.norder);
    strbuf_fmt(buf, " %s)", expr->window.frame == PL_FRAME_ROWS ? "ROWS" : "RANGE");
}

static void add_expr(StrBuf *buf, const TxExpr *expr) {
    switch (expr->tag) {
    case TX_LITERAL: add_value(buf, expr->literal); return;
    case TX_COLUMN: strbuf_fmt(buf, "%s%.*s#%u", expr->column.is_outer ? "outer " : "", STR_ARG(expr->column.name), expr->column.id); return;
    case TX_CALL: add_call(buf, expr->call.fn->name, expr->call.args, expr->call.nargs, false); return;
    case TX_CAST:
        strbuf_add_c(buf, expr->cast.mode == PL_CAST_TRY ? "try_cast(" : "cast(");
        add_expr(buf, expr->cast.child);
        strbuf_fmt(buf, " as %.*s)", STR_ARG(pl_type_simple(buf->arena, expr->type)));
        return;
    case TX_CASE: add_case(buf, expr); return;
    case TX_FIELD:
        add_expr(buf, expr->field.child);
        strbuf_fmt(buf, ".%.*s", STR_ARG(expr->field.name));
        return;
    case TX_LAMBDA:
        strbuf_add_c(buf, "lambda ");
        add_attrs(buf, expr->lambda.params, expr->lambda.nparams);
        strbuf_add_c(buf, " -> ");
        add_expr(buf, expr->lambda.body);
        return;
    case TX_AGGREGATE:
        add_call(buf, expr->aggregate.fn->name, expr->aggregate.args, expr->aggregate.nargs, expr->aggregate.is_distinct);
        if (expr->aggregate.filter != NULL) {
            strbuf_add_c(buf, " FILTER (WHERE ");
            add_expr(buf, expr->aggregate.filter);
            strbuf_add_char(buf, ')');
        }
        return;
    case TX_WINDOW: add_window(buf, expr); return;
    case TX_PYTHON_UDF:
        strbuf_add_c(buf, "python ");
        add_call(buf, str_to_c(buf->arena, expr->python.function->name), expr->python.args, expr->python.nargs, false);
        return;
    case TX_SUBQUERY:
        strbuf_add_c(buf, expr->subquery.kind == PL_SUBQUERY_EXISTS ? "exists-subquery" : expr->subquery.kind == PL_SUBQUERY_IN ? "in-subquery" : "scalar-subquery");
        strbuf_add_char(buf, '(');
        add_list(buf, expr->subquery.values, expr->subquery.nvalues);
        strbuf_add_char(buf, ')');
        return;
    }
}

static void add_set_op(StrBuf *buf, const TrRel *rel) {
    static const char *const NAMES[] = {[PL_SET_UNION] = "Union", [PL_SET_INTERSECT] = "Intersect", [PL_SET_EXCEPT] = "Except"};
    strbuf_fmt(buf, "%s%s", NAMES[rel->set_op.op], rel->set_op.is_all ? " All" : "");
}

static void add_python(StrBuf *buf, const TrRel *rel) {
    if (rel->python.function != NULL) {
        strbuf_fmt(buf, "PythonMap %.*s ", STR_ARG(rel->python.function->name));
        add_attrs(buf, rel->output, rel->noutput);
    } else {
        strbuf_add_c(buf, "PythonEval ");
        add_named(buf, rel->python.udfs, rel->python.nudfs);
    }
}

/* The node's own line. */
static void add_node(StrBuf *buf, const TrRel *rel) {
    switch (rel->tag) {
    case TR_SCAN:
        strbuf_fmt(buf, "Scan %.*s %.*s ", STR_ARG(rel->scan.scan->format), STR_ARG(rel->scan.scan->shown));
        add_attrs(buf, rel->output, rel->noutput);
        return;
    case TR_LOCAL_DATA:
        strbuf_add_c(buf, "LocalRelation ");
        add_attrs(buf, rel->output, rel->noutput);
        return;
    case TR_VALUES:
        strbuf_fmt(buf, "Values (%zu rows) ", rel->values.nrows);
        add_attrs(buf, rel->output, rel->noutput);
        return;
    case TR_RANGE:
        strbuf_fmt(buf, "Range (%lld, %lld, step=%lld)", (long long)rel->range.start, (long long)rel->range.end, (long long)rel->range.step);
        return;
    case TR_PROJECT:
        strbuf_add_c(buf, "Project ");
        add_named(buf, rel->project.columns, rel->noutput);
        return;
    case TR_FILTER:
        strbuf_add_c(buf, "Filter ");
        add_expr(buf, rel->filter.condition);
        return;
    case TR_JOIN:
        strbuf_fmt(buf, "Join %s", JOIN_NAMES[rel->join.type]);
        if (rel->join.condition != NULL) {
            strbuf_add_c(buf, ", ");
            add_expr(buf, rel->join.condition);
        }
        return;
    case TR_SET_OP: add_set_op(buf, rel); return;
    case TR_SORT:
        strbuf_add_c(buf, "Sort [");
        add_sorts(buf, rel->sort.keys, rel->sort.nkeys);
        strbuf_add_char(buf, ']');
        return;
    case TR_LIMIT: strbuf_fmt(buf, "Limit %lld, offset %lld", (long long)rel->limit.limit, (long long)rel->limit.offset); return;
    case TR_TAIL: strbuf_fmt(buf, "Tail %lld", (long long)rel->limit.limit); return;
    case TR_AGGREGATE:
        strbuf_add_c(buf, "Aggregate [");
        add_list(buf, rel->aggregate.groups, rel->aggregate.ngroups);
        strbuf_add_c(buf, "], ");
        add_named(buf, rel->aggregate.columns, rel->noutput);
        return;
    case TR_WINDOW:
        strbuf_add_c(buf, "Window ");
        add_named(buf, rel->window.columns, rel->window.ncolumns);
        return;
    case TR_GENERATE:
        strbuf_fmt(buf, "Generate %s", rel->generate.is_outer ? "outer " : "");
        add_expr(buf, rel->generate.generator);
        return;
    case TR_SAMPLE: strbuf_fmt(buf, "Sample %g, %g, %s, %lld", rel->sample.lower, rel->sample.upper, rel->sample.with_replacement ? "true" : "false", (long long)rel->sample.seed); return;
    case TR_PYTHON: add_python(buf, rel); return;
    case TR_COLLECT_METRICS:
        strbuf_fmt(buf, "CollectMetrics %.*s, ", STR_ARG(rel->metrics.name));
        add_named(buf, rel->metrics.metrics, rel->metrics.nmetrics);
        return;
    case TR_KEPT:
        strbuf_add_c(buf, "InMemoryTableScan ");
        add_attrs(buf, rel->output, rel->noutput);
        return;
    case TR_SHOW_STRING: strbuf_fmt(buf, "ShowString %d, %d", rel->show.rows, rel->show.truncate); return;
    case TR_HTML_STRING: strbuf_fmt(buf, "HtmlString %d, %d", rel->show.rows, rel->show.truncate); return;
    }
}

/* lines: what stands in front of the children's lines. */
static void add_tree(StrBuf *buf, const TrRel *rel, Str lines, const char *own) {
    strbuf_fmt(buf, "%.*s%s", STR_ARG(lines), own);
    add_node(buf, rel);
    strbuf_add_char(buf, '\n');
    Str below = own[0] == '\0' ? lines : str_fmt(buf->arena, "%.*s%s", STR_ARG(lines), own[0] == ':' ? ":  " : "   ");
    if (rel->input != NULL) {
        add_tree(buf, rel->input, below, rel->right != NULL ? ":- " : "+- ");
    }
    if (rel->right != NULL) {
        add_tree(buf, rel->right, below, "+- ");
    }
}

Str pl_typed_dump(Arena *arena, const TrRel *rel) {
    StrBuf buf = {.arena = arena};
    add_tree(&buf, rel, STR(""), "");
    return strbuf_str(&buf);
}
