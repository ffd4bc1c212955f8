/* exec/write.h - one write: a query into files of a format, in a storage transaction.
 *
 * write.c decides layout and modes and runs the parts; write_parquet.c and write_rows.c make the files. Invariant: a part is written by one thread,
 * and its file is of the transaction before a byte is in it.
 */
#ifndef SOLDER_EXEC_WRITE_H
#define SOLDER_EXEC_WRITE_H

#include "exec/ex_internal.h"
#include "exec/value_format.h"

typedef struct ExWriter {
    ExOperation *op;
    const ExWrite *write;
    Str format;
    const ExStorage *storage;
    Str url;
    ExStorageTxn *txn;
    Arena *arena; /* under op->lock while parts run */
    const size_t *partition; /* positions in the output */
    size_t npartition;
    const size_t *data;
    size_t ndata;
    ExFormatOptions text; /* of the options, and the session's zone for partition values */
    char uuid[37];
    Str extension; /* ".snappy.parquet" */
    Str success;   /* path of the file that becomes _SUCCESS */
    atomic_llong rows, bytes, files;
    const void *options; /* the format's own */
    Str *replaced;       /* dynamic overwrite: directories already given to replace() */
    size_t nreplaced, replaced_cap;
} ExWriter;

/* write.c */
Str ex_write_file_name(ExWriter *writer, Arena *arena, Str directory, size_t part, size_t number);
/* A new file of the transaction; directory is a partition directory or empty. */
bool ex_write_add(ExWriter *writer, Arena *arena, Str directory, size_t part, size_t number, Str *ret_path, Err *err);
bool ex_write_count_file(ExWriter *writer, Str path, int64_t rows, Err *err);
/* "a=1/b=x%20y" of a row (ExternalCatalogUtils.getPartitionPathString). vectors[i] is partition column i. */
void ex_write_directory(const ExWriter *writer, const duckdb_vector *vectors, idx_t row, ExBytes *out);
bool ex_write_register(ExEngine *engine, Err *err);

/* write_parquet.c */
bool ex_parquet_prepare(ExWriter *writer, Err *err);
bool ex_parquet_part(ExWriter *writer, ExScope *scope, size_t part, Err *err);
/* write_rows.c: csv, json, text */
bool ex_rows_prepare(ExWriter *writer, Err *err);
bool ex_rows_part(ExWriter *writer, ExScope *scope, size_t part, Err *err);

#endif
