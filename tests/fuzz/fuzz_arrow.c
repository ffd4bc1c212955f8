/* fuzz_arrow.c - libFuzzer target: any bytes as the Arrow stream of a LocalRelation, through DuckDB and out again as a client gets it.
 *
 * The first byte chooses what the columns are declared as: what the stream itself says, or a schema of somebody else (a Python function's, whose
 * worker sends what it likes); its highest bit, that the stream is only decoded, which is many times as fast. What must hold: no crash, an error exactly when there are no rows, and only types that Spark has.
 */
#include "exec/arrow_batch.h"
#include "exec/arrow_stream.h"
#include "run_rows.h"
#include "sql/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_type(const PlType *type) {
    if (type->kind == PL_TYPE_DECIMAL && (type->precision < 1 || type->precision > 38 || type->scale < 0 || type->scale > type->precision)) {
        abort();
    }
    if (type->key != NULL) {
        check_type(type->key);
    }
    if (type->element != NULL) {
        check_type(type->element);
    }
    for (size_t i = 0; i < type->nfields; i++) {
        check_type(type->fields[i].type);
    }
}

static const PlType *declared(Arena *arena, uint8_t choice, Str ipc, Err *err) {
    static const Str schemas[] = {STR("a int, b string"), STR("l array<struct<x: int, y: string>>, m map<string, decimal(10, 2)>"),
                                  STR("t timestamp, d date, n timestamp_ntz, i interval day to second"), STR("v void, s struct<>, b binary")};
    size_t at = choice % (sizeof schemas / sizeof *schemas + 1);
    return at == 0 ? cn_arrow_type(arena, ipc, err) : sq_parse_schema(arena, schemas[at - 1], err);
}

/* What exec/ does before DuckDB sees a row: types are checked first, so that only batches of types that Spark has are read. */
static void decode(const PlType *type, const TyAttr *columns, Str ipc, Err *err) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    if (!ex_arrow_stream_open(ipc, &stream, &schema, err)) {
        return;
    }
    ExArrowMap map;
    bool is_ok = ex_arrow_map_init(&map, fuzz_engine()->connection, &schema, columns, type->nfields, err);
    if (is_ok) {
        struct ArrowArray array = {0};
        while (is_ok && ArrowArrayStreamGetNext(&stream, &array, NULL) == NANOARROW_OK && array.release != NULL) {
            ExBatch *batch = ex_batch_new(&map, &schema, &array, err);
            is_ok = batch != NULL;
            ex_batch_drop(batch);
        }
        ex_arrow_map_done(&map);
    }
    ArrowSchemaRelease(&schema);
    ArrowArrayStreamRelease(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    Arena *arena = arena_new();
    Err err = {0};
    PlSettings settings;
    pl_settings_init(&settings, arena);
    Str ipc = {arena_copy(arena, data + 1, size - 1), size - 1};
    const PlType *type = declared(arena, data[0] & 127, ipc, &err);
    if ((type == NULL) != err.is_set) {
        abort();
    }
    if (type != NULL) {
        check_type(type);
        const TyAttr *columns = fuzz_columns(arena, type);
        const TrRel rel = {.tag = TR_LOCAL_DATA, .output = columns, .noutput = type->nfields, .local.arrow_ipc = ipc};
        if ((data[0] & 128) != 0) {
            decode(type, columns, ipc, &err);
        } else if (fuzz_run_rows(arena, &settings, &rel, type, &err) == err.is_set) {
            abort();
        }
    }
    arena_free(arena);
    return 0;
}
