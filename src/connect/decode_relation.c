/* decode_relation.c - relations from protobuf. One function a kind; the switch is at the end. NA and statistics: decode_stat.c; Catalog
 * operations: decode_catalog.c.
 */
#include "connect/decode_parts.h"

static const PrRel *bad(Err *err, const char *what) {
    (void)err_set(err, "SOLDER.BAD_REQUEST", "The plan has a relation %s", what);
    return NULL;
}

static const PrRel *refuse(Err *err, const char *what) {
    (void)err_set(err, ERR_NOT_SUPPORTED, "%s is not supported on the embedded engine yet", what);
    return NULL;
}

PrRel *cn_decode_rel_new(Arena *arena, PrTag tag) {
    PrRel *rel = ARENA_NEW(arena, PrRel);
    rel->tag = tag;
    rel->plan_id = -1;
    return rel;
}

PrRel *cn_decode_rel(const CnDecode *decode, PrTag tag, const Spark__Connect__Relation *input, Err *err) {
    const PrRel *decoded = cn_decode_relation(decode, input, err);
    if (decoded == NULL) {
        return NULL;
    }
    PrRel *rel = cn_decode_rel_new(decode->arena, tag);
    rel->input = decoded;
    return rel;
}

/* Entries of a map<string, string>; the generated entry types all have the same members. */
#define DECODE_OPTIONS(arena, n, entries, ret_options)                                                                           \
    do {                                                                                                                         \
        PlOption *options_ = ARENA_ARRAY(arena, PlOption, n);                                                                    \
        for (size_t i_ = 0; i_ < (n); i_++) {                                                                                    \
            options_[i_] = (PlOption){CN_STR((entries)[i_]->key), CN_STR((entries)[i_]->value)};                                 \
        }                                                                                                                        \
        *(ret_options) = options_;                                                                                               \
    } while (0)

static const PrRel *read_catalog(const CnDecode *decode, const PrRel *source, Err *err) {
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_LOCAL_DATA);
    PlField field = {.name = STR("json"), .type = &PL_STRING, .nullable = true};
    rel->local.schema = pl_struct(decode->arena, &field, 1);
    bool ok = decode->world->catalog_rows(decode->world->self, decode->arena, source->source.options, source->source.noptions,
                                          &rel->local.arrow_ipc, err);
    return ok ? rel : NULL;
}

static const PrRel *read(const CnDecode *decode, const Spark__Connect__Read *message, Err *err) {
    if (message->is_streaming) {
        return refuse(err, "Structured Streaming (readStream)");
    }
    if (message->read_type_case == SPARK__CONNECT__READ__READ_TYPE_NAMED_TABLE) {
        const Spark__Connect__Read__NamedTable *table = message->named_table;
        PrRel *rel = cn_decode_rel_new(decode->arena, PR_READ_TABLE);
        DECODE_OPTIONS(decode->arena, table->n_options, table->options, &rel->table.options);
        rel->table.noptions = table->n_options;
        return sq_parse_name(decode->arena, CN_STR(table->unparsed_identifier), &rel->table.parts, &rel->table.nparts, err) ? rel : NULL;
    }
    if (message->read_type_case != SPARK__CONNECT__READ__READ_TYPE_DATA_SOURCE) {
        return bad(err, "Read without a source");
    }
    const Spark__Connect__Read__DataSource *source = message->data_source;
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_READ_SOURCE);
    rel->source.format = source->has_format ? CN_STR(source->format) : STR("");
    DECODE_OPTIONS(decode->arena, source->n_options, source->options, &rel->source.options);
    rel->source.noptions = source->n_options;
    rel->source.paths = cn_decode_strs(decode->arena, source->n_paths, source->paths);
    rel->source.npaths = source->n_paths;
    rel->source.predicates = cn_decode_strs(decode->arena, source->n_predicates, source->predicates);
    rel->source.npredicates = source->n_predicates;
    if (source->has_schema && source->schema.len > 0) {
        rel->source.schema = cn_decode_schema_text(decode->arena, CN_STR(source->schema), err);
        if (rel->source.schema == NULL) {
            return NULL;
        }
    }
    if (str_eq_nocase(rel->source.format, STR("solder.catalog"))) {
        return read_catalog(decode, rel, err);
    }
    return rel;
}

