/* unresolved_dump.c - unresolved trees as text in parentheses, one node "(kind attributes children)"; for tests and debugging.
 *
 * Invariant: two trees that differ in meaning give different texts; origins are left out. Strings are quoted as in JSON.
 */
#include "plan/unresolved.h"

static void add_quoted(StrBuf *buf, Str s) {
    strbuf_add_char(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\') {
            strbuf_fmt(buf, "\\%c", c);
        } else if (c < 0x20 || c == 0x7F) {
            strbuf_fmt(buf, "\\u%04x", c);
        } else {
            strbuf_add_char(buf, (char)c);
        }
    }
    strbuf_add_char(buf, '"');
}

static void add_names(StrBuf *buf, const Str *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        strbuf_add_char(buf, ' ');
        add_quoted(buf, names[i]);
    }
}

static void add_int128(StrBuf *buf, __int128 value) {
    char digits[48];
    size_t at = sizeof digits;
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    do {
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    strbuf_add(buf, (Str){digits + at, sizeof digits - at});
}

static void add_value(StrBuf *buf, const PlValue *v) {
    if (v->is_null) {
        strbuf_add_c(buf, "null");
        return;
    }
    switch (v->type->kind) {
    case PL_TYPE_NULL:
        strbuf_add_c(buf, "null");
        return;
    case PL_TYPE_BOOLEAN:
        strbuf_add_c(buf, v->i != 0 ? "true" : "false");
        return;
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
        strbuf_fmt(buf, "%lld", (long long)v->i);
        return;
    case PL_TYPE_TIMESTAMP:
        strbuf_fmt(buf, "%lld", (long long)v->i);
        if (v->s.len > 0) {
            strbuf_add_char(buf, ' ');
            add_quoted(buf, v->s);
        }
        return;
    case PL_TYPE_FLOAT:
        strbuf_fmt(buf, "%.9g", v->f);
        return;
    case PL_TYPE_DOUBLE:
        strbuf_fmt(buf, "%.17g", v->f);
        return;
    case PL_TYPE_DECIMAL:
        add_int128(buf, v->dec);
        return;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
        add_quoted(buf, v->s);
        return;
    case PL_TYPE_BINARY:
        strbuf_add_c(buf, "X");
        for (size_t i = 0; i < v->s.len; i++) {
            strbuf_fmt(buf, "%02X", (unsigned)(unsigned char)v->s.data[i]);
        }
        return;
    case PL_TYPE_CALENDAR_INTERVAL:
        strbuf_fmt(buf, "%d %d %lld", v->months, v->days, (long long)v->i);
        return;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT:
        strbuf_add_char(buf, '[');
        for (size_t i = 0; i < v->nitems; i++) {
            strbuf_add_c(buf, i > 0 ? " " : "");
            add_value(buf, &v->items[i]);
        }
        strbuf_add_char(buf, ']');
        return;
    }
}

Str pl_value_dump(Arena *arena, const PlValue *value) {
    StrBuf buf = {.arena = arena};
    add_value(&buf, value);
    return strbuf_str(&buf);
}

static void add_type(StrBuf *buf, const PlType *t) {
    strbuf_add_c(buf, " ");
    add_quoted(buf, t == NULL ? (Str){0} : pl_type_simple(buf->arena, t));
}

static void add_expr(StrBuf *buf, const PxExpr *e);
static void add_rel(StrBuf *buf, const PrRel *rel);

static void add_child(StrBuf *buf, const PxExpr *e) {
    strbuf_add_char(buf, ' ');
    add_expr(buf, e);
}

static void add_children(StrBuf *buf, const PxExpr *const *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add_child(buf, items[i]);
    }
}

static void add_input(StrBuf *buf, const PrRel *rel) {
    if (rel != NULL) {
        strbuf_add_char(buf, ' ');
        add_rel(buf, rel);
    }
}

static void add_bound(StrBuf *buf, PlBound kind, const PxExpr *value) {
    switch (kind) {
    case PL_BOUND_UNBOUNDED:
        strbuf_add_c(buf, " unbounded");
        return;
    case PL_BOUND_CURRENT_ROW:
        strbuf_add_c(buf, " current");
        return;
    case PL_BOUND_VALUE:
        add_child(buf, value);
        return;
    }
}

