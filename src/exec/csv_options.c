/* exec/csv_options.c - Spark's CSV options, checked as Spark checks them. */
#include "exec/csv.h"

#include <string.h>

typedef struct Given {
    const PlOption *options;
    size_t n;
    Err *err;
} Given;

/* CSVUtils.toChar: one character, with \t \n … and \u0001 written out. */
static bool one_char(const Given *given, const char *name, const char *fallback, char *ret) {
    const PlOption *option = ex_option_find(given->options, given->n, name);
    Str s = option != NULL ? option->value : str_from_c(fallback);
    *ret = '\0';
    if (s.len == 0) {
        return true;
    }
    if (s.len == 1) {
        *ret = s.data[0];
        return true;
    }
    if (s.len == 2 && s.data[0] == '\\') {
        static const char from[] = "trbfn\"'\\", to[] = "\t\r\b\f\n\"'\\";
        const char *at = strchr(from, s.data[1]);
        if (at != NULL) {
            *ret = to[at - from];
            return true;
        }
    }
    if (str_eq_c(s, "\\u0000") || str_eq_c(s, "\\0")) {
        return true;
    }
    return err_set(given->err, "SOLDER.OPTION", "%s cannot be more than one character", name);
}

/* CSVExprUtils.toDelimiterStr: escapes inside, any length. */
static bool delimiter(const Given *given, Arena *arena, Str *ret) {
    const PlOption *option = ex_option_find(given->options, given->n, "sep");
    option = option != NULL ? option : ex_option_find(given->options, given->n, "delimiter");
    Str s = option != NULL ? option->value : STR(",");
    if (s.len == 0) {
        return err_set(given->err, "INVALID_DELIMITER_VALUE.EMPTY_STRING", "[INVALID_DELIMITER_VALUE.EMPTY_STRING] Invalid value for delimiter.");
    }
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c != '\\' || s.len == 1) {
            strbuf_add_char(&out, c);
            continue;
        }
        if (i + 1 == s.len) {
            return err_set(given->err, "INVALID_DELIMITER_VALUE.SINGLE_BACKSLASH",
                           "[INVALID_DELIMITER_VALUE.SINGLE_BACKSLASH] Invalid value for delimiter. Single backslash is prohibited. It has special meaning as beginning of an escape sequence. To get the backslash character, pass a string with two backslashes as the delimiter.");
        }
        static const char from[] = "trbfn\"'\\", to[] = "\t\r\b\f\n\"'\\";
        const char *at = strchr(from, s.data[i + 1]);
        if (at != NULL && s.data[i + 1] != '\0') {
            strbuf_add_char(&out, to[at - from]);
            i++;
        } else if (i + 5 < s.len && s.data[i + 1] == 'u') {
            int value = 0;
            for (size_t k = i + 2; k < i + 6; k++) {
                char d = s.data[k];
                int digit = d >= '0' && d <= '9' ? d - '0' : (d | 32) >= 'a' && (d | 32) <= 'f' ? (d | 32) - 'a' + 10 : 0;
                value = value * 16 + digit;
            }
            strbuf_add_char(&out, (char)value);
            i += 5;
        } else {
            return err_set(given->err, "INVALID_DELIMITER_VALUE.UNSUPPORTED_SPECIAL_CHARACTER",
                           "[INVALID_DELIMITER_VALUE.UNSUPPORTED_SPECIAL_CHARACTER] Invalid value for delimiter. Unsupported special character for delimiter: \\%c.",
                           s.data[i + 1]);
        }
    }
    *ret = strbuf_str(&out);
    return true;
}

static bool read_mode(const Given *given, ExCsvMode *ret) {
    Str mode = ex_option(given->options, given->n, "mode", "PERMISSIVE");
    *ret = str_eq_nocase(mode, STR("DROPMALFORMED")) ? EX_CSV_DROP : str_eq_nocase(mode, STR("FAILFAST")) ? EX_CSV_FAIL : EX_CSV_PERMISSIVE;
    return true;
}

