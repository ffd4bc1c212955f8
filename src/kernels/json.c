/* kernels/json.c - get_json_object and json_array_length, on yyjson.
 *
 * Invariant: a text that is no JSON, or a path that leads nowhere, gives null; a string comes without its quotes, anything else as compact JSON.
 */
#include "kernels/kn_call.h"
#include "kernels/number_text.h"

#include <math.h>
#include <stdlib.h>
#include <yyjson.h>

enum { MAX_STEPS = 32 };

typedef struct Step {
    Str name;      /* of a field; data NULL: an index */
    int64_t index;
} Step;

typedef struct Path {
    Step steps[MAX_STEPS];
    size_t count;
    bool is_valid;
    char text[]; /* the names point in here */
} Path;

/* $ .name ['name'] [3] */
static bool parse_path(Path *path, Str s) {
    size_t at = 1;
    if (s.len == 0 || s.data[0] != '$') {
        return false;
    }
    while (at < s.len) {
        Step step = {{NULL, 0}, 0};
        size_t from;
        if (path->count == MAX_STEPS) {
            return false;
        }
        if (s.data[at] == '.') {
            from = ++at;
            while (at < s.len && s.data[at] != '.' && s.data[at] != '[') {
                at++;
            }
            if (at == from) {
                return false;
            }
            step.name = str_slice(s, from, at);
        } else if (s.data[at] == '[' && at + 1 < s.len && s.data[at + 1] == '\'') {
            from = at + 2;
            at = from;
            while (at < s.len && s.data[at] != '\'') {
                at++;
            }
            if (at + 1 >= s.len || s.data[at + 1] != ']' || at == from) {
                return false;
            }
            step.name = str_slice(s, from, at);
            at += 2;
        } else if (s.data[at] == '[') {
            from = ++at;
            while (at < s.len && s.data[at] != ']') {
                at++;
            }
            if (at == s.len || !str_to_i64(str_slice(s, from, at), &step.index) || step.index < 0) {
                return false;
            }
            at++;
        } else {
            return false;
        }
        path->steps[path->count++] = step;
    }
    return true;
}

static void *make_path(KnCall *kn, Str text) {
    Path *path = calloc(1, sizeof *path + text.len + 1);
    if (path == NULL) {
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return NULL;
    }
    if (text.len > 0) {
        memcpy(path->text, text.data, text.len);
    }
    if (memchr(path->text, '*', text.len) != NULL) {
        free(path);
        kn_fail(kn, "SOLDER.NOT_SUPPORTED: get_json_object with * in its path is not supported yet");
        return NULL;
    }
    path->is_valid = parse_path(path, (Str){path->text, text.len});
    return path;
}

/* Strings as they are, numbers as Java prints them, the rest as JSON. */
static void put_value(KnCall *kn, idx_t row, yyjson_val *value) {
    if (yyjson_is_str(value)) {
        kn_put(kn, row, (Str){yyjson_get_str(value), yyjson_get_len(value)});
        return;
    }
    if (yyjson_is_real(value)) {
        char text[40];
        kn_put(kn, row, (Str){text, kn_double_text(yyjson_get_real(value), text)});
        return;
    }
    size_t len = 0;
    char *owned_text = yyjson_val_write(value, YYJSON_WRITE_ALLOW_INF_AND_NAN, &len);
    if (owned_text == NULL) {
        kn_null(kn, row);
        return;
    }
    kn_put(kn, row, (Str){owned_text, len});
    free(owned_text);
}

static void get_json_object(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str text = kn_str(kn, 0, i);
        const Path *path = kn_cached(kn, kn_str(kn, 1, i), make_path, free);
        if (path == NULL) {
            return;
        }
        yyjson_doc *doc = path->is_valid ? yyjson_read(text.data, text.len, 0) : NULL;
        yyjson_val *value = yyjson_doc_get_root(doc);
        for (size_t s = 0; s < path->count && value != NULL; s++) {
            const Step *step = &path->steps[s];
            value = step->name.data != NULL ? yyjson_obj_getn(value, step->name.data, step->name.len) : yyjson_arr_get(value, (size_t)step->index);
        }
        if (value == NULL || yyjson_is_null(value)) {
            kn_null(kn, i);
        } else {
            put_value(kn, i, value);
        }
        yyjson_doc_free(doc);
    }
}

static void json_array_length(KnCall *kn) {
    KN_EACH_ROW(kn, i) {
        Str text = kn_str(kn, 0, i);
        yyjson_doc *doc = yyjson_read(text.data, text.len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        if (yyjson_is_arr(root)) {
            KN_OUT(kn, int32_t)[i] = (int32_t)yyjson_arr_size(root);
        } else {
            kn_null(kn, i);
        }
        yyjson_doc_free(doc);
    }
}

const KnScalar kn_json_kernels[] = {
    {"spark_get_json_object", "ss:s", get_json_object},
    {"spark_json_array_length", "s:4", json_array_length},
    {.name = NULL},
};
