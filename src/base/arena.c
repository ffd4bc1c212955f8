/* arena.c - see arena.h. Blocks grow by doubling up to 1 MiB; a large request gets a block of its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
    struct Block *next;
    size_t used;
    size_t size;
    alignas(16) unsigned char bytes[];
} Block;

typedef struct Ending {
    struct Ending *next;
    void (*done)(void *self);
    void *self;
} Ending;

struct Arena {
    Block *head;
    Ending *endings; /* in the arena's own memory */
    size_t used;
    size_t next_size;
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

static void out_of_memory(size_t size) {
    fprintf(stderr, "solder: out of memory (asked for %zu bytes)\n", size);
    abort();
}

Arena *arena_new(void) {
    Arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        out_of_memory(sizeof *arena);
        return NULL;
    }
    arena->next_size = FIRST_BLOCK;
    return arena;
}

void arena_free(Arena *owned_arena) {
    if (owned_arena == NULL) {
        return;
    }
    for (Ending *ending = owned_arena->endings; ending != NULL; ending = ending->next) {
        ending->done(ending->self);
    }
    Block *block = owned_arena->head;
    while (block != NULL) {
        Block *next = block->next;
        free(block);
        block = next;
    }
    free(owned_arena);
}

static Block *add_block(Arena *arena, size_t size) {
    size_t room = size > arena->next_size ? size : arena->next_size;
    if (room > SIZE_MAX - sizeof(Block)) {
        out_of_memory(size);
    }
    Block *block = calloc(1, sizeof(Block) + room);
    if (block == NULL) {
        out_of_memory(size);
        return NULL;
    }
    block->size = room;
    /* A block made for one large request goes behind the head, so that the head's free room stays in use. */
    if (arena->head != NULL && size > arena->next_size) {
        block->next = arena->head->next;
        arena->head->next = block;
    } else {
        block->next = arena->head;
        arena->head = block;
        if (arena->next_size < LARGEST_BLOCK) {
            arena->next_size *= 2;
        }
    }
    return block;
}

void *arena_alloc(Arena *arena, size_t size) {
    if (size > SIZE_MAX - 15) {
        out_of_memory(size);
    }
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded == 0) {
        rounded = 16;
    }
    Block *block = arena->head;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(arena, rounded);
    }
    void *bytes = block->bytes + block->used;
    block->used += rounded;
    arena->used += rounded;
    return bytes;
}

void *arena_copy(Arena *arena, const void *borrowed_bytes, size_t size) {
    if (size == SIZE_MAX) {
        out_of_memory(size);
    }
    unsigned char *copy = arena_alloc(arena, size + 1);
    if (size > 0) {
        memcpy(copy, borrowed_bytes, size);
    }
    return copy;
}

char *arena_strdup(Arena *arena, const char *borrowed_text) {
    return arena_copy(arena, borrowed_text, strlen(borrowed_text));
}

void arena_on_free(Arena *arena, void (*done)(void *self), void *borrowed_self) {
    Ending *ending = ARENA_NEW(arena, Ending);
    *ending = (Ending){.next = arena->endings, .done = done, .self = borrowed_self};
    arena->endings = ending;
}

size_t arena_used(const Arena *arena) {
    return arena->used;
}
