/* cli/cli.h - the verbs of the program: one cmd_VERB.c each, listed in the table of verbs.c.
 *
 * Entered from daemon/main.c. A verb that needs the engine asks for it through CliHost, which daemon/wire.c implements, so that this
 * room knows neither DuckDB nor gRPC. Invariant: a verb returns the process's exit status: 0 done, 1 failed, 2 used wrongly,
 * or for `run` the script's own (128 + signal when a signal ended it).
 */
#ifndef SOLDER_CLI_CLI_H
#define SOLDER_CLI_CLI_H

#include "store/store.h"
#include "supervise/supervisor.h"

#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

typedef struct CliEngineConfig {
    Str home;
    Str host;       /* address to listen on */
    int port;       /* 0: any free one */
    Str memory;     /* "512MB"; empty: DuckDB's default */
    int threads;    /* 0: all */
} CliEngineConfig;

typedef struct CliEngine CliEngine;

typedef struct CliProgress {
    int64_t rows_read, bytes_read, bytes_total;
    int running; /* operations under way */
} CliProgress;

typedef struct CliFunctionCount {
    Str kind, site, code, way, why;
    int64_t rows, kept, raised, errors;
    Str raised_by; /* "ValueError 8" …; empty: none */
} CliFunctionCount;

typedef struct CliFileCount {
    bool is_target;
    Str shown, format;
    int64_t files, rows, bytes, malformed;
    Str first_malformed;
} CliFileCount;

typedef struct CliSummary {
    const CliFileCount *files;
    size_t nfiles;
    const CliFunctionCount *functions;
    size_t nfunctions;
} CliSummary;

/* What `solder serve` is told. */
typedef struct CliServeConfig {
    CliEngineConfig engine; /* home, memory, threads; port is Spark Connect's, -1: none */
    Str host;               /* address to listen on */
    int port;               /* the gateway's; 0: any free one */
    Str tls_certificate, tls_key, domain;
    int idle_seconds;
    Str account, region;
    bool no_auth, json_log;
    int max_runs;        /* job runs at once; 0: as many as cores */
    SuLimits run_limits; /* of each process of a run */
    int lifecycle_day;   /* seconds of a day of S3's lifecycle rules; 0: as long as a day is */
} CliServeConfig;

typedef struct CliServer CliServer;

typedef struct CliHost {
    CliEngine *(*start)(const CliEngineConfig *config, Err *err);
    int (*port)(const CliEngine *engine);
    void (*progress)(CliEngine *engine, CliProgress *ret_progress);
    void (*summary)(CliEngine *engine, Arena *arena, CliSummary *ret_summary);
    Str (*scratch)(const CliEngine *engine); /* a folder for files that the run needs: gone when the engine has stopped */
    void (*stop)(CliEngine *owned_engine);
    CliServer *(*serve)(const CliServeConfig *config, Err *err);
    int (*serve_port)(const CliServer *server);         /* the gateway's */
    int (*serve_connect_port)(const CliServer *server); /* -1: none */
    bool (*serve_is_own_authority)(const CliServer *server); /* clients must be told to trust its certificate */
    void (*serve_stop)(CliServer *owned_server);
    const char *version, *duckdb_version, *python, *python_path;
} CliHost;

/* What every verb gets: its own arguments begin at argv[0]. */
typedef struct CliCall {
    const CliHost *host;
    Arena *arena;
    Str home; /* --home, SOLDER_HOME, else the XDG data directory */
    int argc;
    char **argv;
} CliCall;

typedef struct CliVerb {
    const char *name;
    const char *summary; /* for solder --help */
    const char *help;    /* for solder VERB --help */
    int (*run)(CliCall *call);
} CliVerb;

int cli_main(const CliHost *host, int argc, char **argv);

int cmd_run(CliCall *call);
int cmd_connect(CliCall *call);
int cmd_catalog(CliCall *call);
int cmd_s3(CliCall *call);
int cmd_serve(CliCall *call);
int cmd_env(CliCall *call);
int cmd_aws(CliCall *call);
int cmd_key(CliCall *call);
int cmd_status(CliCall *call);
int cmd_version(CliCall *call);

