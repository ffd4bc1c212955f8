/* aws/sigv2.h - URLs of S3 presigned with the signature before version 4, as `aws s3 presign` (version 1) and boto3 make them for us-east-1.
 *
 * Used by sigv4.c. Source: "Signing and authenticating REST requests" (version 2) of Amazon S3's documentation. Nothing but presigned URLs
 * and the policies of POST forms is taken in this form.
 */
#ifndef SOLDER_AWS_SIGV2_H
#define SOLDER_AWS_SIGV2_H

#include "aws/request.h"

/* Whether the request is a URL of this kind. */
bool aws_is_v2(const AwsRequest *request);
/* The signature in base64 that the URL must carry. */
bool aws_v2_signature(const AwsRequest *request, Str secret, Str *ret_signature, Err *err);
/* The same of any text: a form's policy. */
bool aws_v2_sign(Arena *arena, Str secret, Str text, Str *ret_signature, Err *err);

#endif
