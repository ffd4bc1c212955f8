/* kernels/regex.c - Java's regular expressions on PCRE2 (JIT): rlike, regexp_extract, regexp_replace, split and their kin.
 *
 * Invariant: a constant pattern is compiled once a thread. Java's \d \w \s \b are ASCII by default and PCRE2's are too without PCRE2_UCP; a
 * $ in Java also matches before a final line terminator, as in PCRE2.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "kernels/kn_call.h"
#include "kernels/unicode.h"

#include <pcre2.h>
#include <stdlib.h>

typedef struct Regex {
    pcre2_code *code;
    pcre2_match_data *match;
    uint32_t groups;
} Regex;

static void free_regex(void *pointer) {
    Regex *regex = pointer;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    free(regex);
}

static void *make_regex(KnCall *kn, Str pattern) {
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ALT_BSUX, &code,
                                         &offset, NULL);
    if (compiled == NULL) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(code, message, sizeof message);
        kn_fail(kn, "INVALID_PARAMETER_VALUE.PATTERN: [INVALID_PARAMETER_VALUE.PATTERN] The value of parameter(s) `regexp` in `%s` is invalid: '%.*s'. (%s)",
                "regexp", STR_ARG(pattern), (const char *)message);
        return NULL;
    }
    Regex *regex = calloc(1, sizeof *regex);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(compiled, NULL);
    if (regex == NULL || match == NULL) {
        free(regex);
        pcre2_match_data_free(match);
        pcre2_code_free(compiled);
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return NULL;
    }
    /* Without the JIT (not built in, or no executable memory) the interpreter does the same. */
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    regex->code = compiled;
    regex->match = match;
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    return regex;
}

static Regex *regex_of(KnCall *kn, Str pattern) {
    return kn_cached(kn, pattern, make_regex, free_regex);
}

/* From a byte offset on; false: no match. Limits that PCRE2 hits on hopeless patterns end the query instead of giving a wrong answer. */
static bool match_at(KnCall *kn, const Regex *regex, Str s, size_t from, const PCRE2_SIZE **ret_offsets) {
    static const char nothing[1] = "";
    int found = pcre2_match(regex->code, (PCRE2_SPTR)(s.data != NULL ? s.data : nothing), s.len, from, 0, regex->match, NULL);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(found, message, sizeof message);
        kn_fail(kn, "SOLDER.LIMIT: a regular expression: %s", (const char *)message);
        return false;
    }
    *ret_offsets = pcre2_get_ovector_pointer(regex->match);
    return found >= 0;
}

static void rlike(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        KN_OUT(kn, bool)[i] = match_at(kn, regex, kn_str(kn, 0, i), 0, &offsets);
        if (kn->failed) {
            return;
        }
    }
}

static bool check_group(KnCall *kn, const char *name, const Regex *regex, int32_t group) {
    if (group < 0 || (uint32_t)group > regex->groups) {
        kn_fail(kn, "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX: [INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX] The value of parameter(s) `idx` in `%s` is invalid: "
                    "Expects group index between 0 and %u, but got %d.",
                name, regex->groups, group);
        return false;
    }
    return true;
}

static void regexp_extract(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        int32_t group = KN_ARG(kn, int32_t, 2)[i];
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        Str part = STR("");
        if (match_at(kn, regex, s, 0, &offsets)) {
            if (!check_group(kn, "regexp_extract", regex, group)) {
                return;
            }
            if (offsets[2 * group] != PCRE2_UNSET) {
                part = str_slice(s, offsets[2 * group], offsets[2 * group + 1]);
            }
        }
        if (kn->failed) {
            return;
        }
        kn_put(kn, i, part);
    }
}

