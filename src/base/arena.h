/* arena.h - memory by lifetime (request, query, session): allocate, never free singly, drop all at once.
 *
 * Everything that a script's plan passes through (trees, names, SQL text) lives in an arena named by its lifetime.
 * Invariant: an allocation never fails to its caller. Out of memory ends the process with a message, which is safe
 * because whatever was acknowledged is durable already (DESIGN, decisions).
 */
#ifndef SOLDER_BASE_ARENA_H
#define SOLDER_BASE_ARENA_H

#include <stddef.h>

typedef struct Arena Arena;

/* A new, empty arena; the caller owns it and ends it with arena_free. */
Arena *arena_new(void);
/* Frees the arena and everything in it. NULL is allowed. */
void arena_free(Arena *owned_arena);
/* size zeroed bytes, aligned for any type. size 0 gives a unique non-NULL pointer. */
void *arena_alloc(Arena *arena, size_t size);
/* A copy of size bytes, followed by one NUL byte that does not count. */
void *arena_copy(Arena *arena, const void *borrowed_bytes, size_t size);
/* A NUL-terminated copy of a C string. */
char *arena_strdup(Arena *arena, const char *borrowed_text);
/* Calls done(self) when the arena is freed, before its memory goes; the latest first. */
void arena_on_free(Arena *arena, void (*done)(void *self), void *borrowed_self);
/* Bytes handed out so far, for limits and statistics. */
size_t arena_used(const Arena *arena);

#define ARENA_NEW(arena, T) ((T *)arena_alloc((arena), sizeof(T)))
#define ARENA_ARRAY(arena, T, count) ((T *)arena_alloc((arena), sizeof(T) * (size_t)(count)))

#endif
