/* service/s3_uploads.h - where the gateway puts bodies that stream in: objects' and parts'. In s3_multipart.c.
 *
 * Invariant: asked behind the check of the signature, where the headers carry it, and before the handler: an upload that is not there is the handler's
 * to refuse.
 */
#ifndef SOLDER_SERVICE_S3_UPLOADS_H
#define SOLDER_SERVICE_S3_UPLOADS_H

#include "aws/aws.h"

/* AwsConfig.place_upload; services is SvServices. */
bool sv_s3_place_upload(void *services, Arena *arena, const AwsComingUpload *coming, AwsUpload *ret_upload, Err *err);

#endif
