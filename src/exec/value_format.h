/* exec/value_format.h - values as text, as Spark's writers print them.
 *
 * Used by the CSV, JSON and text writers and for partition directories. Invariant: the text is what Spark 3.5 writes for the value.
 */
#ifndef SOLDER_EXEC_VALUE_FORMAT_H
#define SOLDER_EXEC_VALUE_FORMAT_H

#include "kernels/date_pattern.h"
#include "plan/type.h"
#include "plan/unresolved.h"

#include <duckdb.h>

/* Growing bytes, malloc'd, used by one thread. Start with {0}; ends the process when memory is out, as an arena does. */
typedef struct ExBytes {
    char *data;
    size_t len, cap;
} ExBytes;

void ex_bytes_add(ExBytes *bytes, const char *data, size_t len);
void ex_bytes_add_char(ExBytes *bytes, char c);
void ex_bytes_add_long(ExBytes *bytes, int64_t value);
/* "text" with JSON's escapes, as Jackson writes them. */
void ex_bytes_add_json(ExBytes *bytes, Str text);
void ex_bytes_free(ExBytes *bytes);

typedef struct ExFormatOptions {
    const KnZone *zone;
    const KnPattern *date, *timestamp, *ntz;
    bool keep_null_fields; /* JSON: ignoreNullFields=false */
} ExFormatOptions;

/* Reads dateFormat, timestampFormat, timestampNTZFormat, timeZone, with the writers' defaults. */
bool ex_format_options(ExFormatOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err);

/* A scalar that is not null, as the CSV writer puts it before quoting (strings as they are). */
void ex_format_scalar(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out);
/* The same as CAST(… AS STRING) says it: timestamps as 2020-01-02 03:04:05.6 (for partition directories). */
void ex_format_cast(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out);
/* Any value as JSON. */
void ex_format_json_value(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out);
/* {"a":1,…}: null fields are left out unless options say otherwise. children[i] is the vector of field i. */
void ex_format_json_object(const ExFormatOptions *options, const PlField *fields, size_t nfields, const duckdb_vector *children, idx_t row,
                           ExBytes *out);
bool ex_vector_is_null(duckdb_vector vector, idx_t row);

#endif
