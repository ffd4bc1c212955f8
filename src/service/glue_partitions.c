/* glue_partitions.c - Glue's Data Catalog: the partitions of a table. See glue_catalog.c. */
#include "service/glue_names.h"
#include "service/partition_filter.h"

#include <string.h>

enum { DEFAULT_PAGE = 1000 };

/* The table that the request names, parsed; the caller frees the document. */
static yyjson_doc *table_of(const SvServices *services, AwsCall *call, StEntityName *ret_name, Err *err) {
    *ret_name = (StEntityName){.database = gl_name(call, call->input, "DatabaseName"), .table = gl_name(call, call->input, "TableName")};
    Str json;
    if (!gl_check_catalog(services, call, err) || !st_catalog_get(services->store, call->arena, ST_TABLE, ret_name, &json, err)) {
        return NULL;
    }
    yyjson_doc *doc = yyjson_read(json.data, json.len, 0);
    if (doc == NULL) {
        (void)err_set(err, ERR_INTERNAL, "the table's stored JSON can't be read");
    }
    return doc;
}

static bool check_values(yyjson_doc *table, yyjson_val *values, Err *err) {
    size_t keys = yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(table), "PartitionKeys"));
    return yyjson_arr_size(values) == keys ||
           err_set(err, "InvalidInputException", "The number of partition keys do not match the number of partition values");
}

static bool create_one(const SvServices *services, AwsCall *call, yyjson_doc *table, StEntityName *name, yyjson_val *input, Err *err) {
    yyjson_val *values = yyjson_obj_get(input, "Values");
    Str json;
    return check_values(table, values, err) && st_catalog_values(call->arena, values, "PartitionInput.Values", &name->values, err) &&
           st_catalog_entity_json(call->arena, ST_PARTITION, name, input, STR(""), &json, err) &&
           st_catalog_put(services->store, ST_PARTITION, name, json, false, err);
}

bool sv_glue_create_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_doc *table = table_of(services, call, &name, err);
    bool ok = table != NULL && create_one(services, call, table, &name, yyjson_obj_get(call->input, "PartitionInput"), err);
    yyjson_doc_free(table);
    return ok;
}

bool sv_glue_batch_create_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_doc *table = table_of(services, call, &name, err);
    if (table == NULL) {
        return false;
    }
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(call->doc, call->output, "Errors");
    size_t i;
    size_t count;
    yyjson_val *input;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "PartitionInputList"), i, count, input) {
        Err failure = {0};
        if (!create_one(services, call, table, &name, input, &failure)) {
            gl_add_error(call, errors, "PartitionValues", yyjson_val_mut_copy(call->doc, yyjson_obj_get(input, "Values")), &failure);
        }
    }
    yyjson_doc_free(table);
    return true;
}

static bool name_of(const SvServices *services, AwsCall *call, const char *member, StEntityName *ret_name, Err *err) {
    yyjson_doc *table = table_of(services, call, ret_name, err);
    bool ok = table != NULL && st_catalog_values(call->arena, yyjson_obj_get(call->input, member), member, &ret_name->values, err);
    yyjson_doc_free(table);
    return ok;
}

bool sv_glue_get_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    Str json;
    return name_of(services, call, "PartitionValues", &name, err) &&
           st_catalog_get(services->store, call->arena, ST_PARTITION, &name, &json, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "Partition", gl_shown(services, call, ST_PARTITION, json));
}

bool sv_glue_batch_get_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_doc *table = table_of(services, call, &name, err);
    if (table == NULL) {
        return false;
    }
    yyjson_doc_free(table);
    yyjson_mut_val *found = yyjson_mut_obj_add_arr(call->doc, call->output, "Partitions");
    yyjson_mut_val *unprocessed = yyjson_mut_obj_add_arr(call->doc, call->output, "UnprocessedKeys");
    (void)unprocessed; /* always empty: a key that is not there is left out, as AWS does */
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "PartitionsToGet"), i, count, key) {
        Err absent = {0};
        Str json;
        if (st_catalog_values(call->arena, yyjson_obj_get(key, "Values"), "Values", &name.values, &absent) &&
            st_catalog_get(services->store, call->arena, ST_PARTITION, &name, &json, &absent)) {
            (void)yyjson_mut_arr_append(found, gl_shown(services, call, ST_PARTITION, json));
        } else if (!err_is(&absent, "EntityNotFoundException")) {
            return err_set(err, absent.code, "%s", absent.message);
        }
    }
    return true;
}

/* What a walk over a table's partitions looks for, and where it is. */
typedef struct Walk {
    const PfFilter *filter; /* NULL: all */
    int64_t segment, segments;
    bool without_columns;
    size_t limit, taken;
    Str after;
} Walk;

/* Partitions are told apart by a hash of their values: stable, and each is in one segment. */
static bool is_wanted(const Walk *walk, yyjson_val *values, Str key) {
    return (walk->segments <= 1 || (int64_t)(str_hash(key) % (uint64_t)walk->segments) == walk->segment) &&
           (walk->filter == NULL || pf_matches(walk->filter, values));
}

