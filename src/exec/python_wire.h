/* exec/python_wire.h - what goes over the pipes between the engine and a Python worker (python/solder/worker.py is the other end).
 *
 * To the worker: frames of a kind, a length and bytes: SETUP (JSON), COMMAND (a pickled function, one for each), PART; behind PART an Arrow IPC
 * stream, unframed, to its end-of-stream mark. From the worker: for each part ARROW frames that together are an Arrow IPC stream, then PART_END; or
 * ERROR (JSON) at any time. Invariant: each side reads exactly what the other wrote, so a worker is as good as new after a PART_END.
 */
#ifndef SOLDER_EXEC_PYTHON_WIRE_H
#define SOLDER_EXEC_PYTHON_WIRE_H

#include "base/err.h"
#include "plan/typed.h"

#include <nanoarrow/nanoarrow_ipc.h>

typedef enum ExFrame { EX_FRAME_SETUP = 1, EX_FRAME_COMMAND = 2, EX_FRAME_PART = 3, EX_FRAME_ARROW = 11, EX_FRAME_PART_END = 12, EX_FRAME_ERROR = 13 } ExFrame;

bool ex_wire_send(int fd, ExFrame kind, const void *bytes, size_t size, Err *err);
/* An output stream that writes to fd. */
ArrowErrorCode ex_wire_output(struct ArrowIpcOutputStream *ret_stream, int *borrowed_fd);

/* The Arrow stream of one part, out of a worker's frames. */
typedef struct ExWireIn {
    int fd;
    uint64_t left; /* bytes of the current ARROW frame */
    bool is_ended;
    Err err; /* what the worker reported, or that it is gone */
} ExWireIn;

void ex_wire_input(struct ArrowIpcInputStream *ret_stream, ExWireIn *borrowed_in);
/* Reads up to PART_END. */
bool ex_wire_finish(ExWireIn *in, Err *err);

/* The Arrow schema that a Python function sees: Spark's names and types. */
bool ex_wire_schema(Arena *arena, const TyAttr *columns, size_t ncolumns, Str time_zone, struct ArrowSchema *ret_schema, Err *err);

#endif