/* Java's replacement text: $1 ${name} and \x. */
static bool add_replacement(KnCall *kn, const Regex *regex, Str s, Str by, const PCRE2_SIZE *offsets) {
    for (size_t i = 0; i < by.len; i++) {
        char c = by.data[i];
        if (c == '\\' && i + 1 < by.len) {
            kn_text_char(kn, by.data[++i]);
            continue;
        }
        if (c != '$') {
            kn_text_char(kn, c);
            continue;
        }
        uint32_t group = 0;
        if (i + 1 < by.len && by.data[i + 1] == '{') {
            size_t end = i + 2;
            while (end < by.len && by.data[end] != '}') {
                end++;
            }
            char name[64];
            size_t len = end - i - 2;
            int number = -1;
            if (len < sizeof name) {
                memcpy(name, by.data + i + 2, len);
                name[len] = '\0';
                number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)name);
            }
            if (number < 0) {
                kn_fail(kn, "SOLDER.REGEX: no group {%.*s} in the pattern", (int)len, by.data + i + 2);
                return false;
            }
            group = (uint32_t)number;
            i = end;
        } else if (i + 1 < by.len && by.data[i + 1] >= '0' && by.data[i + 1] <= '9') {
            group = (uint32_t)(by.data[++i] - '0');
            while (i + 1 < by.len && by.data[i + 1] >= '0' && by.data[i + 1] <= '9' &&
                   group * 10 + (uint32_t)(by.data[i + 1] - '0') <= regex->groups) {
                group = group * 10 + (uint32_t)(by.data[++i] - '0');
            }
        } else {
            kn_fail(kn, "SOLDER.REGEX: Illegal group reference");
            return false;
        }
        if (group > regex->groups) {
            kn_fail(kn, "SOLDER.REGEX: No group %u", group);
            return false;
        }
        if (offsets[2 * group] != PCRE2_UNSET) {
            kn_text_add(kn, s.data + offsets[2 * group], offsets[2 * group + 1] - offsets[2 * group]);
        }
    }
    return true;
}

static void regexp_replace(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        Str by = kn_str(kn, 2, i);
        int32_t position = kn->nargs > 3 ? KN_ARG(kn, int32_t, 3)[i] : 1;
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        size_t done = 0;
        size_t at = position > 1 ? kn_char_offset(s, (size_t)position - 1) : 0;
        kn_text_start(kn);
        while (at <= s.len && match_at(kn, regex, s, at, &offsets)) {
            kn_text_add(kn, s.data + done, offsets[0] - done);
            if (!add_replacement(kn, regex, s, by, offsets)) {
                return;
            }
            done = offsets[1];
            at = offsets[1];
            if (offsets[1] == offsets[0]) { /* an empty match: the next character stays as it is */
                at += at < s.len ? kn_char_size(s, at) : 1;
            }
        }
        if (kn->failed) {
            return;
        }
        kn_text_add(kn, s.data + done, s.len - done);
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* Appends one text to a list output. */
static bool push_text(KnCall *kn, idx_t *size, Str text) {
    if (duckdb_list_vector_reserve(kn->out.vector, *size + 1) != DuckDBSuccess ||
        duckdb_list_vector_set_size(kn->out.vector, *size + 1) != DuckDBSuccess) {
        kn_fail(kn, "SOLDER.INTERNAL: out of memory");
        return false;
    }
    duckdb_vector child = duckdb_list_vector_get_child(kn->out.vector);
    KnColumn column = {child, duckdb_vector_get_data(child), NULL};
    kn_put_text(&column, (*size)++, text);
    return true;
}

/* String.split(regex, limit) with Spark's rules: limit 0 means -1, trailing empty parts stay; a match of no width at the start gives no part. */
static void split(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    idx_t size = 0;
    for (idx_t i = 0; i < kn->rows; i++) {
        duckdb_list_entry *entry = &KN_OUT(kn, duckdb_list_entry)[i];
        *entry = (duckdb_list_entry){size, 0};
        if (kn_row_has_null(kn, i)) {
            kn_null(kn, i);
            continue;
        }
        Str s = kn_str(kn, 0, i);
        int32_t limit = kn->nargs > 2 ? KN_ARG(kn, int32_t, 2)[i] : -1;
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        size_t done = 0;
        size_t at = 0;
        int32_t parts = 1;
        if (kn_str(kn, 1, i).len == 0 && s.len > 0) { /* an empty pattern: single characters, the rest in the last part */
            int64_t count = (int64_t)kn_char_count(s);
            for (count = limit <= 0 || limit > count ? count : limit; count > 1; count--) {
                size_t next = done + kn_char_size(s, done);
                if (!push_text(kn, &size, str_slice(s, done, next))) {
                    return;
                }
                done = next;
            }
            at = s.len + 1;
        }
        while (at <= s.len && (limit <= 0 || parts < limit) && match_at(kn, regex, s, at, &offsets)) {
            size_t from = offsets[0];
            size_t to = offsets[1];
            at = to > from ? to : to + (to < s.len ? kn_char_size(s, to) : 1);
            if (to == 0) { /* no width at the very start: no part */
                continue;
            }
            if (!push_text(kn, &size, str_slice(s, done, from))) {
                return;
            }
            parts++;
            done = to;
        }
        if (kn->failed || !push_text(kn, &size, str_slice(s, done, s.len))) {
            return;
        }
        entry->length = size - entry->offset;
    }
}

/* How often the pattern is found. */
static void regexp_count(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        int32_t count = 0;
        for (size_t at = 0; at <= s.len && match_at(kn, regex, s, at, &offsets); count++) {
            at = offsets[1] > offsets[0] ? offsets[1] : offsets[1] + (offsets[1] < s.len ? kn_char_size(s, offsets[1]) : 1);
        }
        if (kn->failed) {
            return;
        }
        KN_OUT(kn, int32_t)[i] = count;
    }
}

