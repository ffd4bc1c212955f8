/* exec/error.c - DuckDB's messages as Solder errors.
 *
 * Used wherever exec/ calls DuckDB. Invariant: a kernel's or a reader's "CLASS: text" keeps its class; what DuckDB itself reports is said in plain
 * words when a user can do something about it, and is SOLDER.INTERNAL otherwise.
 */
#include "exec/ex_internal.h"

#include <string.h>

/* "Invalid Input Error: rest" → rest; DuckDB names its exceptions with capitals and blanks. */
static const char *skip_kind(const char *message) {
    const char *mark = strstr(message, " Error: ");
    if (mark == NULL || mark - message > 40) {
        return message;
    }
    for (const char *p = message; p < mark; p++) {
        bool is_letter = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == ' ' || *p == '/';
        if (!is_letter) {
            return message;
        }
    }
    return mark + 8;
}

/* The length of a leading error class ("DIVIDE_BY_ZERO", "SOLDER.IO"), when ": " follows; else 0. */
static size_t class_length(const char *text) {
    size_t n = 0, upper = 0;
    while ((text[n] >= 'A' && text[n] <= 'Z') || (text[n] >= '0' && text[n] <= '9') || text[n] == '_' || text[n] == '.') {
        upper += text[n] >= 'A' && text[n] <= 'Z';
        n++;
    }
    bool is_class = n >= 4 && upper >= 3 && n < ERR_CODE_MAX && text[n] == ':' && text[n + 1] == ' ';
    return is_class ? n : 0;
}

bool ex_error_from_duckdb(const ExEngine *engine, const char *message, Err *err) {
    if (message == NULL) {
        return err_set(err, ERR_INTERNAL, "DuckDB failed without a message");
    }
    if (strstr(message, "INTERRUPT Error") != NULL) {
        return err_set(err, ERR_CANCELLED, "The operation was cancelled.");
    }
    if (strncmp(message, "Out of Memory Error", 19) == 0) {
        Str limit = engine != NULL && engine->config.memory_limit.len > 0 ? engine->config.memory_limit : STR("80 % of the machine's");
        const char *rest = skip_kind(message);
        if (strstr(rest, "max_temp_directory_size") != NULL || strstr(rest, "failed to offload") != NULL) {
            return err_set(err, "SOLDER.OUT_OF_DISK", "the disk that holds the spill directory is too full for this query: %s", rest);
        }
        return err_set(err, "SOLDER.OUT_OF_MEMORY",
                       "the query needs more memory than the engine may use (%.*s). Give it more with --memory, or fewer threads with --threads. DuckDB says: %s",
                       STR_ARG(limit), rest);
    }
    if (strstr(message, "No space left on device") != NULL || strstr(message, "File too large") != NULL ||
        strstr(message, "Disk quota exceeded") != NULL) {
        return err_set(err, ERR_DISK_FULL, "the disk is full: %s", skip_kind(message));
    }
    const char *rest = skip_kind(message);
    size_t n = class_length(rest);
    if (n > 0) {
        char code[ERR_CODE_MAX];
        memcpy(code, rest, n);
        code[n] = '\0';
        return err_set(err, code, "%s", rest + n + 2);
    }
    if (strncmp(message, "IO Error", 8) == 0 || strncmp(message, "HTTP Error", 10) == 0) {
        return err_set(err, ERR_IO, "%s", rest);
    }
    return err_set(err, ERR_INTERNAL, "%s", message);
}

const char *ex_error_text(const Err *err, char *space, size_t size) {
    size_t n = strlen(err->code), m = strlen(err->message);
    if (n + m + 3 > size) {
        m = size > n + 3 ? size - n - 3 : 0;
    }
    memcpy(space, err->code, n);
    memcpy(space + n, ": ", 2);
    memcpy(space + n + 2, err->message, m);
    space[n + 2 + m] = '\0';
    return space;
}
