/* store/catalog_json.h - the catalog's JSON: from the AWS API's request shapes to the shapes that are stored and answered.
 *
 * Used by cli/ (solder catalog) and, later, by service/ for CreateDatabase, CreateTable and CreatePartition. Names of databases and tables
 * are folded to lower case, as Glue does (AWS Glue API reference, TableInput.Name). Codes: InvalidInputException, EntityNotFoundException.
 */
#ifndef SOLDER_STORE_CATALOG_JSON_H
#define SOLDER_STORE_CATALOG_JSON_H

#include "store/store.h"

#include <yyjson.h>

/* The stored text of an entity: the members of a request's DatabaseInput, TableInput or PartitionInput, with its names (folded), its times and
 * a table's VersionId put in. previous is what it replaces (empty: it is new): the time of creation stays, a table's version counts on. */
bool st_catalog_entity_json(Arena *arena, StEntity entity, const StEntityName *name, yyjson_val *input, Str previous, Str *ret_json, Err *err);
/* The key of a partition: its values as JSON text. InvalidInputException when they are not a list of strings; member names it there. */
bool st_catalog_values(Arena *arena, yyjson_val *values, const char *member, Str *ret_values, Err *err);

typedef struct StImported {
    int databases, tables, partitions;
} StImported;

/* Imports one JSON document: the input of create-database, create-table, create-partition or batch-create-partition, the output of
 * get-database(s), get-table(s) or get-partitions, or what st_catalog_export writes. Replaces what is there. */
bool st_catalog_import(StStore *store, Str json, StImported *ret_counts, Err *err);
/* {"Databases": […], "Tables": […], "Partitions": […]} in the API's output shapes, indented. */
bool st_catalog_export(StStore *store, Arena *arena, Str *ret_json, Err *err);

#endif
