/* connect/rows.h - small tables that connect/ itself answers with: SHOW TABLES, spark.catalog.*, SET.
 *
 * Filled cell by cell, row after row; then an Arrow stream or a relation. Invariant: cells come in the order of the type's fields.
 */
#ifndef SOLDER_CONNECT_ROWS_H
#define SOLDER_CONNECT_ROWS_H

#include "base/vec.h"
#include "plan/typed.h"

typedef struct CnRows {
    Arena *arena;
    const PlType *type;
    VEC(PlValue) cells;
} CnRows;

typedef struct CnColumn {
    const char *name;
    const PlType *type;
    bool nullable;
} CnColumn;

CnRows cn_rows_new(Arena *arena, const CnColumn *columns, size_t ncolumns);
void cn_rows_text(CnRows *rows, Str text);
void cn_rows_text_or_null(CnRows *rows, Str text); /* empty is null */
void cn_rows_bool(CnRows *rows, bool value);
void cn_rows_names(CnRows *rows, const Str *names, size_t count); /* array<string> */
size_t cn_rows_count(const CnRows *rows);
bool cn_rows_arrow(const CnRows *rows, Str *ret_ipc, Err *err);
/* As a leaf of a typed tree; ids from first_id on. */
const TrRel *cn_rows_rel(const CnRows *rows, uint32_t first_id, Err *err);
/* The type of namespace columns. */
const PlType *cn_rows_names_type(Arena *arena);
/* Spark's pattern of SHOW … LIKE: * and |, without case. An empty pattern matches all. */
bool cn_like(Str name, Str pattern);

#endif
