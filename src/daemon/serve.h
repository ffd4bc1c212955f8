/* daemon/serve.h - what `solder serve` runs: store, supervisor, services, gateway and engine put together. */
#ifndef SOLDER_DAEMON_SERVE_H
#define SOLDER_DAEMON_SERVE_H

#include "cli/cli.h"

/* See CliHost. */
CliServer *serve_start(const CliServeConfig *config, Err *err);
int serve_port(const CliServer *server);
int serve_connect_port(const CliServer *server);
bool serve_is_own_authority(const CliServer *server);
void serve_stop(CliServer *owned_server);

#endif
