/* supervise/marked.h - processes by a variable of their environment.
 *
 * Used by service/, which gives the processes of a cluster a variable that names it. Invariant: a process that inherited the variable is found,
 * whoever started it and whenever the server was killed; one that dropped its environment is not.
 */
#ifndef SOLDER_SUPERVISE_MARKED_H
#define SOLDER_SUPERVISE_MARKED_H

#include "supervise/supervisor.h"

/* All processes whose environment has exactly this "NAME=value", but this one. */
size_t su_list_marked(Arena *arena, Str variable, const SuIdentity **ret_processes);
/* Ends them: TERM, KILL after the grace. Returns when none is left, or KILL did not help for a while (then false). */
bool su_end_marked(Str variable, int grace_ms);

#endif
