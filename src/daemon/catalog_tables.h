/* daemon/catalog_tables.h - the engine's view of the Data Catalog over the store: tables as scans, entries as JSON rows.
 *
 * Implements what analyze/ (AzWorld.table) and exec/ (the source solder.catalog) ask for. Readings of SerDes follow Hive's, as Spark does
 * for tables of the Glue Data Catalog.
 */
#ifndef SOLDER_DAEMON_CATALOG_TABLES_H
#define SOLDER_DAEMON_CATALOG_TABLES_H

#include "exec/storage.h"
#include "plan/typed.h"
#include "store/store.h"

typedef struct CatalogTables {
    StStore *store;
    const ExStorage *storage;
} CatalogTables;

/* Code TABLE_OR_VIEW_NOT_FOUND when there is none. */
bool catalog_table_scan(const CatalogTables *tables, Arena *arena, Str database, Str table, TyScan *ret_scan, Err *err);
typedef struct CatalogName {
    Str name, description, location;
} CatalogName;
/* Databases, or with a database's name its tables (EntityNotFoundException when it is not there), sorted by name. */
bool catalog_names(const CatalogTables *tables, Arena *arena, Str database, const CatalogName **ret_names, size_t *ret_count, Err *err);
/* The JSON of entries for `spark.read.format("solder.catalog")`: kind is table, partitions, database, tables or databases. Code
 * EntityNotFoundException. */
bool catalog_entries(const CatalogTables *tables, Arena *arena, Str kind, Str database, Str table, const Str **ret_json, size_t *ret_count,
                     Err *err);

#endif
