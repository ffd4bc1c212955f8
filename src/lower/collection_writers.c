/* lower/collection_writers.c - arrays, maps and higher-order functions.
 *
 * Used by call.c through lo_writer_find. Invariant: Spark's rules for nulls inside arrays and for three-valued predicates, on DuckDB's list
 * functions; a lambda's parameters are DuckDB lambda variables named c<id>, or stand for other text (LoSubstitute).
 */
#include "lower/lo_internal.h"

#define EXPR(i) lo_expr(lo, call->args[i])

/* a[n]: from 0; a negative or too large position gives null. */
static void write_array_item(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    Str index = EXPR(1);
    const TxExpr *position = call->args[1];
    if (position->tag == TX_LITERAL && !position->literal->is_null && position->literal->i >= 0) {
        strbuf_fmt(out, "list_extract(%.*s, %lld)", STR_ARG(array), (long long)position->literal->i + 1);
        return;
    }
    strbuf_fmt(out, "(CASE WHEN %.*s >= 0 THEN list_extract(%.*s, CAST(%.*s AS BIGINT) + 1) END)", STR_ARG(index), STR_ARG(array), STR_ARG(index));
}

static void write_map_value(Lo *lo, StrBuf *out, const LoCall *call) {
    Str map = EXPR(0);
    Str key = EXPR(1);
    strbuf_fmt(out, "map_extract_value(%.*s, %.*s)", STR_ARG(map), STR_ARG(key));
}

/* element_at: a map's value, or an array's element from 1, or from the end by a negative number; 0 is an error. */
static void write_element_at(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->args[0]->type->kind == PL_TYPE_MAP) {
        write_map_value(lo, out, call);
        return;
    }
    Str array = EXPR(0);
    Str index = EXPR(1);
    strbuf_fmt(out,
               "(CASE WHEN %.*s = 0 THEN error('INVALID_INDEX_OF_ZERO: [INVALID_INDEX_OF_ZERO] The index 0 is invalid. An index shall be either < 0 or > 0 "
               "(the first element has index 1).') ELSE list_extract(%.*s, CAST(%.*s AS BIGINT)) END)",
               STR_ARG(index), STR_ARG(array), STR_ARG(index));
}

/* s.field over an array of structs. */
static void write_array_fields(Lo *lo, StrBuf *out, const LoCall *call) {
    const PlType *element = call->args[0]->type->element;
    const TxExpr *name = call->args[1];
    Str array = EXPR(0);
    Str item = lo_name(lo, "e");
    size_t index = element->nfields;
    for (size_t i = 0; i < element->nfields && name->tag == TX_LITERAL; i++) {
        if (name->literal->type->kind == PL_TYPE_STRING ? str_eq_nocase(element->fields[i].name, name->literal->s) : (int64_t)i == name->literal->i) {
            index = i;
            break;
        }
    }
    if (index == element->nfields) {
        lo_not_supported(lo, "the field of an array's structs by", STR("an expression"));
        return;
    }
    strbuf_fmt(out, "list_transform(%.*s, lambda %.*s: struct_extract(%.*s, 'f%zu'))", STR_ARG(array), STR_ARG(item), STR_ARG(item), index);
}

/* True, or null when it is not found but a null element might be it. */
static void write_array_contains(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    Str value = EXPR(1);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN list_contains(%.*s, %.*s) THEN true WHEN list_count(%.*s) < len(%.*s) THEN NULL "
                    "ELSE false END)",
               STR_ARG(array), STR_ARG(value), STR_ARG(array), STR_ARG(value), STR_ARG(array), STR_ARG(array));
}

static void write_array_position(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    Str value = EXPR(1);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL AND %.*s IS NOT NULL THEN CAST(coalesce(list_position(%.*s, %.*s), 0) AS BIGINT) END)", STR_ARG(array),
               STR_ARG(value), STR_ARG(array), STR_ARG(value));
}

static void write_array_remove(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    Str value = EXPR(1);
    Str item = lo_name(lo, "e");
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL THEN list_filter(%.*s, lambda %.*s: %.*s IS DISTINCT FROM %.*s) END)", STR_ARG(value), STR_ARG(array),
               STR_ARG(item), STR_ARG(item), STR_ARG(value));
}

