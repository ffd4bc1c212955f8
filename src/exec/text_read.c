/* exec/text_read.c - the text and binaryFile formats of solder_scan.
 *
 * text: one string column, a line a row (wholetext: a file a row). binaryFile: path, modificationTime, length, content.
 */
#include "exec/column_write.h"
#include "base/utf8.h"
#include "exec/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct ExTextPlan {
    bool whole;
    Str line_sep;
} ExTextPlan;

typedef struct ExTextReader {
    ExLines lines;
    bool is_read;
} ExTextReader;

static bool text_plan(ExScanPlan *plan, Err *err) {
    ExTextPlan *text = ARENA_NEW(plan->arena, ExTextPlan);
    const TyScan *scan = plan->scan;
    text->line_sep = ex_option(scan->options, scan->noptions, "lineSep", "");
    plan->options = text;
    return ex_option_bool(scan->options, scan->noptions, "wholetext", false, &text->whole, err);
}

static bool text_is_splittable(const ExScanPlan *plan, const TyFile *file) {
    const ExTextPlan *text = plan->options;
    return !text->whole && text->line_sep.len == 0 && ex_bytes_are_splittable(file->shown, EX_UTF8);
}

static bool text_open(ExScanLocal *local, Err *err) {
    ExTextReader *reader = calloc(1, sizeof *reader);
    local->reader = reader;
    return reader != NULL || err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a reader");
}

static bool text_begin(ExScanLocal *local, Err *err) {
    ExTextReader *reader = local->reader;
    const ExTextPlan *text = local->plan->options;
    const TyFile *file = &local->plan->scan->files[local->split->file];
    reader->is_read = false;
    reader->lines.is_whole = text->whole;
    return ex_lines_begin(&reader->lines, file->path, file->shown, EX_UTF8, text->line_sep, local->split->from, local->split->to, err);
}

/* The column that holds the text; SIZE_MAX: not asked for. */
static size_t value_target(const ExScanLocal *local) {
    for (idx_t i = 0; i < local->run->ncolumns; i++) {
        if (local->run->columns[i] == 0 && local->plan->scan->data_schema->nfields > 0) {
            return (size_t)i;
        }
    }
    return SIZE_MAX;
}

static bool read_whole(ExScanLocal *local, ExColumn *column, idx_t *ret_count, Err *err) {
    ExTextReader *reader = local->reader;
    bool has_more = !reader->is_read;
    if (reader->is_read) {
        return true;
    }
    while (has_more) {
        if (!ex_lines_grow(&reader->lines, &has_more, err)) {
            return false;
        }
    }
    reader->is_read = true;
    if (column != NULL) {
        ex_column_copy(column, 0, reader->lines.buffer, reader->lines.to);
    }
    *ret_count = 1;
    return true;
}

static bool text_read(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    ExTextReader *reader = local->reader;
    const ExTextPlan *text = local->plan->options;
    ExColumn column = {0};
    size_t target = value_target(local);
    bool is_wanted = target != SIZE_MAX;
    if (is_wanted) {
        ex_column_start(&column, duckdb_data_chunk_get_vector(chunk, (idx_t)target));
    }
    bool has_more = true;
    idx_t row = 0;
    if (text->whole) {
        has_more = false;
        if (!read_whole(local, is_wanted ? &column : NULL, &row, err)) {
            return false;
        }
    }
    while (row < duckdb_vector_size() && has_more) {
        Str line;
        if (reader->lines.from >= reader->lines.limit) {
            if (row > 0) {
                break;
            }
            if (!ex_lines_fill(&reader->lines, &has_more, err)) {
                return false;
            }
            continue;
        }
        if (!ex_lines_next(&reader->lines, &line)) {
            break;
        }
        if (is_wanted && (reader->lines.is_ascii || utf8_is_valid(line.data, line.len))) {
            ex_column_text(&column, row, line.data, line.len);
        } else if (is_wanted) {
            ex_column_copy(&column, row, line.data, line.len);
        }
        row++;
    }
    atomic_fetch_add(&local->plan->input->tally->bytes, ex_lines_taken(&reader->lines));
    *ret_count = row;
    return true;
}

static void text_close(ExScanLocal *local) {
    ExTextReader *reader = local->reader;
    if (reader != NULL) {
        ex_lines_close(&reader->lines);
        free(reader);
    }
}

const ExFormat ex_format_text = {.name = "text",
                                 .plan = text_plan,
                                 .is_splittable = text_is_splittable,
                                 .open = text_open,
                                 .begin = text_begin,
                                 .read = text_read,
                                 .close = text_close};

static bool binary_plan(ExScanPlan *plan, Err *err) {
    (void)plan;
    (void)err;
    return true;
}

static bool binary_is_splittable(const ExScanPlan *plan, const TyFile *file) {
    (void)plan;
    (void)file;
    return false;
}

static bool binary_content(const TyFile *file, duckdb_vector vector, Err *err) {
    Arena *arena = arena_new();
    int fd = open(str_to_c(arena, file->path), O_RDONLY | O_CLOEXEC);
    arena_free(arena);
    char *bytes = malloc((size_t)file->size + 1);
    size_t have = 0;
    ssize_t n = 1;
    while (fd >= 0 && bytes != NULL && have < (size_t)file->size && n > 0) {
        n = read(fd, bytes + have, (size_t)file->size - have);
        have += n > 0 ? (size_t)n : 0;
    }
    bool is_ok = fd >= 0 && bytes != NULL && n >= 0;
    if (is_ok) {
        duckdb_unsafe_vector_assign_string_element_len(vector, 0, bytes, have);
    } else {
        err_set(err, ERR_IO, "reading %.*s: %s", STR_ARG(file->shown), strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    free(bytes);
    return is_ok;
}

static bool binary_read(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    ExTextReader *reader = local->reader;
    if (reader->is_read) {
        return true;
    }
    reader->is_read = true;
    const TyFile *file = &local->plan->scan->files[local->split->file];
    for (idx_t i = 0; i < local->run->ncolumns; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
        idx_t column = local->run->columns[i];
        if (column == 0) {
            duckdb_unsafe_vector_assign_string_element_len(vector, 0, file->shown.data, file->shown.len);
        } else if (column == 1) {
            *(int64_t *)duckdb_vector_get_data(vector) = file->modified_us;
        } else if (column == 2) {
            *(int64_t *)duckdb_vector_get_data(vector) = file->size;
        } else if (column == 3 && !binary_content(file, vector, err)) {
            return false;
        }
    }
    atomic_fetch_add(&local->plan->input->tally->bytes, file->size);
    *ret_count = 1;
    return true;
}

static bool binary_begin(ExScanLocal *local, Err *err) {
    (void)err;
    ((ExTextReader *)local->reader)->is_read = false;
    return true;
}

const ExFormat ex_format_binary = {.name = "binaryfile",
                                   .plan = binary_plan,
                                   .is_splittable = binary_is_splittable,
                                   .open = text_open,
                                   .begin = binary_begin,
                                   .read = binary_read,
                                   .close = text_close};
