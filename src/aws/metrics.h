/* aws/metrics.h - the gateway's counters, as /metrics shows them in Prometheus' text format.
 *
 * Used by server.c. Invariant: counters only grow; adding takes no lock.
 */
#ifndef SOLDER_AWS_METRICS_H
#define SOLDER_AWS_METRICS_H

#include "aws/model.h"

typedef struct AwsCounters AwsCounters;

/* NULL: no memory. */
AwsCounters *aws_counters_new(void);
void aws_counters_free(AwsCounters *owned_counters);
/* operation NULL: one that is not known, or a request before its operation was. */
void aws_count(AwsCounters *counters, const AwsOperation *operation, int status, double seconds);
Str aws_counters_text(const AwsCounters *counters, Arena *arena);

#endif
