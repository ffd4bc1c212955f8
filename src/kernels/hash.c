/* kernels/hash.c - Spark's hash() (Murmur3, x86, 32 bit), xxhash64() and crc32(), of values of any type.
 *
 * Invariant: bit for bit what Spark gives: a null leaves the seed as it is, nested values are hashed part by part, each with the one before as
 * its seed.
 */
#include "kernels/kn_call.h"

#include <stdlib.h>

/* ---- Murmur3 ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t rotl32(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static uint32_t murmur_mix_key(uint32_t k) {
    return rotl32(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

static uint32_t murmur_mix(uint32_t h, uint32_t k) {
    return rotl32(h ^ murmur_mix_key(k), 13) * 5 + 0xe6546b64u;
}

static uint32_t murmur_end(uint32_t h, uint32_t length) {
    h ^= length;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static uint32_t murmur_int(uint32_t value, uint32_t seed) {
    return murmur_end(murmur_mix(seed, value), 4);
}

static uint32_t murmur_long(uint64_t value, uint32_t seed) {
    return murmur_end(murmur_mix(murmur_mix(seed, (uint32_t)value), (uint32_t)(value >> 32)), 8);
}

/* Spark mixes the bytes behind the last whole word one by one, each as a signed int. */
static uint32_t murmur_bytes(Str s, uint32_t seed) {
    uint32_t h = seed;
    size_t aligned = s.len - s.len % 4;
    for (size_t i = 0; i < aligned; i += 4) {
        uint32_t word;
        memcpy(&word, s.data + i, 4);
        h = murmur_mix(h, word);
    }
    for (size_t i = aligned; i < s.len; i++) {
        h = murmur_mix(h, (uint32_t)(int32_t)(signed char)s.data[i]);
    }
    return murmur_end(h, (uint32_t)s.len);
}

/* ---- XXH64 ------------------------------------------------------------------------------------------------------------------------ */

#define X1 UINT64_C(0x9E3779B185EBCA87)
#define X2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define X3 UINT64_C(0x165667B19E3779F9)
#define X4 UINT64_C(0x85EBCA77C2B2AE63)
#define X5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotl64(uint64_t x, int n) {
    return x << n | x >> (64 - n);
}

static uint64_t xx_end(uint64_t h) {
    h = (h ^ h >> 33) * X2;
    h = (h ^ h >> 29) * X3;
    return h ^ h >> 32;
}

static uint64_t xx_int(uint32_t value, uint64_t seed) {
    uint64_t h = seed + X5 + 4;
    h ^= (uint64_t)value * X1;
    return xx_end(rotl64(h, 23) * X2 + X3);
}

static uint64_t xx_round(uint64_t h, uint64_t value) {
    return rotl64(h + value * X2, 31) * X1;
}

static uint64_t xx_long(uint64_t value, uint64_t seed) {
    uint64_t h = seed + X5 + 8;
    h ^= xx_round(0, value);
    return xx_end(rotl64(h, 27) * X1 + X4);
}

