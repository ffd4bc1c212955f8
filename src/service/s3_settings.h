/* service/s3_settings.h - documents that a bucket is told: who checks them, and who acts on them.
 *
 * Used by s3_settings.c, which keeps and answers them, s3_lifecycle.c, and the handlers that write objects.
 */
#ifndef SOLDER_SERVICE_S3_SETTINGS_H
#define SOLDER_SERVICE_S3_SETTINGS_H

#include "service/s3.h"

enum { S3_MOST_BUCKET_TAGS = 50 };

/* The operation's row: kept, dropped or answered. */
bool s3_serve_setting(SvServices *services, AwsCall *call, Err *err);

/* s3_lifecycle.c. Gives rules without an ID one. */
bool s3_check_lifecycle(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);

/* s3_settings_checks.c */
bool s3_check_website(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);
bool s3_check_logging(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);
bool s3_check_notifications(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);
bool s3_check_acceleration(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);
bool s3_check_replication(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);

/* The thread that applies the rules; services->lifecycle_day says how many seconds a day has. */
typedef struct S3Lifecycle S3Lifecycle;
/* Before the gateway listens: whether any bucket has rules. */
bool s3_lifecycle_open(SvServices *services, Err *err);
S3Lifecycle *s3_lifecycle_start(SvServices *services, Err *err);
void s3_lifecycle_stop(S3Lifecycle *lifecycle); /* NULL is allowed */
/* Expiration of the answer: when a rule will delete the object, which is the newest version of its key, and which rule. */
bool s3_put_expiration(SvServices *services, AwsCall *call, const StObject *object, Err *err);

/* The encryption that the request or else the bucket asks for, in an object's metadata and in the answer. Bytes stay as they are on disk: the headers are
 * echoed. */
bool s3_put_encryption(SvServices *services, AwsCall *call, yyjson_mut_val *meta, Err *err);
void s3_show_encryption(AwsCall *call, yyjson_mut_val *meta);

#endif
