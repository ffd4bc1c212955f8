/* connect/cache.h - cached relations: df.cache(), spark.catalog.cacheTable, CACHE TABLE.
 *
 * A session remembers analysed plans; the first action that needs one runs it into a table of the engine (exec.h, ex_keep_open), and every
 * later plan of the session that contains it (pl_rel_same) reads that table. Used by run.c before a plan is lowered, by the commands that
 * cache and uncache, and by save.c, since a write makes what was cached of its target old.
 * Invariant: a table is dropped when nobody can read it any more: its plan is uncached or its session ended, and no request holds it.
 */
#ifndef SOLDER_CONNECT_CACHE_H
#define SOLDER_CONNECT_CACHE_H

#include "connect/run.h"

/* MEMORY_AND_DISK_DESER, what Spark caches with when no level is named. */
#define CN_CACHE_LEVEL ((CnStorageLevel){.use_disk = true, .use_memory = true, .deserialized = true, .replication = 1})

/* The level that a client names; NULL: none. */
CnStorageLevel cn_cache_level(const Spark__Connect__StorageLevel *wanted);
/* Caches the relation, unless it is cached already. */
bool cn_cache_add(CnRequest *request, const Spark__Connect__Relation *relation, const CnStorageLevel *level, Err *err);
/* The plan that the same DataFrame (by the client's plan id) had when it was cached, counted for the caller; NULL: none. Another DataFrame of the
 * same calls means what its files and views are now. */
CnView *cn_cache_plan(CnRequest *request, const Spark__Connect__Relation *relation);
/* A table or view by its name, as a relation to be cached. */
Spark__Connect__Relation *cn_cache_table(Arena *arena, Str name);
/* Whether the plan is cached, and how. */
bool cn_cache_find(CnRequest *request, const TrRel *rel, CnStorageLevel *ret_level);
/* Forgets the plan; with_readers: and the cached plans that contain it. Not under the session's lock. */
void cn_cache_remove(CnSession *session, const TrRel *rel, bool with_readers);
void cn_cache_clear(CnSession *session);
/* Files below the path (of a write, or refreshed) have changed: what was cached of them is computed again from the new ones. */
void cn_cache_refresh(CnRequest *request, Str path);

/* The plan with cached relations in place of the parts that they hold, for explain: nothing runs. */
const TrRel *cn_cache_use(CnRequest *request, const TrRel *rel);
/* The same, to be run: relations that have no rows yet get them now. */
bool cn_cache_fill(CnRun *run, const TrRel **rel, Err *err);

/* For the request and the session that hold it. */
void cn_cache_drop(CnCache *owned_cache);

#endif