/* Elements in the order of their first occurrence, nulls as one value. */
static Str distinct_of(Lo *lo, Str list) {
    Str item = lo_name(lo, "e");
    Str index = lo_name(lo, "e");
    return str_fmt(lo->arena, "list_filter(%.*s, lambda %.*s, %.*s: list_position(%.*s, %.*s) = %.*s)", STR_ARG(list), STR_ARG(item), STR_ARG(index),
                   STR_ARG(list), STR_ARG(item), STR_ARG(index));
}

static void write_array_distinct(Lo *lo, StrBuf *out, const LoCall *call) {
    strbuf_add(out, distinct_of(lo, EXPR(0)));
}

static void write_array_union(Lo *lo, StrBuf *out, const LoCall *call) {
    Str a = EXPR(0);
    Str b = EXPR(1);
    Str both = str_fmt(lo->arena, "list_concat(%.*s, %.*s)", STR_ARG(a), STR_ARG(b));
    Str distinct = distinct_of(lo, both);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL AND %.*s IS NOT NULL THEN %.*s END)", STR_ARG(a), STR_ARG(b), STR_ARG(distinct));
}

static void write_filtered_set(Lo *lo, StrBuf *out, const LoCall *call, const char *condition) {
    Str a = EXPR(0);
    Str b = EXPR(1);
    Str item = lo_name(lo, "e");
    Str kept = str_fmt(lo->arena, "list_filter(%.*s, lambda %.*s: list_position(%.*s, %.*s) %s)", STR_ARG(a), STR_ARG(item), STR_ARG(b), STR_ARG(item), condition);
    Str distinct = distinct_of(lo, kept);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL AND %.*s IS NOT NULL THEN %.*s END)", STR_ARG(a), STR_ARG(b), STR_ARG(distinct));
}

static void write_array_intersect(Lo *lo, StrBuf *out, const LoCall *call) {
    write_filtered_set(lo, out, call, "IS NOT NULL");
}

static void write_array_except(Lo *lo, StrBuf *out, const LoCall *call) {
    write_filtered_set(lo, out, call, "IS NULL");
}

/* arrays_overlap: true on a common element that is not null; else null if either has a null and neither is empty. */
static void write_arrays_overlap(Lo *lo, StrBuf *out, const LoCall *call) {
    Str a = EXPR(0);
    Str b = EXPR(1);
    strbuf_fmt(out,
               "(CASE WHEN %.*s IS NULL OR %.*s IS NULL THEN NULL WHEN list_has_any(list_filter(%.*s, lambda e: e IS NOT NULL), %.*s) THEN true WHEN len(%.*s) > 0 AND "
               "len(%.*s) > 0 AND (list_count(%.*s) < len(%.*s) OR list_count(%.*s) < len(%.*s)) THEN NULL ELSE false END)",
               STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(b), STR_ARG(a), STR_ARG(a), STR_ARG(b), STR_ARG(b));
}

static void write_array_join(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    Str separator = EXPR(1);
    if (call->nargs > 2) {
        Str by = EXPR(2);
        strbuf_fmt(out, "array_to_string(list_transform(%.*s, lambda e: coalesce(e, %.*s)), %.*s)", STR_ARG(array), STR_ARG(by), STR_ARG(separator));
        return;
    }
    strbuf_fmt(out, "array_to_string(%.*s, %.*s)", STR_ARG(array), STR_ARG(separator));
}

static void write_array_repeat(Lo *lo, StrBuf *out, const LoCall *call) {
    Str value = EXPR(0);
    Str count = EXPR(1);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL THEN list_transform(range(greatest(CAST(%.*s AS BIGINT), 0)), lambda unused: %.*s) END)", STR_ARG(count),
               STR_ARG(count), STR_ARG(value));
}

/* sort_array(a[, ascending]): nulls first ascending, last descending. */
static void write_sort_array(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    if (call->nargs < 2) {
        strbuf_fmt(out, "list_sort(%.*s, 'ASC', 'NULLS FIRST')", STR_ARG(array));
        return;
    }
    if (call->args[1]->tag != TX_LITERAL) {
        lo_not_supported(lo, "with an order that is no constant, the function", STR("sort_array"));
        return;
    }
    strbuf_fmt(out, "list_sort(%.*s, %s)", STR_ARG(array), call->args[1]->literal->i != 0 ? "'ASC', 'NULLS FIRST'" : "'DESC', 'NULLS LAST'");
}