static uint64_t load64(const char *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static uint64_t xx_bytes(Str s, uint64_t seed) {
    size_t i = 0;
    uint64_t h = seed + X5;
    if (s.len >= 32) {
        uint64_t v[4] = {seed + X1 + X2, seed + X2, seed, seed - X1};
        for (; i + 32 <= s.len; i += 32) {
            for (size_t k = 0; k < 4; k++) {
                v[k] = xx_round(v[k], load64(s.data + i + 8 * k));
            }
        }
        h = rotl64(v[0], 1) + rotl64(v[1], 7) + rotl64(v[2], 12) + rotl64(v[3], 18);
        for (size_t k = 0; k < 4; k++) {
            h = (h ^ xx_round(0, v[k])) * X1 + X4;
        }
    }
    h += s.len;
    for (; i + 8 <= s.len; i += 8) {
        h = rotl64(h ^ xx_round(0, load64(s.data + i)), 27) * X1 + X4;
    }
    if (i + 4 <= s.len) {
        uint32_t word;
        memcpy(&word, s.data + i, 4);
        h = rotl64(h ^ (uint64_t)word * X1, 23) * X2 + X3;
        i += 4;
    }
    for (; i < s.len; i++) {
        h = rotl64(h ^ (uint64_t)(unsigned char)s.data[i] * X5, 11) * X1;
    }
    return xx_end(h);
}

/* ---- any value -------------------------------------------------------------------------------------------------------------------- */

typedef struct Hasher {
    bool is_xx;
} Hasher;

static uint64_t hash_int(const Hasher *h, uint32_t value, uint64_t seed) {
    return h->is_xx ? xx_int(value, seed) : murmur_int(value, (uint32_t)seed);
}

static uint64_t hash_long(const Hasher *h, uint64_t value, uint64_t seed) {
    return h->is_xx ? xx_long(value, seed) : murmur_long(value, (uint32_t)seed);
}

static uint64_t hash_text(const Hasher *h, Str value, uint64_t seed) {
    return h->is_xx ? xx_bytes(value, seed) : murmur_bytes(value, (uint32_t)seed);
}

/* A decimal of at most 18 digits is its unscaled long; a larger one its unscaled bytes, most significant first, as few as hold it. */
static uint64_t hash_decimal(const Hasher *h, const KnColumn *column, idx_t row, uint64_t seed) {
    KnDecimal type = kn_decimal_of(column);
    __int128 value = kn_decimal_get(column, &type, row);
    if (type.width <= 18) {
        return hash_long(h, (uint64_t)(int64_t)value, seed);
    }
    char bytes[16];
    size_t count = 16;
    for (size_t i = 0; i < 16; i++) {
        bytes[i] = (char)(value >> (8 * (15 - i)));
    }
    while (count > 1) {
        signed char first = (signed char)bytes[16 - count];
        signed char second = (signed char)bytes[16 - count + 1];
        if (!((first == 0 && second >= 0) || (first == -1 && second < 0))) {
            break;
        }
        count--;
    }
    return hash_text(h, (Str){bytes + 16 - count, count}, seed);
}

static uint64_t hash_double(const Hasher *h, double value, uint64_t seed) {
    uint64_t bits;
    value = value == 0 ? 0.0 : value;
    memcpy(&bits, &value, 8);
    return hash_long(h, value != value ? UINT64_C(0x7ff8000000000000) : bits, seed);
}

static uint64_t hash_float(const Hasher *h, float value, uint64_t seed) {
    uint32_t bits;
    value = value == 0 ? 0.0f : value;
    memcpy(&bits, &value, 4);
    return hash_int(h, value != value ? UINT32_C(0x7fc00000) : bits, seed);
}

static KnColumn column_of(duckdb_vector vector) {
    return (KnColumn){vector, duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
}

static uint64_t hash_value(const Hasher *h, const KnColumn *column, duckdb_logical_type type, idx_t row, uint64_t seed);

static uint64_t hash_struct(const Hasher *h, const KnColumn *column, duckdb_logical_type type, idx_t row, uint64_t seed) {
    idx_t count = duckdb_struct_type_child_count(type);
    for (idx_t i = 0; i < count; i++) {
        duckdb_logical_type child_type = duckdb_struct_type_child_type(type, i);
        KnColumn child = column_of(duckdb_struct_vector_get_child(column->vector, i));
        seed = hash_value(h, &child, child_type, row, seed);
        duckdb_destroy_logical_type(&child_type);
    }
    return seed;
}

static uint64_t hash_list(const Hasher *h, const KnColumn *column, duckdb_logical_type type, idx_t row, uint64_t seed) {
    duckdb_logical_type child_type = duckdb_list_type_child_type(type);
    KnColumn child = column_of(duckdb_list_vector_get_child(column->vector));
    duckdb_list_entry entry = ((const duckdb_list_entry *)column->data)[row];
    for (idx_t i = 0; i < entry.length; i++) {
        seed = hash_value(h, &child, child_type, entry.offset + i, seed);
    }
    duckdb_destroy_logical_type(&child_type);
    return seed;
}

static uint64_t hash_value(const Hasher *h, const KnColumn *column, duckdb_logical_type type, idx_t row, uint64_t seed) {
    if (kn_is_null(column, row)) {
        return seed;
    }
    switch ((int)duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return hash_int(h, ((const bool *)column->data)[row] ? 1 : 0, seed);
    case DUCKDB_TYPE_TINYINT: return hash_int(h, (uint32_t)(int32_t)((const int8_t *)column->data)[row], seed);
    case DUCKDB_TYPE_SMALLINT: return hash_int(h, (uint32_t)(int32_t)((const int16_t *)column->data)[row], seed);
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE: return hash_int(h, (uint32_t)((const int32_t *)column->data)[row], seed);
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return hash_long(h, (uint64_t)((const int64_t *)column->data)[row], seed);
    case DUCKDB_TYPE_FLOAT: return hash_float(h, ((const float *)column->data)[row], seed);
    case DUCKDB_TYPE_DOUBLE: return hash_double(h, ((const double *)column->data)[row], seed);
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: return hash_text(h, kn_text((const duckdb_string_t *)column->data + row), seed);
    case DUCKDB_TYPE_DECIMAL: return hash_decimal(h, column, row, seed);
    case DUCKDB_TYPE_STRUCT: return hash_struct(h, column, type, row, seed);
    case DUCKDB_TYPE_LIST: return hash_list(h, column, type, row, seed);
    case DUCKDB_TYPE_INTERVAL: {
        const duckdb_interval *value = (const duckdb_interval *)column->data + row;
        seed = hash_long(h, (uint64_t)value->micros, seed);
        seed = hash_int(h, (uint32_t)value->days, seed);
        return hash_int(h, (uint32_t)value->months, seed);
    }
    default: return seed;
    }
}

static void hash_all(KnCall *kn, bool is_xx) {
    Hasher hasher = {is_xx};
    duckdb_logical_type types[KN_MAX_ARGS];
    for (idx_t arg = 0; arg < kn->nargs; arg++) {
        types[arg] = duckdb_vector_get_column_type(kn->args[arg].vector);
    }
    for (idx_t i = 0; i < kn->rows; i++) {
        uint64_t seed = 42;
        for (idx_t arg = 0; arg < kn->nargs; arg++) {
            seed = hash_value(&hasher, &kn->args[arg], types[arg], i, seed);
        }
        if (is_xx) {
            KN_OUT(kn, int64_t)[i] = (int64_t)seed;
        } else {
            KN_OUT(kn, int32_t)[i] = (int32_t)(uint32_t)seed;
        }
    }
    for (idx_t arg = 0; arg < kn->nargs; arg++) {
        duckdb_destroy_logical_type(&types[arg]);
    }
}

static void hash(KnCall *kn) {
    hash_all(kn, false);
}

static void xxhash64(KnCall *kn) {
    hash_all(kn, true);
}

static void crc32(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        uint32_t crc = UINT32_MAX;
        for (size_t b = 0; b < s.len; b++) {
            crc ^= (unsigned char)s.data[b];
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
            }
        }
        KN_OUT(kn, int64_t)[i] = (int64_t)(crc ^ UINT32_MAX);
    }
}

