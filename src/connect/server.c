/* server.c - the gRPC server: takes calls, gives each a thread, ends cleanly.
 *
 * Threads wait on one completion queue; each call then has a queue of its own, so that handlers are plain blocking code. Whoever takes the last
 * waiting place starts another thread, so that a slow call never keeps others waiting. A sweeper ends what nobody wants any more.
 */
#include "connect/operation.h"
#include "connect/server.h"

#include "spark/connect/base.pb-c.h"

#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_MAX = 8,
    THREADS_MAX = 512,
    STACK_BYTES = 64 * 1024 * 1024, /* reserved, not used, until a plan nests as deep as CN_NESTING_MAX allows */
    SWEEP_MS = 200,
    FINISHED_KEEP_MS = 60 * 1000,
    DEFAULT_ABANDON_MS = 10 * 1000,
    DEFAULT_IDLE_MS = 60 * 60 * 1000,
    DRAIN_MS = 5000
};

typedef struct Method {
    const char *path;
    void (*handler)(CnCall *call);
} Method;

static const Method METHODS[] = {
    {"/spark.connect.SparkConnectService/ExecutePlan", cn_rpc_execute},
    {"/spark.connect.SparkConnectService/AnalyzePlan", cn_rpc_analyze},
    {"/spark.connect.SparkConnectService/Config", cn_rpc_config},
    {"/spark.connect.SparkConnectService/AddArtifacts", cn_rpc_add_artifacts},
    {"/spark.connect.SparkConnectService/ArtifactStatus", cn_rpc_artifact_status},
    {"/spark.connect.SparkConnectService/Interrupt", cn_rpc_interrupt},
    {"/spark.connect.SparkConnectService/ReattachExecute", cn_rpc_reattach},
    {"/spark.connect.SparkConnectService/ReleaseExecute", cn_rpc_release},
};

void *cn_rpc_request(CnCall *call, const ProtobufCMessageDescriptor *type) {
    Str bytes = {0};
    Err err = {0};
    if (!cn_call_receive(call, &bytes)) {
        (void)err_set(&err, "SOLDER.BAD_REQUEST", "The request has no message, or one of more than %d bytes", CN_MESSAGE_MAX);
    }
    void *message = err.is_set ? NULL : cn_unpack(call->arena, type, bytes, &err);
    if (message == NULL) {
        cn_call_fail(call, &err);
    }
    return message;
}

CnSession *cn_rpc_session(CnCall *call, const Spark__Connect__UserContext *user, ProtobufCBinaryData session_id) {
    Err err = {0};
    Str name = user != NULL ? CN_STR(user->user_id) : STR("");
    CnSession *session = cn_session_find(call->server, name, CN_STR(session_id), &err);
    if (session == NULL) {
        cn_call_fail(call, &err);
    }
    return session;
}

static CnCall *call_new(CnServer *server) {
    CnCall *call = calloc(1, sizeof *call); /* not in the arena: an operation may take that over */
    if (call == NULL) {
        abort();
    }
    call->arena = arena_new();
    call->server = server;
    call->queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    return call;
}

