/* analyze/analyze.h - unresolved tree in, typed tree out: Spark's analyser.
 *
 * Called by connect/ for each request. What analysis must ask of the world (tables, files, views) goes through AzWorld, so that this
 * room depends on plan/ only. Invariant: the result obeys plan/typed.h; an error has Spark 3.5's error class and message.
 */
#ifndef SOLDER_ANALYZE_ANALYZE_H
#define SOLDER_ANALYZE_ANALYZE_H

#include "plan/settings.h"
#include "plan/typed.h"

typedef struct AzWorld {
    void *self;
    const PlSettings *settings;
    Str current_database;
    /* A temp view's plan (one name part; global_temp.v has two), or NULL. */
    const PrRel *(*view)(void *self, const Str *parts, size_t nparts);
    /* A relation that the session keeps analysed, by id (PR_CACHED), or NULL. Temp views are kept so (view gives SUBQUERY_ALIAS over
     * CACHED), because Spark binds a view's names when it is made. The tree is shared: each use must get attribute ids of its own. */
    const TrRel *(*cached)(void *self, Str id);
    /* A Python function registered in the session under that name (compared without case), or NULL. It goes before built-in ones. */
    const PlPython *(*function)(void *self, Str name);
    /* Files, format and schema of a catalog table. Code TABLE_OR_VIEW_NOT_FOUND when there is none. */
    bool (*table)(void *self, Arena *arena, const Str *parts, size_t nparts, TyScan *ret_scan, Err *err);
    /* Resolves paths and finds out the schema where none is given. Code PATH_NOT_FOUND, UNABLE_TO_INFER_SCHEMA, … */
    bool (*source)(void *self, Arena *arena, const PrRel *read_source, TyScan *ret_scan, Err *err);
    /* The schema or type that a DDL text names ("a int, b string", "array<int>"); NULL: nobody reads text here. */
    const PlType *(*ddl)(void *self, Arena *arena, Str text, Err *err);
    /* The type that a JSON text's value has for Spark's schema inference; NULL as above. */
    const PlType *(*json_schema)(void *self, Arena *arena, Str json, const PlOption *options, size_t noptions, Err *err);
    /* The Arrow schema of a LocalRelation as a Spark type. */
    const PlType *(*local_schema)(void *self, Arena *arena, Str arrow_ipc, Err *err);
    /* Rows of a PR_CATALOG operation, as a typed relation (TR_VALUES). */
    const TrRel *(*catalog)(void *self, Arena *arena, const PrRel *catalog_operation, Err *err);
} AzWorld;

/* NULL and err set on failure. */
const TrRel *az_analyze(Arena *arena, const AzWorld *world, const PrRel *plan, Err *err);
/* A constant expression without columns, folded (SQL SET, options, LIMIT): NULL and err set when it is not constant. */
const PlValue *az_constant(Arena *arena, const AzWorld *world, const PxExpr *expr, Err *err);

#endif
