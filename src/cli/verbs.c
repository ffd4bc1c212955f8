/* verbs.c - the table of verbs, help, and what they share in reading their arguments. See cli.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const CliVerb VERBS[] = {
    {"run", "run a Glue or PySpark script",
     "Usage: solder run [options] SCRIPT.py|s3://BUCKET/SCRIPT.py [script's arguments]\n\n"
     "Runs the script on the embedded engine: services and engine start in this process, over the home\n"
     "directory. Prints the script's output, progress, and a summary; exits with the script's status.\n\n"
     "Options (before the script):\n"
     "  --home DIR        home directory: catalog, buckets\n"
     "  --memory SIZE     the engine's memory, e.g. 512MB; beyond it sorts and joins spill to disk\n"
     "  --threads N       the engine's threads (default: all cores)\n"
     "  --quiet           no progress, no summary\n\n"
     "Arguments after the script are the script's own: solder run job.py --JOB_NAME nightly\n",
     cmd_run},
    {"serve", "serve the AWS APIs: S3, Glue, EMR, CloudWatch Logs, STS, IAM",
     "Usage: solder serve [options]\n\n"
     "Serves until interrupted: one port for all services, one for Spark Connect. Logs one line a request on\n"
     "standard error. solder env and solder aws, in another terminal, find it by its home directory.\n\n"
     "Options:\n"
     "  --port N           default 4566; 0 takes a free one\n"
     "  --connect-port N   Spark Connect, default 15002; 0 takes a free one, -1 serves none\n"
     "  --host ADDRESS     default 127.0.0.1; anything else opens the gateway to the network (not Spark Connect)\n"
     "  --tls-cert FILE, --tls-key FILE\n"
     "                     HTTPS with this certificate (and its chain) and key, in PEM form\n"
     "  --domain NAME      a name of this machine's: buckets answer at BUCKET.NAME, too, as at BUCKET.localhost\n"
     "  --idle-timeout S   seconds until a connection ends on which nothing moves, a request's headers trickle in, or a body\n"
     "                     comes at less than 1 KB/s, default 60\n"
     "  --account ID       AWS account id in ARNs, default 000000000000\n"
     "  --region NAME      default us-east-1\n"
     "  --lifecycle-day S  to try lifecycle rules of buckets: a day that lasts S seconds\n"
     "  --max-runs N       Glue job runs at once, default one a core; others wait\n"
     "  --run-memory SIZE  memory of each process of a run, default the machine's; its engine gets three quarters of it (by\n"
     "                     default of the machine's, divided by --max-runs) and spills beyond\n"
     "  --run-processes N, --run-files N, --run-file-size SIZE\n"
     "                     most processes of the user while a run starts more (default 4096), open files of each (default\n"
     "                     65536), largest file (default any)\n"
     "  --no-auth          takes any credentials and none: for test suites\n"
     "  --log-format FORM  text (default) or json\n"
     "  --home DIR, --memory SIZE, --threads N: as for solder run\n",
     cmd_serve},
    {"env", "print the shell variables that point AWS's tools at the server",
     "Usage: eval \"$(solder env)\"\n\n"
     "Prints AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION for the server that\n"
     "runs over the home directory, or for the default address when none does; AWS_CA_BUNDLE when its certificate is\n"
     "self-signed.\n",
     cmd_env},
    {"aws", "run the AWS CLI against the server",
     "Usage: solder aws ARGUMENTS...\n\n"
     "Runs the installed AWS CLI (aws on the PATH, else Solder's own) with the variables of solder env:\n"
     "solder aws s3 ls; solder aws glue get-databases.\n",
     cmd_aws},
    {"key", "create, list and delete access keys",
     "Usage: solder key create NAME\n"
     "       solder key list\n"
     "       solder key delete NAME|ACCESS_KEY_ID\n\n"
     "The keys stand in the home directory's file credentials, in the format of the AWS SDKs' credentials file.\n"
     "A server's first start makes the key \"default\".\n",
     cmd_key},
    {"status", "show what runs: server, job runs, clusters, steps",
     "Usage: solder status\n\n"
     "Job runs under way with what they have read, those that wait with their place in the queue, clusters with the workers that run and "
     "the\n"
     "master's URL, and steps. A terminal shows what fits its width; a pipe gets everything.\n",
     cmd_status},
    {"connect", "serve the engine to Spark Connect clients",
     "Usage: solder connect [--host ADDRESS] [--port N] [--memory SIZE] [--threads N]\n\n"
     "Serves Spark Connect until interrupted: SparkSession.builder.remote(\"sc://127.0.0.1:N\").\n\n"
     "Options:\n"
     "  --port N          default 15002; 0 takes a free one, which is printed\n"
     "  --host ADDRESS    default 127.0.0.1; anything else opens the engine to the network, unauthenticated\n",
     cmd_connect},
    {"catalog", "import, export and list databases, tables and partitions",
     "Usage: solder catalog import FILE.json...\n"
     "       solder catalog export\n"
     "       solder catalog list\n\n"
     "import takes the AWS API's JSON: what the AWS CLI's --cli-input-json takes for create-database, create-table,\n"
     "create-partition and batch-create-partition, what get-databases, get-tables and get-partitions print, and what\n"
     "export prints. An entity that exists is replaced.\n",
     cmd_catalog},
    {"s3", "make buckets; copy, list and remove objects",
     "Usage: solder s3 mb s3://BUCKET\n"
     "       solder s3 rb s3://BUCKET\n"
     "       solder s3 cp SOURCE TARGET        one of them, or both, s3://BUCKET/KEY; - is standard input or output\n"
     "       solder s3 ls [s3://BUCKET[/PREFIX]] [--recursive]\n"
     "       solder s3 rm s3://BUCKET/KEY [--recursive]\n",
     cmd_s3},
    {"version", "print versions", "Usage: solder version\n", cmd_version},
};

enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

static void print_help(FILE *out) {
    fputs("solder: AWS Glue and Amazon EMR on your own machine.\n\nUsage: solder [--home DIR] VERB ...\n\n", out);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", VERBS[i].name, VERBS[i].summary);
    }
    fputs("\nsolder VERB --help tells more. The home directory is --home, SOLDER_HOME, or $XDG_DATA_HOME/solder\n"
          "(~/.local/share/solder).\n",
          out);
}

int cli_fail(const Err *err) {
    bool is_inner = strncmp(err->code, "SOLDER.", 7) == 0;
    fprintf(stderr, "solder: %s%s%s\n", is_inner ? "" : err->code, is_inner ? "" : ": ", err->message);
    return CLI_FAILED;
}

int cli_misuse(const char *verb, const char *fmt, ...) {
    fprintf(stderr, "solder %s: ", verb);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "; see solder %s --help\n", verb);
    return CLI_USAGE;
}

bool cli_option(const CliCall *call, int *at, const char *name, Str *ret_value) {
    const char *arg = call->argv[*at];
    size_t len = strlen(name);
    if (strncmp(arg, name, len) != 0 || (arg[len] != '\0' && arg[len] != '=')) {
        return false;
    }
    *ret_value = str_from_c(arg[len] == '=' ? arg + len + 1 : call->argv[*at + 1]);
    *at += arg[len] == '=' || call->argv[*at + 1] == NULL ? 1 : 2;
    return true;
}

static Str default_home(Arena *arena) {
    const char *home = getenv("SOLDER_HOME");
    if (home != NULL && home[0] != '\0') {
        return str_from_c(home);
    }
    const char *data = getenv("XDG_DATA_HOME");
    if (data != NULL && data[0] == '/') {
        return str_fmt(arena, "%s/solder", data);
    }
    const char *user = getenv("HOME");
    return user == NULL ? STR("") : str_fmt(arena, "%s/.local/share/solder", user);
}

static int call_verb(CliCall *call, const CliVerb *verb) {
    if (call->argc > 0 && (strcmp(call->argv[0], "--help") == 0 || strcmp(call->argv[0], "-h") == 0)) {
        fputs(verb->help, stdout);
        return CLI_OK;
    }
    return verb->run(call);
}

int cli_main(const CliHost *host, int argc, char **argv) {
    Arena *arena = arena_new();
    CliCall call = {.host = host, .arena = arena, .home = default_home(arena), .argc = argc, .argv = argv};
    int at = 1;
    int status = CLI_USAGE;
    while (at < argc && cli_option(&call, &at, "--home", &call.home)) {
    }
    if (at >= argc) {
        print_help(stderr);
    } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "help") == 0) {
        print_help(stdout);
        status = CLI_OK;
    } else {
        const char *name = strcmp(argv[at], "--version") == 0 ? "version" : argv[at];
        const CliVerb *verb = NULL;
        for (size_t i = 0; i < VERB_COUNT && verb == NULL; i++) {
            verb = strcmp(VERBS[i].name, name) == 0 ? &VERBS[i] : NULL;
        }
        call.argc = argc - at - 1;
        call.argv = argv + at + 1;
        if (verb != NULL) {
            status = call_verb(&call, verb);
        } else {
            fprintf(stderr, "solder: no verb %s; see solder --help\n", name);
        }
    }
    arena_free(arena);
    return status;
}
