/* service/run_output.h - what a job run prints becomes log events: one a line, in the log groups <prefix>/output and <prefix>/error.
 *
 * Used on the supervisor's thread only. Groups and streams are made with the first line. Invariants: what was taken is in the log store when ro_take
 * returns, but for the last line while it has no end; that one follows within about a second, whether it ends or not. Bytes that are no
 * UTF-8 become U+FFFD; a line that is longer than an event may be becomes several.
 */
#ifndef SOLDER_SERVICE_RUN_OUTPUT_H
#define SOLDER_SERVICE_RUN_OUTPUT_H

#include "store/logs.h"

typedef struct RunOutput RunOutput;

RunOutput *ro_new(StLogs *logs, Str group_prefix, Str stream);
void ro_take(RunOutput *output, bool is_stderr, Str bytes);
/* Logs lines without an end that have waited for a second; at_end: all. */
void ro_flush(RunOutput *output, bool at_end);
void ro_free(RunOutput *owned_output);

#endif
