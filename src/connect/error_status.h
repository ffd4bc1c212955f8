/* connect/error_status.h - an Err as the gRPC status that Spark Connect clients turn into their exceptions.
 *
 * The client reads grpc-status-details-bin: google.rpc.Status{13 INTERNAL, message, Any(google.rpc.ErrorInfo{reason, domain, metadata
 * classes, …})} and picks its exception from the Java class names in "classes".
 * Invariant: the code is never UNAVAILABLE (clients would retry for minutes); message and details agree.
 */
#ifndef SOLDER_CONNECT_ERROR_STATUS_H
#define SOLDER_CONNECT_ERROR_STATUS_H

#include "base/err.h"

typedef struct CnErrorStatus {
    Str message; /* "[CLASS] text", cut to Spark's 2,048 characters */
    Str details; /* the bytes of google.rpc.Status */
} CnErrorStatus;

CnErrorStatus cn_error_status(Arena *arena, const Err *err);
/* The Java exception class that an error class arrives as (spec/errors.tsv); unknown ones are SparkException. */
const char *cn_error_java(const char *code);
const char *cn_error_sqlstate(const char *code);

#endif