/* The call's queue must be empty before it goes: the close notice is the last thing on it. */
static void call_free(CnCall *call) {
    if (call->call != NULL) {
        if (call->close_started && !call->close_seen) {
            (void)grpc_completion_queue_pluck(call->queue, &call->was_cancelled, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        }
        grpc_call_unref(call->call);
    }
    grpc_completion_queue_shutdown(call->queue);
    while (grpc_completion_queue_pluck(call->queue, NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(call->queue);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    arena_free(call->arena);
    free(call);
}

/* Asks gRPC for the next call. Under no lock. */
static void request_call(CnServer *server) {
    CnCall *call = call_new(server);
    grpc_completion_queue *queue = call->queue;
    atomic_store(&call->is_posted, true); /* from here on another thread may have it */
    if (grpc_server_request_call(server->grpc, &call->call, &call->details, &call->metadata, queue, server->queue, call) != GRPC_CALL_OK) {
        call_free(call);
    }
}

static void serve(CnCall *call) {
    Str path = {(const char *)GRPC_SLICE_START_PTR(call->details.method), GRPC_SLICE_LENGTH(call->details.method)};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (str_eq_c(path, METHODS[i].path)) {
            METHODS[i].handler(call);
            return;
        }
    }
    cn_call_fail_status(call, GRPC_STATUS_UNIMPLEMENTED, str_fmt(call->arena, "Solder has no method %.*s", STR_ARG(str_slice(path, 0, 200))));
}

static void *thread_body(void *argument);

bool cn_server_thread(CnServer *server, void *(*body)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_mutex_lock(&server->lock);
    bool ok = pthread_create(&thread, &attributes, body, argument) == 0;
    server->threads += ok ? 1 : 0;
    (void)pthread_mutex_unlock(&server->lock);
    (void)pthread_attr_destroy(&attributes);
    return ok;
}

void cn_server_thread_done(CnServer *server) {
    (void)pthread_mutex_lock(&server->lock);
    server->threads--;
    (void)pthread_cond_broadcast(&server->quiet);
    (void)pthread_mutex_unlock(&server->lock);
}

/* Counts this thread as waiting; false: enough others are. */
static bool begin_wait(CnServer *server) {
    (void)pthread_mutex_lock(&server->lock);
    bool is_wanted = server->idle < IDLE_MAX;
    server->idle += is_wanted ? 1 : 0;
    (void)pthread_mutex_unlock(&server->lock);
    return is_wanted;
}

static void end_wait(CnServer *server, bool has_call) {
    (void)pthread_mutex_lock(&server->lock);
    server->idle--;
    bool must_start = has_call && server->idle == 0 && server->threads < THREADS_MAX && !server->ending;
    (void)pthread_mutex_unlock(&server->lock);
    if (must_start) {
        /* Without another thread, calls wait until this one is done: slower, not wrong. */
        (void)cn_server_thread(server, thread_body, server);
    }
}

static void *thread_body(void *argument) {
    CnServer *server = argument;
    while (begin_wait(server)) {
        grpc_event event = grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        bool has_call = event.type == GRPC_OP_COMPLETE && event.success != 0 && event.tag != server;
        end_wait(server, has_call);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            break;
        }
        if (event.tag == server) { /* grpc_server_shutdown_and_notify is done: nothing else will come */
            grpc_completion_queue_shutdown(server->queue);
            continue;
        }
        CnCall *call = event.tag;
        if (atomic_load(&call->is_posted) && has_call) {
            request_call(server);
            serve(call);
        }
        call_free(call);
    }
    cn_server_thread_done(server);
    return NULL;
}

/* Under the session's lock: an operation that must go, counted for the caller. */
static CnOperation *find_unwanted(CnSession *session, int64_t now, int abandon_ms, bool all) {
    for (CnOperation *op = session->operations; op != NULL; op = op->next) {
        (void)pthread_mutex_lock(&op->lock);
        int64_t limit = op->is_finished ? FINISHED_KEEP_MS : abandon_ms;
        bool is_unwanted = all || (!op->is_attached && now - op->detached_ms > limit);
        (void)pthread_mutex_unlock(&op->lock);
        if (is_unwanted) {
            (void)atomic_fetch_add(&op->refs, 1);
            return op;
        }
    }
    return NULL;
}

/* Under the server's lock. */
static void sweep_session(CnServer *server, CnSession *session, int64_t now, bool all) {
    (void)server;
    for (;;) {
        (void)pthread_mutex_lock(&session->lock);
        CnOperation *op = find_unwanted(session, now, server->config.abandon_ms, all);
        (void)pthread_mutex_unlock(&session->lock);
        if (op == NULL) {
            return;
        }
        cn_operation_release(op);
        cn_operation_drop(op);
    }
}

/* Under the server's lock. */
static void sweep_all(CnServer *server, bool all) {
    int64_t now = cn_now_ms();
    for (CnSession **at = &server->sessions; *at != NULL;) {
        CnSession *session = *at;
        sweep_session(server, session, now, all);
        (void)pthread_mutex_lock(&session->lock);
        bool is_over = session->operations == NULL && session->requests == 0 &&
                       (all || now - session->used_ms > server->config.session_idle_ms);
        (void)pthread_mutex_unlock(&session->lock);
        if (is_over) {
            *at = session->next;
            cn_session_unref(session);
        } else {
            at = &session->next;
        }
    }
}

static void *sweeper_body(void *argument) {
    CnServer *server = argument;
    (void)pthread_mutex_lock(&server->lock);
    while (!server->ending) {
        struct timespec until = {0};
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SWEEP_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&server->sweep, &server->lock, &until);
        sweep_all(server, false);
    }
    (void)pthread_mutex_unlock(&server->lock);
    return NULL;
}