static void write_array_sort(Lo *lo, StrBuf *out, const LoCall *call) {
    if (call->nargs > 1) {
        lo_not_supported(lo, "with a comparator, the function", STR("array_sort"));
        return;
    }
    Str array = EXPR(0);
    strbuf_fmt(out, "list_sort(%.*s, 'ASC', 'NULLS LAST')", STR_ARG(array));
}

/* slice(a, start, length): from 1, or from the end. */
static void write_slice(Lo *lo, StrBuf *out, const LoCall *call) {
    Str a = EXPR(0);
    Str start = EXPR(1);
    Str length = EXPR(2);
    strbuf_fmt(out,
               "(CASE WHEN %.*s = 0 THEN error('INVALID_PARAMETER_VALUE.START: [INVALID_PARAMETER_VALUE.START] The value of parameter(s) `start` in `slice` is invalid: "
               "Expects a positive or a negative value for `start`, but got 0.') "
               "WHEN %.*s < 0 THEN error('INVALID_PARAMETER_VALUE.LENGTH: [INVALID_PARAMETER_VALUE.LENGTH] The value of parameter(s) `length` in `slice` is invalid: "
               "Expects `length` greater than or equal to 0.') "
               "WHEN %.*s < 0 AND len(%.*s) + %.*s < 0 THEN list_slice(%.*s, 1, 0) "
               "WHEN %.*s < 0 THEN list_slice(%.*s, len(%.*s) + %.*s + 1, len(%.*s) + %.*s + %.*s) "
               "ELSE list_slice(%.*s, %.*s, CAST(%.*s AS BIGINT) + %.*s - 1) END)",
               STR_ARG(start), STR_ARG(length), STR_ARG(start), STR_ARG(a), STR_ARG(start), STR_ARG(a), STR_ARG(start), STR_ARG(a), STR_ARG(a),
               STR_ARG(start), STR_ARG(a), STR_ARG(start), STR_ARG(length), STR_ARG(a), STR_ARG(start), STR_ARG(start), STR_ARG(length));
}

static void write_flatten(Lo *lo, StrBuf *out, const LoCall *call) {
    Str array = EXPR(0);
    strbuf_fmt(out, "(CASE WHEN list_count(%.*s) = len(%.*s) THEN flatten(%.*s) END)", STR_ARG(array), STR_ARG(array), STR_ARG(array));
}

/* sequence(a, b[, step]) of integers; the step's default leads from a to b. */
static void write_sequence(Lo *lo, StrBuf *out, const LoCall *call) {
    if (!pl_type_is_integral(call->args[0]->type)) {
        lo_not_supported(lo, "of dates and timestamps, the function", STR("sequence"));
        return;
    }
    Str a = EXPR(0);
    Str b = EXPR(1);
    Str step = call->nargs > 2 ? EXPR(2) : str_fmt(lo->arena, "(CASE WHEN %.*s <= %.*s THEN 1 ELSE -1 END)", STR_ARG(a), STR_ARG(b));
    strbuf_fmt(out, "CAST(generate_series(CAST(%.*s AS BIGINT), CAST(%.*s AS BIGINT), CAST(%.*s AS BIGINT)) AS %.*s)", STR_ARG(a), STR_ARG(b), STR_ARG(step),
               STR_ARG(lo_duckdb_type(lo->arena, call->type)));
}

static void write_map_entries(Lo *lo, StrBuf *out, const LoCall *call) {
    Str map = EXPR(0);
    strbuf_fmt(out, "list_transform(map_entries(%.*s), lambda e: struct_pack(f0 := struct_extract(e, 'key'), f1 := struct_extract(e, 'value')))", STR_ARG(map));
}

static void write_map_from_entries(Lo *lo, StrBuf *out, const LoCall *call) {
    Str list = EXPR(0);
    strbuf_fmt(out, "(CASE WHEN list_count(%.*s) = len(%.*s) THEN map_from_entries(%.*s) END)", STR_ARG(list), STR_ARG(list), STR_ARG(list));
}

static void write_map_contains_key(Lo *lo, StrBuf *out, const LoCall *call) {
    Str map = EXPR(0);
    Str key = EXPR(1);
    strbuf_fmt(out, "list_contains(map_keys(%.*s), %.*s)", STR_ARG(map), STR_ARG(key));
}

