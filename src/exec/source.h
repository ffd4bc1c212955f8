/* exec/source.h - finding out what a read reads: files, partition columns, schema.
 *
 * Invariant: a TyScan that comes out names only files that exist, with Spark's types; errors have Spark's classes and messages.
 */
#ifndef SOLDER_EXEC_SOURCE_H
#define SOLDER_EXEC_SOURCE_H

#include "base/vec.h"
#include "exec/scan.h"
#include "exec/value_parse.h"

typedef struct ExFound {
    Str path, shown;
    int64_t size, modified_us;
    Str below; /* directories between the read's root and the file: "a=1/b=2" */
} ExFound;

typedef VEC(ExFound) ExFoundList;

/* source_paths.c: the data files of the paths of a read. Code PATH_NOT_FOUND. */
bool ex_source_files(ExEngine *engine, Arena *arena, const Str *paths, size_t npaths, const PlOption *options, size_t noptions, ExFoundList *ret_files,
                     Err *err);
/* Whether a file or directory of that name is passed over (_SUCCESS, .crc). */
bool ex_source_is_hidden(Str name);
/* /a/b of file:///a/b, file:/a/b or a/b; false: another scheme. */
bool ex_source_local_path(Arena *arena, Str url, Str *ret_path);
bool ex_source_is_s3(Str url);
/* s3a:// and s3n:// as s3:// */
Str ex_source_s3_url(Arena *arena, Str url);

/* source_partition.c: columns in directory names. Fills files' partition values; files that Spark leaves out are gone. */
bool ex_source_partitions(Arena *arena, const PlSettings *settings, const PlType *given_schema, const PlOption *options, size_t noptions,
                          const KnZone *zone, const ExFoundList *files, TyScan *scan, Err *err);

/* csv_infer.c, json_infer.c, parquet_schema.c: the schema of the files. */
const PlType *ex_csv_schema(Arena *arena, const TyScan *scan, Str time_zone, Err *err);
const PlType *ex_json_schema(Arena *arena, const TyScan *scan, Str time_zone, Err *err);
const PlType *ex_parquet_schema(ExEngine *engine, Arena *arena, const TyScan *scan, Err *err);

#endif