static bool listen_on(CnServer *server, Err *err) {
    grpc_arg arguments[] = {
        {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = CN_MESSAGE_MAX},
        {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, .value.integer = -1},
    };
    grpc_channel_args all = {.num_args = sizeof arguments / sizeof arguments[0], .args = arguments};
    server->grpc = grpc_server_create(&all, NULL);
    server->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->grpc, server->queue, NULL);
    Str address = str_fmt(server->arena, "%.*s:%d", STR_ARG(server->config.host), server->config.port);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    server->port = grpc_server_add_http2_port(server->grpc, address.data, credentials);
    grpc_server_credentials_release(credentials);
    return server->port > 0 || err_set(err, ERR_IO, "cannot listen on %s: the port is taken or the address is not of this machine", address.data);
}

static void server_release(CnServer *server) {
    for (size_t i = 0; i < server->global_views.count; i++) {
        if (server->global_views.entries[i].value != NULL) {
            cn_view_drop(server->global_views.entries[i].value);
        }
    }
    grpc_completion_queue_destroy(server->queue);
    (void)pthread_cond_destroy(&server->sweep);
    (void)pthread_cond_destroy(&server->quiet);
    (void)pthread_mutex_destroy(&server->lock);
    arena_free(server->arena);
    grpc_shutdown();
}

CnServer *cn_server_new(const CnConfig *config, Err *err) {
    Arena *arena = arena_new();
    CnServer *server = ARENA_NEW(arena, CnServer);
    server->arena = arena;
    server->config = *config;
    server->config.host = config->host.len > 0 ? str_copy(arena, config->host) : STR("127.0.0.1");
    server->config.artifact_directory = str_copy(arena, config->artifact_directory);
    server->config.abandon_ms = config->abandon_ms > 0 ? config->abandon_ms : DEFAULT_ABANDON_MS;
    server->config.session_idle_ms = config->session_idle_ms > 0 ? config->session_idle_ms : DEFAULT_IDLE_MS;
    server->global_views.arena = arena;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_cond_init(&server->quiet, NULL);
    (void)pthread_cond_init(&server->sweep, NULL);
    grpc_init();
    bool listens = listen_on(server, err);
    if (listens) {
        grpc_server_start(server->grpc);
        for (int i = 0; i < IDLE_MAX / 2; i++) {
            request_call(server);
        }
        if (!cn_server_thread(server, thread_body, server) || pthread_create(&server->sweeper, NULL, sweeper_body, server) != 0) {
            (void)err_set(err, ERR_INTERNAL, "cannot start a thread");
            abort(); /* nothing of a process that cannot start two threads can be saved */
        }
        return server;
    }
    grpc_completion_queue_shutdown(server->queue);
    while (grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_server_destroy(server->grpc);
    server_release(server);
    return NULL;
}

int cn_server_port(const CnServer *server) {
    return server->port;
}

int cn_server_running(const CnServer *server) {
    return atomic_load(&server->running);
}

void cn_server_free(CnServer *owned_server) {
    CnServer *server = owned_server;
    if (server == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&server->lock);
    server->ending = true;
    sweep_all(server, true);
    (void)pthread_cond_broadcast(&server->sweep);
    (void)pthread_mutex_unlock(&server->lock);
    (void)pthread_join(server->sweeper, NULL);
    grpc_server_shutdown_and_notify(server->grpc, server->queue, server);
    int64_t until = cn_now_ms() + DRAIN_MS;
    (void)pthread_mutex_lock(&server->lock);
    while (server->threads > 0) {
        struct timespec step = {0};
        (void)clock_gettime(CLOCK_REALTIME, &step);
        step.tv_nsec += 50 * 1000000L;
        step.tv_sec += step.tv_nsec / 1000000000L;
        step.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&server->quiet, &server->lock, &step);
        sweep_all(server, true);
        if (cn_now_ms() > until) {
            grpc_server_cancel_all_calls(server->grpc);
        }
    }
    sweep_all(server, true);
    (void)pthread_mutex_unlock(&server->lock);
    grpc_server_destroy(server->grpc);
    server_release(server);
}
