/* exec/ordered.h - a query of one scan read by several threads, its rows in the order of the files.
 *
 * Used by operation.c: DuckDB gives a scan of ours that is to keep its order one thread. Each lane reads one part of the scan after the other by a
 * query of its own; the parts' batches come out in order. Invariant: what waits for its turn is bounded, but the part whose turn it is always goes on.
 */
#ifndef SOLDER_EXEC_ORDERED_H
#define SOLDER_EXEC_ORDERED_H

#include "exec/ex_internal.h"

#include <nanoarrow/nanoarrow.h>

/* *ret NULL: the query can't be cut, or is too small for it to pay. op's query is prepared. */
bool ex_ordered_open(ExOperation *op, ExOrdered **ret, Err *err);
bool ex_ordered_next(ExOrdered *ordered, struct ArrowArray *ret_batch, bool *ret_done, Err *err);
void ex_ordered_close(ExOrdered *owned_ordered);

#endif
