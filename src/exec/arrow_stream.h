/* exec/arrow_stream.h - an Arrow IPC stream in memory, as a client sends it, to Arrow arrays.
 *
 * Used by arrow_input.c for the rows and by connect/ for their types. Invariant: no byte behind the given ones is read, and no memory is asked for
 * that the sizes in the stream only claim: nanoarrow's reader trusts the sizes of messages and that their parts are there, so both are checked
 * before it sees any.
 */
#ifndef SOLDER_EXEC_ARROW_STREAM_H
#define SOLDER_EXEC_ARROW_STREAM_H

#include "base/err.h"

#include <nanoarrow/nanoarrow.h>

/* Both are the caller's to release; the bytes are borrowed until the stream is. Code SOLDER.ARROW_DATA. */
bool ex_arrow_stream_open(Str borrowed_ipc, struct ArrowArrayStream *ret_stream, struct ArrowSchema *ret_schema, Err *err);

#endif