static bool read_unescaped(const Given *given, ExCsvUnescaped *ret) {
    static const char *const names[] = {"STOP_AT_DELIMITER", "BACK_TO_DELIMITER", "STOP_AT_CLOSING_QUOTE", "SKIP_VALUE", "RAISE_ERROR"};
    Str name = ex_option(given->options, given->n, "unescapedQuoteHandling", "STOP_AT_DELIMITER");
    for (size_t i = 0; i < 5; i++) {
        if (str_eq_nocase(name, str_from_c(names[i]))) {
            *ret = (ExCsvUnescaped)i;
            return *ret == EX_CSV_STOP_AT_DELIMITER || *ret == EX_CSV_RAISE ||
                   err_set(given->err, ERR_NOT_SUPPORTED, "the CSV option unescapedQuoteHandling=%s is not supported yet", names[i]);
        }
    }
    return err_set(given->err, "SOLDER.OPTION", "unescapedQuoteHandling has no value %.*s", STR_ARG(name));
}

bool ex_csv_options(ExCsvOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err) {
    Given given = {options, noptions, err};
    ExCsvOptions *o = ret;
    *o = (ExCsvOptions){0};
    bool both = false;
    bool is_ok = delimiter(&given, arena, &o->sep) && one_char(&given, "quote", "\"", &o->quote) && one_char(&given, "escape", "\\", &o->escape) &&
                 one_char(&given, "comment", "", &o->comment) && ex_option_bool(options, noptions, "header", false, &o->has_header, err) &&
                 ex_option_bool(options, noptions, "multiLine", false, &o->multi_line, err) &&
                 ex_option_bool(options, noptions, "enforceSchema", true, &o->enforce_schema, err) &&
                 ex_option_bool(options, noptions, "inferSchema", false, &o->infer_schema, err) &&
                 ex_option_bool(options, noptions, "ignoreLeadingWhiteSpace", both, &o->trim_leading, err) &&
                 ex_option_bool(options, noptions, "ignoreTrailingWhiteSpace", both, &o->trim_trailing, err) && read_mode(&given, &o->mode) &&
                 read_unescaped(&given, &o->unescaped) && ex_option_int(options, noptions, "maxColumns", 20480, &o->max_columns, err) &&
                 ex_option_int(options, noptions, "maxCharsPerColumn", -1, &o->max_chars, err) &&
                 ex_option_int(options, noptions, "skip.header.line.count", 0, &o->skip_lines, err);
    if (!is_ok) {
        return false;
    }
    /* Escaping the escape: given, or "\" behaves by itself when quote and escape differ (Spark passes '\0' then: no escaping of the escape). */
    if (!one_char(&given, "charToEscapeQuoteEscaping", "", &o->escape_escape)) {
        return false;
    }
    if (ex_option_find(options, noptions, "charToEscapeQuoteEscaping") == NULL) {
        o->escape_escape = o->escape != o->quote ? o->escape : '\0';
    }
    o->null_value = ex_option(options, noptions, "nullValue", "");
    o->empty_value = ex_option(options, noptions, "emptyValue", "");
    o->corrupt_column = ex_option(options, noptions, "columnNameOfCorruptRecord", "_corrupt_record");
    Str charset = ex_option(options, noptions, "encoding", "");
    charset = charset.len > 0 ? charset : ex_option(options, noptions, "charset", "UTF-8");
    if (!ex_charset_find(charset, &o->charset)) {
        return err_set(err, ERR_NOT_SUPPORTED, "the encoding %.*s is not supported; UTF-8, ISO-8859-1 and UTF-16 are", STR_ARG(charset));
    }
    o->line_sep = ex_option(options, noptions, "lineSep", "");
    if (o->line_sep.len > 2) {
        return err_set(err, "SOLDER.OPTION", "'lineSep' can contain only 1 character.");
    }
    if (!ex_option_sampling_ratio(options, noptions, &o->sampling_ratio, err)) {
        return false;
    }
    o->is_simple = o->sep.len == 1 && o->comment == '\0' && !o->multi_line && !o->trim_leading && !o->trim_trailing && o->max_chars < 0 &&
                   o->line_sep.len == 0 && o->sep.data[0] != '\n' && o->sep.data[0] != '\r' && o->quote != o->sep.data[0] &&
                   o->escape != o->sep.data[0];
    return ex_parse_options(&o->parse, options, noptions, time_zone, arena, err);
}
