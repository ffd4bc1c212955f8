/* checksum.c - see checksum.h. */
#include "aws/checksum.h"

#include "aws/crc.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { HASHES = AWS_CRC32, CRCS = AWS_DIGEST_COUNT - AWS_CRC32 };

struct AwsDigests {
    unsigned wanted;
    EVP_MD_CTX *hashes[HASHES]; /* MD5, SHA-1, SHA-256 */
    uint64_t crcs[CRCS];
    unsigned char result[AWS_DIGEST_COUNT][EVP_MAX_MD_SIZE];
    unsigned lengths[AWS_DIGEST_COUNT];
};

static const AwsCrcKind CRC_KINDS[CRCS] = {AWS_OF_CRC32, AWS_OF_CRC32C, AWS_OF_CRC64NVME};

static bool wants(const AwsDigests *digests, AwsDigest which) {
    return (digests->wanted & (1u << which)) != 0;
}

AwsDigests *aws_digests_new(unsigned wanted) {
    AwsDigests *digests = calloc(1, sizeof *digests);
    if (digests == NULL) {
        return NULL;
    }
    digests->wanted = wanted;
    const EVP_MD *kinds[HASHES] = {EVP_md5(), EVP_sha1(), EVP_sha256()};
    for (size_t i = 0; i < HASHES; i++) {
        if ((wanted & (1u << i)) == 0) {
            continue;
        }
        digests->hashes[i] = EVP_MD_CTX_new();
        if (digests->hashes[i] == NULL || EVP_DigestInit_ex(digests->hashes[i], kinds[i], NULL) != 1) {
            aws_digests_free(digests);
            return NULL;
        }
    }
    return digests;
}

void aws_digests_add(AwsDigests *digests, Str bytes) {
    for (size_t i = 0; i < HASHES; i++) {
        if (digests->hashes[i] != NULL) {
            (void)EVP_DigestUpdate(digests->hashes[i], bytes.data, bytes.len); /* of an open context: can't fail */
        }
    }
    for (size_t i = 0; i < CRCS; i++) {
        if ((digests->wanted & (1u << (HASHES + i))) != 0) {
            digests->crcs[i] = aws_crc_add(CRC_KINDS[i], digests->crcs[i], bytes);
        }
    }
}

static unsigned put_number(unsigned char *out, uint64_t number, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        out[i] = (unsigned char)(number >> (8 * (size - 1 - i)));
    }
    return size;
}

Str aws_digests_get(AwsDigests *digests, AwsDigest which) {
    if (!wants(digests, which)) {
        return STR("");
    }
    unsigned char *out = digests->result[which];
    if (digests->lengths[which] == 0) {
        switch (which) {
        case AWS_MD5:
        case AWS_SHA1:
        case AWS_SHA256:
            (void)EVP_DigestFinal_ex(digests->hashes[which], out, &digests->lengths[which]);
            break;
        case AWS_CRC32:
        case AWS_CRC32C:
        case AWS_CRC64NVME: digests->lengths[which] = put_number(out, digests->crcs[which - HASHES], aws_crc_size(CRC_KINDS[which - HASHES])); break;
        case AWS_DIGEST_COUNT: break;
        }
    }
    return (Str){(const char *)out, digests->lengths[which]};
}

void aws_digests_free(AwsDigests *owned_digests) {
    for (size_t i = 0; owned_digests != NULL && i < HASHES; i++) {
        EVP_MD_CTX_free(owned_digests->hashes[i]);
    }
    free(owned_digests);
}

static uint64_t get_number(Str bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        number = number << 8 | (unsigned char)bytes.data[i];
    }
    return number;
}

bool aws_crc_join(Arena *arena, AwsDigest which, Str first, Str second, int64_t second_size, Str *ret_joined) {
    if (which < AWS_CRC32 || which >= AWS_DIGEST_COUNT || second_size < 0) {
        return false;
    }
    AwsCrcKind kind = CRC_KINDS[which - HASHES];
    unsigned size = aws_crc_size(kind);
    if (first.len != size || second.len != size) {
        return false;
    }
    unsigned char *out = arena_alloc(arena, size);
    (void)put_number(out, aws_crc_of_both(kind, get_number(first), get_number(second), (uint64_t)second_size), size);
    *ret_joined = (Str){(char *)out, size};
    return true;
}

bool aws_digest_named(Str name, AwsDigest *ret_digest) {
    static const char *const NAMES[] = {[AWS_MD5] = "md5",     [AWS_SHA1] = "sha1",     [AWS_SHA256] = "sha256",
                                        [AWS_CRC32] = "crc32", [AWS_CRC32C] = "crc32c", [AWS_CRC64NVME] = "crc64nvme"};
    for (size_t i = AWS_SHA1; i < AWS_DIGEST_COUNT; i++) {
        if (str_eq_nocase(name, str_from_c(NAMES[i]))) {
            *ret_digest = (AwsDigest)i;
            return true;
        }
    }
    return false;
}

Str aws_base64(Arena *arena, Str bytes) {
    unsigned char *text = arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1);
    int len = EVP_EncodeBlock(text, (const unsigned char *)bytes.data, (int)bytes.len);
    return (Str){(char *)text, (size_t)len};
}

bool aws_base64_decode(Arena *arena, Str text, Str *ret_bytes) {
    if (text.len == 0 || text.len % 4 != 0) {
        return false;
    }
    unsigned char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1);
    int len = EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.len);
    if (len < 0) {
        return false;
    }
    size_t padding = text.data[text.len - 1] != '=' ? 0 : text.data[text.len - 2] != '=' ? 1 : 2;
    *ret_bytes = (Str){(char *)bytes, (size_t)len - padding};
    return true;
}
