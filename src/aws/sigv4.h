/* aws/sigv4.h - AWS Signature Version 4: who signed a request, and whether the signature holds.
 *
 * Used by server.c before (S3) or after (JSON, query) the body is read, and by body.c for signed chunks. Source: "Signature Version 4 signing process" of the
 * AWS documentation and "Authenticating Requests (AWS Signature Version 4)" of Amazon S3's. Invariant: secrets and signatures are compared in
 * constant time; a request without a valid signature never reaches a handler unless the server runs with --no-auth.
 */
#ifndef SOLDER_AWS_SIGV4_H
#define SOLDER_AWS_SIGV4_H

#include "aws/request.h"

enum { AWS_HASH_SIZE = 32, AWS_HEX_SIZE = 64 };

/* What the signatures of a body's chunks go on from. */
typedef struct AwsSigned {
    unsigned char key[AWS_HASH_SIZE];
    Str date, scope;                 /* 20240102T030405Z, 20240102/us-east-1/s3/aws4_request */
    char signature[AWS_HEX_SIZE + 1]; /* the one before; body.c moves it on */
} AwsSigned;

/* Finds the key and checks the signature. body_hash is the hex SHA-256 of the body where the body itself is signed (services that send no
 * x-amz-content-sha256), else it is not looked at. now: seconds since 1970. Error codes are those of the request's protocol. */
bool aws_authenticate(AwsRequest *request, const AwsConfig *config, Str body_hash, double now, Err *err);
/* What signs a POST form: the text of its policy, by the fields beside it. */
typedef struct AwsFormClaim {
    Str policy, algorithm, credential, signature, token;
    Str v2_key, v2_signature; /* the fields before version 4; empty: it is version 4 */
} AwsFormClaim;

bool aws_authenticate_form(AwsRequest *request, const AwsConfig *config, const AwsFormClaim *form, Err *err);
/* Whether the signature can only be checked with the body's hash. */
bool aws_signs_body(const AwsRequest *request);
/* The signature of one chunk, and of the trailer, of a signed chunked body; moves signing->signature on. false: it is wrong. */
bool aws_chunk_is_right(AwsSigned *signing, const unsigned char hash[AWS_HASH_SIZE], Str signature);
bool aws_trailer_is_right(AwsSigned *signing, const unsigned char hash[AWS_HASH_SIZE], Str signature);
void aws_hex(const unsigned char *bytes, size_t size, char *ret_text); /* 2 × size characters and a NUL */

#endif
