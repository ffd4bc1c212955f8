/* serve.c - see serve.h. One server is one store, one supervisor, the services, the gateway and, when asked for, one engine behind Spark Connect;
 * started in this order, ended in reverse. */
#include "daemon/serve.h"

#include "daemon/wire.h"
#include "gen/build_info.h"
#include "service/s3_access.h"
#include "service/s3_cors.h"
#include "service/s3_uploads.h"
#include "service/service.h"
#include "store/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STOP_GRACE_MS = 5000 };

struct CliServer {
    Arena *arena;
    SvServices services;
    AwsServer *gateway;
    CliEngine *engine; /* NULL: no Spark Connect */
};

static bool find_key(void *self, Arena *arena, Str access_key, Str *ret_secret, Str *ret_token, bool *ret_expired) {
    SvServices *services = self;
    StKey key = {0};
    bool found = false;
    Err ignored = {0}; /* a store that can't be read has no key to offer; the request is refused */
    if (!st_key_find(services->store, arena, access_key, &key, &found, &ignored) || !found) {
        *ret_token = STR("");
        *ret_expired = false;
        return sv_find_user_key(services, arena, access_key, ret_secret);
    }
    *ret_secret = key.secret;
    *ret_token = key.token;
    *ret_expired = key.expires_us != 0 && key.expires_us < (int64_t)time(NULL) * 1000000;
    return true;
}

static bool own_path(Arena *arena, Str *ret_path, Err *err) {
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len <= 0 || (size_t)len == sizeof path) {
        return err_set(err, ERR_INTERNAL, "cannot find this program's own path");
    }
    *ret_path = str_copy(arena, (Str){path, (size_t)len});
    return true;
}

static const char *setting(const char *variable, const char *fallback) {
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

static bool start_services(CliServer *server, const CliServeConfig *config, Err *err) {
    SvServices *services = &server->services;
    Arena *arena = server->arena;
    *services = (SvServices){.arena = arena,
                             .account = str_copy(arena, config->account),
                             .region = str_copy(arena, config->region),
                             .max_runs = config->max_runs,
                             .run_limits = config->run_limits,
                             .lifecycle_day = config->lifecycle_day,
                             .python = str_from_c(setting("SOLDER_PYTHON", SOLDER_PYTHON_DEFAULT)),
                             .python_archive = STR(SOLDER_PYTHON_ARCHIVE_DEFAULT),
                             .spark_home = str_from_c(SOLDER_SPARK_HOME_DEFAULT)};
    StKey key;
    services->store = st_open(config->engine.home, err);
    if (services->store == NULL || !own_path(arena, &services->program, err) || !st_key_default(services->store, arena, &key, err) ||
        !su_become_subreaper(err)) {
        return false;
    }
    services->supervisor = su_supervisor_new(err);
    return services->supervisor != NULL && sv_open(services, err);
}

static bool start_gateway(CliServer *server, const CliServeConfig *config, Err *err) {
    AwsConfig gateway = {.host = config->host,
                         .port = config->port,
                         .tls_certificate = config->tls_certificate,
                         .tls_key = config->tls_key,
                         .domain = config->domain,
                         .idle_seconds = config->idle_seconds,
                         .account = server->services.account,
                         .region = server->services.region,
                         .no_auth = config->no_auth,
                         .json_log = config->json_log,
                         .services = &server->services,
                         .find_handler = sv_find_handler,
                         .cors = sv_s3_cors,
                         .place_upload = sv_s3_place_upload,
                         .admits = sv_s3_admits,
                         .authorize = sv_s3_authorize,
                         .find_key = find_key};
    server->gateway = aws_server_start(&gateway, err);
    if (server->gateway == NULL) {
        return false;
    }
    /* What runs on this machine reaches the gateway by loopback, wherever else it listens. */
    server->services.endpoint = str_fmt(server->arena, "http://127.0.0.1:%d", aws_server_own_port(server->gateway));
    return sv_start(&server->services, err);
}

void serve_stop(CliServer *owned_server) {
    if (owned_server->gateway != NULL) {
        aws_server_stop(owned_server->gateway, STOP_GRACE_MS);
    }
    sv_stop(&owned_server->services);
    if (owned_server->engine != NULL) {
        wire_stop(owned_server->engine);
    }
    if (owned_server->services.supervisor != NULL) {
        su_supervisor_free(owned_server->services.supervisor);
    }
    sv_close(&owned_server->services);
    st_close(owned_server->services.store);
    arena_free(owned_server->arena);
}

/* DuckDB and gRPC take as long to start as all services do: they start beside them. */
typedef struct EngineStart {
    const CliEngineConfig *config;
    CliEngine *engine;
    Err err;
} EngineStart;

static void *start_engine(void *self) {
    EngineStart *start = self;
    start->engine = wire_start(start->config, &start->err);
    return NULL;
}

static bool start_services_and_engine(CliServer *server, const CliServeConfig *config, Err *err) {
    EngineStart start = {.config = &config->engine};
    pthread_t thread;
    bool has_engine = config->engine.port >= 0;
    if (has_engine && pthread_create(&thread, NULL, start_engine, &start) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot make a thread");
    }
    bool ok = start_services(server, config, err);
    if (has_engine) {
        (void)pthread_join(thread, NULL);
        server->engine = start.engine;
        ok = ok && (start.engine != NULL || err_set(err, start.err.code, "%s", start.err.message));
    }
    return ok;
}

CliServer *serve_start(const CliServeConfig *config, Err *err) {
    Arena *arena = arena_new();
    CliServer *server = ARENA_NEW(arena, CliServer);
    server->arena = arena;
    bool ok = start_services_and_engine(server, config, err);
    if (!ok || !start_gateway(server, config, err)) {
        serve_stop(server);
        return NULL;
    }
    return server;
}

int serve_port(const CliServer *server) {
    return aws_server_port(server->gateway);
}

int serve_connect_port(const CliServer *server) {
    return server->engine == NULL ? -1 : wire_port(server->engine);
}

bool serve_is_own_authority(const CliServer *server) {
    return aws_server_is_own_authority(server->gateway);
}
