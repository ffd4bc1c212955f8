/* supervise/supervisor.h - every process that the server runs: job runs, Spark daemons, steps. One thread watches them all.
 *
 * Used by service/ and daemon/. A task is one process that leads a session of its own, and all that it starts: what leaves its group or
 * session is known by SOLDER_TASK in its environment (the server becomes a subreaper, so that orphans stay below it).
 * Invariants: a started task's on_exit is called exactly once, on the supervisor's thread, after its process is reaped, its pipes are read to
 * their end and nothing that it started is left (TERM, then KILL after the grace); nothing here is durable: whoever starts a task records it
 * before (SuIdentity) and settles it in on_exit. Callbacks run without any lock of the supervisor's and may call everything but
 * su_supervisor_free; they hold up every other task, so they don't wait.
 */
#ifndef SOLDER_SUPERVISE_SUPERVISOR_H
#define SOLDER_SUPERVISE_SUPERVISOR_H

#include "supervise/process.h"

#include <stdint.h>

typedef struct SuSupervisor SuSupervisor;
typedef uint64_t SuTaskId; /* 0: none */

/* A process that can be recognised after a restart of the server: the pid alone may belong to another process by then. */
typedef struct SuIdentity {
    pid_t pid;
    int64_t start_ticks; /* /proc/PID/stat field 22; with the boot id it is unique */
} SuIdentity;

typedef struct SuLimits { /* 0: none; inherited by what the process starts */
    int64_t memory_bytes; /* RLIMIT_AS: not for JVMs */
    int64_t processes, open_files, file_bytes;
} SuLimits;

/* Where the bytes of a stream go. Called on the supervisor's thread, in order, with what one read gave, and taken; false holds the pipe back
 * until su_resume (the process then blocks in write: back-pressure). NULL: the stream goes where SuCommand's fd says. */
typedef bool (*SuSink)(void *self, bool is_stderr, Str bytes);

typedef struct SuExit {
    int status;         /* as a shell has it; -1: an adopted process, whose status only its parent could learn */
    bool was_stopped;   /* su_stop was called */
    bool was_timed_out; /* its deadline passed */
} SuExit;

typedef struct SuTaskSpec {
    SuCommand command;
    const char *working_directory; /* NULL: the server's */
    SuLimits limits;
    int64_t deadline_ms; /* 0: none; from the start. Then it is stopped, and was_timed_out says so */
    int grace_ms;        /* between TERM and KILL */
    SuSink sink;
    void (*on_exit)(void *self, const SuExit *exit);
    void *self;
} SuTaskSpec;

SuSupervisor *su_supervisor_new(Err *err);
/* Ends every task that does not outlive the server (see su_task_release), as su_task_stop does, with its on_exit; then frees everything. Pipes
 * that are held back are read to their end, and calls of su_after that are not due are dropped. */
void su_supervisor_free(SuSupervisor *owned_supervisor);

/* 0 with err set when it can't be started; on_exit is then not called. From any thread; the process's parent is a thread that lives as long as
 * the supervisor (PR_SET_PDEATHSIG). on_exit may come before this returns: a caller that holds a lock which its on_exit takes is safe. */
SuTaskId su_task_start(SuSupervisor *supervisor, const SuTaskSpec *spec, SuIdentity *ret_identity, Err *err);
/* Watches a process of an earlier server: its on_exit comes as for any other, with status -1. false: it is gone, or another has its pid. Of the
 * spec, the deadline (from now), the grace and the callbacks count. */
bool su_task_adopt(SuSupervisor *supervisor, const SuIdentity *identity, const SuTaskSpec *spec, SuTaskId *ret_task);
/* TERM to its group now, KILL after its grace. May be called from any thread; on_exit tells the end. */
void su_task_stop(SuSupervisor *supervisor, SuTaskId task);
void su_task_signal(SuSupervisor *supervisor, SuTaskId task, int signal_number);
void su_resume(SuSupervisor *supervisor, SuTaskId task);
/* Forgets a task without ending it: it outlives the server, and its callbacks are not called once this returned (so no lock that they take may
 * be held). A task with a sink can't write any more then. */
void su_task_release(SuSupervisor *supervisor, SuTaskId task);

/* Calls back on the supervisor's thread after delay_ms, once. */
void su_after(SuSupervisor *supervisor, int64_t delay_ms, void (*call)(void *self), void *self);

/* Ends what an earlier server left of a task, by its process's identity: the process, its group and session, and whatever carries its tag.
 * When the process itself is gone, only what is left in its group and carries a tag. Another process that has its pid is not touched.
 * Returns when they have ended. */
void su_end_stale(const SuIdentity *identity, int grace_ms);

#endif
