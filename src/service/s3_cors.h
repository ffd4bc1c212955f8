/* service/s3_cors.h - the gateway's question about CORS (AwsConfig.cors). See s3_cors.c. */
#ifndef SOLDER_SERVICE_S3_CORS_H
#define SOLDER_SERVICE_S3_CORS_H

#include "service/service.h"

/* true: a rule of the bucket fits. self is the SvServices. Text lives in the arena. */
bool sv_s3_cors(void *self, Arena *arena, const AwsCorsQuestion *question, AwsCorsAnswer *ret_answer);

#endif
