/* kernels/kernels.c - registers the kernels into DuckDB and calls them.
 *
 * Called by exec/. Invariant: DuckDB's callbacks reach a kernel only through run(), which sets up its KnCall.
 */
#include "kernels/kernels.h"

#include "kernels/kn_call.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const KnScalar *const tables[] = {kn_number_kernels, kn_number_text_kernels, kn_decimal_kernels,
                                        kn_show_kernels,   kn_string_kernels,      kn_regex_kernels,
                                        kn_date_kernels,   kn_date_pattern_kernels, kn_python_kernels, kn_hash_kernels, kn_json_kernels,
                                        kn_printf_kernels, kn_random_kernels, kn_text_tool_kernels};
static const KnFamily *const families[] = {kn_decimal_families};

struct KnSet {
    pthread_mutex_t lock;
    Arena *arena;
    Map names; /* of the instances registered */
    const KnFamily *more; /* kn_set_add */
};

/* ---- a call ----------------------------------------------------------------------------------------------------------------------- */

/* What a registered function carries: only constants of this program. */
typedef struct KnExtra {
    KnFunction *function;
} KnExtra;

static void empty_slot(KnSlot *slot) {
    if (slot->owned_object != NULL && slot->free_object != NULL) {
        slot->free_object(slot->owned_object);
    }
    free(slot->owned_key);
    *slot = (KnSlot){0};
}

static void free_state(void *pointer) {
    KnState *state = pointer;
    empty_slot(&state->slots[0]);
    empty_slot(&state->slots[1]);
    free(state->owned_buffer);
    free(state);
}

static void init_state(duckdb_init_info info) {
    KnState *state = calloc(1, sizeof *state);
    if (state == NULL) {
        duckdb_scalar_function_init_set_error(info, "SOLDER.INTERNAL: out of memory");
        return;
    }
    duckdb_scalar_function_init_set_state(info, state, free_state);
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    const KnExtra *extra = duckdb_scalar_function_get_extra_info(info);
    KnCall kn = {.info = info, .state = duckdb_scalar_function_get_state(info), .rows = duckdb_data_chunk_get_size(input)};
    kn.nargs = duckdb_data_chunk_get_column_count(input);
    if (kn.nargs > KN_MAX_ARGS) {
        kn_fail(&kn, "SOLDER.NOT_SUPPORTED: a call of more than %d arguments", KN_MAX_ARGS);
        return;
    }
    for (idx_t i = 0; i < kn.nargs; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, i);
        kn.args[i] = (KnColumn){vector, duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
        kn.has_nulls = kn.has_nulls || kn.args[i].validity != NULL;
    }
    kn.out = (KnColumn){output, duckdb_vector_get_data(output), NULL};
    extra->function(&kn);
}

void kn_set_null_at(KnColumn *column, idx_t row) {
    if (column->validity == NULL) {
        duckdb_vector_ensure_validity_writable(column->vector);
        column->validity = duckdb_vector_get_validity(column->vector);
    }
    column->validity[row >> 6] &= ~((uint64_t)1 << (row & 63));
}

void kn_copy_nulls(KnCall *kn) {
    for (idx_t arg = 0; arg < kn->nargs && kn->has_nulls; arg++) {
        if (kn->args[arg].validity == NULL) {
            continue;
        }
        for (idx_t row = 0; row < kn->rows; row++) {
            if (kn_is_null(&kn->args[arg], row)) {
                kn_null(kn, row);
            }
        }
    }
}

void kn_fail(KnCall *kn, const char *fmt, ...) {
    char text[1024];
    va_list args;
    if (kn->failed) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    kn->failed = true;
    duckdb_scalar_function_set_error(kn->info, text);
}

