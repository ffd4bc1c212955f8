/* service/json_members.h - members of requests, answers and stored JSON, as the handlers read and write them.
 *
 * Invariant: what is read is borrowed from the document it stands in; what is written is copied into the document that is given.
 */
#ifndef SOLDER_SERVICE_JSON_MEMBERS_H
#define SOLDER_SERVICE_JSON_MEMBERS_H

#include "base/str.h"

#include <yyjson.h>

/* A string's bytes; empty when it is absent or no string. */
Str js_text(yyjson_val *value);
Str js_str(yyjson_val *object, const char *name);
int64_t js_i64(yyjson_val *object, const char *name, int64_t fallback);
bool js_bool(yyjson_val *object, const char *name, bool fallback);

/* The same of an answer or of stored JSON. */
Str js_mut_text(yyjson_mut_val *value);

/* Adds a string member; replaces one of that name. What is not UTF-8 in it becomes U+FFFD: one wrong byte would cost the whole document. */
void js_put_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, Str value);
/* A time as the AWS JSON protocols give it: seconds since 1970 with milliseconds behind the point. */
void js_put_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t time_us);
/* A copy of stored JSON text in doc; NULL when the text is not JSON (which is a defect of what stored it). */
yyjson_mut_val *js_parse_into(yyjson_mut_doc *doc, Str json);
/* JSON text of a value, in the arena; empty when it holds text that is not UTF-8. */
Str js_write(Arena *arena, yyjson_mut_val *value);
Str js_write_val(Arena *arena, yyjson_val *value);

/* Opaque tokens of paged lists: the position behind which the next page begins, valid across restarts. */
Str js_page_token(Arena *arena, Str position);
/* false: no token of ours. */
bool js_page_position(Arena *arena, Str token, Str *ret_position);

#endif
