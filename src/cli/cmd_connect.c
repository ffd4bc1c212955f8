/* cmd_connect.c - solder connect: the engine alone, for any Spark Connect client, until a signal. */
#include "cli/cli.h"

#include <signal.h>

bool cli_engine_option(const CliCall *call, int *at, CliEngineConfig *config, Err *err) {
    Str value;
    int64_t number = 0;
    if (cli_option(call, at, "--home", &config->home) || cli_option(call, at, "--memory", &config->memory)) {
        return true;
    }
    if (cli_option(call, at, "--threads", &value)) {
        if (!str_to_i64(value, &number) || number < 1 || number > 1024) {
            return err_set(err, "usage", "--threads takes a number from 1 to 1024");
        }
        config->threads = (int)number;
        return true;
    }
    return false;
}

static bool read_options(CliCall *call, CliEngineConfig *config, Err *err) {
    int at = 0;
    while (at < call->argc) {
        Str value;
        int64_t number = 0;
        if (cli_engine_option(call, &at, config, err) || cli_option(call, &at, "--host", &config->host)) {
            continue;
        }
        if (err->is_set) {
            return false;
        }
        if (!cli_option(call, &at, "--port", &value)) {
            return err_set(err, "usage", "unknown argument %s", call->argv[at]);
        }
        if (!str_to_i64(value, &number) || number < 0 || number > 65535) {
            return err_set(err, "usage", "--port takes a number from 0 to 65535");
        }
        config->port = (int)number;
    }
    return true;
}

int cmd_connect(CliCall *call) {
    Err err = {0};
    CliEngineConfig config = {.home = call->home, .host = STR("127.0.0.1"), .port = 15002};
    if (!read_options(call, &config, &err)) {
        return cli_misuse("connect", "%s", err.message);
    }
    /* Blocked before any thread starts, so that sigwait alone gets them. */
    sigset_t signals;
    if (sigemptyset(&signals) != 0 || sigaddset(&signals, SIGINT) != 0 || sigaddset(&signals, SIGTERM) != 0 ||
        sigprocmask(SIG_BLOCK, &signals, NULL) != 0) {
        (void)err_set(&err, ERR_INTERNAL, "cannot block signals");
        return cli_fail(&err);
    }
    CliEngine *engine = call->host->start(&config, &err);
    if (engine == NULL) {
        return cli_fail(&err);
    }
    printf("listening on sc://%.*s:%d\n", STR_ARG(config.host), call->host->port(engine));
    (void)fflush(stdout);
    int received = 0;
    (void)sigwait(&signals, &received);
    call->host->stop(engine);
    return CLI_OK;
}
