/* glue_catalog.c - Glue's Data Catalog: databases and tables. Partitions are in glue_partitions.c.
 *
 * Entities are stored in the shapes in which the API answers them (store/catalog_json.h); what depends on the server (CatalogId, CreatedBy) is put in on
 * the way out. Behaviour: AWS Glue API reference, "Database API" and "Table API"; names are folded to lower case.
 */
#include "service/glue_names.h"
#include "service/glue_tags.h"

#include <string.h>

enum { DEFAULT_PAGE = 100 };

/* ---- what databases and tables share ---- */

bool gl_check_catalog(const SvServices *services, const AwsCall *call, Err *err) {
    Str catalog = js_str(call->input, "CatalogId");
    return catalog.len == 0 || str_eq(catalog, services->account) ||
           err_set(err, "EntityNotFoundException", "Catalog %.*s not found.", STR_ARG(catalog));
}

Str gl_name(AwsCall *call, yyjson_val *object, const char *member) {
    return str_lower(call->arena, js_str(object, member));
}

bool gl_page_start(AwsCall *call, Str *ret_after, Err *err) {
    Str token = js_str(call->input, "NextToken");
    *ret_after = STR("");
    return token.len == 0 || js_page_position(call->arena, token, ret_after) ||
           err_set(err, "InvalidInputException", "NextToken is not one that this service gave");
}

static void put_absent(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, yyjson_mut_val *value) {
    if (yyjson_mut_obj_get(object, name) == NULL) {
        (void)yyjson_mut_obj_add_val(doc, object, name, value);
    }
}

/* The permissions that a catalog without Lake Formation gives to what is created in it. */
static yyjson_mut_val *default_permissions(yyjson_mut_doc *doc) {
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_val *principal = yyjson_mut_obj_add_obj(doc, item, "Principal");
    (void)yyjson_mut_obj_add_str(doc, principal, "DataLakePrincipalIdentifier", "IAM_ALLOWED_PRINCIPALS");
    (void)yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, item, "Permissions"), "ALL");
    return list;
}

yyjson_mut_val *gl_shown(const SvServices *services, AwsCall *call, StEntity entity, Str json) {
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *shown = js_parse_into(doc, json);
    if (shown == NULL) {
        return yyjson_mut_obj(doc);
    }
    js_put_str(doc, shown, "CatalogId", services->account);
    if (entity == ST_DATABASE) {
        put_absent(doc, shown, "CreateTableDefaultPermissions", default_permissions(doc));
    } else if (entity == ST_TABLE) {
        Str by = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(services->account));
        put_absent(doc, shown, "CreatedBy", yyjson_mut_strncpy(doc, by.data, by.len));
        put_absent(doc, shown, "IsRegisteredWithLakeFormation", yyjson_mut_bool(doc, false));
        put_absent(doc, shown, "Retention", yyjson_mut_int(doc, 0));
    }
    return shown;
}

/* Replaces an entity by what the input makes of it; a table's VersionId, when given, must be the one that is there. */
bool gl_update(const SvServices *services, AwsCall *call, StEntity entity, const StEntityName *name, yyjson_val *input, Str version, Err *err) {
    for (;;) {
        Str seen;
        Str json;
        bool swapped = false;
        if (!st_catalog_get(services->store, call->arena, entity, name, &seen, err)) {
            return false;
        }
        if (version.len > 0) {
            yyjson_doc *doc = yyjson_read(seen.data, seen.len, 0);
            bool fits = str_eq(js_str(yyjson_doc_get_root(doc), "VersionId"), version);
            yyjson_doc_free(doc);
            if (!fits) {
                return err_set(err, "ConcurrentModificationException", "Update table failed due to concurrent modifications.");
            }
        }
        if (!st_catalog_entity_json(call->arena, entity, name, input, seen, &json, err) ||
            !st_catalog_swap(services->store, entity, name, seen, json, &swapped, err)) {
            return false;
        }
        if (swapped) {
            return true;
        }
    }
}

/* ---- databases ---- */

