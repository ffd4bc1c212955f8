/* service/loopback_http.h - asks a Spark daemon on this machine: a GET over plain HTTP, and whether a port answers.
 *
 * Invariant: bounded in time and size; addresses are of the loopback range.
 */
#ifndef SOLDER_SERVICE_LOOPBACK_HTTP_H
#define SOLDER_SERVICE_LOOPBACK_HTTP_H

#include "base/str.h"

/* A port of the address that nothing listens on at this moment; 0: none. */
int lh_free_port(Str address);
bool lh_port_answers(Str address, int port);
/* The body of a 200 answer. */
bool lh_get(Arena *arena, Str address, int port, const char *path, Str *ret_body);

#endif
