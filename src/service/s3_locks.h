/* service/s3_locks.h - object lock as writes and reads of objects have it. See s3_locks.c. */
#ifndef SOLDER_SERVICE_S3_LOCKS_H
#define SOLDER_SERVICE_S3_LOCKS_H

#include "service/s3.h"

/* The lock that a write's headers ask for; the bucket must have object lock then. */
bool s3_lock_of_input(const SvServices *services, AwsCall *call, StLock *ret_lock, Err *err);
/* In the headers of GetObject and HeadObject. */
void s3_show_lock(AwsCall *call, const StLock *lock);
/* An upload's, from its beginning to its end. */
void s3_lock_into_meta(AwsCall *call, const StLock *lock, yyjson_mut_val *meta);
StLock s3_lock_out_of_meta(yyjson_mut_val *meta);

#endif
