/* exec/csv.h - CSV as Spark 3.5 reads it (its options, and univocity's rules for quotes), shared by the reader and schema inference.
 *
 * Invariant: ex_csv_record gives the same tokens as univocity's CsvParser with Spark's settings, for any bytes.
 */
#ifndef SOLDER_EXEC_CSV_H
#define SOLDER_EXEC_CSV_H

#include "exec/scan.h"
#include "exec/text_lines.h"
#include "exec/value_parse.h"

typedef enum ExCsvMode { EX_CSV_PERMISSIVE, EX_CSV_DROP, EX_CSV_FAIL } ExCsvMode;
typedef enum ExCsvUnescaped { EX_CSV_STOP_AT_DELIMITER, EX_CSV_BACK_TO_DELIMITER, EX_CSV_STOP_AT_CLOSING_QUOTE, EX_CSV_SKIP_VALUE, EX_CSV_RAISE } ExCsvUnescaped;

typedef struct ExCsvOptions {
    Str sep;
    char quote;   /* 0: none */
    char escape;  /* 0: none */
    char escape_escape;
    char comment; /* 0: none */
    bool has_header, multi_line, enforce_schema, infer_schema;
    bool trim_leading, trim_trailing;
    Str null_value, empty_value;
    ExParseOptions parse; /* nanValue, dateFormat, … */
    ExCsvMode mode;
    ExCsvUnescaped unescaped;
    Str corrupt_column;
    ExCharset charset;
    Str line_sep;
    int64_t max_columns, max_chars;
    int64_t skip_lines; /* skip.header.line.count of catalog tables */
    double sampling_ratio;
    bool is_simple; /* the fast tokenizer's rules hold */
} ExCsvOptions;

typedef struct ExCsvField {
    const char *data;
    uint32_t len;
    bool is_quoted;
    bool is_scratch; /* in the parser's scratch: must be copied */
} ExCsvField;

typedef struct ExCsvParser {
    const ExCsvOptions *options;
    ExCsvField *fields; /* malloc'd */
    size_t nfields, cap;
    char *scratch; /* malloc'd; reset by ex_csv_reset */
    size_t scratch_len, scratch_cap;
    bool is_truncated; /* the input ended inside a quoted value (for multi-line: more may come) */
} ExCsvParser;

bool ex_csv_options(ExCsvOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err);
/* The tokens of the record at p. Without multiLine, [p, end) is one line; with it, the rest of the buffer, and *ret_next is where the record ends. */
bool ex_csv_record(ExCsvParser *parser, const char *p, const char *end, const char **ret_next, Err *err);
/* A line that Spark's reader passes over: blank or a comment. */
bool ex_csv_is_skipped(const ExCsvOptions *options, Str line);
void ex_csv_reset(ExCsvParser *parser); /* forgets the scratch of earlier records */
void ex_csv_done(ExCsvParser *parser);
/* The value of a token: false is null. */
bool ex_csv_value(const ExCsvOptions *options, const ExCsvField *field, Str *ret_value);

#endif
