/* cmd_serve.c - solder serve: the AWS APIs and Spark Connect over one home directory, until a signal. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of job runs, unless told otherwise. */
enum { RUN_PROCESSES = 4096, RUN_FILES = 65536 };
enum { IDLE_SECONDS = 60 };

static bool read_number(Str value, const char *option, int least, int *ret_number, Err *err) {
    int64_t number = 0;
    if (!str_to_i64(value, &number) || number < least || number > 65535) {
        return err_set(err, "usage", "%s takes a number from %d to 65535", option, least);
    }
    *ret_number = (int)number;
    return true;
}

/* "512MB", "4GiB", "4g": by 1024, as DuckDB takes the second form. */
static bool read_size(Str value, const char *option, int64_t *ret_bytes, Err *err) {
    static const char UNITS[] = "KMGT";
    size_t digits = 0;
    while (digits < value.len && value.data[digits] >= '0' && value.data[digits] <= '9') {
        digits++;
    }
    const char *unit = digits < value.len ? strchr(UNITS, value.data[digits] & ~0x20) : NULL;
    Str rest = str_slice(value, digits + (unit != NULL), value.len);
    bool is_known = rest.len == 0 || str_eq_nocase(rest, STR("B")) || (unit != NULL && str_eq_nocase(rest, STR("iB")));
    int shift = unit == NULL ? 0 : 10 * (int)(unit - UNITS + 1);
    if (!is_known || !str_to_i64(str_slice(value, 0, digits), ret_bytes) || *ret_bytes < 1 || *ret_bytes > INT64_MAX >> shift) {
        return err_set(err, "usage", "%s takes a size such as 512MB or 4GB", option);
    }
    *ret_bytes <<= shift;
    return true;
}

static bool read_count(Str value, const char *option, int64_t *ret_count, Err *err) {
    return (str_to_i64(value, ret_count) && *ret_count >= 1) || err_set(err, "usage", "%s takes a number from 1 on", option);
}

/* What holds runs of jobs in check; false without an error: another option. */
static bool read_run_limit(CliCall *call, int *at, CliServeConfig *config, Err *err) {
    SuLimits *limits = &config->run_limits;
    const struct {
        const char *name;
        bool (*read)(Str value, const char *option, int64_t *ret_number, Err *err);
        int64_t *number;
    } OPTIONS[] = {{"--run-memory", read_size, &limits->memory_bytes},
                   {"--run-file-size", read_size, &limits->file_bytes},
                   {"--run-files", read_count, &limits->open_files},
                   {"--run-processes", read_count, &limits->processes}};
    Str value;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++) {
        if (cli_option(call, at, OPTIONS[i].name, &value)) {
            return OPTIONS[i].read(value, OPTIONS[i].name, OPTIONS[i].number, err);
        }
    }
    return false;
}

static bool read_option(CliCall *call, int *at, CliServeConfig *config, Err *err) {
    Str value;
    if (cli_engine_option(call, at, &config->engine, err) || read_run_limit(call, at, config, err) ||
        cli_option(call, at, "--host", &config->host) || cli_option(call, at, "--region", &config->region) ||
        cli_option(call, at, "--tls-cert", &config->tls_certificate) || cli_option(call, at, "--tls-key", &config->tls_key) ||
        cli_option(call, at, "--domain", &config->domain)) {
        return true;
    }
    if (err->is_set) {
        return false;
    }
    if (cli_option(call, at, "--port", &value)) {
        return read_number(value, "--port", 0, &config->port, err);
    }
    if (cli_option(call, at, "--idle-timeout", &value)) {
        return read_number(value, "--idle-timeout", 1, &config->idle_seconds, err);
    }
    if (cli_option(call, at, "--connect-port", &value)) {
        return read_number(value, "--connect-port", -1, &config->engine.port, err);
    }
    if (cli_option(call, at, "--account", &config->account)) {
        int64_t number = 0;
        return (config->account.len == 12 && str_to_i64(config->account, &number) && number >= 0) ||
               err_set(err, "usage", "--account takes 12 digits");
    }
    if (cli_option(call, at, "--log-format", &value)) {
        config->json_log = str_eq_c(value, "json");
        return config->json_log || str_eq_c(value, "text") || err_set(err, "usage", "--log-format takes text or json");
    }
    if (cli_option(call, at, "--max-runs", &value)) {
        return read_number(value, "--max-runs", 1, &config->max_runs, err);
    }
    if (cli_option(call, at, "--lifecycle-day", &value)) {
        return read_number(value, "--lifecycle-day", 1, &config->lifecycle_day, err);
    }
    if (strcmp(call->argv[*at], "--no-auth") == 0) {
        config->no_auth = true;
        (*at)++;
        return true;
    }
    return err_set(err, "usage", "unknown argument %s", call->argv[*at]);
}