static const PrRel *join(const CnDecode *decode, const Spark__Connect__Join *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_JOIN, message->left, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->right = cn_decode_relation(decode, message->right, err);
    if (rel->right == NULL) {
        return NULL;
    }
    switch ((int)message->join_type) {
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_INNER: rel->join.type = PL_JOIN_INNER; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_FULL_OUTER: rel->join.type = PL_JOIN_FULL; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_OUTER: rel->join.type = PL_JOIN_LEFT; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_RIGHT_OUTER: rel->join.type = PL_JOIN_RIGHT; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_ANTI: rel->join.type = PL_JOIN_LEFT_ANTI; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_SEMI: rel->join.type = PL_JOIN_LEFT_SEMI; break;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_CROSS: rel->join.type = PL_JOIN_CROSS; break;
    default: return bad(err, "Join of no known type");
    }
    rel->join.using_columns = cn_decode_strs(decode->arena, message->n_using_columns, message->using_columns);
    rel->join.nusing = message->n_using_columns;
    if (message->join_condition != NULL) {
        rel->join.condition = cn_decode_expression(decode, message->join_condition, err);
        return rel->join.condition == NULL ? NULL : rel;
    }
    return rel;
}

static const PrRel *set_op(const CnDecode *decode, const Spark__Connect__SetOperation *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_SET_OP, message->left_input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->right = cn_decode_relation(decode, message->right_input, err);
    if (rel->right == NULL) {
        return NULL;
    }
    switch ((int)message->set_op_type) {
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_INTERSECT: rel->set_op.op = PL_SET_INTERSECT; break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_UNION: rel->set_op.op = PL_SET_UNION; break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_EXCEPT: rel->set_op.op = PL_SET_EXCEPT; break;
    default: return bad(err, "SetOperation of no known kind");
    }
    rel->set_op.is_all = message->has_is_all && message->is_all;
    rel->set_op.by_name = message->has_by_name && message->by_name;
    rel->set_op.allow_missing = message->has_allow_missing_columns && message->allow_missing_columns;
    return rel;
}

static const PrRel *aggregate(const CnDecode *decode, const Spark__Connect__Aggregate *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_AGGREGATE, message->input, err);
    if (rel == NULL || !cn_decode_exprs(decode, message->n_grouping_expressions, message->grouping_expressions, &rel->aggregate.groups, err) ||
        !cn_decode_exprs(decode, message->n_aggregate_expressions, message->aggregate_expressions, &rel->aggregate.aggregates, err)) {
        return NULL;
    }
    rel->aggregate.ngroups = message->n_grouping_expressions;
    rel->aggregate.naggregates = message->n_aggregate_expressions;
    switch ((int)message->group_type) {
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_GROUPBY: rel->aggregate.type = PL_GROUP_BY; return rel;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_ROLLUP: rel->aggregate.type = PL_GROUP_ROLLUP; return rel;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_CUBE: rel->aggregate.type = PL_GROUP_CUBE; return rel;
    case SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_PIVOT: rel->aggregate.type = PL_GROUP_PIVOT; break;
    default: return bad(err, "Aggregate of no known type");
    }
    if (message->pivot == NULL) {
        return bad(err, "Aggregate by pivot without its column");
    }
    rel->aggregate.pivot = cn_decode_expression(decode, message->pivot->col, err);
    const PlValue **values = ARENA_ARRAY(decode->arena, const PlValue *, message->pivot->n_values);
    for (size_t i = 0; rel->aggregate.pivot != NULL && i < message->pivot->n_values; i++) {
        values[i] = cn_decode_literal(decode->arena, message->pivot->values[i], err);
        if (values[i] == NULL) {
            return NULL;
        }
    }
    rel->aggregate.pivot_values = values;
    rel->aggregate.npivot_values = message->pivot->n_values;
    return rel->aggregate.pivot == NULL ? NULL : rel;
}

bool cn_decode_sql(Arena *arena, Str query, size_t nnamed, const Str *names, const Spark__Connect__Expression__Literal *const *values, size_t npositional,
                   Spark__Connect__Expression__Literal **positional, SqStatement *ret_statement, Err *err) {
    size_t n = nnamed > 0 ? nnamed : npositional;
    const PxExpr **exprs = ARENA_ARRAY(arena, const PxExpr *, n);
    for (size_t i = 0; i < n; i++) {
        PxExpr *expr = cn_decode_expr_new(arena, PX_LITERAL);
        expr->literal = cn_decode_literal(arena, nnamed > 0 ? values[i] : positional[i], err);
        if (expr->literal == NULL) {
            return false;
        }
        exprs[i] = expr;
    }
    SqArguments arguments = {.names = nnamed > 0 ? names : NULL, .values = exprs, .count = n};
    return sq_parse_statement(arena, query, n > 0 ? &arguments : NULL, ret_statement, err);
}

