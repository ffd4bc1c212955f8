/* fuzz_plan_decode.c - any bytes as a Relation of Spark Connect: unpacked, decoded, dumped; nothing may crash, leak or run away.
 *
 * The first byte picks the message, so that small inputs reach expressions, literals and types directly.
 */
#include "connect/decode.h"
#include "connect/plan_key.h"
#include "connect/wire.h"

#include <stddef.h>
#include <stdint.h>

static bool no_local(void *self, Arena *arena, Str hash, Str *ret_bytes, Err *err) {
    (void)self;
    (void)arena;
    (void)hash;
    *ret_bytes = STR("");
    return err_set(err, "SOLDER.BAD_REQUEST", "nothing is cached");
}

static bool no_catalog(void *self, Arena *arena, const PlOption *options, size_t noptions, Str *ret_arrow_ipc, Err *err) {
    (void)self;
    (void)arena;
    (void)options;
    (void)noptions;
    *ret_arrow_ipc = STR("");
    return err_set(err, "EntityNotFoundException", "nothing is there");
}

static const PlType *some_schema(void *self, const PrRel *plan, Err *err) {
    static const PlField FIELDS[] = {{.name = {"a", 1}, .type = &PL_LONG}, {.name = {"b", 1}, .type = &PL_STRING, .nullable = true}};
    static const PlType TYPE = {.kind = PL_TYPE_STRUCT, .fields = FIELDS, .nfields = 2};
    (void)self;
    (void)plan;
    (void)err;
    return &TYPE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    Arena *arena = arena_new();
    Err err = {0};
    Str bytes = {(const char *)data + 1, size - 1};
    CnDecodeWorld world = {.cached_local = no_local, .catalog_rows = no_catalog, .schema = some_schema};
    CnDecode decode = {.arena = arena, .world = &world};
    if (data[0] % 4 == 0) {
        const Spark__Connect__Expression *message = cn_unpack(arena, &spark__connect__expression__descriptor, bytes, &err);
        const PxExpr *expr = message == NULL ? NULL : cn_decode_expression(&decode, message, &err);
        if (expr != NULL) {
            (void)pl_unresolved_expr_dump(arena, expr);
        }
    } else if (data[0] % 4 == 1) {
        const Spark__Connect__Expression__Literal *message = cn_unpack(arena, &spark__connect__expression__literal__descriptor, bytes, &err);
        const PlValue *value = message == NULL ? NULL : cn_decode_literal(arena, message, &err);
        if (value != NULL) {
            (void)cn_pack(arena, &cn_encode_literal(arena, value)->base);
        }
    } else if (data[0] % 4 == 2) {
        const Spark__Connect__DataType *message = cn_unpack(arena, &spark__connect__data_type__descriptor, bytes, &err);
        const PlType *type = message == NULL ? NULL : cn_decode_type(arena, message, &err);
        if (type != NULL) {
            (void)cn_pack(arena, &cn_encode_type(arena, type)->base);
        }
    } else {
        Spark__Connect__Relation *message = cn_unpack(arena, &spark__connect__relation__descriptor, bytes, &err);
        const PrRel *rel = message == NULL ? NULL : cn_decode_relation(&decode, message, &err);
        if (rel != NULL) {
            (void)pl_unresolved_dump(arena, rel);
            (void)cn_plan_key(arena, message);
        }
    }
    arena_free(arena);
    return 0;
}
