/* resource.c - see resource.h. */
#include "store/resource.h"

#include "base/vec.h"
#include "store/store_room.h"

#include <string.h>

typedef struct Transition {
    const char *kind, *from, *to;
} Transition;

static const Transition TRANSITIONS[] = {
#include "gen/states.inc"
};

enum { TRANSITION_COUNT = sizeof TRANSITIONS / sizeof TRANSITIONS[0] };

#define COLUMNS "seq, parent, id, state, created_us, changed_us, json"
#define IN_STATES "(?4 = '' OR instr(' ' || ?4 || ' ', ' ' || state || ' ') > 0)"

static bool may_move(Str kind, Str from, Str to) {
    for (size_t i = 0; i < TRANSITION_COUNT; i++) {
        const Transition *row = &TRANSITIONS[i];
        if (str_eq_c(kind, row->kind) && str_eq_c(from, row->from) && str_eq_c(to, row->to)) {
            return true;
        }
    }
    return false;
}

static void bind_name(StStatement *statement, const StResourceName *name) {
    st_bind_str(statement, name->kind);
    st_bind_str(statement, name->parent);
    st_bind_str(statement, name->id);
}

static bool not_found(const StResourceName *name, Err *err) {
    return err_set(err, "EntityNotFoundException", "%.*s %.*s not found.", STR_ARG(name->kind), STR_ARG(name->id));
}

static StResource read_resource(StStatement *statement, Arena *arena) {
    return (StResource){.seq = st_column_i64(statement, 0),
                        .parent = st_column(statement, arena, 1),
                        .id = st_column(statement, arena, 2),
                        .state = st_column(statement, arena, 3),
                        .created_us = st_column_i64(statement, 4),
                        .changed_us = st_column_i64(statement, 5),
                        .json = st_column(statement, arena, 6)};
}

bool st_resource_insert(StStore *store, const StResourceName *name, Str state, Str json, Err *err) {
    if (state.len > 0 && !may_move(name->kind, STR(""), state)) {
        return err_set(err, ERR_INTERNAL, "a %.*s does not begin as %.*s (spec/states.tsv)", STR_ARG(name->kind), STR_ARG(state));
    }
    int64_t now = st_now_us();
    st_lock(store);
    StStatement statement = st_prepare(store,
                                       "INSERT INTO resource (kind, parent, id, state, created_us, changed_us, json) "
                                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, parent, id) DO NOTHING",
                                       err);
    bind_name(&statement, name);
    st_bind_str(&statement, state);
    st_bind_i64(&statement, now);
    st_bind_i64(&statement, now);
    st_bind_str(&statement, json);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool inserted = sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok && (inserted || err_set(err, "AlreadyExistsException", "%.*s %.*s already exists.", STR_ARG(name->kind), STR_ARG(name->id)));
}

bool st_resource_get(StStore *store, Arena *arena, const StResourceName *name, StResource *ret_resource, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, "SELECT " COLUMNS " FROM resource WHERE kind = ?1 AND parent = ?2 AND id = ?3", err);
    bind_name(&statement, name);
    bool found = st_step(&statement);
    if (found) {
        *ret_resource = read_resource(&statement, arena);
    }
    bool ok = st_finish(&statement);
    st_unlock(store);
    return ok && (found || not_found(name, err));
}

/* One statement whose parameters are the name, the time, and text. */
static bool change_json(StStore *store, const StResourceName *name, const char *sql, Str json, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, sql, err);
    bind_name(&statement, name);
    st_bind_i64(&statement, st_now_us());
    st_bind_str(&statement, json);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool changed = sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok && (changed || not_found(name, err));
}

bool st_resource_replace(StStore *store, const StResourceName *name, Str json, Err *err) {
    return change_json(store, name, "UPDATE resource SET changed_us = ?4, json = ?5 WHERE kind = ?1 AND parent = ?2 AND id = ?3", json, err);
}

bool st_resource_patch(StStore *store, const StResourceName *name, Str patch, Err *err) {
    return change_json(store, name,
                       "UPDATE resource SET changed_us = ?4, json = json_patch(json, ?5) WHERE kind = ?1 AND parent = ?2 AND id = ?3", patch,
                       err);
}

static bool state_locked(StStore *store, Arena *scratch, const StResourceName *name, Str *ret_state, Err *err) {
    StStatement statement = st_prepare(store, "SELECT state FROM resource WHERE kind = ?1 AND parent = ?2 AND id = ?3", err);
    bind_name(&statement, name);
    bool found = st_step(&statement);
    if (found) {
        *ret_state = st_column(&statement, scratch, 0);
    }
    return st_finish(&statement) && (found || not_found(name, err));
}

/* Another process may move it between the look and the write: the write names the state that was seen. */
static bool move_locked(StStore *store, Arena *scratch, const StResourceName *name, Str to, Str patch, bool *ret_moved, Err *err) {
    Str from;
    if (!state_locked(store, scratch, name, &from, err)) {
        return false;
    }
    if (!may_move(name->kind, from, to)) {
        return true;
    }
    StStatement statement = st_prepare(store,
                                       "UPDATE resource SET changed_us = ?4, state = ?5, json = json_patch(json, ?6) "
                                       "WHERE kind = ?1 AND parent = ?2 AND id = ?3 AND state = ?7",
                                       err);
    bind_name(&statement, name);
    st_bind_i64(&statement, st_now_us());
    st_bind_str(&statement, to);
    st_bind_str(&statement, patch.len > 0 ? patch : STR("{}"));
    st_bind_str(&statement, from);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    *ret_moved = ok && sqlite3_changes(store->db) > 0;
    return ok;
}

bool st_resource_move(StStore *store, const StResourceName *name, Str to_state, Str patch, bool *ret_moved, Err *err) {
    Arena *scratch = arena_new();
    *ret_moved = false;
    st_lock(store);
    bool ok = move_locked(store, scratch, name, to_state, patch, ret_moved, err);
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

bool st_resource_delete(StStore *store, const StResourceName *name, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store, "DELETE FROM resource WHERE kind = ?1 AND parent = ?2 AND id = ?3", err);
    bind_name(&statement, name);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool deleted = sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok && (deleted || not_found(name, err));
}

bool st_resource_list(StStore *store, Arena *arena, const StResourceQuery *query, const StResource **ret_resources, size_t *ret_count,
                      Err *err) {
    static const char *const ORDERED[] = {
        "SELECT " COLUMNS " FROM resource WHERE kind = ?1 AND (NOT ?2 OR parent = ?3) AND " IN_STATES " AND seq > ?5 "
        "ORDER BY seq LIMIT ?6",
        "SELECT " COLUMNS " FROM resource WHERE kind = ?1 AND (NOT ?2 OR parent = ?3) AND " IN_STATES " AND (?5 = 0 OR seq < ?5) "
        "ORDER BY seq DESC LIMIT ?6"};
    VEC(StResource) rows = {.arena = arena};
    st_lock(store);
    StStatement statement = st_prepare(store, ORDERED[query->newest_first], err);
    st_bind_str(&statement, query->kind);
    st_bind_i64(&statement, query->by_parent);
    st_bind_str(&statement, query->parent);
    st_bind_str(&statement, query->state);
    st_bind_i64(&statement, query->after_seq);
    st_bind_i64(&statement, query->limit == 0 ? -1 : (int64_t)query->limit);
    while (st_step(&statement)) {
        VEC_PUSH(&rows, read_resource(&statement, arena));
    }
    bool ok = st_finish(&statement);
    st_unlock(store);
    *ret_resources = rows.items;
    *ret_count = rows.count;
    return ok;
}
