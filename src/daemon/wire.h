/* daemon/wire.h - puts the rooms together: what cli/ may ask of the engine (CliHost), over store/, exec/ and connect/. */
#ifndef SOLDER_DAEMON_WIRE_H
#define SOLDER_DAEMON_WIRE_H

#include "cli/cli.h"

extern const CliHost WIRE_HOST;

#endif
