/* settings.c - a session's settings over the generated table of Spark's; see settings.h.
 *
 * Invariant: gen/settings.inc is sorted by key; a value that was set went through the checks of its kind.
 */
#include "plan/settings.h"

#include <string.h>

typedef enum SettingKind { KIND_BOOLEAN, KIND_INTEGER, KIND_STRING, KIND_TIME_ZONE } SettingKind;

typedef struct Setting {
    const char *key;
    SettingKind kind;
    bool is_static;
    const char *initial; /* NULL: none */
} Setting;

static const Setting SETTINGS[] = {
#include "gen/settings.inc"
};

static const Setting *find(Str key) {
    size_t from = 0;
    size_t to = sizeof SETTINGS / sizeof SETTINGS[0];
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(str_from_c(SETTINGS[middle].key), key);
        if (order == 0) {
            return &SETTINGS[middle];
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return NULL;
}

void pl_settings_init(PlSettings *ret_settings, Arena *arena) {
    *ret_settings = (PlSettings){.arena = arena, .values = {.arena = arena}};
}

bool pl_settings_get(const PlSettings *settings, Str key, Str *ret_value) {
    const Str *value = map_get(&settings->values, key);
    if (value != NULL) {
        *ret_value = *value;
        return true;
    }
    const Setting *known = find(key);
    if (known == NULL || known->initial == NULL) {
        return false;
    }
    *ret_value = str_from_c(known->initial);
    return true;
}

static bool is_boolean(Str value) {
    return str_eq_nocase(value, STR("true")) || str_eq_nocase(value, STR("false"));
}

/* A zone Java would know by its look: an id such as Europe/Paris, UTC, or an offset. The data base of zones is asked where it is used. */
static bool is_time_zone(Str value) {
    if (value.len == 0) {
        return false;
    }
    bool offset = value.data[0] == '+' || value.data[0] == '-';
    for (size_t i = offset ? 1 : 0; i < value.len; i++) {
        char c = value.data[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool sign = c == '/' || c == '_' || c == '-' || c == '+' || c == ':';
        if (offset ? !(digit || c == ':') : !(digit || letter || sign)) {
            return false;
        }
    }
    return !offset || value.len >= 2;
}

bool pl_settings_set(PlSettings *settings, Str key, Str value, Err *err) {
    const Setting *known = find(key);
    if (known != NULL && known->is_static) {
        return err_set(err, "CANNOT_MODIFY_CONFIG",
                       "Cannot modify the value of the Spark config: \"%.*s\".\nSee also "
                       "'https://spark.apache.org/docs/latest/sql-migration-guide.html#ddl-statements'.",
                       STR_ARG(key));
    }
    int64_t number = 0;
    if (known != NULL && known->kind == KIND_BOOLEAN && !is_boolean(str_trim(value))) {
        return err_set(err, "INVALID_CONF_VALUE", "%.*s should be boolean, but was %.*s", STR_ARG(key), STR_ARG(value));
    }
    if (known != NULL && known->kind == KIND_INTEGER && !str_to_i64(str_trim(value), &number)) {
        /* Sizes may have a unit (64MB); a bare word is an error. */
        Str text = str_trim(value);
        bool starts_with_digit = text.len > 0 && ((text.data[0] >= '0' && text.data[0] <= '9') || text.data[0] == '-');
        if (!starts_with_digit) {
            return err_set(err, "INVALID_CONF_VALUE", "%.*s should be int, but was %.*s", STR_ARG(key), STR_ARG(value));
        }
    }
    if (known != NULL && known->kind == KIND_TIME_ZONE && !is_time_zone(value)) {
        return err_set(err, "INVALID_CONF_VALUE.TIME_ZONE",
                       "The value '%.*s' in the config \"%.*s\" is invalid. Cannot resolve the given timezone.", STR_ARG(value), STR_ARG(key));
    }
    Str *copy = ARENA_NEW(settings->arena, Str);
    *copy = str_copy(settings->arena, value);
    map_put(&settings->values, str_copy(settings->arena, key), copy);
    return true;
}

void pl_settings_unset(PlSettings *settings, Str key) {
    map_remove(&settings->values, key);
}

bool pl_settings_is_modifiable(Str key) {
    const Setting *known = find(key);
    return known != NULL && !known->is_static;
}

bool pl_settings_bool(const PlSettings *settings, Str key) {
    Str value = {0};
    return pl_settings_get(settings, key, &value) && str_eq_nocase(str_trim(value), STR("true"));
}

void pl_settings_copy(PlSettings *ret_copy, Arena *arena, const PlSettings *settings) {
    pl_settings_init(ret_copy, arena);
    for (size_t i = 0; i < settings->values.count; i++) {
        const MapEntry *entry = &settings->values.entries[i];
        if (entry->value != NULL) {
            const Str *value = entry->value;
            Str *copy = ARENA_NEW(arena, Str);
            *copy = str_copy(arena, *value);
            map_put(&ret_copy->values, str_copy(arena, entry->key), copy);
        }
    }
}
