/* rpc_analyze.c - the AnalyzePlan method: schemas, explain and the like, without running anything. */
#include "connect/cache.h"
#include "connect/plan_key.h"

/* The version whose protocol and semantics this is; clients compare its first numbers with their own. */
static const char *const SPARK_VERSION = "3.5.9";

typedef struct Analysis {
    CnRequest *request;
    Arena *arena;
    const Spark__Connect__AnalyzePlanRequest *message;
    Spark__Connect__AnalyzePlanResponse *response;
} Analysis;

#define ANSWER(a, CASE, member, Type, type)                                                                                      \
    ((a)->response->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_##CASE,                                          \
     (a)->response->member = ARENA_NEW((a)->arena, Spark__Connect__AnalyzePlanResponse__##Type),                                 \
     spark__connect__analyze_plan_response__##type##__init((a)->response->member))

static const Spark__Connect__Relation *root_of(const Spark__Connect__Plan *plan, Err *err) {
    if (plan == NULL || plan->op_type_case != SPARK__CONNECT__PLAN__OP_TYPE_ROOT) {
        (void)err_set(err, "SOLDER.BAD_REQUEST", "The AnalyzePlan request has no relation");
        return NULL;
    }
    return plan->root;
}

static const TrRel *analyze(Analysis *a, const Spark__Connect__Plan *plan, Err *err) {
    const Spark__Connect__Relation *root = root_of(plan, err);
    return root == NULL ? NULL : cn_request_analyze(a->request, root, err);
}

/* show() has a schema of its own that analysis need not know. */
static const PlType *schema_of(Analysis *a, const Spark__Connect__Plan *plan, Err *err) {
    const Spark__Connect__Relation *root = root_of(plan, err);
    const PrRel *decoded = root == NULL ? NULL : cn_decode_relation(&a->request->decode, root, err);
    if (decoded == NULL) {
        return NULL;
    }
    bool is_show = decoded->tag == PR_SHOW_STRING || decoded->tag == PR_HTML_STRING;
    const TrRel *rel = cn_request_analyze_plan(a->request, is_show ? decoded->input : decoded, err);
    if (rel == NULL || !is_show) {
        return rel == NULL ? NULL : pl_output_schema(a->arena, rel);
    }
    PlField field = {.name = decoded->tag == PR_SHOW_STRING ? STR("show_string") : STR("html_string"), .type = &PL_STRING, .nullable = false};
    return pl_struct(a->arena, &field, 1);
}

static bool schema(Analysis *a, Err *err) {
    const PlType *type = schema_of(a, a->message->schema->plan, err);
    if (type == NULL) {
        return false;
    }
    ANSWER(a, SCHEMA, schema, Schema, schema);
    a->response->schema->schema = cn_encode_type(a->arena, type);
    return true;
}

static const char *explain_mode(int mode) {
    switch (mode) {
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_EXTENDED: return "extended";
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_CODEGEN: return "codegen";
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_COST: return "cost";
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_FORMATTED: return "formatted";
    default: return "simple";
    }
}

static bool explain(Analysis *a, Err *err) {
    const Spark__Connect__AnalyzePlanRequest__Explain *message = a->message->explain;
    const Spark__Connect__Relation *root = root_of(message->plan, err);
    const PrRel *decoded = root == NULL ? NULL : cn_decode_relation(&a->request->decode, root, err);
    const TrRel *rel = decoded == NULL ? NULL : cn_request_analyze_plan(a->request, decoded, err);
    if (rel == NULL) {
        return false;
    }
    Str text = cn_explain(a->request, decoded, rel, str_from_c(explain_mode((int)message->explain_mode)), err);
    ANSWER(a, EXPLAIN, explain, Explain, explain);
    CN_SET(a->response->explain, explain_string, cn_bytes(text));
    return !err->is_set;
}

static bool tree_string(Analysis *a, Err *err) {
    const PlType *type = schema_of(a, a->message->tree_string->plan, err);
    if (type == NULL) {
        return false;
    }
    ANSWER(a, TREE_STRING, tree_string, TreeString, tree_string);
    int level = a->message->tree_string->has_level ? a->message->tree_string->level : -1;
    CN_SET(a->response->tree_string, tree_string, cn_bytes(pl_type_tree(a->arena, type, level)));
    return true;
}

static bool is_local(Analysis *a, Err *err) {
    const TrRel *rel = analyze(a, a->message->is_local->plan, err);
    if (rel == NULL) {
        return false;
    }
    ANSWER(a, IS_LOCAL, is_local, IsLocal, is_local);
    CN_SET(a->response->is_local, is_local, rel->tag == TR_LOCAL_DATA || rel->tag == TR_VALUES);
    return true;
}

static bool is_streaming(Analysis *a, Err *err) {
    if (analyze(a, a->message->is_streaming->plan, err) == NULL) {
        return false;
    }
    ANSWER(a, IS_STREAMING, is_streaming, IsStreaming, is_streaming);
    CN_SET(a->response->is_streaming, is_streaming, 0);
    return true;
}

typedef VEC(ProtobufCBinaryData) Files;

/* Each file once, in the order of the plan, as Spark's URIs. */
static void list_files(Arena *arena, const TrRel *rel, Files *files) {
    if (rel == NULL) {
        return;
    }
    for (size_t i = 0; rel->tag == TR_SCAN && i < rel->scan.scan->nfiles; i++) {
        Str shown = rel->scan.scan->files[i].shown;
        if (str_starts_with(shown, STR("file:/")) && !str_starts_with(shown, STR("file://"))) {
            shown = str_slice(shown, sizeof "file:" - 1, shown.len);
        }
        Str uri = shown.len > 0 && shown.data[0] == '/' ? str_fmt(arena, "file://%.*s", STR_ARG(shown)) : shown;
        bool is_known = false;
        for (size_t k = 0; k < files->count; k++) {
            is_known = is_known || str_eq(CN_STR(files->items[k]), uri);
        }
        if (!is_known) {
            VEC_PUSH(files, cn_bytes(uri));
        }
    }
    list_files(arena, rel->input, files);
    list_files(arena, rel->right, files);
}

static bool input_files(Analysis *a, Err *err) {
    const TrRel *rel = analyze(a, a->message->input_files->plan, err);
    if (rel == NULL) {
        return false;
    }
    Files files = {.arena = a->arena};
    list_files(a->arena, rel, &files);
    ANSWER(a, INPUT_FILES, input_files, InputFiles, input_files);
    a->response->input_files->n_files = files.count;
    a->response->input_files->files = files.items;
    return true;
}

static bool ddl_parse(Analysis *a, Err *err) {
    const PlType *type = sq_parse_schema(a->arena, CN_STR(a->message->ddl_parse->ddl_string), err);
    if (type == NULL) {
        return false;
    }
    ANSWER(a, DDL_PARSE, ddl_parse, DDLParse, ddlparse);
    a->response->ddl_parse->parsed = cn_encode_type(a->arena, type);
    return true;
}

static bool same_semantics(Analysis *a, Err *err) {
    const Spark__Connect__AnalyzePlanRequest__SameSemantics *message = a->message->same_semantics;
    if (analyze(a, message->target_plan, err) == NULL || analyze(a, message->other_plan, err) == NULL) {
        return false;
    }
    Str target = cn_plan_key(a->arena, message->target_plan->root), other = cn_plan_key(a->arena, message->other_plan->root);
    ANSWER(a, SAME_SEMANTICS, same_semantics, SameSemantics, same_semantics);
    CN_SET(a->response->same_semantics, result, str_eq(target, other));
    return true;
}

static bool semantic_hash(Analysis *a, Err *err) {
    if (analyze(a, a->message->semantic_hash->plan, err) == NULL) {
        return false;
    }
    uint64_t hash = str_hash(cn_plan_key(a->arena, a->message->semantic_hash->plan->root));
    ANSWER(a, SEMANTIC_HASH, semantic_hash, SemanticHash, semantic_hash);
    CN_SET(a->response->semantic_hash, result, (int32_t)(uint32_t)(hash ^ hash >> 32));
    return true;
}

static bool persist(Analysis *a, Err *err) {
    const Spark__Connect__AnalyzePlanRequest__Persist *message = a->message->persist;
    CnStorageLevel level = cn_cache_level(message->storage_level);
    if (message->relation == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The AnalyzePlan request has no relation");
    }
    ANSWER(a, PERSIST, persist, Persist, persist);
    return cn_cache_add(a->request, message->relation, &level, err);
}

static bool unpersist(Analysis *a, Err *err) {
    const TrRel *rel = cn_request_analyze(a->request, a->message->unpersist->relation, err);
    if (rel == NULL) {
        return false;
    }
    cn_cache_remove(a->request->session, rel, false);
    ANSWER(a, UNPERSIST, unpersist, Unpersist, unpersist);
    return true;
}

static bool get_storage_level(Analysis *a, Err *err) {
    const TrRel *rel = cn_request_analyze(a->request, a->message->get_storage_level->relation, err);
    CnStorageLevel level = {.replication = 1};
    if (rel == NULL) {
        return false;
    }
    (void)cn_cache_find(a->request, rel, &level);
    ANSWER(a, GET_STORAGE_LEVEL, get_storage_level, GetStorageLevel, get_storage_level);
    Spark__Connect__StorageLevel *out = ARENA_NEW(a->arena, Spark__Connect__StorageLevel);
    spark__connect__storage_level__init(out);
    CN_SET(out, use_disk, level.use_disk);
    CN_SET(out, use_memory, level.use_memory);
    CN_SET(out, use_off_heap, level.use_off_heap);
    CN_SET(out, deserialized, level.deserialized);
    CN_SET(out, replication, level.replication);
    a->response->get_storage_level->storage_level = out;
    return true;
}

static bool run(Analysis *a, Err *err) {
    switch ((int)a->message->analyze_case) {
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SCHEMA: return schema(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_EXPLAIN: return explain(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_TREE_STRING: return tree_string(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_IS_LOCAL: return is_local(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_IS_STREAMING: return is_streaming(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_INPUT_FILES: return input_files(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SPARK_VERSION:
        ANSWER(a, SPARK_VERSION, spark_version, SparkVersion, spark_version);
        CN_SET(a->response->spark_version, version, cn_bytes(str_from_c(SPARK_VERSION)));
        return true;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_DDL_PARSE: return ddl_parse(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SAME_SEMANTICS: return same_semantics(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SEMANTIC_HASH: return semantic_hash(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_PERSIST: return persist(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_UNPERSIST: return unpersist(a, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_GET_STORAGE_LEVEL: return get_storage_level(a, err);
    default: return err_set(err, "SOLDER.BAD_REQUEST", "The AnalyzePlan request asks for something that this version does not know");
    }
}

void cn_rpc_analyze(CnCall *call) {
    const Spark__Connect__AnalyzePlanRequest *message = cn_rpc_request(call, &spark__connect__analyze_plan_request__descriptor);
    CnSession *session = message == NULL ? NULL : cn_rpc_session(call, message->user_context, message->session_id);
    if (session == NULL) {
        return;
    }
    Err err = {0};
    CnRequest request;
    Spark__Connect__AnalyzePlanResponse response = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__INIT;
    CN_SET(&response, session_id, message->session_id);
    cn_request_init(&request, session, call->arena, false);
    Analysis analysis = {.request = &request, .arena = call->arena, .message = message, .response = &response};
    if (run(&analysis, &err)) {
        cn_call_reply(call, &response.base);
    } else {
        cn_call_fail(call, &err);
    }
    cn_request_done(&request);
    cn_session_drop(session);
}
