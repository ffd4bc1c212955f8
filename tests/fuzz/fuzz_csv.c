/* fuzz_csv.c - any bytes to the CSV tokenizer (its first byte picks the options) and to the JSON reader's repair. */
#include "exec/csv.h"
#include "exec/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const PlOption choices[] = {{STR("escape"), STR("\"")},    {STR("multiLine"), STR("true")}, {STR("sep"), STR("||")},
                                       {STR("quote"), STR("")},       {STR("comment"), STR("#")},      {STR("ignoreTrailingWhiteSpace"), STR("true")},
                                       {STR("ignoreLeadingWhiteSpace"), STR("true")}};
    if (size == 0) {
        return 0;
    }
    PlOption options[8];
    size_t n = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (data[0] >> i & 1) {
            options[n++] = choices[i];
        }
    }
    Arena *arena = arena_new();
    Err err = {0};
    ExCsvOptions csv;
    char *text = arena_alloc(arena, size + EX_LINES_PAD);
    memcpy(text, data + 1, size - 1);
    if (ex_csv_options(&csv, options, n, STR("UTC"), arena, &err)) {
        ExCsvParser parser = {.options = &csv};
        const char *p = text, *end = text + size - 1, *next = end;
        while (p < end && ex_csv_record(&parser, p, end, &next, &err) && next > p) {
            p = next;
            ex_csv_reset(&parser);
        }
        ex_csv_done(&parser);
    }
    ExJsonOptions json;
    if (ex_json_options(&json, NULL, 0, STR("UTC"), arena, &err)) {
        ExJsonDoc doc = {0};
        (void)ex_json_parse(&doc, &json, (Str){text, size - 1});
        ex_json_done(&doc);
    }
    arena_free(arena);
    return 0;
}
