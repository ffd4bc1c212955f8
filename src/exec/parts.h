/* exec/parts.h - cutting a query by its scan's splits, and the workers that wait between queries.
 *
 * Used by write.c, python_pool.c and ordered.c. Invariant: a query is cut only when each of its rows comes from exactly one row of its only scan.
 */
#ifndef SOLDER_EXEC_PARTS_H
#define SOLDER_EXEC_PARTS_H

#include "exec/ex_internal.h"

/* The number of parts that the scope's query may be cut into, at most `most`; 0: it can't be cut. */
size_t ex_count_parts(ExScope *scope, size_t most);
/* The bytes of its scan. */
int64_t ex_scan_bytes(const ExScope *scope);

/* A worker process: one that waits, or a new one. */
bool ex_worker_take(ExEngine *engine, int *ret_to, int *ret_from, int64_t *ret_id, Err *err);
/* Gives it back after its last part. */
void ex_worker_keep(ExEngine *engine, int to, int from, int64_t id);
void ex_workers_end(ExEngine *engine);

#endif