static void add_window(StrBuf *buf, const PxExpr *e) {
    strbuf_add_c(buf, "window ");
    add_expr(buf, e->window.function);
    strbuf_add_c(buf, " (partition");
    add_children(buf, e->window.partition, e->window.npartition);
    strbuf_add_c(buf, ") (order");
    add_children(buf, e->window.order, e->window.norder);
    strbuf_add_char(buf, ')');
    if (e->window.frame.type != PL_FRAME_NONE) {
        strbuf_add_c(buf, e->window.frame.type == PL_FRAME_ROWS ? " (rows" : " (range");
        add_bound(buf, e->window.frame.lower_kind, e->window.frame.lower);
        add_bound(buf, e->window.frame.upper_kind, e->window.frame.upper);
        strbuf_add_char(buf, ')');
    }
}

static void add_call(StrBuf *buf, const PxExpr *e) {
    strbuf_add_c(buf, "call ");
    add_quoted(buf, e->call.name);
    strbuf_add_c(buf, e->call.is_distinct ? " distinct" : "");
    strbuf_add_c(buf, e->call.ignore_nulls ? " ignore-nulls" : "");
    add_children(buf, e->call.args, e->call.nargs);
    if (e->call.filter != NULL) {
        strbuf_add_c(buf, " (filter");
        add_child(buf, e->call.filter);
        strbuf_add_char(buf, ')');
    }
}

static void add_subquery(StrBuf *buf, const PxExpr *e) {
    static const char *const KINDS[] = {"scalar-subquery", "exists", "in-subquery"};
    strbuf_add_c(buf, KINDS[e->subquery.kind]);
    strbuf_add_c(buf, e->subquery.is_negated ? " not" : "");
    add_children(buf, e->subquery.values, e->subquery.nvalues);
    add_input(buf, e->subquery.plan);
}

static void add_python(StrBuf *buf, const char *what, const PlPython *f) {
    strbuf_add_c(buf, what);
    strbuf_add_char(buf, ' ');
    add_quoted(buf, f->name);
    strbuf_fmt(buf, " %d", (int)f->eval);
    add_type(buf, f->result);
}

static void add_expr(StrBuf *buf, const PxExpr *e) {
    if (e == NULL) {
        strbuf_add_c(buf, "()");
        return;
    }
    strbuf_add_char(buf, '(');
    switch (e->tag) {
    case PX_LITERAL:
        strbuf_add_c(buf, "literal");
        add_type(buf, e->literal->type);
        strbuf_add_char(buf, ' ');
        add_value(buf, e->literal);
        break;
    case PX_ATTRIBUTE:
    case PX_LAMBDA_VARIABLE:
        strbuf_add_c(buf, e->tag == PX_ATTRIBUTE ? "attribute" : "lambda-variable");
        add_names(buf, e->attribute.parts, e->attribute.nparts);
        if (e->attribute.plan_id >= 0) {
            strbuf_fmt(buf, " plan=%lld", (long long)e->attribute.plan_id);
        }
        break;
    case PX_STAR:
        strbuf_add_c(buf, "star");
        add_names(buf, e->star.target, e->star.ntarget);
        break;
    case PX_REGEX:
        strbuf_add_c(buf, "regex ");
        add_quoted(buf, e->regex.pattern);
        break;
    case PX_CALL:
        add_call(buf, e);
        break;
    case PX_CAST:
        strbuf_add_c(buf, e->cast.mode == PL_CAST_TRY ? "try-cast" : "cast");
        add_type(buf, e->cast.type);
        add_child(buf, e->cast.child);
        break;
    case PX_ALIAS:
        strbuf_add_c(buf, "alias");
        add_child(buf, e->alias.child);
        add_names(buf, e->alias.names, e->alias.nnames);
        break;
    case PX_SORT:
        strbuf_fmt(buf, "sort %s %s", e->sort.descending ? "desc" : "asc", e->sort.nulls_first ? "nulls-first" : "nulls-last");
        add_child(buf, e->sort.child);
        break;
    case PX_LAMBDA:
        strbuf_add_c(buf, "lambda");
        add_child(buf, e->lambda.body);
        add_names(buf, e->lambda.params, e->lambda.nparams);
        break;
    case PX_WINDOW:
        add_window(buf, e);
        break;
    case PX_EXTRACT:
        strbuf_add_c(buf, "extract");
        add_child(buf, e->extract.child);
        add_child(buf, e->extract.key);
        break;
    case PX_UPDATE_FIELDS:
        strbuf_add_c(buf, "update-field");
        add_child(buf, e->update.child);
        add_names(buf, &e->update.field, 1);
        add_child(buf, e->update.value);
        break;
    case PX_PYTHON_UDF:
        add_python(buf, "python", e->python.function);
        add_children(buf, e->python.args, e->python.nargs);
        break;
    case PX_SUBQUERY:
        add_subquery(buf, e);
        break;
    }
    strbuf_add_char(buf, ')');
}