static void *cached_in(KnCall *kn, KnSlot *slot, Str key, void *(*make)(KnCall *kn, Str key), void (*free_object)(void *object)) {
    if (slot->owned_object != NULL && slot->key_len == key.len && (key.len == 0 || memcmp(slot->owned_key, key.data, key.len) == 0)) {
        return slot->owned_object;
    }
    empty_slot(slot);
    slot->owned_key = malloc(key.len + 1);
    if (slot->owned_key == NULL) {
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return NULL;
    }
    if (key.len > 0) {
        memcpy(slot->owned_key, key.data, key.len);
    }
    slot->key_len = key.len;
    slot->free_object = free_object;
    slot->owned_object = make(kn, key);
    return slot->owned_object;
}

void *kn_cached(KnCall *kn, Str key, void *(*make)(KnCall *kn, Str key), void (*free_object)(void *object)) {
    return cached_in(kn, &kn->state->slots[0], key, make, free_object);
}

void *kn_cached_also(KnCall *kn, Str key, void *(*make)(KnCall *kn, Str key), void (*free_object)(void *object)) {
    return cached_in(kn, &kn->state->slots[1], key, make, free_object);
}

/* ---- scratch text ----------------------------------------------------------------------------------------------------------------- */

void kn_text_start(KnCall *kn) {
    kn->state->buffer_len = 0;
}

char *kn_text_reserve(KnCall *kn, size_t len) {
    KnState *state = kn->state;
    if (state->buffer_cap - state->buffer_len < len + 1) {
        size_t cap = (state->buffer_cap + len + 64) * 2;
        char *grown = realloc(state->owned_buffer, cap);
        if (grown == NULL) {
            fputs("solder: out of memory\n", stderr);
            abort(); /* as an arena does */
        }
        state->owned_buffer = grown;
        state->buffer_cap = cap;
    }
    return state->owned_buffer + state->buffer_len;
}

void kn_text_added(KnCall *kn, size_t len) {
    kn->state->buffer_len += len;
}

void kn_text_add(KnCall *kn, const char *data, size_t len) {
    char *at = kn_text_reserve(kn, len);
    if (len > 0) {
        memcpy(at, data, len);
    }
    kn_text_added(kn, len);
}

void kn_text_char(KnCall *kn, char c) {
    kn_text_add(kn, &c, 1);
}

Str kn_text_str(const KnCall *kn) {
    return (Str){kn->state->owned_buffer, kn->state->buffer_len};
}

/* ---- decimals --------------------------------------------------------------------------------------------------------------------- */

KnDecimal kn_decimal_of(const KnColumn *column) {
    duckdb_logical_type type = duckdb_vector_get_column_type(column->vector);
    KnDecimal decimal = {.storage = DUCKDB_TYPE_INVALID};
    if (duckdb_get_type_id(type) == DUCKDB_TYPE_DECIMAL) {
        decimal.storage = duckdb_decimal_internal_type(type);
        decimal.width = duckdb_decimal_width(type);
        decimal.scale = duckdb_decimal_scale(type);
    } else {
        decimal.storage = duckdb_get_type_id(type);
    }
    duckdb_destroy_logical_type(&type);
    return decimal;
}

__int128 kn_decimal_get(const KnColumn *column, const KnDecimal *type, idx_t row) {
    __int128 value = 0;
    switch ((int)type->storage) {
    case DUCKDB_TYPE_TINYINT: return ((const int8_t *)column->data)[row];
    case DUCKDB_TYPE_SMALLINT: return ((const int16_t *)column->data)[row];
    case DUCKDB_TYPE_INTEGER: return ((const int32_t *)column->data)[row];
    case DUCKDB_TYPE_BIGINT: return ((const int64_t *)column->data)[row];
    default: memcpy(&value, (const char *)column->data + row * sizeof value, sizeof value); return value;
    }
}

