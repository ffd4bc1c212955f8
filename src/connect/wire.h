/* connect/wire.h - protobuf messages in and out of bytes, safely.
 *
 * Used by every RPC. protobuf-c has no limit on nesting, so a hostile message could overflow the stack: cn_unpack walks the bytes first.
 * Invariant: an unpacked message lives in the arena and is never freed by itself.
 */
#ifndef SOLDER_CONNECT_WIRE_H
#define SOLDER_CONNECT_WIRE_H

#include "base/err.h"

#include <protobuf-c/protobuf-c.h>

/* Spark's own limits: spark.connect.grpc.marshallerRecursionLimit and maxInboundMessageSize. */
enum { CN_NESTING_MAX = 1024, CN_MESSAGE_MAX = 128 * 1024 * 1024 };

/* NULL and err set (SOLDER.BAD_REQUEST) when the bytes are no such message or nest too deep. */
void *cn_unpack(Arena *arena, const ProtobufCMessageDescriptor *type, Str bytes, Err *err);
Str cn_pack(Arena *arena, const ProtobufCMessage *message);

/* A field's bytes as text. */
#define CN_STR(field) ((Str){(const char *)(field).data, (field).len})

static inline ProtobufCBinaryData cn_bytes(Str s) {
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.data};
}

/* Sets an optional field of an outgoing message (has_FIELD and FIELD). */
#define CN_SET(message, field, value) ((message)->has_##field = 1, (message)->field = (value))

#endif
