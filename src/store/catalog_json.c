/* catalog_json.c - see catalog_json.h. */
#include "store/catalog_json.h"

#include "store/store_room.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Import {
    StStore *store;
    Arena *arena;
    StImported counts;
} Import;

/* Who the entity belongs to, as the request's outer members say. */
typedef struct Outer {
    yyjson_val *database, *table; /* strings, or NULL */
} Outer;

static Str str_of(yyjson_val *value) {
    return (Str){yyjson_get_str(value), yyjson_get_len(value)};
}

static bool required_name(Import *import, yyjson_val *value, const char *member, Str *ret_name, Err *err) {
    if (!yyjson_is_str(value) || yyjson_get_len(value) == 0 || yyjson_get_len(value) > 255) {
        return err_set(err, "InvalidInputException", "%s must be a string of 1 to 255 characters", member);
    }
    *ret_name = str_lower(import->arena, str_of(value));
    return true;
}

/* A member of the entity that is replaced; NULL when it is new, or had none. */
static yyjson_val *earlier(yyjson_doc *previous, const char *member) {
    return yyjson_obj_get(yyjson_doc_get_root(previous), member);
}

/* Times and version, where the input does not bring them (an export does). */
static void put_history(yyjson_mut_doc *doc, yyjson_mut_val *root, StEntity entity, yyjson_doc *previous) {
    double now = (double)st_now_us() / 1e6;
    const char *created = entity == ST_PARTITION ? "CreationTime" : "CreateTime";
    if (yyjson_mut_obj_get(root, created) == NULL) {
        yyjson_val *before = earlier(previous, created);
        (void)yyjson_mut_obj_add_real(doc, root, created, yyjson_is_num(before) ? yyjson_get_num(before) : now);
    }
    if (entity != ST_TABLE) {
        return;
    }
    if (yyjson_mut_obj_get(root, "UpdateTime") == NULL) {
        (void)yyjson_mut_obj_add_real(doc, root, "UpdateTime", now);
    }
    if (yyjson_mut_obj_get(root, "VersionId") == NULL) {
        int64_t version = 0;
        yyjson_val *before = earlier(previous, "VersionId");
        version = str_to_i64(str_of(before), &version) ? version + 1 : 0;
        char text[32];
        (void)snprintf(text, sizeof text, "%lld", (long long)version);
        (void)yyjson_mut_obj_add_strcpy(doc, root, "VersionId", text);
    }
}

bool st_catalog_entity_json(Arena *arena, StEntity entity, const StEntityName *name, yyjson_val *input, Str previous, Str *ret_json, Err *err) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = doc == NULL ? NULL : yyjson_val_mut_copy(doc, input);
    if (root == NULL) {
        yyjson_mut_doc_free(doc);
        return err_set(err, ERR_INTERNAL, "no memory for a catalog entry");
    }
    yyjson_mut_doc_set_root(doc, root);
    struct {
        const char *member;
        Str value;
    } names[] = {{entity == ST_DATABASE ? "Name" : "DatabaseName", name->database},
                 {entity == ST_DATABASE ? NULL : entity == ST_TABLE ? "Name" : "TableName", name->table}};
    for (size_t i = 0; i < 2; i++) {
        if (names[i].member != NULL) {
            yyjson_mut_val *text = yyjson_mut_strncpy(doc, names[i].value.data, names[i].value.len);
            (void)yyjson_mut_obj_put(root, yyjson_mut_str(doc, names[i].member), text);
        }
    }
    yyjson_doc *before = previous.len == 0 ? NULL : yyjson_read(previous.data, previous.len, 0);
    put_history(doc, root, entity, before);
    yyjson_doc_free(before);
    size_t len = 0;
    char *text = yyjson_mut_write(doc, 0, &len);
    yyjson_mut_doc_free(doc);
    if (text == NULL) {
        return err_set(err, "InvalidInputException", "the entry holds text that is not UTF-8");
    }
    *ret_json = str_copy(arena, (Str){text, len});
    free(text);
    return true;
}

