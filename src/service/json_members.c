/* json_members.c - see json_members.h. */
#include "service/json_members.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

Str js_text(yyjson_val *value) {
    return yyjson_is_str(value) ? (Str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

Str js_str(yyjson_val *object, const char *name) {
    return js_text(yyjson_obj_get(object, name));
}

int64_t js_i64(yyjson_val *object, const char *name, int64_t fallback) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_int(value) ? yyjson_get_sint(value) : yyjson_is_real(value) ? (int64_t)yyjson_get_real(value) : fallback;
}

bool js_bool(yyjson_val *object, const char *name, bool fallback) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_bool(value) ? yyjson_get_bool(value) : fallback;
}

Str js_mut_text(yyjson_mut_val *value) {
    return (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)};
}

void js_put_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, Str value) {
    char *repaired = NULL;
    if (value.len > 0 && !utf8_is_valid(value.data, value.len)) {
        repaired = malloc(value.len * 3);
        if (repaired == NULL) {
            abort();
        }
        value = (Str){repaired, utf8_repair(value.data, value.len, repaired)};
    }
    (void)yyjson_mut_obj_put(object, yyjson_mut_strcpy(doc, name), yyjson_mut_strncpy(doc, value.data != NULL ? value.data : "", value.len));
    free(repaired);
}

void js_put_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t time_us) {
    (void)yyjson_mut_obj_put(object, yyjson_mut_strcpy(doc, name), yyjson_mut_real(doc, (double)(time_us / 1000) / 1000.0));
}

yyjson_mut_val *js_parse_into(yyjson_mut_doc *doc, Str json) {
    yyjson_doc *parsed = yyjson_read(json.data, json.len, 0);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed));
    yyjson_doc_free(parsed);
    return copy;
}

static Str take_text(Arena *arena, char *owned_text, size_t len) {
    Str copy = owned_text == NULL ? STR("") : str_copy(arena, (Str){owned_text, len});
    free(owned_text);
    return copy;
}

Str js_write(Arena *arena, yyjson_mut_val *value) {
    size_t len = 0;
    char *text = yyjson_mut_val_write(value, 0, &len);
    return take_text(arena, text, len);
}

Str js_write_val(Arena *arena, yyjson_val *value) {
    size_t len = 0;
    char *text = yyjson_val_write(value, 0, &len);
    return take_text(arena, text, len);
}

/* A token is the hexadecimal text of a version byte and the position: opaque enough that nobody builds one by hand, and safe in a URL. */
static const char DIGITS[] = "0123456789abcdef";
enum { TOKEN_VERSION = 0xA1 };

Str js_page_token(Arena *arena, Str position) {
    char *text = arena_alloc(arena, position.len * 2 + 3);
    size_t len = 0;
    text[len++] = DIGITS[TOKEN_VERSION >> 4];
    text[len++] = DIGITS[TOKEN_VERSION & 15];
    for (size_t i = 0; i < position.len; i++) {
        unsigned char byte = (unsigned char)position.data[i];
        text[len++] = DIGITS[byte >> 4];
        text[len++] = DIGITS[byte & 15];
    }
    return (Str){text, len};
}

bool js_page_position(Arena *arena, Str token, Str *ret_position) {
    if (token.len < 2 || token.len % 2 != 0) {
        return false;
    }
    char *bytes = arena_alloc(arena, token.len / 2 + 1);
    for (size_t i = 0; i < token.len; i += 2) {
        const char *high = memchr(DIGITS, token.data[i], 16);
        const char *low = memchr(DIGITS, token.data[i + 1], 16);
        if (high == NULL || low == NULL) {
            return false;
        }
        bytes[i / 2] = (char)((high - DIGITS) * 16 + (low - DIGITS));
    }
    if ((unsigned char)bytes[0] != TOKEN_VERSION) {
        return false;
    }
    *ret_position = (Str){bytes + 1, token.len / 2 - 1};
    return true;
}