/* ---- server_state.c ---- */

/* The server over a home directory as its lock file tells of it. */
typedef struct CliServerState {
    bool is_running;
    int64_t pid;
    Str endpoint; /* http://127.0.0.1:4566; the default one when no server runs */
    Str region;
    int64_t connect_port;
    bool no_auth;
    Str ca_bundle; /* what clients must trust: the server's own certificate; empty: nothing */
} CliServerState;

/* Takes the home's server lock, which lasts as long as the process; false with err set when another server has it. */
bool cli_server_lock(Arena *arena, Str home, int *ret_fd, Err *err);
bool cli_server_announce(int lock_fd, Arena *arena, const CliServerState *state, Err *err);
bool cli_server_state(Arena *arena, Str home, CliServerState *ret_state, Err *err);
/* The variables that point AWS's tools at the server: "NAME=value", NULL-terminated. */
const char *const *cli_aws_variables(StStore *store, Arena *arena, const CliServerState *state, Err *err);

/* ---- cmd_s3.c ---- */

bool cli_is_s3(const char *text);
/* The object's bytes, to read; -1 and err set. Path and lease live in the arena. */
int cli_s3_open(StStore *store, Arena *arena, const char *url, Err *err);
/* From where it stands to its end; what: the source, for messages. */
bool cli_copy_bytes(int from, int to, const char *what, Err *err);

/* ---- script_copy.c ---- */

/* The script s3://BUCKET/KEY, to read. */
bool cli_script_open(Str home, const char *url, int *ret_fd, Err *err);
/* The script's bytes as a file in a folder of its own below scratch. */
bool cli_script_copy(Arena *arena, int fd, const char *url, Str scratch, Str *ret_path, Err *err);

/* Prints "solder: message" (and nothing of Solder's inner codes but AWS's) to stderr; returns CLI_FAILED. */
int cli_fail(const Err *err);
/* Prints "solder VERB: message; see solder VERB --help"; returns CLI_USAGE. */
int cli_misuse(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* If argv[*at] is --name VALUE or --name=VALUE: takes it, moves *at behind it and returns true. A missing value is left for the caller:
 * *ret_value is then empty and *at at the end. */
bool cli_option(const CliCall *call, int *at, const char *name, Str *ret_value);

/* --home, --memory and --threads, which every verb with an engine takes. True when argv[*at] was one; false with err set when its value is
 * wrong, without when it is something else. */
bool cli_engine_option(const CliCall *call, int *at, CliEngineConfig *config, Err *err);

/* ---- render.c ---- */

/* 1234567 → "1,234,567". */
Str cli_count(Arena *arena, int64_t n);
/* 1536 → "1.5 KB" (powers of 1,000, as file managers and S3 show). */
Str cli_bytes(Arena *arena, int64_t n);

typedef enum CliColumnKind {
    CLI_TEXT,   /* may be cut */
    CLI_WHOLE,  /* text that is worth nothing when it is cut */
    CLI_NUMBER, /* to the right, and whole */
} CliColumnKind;

typedef struct CliColumn {
    const char *title;
    CliColumnKind kind;
} CliColumn;
/* A table with aligned columns, in display widths; cells: nrows × ncolumns. Text is cut, the longest first, to fit width (0: no limit). What would move a
 * terminal's cursor is a blank. */
void cli_print_table(FILE *out, Arena *arena, const CliColumn *columns, size_t ncolumns, const Str *cells, size_t nrows, int width);
/* Columns of the terminal, or 0 when the stream is not one. */
int cli_terminal_width(FILE *out);

/* ---- progress.c ---- */

/* One line with a bar, without a line end, fit for a terminal of that width. */
Str cli_progress_line(Arena *arena, const CliProgress *progress, double seconds, int width);
/* The table at the end of a run. */
void cli_print_summary(FILE *out, Arena *arena, const CliSummary *summary, double seconds, const char *outcome);

#endif