static bool put(Import *import, StEntity entity, const StEntityName *name, yyjson_val *object, int *count, Err *err) {
    Str json;
    if (!st_catalog_entity_json(import->arena, entity, name, object, STR(""), &json, err) || !st_catalog_put(import->store, entity, name, json, true, err)) {
        return false;
    }
    (*count)++;
    return true;
}

static bool import_database(Import *import, const Outer *outer, yyjson_val *object, Err *err) {
    (void)outer;
    StEntityName name = {0};
    return required_name(import, yyjson_obj_get(object, "Name"), "DatabaseInput.Name", &name.database, err) &&
           put(import, ST_DATABASE, &name, object, &import->counts.databases, err);
}

static bool check_columns(yyjson_val *columns, const char *member, Err *err) {
    if (columns == NULL) {
        return true;
    }
    if (!yyjson_is_arr(columns)) {
        return err_set(err, "InvalidInputException", "%s must be a list", member);
    }
    size_t i;
    size_t count;
    yyjson_val *column;
    yyjson_arr_foreach(columns, i, count, column) {
        yyjson_val *type = yyjson_obj_get(column, "Type");
        if (!yyjson_is_str(yyjson_obj_get(column, "Name")) || (type != NULL && !yyjson_is_str(type))) {
            return err_set(err, "InvalidInputException", "%s[%zu] must have a Name and a Type, both strings", member, i);
        }
    }
    return true;
}

static bool import_table(Import *import, const Outer *outer, yyjson_val *object, Err *err) {
    StEntityName name = {0};
    yyjson_val *database = outer->database != NULL ? outer->database : yyjson_obj_get(object, "DatabaseName");
    yyjson_val *storage = yyjson_obj_get(object, "StorageDescriptor");
    return required_name(import, database, "DatabaseName", &name.database, err) &&
           required_name(import, yyjson_obj_get(object, "Name"), "TableInput.Name", &name.table, err) &&
           check_columns(yyjson_obj_get(storage, "Columns"), "StorageDescriptor.Columns", err) &&
           check_columns(yyjson_obj_get(object, "PartitionKeys"), "PartitionKeys", err) &&
           put(import, ST_TABLE, &name, object, &import->counts.tables, err);
}

bool st_catalog_values(Arena *arena, yyjson_val *values, const char *member, Str *ret_values, Err *err) {
    if (!yyjson_is_arr(values) || yyjson_arr_size(values) == 0) {
        return err_set(err, "InvalidInputException", "%s must be a list of strings", member);
    }
    size_t i;
    size_t count;
    yyjson_val *value;
    yyjson_arr_foreach(values, i, count, value) {
        if (!yyjson_is_str(value)) {
            return err_set(err, "InvalidInputException", "%s[%zu] must be a string", member, i);
        }
    }
    size_t len = 0;
    char *text = yyjson_val_write(values, 0, &len);
    if (text == NULL) {
        return err_set(err, "InvalidInputException", "%s holds text that is not UTF-8", member);
    }
    *ret_values = str_copy(arena, (Str){text, len});
    free(text);
    return true;
}

static bool import_partition(Import *import, const Outer *outer, yyjson_val *object, Err *err) {
    StEntityName name = {0};
    yyjson_val *database = outer->database != NULL ? outer->database : yyjson_obj_get(object, "DatabaseName");
    yyjson_val *table = outer->table != NULL ? outer->table : yyjson_obj_get(object, "TableName");
    return required_name(import, database, "DatabaseName", &name.database, err) && required_name(import, table, "TableName", &name.table, err) &&
           st_catalog_values(import->arena, yyjson_obj_get(object, "Values"), "PartitionInput.Values", &name.values, err) &&
           put(import, ST_PARTITION, &name, object, &import->counts.partitions, err);
}

typedef struct Member {
    const char *name;
    bool is_list;
    bool (*import)(Import *import, const Outer *outer, yyjson_val *object, Err *err);
} Member;

