/* kernels/random.c - rand() and randn() with a seed as Spark has them, and without.
 *
 * The lowering gives a seeded call the rows' numbers as its second argument, so that one thread computes all rows in order: then the numbers are Spark's
 * on one partition. Invariant: a thread's numbers without a seed depend on no other thread's.
 */
#include "kernels/kn_call.h"

#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

/* Spark's XORShiftRandom under java.util.Random's methods. */
typedef struct Random {
    uint64_t seed;
    double next_gaussian;
    bool has_next;
} Random;

static uint32_t rotl(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

/* MurmurHash3 (x86, 32 bit) of eight bytes. */
static uint32_t murmur(const unsigned char *bytes, uint32_t seed) {
    uint32_t h = seed;
    for (int i = 0; i < 8; i += 4) {
        uint32_t k = (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2] << 16 | (uint32_t)bytes[i + 3] << 24;
        h = rotl(h ^ rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u, 13) * 5 + 0xe6546b64u;
    }
    h ^= 8;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static uint64_t hash_seed(int64_t seed) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)seed >> (56 - 8 * i));
    }
    uint32_t low = murmur(bytes, 0x3c074a61u);
    return (uint64_t)murmur(bytes, low) << 32 | low;
}

static uint32_t next_bits(Random *random, int bits) {
    uint64_t s = random->seed;
    s ^= s << 21;
    s ^= s >> 35;
    s ^= s << 4;
    random->seed = s;
    return (uint32_t)(s & ((UINT64_C(1) << bits) - 1));
}

static double next_double(Random *random) {
    uint64_t high = next_bits(random, 26);
    return (double)((high << 27) + next_bits(random, 27)) * 0x1.0p-53;
}

/* The polar method, two numbers at a time. */
static double next_gaussian(Random *random) {
    double x, y, s;
    if (random->has_next) {
        random->has_next = false;
        return random->next_gaussian;
    }
    do {
        x = 2 * next_double(random) - 1;
        y = 2 * next_double(random) - 1;
        s = x * x + y * y;
    } while (s >= 1 || s == 0);
    double scale = sqrt(-2 * log(s) / s);
    random->next_gaussian = y * scale;
    random->has_next = true;
    return x * scale;
}

static void *make_random(KnCall *kn, Str key) {
    int64_t seed = 0;
    Random *random = calloc(1, sizeof *random);
    if (random == NULL) {
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return NULL;
    }
    if (key.len == sizeof seed) {
        memcpy(&seed, key.data, sizeof seed);
    } else if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        seed = (int64_t)(uintptr_t)random;
    }
    random->seed = hash_seed(seed);
    return random;
}

static Random *random_of(KnCall *kn) {
    bool has_seed = kn->nargs > 0 && kn->rows > 0;
    int64_t seed = has_seed && !kn_is_null(&kn->args[0], 0) ? KN_ARG(kn, int64_t, 0)[0] : 0;
    return kn_cached(kn, (Str){(const char *)&seed, has_seed ? sizeof seed : 0}, make_random, free);
}

static void rand_uniform(KnCall *kn) {
    Random *random = random_of(kn);
    for (idx_t i = 0; i < kn->rows && random != NULL; i++) {
        KN_OUT(kn, double)[i] = next_double(random);
    }
}

static void rand_normal(KnCall *kn) {
    Random *random = random_of(kn);
    for (idx_t i = 0; i < kn->rows && random != NULL; i++) {
        KN_OUT(kn, double)[i] = next_gaussian(random);
    }
}

const KnScalar kn_random_kernels[] = {
    {"spark_rand", ":d!", rand_uniform},
    {"spark_rand", "88:d!", rand_uniform},
    {"spark_randn", ":d!", rand_normal},
    {"spark_randn", "88:d!", rand_normal},
    {.name = NULL},
};
