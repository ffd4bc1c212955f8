/* crc.c - see crc.h. Long pieces are folded, 64 bytes a turn, into 16 bytes that have the same CRC; the tables do the rest. */
#include "aws/crc.h"

#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#include <wmmintrin.h>
#endif

enum { ROWS = 8, TURN = 64, BLOCK = 16 };

typedef struct AwsCrc {
    uint64_t polynomial;
    int width;
    uint64_t far[2], near[2]; /* multipliers over a turn, and over a block */
    uint64_t table[ROWS][256];
} AwsCrc;

#include "gen/crc_tables.inc"

static uint64_t ones(const AwsCrc *crc) {
    return UINT64_MAX >> (64 - crc->width);
}

/* The first is the lowest, on any machine. */
static uint64_t eight_bytes(const unsigned char *data) {
    return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 | (uint64_t)data[3] << 24 | (uint64_t)data[4] << 32 |
           (uint64_t)data[5] << 40 | (uint64_t)data[6] << 48 | (uint64_t)data[7] << 56;
}

/* Of the register, eight bytes a step. */
static uint64_t by_table(const AwsCrc *crc, uint64_t value, const unsigned char *data, size_t len) {
    for (; len >= ROWS; data += ROWS, len -= ROWS) {
        value ^= eight_bytes(data);
        value = crc->table[7][value & 0xFF] ^ crc->table[6][value >> 8 & 0xFF] ^ crc->table[5][value >> 16 & 0xFF] ^ crc->table[4][value >> 24 & 0xFF] ^
                crc->table[3][value >> 32 & 0xFF] ^ crc->table[2][value >> 40 & 0xFF] ^ crc->table[1][value >> 48 & 0xFF] ^ crc->table[0][value >> 56];
    }
    for (size_t i = 0; i < len; i++) {
        value = crc->table[0][(value ^ data[i]) & 0xFF] ^ value >> 8;
    }
    return value;
}

#if defined(__x86_64__)
__attribute__((target("pclmul"))) static __m128i ahead(__m128i block, __m128i multipliers, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(block, multipliers, 0x00);
    __m128i high = _mm_clmulepi64_si128(block, multipliers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

static __m128i load(const unsigned char *data) {
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* At least a turn's bytes. Sets *ret_left to how many at the end are not in the value yet. */
__attribute__((target("pclmul"))) static uint64_t by_folding(const AwsCrc *crc, uint64_t value, const unsigned char *data, size_t len, size_t *ret_left) {
    __m128i far = _mm_set_epi64x((long long)crc->far[1], (long long)crc->far[0]);
    __m128i near = _mm_set_epi64x((long long)crc->near[1], (long long)crc->near[0]);
    __m128i lanes[4];
    for (size_t i = 0; i < 4; i++) {
        lanes[i] = load(data + i * BLOCK);
    }
    lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, (long long)value));
    for (data += TURN, len -= TURN; len >= TURN; data += TURN, len -= TURN) {
        for (size_t i = 0; i < 4; i++) {
            lanes[i] = ahead(lanes[i], far, load(data + i * BLOCK));
        }
    }
    for (size_t i = 1; i < 4; i++) {
        lanes[i] = ahead(lanes[i - 1], near, lanes[i]);
    }
    __m128i block = lanes[3];
    for (; len >= BLOCK; data += BLOCK, len -= BLOCK) {
        block = ahead(block, near, load(data));
    }
    unsigned char rest[BLOCK];
    _mm_storeu_si128((__m128i *)(void *)rest, block);
    *ret_left = len;
    return by_table(crc, 0, rest, BLOCK);
}

static bool can_fold(void) {
    return __builtin_cpu_supports("pclmul") != 0;
}
#else
static uint64_t by_folding(const AwsCrc *crc, uint64_t value, const unsigned char *data, size_t len, size_t *ret_left) {
    (void)crc;
    (void)data;
    *ret_left = len;
    return value;
}

static bool can_fold(void) {
    return false;
}
#endif

uint64_t aws_crc_add(AwsCrcKind kind, uint64_t crc, Str bytes) {
    const AwsCrc *of = &CRCS[kind];
    const unsigned char *data = (const unsigned char *)bytes.data;
    size_t left = bytes.len;
    uint64_t value = crc ^ ones(of);
    if (left >= TURN && can_fold()) {
        value = by_folding(of, value, data, bytes.len, &left);
    }
    return by_table(of, value, data + (bytes.len - left), left) ^ ones(of);
}

uint64_t aws_crc_add_by_table(AwsCrcKind kind, uint64_t crc, Str bytes) {
    const AwsCrc *of = &CRCS[kind];
    return by_table(of, crc ^ ones(of), (const unsigned char *)bytes.data, bytes.len) ^ ones(of);
}

unsigned aws_crc_size(AwsCrcKind kind) {
    return (unsigned)CRCS[kind].width / 8;
}

/* ---- joining: what zeros behind the first piece do to its CRC is a linear map of bits, squared once for each bit of their number ---- */

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

uint64_t aws_crc_of_both(AwsCrcKind kind, uint64_t first, uint64_t second, uint64_t second_size) {
    int width = CRCS[kind].width;
    BitMap map = {.columns = {CRCS[kind].polynomial}}; /* one zero bit */
    for (int i = 1; i < width; i++) {
        map.columns[i] = UINT64_C(1) << (i - 1);
    }
    for (int i = 0; i < 3; i++) { /* eight of them: a byte */
        map = squared(&map, width);
    }
    for (uint64_t left = second_size; left > 0; left >>= 1) {
        first = (left & 1) != 0 ? image(&map, first) : first;
        map = squared(&map, width);
    }
    return first ^ second;
}