void kn_decimal_put(KnColumn *column, const KnDecimal *type, idx_t row, __int128 value) {
    switch ((int)type->storage) {
    case DUCKDB_TYPE_TINYINT: ((int8_t *)column->data)[row] = (int8_t)value; return;
    case DUCKDB_TYPE_SMALLINT: ((int16_t *)column->data)[row] = (int16_t)value; return;
    case DUCKDB_TYPE_INTEGER: ((int32_t *)column->data)[row] = (int32_t)value; return;
    case DUCKDB_TYPE_BIGINT: ((int64_t *)column->data)[row] = (int64_t)value; return;
    default: memcpy((char *)column->data + row * sizeof value, &value, sizeof value); return;
    }
}

/* ---- registration ----------------------------------------------------------------------------------------------------------------- */

static duckdb_logical_type list_of(duckdb_logical_type owned_child) {
    duckdb_logical_type list = duckdb_create_list_type(owned_child);
    duckdb_destroy_logical_type(&owned_child);
    return list;
}

static duckdb_logical_type type_of(char letter) {
    switch (letter) {
    case 'b': return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case '1': return duckdb_create_logical_type(DUCKDB_TYPE_TINYINT);
    case '2': return duckdb_create_logical_type(DUCKDB_TYPE_SMALLINT);
    case '4': return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case '8': return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case 'h': return duckdb_create_logical_type(DUCKDB_TYPE_HUGEINT);
    case 'f': return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
    case 'd': return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case 's': return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case 'x': return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
    case 'D': return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case 'T': return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ);
    case 'N': return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    case 'I': return duckdb_create_logical_type(DUCKDB_TYPE_INTERVAL);
    case 'S': return list_of(type_of('s'));
    case 'Z': return list_of(type_of('S'));
    case 'L': return list_of(type_of('8'));
    default: return duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    }
}

static duckdb_scalar_function make_function(const char *name, const char *args, duckdb_logical_type result, KnFunction *function,
                                            bool is_volatile) {
    KnExtra *extra = malloc(sizeof *extra);
    if (extra == NULL) {
        return NULL;
    }
    extra->function = function;
    duckdb_scalar_function made = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(made, name);
    for (const char *at = args; *at != '\0' && *at != ':'; at++) {
        duckdb_logical_type type = type_of(*at);
        if (at[1] == '*') {
            duckdb_scalar_function_set_varargs(made, type);
            at++;
        } else {
            duckdb_scalar_function_add_parameter(made, type);
        }
        duckdb_destroy_logical_type(&type);
    }
    duckdb_scalar_function_set_return_type(made, result);
    /* Kernels look at null arguments themselves; without this DuckDB folds a call with a constant null away, which not all may allow. */
    duckdb_scalar_function_set_special_handling(made);
    if (is_volatile) {
        duckdb_scalar_function_set_volatile(made);
    }
    duckdb_scalar_function_set_extra_info(made, extra, free);
    duckdb_scalar_function_set_init(made, init_state);
    duckdb_scalar_function_set_function(made, run);
    return made;
}

static bool register_table(duckdb_connection connection, const KnScalar *rows, Err *err) {
    for (const KnScalar *row = rows; row->name != NULL;) {
        duckdb_scalar_function_set set = duckdb_create_scalar_function_set(row->name);
        const KnScalar *first = row;
        bool ok = true;
        for (; row->name != NULL && strcmp(row->name, first->name) == 0; row++) {
            duckdb_logical_type result = type_of(strchr(row->types, ':')[1]);
            duckdb_scalar_function made = make_function(row->name, row->types, result, row->function, strchr(row->types, '!') != NULL);
            ok = ok && made != NULL && duckdb_add_scalar_function_to_set(set, made) == DuckDBSuccess;
            duckdb_destroy_scalar_function(&made);
            duckdb_destroy_logical_type(&result);
        }
        ok = ok && duckdb_register_scalar_function_set(connection, set) == DuckDBSuccess;
        duckdb_destroy_scalar_function_set(&set);
        if (!ok) {
            return err_set(err, ERR_INTERNAL, "DuckDB refused the function %s", first->name);
        }
    }
    return true;
}

