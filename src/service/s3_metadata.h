/* service/s3_metadata.h - what S3 keeps of an object beside its bytes: headers, x-amz-meta-*, checksums, tags.
 *
 * Used by s3_objects.c, s3_list.c, s3_multipart.c, s3_tagging.c. The stored form is JSON whose members have the names of the GetObject output, so that
 * showing is copying, and of a multipart upload "PartSizes" and "PartChecksums". Invariant: what is stored passed S3's limits.
 */
#ifndef SOLDER_SERVICE_S3_METADATA_H
#define SOLDER_SERVICE_S3_METADATA_H

#include "aws/checksum.h"
#include "service/s3.h"

/* A new object of doc with what the request says of headers and x-amz-meta-*. NULL with err set. */
yyjson_mut_val *s3_meta_of_input(AwsCall *call, Err *err);
/* Stored text of it; SOLDER.INTERNAL can't happen for what s3_meta_of_input let pass. */
bool s3_meta_text(AwsCall *call, const yyjson_mut_val *meta, Str *ret_text, Err *err);
/* The stored object of an object's meta, in the call's doc; an empty one when it has none. */
yyjson_mut_val *s3_meta_read(AwsCall *call, Str meta);

/* Puts headers and x-amz-meta-* into GetObject's output. */
void s3_meta_show(AwsCall *call, yyjson_mut_val *meta, yyjson_mut_val *output);
/* Puts the checksums and their type. */
void s3_meta_show_checksums(AwsCall *call, yyjson_mut_val *meta, yyjson_mut_val *output);
void s3_meta_drop_checksums(yyjson_mut_val *meta);
/* Copies checksums and part sizes of one stored object to another: of a copy, whose bytes are the same. */
void s3_meta_keep_bytes(AwsCall *call, yyjson_mut_val *from, yyjson_mut_val *to);

/* What S3 computes of what comes without a checksum. */
static const Str S3_DEFAULT_CHECKSUM = {"crc64nvme", 9};

/* The checksum of the whole that was uploaded: the client's, or else S3's own. */
void s3_meta_put_uploaded(AwsCall *call, yyjson_mut_val *meta);
/* "ChecksumCRC32" of "crc32". */
Str s3_checksum_member(Arena *arena, Str algorithm);
/* "CRC32" of the first checksum that is there; empty: none. */
Str s3_meta_algorithm(yyjson_mut_val *meta);
/* The digests of a file's bytes. NULL with err set; the caller frees it. */
AwsDigests *s3_digest_file(Str path, int64_t offset, int64_t size, unsigned wanted, Err *err);

/* "a=b&c=d" of the header x-amz-tagging as the stored TagSet; empty text when there are none. */
bool s3_tags_of_header(AwsCall *call, Str header, Str *ret_tags, Err *err);
/* Of a bucket: more of them. */
bool s3_tags_of_bucket(AwsCall *call, yyjson_val *tag_set, Str *ret_tags, Err *err);
bool s3_tags_of_set(AwsCall *call, yyjson_val *tag_set, Str *ret_tags, Err *err);

#endif