static bool block_signals(sigset_t *signals, Err *err) {
    /* Blocked before any thread starts, so that sigwait alone gets them. */
    if (sigemptyset(signals) != 0 || sigaddset(signals, SIGINT) != 0 || sigaddset(signals, SIGTERM) != 0 ||
        sigprocmask(SIG_BLOCK, signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return err_set(err, ERR_INTERNAL, "cannot block signals: %s", strerror(errno));
    }
    return true;
}

/* The home must be there before it can be locked; the server opens it again. */
static bool lock_home(CliCall *call, CliServeConfig *config, int *ret_fd, Err *err) {
    StStore *store = st_open(config->engine.home, err);
    bool ok = store != NULL;
    if (ok) {
        config->engine.home = str_copy(call->arena, st_home(store));
        ok = cli_server_lock(call->arena, config->engine.home, ret_fd, err);
    }
    st_close(store);
    return ok;
}

static bool announce(CliCall *call, const CliServeConfig *config, const CliServer *server, int lock_fd, Err *err) {
    bool is_everywhere = str_eq_c(config->host, "0.0.0.0") || str_eq_c(config->host, "::");
    Str host = is_everywhere ? STR("127.0.0.1") : config->host;
    bool is_v6 = host.len > 0 && memchr(host.data, ':', host.len) != NULL;
    const char *scheme = config->tls_certificate.len > 0 ? "https" : "http";
    CliServerState state = {.endpoint = str_fmt(call->arena, is_v6 ? "%s://[%.*s]:%d" : "%s://%.*s:%d", scheme, STR_ARG(host),
                                                call->host->serve_port(server)),
                            .region = config->region,
                            .connect_port = call->host->serve_connect_port(server),
                            .no_auth = config->no_auth};
    if (call->host->serve_is_own_authority(server)) {
        const char *path = realpath(str_to_c(call->arena, config->tls_certificate), NULL);
        state.ca_bundle = path == NULL ? config->tls_certificate : str_copy(call->arena, str_from_c(path));
        free((void *)(uintptr_t)path);
    }
    if (!cli_server_announce(lock_fd, call->arena, &state, err)) {
        return false;
    }
    printf("listening on %.*s", STR_ARG(state.endpoint));
    if (state.connect_port >= 0) {
        printf(" and sc://127.0.0.1:%d", (int)state.connect_port);
    }
    printf("\nhome %.*s%s\n", STR_ARG(config->engine.home), config->no_auth ? "; any credentials are taken (--no-auth)" : "");
    printf("in another terminal: eval \"$(solder env)\", or solder aws ...\n");
    return fflush(stdout) == 0 || err_set(err, ERR_IO, "standard output: %s", strerror(errno));
}

int cmd_serve(CliCall *call) {
    Err err = {0};
    CliServeConfig config = {.engine = {.home = call->home, .host = STR("127.0.0.1"), .port = 15002},
                             .host = STR("127.0.0.1"),
                             .port = 4566,
                             .idle_seconds = IDLE_SECONDS,
                             .account = STR("000000000000"),
                             .region = STR("us-east-1"),
                             .run_limits = {.processes = RUN_PROCESSES, .open_files = RUN_FILES}};
    for (int at = 0; at < call->argc;) {
        if (!read_option(call, &at, &config, &err)) {
            return cli_misuse("serve", "%s", err.message);
        }
    }
    if ((config.tls_certificate.len > 0) != (config.tls_key.len > 0)) {
        return cli_misuse("serve", "--tls-cert and --tls-key go together");
    }
    sigset_t signals;
    int lock_fd = -1;
    if (!block_signals(&signals, &err) || !lock_home(call, &config, &lock_fd, &err)) {
        return cli_fail(&err);
    }
    CliServer *server = call->host->serve(&config, &err);
    int status = server == NULL ? cli_fail(&err) : CLI_OK;
    if (server != NULL && !announce(call, &config, server, lock_fd, &err)) {
        status = cli_fail(&err);
    } else if (server != NULL) {
        int received = 0;
        (void)sigwait(&signals, &received);
        fprintf(stderr, "solder: %s: stopping\n", strsignal(received));
    }
    if (server != NULL) {
        call->host->serve_stop(server);
    }
    (void)close(lock_fd);
    return status;
}
