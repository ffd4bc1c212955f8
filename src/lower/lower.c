/* lower/lower.c - the entry: a typed relation into one DuckDB SELECT, node by node.
 *
 * Called by connect/ and by exec/'s writes. Each relation becomes a SELECT over its input as a subquery; DuckDB's optimizer flattens them.
 * Invariant: a relation's SELECT has exactly its output's columns, named c<attribute id>, in order. Row order is kept where Spark keeps it,
 * because DuckDB runs with preserve_insertion_order.
 */
#include "lower/lo_internal.h"

const LoQuery *lo_lower(Arena *arena, const PlSettings *settings, const TrRel *rel, bool is_staged, Err *err) {
    Lo lo = {.arena = arena, .settings = settings, .is_staged = is_staged, .err = err, .inputs = {.arena = arena}, .kernels = {.arena = arena}};
    if (!pl_settings_get(settings, STR("spark.sql.session.timeZone"), &lo.time_zone) || lo.time_zone.len == 0) {
        lo.time_zone = STR("UTC");
    }
    StrBuf out = {.arena = arena};
    lo_write_rel(&lo, &out, rel);
    if (err->is_set) {
        return NULL;
    }
    LoQuery *query = ARENA_NEW(arena, LoQuery);
    *query = (LoQuery){.sql = strbuf_str(&out),
                       .output = rel->output,
                       .noutput = rel->noutput,
                       .inputs = lo.inputs.items,
                       .ninputs = lo.inputs.count,
                       .kernels = lo.kernels.items,
                       .nkernels = lo.kernels.count,
                       .kept_bytes = lo.kept_bytes};
    return query;
}

Str lo_name(Lo *lo, const char *prefix) {
    return str_fmt(lo->arena, "%s%u", prefix, lo->next_name++);
}

const char *lo_alias(Lo *lo) {
    return str_to_c(lo->arena, lo_name(lo, "r"));
}

bool lo_not_supported(Lo *lo, const char *what, Str name) {
    return err_set(lo->err, ERR_NOT_SUPPORTED, "%s %.*s is not supported yet", what, STR_ARG(name));
}

