/* store/resource.h - resources of the services as rows: jobs, job runs, clusters, steps and what follows them.
 *
 * Used by service/ and cli/. A resource is the AWS API's JSON of it with the columns by which it is found (spec/store/0002_resources.sql).
 * Invariants: a change is on disk when a function here returns; a state is written by st_resource_move alone, and only along a row of
 * spec/states.tsv. Error codes: AlreadyExistsException, EntityNotFoundException; a service that has other words for them (EMR) maps them.
 */
#ifndef SOLDER_STORE_RESOURCE_H
#define SOLDER_STORE_RESOURCE_H

#include "store/store.h"

/* Which resource; parent is empty for kinds that belong to nothing. */
typedef struct StResourceName {
    Str kind, parent, id;
} StResourceName;

typedef struct StResource {
    int64_t seq; /* order of creation, over all kinds */
    Str parent, id, state;
    int64_t created_us, changed_us;
    Str json;
} StResource;

/* state is empty for a kind without states, else one in which spec/states.tsv lets it begin. */
bool st_resource_insert(StStore *store, const StResourceName *name, Str state, Str json, Err *err);
bool st_resource_get(StStore *store, Arena *arena, const StResourceName *name, StResource *ret_resource, Err *err);
/* The JSON replaced, or merged with a patch (RFC 7396: null removes a member). The state stays. */
bool st_resource_replace(StStore *store, const StResourceName *name, Str json, Err *err);
bool st_resource_patch(StStore *store, const StResourceName *name, Str patch, Err *err);
/* Moves it to a state and merges the patch (empty: none) in one step. *ret_moved is false, and nothing is changed, when the state that it is in
 * has no such transition: whoever loses a race (a stop against an end) sees that here. */
bool st_resource_move(StStore *store, const StResourceName *name, Str to_state, Str patch, bool *ret_moved, Err *err);
bool st_resource_delete(StStore *store, const StResourceName *name, Err *err);

typedef struct StResourceQuery {
    Str kind;
    Str parent;        /* looked at when by_parent */
    bool by_parent;    /* false: of any parent */
    Str state;         /* one or, with blanks between, several; empty: any */
    bool newest_first; /* by seq; else oldest first */
    int64_t after_seq; /* goes on behind this seq in the order asked for; 0: from the start */
    size_t limit;      /* 0: all */
} StResourceQuery;

bool st_resource_list(StStore *store, Arena *arena, const StResourceQuery *query, const StResource **ret_resources, size_t *ret_count,
                      Err *err);

#endif