static bool run_sql(duckdb_connection connection, const char *sql, Err *err) {
    duckdb_result result;
    bool ok = duckdb_query(connection, sql, &result) == DuckDBSuccess;
    if (!ok) {
        err_set(err, ERR_INTERNAL, "%s: %s", sql, duckdb_result_error(&result));
    }
    duckdb_destroy_result(&result);
    return ok;
}

KnSet *kn_set_new(duckdb_connection connection, Err *err) {
    KnSet *set = calloc(1, sizeof *set);
    if (set == NULL) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&set->lock, NULL);
    set->arena = arena_new();
    set->names.arena = set->arena;
    /* One transaction: each registration would commit on its own otherwise. */
    bool ok = run_sql(connection, "BEGIN", err);
    for (size_t i = 0; ok && i < sizeof tables / sizeof tables[0]; i++) {
        ok = register_table(connection, tables[i], err);
    }
    ok = ok && run_sql(connection, "COMMIT", err);
    if (!ok) {
        kn_set_free(set);
        return NULL;
    }
    return set;
}

void kn_set_free(KnSet *owned_set) {
    if (owned_set != NULL) {
        pthread_mutex_destroy(&owned_set->lock);
        arena_free(owned_set->arena);
        free(owned_set);
    }
}

void kn_set_add(KnSet *set, const KnFamily *rows) {
    set->more = rows;
}

static const KnFamily *find_in(const KnFamily *rows, Str name) {
    for (const KnFamily *row = rows; row != NULL && row->name != NULL; row++) {
        if (str_eq_c(name, row->name)) {
            return row;
        }
    }
    return NULL;
}

static const KnFamily *find_family(const KnSet *set, Str name) {
    const KnFamily *found = find_in(set->more, name);
    for (size_t i = 0; found == NULL && i < sizeof families / sizeof families[0]; i++) {
        found = find_in(families[i], name);
    }
    return found;
}

/* The logical type that a type's text means, by asking DuckDB. */
static bool type_from_text(duckdb_connection connection, Arena *arena, Str text, duckdb_logical_type *ret_type, Err *err) {
    Str sql = str_fmt(arena, "SELECT CAST(NULL AS %.*s)", STR_ARG(text));
    duckdb_prepared_statement statement = NULL;
    bool ok = duckdb_prepare(connection, sql.data, &statement) == DuckDBSuccess;
    if (ok) {
        *ret_type = duckdb_prepared_statement_column_logical_type(statement, 0);
    } else {
        err_set(err, ERR_INTERNAL, "the type %.*s: %s", STR_ARG(text), duckdb_prepare_error(statement));
    }
    duckdb_destroy_prepare(&statement);
    return ok;
}

static bool register_instance(duckdb_connection connection, Arena *arena, const KnFamily *family, Str type, Str name, Err *err) {
    duckdb_logical_type result = NULL;
    if (!type_from_text(connection, arena, type, &result, err)) {
        return false;
    }
    duckdb_scalar_function made = make_function(str_to_c(arena, name), family->args, result, family->function, false);
    bool ok = made != NULL && duckdb_register_scalar_function(connection, made) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&made);
    duckdb_destroy_logical_type(&result);
    return ok || err_set(err, ERR_INTERNAL, "DuckDB refused the function %.*s", STR_ARG(name));
}

bool kn_set_require(KnSet *set, duckdb_connection connection, Str family, Str type, Str name, Err *err) {
    const KnFamily *row = find_family(set, family);
    if (row == NULL) {
        return err_set(err, ERR_INTERNAL, "no kernel family %.*s", STR_ARG(family));
    }
    pthread_mutex_lock(&set->lock);
    bool ok = map_get(&set->names, name) != NULL;
    if (!ok) {
        ok = register_instance(connection, set->arena, row, type, name, err);
        if (ok) {
            map_put(&set->names, str_copy(set->arena, name), (void *)row);
        }
    }
    pthread_mutex_unlock(&set->lock);
    return ok;
}