static void add_join(StrBuf *buf, const PrRel *rel) {
    static const char *const TYPES[] = {"inner", "left", "right", "full", "cross", "left-semi", "left-anti"};
    strbuf_fmt(buf, "join %s%s%s", TYPES[rel->join.type], rel->join.is_natural ? " natural" : "", rel->join.is_lateral ? " lateral" : "");
    if (rel->join.nusing > 0) {
        strbuf_add_c(buf, " (using");
        add_names(buf, rel->join.using_columns, rel->join.nusing);
        strbuf_add_char(buf, ')');
    }
    if (rel->join.condition != NULL) {
        strbuf_add_c(buf, " (on");
        add_child(buf, rel->join.condition);
        strbuf_add_char(buf, ')');
    }
}

static void add_list(StrBuf *buf, const char *what, const PxExpr *const *items, size_t count) {
    strbuf_fmt(buf, " (%s", what);
    add_children(buf, items, count);
    strbuf_add_char(buf, ')');
}

static void add_aggregate(StrBuf *buf, const PrRel *rel) {
    static const char *const TYPES[] = {"group-by", "rollup", "cube", "pivot", "sets"};
    strbuf_fmt(buf, "aggregate %s", TYPES[rel->aggregate.type]);
    add_list(buf, "groups", rel->aggregate.groups, rel->aggregate.ngroups);
    if (rel->aggregate.nsets > 0) {
        size_t at = 0;
        strbuf_add_c(buf, " (sets");
        for (size_t i = 0; i < rel->aggregate.nsets; i++) {
            strbuf_add_c(buf, " (");
            for (size_t k = 0; k < rel->aggregate.set_sizes[i]; k++) {
                strbuf_fmt(buf, "%s%zu", k > 0 ? " " : "", rel->aggregate.set_members[at++]);
            }
            strbuf_add_char(buf, ')');
        }
        strbuf_add_char(buf, ')');
    }
    if (rel->aggregate.pivot != NULL) {
        strbuf_add_c(buf, " (pivot");
        add_child(buf, rel->aggregate.pivot);
        for (size_t i = 0; i < rel->aggregate.npivot_values; i++) {
            strbuf_add_char(buf, ' ');
            add_value(buf, rel->aggregate.pivot_values[i]);
        }
        strbuf_add_char(buf, ')');
    }
    add_list(buf, rel->aggregate.is_select_list ? "select" : "aggregates", rel->aggregate.aggregates, rel->aggregate.naggregates);
    if (rel->aggregate.having != NULL) {
        strbuf_add_c(buf, " (having");
        add_child(buf, rel->aggregate.having);
        strbuf_add_char(buf, ')');
    }
}

static void add_options(StrBuf *buf, const PlOption *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(buf, " (option ");
        add_quoted(buf, options[i].key);
        strbuf_add_char(buf, ' ');
        add_quoted(buf, options[i].value);
        strbuf_add_char(buf, ')');
    }
}

static void add_limit(StrBuf *buf, const char *what, const PrRel *rel) {
    strbuf_add_c(buf, what);
    if (rel->limit.expr != NULL) {
        add_child(buf, rel->limit.expr);
    } else {
        strbuf_fmt(buf, " %lld", (long long)rel->limit.count);
    }
}

static void add_values(StrBuf *buf, const PrRel *rel) {
    strbuf_add_c(buf, "values");
    for (size_t i = 0; i < rel->values.nrows; i++) {
        add_list(buf, "row", rel->values.cells + i * rel->values.ncolumns, rel->values.ncolumns);
    }
}

static void add_value_list(StrBuf *buf, const char *what, const PlValue *const *values, size_t count) {
    strbuf_fmt(buf, " (%s", what);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_char(buf, ' ');
        add_value(buf, values[i]);
    }
    strbuf_add_char(buf, ')');
}