/* ---- SHA-2 beyond 256 bits; the shorter ones are DuckDB's ------------------------------------------------------------------------- */

static uint64_t ror64(uint64_t x, int n) {
    return x >> n | x << (64 - n);
}

/* Round constants: the first 64 bits of the fractions of the cube roots of the first 80 primes. */
static const uint64_t sha512_k[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b,
    0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1,
    0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275,
    0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
    0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8,
    0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec, 0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915,
    0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6,
    0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

static void sha512_block(uint64_t *state, const unsigned char *block) {
    uint64_t w[80];
    for (int i = 0; i < 16; i++) {
        w[i] = 0;
        for (int b = 0; b < 8; b++) {
            w[i] = w[i] << 8 | block[8 * i + b];
        }
    }
    for (int i = 16; i < 80; i++) {
        uint64_t s0 = ror64(w[i - 15], 1) ^ ror64(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t s1 = ror64(w[i - 2], 19) ^ ror64(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint64_t v[8];
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 80; i++) {
        uint64_t s1 = ror64(v[4], 14) ^ ror64(v[4], 18) ^ ror64(v[4], 41);
        uint64_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha512_k[i] + w[i];
        uint64_t s0 = ror64(v[0], 28) ^ ror64(v[0], 34) ^ ror64(v[0], 39);
        uint64_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

static void sha512(Str s, bool is_384, unsigned char *ret_digest) {
    static const uint64_t start_512[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                          0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static const uint64_t start_384[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                          0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};
    uint64_t state[8];
    unsigned char last[256] = {0};
    memcpy(state, is_384 ? start_384 : start_512, sizeof state);
    size_t whole = s.len / 128 * 128;
    for (size_t i = 0; i < whole; i += 128) {
        sha512_block(state, (const unsigned char *)s.data + i);
    }
    size_t rest = s.len - whole;
    if (rest > 0) {
        memcpy(last, s.data + whole, rest);
    }
    last[rest] = 0x80;
    size_t blocks = rest + 17 > 128 ? 2 : 1;
    for (size_t b = 0; b < 8; b++) {
        last[blocks * 128 - 1 - b] = (unsigned char)((uint64_t)s.len * 8 >> (8 * b));
    }
    for (size_t i = 0; i < blocks; i++) {
        sha512_block(state, last + 128 * i);
    }
    for (size_t i = 0; i < 64; i++) {
        ret_digest[i] = (unsigned char)(state[i / 8] >> (8 * (7 - i % 8)));
    }
}

static void put_hex(KnCall *kn, idx_t row, const unsigned char *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    kn_text_start(kn);
    for (size_t i = 0; i < count; i++) {
        kn_text_char(kn, digits[bytes[i] >> 4]);
        kn_text_char(kn, digits[bytes[i] & 15]);
    }
    kn_put(kn, row, kn_text_str(kn));
}

static void sha_384(KnCall *kn) {
    unsigned char digest[64];
    KN_EACH_ROW(kn, i) {
        sha512(kn_str(kn, 0, i), true, digest);
        put_hex(kn, i, digest, 48);
    }
}

static void sha_512(KnCall *kn) {
    unsigned char digest[64];
    KN_EACH_ROW(kn, i) {
        sha512(kn_str(kn, 0, i), false, digest);
        put_hex(kn, i, digest, 64);
    }
}

const KnScalar kn_hash_kernels[] = {
    {"spark_hash", "A*:4", hash},
    {"spark_xxhash64", "A*:8", xxhash64},
    {"spark_crc32", "x:8", crc32},
    {"spark_sha384", "x:s", sha_384},
    {"spark_sha512", "x:s", sha_512},
    {.name = NULL},
};
