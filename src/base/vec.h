/* vec.h - typed growing arrays in an arena.
 *
 * Declare with VEC(T) name = {.arena = a}; push with VEC_PUSH; read name.items[0..name.count).
 * Invariant: growing copies, so earlier pointers into items are stale after a push.
 */
#ifndef SOLDER_BASE_VEC_H
#define SOLDER_BASE_VEC_H

#include "base/arena.h"

#include <string.h>

#define VEC(T)                                                                                                                   \
    struct {                                                                                                                     \
        Arena *arena;                                                                                                            \
        T *items;                                                                                                                \
        size_t count;                                                                                                            \
        size_t cap;                                                                                                              \
    }

#define VEC_PUSH(vec, ...)                                                                                                       \
    do {                                                                                                                         \
        if ((vec)->count == (vec)->cap) {                                                                                        \
            size_t vec_cap_ = (vec)->cap == 0 ? 8 : (vec)->cap * 2;                                                              \
            void *vec_new_ = arena_alloc((vec)->arena, vec_cap_ * sizeof *(vec)->items);                                         \
            if ((vec)->count > 0) {                                                                                              \
                memcpy(vec_new_, (vec)->items, (vec)->count * sizeof *(vec)->items);                                             \
            }                                                                                                                    \
            (vec)->items = vec_new_;                                                                                             \
            (vec)->cap = vec_cap_;                                                                                               \
        }                                                                                                                        \
        (vec)->items[(vec)->count++] = (__VA_ARGS__);                                                                            \
    } while (0)

#endif
