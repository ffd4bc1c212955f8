/* cmd_env.c - solder env, solder aws: AWS's own tools against the server of a home directory. */
#include "cli/cli.h"

#include "supervise/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const *variables_of(CliCall *call, CliServerState *ret_state, Err *err) {
    StStore *store = st_open(call->home, err);
    const char *const *variables = NULL;
    if (store != NULL && cli_server_state(call->arena, st_home(store), ret_state, err)) {
        variables = cli_aws_variables(store, call->arena, ret_state, err);
    }
    st_close(store);
    return variables;
}

int cmd_env(CliCall *call) {
    Err err = {0};
    CliServerState state;
    if (call->argc > 0) {
        return cli_misuse("env", "unknown argument %s", call->argv[0]);
    }
    const char *const *variables = variables_of(call, &state, &err);
    if (variables == NULL) {
        return cli_fail(&err);
    }
    for (size_t i = 0; variables[i] != NULL; i++) {
        printf("export %s\n", variables[i]);
    }
    /* A profile or token of the user's own account must not mix with these. */
    puts("unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION");
    if (!state.is_running) {
        fprintf(stderr, "solder: no server runs over this home directory yet: start one with solder serve\n");
    }
    return CLI_OK;
}

/* aws on the PATH, else the one beside the Python that runs job scripts. */
static const char *aws_program(CliCall *call) {
    const char *path = getenv("PATH");
    for (const char *at = path; at != NULL && *at != '\0';) {
        const char *end = strchrnul(at, ':');
        Str candidate = str_fmt(call->arena, "%.*s/aws", (int)(end - at), at);
        if (end > at && access(candidate.data, X_OK) == 0) {
            return candidate.data;
        }
        at = *end == ':' ? end + 1 : end;
    }
    const char *python = getenv("SOLDER_PYTHON");
    python = python != NULL && python[0] != '\0' ? python : call->host->python;
    const char *slash = strrchr(python, '/');
    Str own = str_fmt(call->arena, "%.*s/aws", slash == NULL ? 1 : (int)(slash - python), slash == NULL ? "." : python);
    return access(own.data, X_OK) == 0 ? own.data : NULL;
}

static bool names_endpoint(const CliCall *call) {
    for (int i = 0; i < call->argc; i++) {
        if (strncmp(call->argv[i], "--endpoint-url", 14) == 0) {
            return true;
        }
    }
    return false;
}

/* aws emr create-default-roles reads the service's principal off the name of EMR's endpoint, which it never calls; it refuses an address. */
static bool makes_default_roles(const CliCall *call) {
    for (int i = 0; i + 1 < call->argc; i++) {
        if (strcmp(call->argv[i], "emr") == 0 && strcmp(call->argv[i + 1], "create-default-roles") == 0) {
            return true;
        }
    }
    return false;
}

int cmd_aws(CliCall *call) {
    Err err = {0};
    CliServerState state;
    const char *const *variables = variables_of(call, &state, &err);
    if (variables == NULL) {
        return cli_fail(&err);
    }
    const char *program = aws_program(call);
    if (program == NULL) {
        (void)err_set(&err, ERR_IO, "the AWS CLI (aws) is not on the PATH: install it with pip install awscli");
        return cli_fail(&err);
    }
    const char **argv = ARENA_ARRAY(call->arena, const char *, call->argc + 6);
    size_t argc = 0;
    argv[argc++] = program;
    if (!names_endpoint(call)) {
        /* Before 1.29 and 2.13 the AWS CLI does not look at AWS_ENDPOINT_URL, and would go to AWS itself. */
        argv[argc++] = "--endpoint-url";
        argv[argc++] = makes_default_roles(call) ? str_fmt(call->arena, "https://elasticmapreduce.%.*s.amazonaws.com", STR_ARG(state.region)).data
                                                 : str_to_c(call->arena, state.endpoint);
    }
    for (int i = 0; i < call->argc; i++) {
        argv[argc++] = call->argv[i];
    }
    if (!names_endpoint(call) && makes_default_roles(call)) {
        argv[argc++] = "--iam-endpoint";
        argv[argc++] = str_to_c(call->arena, state.endpoint);
    }
    if (unsetenv("AWS_PROFILE") != 0 || unsetenv("AWS_SESSION_TOKEN") != 0 || unsetenv("AWS_REGION") != 0) {
        (void)err_set(&err, ERR_INTERNAL, "cannot change the environment");
        return cli_fail(&err);
    }
    (void)fflush(stdout);
    (void)su_become(argv, variables, &err);
    return cli_fail(&err);
}