/* In the order in which they must be put: parents first. */
static const Member MEMBERS[] = {
    {"DatabaseInput", false, import_database},      {"Database", false, import_database}, {"DatabaseList", true, import_database},
    {"Databases", true, import_database},           {"TableInput", false, import_table},  {"Table", false, import_table},
    {"TableList", true, import_table},              {"Tables", true, import_table},       {"PartitionInput", false, import_partition},
    {"PartitionInputList", true, import_partition}, {"Partition", false, import_partition}, {"Partitions", true, import_partition},
};

static bool import_member(Import *import, const Outer *outer, const Member *member, yyjson_val *value, Err *err) {
    if (!member->is_list) {
        return yyjson_is_obj(value) ? member->import(import, outer, value, err)
                                    : err_set(err, "InvalidInputException", "%s must be an object", member->name);
    }
    if (!yyjson_is_arr(value)) {
        return err_set(err, "InvalidInputException", "%s must be a list", member->name);
    }
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(value, i, count, item) {
        if (!yyjson_is_obj(item)) {
            return err_set(err, "InvalidInputException", "%s[%zu] must be an object", member->name, i);
        }
        if (!member->import(import, outer, item, err)) {
            return false;
        }
    }
    return true;
}

static bool import_document(Import *import, yyjson_val *root, Err *err) {
    Outer outer = {yyjson_obj_get(root, "DatabaseName"), yyjson_obj_get(root, "TableName")};
    bool known = false;
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        yyjson_val *value = yyjson_obj_get(root, MEMBERS[i].name);
        if (value != NULL) {
            known = true;
            if (!import_member(import, &outer, &MEMBERS[i], value, err)) {
                return false;
            }
        }
    }
    return known || err_set(err, "InvalidInputException",
                            "no DatabaseInput, TableInput or PartitionInput in it: expected what the AWS CLI's --cli-input-json takes");
}

bool st_catalog_import(StStore *store, Str json, StImported *ret_counts, Err *err) {
    yyjson_read_err reason;
    yyjson_doc *doc = yyjson_read_opts((char *)json.data, json.len, 0, NULL, &reason);
    if (doc == NULL) {
        return err_set(err, "InvalidInputException", "not JSON: %s at byte %zu", reason.msg, reason.pos);
    }
    Import import = {.store = store, .arena = arena_new()};
    bool ok = import_document(&import, yyjson_doc_get_root(doc), err);
    *ret_counts = import.counts;
    arena_free(import.arena);
    yyjson_doc_free(doc);
    return ok;
}

bool st_catalog_export(StStore *store, Arena *arena, Str *ret_json, Err *err) {
    static const char *const LISTS[] = {[ST_DATABASE] = "Databases", [ST_TABLE] = "Tables", [ST_PARTITION] = "Partitions"};
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = doc == NULL ? NULL : yyjson_mut_obj(doc);
    bool ok = root != NULL || err_set(err, ERR_INTERNAL, "no memory for the export");
    yyjson_mut_doc_set_root(doc, root);
    for (StEntity entity = ST_DATABASE; ok && entity <= ST_PARTITION; entity++) {
        const Str *rows = NULL;
        size_t count = 0;
        ok = st_catalog_list(store, arena, entity, &(StEntityName){0}, &rows, &count, err);
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, LISTS[entity]);
        for (size_t i = 0; ok && i < count; i++) {
            yyjson_doc *row = yyjson_read(rows[i].data, rows[i].len, 0);
            ok = (row != NULL && yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, yyjson_doc_get_root(row)))) ||
                 err_set(err, ERR_INTERNAL, "a catalog entry is not JSON");
            yyjson_doc_free(row);
        }
    }
    size_t len = 0;
    char *text = ok ? yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, &len) : NULL;
    ok = ok && (text != NULL || err_set(err, ERR_INTERNAL, "the catalog cannot be written as JSON"));
    if (ok) {
        *ret_json = str_copy(arena, (Str){text, len});
    }
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}
