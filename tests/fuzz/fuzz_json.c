/* fuzz_json.c - libFuzzer target: any bytes as a JSON file: its schema found out, its records read, and out as a client gets them.
 *
 * The first byte sets options, the second one chooses the schema: the file's own, or a given one with every type; its highest bit, whether a
 * query reads the file, which takes twenty times as long as putting its lines into vectors does. What must hold: no crash, and records that are
 * malformed make no error (the mode is PERMISSIVE): what has a schema can be read.
 */
#include "exec/ex_internal.h"
#include "exec/json.h"
#include "exec/source.h"
#include "run_rows.h"
#include "sql/sql.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Str write_file(Arena *arena, Str bytes) {
    static char folder[] = "/tmp/solder-fuzz-XXXXXX";
    static bool is_made = false;
    if (!is_made) {
        if (mkdtemp(folder) == NULL) {
            abort();
        }
        is_made = true;
    }
    Str path = str_fmt(arena, "%s/f.json", folder);
    FILE *file = fopen(path.data, "w");
    if (file == NULL || fwrite(bytes.data, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        abort();
    }
    return path;
}

static const PlType *given_schema(Arena *arena, uint8_t choice) {
    static const Str schemas[] = {
        STR("a int, b string, c double, d array<int>, e struct<a: int, b: array<string>>"),
        STR("a byte, b binary, c float, d map<string, array<int>>, e struct<>, _corrupt_record string"),
        STR("a decimal(10, 2), b boolean, c date, d timestamp, e timestamp_ntz, f short, g long"),
        STR("a array<array<struct<a: map<string, decimal(38, 18)>>>>, b void, c struct<a: date, b: struct<a: timestamp>>"),
    };
    size_t at = choice % (sizeof schemas / sizeof *schemas + 1);
    Err err = {0};
    return at == 0 ? NULL : sq_parse_schema(arena, schemas[at - 1], &err);
}

/* Each line as a value of the type, again and again into the same few rows; what is there at the end is looked at. */
static void put_lines(Arena *arena, const PlType *type, const PlOption *options, size_t noptions, Str text) {
    enum { ROWS = 4 };
    Err err = {0};
    ExJsonOptions json;
    if (!ex_json_options(&json, options, noptions, STR("UTC"), arena, &err)) {
        abort();
    }
    duckdb_logical_type logical = ex_logical_type(type);
    duckdb_data_chunk chunk = duckdb_create_data_chunk(&logical, 1);
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, 0);
    ExJsonDoc doc = {0};
    idx_t row = 0;
    while (text.len > 0) {
        const char *end = json.multi_line ? NULL : memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        char *line = arena_copy(arena, text.data, len); /* its end is the end of memory that may be read */
        yyjson_val *root = ex_json_parse(&doc, &json, (Str){line, len});
        duckdb_vector_ensure_validity_writable(vector);
        duckdb_validity_set_row_valid(duckdb_vector_get_validity(vector), row % ROWS);
        if (root == NULL) {
            ex_json_put_null(type, vector, row % ROWS);
        } else {
            (void)ex_json_put(&json, type, root, vector, row % ROWS);
        }
        row++;
        text = str_slice(text, len + (end != NULL), text.len);
    }
    for (idx_t i = 0; i < ROWS && i < row; i++) {
        (void)ex_value_at(arena, type, vector, i);
    }
    ex_json_done(&doc);
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_logical_type(&logical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const PlOption choices[] = {{STR("multiLine"), STR("true")},        {STR("primitivesAsString"), STR("true")},
                                       {STR("prefersDecimal"), STR("true")},   {STR("allowUnquotedFieldNames"), STR("true")},
                                       {STR("allowComments"), STR("true")},    {STR("inferTimestamp"), STR("true")},
                                       {STR("dropFieldIfAllNull"), STR("true")}, {STR("encoding"), STR("UTF-16")}};
    if (size < 2) {
        return 0;
    }
    PlOption options[8];
    size_t n = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (data[0] >> i & 1) {
            options[n++] = choices[i];
        }
    }
    Arena *arena = arena_new();
    Err err = {0};
    PlSettings settings;
    pl_settings_init(&settings, arena);
    Str text = {(const char *)data + 2, size - 2};
    Str path = write_file(arena, text);
    PrRel source = {.tag = PR_READ_SOURCE};
    source.source.format = STR("json");
    source.source.schema = given_schema(arena, data[1] & 127);
    source.source.options = options;
    source.source.noptions = n;
    source.source.paths = &path;
    source.source.npaths = 1;
    TyScan scan;
    bool is_ok = ex_describe_source(fuzz_engine(), arena, &settings, &source, &scan, &err);
    if (is_ok == err.is_set) {
        abort();
    }
    if (is_ok && (data[1] & 128) == 0) {
        put_lines(arena, scan.data_schema, options, n, text);
    } else if (is_ok && scan.data_schema->nfields > 0) {
        const PlType *type = scan.data_schema;
        TrRel rel = {.tag = TR_SCAN, .output = fuzz_columns(arena, type), .noutput = type->nfields};
        rel.scan.scan = &scan;
        if (!fuzz_run_rows(arena, &settings, &rel, type, &err)) {
            fprintf(stderr, "%s: %s\n", err.code, err.message);
            abort();
        }
    }
    arena_free(arena);
    return 0;
}