bool sv_glue_create_database(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *input = yyjson_obj_get(call->input, "DatabaseInput");
    StEntityName name = {.database = gl_name(call, input, "Name")};
    Str json;
    return gl_check_catalog(services, call, err) && st_catalog_entity_json(call->arena, ST_DATABASE, &name, input, STR(""), &json, err) &&
           st_catalog_put(services->store, ST_DATABASE, &name, json, false, err) &&
           gt_put_database(services, call->arena, name.database, yyjson_obj_get(call->input, "Tags"), err);
}

bool sv_glue_get_database(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name = {.database = gl_name(call, call->input, "Name")};
    Str json;
    return gl_check_catalog(services, call, err) && st_catalog_get(services->store, call->arena, ST_DATABASE, &name, &json, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "Database", gl_shown(services, call, ST_DATABASE, json));
}

bool sv_glue_get_databases(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str after;
    const Str *rows = NULL;
    size_t count = 0;
    size_t limit = (size_t)js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    if (!gl_check_catalog(services, call, err) || !gl_page_start(call, &after, err) ||
        !st_catalog_page(services->store, call->arena, ST_DATABASE, &(StEntityName){0}, after, limit + 1, &rows, &count, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "DatabaseList");
    for (size_t i = 0; i < count && i < limit; i++) {
        yyjson_mut_val *shown = gl_shown(services, call, ST_DATABASE, rows[i]);
        (void)yyjson_mut_arr_append(list, shown);
        if (i + 1 == limit && count > limit) {
            const char *last = yyjson_mut_get_str(yyjson_mut_obj_get(shown, "Name"));
            js_put_str(call->doc, call->output, "NextToken", js_page_token(call->arena, str_from_c(last)));
        }
    }
    return true;
}

bool sv_glue_update_database(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *input = yyjson_obj_get(call->input, "DatabaseInput");
    StEntityName name = {.database = gl_name(call, call->input, "Name")};
    if (!str_eq(name.database, gl_name(call, input, "Name"))) {
        return err_set(err, "InvalidInputException", "DatabaseInput.Name must be the database's own name: a database can't be renamed");
    }
    return gl_check_catalog(services, call, err) && gl_update(services, call, ST_DATABASE, &name, input, STR(""), err);
}

bool sv_glue_delete_database(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name = {.database = gl_name(call, call->input, "Name")};
    return gl_check_catalog(services, call, err) && st_catalog_delete(services->store, ST_DATABASE, &name, err) &&
           gt_forget_database(services, name.database, err);
}

/* ---- tables ---- */

static bool table_input(AwsCall *call, yyjson_val **ret_input, Err *err) {
    if (yyjson_obj_get(call->input, "OpenTableFormatInput") != NULL || yyjson_obj_get(call->input, "UpdateOpenTableFormatInput") != NULL) {
        return err_set(err, "InvalidInputException", "OpenTableFormatInput is not supported by Solder yet: give TableInput");
    }
    *ret_input = yyjson_obj_get(call->input, "TableInput");
    return *ret_input != NULL || err_set(err, "InvalidInputException", "TableInput is missing");
}

bool sv_glue_create_table(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *input = NULL;
    Str json;
    if (!gl_check_catalog(services, call, err) || !table_input(call, &input, err)) {
        return false;
    }
    StEntityName name = {.database = gl_name(call, call->input, "DatabaseName"), .table = gl_name(call, input, "Name")};
    return st_catalog_entity_json(call->arena, ST_TABLE, &name, input, STR(""), &json, err) &&
           st_catalog_put(services->store, ST_TABLE, &name, json, false, err);
}

bool sv_glue_get_table(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name = {.database = gl_name(call, call->input, "DatabaseName"), .table = gl_name(call, call->input, "Name")};
    Str json;
    return gl_check_catalog(services, call, err) && st_catalog_get(services->store, call->arena, ST_TABLE, &name, &json, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "Table", gl_shown(services, call, ST_TABLE, json));
}

/* One alternative of an Expression against a name: '*' and ".*" are any characters, '.' is one, the rest is itself in any case. */
static bool matches_one(Str pattern, Str name) {
    if (pattern.len == 0) {
        return name.len == 0;
    }
    bool is_dot_star = pattern.len > 1 && pattern.data[0] == '.' && pattern.data[1] == '*';
    if (is_dot_star || pattern.data[0] == '*') {
        Str rest = str_slice(pattern, is_dot_star ? 2 : 1, pattern.len);
        for (size_t i = 0; i <= name.len; i++) {
            if (matches_one(rest, str_slice(name, i, name.len))) {
                return true;
            }
        }
        return false;
    }
    return name.len > 0 && (pattern.data[0] == '.' || pattern.data[0] == name.data[0]) &&
           matches_one(str_slice(pattern, 1, pattern.len), str_slice(name, 1, name.len));
}

/* GetTables' Expression "a*|b": the pattern language that Hive's metastore clients send (Glue's "regular expression"). */
static bool name_matches(Str expression, Str name) {
    size_t at = 0;
    while (at <= expression.len) {
        const char *bar = at == expression.len ? NULL : memchr(expression.data + at, '|', expression.len - at);
        size_t end = bar == NULL ? expression.len : (size_t)(bar - expression.data);
        if (matches_one(str_trim(str_slice(expression, at, end)), name)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool sv_glue_get_tables(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName database = {.database = gl_name(call, call->input, "DatabaseName")};
    Str expression = str_lower(call->arena, js_str(call->input, "Expression"));
    size_t limit = (size_t)js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    Str after;
    Str json;
    if (!gl_check_catalog(services, call, err) || !gl_page_start(call, &after, err) ||
        !st_catalog_get(services->store, call->arena, ST_DATABASE, &database, &json, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "TableList");
    size_t taken = 0;
    bool is_end = false;
    while (!is_end) {
        const Str *rows = NULL;
        size_t count = 0;
        if (!st_catalog_page(services->store, call->arena, ST_TABLE, &database, after, DEFAULT_PAGE, &rows, &count, err)) {
            return false;
        }
        is_end = count < DEFAULT_PAGE;
        for (size_t i = 0; i < count; i++) {
            yyjson_mut_val *shown = gl_shown(services, call, ST_TABLE, rows[i]);
            Str name = str_from_c(yyjson_mut_get_str(yyjson_mut_obj_get(shown, "Name")));
            if (expression.len > 0 && !name_matches(expression, name)) {
                after = name;
                continue;
            }
            if (taken == limit) {
                js_put_str(call->doc, call->output, "NextToken", js_page_token(call->arena, after));
                return true;
            }
            (void)yyjson_mut_arr_append(list, shown);
            after = name;
            taken++;
        }
    }
    return true;
}

bool sv_glue_update_table(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *input = NULL;
    if (!gl_check_catalog(services, call, err) || !table_input(call, &input, err)) {
        return false;
    }
    StEntityName name = {.database = gl_name(call, call->input, "DatabaseName"), .table = gl_name(call, input, "Name")};
    return gl_update(services, call, ST_TABLE, &name, input, js_str(call->input, "VersionId"), err);
}

bool sv_glue_delete_table(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name = {.database = gl_name(call, call->input, "DatabaseName"), .table = gl_name(call, call->input, "Name")};
    return gl_check_catalog(services, call, err) && st_catalog_delete(services->store, ST_TABLE, &name, err);
}

void gl_add_error(AwsCall *call, yyjson_mut_val *errors, const char *key_name, yyjson_mut_val *key, const Err *err) {
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, errors);
    (void)yyjson_mut_obj_add_val(call->doc, item, key_name, key);
    yyjson_mut_val *detail = yyjson_mut_obj_add_obj(call->doc, item, "ErrorDetail");
    (void)yyjson_mut_obj_add_strcpy(call->doc, detail, "ErrorCode", err->code);
    (void)yyjson_mut_obj_add_strcpy(call->doc, detail, "ErrorMessage", err->message);
}

bool sv_glue_batch_delete_table(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    if (!gl_check_catalog(services, call, err)) {
        return false;
    }
    StEntityName name = {.database = gl_name(call, call->input, "DatabaseName")};
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(call->doc, call->output, "Errors");
    size_t i;
    size_t count;
    yyjson_val *table;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "TablesToDelete"), i, count, table) {
        Err failure = {0};
        name.table = str_lower(call->arena, js_text(table));
        if (!st_catalog_delete(services->store, ST_TABLE, &name, &failure)) {
            gl_add_error(call, errors, "TableName", yyjson_val_mut_copy(call->doc, table), &failure);
        }
    }
    return true;
}
