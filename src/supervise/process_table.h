/* supervise/process_table.h - what /proc tells of processes: whose child, which group and session, since when, and of which task.
 *
 * Used by process.c and supervisor.c. A process started for a task carries SOLDER_TASK=<tag> in its environment, and so does what it starts,
 * whatever group or session that makes for itself. Invariant: a signal sent through here reaches the process that was looked at, or none.
 */
#ifndef SOLDER_SUPERVISE_PROCESS_TABLE_H
#define SOLDER_SUPERVISE_PROCESS_TABLE_H

#include "base/str.h"

#include <sys/types.h>

#define SU_TAG_VARIABLE "SOLDER_TASK"

typedef struct SuProcessInfo {
    pid_t pid, parent, group, session;
    char state; /* 'Z': ended, not reaped yet */
    int64_t start_ticks;
} SuProcessInfo;

/* false: there is no such process. */
bool su_process_info(pid_t pid, SuProcessInfo *ret_info);
/* Every process that can be seen; their number. */
size_t su_process_list(Arena *arena, const SuProcessInfo **ret_processes);

typedef enum SuTagAnswer {
    SU_TAG_NONE,   /* it has none, has ended, or may not be looked at */
    SU_TAG_FOUND,
    SU_TAG_UNKNOWN /* it is becoming another program, and has no environment for a moment: ask again */
} SuTagAnswer;
/* The tag in a process's environment; empty unless it is found. */
SuTagAnswer su_process_tag(Arena *arena, pid_t pid, Str *ret_tag);
void su_process_signal(const SuProcessInfo *process, int signal_number);

#endif
