/* connect/operation.h - one ExecutePlan under way: a thread that makes responses, a buffer that keeps them until the client has them.
 *
 * Made by rpc_execute.c; streamed by ExecutePlan and ReattachExecute; released, interrupted or abandoned. A response's id is its number in the
 * operation, from 1. Invariants: every response is kept until it is released (or, not reattachable, sent); an operation whose client went away
 * is cancelled after the grace time, so that nothing keeps running for nobody.
 */
#ifndef SOLDER_CONNECT_OPERATION_H
#define SOLDER_CONNECT_OPERATION_H

#include "connect/server.h"

enum { CN_RESPONSE_SLICES = 2 };

typedef struct CnResponse {
    grpc_slice slices[CN_RESPONSE_SLICES];
    size_t nslices;
    size_t size;
} CnResponse;

struct CnOperation {
    atomic_int refs;
    CnSession *session;
    Arena *arena; /* the request's message and everything made from it */
    Str id;
    uint64_t number;
    const void *request; /* Spark__Connect__ExecutePlanRequest */
    const Str *tags;
    size_t ntags;
    bool is_reattachable;
    CnOperation *next; /* in the session's list, under its lock */
    bool is_listed;    /* likewise */
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    CnResponse *responses; /* malloc'd; numbers first+1 … first+count */
    size_t first, count, cap;
    size_t sent;         /* highest number that a stream has sent */
    size_t unsent_bytes; /* of responses behind it: the producer waits when it is too much */
    size_t kept_bytes;   /* of sent ones that are not released */
    bool is_finished, is_cancelled;
    Err failure;
    ExOperation *running; /* borrowed from the operation's thread while it runs */
    uint64_t streams;     /* streams so far; the last one is the attached one */
    bool is_attached;
    int64_t detached_ms;
};

/* Registers the operation in the session. Takes arena. NULL and err set (INVALID_HANDLE.OPERATION_ALREADY_EXISTS). The result is counted for
 * the caller (cn_operation_drop). */
CnOperation *cn_operation_new(CnSession *session, Arena *owned_arena, Str id, bool is_reattachable, const Str *tags, size_t ntags, Err *err);
/* Counted for the caller; NULL when the session has none of that id. */
CnOperation *cn_operation_find(CnSession *session, Str id);
void cn_operation_drop(CnOperation *op);

/* For the operation's thread. push takes the slices and waits for the client; false: cancelled. */
bool cn_operation_push(CnOperation *op, grpc_slice *owned_slices, size_t nslices, Err *err);
/* The end: a last response (nslices 0: none), or a failure. */
void cn_operation_finish(CnOperation *op, grpc_slice *owned_slices, size_t nslices, const Err *failure);
/* What an interrupt must reach; NULL when it has ended. False: cancelled already. */
bool cn_operation_running(CnOperation *op, ExOperation *running, Err *err);
/* The number that the next pushed response will have. */
size_t cn_operation_next_number(CnOperation *op);
bool cn_operation_is_cancelled(CnOperation *op);

/* Sends the responses behind the given number on the call, until the end; ends the call. */
void cn_operation_stream(CnOperation *op, CnCall *call, size_t after);

/* True: it was running. */
bool cn_operation_cancel(CnOperation *op);
void cn_operation_release_until(CnOperation *op, size_t number);
/* Forgets the operation, cancelling it when it runs. */
void cn_operation_release(CnOperation *op);

#endif
