/* catalog.c - databases, tables and partitions: rows whose json column is the AWS API's output shape. See store.h.
 *
 * The three kinds differ only in their SQL, so that is a table here.
 */
#include "base/vec.h"
#include "store/store_room.h"

typedef struct EntitySql {
    const char *what;
    int nkeys; /* database; database, table; database, table, values */
    const char *get, *insert, *replace, *swap, *delete, *page;
    const char *list[3]; /* by how many names of `below` are given */
} EntitySql;

static const EntitySql ENTITIES[] = {
    [ST_DATABASE] = {"Database",
                     1,
                     "SELECT json FROM catalog_database WHERE name = ?1",
                     "INSERT INTO catalog_database (name, json) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                     "INSERT INTO catalog_database (name, json) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET json = excluded.json",
                     "UPDATE catalog_database SET json = ?2 WHERE name = ?1 AND json = ?3",
                     "DELETE FROM catalog_database WHERE name = ?1",
                     "SELECT json FROM catalog_database WHERE name > ?1 ORDER BY name LIMIT ?2",
                     {"SELECT json FROM catalog_database ORDER BY name", "SELECT json FROM catalog_database WHERE name = ?1", NULL}},
    [ST_TABLE] = {"Table",
                  2,
                  "SELECT json FROM catalog_table WHERE database_name = ?1 AND name = ?2",
                  "INSERT INTO catalog_table (database_name, name, json) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                  "INSERT INTO catalog_table (database_name, name, json) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET json = excluded.json",
                  "UPDATE catalog_table SET json = ?3 WHERE database_name = ?1 AND name = ?2 AND json = ?4",
                  "DELETE FROM catalog_table WHERE database_name = ?1 AND name = ?2",
                  "SELECT json FROM catalog_table WHERE database_name = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
                  {"SELECT json FROM catalog_table ORDER BY database_name, name",
                   "SELECT json FROM catalog_table WHERE database_name = ?1 ORDER BY name",
                   "SELECT json FROM catalog_table WHERE database_name = ?1 AND name = ?2"}},
    [ST_PARTITION] = {"Partition",
                      3,
                      "SELECT json FROM catalog_partition WHERE database_name = ?1 AND table_name = ?2 AND partition_values = ?3",
                      "INSERT INTO catalog_partition (database_name, table_name, partition_values, json) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
                      "DO NOTHING",
                      "INSERT INTO catalog_partition (database_name, table_name, partition_values, json) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
                      "DO UPDATE SET json = excluded.json",
                      "UPDATE catalog_partition SET json = ?4 WHERE database_name = ?1 AND table_name = ?2 AND partition_values = ?3 AND json = ?5",
                      "DELETE FROM catalog_partition WHERE database_name = ?1 AND table_name = ?2 AND partition_values = ?3",
                      "SELECT json FROM catalog_partition WHERE database_name = ?1 AND table_name = ?2 AND partition_values > ?3 "
                      "ORDER BY partition_values LIMIT ?4",
                      {"SELECT json FROM catalog_partition ORDER BY database_name, table_name, partition_values",
                       "SELECT json FROM catalog_partition WHERE database_name = ?1 ORDER BY table_name, partition_values",
                       "SELECT json FROM catalog_partition WHERE database_name = ?1 AND table_name = ?2 ORDER BY partition_values"}},
};

static Str shown_name(Arena *arena, StEntity entity, const StEntityName *name) {
    switch (entity) {
    case ST_DATABASE:
        return str_fmt(arena, "%.*s", STR_ARG(name->database));
    case ST_TABLE:
        return str_fmt(arena, "%.*s.%.*s", STR_ARG(name->database), STR_ARG(name->table));
    case ST_PARTITION:
        return str_fmt(arena, "%.*s of %.*s.%.*s", STR_ARG(name->values), STR_ARG(name->database), STR_ARG(name->table));
    }
    return STR("");
}

static void bind_name(StStatement *statement, int nkeys, const StEntityName *name) {
    st_bind_str(statement, name->database);
    if (nkeys > 1) {
        st_bind_str(statement, name->table);
    }
    if (nkeys > 2) {
        st_bind_str(statement, name->values);
    }
}

static bool not_found(StEntity entity, const StEntityName *name, Err *err) {
    Arena *scratch = arena_new();
    Str shown = shown_name(scratch, entity, name);
    (void)err_set(err, "EntityNotFoundException", "%s %.*s not found.", ENTITIES[entity].what, STR_ARG(shown));
    arena_free(scratch);
    return false;
}

