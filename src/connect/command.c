/* command.c - the Commands of the protocol: temp views, functions, resources; SQL: sql_command.c, writes: save.c. */
#include "connect/run.h"

bool cn_put_view(CnRequest *request, Str name, bool is_global, bool replace, const PrRel *(*make)(void *self, const CnDecode *decode, Err *err),
                 void *self, Err *err) {
    CnServer *server = request->server;
    CnView *view = cn_view_new(request, name, make, self, err);
    if (view == NULL) {
        return false;
    }
    if (!is_global) {
        return cn_session_put_view(request->session, view, replace, err);
    }
    (void)pthread_mutex_lock(&server->lock);
    Str key = str_lower(server->arena, view->name);
    CnView *old = map_get(&server->global_views, key);
    if (old == NULL || replace) {
        map_put(&server->global_views, key, view);
    }
    (void)pthread_mutex_unlock(&server->lock);
    if (old == NULL) {
        return true;
    }
    cn_view_drop(replace ? old : view);
    return replace || err_set(err, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                              "Cannot create the temporary view `global_temp`.`%.*s` because it already exists.\nChoose a different name, drop or "
                              "replace the existing view,  or add the IF NOT EXISTS clause to tolerate pre-existing views.",
                              STR_ARG(name));
}

static const PrRel *decode_input(void *self, const CnDecode *decode, Err *err) {
    return cn_decode_relation(decode, self, err);
}

/* The view outlives the request's message, so its input is decoded again from bytes of its own. */
typedef struct ViewInput {
    Str bytes;
} ViewInput;

static const PrRel *decode_bytes(void *self, const CnDecode *decode, Err *err) {
    const ViewInput *input = self;
    Spark__Connect__Relation *relation = cn_unpack(decode->arena, &spark__connect__relation__descriptor, input->bytes, err);
    return relation == NULL ? NULL : decode_input(relation, decode, err);
}

static bool create_view(CnRun *run, const Spark__Connect__CreateDataFrameViewCommand *command, Err *err) {
    const Str *parts = NULL;
    size_t nparts = 0;
    if (command->input == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The command has no relation");
    }
    if (!sq_parse_name(run->request->arena, CN_STR(command->name), &parts, &nparts, err)) {
        return false;
    }
    if (nparts != 1) {
        return err_set(err, "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
                       "CREATE TEMPORARY VIEW or the corresponding Dataset APIs only accept single-part view names, but got: %.*s.",
                       STR_ARG(CN_STR(command->name)));
    }
    ViewInput input = {.bytes = cn_pack(run->request->arena, &command->input->base)};
    return cn_put_view(run->request, parts[0], command->is_global != 0, command->replace != 0, decode_bytes, &input, err);
}

static bool register_function(CnRun *run, const Spark__Connect__CommonInlineUserDefinedFunction *command, Err *err) {
    CnSession *session = run->request->session;
    Str bytes = cn_pack(run->request->arena, &command->base);
    (void)pthread_mutex_lock(&session->lock);
    const Spark__Connect__CommonInlineUserDefinedFunction *copy =
        cn_unpack(session->arena, &spark__connect__common_inline_user_defined_function__descriptor, bytes, err);
    CnDecode decode = {.arena = session->arena};
    const PlPython *function = copy == NULL ? NULL : cn_decode_python(&decode, copy, err);
    if (function != NULL) {
        map_put(&session->functions, str_lower(session->arena, function->name), (void *)(uintptr_t)function);
    }
    (void)pthread_mutex_unlock(&session->lock);
    return function != NULL;
}

static bool get_resources(CnRun *run, Err *err) {
    Spark__Connect__ExecutePlanResponse response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    Spark__Connect__GetResourcesCommandResult none = SPARK__CONNECT__GET_RESOURCES_COMMAND_RESULT__INIT;
    response.response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_GET_RESOURCES_COMMAND_RESULT;
    response.get_resources_command_result = &none;
    return cn_respond(run, &response, err);
}

static bool refuse(Err *err, const char *what) {
    return err_set(err, ERR_NOT_SUPPORTED, "%s is not supported on the embedded engine yet", what);
}

bool cn_run_command(CnRun *run, const Spark__Connect__Command *command, Err *err) {
    switch ((int)command->command_type_case) {
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_REGISTER_FUNCTION: return register_function(run, command->register_function, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_WRITE_OPERATION: return cn_run_save(run, command->write_operation, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_CREATE_DATAFRAME_VIEW: return create_view(run, command->create_dataframe_view, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_SQL_COMMAND: return cn_run_sql(run, command->sql_command, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_GET_RESOURCES_COMMAND: return get_resources(run, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_WRITE_OPERATION_V2: return refuse(err, "df.writeTo (DataFrameWriterV2)");
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_WRITE_STREAM_OPERATION_START:
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_STREAMING_QUERY_COMMAND:
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_STREAMING_QUERY_MANAGER_COMMAND: return refuse(err, "Structured Streaming");
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_REGISTER_TABLE_FUNCTION: return refuse(err, "A Python table function (udtf)");
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_EXTENSION: return refuse(err, "An extension of the Spark Connect protocol");
    default: return err_set(err, "SOLDER.BAD_REQUEST", "The plan has a command that this version does not know");
    }
}
