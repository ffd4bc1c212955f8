/* connect/server.h - what the files of this room share of the server.
 *
 * Invariant: sessions and global views are touched under lock only; the rest does not change after cn_server_new.
 */
#ifndef SOLDER_CONNECT_SERVER_H
#define SOLDER_CONNECT_SERVER_H

#include "connect/call.h"
#include "connect/session.h"

struct CnServer {
    CnConfig config;
    Arena *arena;
    grpc_server *grpc;
    grpc_completion_queue *queue;
    int port;
    pthread_mutex_t lock;
    pthread_cond_t quiet;  /* threads went down */
    int threads;           /* alive, the sweeper not counted */
    int idle;              /* of them waiting for a call */
    bool ending;
    CnSession *sessions;
    Map global_views;      /* lower-case name → CnView */
    Arena *global_arena;
    pthread_t sweeper;
    pthread_cond_t sweep;
    atomic_int running;    /* operations */
    atomic_ullong numbers; /* of operations, views */
};

/* The handlers, one for each method of the service. Each ends the call. */
void cn_rpc_execute(CnCall *call);
void cn_rpc_analyze(CnCall *call);
void cn_rpc_config(CnCall *call);
void cn_rpc_add_artifacts(CnCall *call);
void cn_rpc_artifact_status(CnCall *call);
void cn_rpc_interrupt(CnCall *call);
void cn_rpc_reattach(CnCall *call);
void cn_rpc_release(CnCall *call);

/* Receives a unary call's request and unpacks it. NULL: the call has been ended. */
void *cn_rpc_request(CnCall *call, const ProtobufCMessageDescriptor *type);
/* The session of a request; ends the call and gives NULL when its id is no good. user may be NULL. */
struct Spark__Connect__UserContext;
CnSession *cn_rpc_session(CnCall *call, const struct Spark__Connect__UserContext *user, ProtobufCBinaryData session_id);

/* Starts a detached thread that cn_server_free waits for, with a stack for deep plans. */
bool cn_server_thread(CnServer *server, void *(*body)(void *), void *argument);
/* The last thing such a thread does. */
void cn_server_thread_done(CnServer *server);

#endif