static bool get_locked(StStore *store, Arena *arena, StEntity entity, const StEntityName *name, Str *ret_json, Err *err) {
    StStatement statement = st_prepare(store, ENTITIES[entity].get, err);
    bind_name(&statement, ENTITIES[entity].nkeys, name);
    bool found = st_step(&statement);
    if (found) {
        *ret_json = st_column(&statement, arena, 0);
    }
    return st_finish(&statement) && (found || not_found(entity, name, err));
}

bool st_catalog_get(StStore *store, Arena *arena, StEntity entity, const StEntityName *name, Str *ret_json, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = get_locked(reader, arena, entity, name, ret_json, err);
    st_unlock(reader);
    return ok;
}

static bool put_locked(StStore *store, Arena *scratch, StEntity entity, const StEntityName *name, Str json, bool replace, Err *err) {
    Str parent_json;
    if (entity != ST_DATABASE && !get_locked(store, scratch, entity == ST_TABLE ? ST_DATABASE : ST_TABLE, name, &parent_json, err)) {
        return false;
    }
    StStatement statement = st_prepare(store, replace ? ENTITIES[entity].replace : ENTITIES[entity].insert, err);
    bind_name(&statement, ENTITIES[entity].nkeys, name);
    st_bind_str(&statement, json);
    (void)st_step(&statement);
    if (!st_finish(&statement)) {
        return false;
    }
    if (sqlite3_changes(store->db) == 0) {
        Str shown = shown_name(scratch, entity, name);
        return err_set(err, "AlreadyExistsException", "%s %.*s already exists.", ENTITIES[entity].what, STR_ARG(shown));
    }
    return true;
}

bool st_catalog_put(StStore *store, StEntity entity, const StEntityName *name, Str json, bool replace, Err *err) {
    Arena *scratch = arena_new();
    st_lock(store);
    bool ok = put_locked(store, scratch, entity, name, json, replace, err);
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

bool st_catalog_list(StStore *store, Arena *arena, StEntity entity, const StEntityName *below, const Str **ret_json, size_t *ret_count,
                     Err *err) {
    VEC(Str) rows = {.arena = arena};
    int given = below->database.len == 0 ? 0 : below->table.len == 0 || ENTITIES[entity].nkeys == 1 ? 1 : 2;
    StStore *reader = st_reader(store);
    st_lock(reader);
    StStatement statement = st_prepare(reader, ENTITIES[entity].list[given], err);
    if (given > 0) {
        bind_name(&statement, given, below);
    }
    while (st_step(&statement)) {
        VEC_PUSH(&rows, st_column(&statement, arena, 0));
    }
    bool ok = st_finish(&statement);
    st_unlock(reader);
    *ret_json = rows.items;
    *ret_count = rows.count;
    return ok;
}

bool st_catalog_page(StStore *store, Arena *arena, StEntity entity, const StEntityName *below, Str after, size_t limit, const Str **ret_json,
                     size_t *ret_count, Err *err) {
    VEC(Str) rows = {.arena = arena};
    StStore *reader = st_reader(store);
    st_lock(reader);
    StStatement statement = st_prepare(reader, ENTITIES[entity].page, err);
    bind_name(&statement, ENTITIES[entity].nkeys,
              &(StEntityName){.database = entity == ST_DATABASE ? after : below->database,
                              .table = entity == ST_TABLE ? after : below->table,
                              .values = after});
    st_bind_i64(&statement, limit == 0 ? -1 : (int64_t)limit);
    while (st_step(&statement)) {
        VEC_PUSH(&rows, st_column(&statement, arena, 0));
    }
    bool ok = st_finish(&statement);
    st_unlock(reader);
    *ret_json = rows.items;
    *ret_count = rows.count;
    return ok;
}

bool st_catalog_swap(StStore *store, StEntity entity, const StEntityName *name, Str seen, Str json, bool *ret_swapped, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, ENTITIES[entity].swap, err);
    bind_name(&statement, ENTITIES[entity].nkeys, name);
    st_bind_str(&statement, json);
    st_bind_str(&statement, seen);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    *ret_swapped = ok && sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok;
}

bool st_catalog_delete(StStore *store, StEntity entity, const StEntityName *name, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, ENTITIES[entity].delete, err);
    bind_name(&statement, ENTITIES[entity].nkeys, name);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool deleted = sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok && (deleted || not_found(entity, name, err));
}
