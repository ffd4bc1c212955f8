/* checksum.c - see checksum.h. */
#include "aws/checksum.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { TABLE = 256 };

struct AwsDigests {
    unsigned wanted;
    EVP_MD_CTX *hashes[3]; /* MD5, SHA-1, SHA-256 */
    uint32_t crc32, crc32c;
    uint64_t crc64;
    uint32_t crc32c_table[TABLE];
    uint64_t crc64_table[TABLE];
    unsigned char result[AWS_DIGEST_COUNT][EVP_MAX_MD_SIZE];
    unsigned lengths[AWS_DIGEST_COUNT];
};

/* Reflected polynomials. */
static const uint32_t CRC32_POLYNOMIAL = 0xEDB88320u;
static const uint32_t CRC32C_POLYNOMIAL = 0x82F63B78u;
static const uint64_t CRC64NVME_POLYNOMIAL = UINT64_C(0x9A6C9329AC4BC9B5);

static bool wants(const AwsDigests *digests, AwsDigest which) {
    return (digests->wanted & (1u << which)) != 0;
}

static void fill_tables(AwsDigests *digests) {
    for (uint32_t i = 0; i < TABLE; i++) {
        uint32_t small = i;
        uint64_t large = i;
        for (int k = 0; k < 8; k++) {
            small = (small & 1) != 0 ? small >> 1 ^ CRC32C_POLYNOMIAL : small >> 1;
            large = (large & 1) != 0 ? large >> 1 ^ CRC64NVME_POLYNOMIAL : large >> 1;
        }
        digests->crc32c_table[i] = small;
        digests->crc64_table[i] = large;
    }
}

AwsDigests *aws_digests_new(unsigned wanted) {
    AwsDigests *digests = calloc(1, sizeof *digests);
    if (digests == NULL) {
        return NULL;
    }
    digests->wanted = wanted;
    digests->crc32c = UINT32_MAX;
    digests->crc64 = UINT64_MAX;
    if (wants(digests, AWS_CRC32C) || wants(digests, AWS_CRC64NVME)) {
        fill_tables(digests);
    }
    const EVP_MD *kinds[3] = {EVP_md5(), EVP_sha1(), EVP_sha256()};
    for (size_t i = 0; i < 3; i++) {
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
    for (size_t i = 0; i < 3; i++) {
        if (digests->hashes[i] != NULL) {
            (void)EVP_DigestUpdate(digests->hashes[i], bytes.data, bytes.len); /* of an open context: can't fail */
        }
    }
    const unsigned char *data = (const unsigned char *)bytes.data;
    if (wants(digests, AWS_CRC32)) {
        digests->crc32 = (uint32_t)crc32_z(digests->crc32, data, bytes.len);
    }
    if (wants(digests, AWS_CRC32C)) {
        uint32_t crc = digests->crc32c;
        for (size_t i = 0; i < bytes.len; i++) {
            crc = digests->crc32c_table[(crc ^ data[i]) & 0xFF] ^ crc >> 8;
        }
        digests->crc32c = crc;
    }
    if (wants(digests, AWS_CRC64NVME)) {
        uint64_t crc = digests->crc64;
        for (size_t i = 0; i < bytes.len; i++) {
            crc = digests->crc64_table[(crc ^ data[i]) & 0xFF] ^ crc >> 8;
        }
        digests->crc64 = crc;
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
        case AWS_CRC32: digests->lengths[which] = put_number(out, digests->crc32, 4); break;
        case AWS_CRC32C: digests->lengths[which] = put_number(out, ~digests->crc32c, 4); break;
        case AWS_CRC64NVME: digests->lengths[which] = put_number(out, ~digests->crc64, 8); break;
        case AWS_DIGEST_COUNT: break;
        }
    }
    return (Str){(const char *)out, digests->lengths[which]};
}

void aws_digests_free(AwsDigests *owned_digests) {
    for (size_t i = 0; owned_digests != NULL && i < 3; i++) {
        EVP_MD_CTX_free(owned_digests->hashes[i]);
    }
    free(owned_digests);
}

/* ---- joining CRCs: what zeros behind the first piece do to its CRC is a linear map of bits, squared once for each bit of their number ---- */

typedef struct BitMap {
    uint64_t columns[64];
} BitMap;

static uint64_t image(const BitMap *map, uint64_t bits) {
    uint64_t sum = 0;
    for (int i = 0; bits != 0; i++, bits >>= 1) {
        sum ^= (bits & 1) != 0 ? map->columns[i] : 0;
    }
    return sum;
}

static BitMap squared(const BitMap *map, int width) {
    BitMap square = {{0}};
    for (int i = 0; i < width; i++) {
        square.columns[i] = image(map, map->columns[i]);
    }
    return square;
}

static uint64_t get_number(Str bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        number = number << 8 | (unsigned char)bytes.data[i];
    }
    return number;
}

bool aws_crc_join(Arena *arena, AwsDigest which, Str first, Str second, int64_t second_size, Str *ret_joined) {
    uint64_t polynomial = which == AWS_CRC32 ? CRC32_POLYNOMIAL : which == AWS_CRC32C ? CRC32C_POLYNOMIAL : which == AWS_CRC64NVME ? CRC64NVME_POLYNOMIAL : 0;
    unsigned size = which == AWS_CRC64NVME ? 8 : 4;
    if (polynomial == 0 || first.len != size || second.len != size || second_size < 0) {
        return false;
    }
    int width = (int)size * 8;
    BitMap map = {.columns = {polynomial}}; /* one zero bit */
    for (int i = 1; i < width; i++) {
        map.columns[i] = UINT64_C(1) << (i - 1);
    }
    for (int i = 0; i < 3; i++) { /* eight of them: a byte */
        map = squared(&map, width);
    }
    uint64_t crc = get_number(first);
    for (uint64_t left = (uint64_t)second_size; left > 0; left >>= 1) {
        crc = (left & 1) != 0 ? image(&map, crc) : crc;
        map = squared(&map, width);
    }
    unsigned char *out = arena_alloc(arena, size);
    (void)put_number(out, crc ^ get_number(second), size);
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