/* Adds what is wanted of one batch of rows; false when the page is full. */
static bool add_rows(const SvServices *services, AwsCall *call, yyjson_mut_val *list, Walk *walk, const Str *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        yyjson_doc *doc = yyjson_read(rows[i].data, rows[i].len, 0);
        yyjson_val *values = yyjson_obj_get(yyjson_doc_get_root(doc), "Values");
        Str key = js_write_val(call->arena, values);
        bool wanted = is_wanted(walk, values, key);
        yyjson_doc_free(doc);
        if (wanted && walk->taken == walk->limit) {
            js_put_str(call->doc, call->output, "NextToken", js_page_token(call->arena, walk->after));
            return false;
        }
        if (wanted) {
            yyjson_mut_val *shown = gl_shown(services, call, ST_PARTITION, rows[i]);
            if (walk->without_columns) {
                (void)yyjson_mut_obj_remove_key(yyjson_mut_obj_get(shown, "StorageDescriptor"), "Columns");
            }
            (void)yyjson_mut_arr_append(list, shown);
            walk->taken++;
        }
        walk->after = key;
    }
    return true;
}

static bool start_walk(AwsCall *call, yyjson_doc *table, Walk *walk, Err *err) {
    yyjson_val *segment = yyjson_obj_get(call->input, "Segment");
    *walk = (Walk){.segment = js_i64(segment, "SegmentNumber", 0),
                   .segments = js_i64(segment, "TotalSegments", 1),
                   .without_columns = js_bool(call->input, "ExcludeColumnSchema", false),
                   .limit = (size_t)js_i64(call->input, "MaxResults", DEFAULT_PAGE)};
    Str expression = str_trim(js_str(call->input, "Expression"));
    yyjson_val *keys = yyjson_obj_get(yyjson_doc_get_root(table), "PartitionKeys");
    return gl_page_start(call, &walk->after, err) &&
           (expression.len == 0 || pf_parse(call->arena, expression, keys, &walk->filter, err)) &&
           (walk->segment < walk->segments || err_set(err, "InvalidInputException", "SegmentNumber must be less than TotalSegments"));
}

bool sv_glue_get_partitions(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    Walk walk;
    yyjson_doc *table = table_of(services, call, &name, err);
    bool ok = table != NULL && start_walk(call, table, &walk, err);
    yyjson_doc_free(table);
    if (!ok) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "Partitions");
    for (;;) {
        const Str *rows = NULL;
        size_t count = 0;
        if (!st_catalog_page(services->store, call->arena, ST_PARTITION, &name, walk.after, DEFAULT_PAGE, &rows, &count, err)) {
            return false;
        }
        if (!add_rows(services, call, list, &walk, rows, count) || count < DEFAULT_PAGE) {
            return true;
        }
    }
}

bool sv_glue_update_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_val *input = yyjson_obj_get(call->input, "PartitionInput");
    yyjson_doc *table = table_of(services, call, &name, err);
    yyjson_val *values = yyjson_obj_get(input, "Values");
    Str new_values = {0};
    bool ok = table != NULL &&
              st_catalog_values(call->arena, yyjson_obj_get(call->input, "PartitionValueList"), "PartitionValueList", &name.values, err) &&
              (values == NULL || (check_values(table, values, err) &&
                                  st_catalog_values(call->arena, values, "PartitionInput.Values", &new_values, err)));
    yyjson_doc_free(table);
    if (!ok) {
        return false;
    }
    if (values == NULL || str_eq(new_values, name.values)) {
        return gl_update(services, call, ST_PARTITION, &name, input, STR(""), err);
    }
    /* New values make another partition of it: the new one is there before the old one goes. */
    StEntityName renamed = {name.database, name.table, new_values};
    Str seen;
    Str json;
    return st_catalog_get(services->store, call->arena, ST_PARTITION, &name, &seen, err) &&
           st_catalog_entity_json(call->arena, ST_PARTITION, &renamed, input, seen, &json, err) &&
           st_catalog_put(services->store, ST_PARTITION, &renamed, json, false, err) &&
           st_catalog_delete(services->store, ST_PARTITION, &name, err);
}

bool sv_glue_delete_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    return name_of(services, call, "PartitionValues", &name, err) && st_catalog_delete(services->store, ST_PARTITION, &name, err);
}

bool sv_glue_batch_delete_partition(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_doc *table = table_of(services, call, &name, err);
    if (table == NULL) {
        return false;
    }
    yyjson_doc_free(table);
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(call->doc, call->output, "Errors");
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "PartitionsToDelete"), i, count, key) {
        Err failure = {0};
        yyjson_val *values = yyjson_obj_get(key, "Values");
        if (!st_catalog_values(call->arena, values, "Values", &name.values, &failure) ||
            !st_catalog_delete(services->store, ST_PARTITION, &name, &failure)) {
            gl_add_error(call, errors, "PartitionValues", yyjson_val_mut_copy(call->doc, values), &failure);
        }
    }
    return true;
}

bool sv_glue_get_partition_indexes(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StEntityName name;
    yyjson_doc *table = table_of(services, call, &name, err);
    yyjson_doc_free(table);
    /* Lists are fast without indexes; there are none. */
    return table != NULL && yyjson_mut_obj_add_arr(call->doc, call->output, "PartitionIndexDescriptorList") != NULL;
}
