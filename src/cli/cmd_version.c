/* cmd_version.c - solder version. */
#include "cli/cli.h"

int cmd_version(CliCall *call) {
    printf("solder %s (Spark 3.5 semantics, DuckDB %s)\n", call->host->version, call->host->duckdb_version);
    return CLI_OK;
}
