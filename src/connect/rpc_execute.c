/* rpc_execute.c - the ExecutePlan method: makes an operation with a thread of its own and streams what that makes. */
#include "connect/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Observed metrics, in a response of their own before the end. */
static bool respond_metrics(CnRun *run, Err *err) {
    if (run->metrics.count == 0) {
        return true;
    }
    Arena *arena = run->request->arena;
    Spark__Connect__ExecutePlanResponse response = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    response.n_observed_metrics = run->metrics.count;
    response.observed_metrics = ARENA_ARRAY(arena, Spark__Connect__ExecutePlanResponse__ObservedMetrics *, run->metrics.count);
    for (size_t i = 0; i < run->metrics.count; i++) {
        const ExMetric *metric = &run->metrics.items[i];
        Spark__Connect__ExecutePlanResponse__ObservedMetrics *out = ARENA_NEW(arena, Spark__Connect__ExecutePlanResponse__ObservedMetrics);
        spark__connect__execute_plan_response__observed_metrics__init(out);
        CN_SET(out, name, cn_bytes(metric->name));
        out->n_values = metric->ncolumns;
        out->values = ARENA_ARRAY(arena, Spark__Connect__Expression__Literal *, metric->ncolumns);
        for (size_t k = 0; k < metric->ncolumns; k++) {
            out->values[k] = cn_encode_literal(arena, metric->values[k]);
        }
        response.observed_metrics[i] = out;
    }
    return cn_respond(run, &response, err);
}

static bool run_plan(CnRun *run, const Spark__Connect__Plan *plan, Err *err) {
    if (plan == NULL) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The ExecutePlan request has no plan");
    }
    if (plan->op_type_case == SPARK__CONNECT__PLAN__OP_TYPE_COMMAND) {
        return cn_run_command(run, plan->command, err);
    }
    if (plan->op_type_case != SPARK__CONNECT__PLAN__OP_TYPE_ROOT) {
        return err_set(err, "SOLDER.BAD_REQUEST", "The plan is neither a relation nor a command");
    }
    const PrRel *decoded = cn_decode_relation(&run->request->decode, plan->root, err);
    if (decoded == NULL) {
        return false;
    }
    if (decoded->tag == PR_SHOW_STRING || decoded->tag == PR_HTML_STRING) {
        return cn_run_show(run, decoded, err);
    }
    const TrRel *rel = cn_request_analyze_plan(run->request, decoded, err);
    return rel != NULL && cn_run_to_client(run, rel, err);
}

static void finish(CnRun *run, bool ok, const Err *err) {
    if (!ok) {
        cn_operation_finish(run->op, NULL, 0, err);
    } else if (!run->op->is_reattachable) {
        cn_operation_finish(run->op, NULL, 0, NULL);
    } else {
        Spark__Connect__ExecutePlanResponse last = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
        Spark__Connect__ExecutePlanResponse__ResultComplete complete = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESULT_COMPLETE__INIT;
        last.response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_RESULT_COMPLETE;
        last.result_complete = &complete;
        CN_SET(&last, session_id, cn_bytes(run->request->session->id));
        CN_SET(&last, operation_id, cn_bytes(run->op->id));
        CN_SET(&last, response_id, cn_bytes(str_fmt(run->request->arena, "%zu", cn_operation_next_number(run->op))));
        Str bytes = cn_pack(run->request->arena, &last.base);
        grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.len);
        cn_operation_finish(run->op, &slice, 1, NULL);
    }
}

static void *operation_body(void *argument) {
    CnOperation *op = argument;
    CnServer *server = op->session->server;
    const Spark__Connect__ExecutePlanRequest *message = op->request;
    CnRequest request;
    Err err = {0};
    cn_request_init(&request, op->session, op->arena, true);
    CnRun run = {.request = &request, .op = op, .metrics = {.arena = op->arena}};
    bool ok = run_plan(&run, message->plan, &err) && respond_metrics(&run, &err);
    if (!ok && cn_operation_is_cancelled(op)) { /* whatever it failed with then, it is the cancelling that the client asked for */
        err_clear(&err);
        (void)err_set(&err, ERR_CANCELLED, "Operation has been canceled.");
    }
    (void)atomic_fetch_sub(&server->running, 1);
    finish(&run, ok, &err);
    cn_request_done(&request);
    cn_operation_drop(op);
    cn_server_thread_done(server);
    return NULL;
}

/* A client that gives no operation id gets a random UUID. */
static Str new_operation_id(Arena *arena) {
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) {
        abort();
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return str_fmt(arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
                   b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static bool wants_reattach(const Spark__Connect__ExecutePlanRequest *request) {
    for (size_t i = 0; i < request->n_request_options; i++) {
        const Spark__Connect__ExecutePlanRequest__RequestOption *option = request->request_options[i];
        if (option->request_option_case == SPARK__CONNECT__EXECUTE_PLAN_REQUEST__REQUEST_OPTION__REQUEST_OPTION_REATTACH_OPTIONS) {
            return option->reattach_options->reattachable != 0;
        }
    }
    return false;
}

static bool check_tags(const Spark__Connect__ExecutePlanRequest *request, Err *err) {
    for (size_t i = 0; i < request->n_tags; i++) {
        Str tag = CN_STR(request->tags[i]);
        if (tag.len == 0 || str_contains(tag, STR(","))) {
            return err_set(err, "SOLDER.BAD_REQUEST", "Spark Connect tag cannot be an empty string and cannot contain ',' (%.*s)", STR_ARG(tag));
        }
    }
    return true;
}

static CnOperation *start(CnSession *session, Arena *owned_arena, const Spark__Connect__ExecutePlanRequest *request, Err *err) {
    CnServer *server = session->server;
    Str *tags = ARENA_ARRAY(owned_arena, Str, request->n_tags);
    for (size_t i = 0; i < request->n_tags; i++) {
        tags[i] = CN_STR(request->tags[i]);
    }
    Str id = request->has_operation_id ? CN_STR(request->operation_id) : new_operation_id(owned_arena);
    CnOperation *op = cn_operation_new(session, owned_arena, id, wants_reattach(request), tags, request->n_tags, err);
    if (op == NULL) {
        return NULL;
    }
    op->request = request;
    (void)atomic_fetch_add(&op->refs, 1); /* the thread's */
    (void)atomic_fetch_add(&server->running, 1);
    if (!cn_server_thread(server, operation_body, op)) {
        (void)atomic_fetch_sub(&server->running, 1);
        (void)err_set(err, ERR_INTERNAL, "cannot start a thread for the operation");
        cn_operation_finish(op, NULL, 0, err);
        cn_operation_release(op);
        cn_operation_drop(op);
        cn_operation_drop(op);
        return NULL;
    }
    return op;
}

void cn_rpc_execute(CnCall *call) {
    const Spark__Connect__ExecutePlanRequest *request = cn_rpc_request(call, &spark__connect__execute_plan_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Err err = {0};
    CnOperation *op = NULL;
    if (check_tags(request, &err)) {
        /* The operation may outlive the call, and with it the message. */
        Arena *owned_arena = call->arena;
        call->arena = arena_new();
        op = start(session, owned_arena, request, &err);
    }
    if (op == NULL) {
        cn_call_fail(call, &err);
    } else {
        cn_operation_stream(op, call, 0);
        cn_operation_drop(op);
    }
    cn_session_drop(session);
}