/* The first match, or null. */
static void regexp_substr(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        if (match_at(kn, regex, s, 0, &offsets) && offsets[1] > offsets[0]) {
            kn_put(kn, i, str_slice(s, offsets[0], offsets[1]));
        } else if (kn->failed) {
            return;
        } else {
            kn_null(kn, i);
        }
    }
}

/* Where the first match begins, from 1; 0: nowhere. */
static void regexp_instr(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    KN_EACH_ROW(kn, i) {
        Str s = kn_str(kn, 0, i);
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        bool is_found = match_at(kn, regex, s, 0, &offsets);
        if (kn->failed) {
            return;
        }
        KN_OUT(kn, int32_t)[i] = is_found ? (int32_t)kn_char_count(str_slice(s, 0, offsets[0])) + 1 : 0;
    }
}

/* A group of every match. */
static void regexp_extract_all(KnCall *kn) {
    const PCRE2_SIZE *offsets;
    idx_t size = 0;
    for (idx_t i = 0; i < kn->rows; i++) {
        duckdb_list_entry *entry = &KN_OUT(kn, duckdb_list_entry)[i];
        *entry = (duckdb_list_entry){size, 0};
        if (kn_row_has_null(kn, i)) {
            kn_null(kn, i);
            continue;
        }
        Str s = kn_str(kn, 0, i);
        int32_t group = KN_ARG(kn, int32_t, 2)[i];
        const Regex *regex = regex_of(kn, kn_str(kn, 1, i));
        if (regex == NULL) {
            return;
        }
        for (size_t at = 0; at <= s.len && match_at(kn, regex, s, at, &offsets);) {
            if (!check_group(kn, "regexp_extract_all", regex, group)) {
                return;
            }
            bool is_set = offsets[2 * group] != PCRE2_UNSET;
            at = offsets[1] > offsets[0] ? offsets[1] : offsets[1] + (offsets[1] < s.len ? kn_char_size(s, offsets[1]) : 1);
            if (!push_text(kn, &size, is_set ? str_slice(s, offsets[2 * group], offsets[2 * group + 1]) : STR(""))) {
                return;
            }
        }
        if (kn->failed) {
            return;
        }
        entry->length = size - entry->offset;
    }
}

const KnScalar kn_regex_kernels[] = {
    {"spark_rlike", "ss:b", rlike},
    {"spark_regexp_extract", "ss4:s", regexp_extract},
    {"spark_regexp_replace", "sss:s", regexp_replace},
    {"spark_regexp_replace", "sss4:s", regexp_replace},
    {"spark_regexp_count", "ss:4", regexp_count},
    {"spark_regexp_substr", "ss:s", regexp_substr},
    {"spark_regexp_instr", "ss:4", regexp_instr},
    {"spark_regexp_extract_all", "ss4:S", regexp_extract_all},
    {"spark_split", "ss:S", split},
    {"spark_split", "ss4:S", split},
    {.name = NULL},
};