static const PrRel *sql(const CnDecode *decode, const Spark__Connect__SQL *message, Err *err) {
    Str *names = ARENA_ARRAY(decode->arena, Str, message->n_args);
    const Spark__Connect__Expression__Literal **values = ARENA_ARRAY(decode->arena, const Spark__Connect__Expression__Literal *, message->n_args);
    for (size_t i = 0; i < message->n_args; i++) {
        names[i] = CN_STR(message->args[i]->key);
        values[i] = message->args[i]->value;
    }
    SqStatement statement = {0};
    if (!cn_decode_sql(decode->arena, CN_STR(message->query), message->n_args, names, values, message->n_pos_args, message->pos_args, &statement, err)) {
        return NULL;
    }
    if (statement.kind != SQ_QUERY) {
        return refuse(err, "A SQL command inside another plan");
    }
    return statement.plan;
}

static const PrRel *local(const CnDecode *decode, const Spark__Connect__LocalRelation *message, Err *err) {
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_LOCAL_DATA);
    if (message->has_data) {
        rel->local.arrow_ipc = CN_STR(message->data);
    }
    if (message->has_schema && message->schema.len > 0) {
        rel->local.schema = cn_decode_schema_text(decode->arena, CN_STR(message->schema), err);
        if (rel->local.schema != NULL && rel->local.schema->kind != PL_TYPE_STRUCT) {
            PlField field = {.name = STR("value"), .type = rel->local.schema, .nullable = true};
            rel->local.schema = pl_struct(decode->arena, &field, 1);
        }
        if (rel->local.schema == NULL) {
            return NULL;
        }
    }
    if (rel->local.arrow_ipc.len == 0 && rel->local.schema == NULL) {
        return bad(err, "LocalRelation with neither rows nor a schema");
    }
    return rel;
}

static const PrRel *cached_local(const CnDecode *decode, const Spark__Connect__CachedLocalRelation *message, Err *err) {
    Str bytes = {0};
    if (!decode->world->cached_local(decode->world->self, decode->arena, CN_STR(message->hash), &bytes, err)) {
        return NULL;
    }
    const Spark__Connect__LocalRelation *relation = cn_unpack(decode->arena, &spark__connect__local_relation__descriptor, bytes, err);
    return relation == NULL ? NULL : local(decode, relation, err);
}

static const PrRel *sort(const CnDecode *decode, const Spark__Connect__Sort *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_SORT, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->sort.is_global = message->has_is_global && message->is_global;
    rel->sort.norder = message->n_order;
    rel->sort.order = ARENA_ARRAY(decode->arena, const PxExpr *, message->n_order);
    for (size_t i = 0; i < message->n_order; i++) {
        rel->sort.order[i] = cn_decode_sort(decode, message->order[i], err);
        if (rel->sort.order[i] == NULL) {
            return NULL;
        }
    }
    return rel;
}

static const PrRel *range(const CnDecode *decode, const Spark__Connect__Range *message, Err *err) {
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_RANGE);
    rel->range.start = message->has_start ? message->start : 0;
    rel->range.end = message->end;
    rel->range.step = message->step;
    rel->range.partitions = message->has_num_partitions ? message->num_partitions : -1;
    if (rel->range.step == 0) {
        (void)err_set(err, "SOLDER.BAD_REQUEST", "requirement failed: step (0) cannot be 0");
        return NULL;
    }
    return rel;
}

static const PrRel *with_columns(const CnDecode *decode, const Spark__Connect__WithColumns *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_WITH_COLUMNS, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    PxNamed *columns = ARENA_ARRAY(decode->arena, PxNamed, message->n_aliases);
    for (size_t i = 0; i < message->n_aliases; i++) {
        const Spark__Connect__Expression__Alias *alias = message->aliases[i];
        if (alias->n_name != 1) {
            return bad(err, "WithColumns whose column has not one name");
        }
        columns[i] = (PxNamed){.name = CN_STR(alias->name[0]),
                               .expr = cn_decode_expression(decode, alias->expr, err),
                               .metadata_json = alias->has_metadata ? CN_STR(alias->metadata) : STR("")};
        if (columns[i].expr == NULL) {
            return NULL;
        }
    }
    rel->with_columns.columns = columns;
    rel->with_columns.ncolumns = message->n_aliases;
    return rel;
}