/* A map of entries; a key that comes twice ends the query (spark.sql.mapKeyDedupPolicy=EXCEPTION). */
static void write_checked_map(StrBuf *out, Str entries) {
    strbuf_fmt(out,
               "(CASE WHEN len(list_distinct(list_transform(%.*s, lambda e: struct_extract(e, 'key')))) < len(%.*s) THEN error('DUPLICATED_MAP_KEY: [DUPLICATED_MAP_KEY] "
               "Duplicate map key was found, please check the input data. If you want to remove the duplicated keys, you can set "
               "\"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the key inserted at last takes precedence.') ELSE map_from_entries(%.*s) END)",
               STR_ARG(entries), STR_ARG(entries), STR_ARG(entries));
}

static void write_map_concat(Lo *lo, StrBuf *out, const LoCall *call) {
    StrBuf all = {.arena = lo->arena};
    StrBuf nulls = {.arena = lo->arena};
    if (call->nargs == 0) {
        strbuf_fmt(out, "CAST(MAP {} AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
        return;
    }
    strbuf_add_c(&all, "list_concat(");
    for (size_t i = 0; i < call->nargs; i++) {
        Str map = EXPR(i);
        strbuf_fmt(&all, "%smap_entries(%.*s)", i > 0 ? ", " : "", STR_ARG(map));
        strbuf_fmt(&nulls, "%s%.*s IS NULL", i > 0 ? " OR " : "", STR_ARG(map));
    }
    strbuf_add_char(&all, ')');
    strbuf_fmt(out, "(CASE WHEN %.*s THEN NULL ELSE ", STR_ARG(strbuf_str(&nulls)));
    write_checked_map(out, strbuf_str(&all));
    strbuf_add_c(out, " END)");
}

/* str_to_map(text, pairs' delimiter, keys' delimiter): both are regular expressions; a key without its delimiter has the value null. */
static void write_str_to_map(Lo *lo, StrBuf *out, const LoCall *call) {
    Str s = EXPR(0);
    Str pairs = EXPR(1);
    Str keys = EXPR(2);
    Str item = lo_name(lo, "e");
    Str entries = str_fmt(lo->arena,
                          "list_transform(list_transform(spark_split(%.*s, %.*s, CAST(-1 AS INTEGER)), lambda p: spark_split(p, %.*s, CAST(2 AS INTEGER))), lambda %.*s: "
                          "struct_pack(\"key\" := list_extract(%.*s, 1), \"value\" := list_extract(%.*s, 2)))",
                          STR_ARG(s), STR_ARG(pairs), STR_ARG(keys), STR_ARG(item), STR_ARG(item), STR_ARG(item));
    strbuf_fmt(out, "(CASE WHEN %.*s IS NULL OR %.*s IS NULL OR %.*s IS NULL THEN NULL ELSE ", STR_ARG(s), STR_ARG(pairs), STR_ARG(keys));
    write_checked_map(out, entries);
    strbuf_add_c(out, " END)");
}

static void write_arrays_zip(Lo *lo, StrBuf *out, const LoCall *call) {
    StrBuf all = {.arena = lo->arena};
    StrBuf nulls = {.arena = lo->arena};
    StrBuf fields = {.arena = lo->arena};
    Str item = lo_name(lo, "e");
    if (call->nargs == 0) {
        strbuf_fmt(out, "CAST([] AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, call->type)));
        return;
    }
    for (size_t i = 0; i < call->nargs; i++) {
        Str array = EXPR(i);
        strbuf_fmt(&all, "%s%.*s", i > 0 ? ", " : "", STR_ARG(array));
        strbuf_fmt(&nulls, "%s%.*s IS NULL", i > 0 ? " OR " : "", STR_ARG(array));
        strbuf_fmt(&fields, "%sf%zu := struct_extract(%.*s, %zu)", i > 0 ? ", " : "", i, STR_ARG(item), i + 1);
    }
    strbuf_fmt(out, "(CASE WHEN %.*s THEN NULL ELSE list_transform(list_zip(%.*s), lambda %.*s: struct_pack(%.*s)) END)", STR_ARG(strbuf_str(&nulls)),
               STR_ARG(strbuf_str(&all)), STR_ARG(item), STR_ARG(strbuf_str(&fields)));
}

/* ---- higher-order functions -------------------------------------------------------------------------------------------------------- */

/* A lambda's body with each parameter replaced by a text. */
static Str body_with(Lo *lo, const TxExpr *lambda, const Str *texts, size_t ntexts) {
    LoSubstitute substitutes[4];
    const LoSubstitute *outer = lo->substitutes;
    for (size_t i = 0; i < lambda->lambda.nparams && i < ntexts; i++) {
        substitutes[i] = (LoSubstitute){.id = lambda->lambda.params[i].id, .sql = texts[i], .outer = lo->substitutes};
        lo->substitutes = &substitutes[i];
    }
    Str body = lo_expr(lo, lambda->lambda.body);
    lo->substitutes = outer;
    return body;
}

/* "lambda x, i: body"; Spark's second parameter counts from 0 and is an int. */
static Str element_lambda(Lo *lo, const TxExpr *lambda) {
    Str item = lo_name(lo, "e");
    Str index = lo_name(lo, "e");
    Str texts[2] = {item, str_fmt(lo->arena, "CAST(%.*s - 1 AS INTEGER)", STR_ARG(index))};
    Str body = body_with(lo, lambda, texts, 2);
    if (lambda->lambda.nparams > 1) {
        return str_fmt(lo->arena, "lambda %.*s, %.*s: %.*s", STR_ARG(item), STR_ARG(index), STR_ARG(body));
    }
    return str_fmt(lo->arena, "lambda %.*s: %.*s", STR_ARG(item), STR_ARG(body));
}

static bool has_lambda(Lo *lo, const LoCall *call, size_t index) {
    return (call->nargs > index && call->args[index]->tag == TX_LAMBDA) || lo_not_supported(lo, "without a lambda, the function", str_from_c(call->fn->name));
}

static void write_transform(Lo *lo, StrBuf *out, const LoCall *call) {
    if (has_lambda(lo, call, 1)) {
        Str array = EXPR(0);
        Str lambda = element_lambda(lo, call->args[1]);
        strbuf_fmt(out, "list_transform(%.*s, %.*s)", STR_ARG(array), STR_ARG(lambda));
    }
}

static void write_filter(Lo *lo, StrBuf *out, const LoCall *call) {
    if (has_lambda(lo, call, 1)) {
        Str array = EXPR(0);
        Str lambda = element_lambda(lo, call->args[1]);
        strbuf_fmt(out, "list_filter(%.*s, %.*s)", STR_ARG(array), STR_ARG(lambda));
    }
}

static void write_quantifier(Lo *lo, StrBuf *out, const LoCall *call, const char *found, const char *otherwise) {
    if (has_lambda(lo, call, 1)) {
        Str array = EXPR(0);
        Str lambda = element_lambda(lo, call->args[1]);
        Str tested = str_fmt(lo->arena, "list_transform(%.*s, %.*s)", STR_ARG(array), STR_ARG(lambda));
        strbuf_fmt(out, "(CASE WHEN %.*s IS NULL THEN NULL WHEN list_contains(%.*s, %s) THEN %s WHEN list_count(%.*s) < len(%.*s) THEN NULL ELSE %s END)",
                   STR_ARG(array), STR_ARG(tested), found, found, STR_ARG(tested), STR_ARG(tested), otherwise);
    }
}

static void write_exists(Lo *lo, StrBuf *out, const LoCall *call) {
    write_quantifier(lo, out, call, "true", "false");
}

static void write_forall(Lo *lo, StrBuf *out, const LoCall *call) {
    write_quantifier(lo, out, call, "false", "true");
}

/* aggregate(a, start, merge[, finish]) */
static void write_fold(Lo *lo, StrBuf *out, const LoCall *call) {
    if (!has_lambda(lo, call, 2)) {
        return;
    }
    Str array = EXPR(0);
    Str start = EXPR(1);
    Str merge = EXPR(2);
    Str folded = str_fmt(lo->arena, "(CASE WHEN %.*s IS NOT NULL THEN list_reduce(%.*s, %.*s, %.*s) END)", STR_ARG(array), STR_ARG(array), STR_ARG(merge), STR_ARG(start));
    if (call->nargs > 3 && call->args[3]->tag == TX_LAMBDA) {
        Str finished = body_with(lo, call->args[3], &folded, 1);
        strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL THEN %.*s END)", STR_ARG(array), STR_ARG(finished));
    } else {
        strbuf_add(out, folded);
    }
}

static void write_zip_with(Lo *lo, StrBuf *out, const LoCall *call) {
    if (!has_lambda(lo, call, 2)) {
        return;
    }
    Str a = EXPR(0);
    Str b = EXPR(1);
    Str item = lo_name(lo, "e");
    Str texts[2] = {str_fmt(lo->arena, "struct_extract(%.*s, 1)", STR_ARG(item)), str_fmt(lo->arena, "struct_extract(%.*s, 2)", STR_ARG(item))};
    Str body = body_with(lo, call->args[2], texts, 2);
    strbuf_fmt(out, "(CASE WHEN %.*s IS NOT NULL AND %.*s IS NOT NULL THEN list_transform(list_zip(%.*s, %.*s), lambda %.*s: %.*s) END)", STR_ARG(a), STR_ARG(b),
               STR_ARG(a), STR_ARG(b), STR_ARG(item), STR_ARG(body));
}

/* map_filter, transform_keys, transform_values: over the entries. */
static void write_over_entries(Lo *lo, StrBuf *out, const LoCall *call, const char *form) {
    if (!has_lambda(lo, call, 1)) {
        return;
    }
    Str map = EXPR(0);
    Str item = lo_name(lo, "e");
    Str texts[2] = {str_fmt(lo->arena, "struct_extract(%.*s, 'key')", STR_ARG(item)), str_fmt(lo->arena, "struct_extract(%.*s, 'value')", STR_ARG(item))};
    Str body = body_with(lo, call->args[1], texts, 2);
    if (form[0] == 'f') {
        strbuf_fmt(out, "map_from_entries(list_filter(map_entries(%.*s), lambda %.*s: %.*s))", STR_ARG(map), STR_ARG(item), STR_ARG(body));
        return;
    }
    Str key = form[0] == 'k' ? body : texts[0];
    Str value = form[0] == 'k' ? texts[1] : body;
    strbuf_fmt(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := %.*s, v := %.*s)))", STR_ARG(map), STR_ARG(item), STR_ARG(key),
               STR_ARG(value));
}

