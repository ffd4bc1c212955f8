/* rpc_config.c - the Config method: spark.conf. Warnings as Spark gives them for keys that have no effect any more. */
#include "base/vec.h"
#include "connect/server.h"

#include "spark/connect/base.pb-c.h"

/* Not a setting: how many operations run now, for tests and for those who look after a server. */
static const char *const RUNNING_KEY = "solder.operations.running";

typedef struct Answer {
    Arena *arena;
    CnSession *session;
    VEC(Spark__Connect__KeyValue *) pairs;
} Answer;

static void add_pair(Answer *answer, Str key, bool has_value, Str value) {
    Spark__Connect__KeyValue *pair = ARENA_NEW(answer->arena, Spark__Connect__KeyValue);
    spark__connect__key_value__init(pair);
    CN_SET(pair, key, cn_bytes(key));
    if (has_value) {
        CN_SET(pair, value, cn_bytes(str_copy(answer->arena, value)));
    }
    VEC_PUSH(&answer->pairs, pair);
}

static bool lookup(Answer *answer, Str key, Str *ret_value) {
    if (str_eq_c(key, RUNNING_KEY)) {
        *ret_value = str_fmt(answer->arena, "%d", cn_server_running(answer->session->server));
        return true;
    }
    return pl_settings_get(&answer->session->settings, key, ret_value);
}

static bool set_pairs(Answer *answer, const Spark__Connect__ConfigRequest__Set *message, Err *err) {
    for (size_t i = 0; i < message->n_pairs; i++) {
        Str key = CN_STR(message->pairs[i]->key);
        if (!message->pairs[i]->has_value) {
            return err_set(err, "SOLDER.BAD_REQUEST", "spark.conf.set(%.*s) has no value", STR_ARG(key));
        }
        if (!pl_settings_set(&answer->session->settings, key, CN_STR(message->pairs[i]->value), err)) {
            return false;
        }
        add_pair(answer, key, true, CN_STR(message->pairs[i]->value));
    }
    return true;
}

static bool get_keys(Answer *answer, const Spark__Connect__ConfigRequest__Get *message, Err *err) {
    for (size_t i = 0; i < message->n_keys; i++) {
        Str value = {0};
        Str key = CN_STR(message->keys[i]);
        if (!lookup(answer, key, &value)) {
            return err_set(err, "SQL_CONF_NOT_FOUND", "The SQL config \"%.*s\" cannot be found. Please verify that the config exists.", STR_ARG(key));
        }
        add_pair(answer, key, true, value);
    }
    return true;
}

static bool get_with_default(Answer *answer, const Spark__Connect__ConfigRequest__GetWithDefault *message) {
    for (size_t i = 0; i < message->n_pairs; i++) {
        const Spark__Connect__KeyValue *pair = message->pairs[i];
        Str value = CN_STR(pair->value);
        bool is_set = lookup(answer, CN_STR(pair->key), &value);
        add_pair(answer, CN_STR(pair->key), is_set || pair->has_value, value);
    }
    return true;
}

static bool get_options(Answer *answer, const Spark__Connect__ConfigRequest__GetOption *message) {
    for (size_t i = 0; i < message->n_keys; i++) {
        Str value = {0};
        bool is_set = lookup(answer, CN_STR(message->keys[i]), &value);
        add_pair(answer, CN_STR(message->keys[i]), is_set, value);
    }
    return true;
}

static bool get_all(Answer *answer, const Spark__Connect__ConfigRequest__GetAll *message) {
    Str prefix = message->has_prefix ? CN_STR(message->prefix) : STR("");
    const Map *values = &answer->session->settings.values;
    for (size_t i = 0; i < values->count; i++) {
        Str key = values->entries[i].key, value = {0};
        if (values->entries[i].value != NULL && str_starts_with(key, prefix) && lookup(answer, key, &value)) {
            add_pair(answer, str_slice(key, prefix.len, key.len), true, value);
        }
    }
    return true;
}

static bool unset(Answer *answer, const Spark__Connect__ConfigRequest__Unset *message) {
    for (size_t i = 0; i < message->n_keys; i++) {
        pl_settings_unset(&answer->session->settings, CN_STR(message->keys[i]));
        add_pair(answer, CN_STR(message->keys[i]), false, STR(""));
    }
    return true;
}

