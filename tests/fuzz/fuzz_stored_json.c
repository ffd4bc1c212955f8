/* fuzz_stored_json.c - libFuzzer target: any bytes as the JSON that Solder keeps or is given to keep: a schema, and a catalog document.
 *
 * What must hold: no crash, and an error exactly when there is no result; a schema that was read is written and read back as the same one.
 */
#include "plan/type.h"
#include "store/catalog_json.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_type(Arena *arena, Str text) {
    Err err = {0};
    const PlType *type = pl_type_from_json(arena, text, &err);
    if ((type == NULL) != err.is_set) {
        abort();
    }
    if (type != NULL) {
        Err again = {0};
        const PlType *back = pl_type_from_json(arena, pl_type_json(arena, type), &again);
        if (back == NULL || !pl_type_equal(type, back)) {
            abort();
        }
    }
}

static void import_catalog(Str text) {
    /* One home for all inputs of a process: opening a database for each would be most of the time. */
    static StStore *store = NULL;
    if (store == NULL) {
        char home[] = "/tmp/solder-fuzz-XXXXXX";
        Err err = {0};
        store = mkdtemp(home) == NULL ? NULL : st_open(str_from_c(home), &err);
        if (store == NULL) {
            abort();
        }
        StImported counts;
        if (!st_catalog_import(store, STR("{\"DatabaseInput\": {\"Name\": \"d\"}}"), &counts, &err) ||
            !st_catalog_import(store, STR("{\"DatabaseName\": \"d\", \"TableInput\": {\"Name\": \"t\"}}"), &counts, &err)) {
            abort();
        }
    }
    Err err = {0};
    StImported counts;
    if (st_catalog_import(store, text, &counts, &err) == err.is_set) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena *arena = arena_new();
    Str text = str_copy(arena, (Str){(const char *)data, size});
    read_type(arena, text);
    import_catalog(text);
    arena_free(arena);
    return 0;
}
