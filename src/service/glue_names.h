/* service/glue_names.h - what the files of Glue's Data Catalog share (glue_catalog.c, glue_partitions.c). */
#ifndef SOLDER_SERVICE_GLUE_NAMES_H
#define SOLDER_SERVICE_GLUE_NAMES_H

#include "service/json_members.h"
#include "service/service.h"
#include "store/catalog_json.h"

/* A request's CatalogId is this account's, or not given. */
bool gl_check_catalog(const SvServices *services, const AwsCall *call, Err *err);
/* A name as the catalog has it: in lower case. */
Str gl_name(AwsCall *call, yyjson_val *object, const char *member);
/* The position behind which the page begins (empty: from the start). */
bool gl_page_start(AwsCall *call, Str *ret_after, Err *err);
/* A stored entity as it is answered, in the call's document. */
yyjson_mut_val *gl_shown(const SvServices *services, AwsCall *call, StEntity entity, Str json);
/* Replaces an entity by what the input makes of it; version (empty: any) must be the VersionId that is there. */
bool gl_update(const SvServices *services, AwsCall *call, StEntity entity, const StEntityName *name, yyjson_val *input, Str version, Err *err);
/* {key_name: key, "ErrorDetail": {…}} at the end of a batch's list of errors. */
void gl_add_error(AwsCall *call, yyjson_mut_val *errors, const char *key_name, yyjson_mut_val *key, const Err *err);

#endif