static const PrRel *drop(const CnDecode *decode, const Spark__Connect__Drop *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_DROP, message->input, err);
    if (rel == NULL || !cn_decode_exprs(decode, message->n_columns, message->columns, &rel->drop.exprs, err)) {
        return NULL;
    }
    rel->drop.nexprs = message->n_columns;
    rel->drop.names = cn_decode_strs(decode->arena, message->n_column_names, message->column_names);
    rel->drop.nnames = message->n_column_names;
    return rel;
}

static const PrRel *deduplicate(const CnDecode *decode, const Spark__Connect__Deduplicate *message, Err *err) {
    if (message->has_within_watermark && message->within_watermark) {
        return refuse(err, "dropDuplicatesWithinWatermark (Structured Streaming)");
    }
    PrRel *rel = cn_decode_rel(decode, PR_DEDUPLICATE, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->deduplicate.columns = cn_decode_strs(decode->arena, message->n_column_names, message->column_names);
    rel->deduplicate.ncolumns = message->n_column_names;
    rel->deduplicate.all_columns = message->has_all_columns_as_keys && message->all_columns_as_keys;
    if (rel->deduplicate.all_columns == (rel->deduplicate.ncolumns > 0)) {
        return bad(err, "Deduplicate that names columns and asks for all of them, or neither");
    }
    return rel;
}

static const PrRel *sample(const CnDecode *decode, const Spark__Connect__Sample *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_SAMPLE, message->input, err);
    if (rel != NULL) {
        rel->sample.lower = message->lower_bound;
        rel->sample.upper = message->upper_bound;
        rel->sample.with_replacement = message->has_with_replacement && message->with_replacement;
        rel->sample.has_seed = message->has_seed;
        rel->sample.seed = message->seed;
        rel->sample.is_sorted = message->has_deterministic_order && message->deterministic_order;
    }
    return rel;
}

static const PrRel *unpivot(const CnDecode *decode, const Spark__Connect__Unpivot *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_UNPIVOT, message->input, err);
    if (rel == NULL || !cn_decode_exprs(decode, message->n_ids, message->ids, &rel->unpivot.ids, err)) {
        return NULL;
    }
    rel->unpivot.nids = message->n_ids;
    rel->unpivot.has_values = message->values != NULL;
    rel->unpivot.variable_name = CN_STR(message->variable_column_name);
    rel->unpivot.value_name = CN_STR(message->value_column_name);
    if (message->values != NULL) {
        rel->unpivot.nvalues = message->values->n_values;
        return cn_decode_exprs(decode, message->values->n_values, message->values->values, &rel->unpivot.values, err) ? rel : NULL;
    }
    return rel;
}

static const PrRel *by_expression(const CnDecode *decode, const Spark__Connect__RepartitionByExpression *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_REPARTITION, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->partition.count = message->has_num_partitions ? message->num_partitions : -1;
    rel->partition.shuffle = true;
    rel->partition.nexprs = message->n_partition_exprs;
    return cn_decode_exprs(decode, message->n_partition_exprs, message->partition_exprs, &rel->partition.exprs, err) ? rel : NULL;
}

static const PrRel *map_partitions(const CnDecode *decode, const Spark__Connect__MapPartitions *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_MAP_PARTITIONS, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->map_partitions.function = cn_decode_python(decode, message->func, err);
    return rel->map_partitions.function == NULL ? NULL : rel;
}

static const PrRel *metrics(const CnDecode *decode, const Spark__Connect__CollectMetrics *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_COLLECT_METRICS, message->input, err);
    if (rel == NULL || !cn_decode_exprs(decode, message->n_metrics, message->metrics, &rel->metrics.metrics, err)) {
        return NULL;
    }
    rel->metrics.name = CN_STR(message->name);
    rel->metrics.nmetrics = message->n_metrics;
    return rel;
}

static const PrRel *project(const CnDecode *decode, PrTag tag, const Spark__Connect__Relation *input, size_t n, Spark__Connect__Expression **exprs, Err *err) {
    PrRel *rel = input != NULL ? cn_decode_rel(decode, tag, input, err) : cn_decode_rel_new(decode->arena, tag);
    if (rel == NULL) {
        return NULL;
    }
    if (input == NULL) { /* select without a source: one row */
        rel->input = cn_decode_rel_new(decode->arena, PR_ONE_ROW);
    }
    rel->project.nexprs = n;
    return cn_decode_exprs(decode, n, exprs, &rel->project.exprs, err) ? rel : NULL;
}