/* The relations that come from clients' calls rather than from SQL's clauses. */
static void add_client_rel(StrBuf *buf, const PrRel *rel) {
    switch ((int)rel->tag) {
    case PR_READ_SOURCE:
        strbuf_add_c(buf, "read-source ");
        add_quoted(buf, rel->source.format);
        if (rel->source.schema != NULL) {
            add_type(buf, rel->source.schema);
        }
        add_names(buf, rel->source.paths, rel->source.npaths);
        add_options(buf, rel->source.options, rel->source.noptions);
        break;
    case PR_TAIL:
        add_limit(buf, "tail", rel);
        break;
    case PR_LOCAL_DATA:
        strbuf_fmt(buf, "local-data %zu", rel->local.arrow_ipc.len);
        break;
    case PR_RANGE:
        strbuf_fmt(buf, "range %lld %lld %lld", (long long)rel->range.start, (long long)rel->range.end, (long long)rel->range.step);
        break;
    case PR_TO_DF:
        strbuf_add_c(buf, "to-df");
        add_names(buf, rel->to_df.names, rel->to_df.nnames);
        break;
    case PR_RENAME_COLUMNS:
        strbuf_add_c(buf, "rename");
        add_options(buf, rel->rename.renames, rel->rename.nrenames);
        break;
    case PR_WITH_COLUMNS:
        strbuf_add_c(buf, "with-columns");
        for (size_t i = 0; i < rel->with_columns.ncolumns; i++) {
            add_names(buf, &rel->with_columns.columns[i].name, 1);
            add_child(buf, rel->with_columns.columns[i].expr);
        }
        break;
    case PR_DROP:
        strbuf_add_c(buf, "drop");
        add_names(buf, rel->drop.names, rel->drop.nnames);
        add_children(buf, rel->drop.exprs, rel->drop.nexprs);
        break;
    case PR_TO_SCHEMA:
        strbuf_add_c(buf, "to-schema");
        add_type(buf, rel->to_schema.schema);
        break;
    case PR_NA_FILL:
        strbuf_add_c(buf, "na-fill");
        add_names(buf, rel->na_fill.columns, rel->na_fill.ncolumns);
        add_value_list(buf, "values", rel->na_fill.values, rel->na_fill.nvalues);
        break;
    case PR_NA_DROP:
        strbuf_fmt(buf, "na-drop %d", rel->na_drop.min_non_nulls);
        add_names(buf, rel->na_drop.columns, rel->na_drop.ncolumns);
        break;
    case PR_NA_REPLACE:
        strbuf_add_c(buf, "na-replace");
        add_names(buf, rel->na_replace.columns, rel->na_replace.ncolumns);
        add_value_list(buf, "old", rel->na_replace.old_values, rel->na_replace.nvalues);
        add_value_list(buf, "new", rel->na_replace.new_values, rel->na_replace.nvalues);
        break;
    case PR_SHOW_STRING:
    case PR_HTML_STRING:
        strbuf_fmt(buf, "%s %d %d%s", rel->tag == PR_SHOW_STRING ? "show" : "html", rel->show.rows, rel->show.truncate,
                   rel->show.vertical ? " vertical" : "");
        break;
    case PR_MAP_PARTITIONS:
        add_python(buf, "map-partitions", rel->map_partitions.function);
        break;
    case PR_COLLECT_METRICS:
        strbuf_add_c(buf, "metrics ");
        add_quoted(buf, rel->metrics.name);
        add_children(buf, rel->metrics.metrics, rel->metrics.nmetrics);
        break;
    case PR_CACHED:
        strbuf_add_c(buf, "cached ");
        add_quoted(buf, rel->cached.id);
        break;
    case PR_CATALOG:
        strbuf_add_c(buf, "catalog ");
        add_quoted(buf, rel->catalog.operation);
        add_options(buf, rel->catalog.arguments, rel->catalog.narguments);
        break;
    default:
        break;
    }
}

static void add_unpivot(StrBuf *buf, const PrRel *rel) {
    strbuf_fmt(buf, "unpivot%s%s ", rel->unpivot.from_sql ? " sql" : "", rel->unpivot.include_nulls ? " include-nulls" : "");
    add_quoted(buf, rel->unpivot.variable_name);
    if (rel->unpivot.nvalue_names > 0) {
        add_names(buf, rel->unpivot.value_names, rel->unpivot.nvalue_names);
    } else {
        add_names(buf, &rel->unpivot.value_name, 1);
    }
    add_list(buf, "ids", rel->unpivot.ids, rel->unpivot.nids);
    add_list(buf, "values", rel->unpivot.values, rel->unpivot.nvalues);
}

