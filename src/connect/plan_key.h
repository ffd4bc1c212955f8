/* connect/plan_key.h - a relation's bytes without the client's plan ids: two DataFrames built by the same calls have the same key.
 *
 * Used by SameSemantics, SemanticHash and the storage levels of persist().
 */
#ifndef SOLDER_CONNECT_PLAN_KEY_H
#define SOLDER_CONNECT_PLAN_KEY_H

#include "connect/wire.h"

#include "spark/connect/base.pb-c.h"

/* Changes the message: call it last. */
Str cn_plan_key(Arena *arena, Spark__Connect__Relation *relation);

#endif
