/* store/catalog_json.h - the catalog's JSON: from the AWS API's request shapes to the shapes that are stored and answered.
 *
 * Used by cli/ (solder catalog) and, later, by service/ for CreateDatabase, CreateTable and CreatePartition. Names of databases and tables
 * are folded to lower case, as Glue does (AWS Glue API reference, TableInput.Name). Codes: InvalidInputException, EntityNotFoundException.
 */
#ifndef SOLDER_STORE_CATALOG_JSON_H
#define SOLDER_STORE_CATALOG_JSON_H

#include "store/store.h"

typedef struct StImported {
    int databases, tables, partitions;
} StImported;

/* Imports one JSON document: the input of create-database, create-table, create-partition or batch-create-partition, the output of
 * get-database(s), get-table(s) or get-partitions, or what st_catalog_export writes. Replaces what is there. */
bool st_catalog_import(StStore *store, Str json, StImported *ret_counts, Err *err);
/* {"Databases": […], "Tables": […], "Partitions": […]} in the API's output shapes, indented. */
bool st_catalog_export(StStore *store, Arena *arena, Str *ret_json, Err *err);

#endif