static void add_rel(StrBuf *buf, const PrRel *rel) {
    static const char *const SET_OPS[] = {"union", "intersect", "except"};
    strbuf_add_char(buf, '(');
    switch (rel->tag) {
    case PR_READ_TABLE:
        strbuf_add_c(buf, "table");
        add_names(buf, rel->table.parts, rel->table.nparts);
        add_options(buf, rel->table.options, rel->table.noptions);
        break;
    case PR_PROJECT:
        strbuf_add_c(buf, "project");
        add_children(buf, rel->project.exprs, rel->project.nexprs);
        break;
    case PR_HINT:
        strbuf_add_c(buf, "hint");
        add_children(buf, rel->project.exprs, rel->project.nexprs);
        break;
    case PR_FILTER:
        strbuf_add_c(buf, "filter");
        add_child(buf, rel->filter.condition);
        break;
    case PR_JOIN:
        add_join(buf, rel);
        break;
    case PR_SET_OP:
        strbuf_fmt(buf, "%s%s%s%s", SET_OPS[rel->set_op.op], rel->set_op.is_all ? " all" : "", rel->set_op.by_name ? " by-name" : "",
                   rel->set_op.allow_missing ? " allow-missing" : "");
        break;
    case PR_SORT:
        strbuf_add_c(buf, rel->sort.is_global ? "order-by" : "sort-by");
        add_children(buf, rel->sort.order, rel->sort.norder);
        break;
    case PR_LIMIT:
        add_limit(buf, "limit", rel);
        break;
    case PR_OFFSET:
        add_limit(buf, "offset", rel);
        break;
    case PR_AGGREGATE:
        add_aggregate(buf, rel);
        break;
    case PR_VALUES:
        add_values(buf, rel);
        break;
    case PR_ONE_ROW:
        strbuf_add_c(buf, "one-row");
        break;
    case PR_SUBQUERY_ALIAS:
        strbuf_add_c(buf, "subquery-alias ");
        add_quoted(buf, rel->alias.name);
        add_names(buf, rel->alias.columns, rel->alias.ncolumns);
        break;
    case PR_WITH:
        strbuf_add_c(buf, "with");
        for (size_t i = 0; i < rel->with.count; i++) {
            add_names(buf, &rel->with.names[i], 1);
            add_input(buf, rel->with.plans[i]);
        }
        break;
    case PR_DEDUPLICATE:
        strbuf_add_c(buf, rel->deduplicate.all_columns ? "distinct" : "deduplicate");
        add_names(buf, rel->deduplicate.columns, rel->deduplicate.ncolumns);
        break;
    case PR_SAMPLE:
        strbuf_fmt(buf, "sample %.17g %.17g%s", rel->sample.lower, rel->sample.upper, rel->sample.with_replacement ? " replacement" : "");
        if (rel->sample.has_seed) {
            strbuf_fmt(buf, " seed=%lld", (long long)rel->sample.seed);
        }
        break;
    case PR_REPARTITION:
        strbuf_fmt(buf, "repartition %d%s", rel->partition.count, rel->partition.shuffle ? " shuffle" : "");
        add_children(buf, rel->partition.exprs, rel->partition.nexprs);
        break;
    case PR_GENERATE:
        strbuf_fmt(buf, "generate%s ", rel->generate.is_outer ? " outer" : "");
        add_quoted(buf, rel->generate.alias);
        add_child(buf, rel->generate.generator);
        add_names(buf, rel->generate.columns, rel->generate.ncolumns);
        break;
    case PR_TABLE_FUNCTION:
        strbuf_add_c(buf, "table-function");
        add_child(buf, rel->table_function.call);
        break;
    case PR_PIVOT:
        strbuf_add_c(buf, "pivot");
        add_list(buf, "aggregates", rel->pivot.aggregates, rel->pivot.naggregates);
        add_list(buf, "columns", rel->pivot.columns, rel->pivot.ncolumns);
        add_list(buf, "values", rel->pivot.values, rel->pivot.nvalues);
        break;
    case PR_UNPIVOT:
        add_unpivot(buf, rel);
        break;
    case PR_READ_SOURCE:
    case PR_TAIL:
    case PR_LOCAL_DATA:
    case PR_RANGE:
    case PR_TO_DF:
    case PR_RENAME_COLUMNS:
    case PR_WITH_COLUMNS:
    case PR_DROP:
    case PR_TO_SCHEMA:
    case PR_NA_FILL:
    case PR_NA_DROP:
    case PR_NA_REPLACE:
    case PR_SHOW_STRING:
    case PR_HTML_STRING:
    case PR_MAP_PARTITIONS:
    case PR_COLLECT_METRICS:
    case PR_CACHED:
    case PR_CATALOG:
        add_client_rel(buf, rel);
        break;
    }
    add_input(buf, rel->input);
    add_input(buf, rel->right);
    strbuf_add_char(buf, ')');
}

Str pl_unresolved_dump(Arena *arena, const PrRel *rel) {
    StrBuf buf = {.arena = arena};
    add_rel(&buf, rel);
    return strbuf_str(&buf);
}

Str pl_unresolved_expr_dump(Arena *arena, const PxExpr *expr) {
    StrBuf buf = {.arena = arena};
    add_expr(&buf, expr);
    return strbuf_str(&buf);
}
