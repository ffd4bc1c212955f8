/* supervise/process.h - child processes: start, watch, end. The only room that makes processes.
 *
 * Used by cli/ (the script of `solder run`) and, through a function pointer, by exec/ (Python workers). Every child leads a process group
 * of its own, so that what it starts ends with it. Spawning is by posix_spawn: the process has gRPC threads, in which fork is not safe.
 * Invariant: a child that was started is either reaped by su_wait/su_try_wait or ended and reaped by su_end.
 */
#ifndef SOLDER_SUPERVISE_PROCESS_H
#define SOLDER_SUPERVISE_PROCESS_H

#include "base/err.h"

#include <sys/types.h>

typedef struct SuCommand {
    const char *const *argv;        /* NULL-terminated; argv[0] is looked up in PATH when it has no slash */
    const char *const *extra_env;   /* NULL-terminated "NAME=value", in front of the parent's environment; may be NULL */
    int stdin_fd, stdout_fd, stderr_fd; /* -1: stdin is empty, stdout and stderr are the parent's */
} SuCommand;

typedef struct SuProcess {
    pid_t pid; /* also the process group; 0: none or reaped */
    int pidfd; /* readable when the process has ended; -1: none */
} SuProcess;

bool su_start(const SuCommand *command, SuProcess *ret_process, Err *err);
/* The same as the leader of a session of its own, in a working directory (NULL: the parent's). Its orphans are then told from other children
 * of a subreaper by their session. */
bool su_start_session(const SuCommand *command, const char *working_directory, SuProcess *ret_process, Err *err);
/* false while it runs. Status as a shell has it: exit code, or 128 + signal. */
bool su_try_wait(SuProcess *process, int *ret_status);
/* Sends the signal to the whole group; no error when it is gone already. */
void su_signal(const SuProcess *process, int signal_number);
/* TERM, then KILL after grace_ms, to the whole group; reaps. Returns the status. */
int su_end(SuProcess *process, int grace_ms);
/* Becomes another program: argv and extra_env as in SuCommand. Returns only when that fails. */
bool su_become(const char *const *argv, const char *const *extra_env, Err *err);
/* Makes this process the parent of orphaned grandchildren, so that su_reap_orphans can end them. */
bool su_become_subreaper(Err *err);
/* Kills and reaps every remaining child of this process; returns their number. Call at the end of a run. */
int su_end_orphans(void);

#endif