static bool is_modifiable(Answer *answer, const Spark__Connect__ConfigRequest__IsModifiable *message) {
    for (size_t i = 0; i < message->n_keys; i++) {
        bool yes = pl_settings_is_modifiable(CN_STR(message->keys[i]));
        add_pair(answer, CN_STR(message->keys[i]), true, yes ? STR("true") : STR("false"));
    }
    return true;
}

/* Under the session's lock. */
static bool run(Answer *answer, const Spark__Connect__ConfigRequest__Operation *op, Err *err) {
    if (op == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The Config request has no operation");
    }
    switch ((int)op->op_type_case) {
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_SET: return set_pairs(answer, op->set, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET: return get_keys(answer, op->get, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_WITH_DEFAULT: return get_with_default(answer, op->get_with_default);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_OPTION: return get_options(answer, op->get_option);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_ALL: return get_all(answer, op->get_all);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_UNSET: return unset(answer, op->unset);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_IS_MODIFIABLE: return is_modifiable(answer, op->is_modifiable);
    default: return err_set(err, "SOLDER.BAD_REQUEST", "The Config request has an operation that this version does not know");
    }
}

/* Spark's RuntimeConfig warns of these when they are touched (SQLConf.deprecatedSQLConfigs), and so does its Connect service. */
static const struct {
    const char *key, *version, *comment;
} DEPRECATED[] = {
    {"spark.sql.execution.arrow.enabled", "3.0", "Use 'spark.sql.execution.arrow.pyspark.enabled' instead of it."},
    {"spark.sql.execution.arrow.fallback.enabled", "3.0", "Use 'spark.sql.execution.arrow.pyspark.fallback.enabled' instead of it."},
    {"spark.sql.execution.pandas.respectSessionTimeZone", "2.3", "Behavior for `false` config value is considered as a bug, and it will be prohibited in the future releases."},
    {"spark.sql.adaptive.shuffle.targetPostShuffleInputSize", "3.0", "Use 'spark.sql.adaptive.advisoryPartitionSizeInBytes' instead of it."},
    {"spark.sql.hive.verifyPartitionPath", "3.0", "This config is replaced by 'spark.files.ignoreMissingFiles'."},
};

static size_t warnings(Answer *answer, ProtobufCBinaryData *ret_warnings) {
    size_t n = 0;
    for (size_t i = 0; i < answer->pairs.count; i++) {
        Str key = CN_STR(answer->pairs.items[i]->key);
        for (size_t k = 0; k < sizeof DEPRECATED / sizeof DEPRECATED[0]; k++) {
            if (str_eq_c(key, DEPRECATED[k].key)) {
                ret_warnings[n++] = cn_bytes(str_fmt(answer->arena,
                                                     "The SQL config '%s' has been deprecated in Spark v%s and may be removed in the future. %s",
                                                     DEPRECATED[k].key, DEPRECATED[k].version, DEPRECATED[k].comment));
            }
        }
    }
    return n;
}

void cn_rpc_config(CnCall *call) {
    const Spark__Connect__ConfigRequest *request = cn_rpc_request(call, &spark__connect__config_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Err err = {0};
    Answer answer = {.arena = call->arena, .session = session, .pairs = {.arena = call->arena}};
    (void)pthread_mutex_lock(&session->lock);
    bool ok = run(&answer, request->operation, &err);
    (void)pthread_mutex_unlock(&session->lock);
    if (ok) {
        Spark__Connect__ConfigResponse response = SPARK__CONNECT__CONFIG_RESPONSE__INIT;
        CN_SET(&response, session_id, request->session_id);
        response.n_pairs = answer.pairs.count;
        response.pairs = answer.pairs.items;
        response.warnings = ARENA_ARRAY(call->arena, ProtobufCBinaryData, answer.pairs.count);
        response.n_warnings = warnings(&answer, response.warnings);
        cn_call_reply(call, &response.base);
    } else {
        cn_call_fail(call, &err);
    }
    cn_session_drop(session);
}