static const PrRel *filter(const CnDecode *decode, const Spark__Connect__Filter *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_FILTER, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->filter.condition = cn_decode_expression(decode, message->condition, err);
    return rel->filter.condition == NULL ? NULL : rel;
}

static const PrRel *limit(const CnDecode *decode, PrTag tag, const Spark__Connect__Relation *input, int64_t count, Err *err) {
    PrRel *rel = cn_decode_rel(decode, tag, input, err);
    if (rel != NULL) {
        rel->limit.count = count;
    }
    return rel;
}

static const PrRel *show(const CnDecode *decode, PrTag tag, const Spark__Connect__Relation *input, int rows, int truncate, bool vertical, Err *err) {
    PrRel *rel = cn_decode_rel(decode, tag, input, err);
    if (rel != NULL) {
        rel->show.rows = rows;
        rel->show.truncate = truncate;
        rel->show.vertical = vertical;
    }
    return rel;
}

static const PrRel *subquery_alias(const CnDecode *decode, const Spark__Connect__SubqueryAlias *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_SUBQUERY_ALIAS, message->input, err);
    if (rel != NULL) {
        rel->alias.name = CN_STR(message->alias);
    }
    return rel;
}

static const PrRel *repartition(const CnDecode *decode, const Spark__Connect__Repartition *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_REPARTITION, message->input, err);
    if (rel != NULL) {
        rel->partition.count = message->num_partitions;
        rel->partition.shuffle = message->has_shuffle && message->shuffle;
    }
    return rel;
}

static const PrRel *to_df(const CnDecode *decode, const Spark__Connect__ToDF *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_TO_DF, message->input, err);
    if (rel != NULL) {
        rel->to_df.names = cn_decode_strs(decode->arena, message->n_column_names, message->column_names);
        rel->to_df.nnames = message->n_column_names;
    }
    return rel;
}

static const PrRel *rename(const CnDecode *decode, const Spark__Connect__WithColumnsRenamed *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_RENAME_COLUMNS, message->input, err);
    if (rel != NULL) {
        DECODE_OPTIONS(decode->arena, message->n_rename_columns_map, message->rename_columns_map, &rel->rename.renames);
        rel->rename.nrenames = message->n_rename_columns_map;
    }
    return rel;
}

static const PrRel *to_schema(const CnDecode *decode, const Spark__Connect__ToSchema *message, Err *err) {
    PrRel *rel = cn_decode_rel(decode, PR_TO_SCHEMA, message->input, err);
    if (rel == NULL) {
        return NULL;
    }
    rel->to_schema.schema = cn_decode_type(decode->arena, message->schema, err);
    if (rel->to_schema.schema != NULL && rel->to_schema.schema->kind != PL_TYPE_STRUCT) {
        return bad(err, "ToSchema whose schema is no struct");
    }
    return rel->to_schema.schema == NULL ? NULL : rel;
}

static const PrRel *cached_remote(const CnDecode *decode, const Spark__Connect__CachedRemoteRelation *message) {
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_CACHED);
    rel->cached.id = CN_STR(message->relation_id);
    return rel;
}

/* The kinds that Solder has no node for, by name. */
static const PrRel *refuse_kind(const CnDecode *decode, const Spark__Connect__Relation *r, Err *err) {
    (void)decode;
    switch ((int)r->rel_type_case) {
    case SPARK__CONNECT__RELATION__REL_TYPE_PARSE: return refuse(err, "spark.read.csv/json over a DataFrame of strings");
    case SPARK__CONNECT__RELATION__REL_TYPE_GROUP_MAP: return refuse(err, "groupBy().applyInPandas");
    case SPARK__CONNECT__RELATION__REL_TYPE_CO_GROUP_MAP: return refuse(err, "cogroup().applyInPandas");
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_WATERMARK: return refuse(err, "withWatermark (Structured Streaming)");
    case SPARK__CONNECT__RELATION__REL_TYPE_APPLY_IN_PANDAS_WITH_STATE: return refuse(err, "applyInPandasWithState (Structured Streaming)");
    case SPARK__CONNECT__RELATION__REL_TYPE_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION: return refuse(err, "A Python table function (udtf)");
    case SPARK__CONNECT__RELATION__REL_TYPE_EXTENSION: return refuse(err, "An extension of the Spark Connect protocol");
    default: return bad(err, "of a kind that this version does not know");
    }
}