static void write_map_filter(Lo *lo, StrBuf *out, const LoCall *call) {
    write_over_entries(lo, out, call, "filter");
}

static void write_transform_keys(Lo *lo, StrBuf *out, const LoCall *call) {
    write_over_entries(lo, out, call, "keys");
}

static void write_transform_values(Lo *lo, StrBuf *out, const LoCall *call) {
    write_over_entries(lo, out, call, "values");
}

static const struct {
    const char *name;
    LoWriter *write;
} writers[] = {
    {"@array_contains", write_array_contains},
    {"@array_distinct", write_array_distinct},
    {"@array_except", write_array_except},
    {"@array_fields", write_array_fields},
    {"@array_intersect", write_array_intersect},
    {"@array_item", write_array_item},
    {"@array_join", write_array_join},
    {"@array_position", write_array_position},
    {"@array_remove", write_array_remove},
    {"@array_repeat", write_array_repeat},
    {"@array_sort", write_array_sort},
    {"@array_union", write_array_union},
    {"@arrays_overlap", write_arrays_overlap},
    {"@arrays_zip", write_arrays_zip},
    {"@element_at", write_element_at},
    {"@exists", write_exists},
    {"@filter", write_filter},
    {"@flatten", write_flatten},
    {"@fold", write_fold},
    {"@forall", write_forall},
    {"@map_concat", write_map_concat},
    {"@map_contains_key", write_map_contains_key},
    {"@map_entries", write_map_entries},
    {"@map_filter", write_map_filter},
    {"@map_from_entries", write_map_from_entries},
    {"@map_value", write_map_value},
    {"@sequence", write_sequence},
    {"@slice", write_slice},
    {"@sort_array", write_sort_array},
    {"@str_to_map", write_str_to_map},
    {"@transform", write_transform},
    {"@transform_keys", write_transform_keys},
    {"@transform_values", write_transform_values},
    {"@zip_with", write_zip_with},
};

LoWriter *lo_collection_writer_find(Str name) {
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        if (str_eq_c(name, writers[i].name)) {
            return writers[i].write;
        }
    }
    return NULL;
}
