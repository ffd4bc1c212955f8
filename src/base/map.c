/* map.c - see map.h. Open addressing over an index array; entries stay in insertion order. */
#include "base/map.h"

#include <string.h>

static size_t find_slot(const Map *map, Str key) {
    size_t mask = map->nslots - 1;
    size_t at = (size_t)str_hash(key) & mask;
    while (map->slots[at] != 0 && !str_eq(map->entries[map->slots[at] - 1].key, key)) {
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(Map *map) {
    size_t cap = map->cap == 0 ? 8 : map->cap * 2;
    MapEntry *entries = ARENA_ARRAY(map->arena, MapEntry, cap);
    if (map->count > 0) {
        memcpy(entries, map->entries, map->count * sizeof *entries);
    }
    map->entries = entries;
    map->cap = cap;
    map->nslots = cap * 2;
    map->slots = ARENA_ARRAY(map->arena, uint32_t, map->nslots);
    for (size_t i = 0; i < map->count; i++) {
        map->slots[find_slot(map, entries[i].key)] = (uint32_t)(i + 1);
    }
}

void *map_get(const Map *map, Str borrowed_key) {
    if (map->nslots == 0) {
        return NULL;
    }
    uint32_t entry = map->slots[find_slot(map, borrowed_key)];
    return entry == 0 ? NULL : map->entries[entry - 1].value;
}

void map_put(Map *map, Str borrowed_key, void *value) {
    if (map->count == map->cap) {
        grow(map);
    }
    size_t slot = find_slot(map, borrowed_key);
    if (map->slots[slot] != 0) {
        map->entries[map->slots[slot] - 1].value = value;
        return;
    }
    map->entries[map->count] = (MapEntry){borrowed_key, value};
    map->count++;
    map->slots[slot] = (uint32_t)map->count;
}

void map_remove(Map *map, Str borrowed_key) {
    if (map->nslots == 0) {
        return;
    }
    uint32_t entry = map->slots[find_slot(map, borrowed_key)];
    if (entry != 0) {
        map->entries[entry - 1].value = NULL;
    }
}
