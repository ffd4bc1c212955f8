/* daemon/run_record.h - what the operations of one engine came to, added up for the run's summary and progress.
 *
 * Filled by wire.c from connect/'s callbacks, read by cli/ through CliHost. Thread-safe. Invariant: counts of an operation are added once,
 * when it has ended well; a failed write adds no target.
 */
#ifndef SOLDER_DAEMON_RUN_RECORD_H
#define SOLDER_DAEMON_RUN_RECORD_H

#include "cli/cli.h"
#include "exec/exec.h"

typedef struct RunRecord RunRecord;

RunRecord *run_record_new(void);
void run_record_free(RunRecord *owned_record);
void run_record_add_counts(RunRecord *record, const ExCount *counts, size_t ncounts);
/* Metrics whose name is "solder:" and a JSON object (python/solder); others are the script's own and are left alone. */
void run_record_add_metrics(RunRecord *record, const ExMetric *metrics, size_t nmetrics);
void run_record_summary(RunRecord *record, Arena *arena, CliSummary *ret_summary);

#endif
