/* exec/json.h - JSON records as Spark 3.5 reads them (JacksonParser), shared by the reader and schema inference.
 *
 * Invariant: a record that Jackson refuses gives no values at all; a value that has not its field's type is null and makes the record malformed.
 */
#ifndef SOLDER_EXEC_JSON_H
#define SOLDER_EXEC_JSON_H

#include "exec/csv.h"
#include "exec/value_format.h"

#include <yyjson.h>

typedef struct ExJsonOptions {
    bool multi_line, primitives_as_string, prefers_decimal, single_quotes, unquoted_names, comments, non_numeric, drop_all_null;
    bool infer_timestamp;
    ExCsvMode mode;
    ExParseOptions parse;
    Str corrupt_column, line_sep;
    ExCharset charset;
    double sampling_ratio;
} ExJsonOptions;

/* Memory for one record after the other. */
typedef struct ExJsonDoc {
    yyjson_doc *doc;
    ExBytes repaired; /* a record with its single quotes made double */
} ExJsonDoc;

bool ex_json_options(ExJsonOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err);
/* The record's root, or NULL when it is no JSON or nested too deeply (Jackson's limit). Numbers are raw text. */
yyjson_val *ex_json_parse(ExJsonDoc *json, const ExJsonOptions *options, Str record);
void ex_json_done(ExJsonDoc *json);

/* BAD: the value has not the type, and the row is null. PARTIAL: a field of a struct in it has not, and is null. */
typedef enum ExJsonPut { EX_JSON_BAD, EX_JSON_OK, EX_JSON_PARTIAL } ExJsonPut;

/* The value into a vector's row. */
ExJsonPut ex_json_put(const ExJsonOptions *options, const PlType *type, yyjson_val *value, duckdb_vector vector, idx_t row);
/* Whether the value, which ex_json_put did not take as a whole, holds a time that Spark 2 would have read: Spark 3 then ends the query. Sets err. */
bool ex_json_is_upgrade(const ExJsonOptions *options, const PlType *type, yyjson_val *value, Err *err);
void ex_json_put_null(const PlType *type, duckdb_vector vector, idx_t row);

#endif
