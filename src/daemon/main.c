/* main.c - the program: hands the command line to cli/ with the rooms wired together. */
#include "daemon/serve.h"
#include "daemon/wire.h"
#include "gen/build_info.h"

static const CliHost HOST = {.start = wire_start,
                             .port = wire_port,
                             .progress = wire_progress,
                             .summary = wire_summary,
                             .scratch = wire_scratch,
                             .stop = wire_stop,
                             .serve = serve_start,
                             .serve_port = serve_port,
                             .serve_connect_port = serve_connect_port,
                             .serve_is_own_authority = serve_is_own_authority,
                             .serve_stop = serve_stop,
                             .version = SOLDER_VERSION,
                             .duckdb_version = SOLDER_DUCKDB_VERSION,
                             .python = SOLDER_PYTHON_DEFAULT,
                             .python_path = SOLDER_PYTHONPATH_DEFAULT};

int main(int argc, char **argv) {
    return cli_main(&HOST, argc, argv);
}