static const PrRel *decode_kind(const CnDecode *d, const Spark__Connect__Relation *r, Err *err) {
    switch ((int)r->rel_type_case) {
    case SPARK__CONNECT__RELATION__REL_TYPE_READ: return read(d, r->read, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_PROJECT:
        return project(d, PR_PROJECT, r->project->input, r->project->n_expressions, r->project->expressions, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_FILTER: return filter(d, r->filter, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_JOIN: return join(d, r->join, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SET_OP: return set_op(d, r->set_op, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SORT: return sort(d, r->sort, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_LIMIT: return limit(d, PR_LIMIT, r->limit->input, r->limit->limit, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_OFFSET: return limit(d, PR_OFFSET, r->offset->input, r->offset->offset, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TAIL: return limit(d, PR_TAIL, r->tail->input, r->tail->limit, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_AGGREGATE: return aggregate(d, r->aggregate, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SQL: return sql(d, r->sql, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION: return local(d, r->local_relation, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CACHED_LOCAL_RELATION: return cached_local(d, r->cached_local_relation, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CACHED_REMOTE_RELATION: return cached_remote(d, r->cached_remote_relation);
    case SPARK__CONNECT__RELATION__REL_TYPE_SAMPLE: return sample(d, r->sample, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DEDUPLICATE: return deduplicate(d, r->deduplicate, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_RANGE: return range(d, r->range, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SUBQUERY_ALIAS: return subquery_alias(d, r->subquery_alias, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPARTITION: return repartition(d, r->repartition, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPARTITION_BY_EXPRESSION: return by_expression(d, r->repartition_by_expression, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TO_DF: return to_df(d, r->to_df, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_COLUMNS_RENAMED: return rename(d, r->with_columns_renamed, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SHOW_STRING:
        return show(d, PR_SHOW_STRING, r->show_string->input, r->show_string->num_rows, r->show_string->truncate, r->show_string->vertical, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_HTML_STRING:
        return show(d, PR_HTML_STRING, r->html_string->input, r->html_string->num_rows, r->html_string->truncate, false, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DROP: return drop(d, r->drop, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_COLUMNS: return with_columns(d, r->with_columns, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_HINT:
        return project(d, PR_HINT, r->hint->input, r->hint->n_parameters, r->hint->parameters, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_UNPIVOT: return unpivot(d, r->unpivot, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TO_SCHEMA: return to_schema(d, r->to_schema, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_MAP_PARTITIONS: return map_partitions(d, r->map_partitions, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_COLLECT_METRICS: return metrics(d, r->collect_metrics, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CATALOG: return cn_decode_catalog(d, r->catalog, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_FILL_NA:
    case SPARK__CONNECT__RELATION__REL_TYPE_DROP_NA:
    case SPARK__CONNECT__RELATION__REL_TYPE_REPLACE:
    case SPARK__CONNECT__RELATION__REL_TYPE_SUMMARY:
    case SPARK__CONNECT__RELATION__REL_TYPE_CROSSTAB:
    case SPARK__CONNECT__RELATION__REL_TYPE_DESCRIBE:
    case SPARK__CONNECT__RELATION__REL_TYPE_COV:
    case SPARK__CONNECT__RELATION__REL_TYPE_CORR:
    case SPARK__CONNECT__RELATION__REL_TYPE_APPROX_QUANTILE:
    case SPARK__CONNECT__RELATION__REL_TYPE_FREQ_ITEMS:
    case SPARK__CONNECT__RELATION__REL_TYPE_SAMPLE_BY: return cn_decode_stat(d, r, err);
    default: return refuse_kind(d, r, err);
    }
}

static const PrRel *with_cached(const CnDecode *decode, const Spark__Connect__Relation *r, const PrRel *rel) {
    Str id = decode->world->cached_plan == NULL ? STR("") : decode->world->cached_plan(decode->world->self, r);
    if (id.len == 0) {
        return rel;
    }
    PrRel *cached = cn_decode_rel_new(decode->arena, PR_CACHED);
    cached->plan_id = rel->plan_id;
    cached->cached.id = id;
    cached->input = rel;
    return cached;
}

const PrRel *cn_decode_relation(const CnDecode *decode, const Spark__Connect__Relation *relation, Err *err) {
    if (relation == NULL) {
        return bad(err, "that is missing");
    }
    const PrRel *rel = decode_kind(decode, relation, err);
    if (rel != NULL && relation->common != NULL && relation->common->has_plan_id) {
        ((PrRel *)(uintptr_t)rel)->plan_id = relation->common->plan_id;
    }
    return rel == NULL ? NULL : with_cached(decode, relation, rel);
}
