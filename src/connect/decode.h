/* connect/decode.h - Spark Connect's protobuf plans as unresolved trees, literals and types.
 *
 * Used by every RPC that carries a plan, and by the fuzz target. What decoding must ask of the session goes through CnDecodeWorld.
 * Invariant: the result does not point into the message but for bytes of the same arena; nothing is looked up or typed here. Relations that
 * Solder has no node for are built from those it has, or are a named SOLDER.NOT_SUPPORTED.
 */
#ifndef SOLDER_CONNECT_DECODE_H
#define SOLDER_CONNECT_DECODE_H

#include "plan/unresolved.h"
#include "spark/connect/base.pb-c.h"
#include "sql/sql.h"

typedef struct CnDecodeWorld {
    void *self;
    /* The bytes of artifact cache/HASH. */
    bool (*cached_local)(void *self, Arena *arena, Str hash, Str *ret_bytes, Err *err);
    /* The rows of the data source solder.catalog, as an Arrow IPC stream with the string column json. */
    bool (*catalog_rows)(void *self, Arena *arena, const PlOption *options, size_t noptions, Str *ret_arrow_ipc, Err *err);
    /* The id by which analysis finds the plan that this DataFrame had when it was cached (PR_CACHED); empty: it is not. NULL: nothing is. */
    Str (*cached_plan)(void *self, const Spark__Connect__Relation *relation);
    /* The columns of a plan, for relations whose shape follows from their input's (describe). NULL and err set. */
    const PlType *(*schema)(void *self, const PrRel *plan, Err *err);
} CnDecodeWorld;

typedef struct CnDecode {
    Arena *arena;
    const CnDecodeWorld *world;
} CnDecode;

const PrRel *cn_decode_relation(const CnDecode *decode, const Spark__Connect__Relation *relation, Err *err);
const PxExpr *cn_decode_expression(const CnDecode *decode, const Spark__Connect__Expression *expression, Err *err);
const PlValue *cn_decode_literal(Arena *arena, const Spark__Connect__Expression__Literal *literal, Err *err);
const PlType *cn_decode_type(Arena *arena, const Spark__Connect__DataType *type, Err *err);
const PlPython *cn_decode_python(const CnDecode *decode, const Spark__Connect__CommonInlineUserDefinedFunction *function, Err *err);
/* A schema as clients send it: JSON or DDL. */
const PlType *cn_decode_schema_text(Arena *arena, Str text, Err *err);
/* spark.sql(query, args): a query's plan, or with ret_statement any statement. args of both forms. */
bool cn_decode_sql(Arena *arena, Str query, size_t nnamed, const Str *names, const Spark__Connect__Expression__Literal *const *values, size_t npositional,
                   Spark__Connect__Expression__Literal **positional, SqStatement *ret_statement, Err *err);

Spark__Connect__DataType *cn_encode_type(Arena *arena, const PlType *type);
/* A metric's value. */
Spark__Connect__Expression__Literal *cn_encode_literal(Arena *arena, const PlValue *value);

#endif
