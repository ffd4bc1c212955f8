/* kernels/kernels.h - Spark's functions, vectorised, registered into DuckDB through its C API.
 *
 * Called by exec/ when the engine starts, and before it prepares a query. Invariant: a kernel computes Spark 3.5's value with ANSI off for
 * every input, nulls included; an error it raises reads "CLASS: text", so that exec/ can give it Spark's error class.
 */
#ifndef SOLDER_KERNELS_KERNELS_H
#define SOLDER_KERNELS_KERNELS_H

#include "base/err.h"
#include "base/map.h"

#include <duckdb.h>

typedef struct KnSet KnSet;
struct KnFamily;

/* Registers every kernel of fixed types into the connection's database; the set remembers what is registered. */
KnSet *kn_set_new(duckdb_connection connection, Err *err);
void kn_set_free(KnSet *owned_set);
/* More families than those of kernels/: exec/'s own, which need its readers and writers (kn_call.h says how a kernel is written). Before the first
 * kn_set_require; the rows are constants. */
void kn_set_add(KnSet *set, const struct KnFamily *rows);
/* Registers an instance of a generic kernel (LoKernel) unless it is there. Thread-safe. */
bool kn_set_require(KnSet *set, duckdb_connection connection, Str family, Str type, Str name, Err *err);

#endif
