/* map.h - a hash map from byte strings to pointers, in an arena; insertion order is kept for iteration.
 *
 * Invariant: keys and values are borrowed; the map's arena must outlive the map. Not thread-safe.
 */
#ifndef SOLDER_BASE_MAP_H
#define SOLDER_BASE_MAP_H

#include "base/str.h"

typedef struct MapEntry {
    Str key;
    void *value; /* NULL marks a removed entry */
} MapEntry;

/* Start with {.arena = a}. Walk entries[0..count) and skip those whose value is NULL. */
typedef struct Map {
    Arena *arena;
    MapEntry *entries;
    size_t count;
    size_t cap;
    uint32_t *slots; /* entry number + 1; 0 is free */
    size_t nslots;
} Map;

void *map_get(const Map *map, Str borrowed_key); /* NULL when absent */
void map_put(Map *map, Str borrowed_key, void *value); /* value must not be NULL; replaces */
void map_remove(Map *map, Str borrowed_key);

#endif
