/* aws/checksum.h - the digests of bodies: MD5 and SHA for ETags and signatures, and S3's additional checksums.
 *
 * Used by body.c. A set of digests is fed once with each piece. Source of the names and of CRC64NVME's polynomial: "Checking object integrity" of Amazon
 * S3's documentation.
 */
#ifndef SOLDER_AWS_CHECKSUM_H
#define SOLDER_AWS_CHECKSUM_H

#include "base/str.h"

typedef enum AwsDigest { AWS_MD5, AWS_SHA1, AWS_SHA256, AWS_CRC32, AWS_CRC32C, AWS_CRC64NVME, AWS_DIGEST_COUNT } AwsDigest;

typedef struct AwsDigests AwsDigests;

/* wanted: a bit (1 << AwsDigest) for each. NULL: no memory. */
AwsDigests *aws_digests_new(unsigned wanted);
void aws_digests_add(AwsDigests *digests, Str bytes);
/* The digest's bytes (big-endian for CRCs); borrowed. Empty: not wanted. Nothing may be added afterwards. */
Str aws_digests_get(AwsDigests *digests, AwsDigest which);
void aws_digests_free(AwsDigests *owned_digests);

/* The CRC of two pieces one behind the other, from those of the pieces (as aws_digests_get gives them) and the length of the second: no byte is read. false:
 * no CRC, or not of its length. */
bool aws_crc_join(Arena *arena, AwsDigest which, Str first, Str second, int64_t second_size, Str *ret_joined);

/* "crc32" …, as in the header x-amz-checksum-crc32; false: none that is known. */
bool aws_digest_named(Str name, AwsDigest *ret_digest);
Str aws_base64(Arena *arena, Str bytes);
/* false: not base64. */
bool aws_base64_decode(Arena *arena, Str text, Str *ret_bytes);

#endif
