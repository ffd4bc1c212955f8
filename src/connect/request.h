/* connect/request.h - what one request works with: a copy of the session's settings, the world that analysis asks, the views it holds.
 *
 * Used by every RPC that has a plan: decode → analyze → lower. Invariant: everything lives until cn_request_done in the request's arena;
 * views that analysis touched are held until then, so that replacing a view never frees a tree in use.
 */
#ifndef SOLDER_CONNECT_REQUEST_H
#define SOLDER_CONNECT_REQUEST_H

#include "analyze/analyze.h"
#include "base/vec.h"
#include "connect/decode.h"
#include "connect/server.h"

typedef struct CnRequest {
    CnServer *server;
    CnSession *session;
    Arena *arena;
    PlSettings settings;
    AzWorld world;
    CnDecodeWorld decode_world;
    CnDecode decode;
    VEC(CnView *) views;   /* held */
    VEC(CnCache *) caches; /* held */
    bool may_change;     /* catalog operations with an effect are wanted (ExecutePlan, not AnalyzePlan) */
} CnRequest;

/* Borrows session and arena. */
void cn_request_init(CnRequest *ret_request, CnSession *session, Arena *arena, bool may_change);
void cn_request_done(CnRequest *request);

/* protobuf → unresolved → typed. NULL and err set. */
const TrRel *cn_request_analyze(CnRequest *request, const Spark__Connect__Relation *relation, Err *err);
const TrRel *cn_request_analyze_plan(CnRequest *request, const PrRel *plan, Err *err);

/* Rows of a catalog operation (catalog.c). */
const TrRel *cn_catalog_rows(CnRequest *request, Arena *arena, const PrRel *operation, Err *err);
/* db.table or table of the current database. False and TABLE_OR_VIEW_NOT_FOUND for other shapes. */
bool cn_catalog_split(CnRequest *request, const Str *parts, size_t nparts, Str *ret_database, Str *ret_table, Err *err);
/* Whether the database is there; "default" always is. */
bool cn_catalog_has_database(CnRequest *request, Str database);
/* The session's time zone. */
Str cn_request_time_zone(const CnRequest *request);
/* `a`.`b` as Spark quotes names in messages. */
Str cn_quoted_name(Arena *arena, const Str *parts, size_t nparts);

/* Analyses a plan that is to outlive the request and keeps it as a view of that name. NULL and err set. */
CnView *cn_view_new(CnRequest *request, Str name, const PrRel *(*make)(void *self, const CnDecode *decode, Err *err), void *self, Err *err);

#endif
