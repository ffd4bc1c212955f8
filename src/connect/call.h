/* connect/call.h - one gRPC call, as its handler sees it: blocking, on the handler's own thread.
 *
 * Made by server.c for each call; handed to one handler (rpc_*.c), which receives the request, sends responses and ends the call
 * exactly once. Invariant: after an end (finish or fail) nothing more is sent; a client that went away makes sends fail at once.
 */
#ifndef SOLDER_CONNECT_CALL_H
#define SOLDER_CONNECT_CALL_H

#include "connect/connect.h"
#include "connect/wire.h"

#include <grpc/grpc.h>
#include <stdatomic.h>

typedef struct CnCall {
    CnServer *server;
    grpc_call *call;
    grpc_completion_queue *queue; /* the call's own, plucked */
    grpc_call_details details;
    grpc_metadata_array metadata;
    Arena *arena; /* of the request */
    atomic_bool is_posted; /* set before gRPC gets it, read by the thread that gRPC gives it to: what orders the two threads' accesses */
    int was_cancelled;
    bool close_started, close_seen;
    bool initial_sent, ended;
} CnCall;

/* The next message of the request. False: there is none (the client half-closed, or is gone). */
bool cn_call_receive(CnCall *call, Str *ret_bytes);
/* One response of a stream. Takes the slices. False: the client is gone. */
bool cn_call_send(CnCall *call, grpc_slice *owned_slices, size_t nslices);
/* The last response (nslices may be 0) and status OK. Takes the slices. */
void cn_call_finish(CnCall *call, grpc_slice *owned_slices, size_t nslices);
/* The answer of a unary call. */
void cn_call_reply(CnCall *call, const ProtobufCMessage *message);
/* Ends the call with the error. */
void cn_call_fail(CnCall *call, const Err *err);
/* Ends the call with a bare gRPC status (UNIMPLEMENTED). */
void cn_call_fail_status(CnCall *call, grpc_status_code code, Str message);
/* Whether the client cancelled or disappeared; does not block. */
bool cn_call_is_gone(CnCall *call);

#endif
