/* daemon/wire.h - puts the rooms together: what cli/ may ask of the engine (CliHost), over store/, exec/ and connect/. */
#ifndef SOLDER_DAEMON_WIRE_H
#define SOLDER_DAEMON_WIRE_H

#include "cli/cli.h"

/* See CliHost. */
CliEngine *wire_start(const CliEngineConfig *config, Err *err);
int wire_port(const CliEngine *engine);
void wire_progress(CliEngine *engine, CliProgress *ret_progress);
void wire_summary(CliEngine *engine, Arena *arena, CliSummary *ret_summary);
Str wire_scratch(const CliEngine *engine);
void wire_stop(CliEngine *owned_engine);

#endif
