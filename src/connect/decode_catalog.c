/* decode_catalog.c - spark.catalog.* operations from protobuf: the operation's name and its arguments by their field names. */
#include "connect/decode_parts.h"

enum { ARGUMENTS_MAX = 3 };

static void put(PrRel *rel, PlOption *arguments, const char *key, bool is_given, ProtobufCBinaryData value) {
    if (is_given) {
        arguments[rel->catalog.narguments++] = (PlOption){str_from_c(key), CN_STR(value)};
    }
}

/* Of the many operations with a table's name and maybe a database. */
#define PUT_TABLE(m)                                                                                                             \
    do {                                                                                                                         \
        put(rel, arguments, "table_name", true, (m)->table_name);                                                                \
        put(rel, arguments, "db_name", (m)->has_db_name, (m)->db_name);                                                          \
    } while (0)
#define PUT_LIST(m)                                                                                                              \
    do {                                                                                                                         \
        put(rel, arguments, "db_name", (m)->has_db_name, (m)->db_name);                                                          \
        put(rel, arguments, "pattern", (m)->has_pattern, (m)->pattern);                                                          \
    } while (0)
#define PUT_FUNCTION(m)                                                                                                          \
    do {                                                                                                                         \
        put(rel, arguments, "function_name", true, (m)->function_name);                                                          \
        put(rel, arguments, "db_name", (m)->has_db_name, (m)->db_name);                                                          \
    } while (0)

static void put_cache(Arena *arena, PrRel *rel, PlOption *arguments, const Spark__Connect__CacheTable *c) {
    put(rel, arguments, "table_name", true, c->table_name);
    if (c->storage_level != NULL) {
        put(rel, arguments, "storage_level", true, cn_bytes(cn_pack(arena, &c->storage_level->base)));
    }
}

static bool decode_arguments(Arena *arena, const Spark__Connect__Catalog *c, PrRel *rel, PlOption *arguments) {
    switch ((int)c->cat_type_case) {
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CURRENT_DATABASE:
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CLEAR_CACHE:
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CURRENT_CATALOG: return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_SET_CURRENT_DATABASE: put(rel, arguments, "db_name", true, c->set_current_database->db_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_DATABASES:
        put(rel, arguments, "pattern", c->list_databases->has_pattern, c->list_databases->pattern);
        return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_TABLES: PUT_LIST(c->list_tables); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_FUNCTIONS: PUT_LIST(c->list_functions); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_COLUMNS: PUT_TABLE(c->list_columns); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_DATABASE: put(rel, arguments, "db_name", true, c->get_database->db_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_TABLE: PUT_TABLE(c->get_table); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_FUNCTION: PUT_FUNCTION(c->get_function); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DATABASE_EXISTS: put(rel, arguments, "db_name", true, c->database_exists->db_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_TABLE_EXISTS: PUT_TABLE(c->table_exists); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_FUNCTION_EXISTS: PUT_FUNCTION(c->function_exists); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DROP_TEMP_VIEW: put(rel, arguments, "view_name", true, c->drop_temp_view->view_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DROP_GLOBAL_TEMP_VIEW:
        put(rel, arguments, "view_name", true, c->drop_global_temp_view->view_name);
        return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_RECOVER_PARTITIONS:
        put(rel, arguments, "table_name", true, c->recover_partitions->table_name);
        return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_IS_CACHED: put(rel, arguments, "table_name", true, c->is_cached->table_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CACHE_TABLE: put_cache(arena, rel, arguments, c->cache_table); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_UNCACHE_TABLE: put(rel, arguments, "table_name", true, c->uncache_table->table_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_REFRESH_TABLE: put(rel, arguments, "table_name", true, c->refresh_table->table_name); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_REFRESH_BY_PATH: put(rel, arguments, "path", true, c->refresh_by_path->path); return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_SET_CURRENT_CATALOG:
        put(rel, arguments, "catalog_name", true, c->set_current_catalog->catalog_name);
        return true;
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_CATALOGS:
        put(rel, arguments, "pattern", c->list_catalogs->has_pattern, c->list_catalogs->pattern);
        return true;
    default: return false;
    }
}

const PrRel *cn_decode_catalog(const CnDecode *decode, const Spark__Connect__Catalog *catalog, Err *err) {
    PrRel *rel = cn_decode_rel_new(decode->arena, PR_CATALOG);
    PlOption *arguments = ARENA_ARRAY(decode->arena, PlOption, ARGUMENTS_MAX);
    if (!decode_arguments(decode->arena, catalog, rel, arguments)) {
        (void)err_set(err, ERR_NOT_SUPPORTED, "spark.catalog.createTable and createExternalTable are not supported on the embedded engine yet");
        return NULL;
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&spark__connect__catalog__descriptor, (unsigned)catalog->cat_type_case);
    rel->catalog.operation = str_from_c(field != NULL ? field->name : "");
    rel->catalog.arguments = arguments;
    return rel;
}
