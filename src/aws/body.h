/* aws/body.h - a request's body on its way in: chunks taken off, hashed, into memory or a file.
 *
 * Used by server.c. Invariant: after aws_body_finish the bytes are what the client meant: as long as announced, with the SHA-256 that was signed, each
 * signed chunk checked, and Content-MD5 and x-amz-checksum-* equal to the bytes' own.
 */
#ifndef SOLDER_AWS_BODY_H
#define SOLDER_AWS_BODY_H

#include "aws/sigv4.h"

typedef struct AwsBody AwsBody;

enum { AWS_MOST_IN_MEMORY = 16 * 1024 * 1024 };

/* to_file: to where AwsConfig.place_upload says; else into the request's arena, up to AWS_MOST_IN_MEMORY. Borrows the request. */
AwsBody *aws_body_open(AwsRequest *request, const AwsConfig *config, bool to_file, Err *err);
bool aws_body_take(AwsBody *body, Str bytes, Err *err);
/* Puts request->body, or request->upload. */
bool aws_body_finish(AwsBody *body, Err *err);
/* The hex SHA-256 of what was taken (of a body in memory). */
Str aws_body_sha256(const AwsBody *body);
/* Ends it, and removes its file unless that was taken. NULL is allowed. */
void aws_body_close(AwsBody *owned_body);

#endif