Str lo_kernel(Lo *lo, const char *family, const PlType *result) {
    Str type = lo_duckdb_type(lo->arena, result);
    StrBuf name = {.arena = lo->arena};
    strbuf_fmt(&name, "spark_%s_", family);
    for (size_t i = 0; i < type.len; i++) {
        char c = type.data[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        strbuf_add_char(&name, is_plain ? c : '_');
    }
    /* Two types may read alike without their punctuation. */
    if (type.len > 0 && type.data[type.len - 1] != ')') {
        strbuf_fmt(&name, "_%llx", (unsigned long long)str_hash(type));
    } else if (!str_starts_with(type, STR("DECIMAL"))) {
        strbuf_fmt(&name, "_%llx", (unsigned long long)str_hash(type));
    }
    Str wanted = strbuf_str(&name);
    for (size_t i = 0; i < lo->kernels.count; i++) {
        if (str_eq(lo->kernels.items[i].name, wanted)) {
            return wanted;
        }
    }
    VEC_PUSH(&lo->kernels, (LoKernel){.family = str_from_c(family), .type = type, .name = wanted});
    return wanted;
}

void lo_write_columns(Lo *lo, StrBuf *out, const TyAttr *output, size_t noutput) {
    (void)lo;
    if (noutput == 0) {
        strbuf_add_c(out, "0 AS c_");
    }
    for (size_t i = 0; i < noutput; i++) {
        strbuf_fmt(out, "%sc%u", i > 0 ? ", " : "", (unsigned)output[i].id);
    }
}

void lo_write_named(Lo *lo, StrBuf *out, const TyNamed *columns, size_t ncolumns) {
    if (ncolumns == 0) {
        strbuf_add_c(out, "0 AS c_");
    }
    for (size_t i = 0; i < ncolumns; i++) {
        strbuf_add_c(out, i > 0 ? ", " : "");
        lo_write_expr(lo, out, columns[i].expr);
        strbuf_fmt(out, " AS c%u", (unsigned)columns[i].attr.id);
    }
}

void lo_write_from(Lo *lo, StrBuf *out, const TrRel *rel) {
    strbuf_add_c(out, " FROM (");
    lo_write_rel(lo, out, rel);
    strbuf_fmt(out, ") AS %s", lo_alias(lo));
}

void lo_write_order(Lo *lo, StrBuf *out, const TySort *keys, size_t nkeys) {
    for (size_t i = 0; i < nkeys; i++) {
        PlTypeKind kind = keys[i].expr->type->kind;
        strbuf_add_c(out, i > 0 ? ", " : " ORDER BY ");
        if (kind == PL_TYPE_DOUBLE || kind == PL_TYPE_FLOAT) { /* DuckDB takes sorted columns back out of their keys, where -0.0 is 0.0 */
            strbuf_add_char(out, '(');
            lo_write_expr(lo, out, keys[i].expr);
            strbuf_add_c(out, kind == PL_TYPE_DOUBLE ? " + CAST(0 AS DOUBLE))" : " + CAST(0 AS FLOAT))");
        } else {
            lo_write_expr(lo, out, keys[i].expr);
        }
        strbuf_add_c(out, keys[i].descending ? " DESC" : " ASC");
        strbuf_add_c(out, keys[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void write_select(Lo *lo, StrBuf *out, const TrRel *rel, const TrRel *input) {
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    lo_write_from(lo, out, input);
}

static void write_local(Lo *lo, StrBuf *out, const TrRel *rel) {
    size_t number = lo->inputs.count;
    VEC_PUSH(&lo->inputs, (LoInput){.kind = LO_INPUT_ARROW, .rel = rel});
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_fmt(out, " FROM solder_arrow(%zu)", number);
}

static void write_kept(Lo *lo, StrBuf *out, const TrRel *rel) {
    lo->kept_bytes += rel->kept.bytes;
    strbuf_add_c(out, rel->noutput == 0 ? "SELECT 0 AS c_" : "SELECT ");
    for (size_t i = 0; i < rel->noutput; i++) {
        strbuf_fmt(out, "%sk%zu AS c%u", i > 0 ? ", " : "", i, (unsigned)rel->output[i].id);
    }
    strbuf_add_c(out, " FROM ");
    lo_write_identifier(out, rel->kept.table);
}

static void write_values(Lo *lo, StrBuf *out, const TrRel *rel) {
    if (rel->noutput == 0) {
        strbuf_add_c(out, rel->values.nrows == 1 ? "SELECT 0 AS c_" : "SELECT 0 AS c_ FROM range(");
        if (rel->values.nrows != 1) {
            strbuf_fmt(out, "%zu)", rel->values.nrows);
        }
        return;
    }
    if (rel->values.nrows == 0) {
        strbuf_add_c(out, "SELECT ");
        for (size_t i = 0; i < rel->noutput; i++) {
            Str type = lo_duckdb_type(lo->arena, rel->output[i].type);
            strbuf_fmt(out, "%sCAST(NULL AS %.*s) AS c%u", i > 0 ? ", " : "", STR_ARG(type), (unsigned)rel->output[i].id);
        }
        strbuf_add_c(out, " WHERE false");
        return;
    }
    if (rel->values.nrows == 1) {
        strbuf_add_c(out, "SELECT ");
        for (size_t i = 0; i < rel->noutput; i++) {
            strbuf_add_c(out, i > 0 ? ", " : "");
            lo_write_expr(lo, out, rel->values.cells[i]);
            strbuf_fmt(out, " AS c%u", (unsigned)rel->output[i].id);
        }
        return;
    }
    strbuf_add_c(out, "SELECT * FROM (VALUES ");
    for (size_t row = 0; row < rel->values.nrows; row++) {
        strbuf_add_c(out, row > 0 ? ", (" : "(");
        for (size_t i = 0; i < rel->noutput; i++) {
            strbuf_add_c(out, i > 0 ? ", " : "");
            lo_write_expr(lo, out, rel->values.cells[row * rel->noutput + i]);
        }
        strbuf_add_char(out, ')');
    }
    strbuf_fmt(out, ") AS %s(", lo_alias(lo));
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_add_char(out, ')');
}

static void write_range(StrBuf *out, const TrRel *rel) {
    /* Spark's range is empty when the step leads away from the end; DuckDB's too. */
    strbuf_fmt(out, "SELECT range AS c%u FROM range(CAST(%lld AS BIGINT), CAST(%lld AS BIGINT), CAST(%lld AS BIGINT))",
               (unsigned)rel->output[0].id, (long long)rel->range.start, (long long)rel->range.end, (long long)rel->range.step);
}

static void write_project(Lo *lo, StrBuf *out, const TrRel *rel) {
    strbuf_add_c(out, "SELECT ");
    lo_write_named(lo, out, rel->project.columns, rel->noutput);
    lo_write_from(lo, out, rel->input);
}

static const char *join_word(PlJoinType type) {
    switch (type) {
    case PL_JOIN_INNER: return " INNER JOIN ";
    case PL_JOIN_LEFT: return " LEFT JOIN ";
    case PL_JOIN_RIGHT: return " RIGHT JOIN ";
    case PL_JOIN_FULL: return " FULL JOIN ";
    case PL_JOIN_CROSS: return " CROSS JOIN ";
    case PL_JOIN_LEFT_SEMI: return " SEMI JOIN ";
    case PL_JOIN_LEFT_ANTI: return " ANTI JOIN ";
    }
    return " INNER JOIN ";
}

static void write_join(Lo *lo, StrBuf *out, const TrRel *rel) {
    PlJoinType type = rel->join.type;
    if ((type == PL_JOIN_INNER || type == PL_JOIN_CROSS)) {
        type = rel->join.condition == NULL ? PL_JOIN_CROSS : PL_JOIN_INNER;
    }
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    lo_write_from(lo, out, rel->input);
    strbuf_add_c(out, join_word(type));
    if (rel->join.is_lateral) {
        strbuf_add_c(out, "LATERAL (");
        lo_write_correlated(lo, out, rel->right);
    } else {
        strbuf_add_char(out, '(');
        lo_write_rel(lo, out, rel->right);
    }
    strbuf_fmt(out, ") AS %s", lo_alias(lo));
    if (type != PL_JOIN_CROSS) {
        strbuf_add_c(out, " ON ");
        if (rel->join.condition != NULL) {
            lo_write_expr(lo, out, rel->join.condition);
        } else {
            strbuf_add_c(out, "true");
        }
    }
}

static void write_set_side(Lo *lo, StrBuf *out, const TrRel *rel, const TrRel *side) {
    strbuf_add_c(out, "(SELECT ");
    for (size_t i = 0; i < rel->noutput; i++) {
        strbuf_fmt(out, "%sc%u AS c%u", i > 0 ? ", " : "", (unsigned)side->output[i].id, (unsigned)rel->output[i].id);
    }
    if (rel->noutput == 0) {
        strbuf_add_c(out, "0 AS c_");
    }
    lo_write_from(lo, out, side);
    strbuf_add_char(out, ')');
}

static void write_set_op(Lo *lo, StrBuf *out, const TrRel *rel) {
    write_set_side(lo, out, rel, rel->input);
    switch (rel->set_op.op) {
    case PL_SET_UNION: strbuf_add_c(out, " UNION "); break;
    case PL_SET_INTERSECT: strbuf_add_c(out, " INTERSECT "); break;
    case PL_SET_EXCEPT: strbuf_add_c(out, " EXCEPT "); break;
    }
    strbuf_add_c(out, rel->set_op.is_all ? "ALL " : "");
    write_set_side(lo, out, rel, rel->right);
}

static void write_limit(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TrRel *input = rel->input;
    const TrRel *sort = input->tag == TR_SORT ? input : NULL;
    write_select(lo, out, rel, sort != NULL ? sort->input : input);
    if (sort != NULL) { /* in one SELECT, so that DuckDB keeps only the top rows */
        lo_write_order(lo, out, sort->sort.keys, sort->sort.nkeys);
    }
    if (rel->limit.limit >= 0) {
        strbuf_fmt(out, " LIMIT %lld", (long long)rel->limit.limit);
    }
    if (rel->limit.offset > 0) {
        strbuf_fmt(out, " OFFSET %lld", (long long)rel->limit.offset);
    }
}

static void write_tail(Lo *lo, StrBuf *out, const TrRel *rel) {
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_add_c(out, " FROM (SELECT *, row_number() OVER () AS tail_row, count(*) OVER () AS tail_count");
    lo_write_from(lo, out, rel->input);
    strbuf_fmt(out, ") AS %s WHERE tail_row > tail_count - %lld ORDER BY tail_row", lo_alias(lo),
               (long long)rel->limit.limit);
}

void lo_write_correlated(Lo *lo, StrBuf *out, const TrRel *rel) {
    bool is_staged = lo->is_staged;
    lo->is_staged = false;
    lo_write_rel(lo, out, rel);
    lo->is_staged = is_staged;
}

/* Whether DuckDB's operator for it takes all rows in before it gives one out, or keeps a side of them. */
static bool is_blocking(const TrRel *rel) {
    return rel->tag == TR_JOIN || rel->tag == TR_SORT || rel->tag == TR_AGGREGATE || rel->tag == TR_WINDOW;
}

static void write_node(Lo *lo, StrBuf *out, const TrRel *rel);

void lo_write_rel(Lo *lo, StrBuf *out, const TrRel *rel) {
    if (lo->err->is_set) {
        return;
    }
    bool feeds_blocking = lo->feeds_blocking;
    bool is_stage = lo->is_staged && feeds_blocking && is_blocking(rel);
    lo->feeds_blocking = is_blocking(rel) || feeds_blocking;
    if (is_stage) {
        /* A materialized CTE spills, and is complete before its reader starts. */
        Str name = lo_name(lo, "stage");
        strbuf_fmt(out, "WITH %.*s AS MATERIALIZED (", STR_ARG(name));
        write_node(lo, out, rel);
        strbuf_add_c(out, ") SELECT ");
        lo_write_columns(lo, out, rel->output, rel->noutput);
        strbuf_fmt(out, " FROM %.*s", STR_ARG(name));
    } else {
        write_node(lo, out, rel);
    }
    lo->feeds_blocking = feeds_blocking;
}

/* Calls that are a window over all rows in DuckDB, which a WHERE can't hold. */
static bool numbers_rows(void *self, const TxExpr *expr) {
    (void)self;
    Str lower = expr->tag == TX_CALL ? str_from_c(expr->call.fn->lower) : STR("");
    return str_starts_with(lower, STR("@rand")) || str_starts_with(lower, STR("(row_number() OVER ()"));
}

static void write_filter(Lo *lo, StrBuf *out, const TrRel *rel) {
    if (!pl_expr_any(rel->filter.condition, numbers_rows, NULL)) {
        write_select(lo, out, rel, rel->input);
        strbuf_add_c(out, " WHERE ");
        lo_write_expr(lo, out, rel->filter.condition);
        return;
    }
    Str kept = lo_name(lo, "kept");
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_add_c(out, " FROM (SELECT *, ");
    lo_write_expr(lo, out, rel->filter.condition);
    strbuf_fmt(out, " AS %.*s", STR_ARG(kept));
    lo_write_from(lo, out, rel->input);
    strbuf_fmt(out, ") AS %s WHERE %.*s", lo_alias(lo), STR_ARG(kept));
}

static void write_node(Lo *lo, StrBuf *out, const TrRel *rel) {
    /* A relation below an aggregate has nothing to do with the aggregate's groups. */
    const TxExpr *const *groups = lo->groups;
    size_t ngroups = lo->ngroups;
    lo->ngroups = 0;
    switch (rel->tag) {
    case TR_SCAN: lo_write_scan(lo, out, rel); break;
    case TR_LOCAL_DATA: write_local(lo, out, rel); break;
    case TR_VALUES: write_values(lo, out, rel); break;
    case TR_RANGE: write_range(out, rel); break;
    case TR_PROJECT: write_project(lo, out, rel); break;
    case TR_FILTER: write_filter(lo, out, rel); break;
    case TR_JOIN: write_join(lo, out, rel); break;
    case TR_SET_OP: write_set_op(lo, out, rel); break;
    case TR_SORT:
        write_select(lo, out, rel, rel->input);
        lo_write_order(lo, out, rel->sort.keys, rel->sort.nkeys);
        break;
    case TR_LIMIT: write_limit(lo, out, rel); break;
    case TR_TAIL: write_tail(lo, out, rel); break;
    case TR_AGGREGATE: lo_write_aggregate(lo, out, rel); break;
    case TR_WINDOW: lo_write_window(lo, out, rel); break;
    case TR_GENERATE: lo_write_generate(lo, out, rel); break;
    case TR_SAMPLE: lo_write_sample(lo, out, rel); break;
    case TR_PYTHON: lo_write_python(lo, out, rel); break;
    case TR_COLLECT_METRICS: lo_write_metrics(lo, out, rel); break;
    case TR_KEPT: write_kept(lo, out, rel); break;
    case TR_SHOW_STRING:
    case TR_HTML_STRING: lo_write_show(lo, out, rel); break;
    }
    lo->groups = groups;
    lo->ngroups = ngroups;
}
