/* rpc_operations.c - Interrupt, ReattachExecute and ReleaseExecute: what clients do to operations that run. */
#include "base/vec.h"
#include "connect/operation.h"

#include "spark/connect/base.pb-c.h"

static bool has_tag(const CnOperation *op, Str tag) {
    for (size_t i = 0; i < op->ntags; i++) {
        if (str_eq(op->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

typedef struct Wanted {
    bool all;
    Str tag, id; /* one of them, unless all */
} Wanted;

static bool decode_wanted(const Spark__Connect__InterruptRequest *request, Wanted *ret_wanted, Err *err) {
    switch ((int)request->interrupt_type) {
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_ALL: ret_wanted->all = true; return true;
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_TAG:
        if (request->interrupt_case != SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_TAG) {
            return err_set(err, "SOLDER.BAD_REQUEST", "INTERRUPT_TYPE_TAG requested, but no operation_tag provided.");
        }
        ret_wanted->tag = CN_STR(request->operation_tag);
        return true;
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_OPERATION_ID:
        if (request->interrupt_case != SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_ID) {
            return err_set(err, "SOLDER.BAD_REQUEST", "INTERRUPT_TYPE_OPERATION_ID requested, but no operation_id provided.");
        }
        ret_wanted->id = CN_STR(request->operation_id);
        return true;
    default: return err_set(err, "SOLDER.BAD_REQUEST", "Unknown InterruptType %d!", (int)request->interrupt_type);
    }
}

void cn_rpc_interrupt(CnCall *call) {
    const Spark__Connect__InterruptRequest *request = cn_rpc_request(call, &spark__connect__interrupt_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Err err = {0};
    Wanted wanted = {0};
    VEC(CnOperation *) found = {.arena = call->arena};
    if (!decode_wanted(request, &wanted, &err)) {
        cn_call_fail(call, &err);
        cn_session_drop(session);
        return;
    }
    (void)pthread_mutex_lock(&session->lock);
    for (CnOperation *op = session->operations; op != NULL; op = op->next) {
        if (wanted.all || (wanted.tag.len > 0 && has_tag(op, wanted.tag)) || (wanted.id.len > 0 && str_eq(op->id, wanted.id))) {
            (void)atomic_fetch_add(&op->refs, 1);
            VEC_PUSH(&found, op);
        }
    }
    (void)pthread_mutex_unlock(&session->lock);
    Spark__Connect__InterruptResponse response = SPARK__CONNECT__INTERRUPT_RESPONSE__INIT;
    CN_SET(&response, session_id, request->session_id);
    response.interrupted_ids = ARENA_ARRAY(call->arena, ProtobufCBinaryData, found.count);
    for (size_t i = 0; i < found.count; i++) {
        if (cn_operation_cancel(found.items[i])) {
            response.interrupted_ids[response.n_interrupted_ids++] = cn_bytes(str_copy(call->arena, found.items[i]->id));
        }
        cn_operation_drop(found.items[i]);
    }
    cn_call_reply(call, &response.base);
    cn_session_drop(session);
}

void cn_rpc_reattach(CnCall *call) {
    const Spark__Connect__ReattachExecuteRequest *request = cn_rpc_request(call, &spark__connect__reattach_execute_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Err err = {0};
    int64_t after = 0;
    CnOperation *op = cn_operation_find(session, CN_STR(request->operation_id));
    if (op == NULL) {
        (void)err_set(&err, "INVALID_HANDLE.OPERATION_NOT_FOUND", "The handle %.*s is invalid. Operation not found.",
                      STR_ARG(CN_STR(request->operation_id)));
    } else if (!op->is_reattachable) {
        (void)err_set(&err, "INVALID_CURSOR.NOT_REATTACHABLE", "The cursor is invalid. The cursor is not reattachable.");
    } else if (request->has_last_response_id && !str_to_i64(CN_STR(request->last_response_id), &after)) {
        (void)err_set(&err, "INVALID_CURSOR.POSITION_NOT_FOUND", "The cursor is invalid. The cursor position id %.*s is not found.",
                      STR_ARG(CN_STR(request->last_response_id)));
    }
    if (err.is_set || after < 0) {
        cn_call_fail(call, &err);
    } else {
        cn_operation_stream(op, call, (size_t)after);
    }
    if (op != NULL) {
        cn_operation_drop(op);
    }
    cn_session_drop(session);
}

void cn_rpc_release(CnCall *call) {
    const Spark__Connect__ReleaseExecuteRequest *request = cn_rpc_request(call, &spark__connect__release_execute_request__descriptor);
    CnSession *session = request == NULL ? NULL : cn_rpc_session(call, request->user_context, request->session_id);
    if (session == NULL) {
        return;
    }
    Spark__Connect__ReleaseExecuteResponse response = SPARK__CONNECT__RELEASE_EXECUTE_RESPONSE__INIT;
    CN_SET(&response, session_id, request->session_id);
    /* An operation that is not there was released already: that is no error. */
    CnOperation *op = cn_operation_find(session, CN_STR(request->operation_id));
    Err err = {0};
    if (op != NULL) {
        int64_t number = 0;
        if (request->release_case == SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_ALL) {
            cn_operation_release(op);
        } else if (request->release_case == SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_UNTIL &&
                   str_to_i64(CN_STR(request->release_until->response_id), &number) && number > 0) {
            cn_operation_release_until(op, (size_t)number);
        } else {
            (void)err_set(&err, "SOLDER.BAD_REQUEST", "The ReleaseExecute request names no response of the operation");
        }
        CN_SET(&response, operation_id, request->operation_id);
        cn_operation_drop(op);
    }
    if (err.is_set) {
        cn_call_fail(call, &err);
    } else {
        cn_call_reply(call, &response.base);
    }
    cn_session_drop(session);
}
