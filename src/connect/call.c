/* call.c - see call.h. Every batch is waited for: that is the flow control.
 *
 * GRPC_WRITE_BUFFER_HINT is never used: a batch with initial metadata and that hint stalls for tens of milliseconds when waited for.
 */
#include "connect/call.h"

#include "connect/error_status.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <string.h>

static void *batch_tag(CnCall *call) {
    return &call->initial_sent;
}

static void *close_tag(CnCall *call) {
    return &call->was_cancelled;
}

/* Asks to be told when the client goes away; once a call. */
static void start_close(CnCall *call) {
    if (!call->close_started) {
        grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
        op.data.recv_close_on_server.cancelled = &call->was_cancelled;
        call->close_started = true;
        call->close_seen = grpc_call_start_batch(call->call, &op, 1, close_tag(call), NULL) != GRPC_CALL_OK;
    }
}

static bool run_batch(CnCall *call, const grpc_op *ops, size_t nops) {
    start_close(call);
    if (grpc_call_start_batch(call->call, ops, nops, batch_tag(call), NULL) != GRPC_CALL_OK) {
        return false;
    }
    grpc_event event = grpc_completion_queue_pluck(call->queue, batch_tag(call), gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success != 0;
}

bool cn_call_is_gone(CnCall *call) {
    start_close(call);
    if (!call->close_seen) {
        grpc_event event = grpc_completion_queue_pluck(call->queue, close_tag(call), gpr_inf_past(GPR_CLOCK_REALTIME), NULL);
        call->close_seen = event.type == GRPC_OP_COMPLETE;
    }
    return call->close_seen && (call->was_cancelled != 0 || !call->ended);
}

bool cn_call_receive(CnCall *call, Str *ret_bytes) {
    grpc_byte_buffer *buffer = NULL;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &buffer;
    if (!run_batch(call, &op, 1) || buffer == NULL) {
        return false;
    }
    grpc_byte_buffer_reader reader;
    bool ok = grpc_byte_buffer_reader_init(&reader, buffer) != 0;
    if (ok) {
        size_t size = grpc_byte_buffer_length(buffer);
        char *bytes = arena_alloc(call->arena, size + 1);
        size_t at = 0;
        grpc_slice *slice = NULL;
        while (grpc_byte_buffer_reader_peek(&reader, &slice) != 0) {
            size_t n = GRPC_SLICE_LENGTH(*slice);
            if (n > size - at) {
                ok = false;
                break;
            }
            if (n > 0) {
                memcpy(bytes + at, GRPC_SLICE_START_PTR(*slice), n);
            }
            at += n;
        }
        *ret_bytes = (Str){bytes, at};
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(buffer);
    return ok;
}

static size_t add_initial(CnCall *call, grpc_op *ops) {
    if (call->initial_sent) {
        return 0;
    }
    call->initial_sent = true;
    ops[0] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    return 1;
}

static grpc_byte_buffer *take_slices(grpc_slice *owned_slices, size_t nslices) {
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(owned_slices, nslices);
    for (size_t i = 0; i < nslices; i++) {
        grpc_slice_unref(owned_slices[i]);
    }
    return buffer;
}

bool cn_call_send(CnCall *call, grpc_slice *owned_slices, size_t nslices) {
    grpc_op ops[2];
    grpc_byte_buffer *buffer = take_slices(owned_slices, nslices);
    size_t n = add_initial(call, ops);
    ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops[n++].data.send_message.send_message = buffer;
    bool ok = run_batch(call, ops, n);
    grpc_byte_buffer_destroy(buffer);
    return ok;
}

static void end_call(CnCall *call, grpc_byte_buffer *buffer, grpc_status_code code, Str message, grpc_metadata *trailing, size_t ntrailing) {
    grpc_op ops[3];
    size_t n = add_initial(call, ops);
    if (buffer != NULL) {
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = buffer;
    }
    grpc_slice details = grpc_slice_from_copied_buffer(message.data != NULL ? message.data : "", message.len);
    ops[n] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    ops[n].data.send_status_from_server.status = code;
    ops[n].data.send_status_from_server.status_details = &details;
    ops[n].data.send_status_from_server.trailing_metadata = trailing;
    ops[n++].data.send_status_from_server.trailing_metadata_count = ntrailing;
    call->ended = true;
    /* A failure means that the client is gone; there is nobody left to tell. */
    (void)run_batch(call, ops, n);
    grpc_slice_unref(details);
}

void cn_call_finish(CnCall *call, grpc_slice *owned_slices, size_t nslices) {
    grpc_byte_buffer *buffer = nslices > 0 ? take_slices(owned_slices, nslices) : NULL;
    end_call(call, buffer, GRPC_STATUS_OK, STR(""), NULL, 0);
    if (buffer != NULL) {
        grpc_byte_buffer_destroy(buffer);
    }
}

void cn_call_reply(CnCall *call, const ProtobufCMessage *message) {
    Str bytes = cn_pack(call->arena, message);
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.len);
    cn_call_finish(call, &slice, 1);
}

void cn_call_fail(CnCall *call, const Err *err) {
    CnErrorStatus status = cn_error_status(call->arena, err);
    grpc_metadata trailing = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                              .value = grpc_slice_from_copied_buffer(status.details.data, status.details.len)};
    end_call(call, NULL, GRPC_STATUS_INTERNAL, status.message, &trailing, 1);
    grpc_slice_unref(trailing.value);
}

void cn_call_fail_status(CnCall *call, grpc_status_code code, Str message) {
    end_call(call, NULL, code, message, NULL, 0);
}
