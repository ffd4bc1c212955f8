/* err.h - the one error type. Functions that can fail return bool (or NULL) and take an Err * last.
 *
 * code is a stable name: a Spark error class ("UNRESOLVED_COLUMN.WITH_SUGGESTION"), an AWS error code
 * ("EntityNotFoundException") or one of Solder's own ("SOLDER.NOT_SUPPORTED"). spec/errors.tsv maps Spark classes to their
 * Java exception class and SQLSTATE. The message is what a user reads: what, where, what to do.
 * Invariant: the first error set is kept; setting a second one is ignored, so that the cause is what is reported.
 */
#ifndef SOLDER_BASE_ERR_H
#define SOLDER_BASE_ERR_H

#include "base/str.h"

#include <stdbool.h>

enum { ERR_CODE_MAX = 96, ERR_MESSAGE_MAX = 4096 };

typedef struct Err {
    bool is_set;
    char code[ERR_CODE_MAX];
    char message[ERR_MESSAGE_MAX]; /* cut on a UTF-8 boundary */
} Err;

#define ERR_NOT_SUPPORTED "SOLDER.NOT_SUPPORTED"
#define ERR_INTERNAL "SOLDER.INTERNAL"
#define ERR_IO "SOLDER.IO"
#define ERR_DISK_FULL "SOLDER.DISK_FULL"
#define ERR_CANCELLED "OPERATION_CANCELED"

/* Sets the error unless one is set; always returns false, so that a failing function can say: return err_set(...). */
bool err_set(Err *err, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts text in front of the message of a set error: where it happened ("reading s3://b/k: "). Returns false. */
bool err_prefix(Err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The code for what a system call of files left in errno: whether there was no room, which passes, or something else. */
const char *err_io_code(int error);
bool err_is(const Err *err, const char *code);
void err_clear(Err *err);

#endif
