/* exec/write.c - ex_write_open and ex_write_run: save modes, layout, parts, commit.
 *
 * A query whose every row comes from one row of one scan is cut into parts by the scan's splits, as Spark cuts it into tasks: each part keeps the
 * files' order and writes its own file, and parts run in parallel. Any other query is one part, parallel inside DuckDB.
 */
#include "exec/write.h"

#include "exec/parts.h"
#include "exec/source.h"
#include "exec/storage_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_BYTES = 128 * 1024 * 1024 };

static bool make_uuid(char *ret, Err *err) {
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != sizeof b) {
        return err_set(err, ERR_INTERNAL, "the system gives no random bytes");
    }
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            ret[n++] = '-';
        }
        ret[n++] = hex[b[i] >> 4];
        ret[n++] = hex[b[i] & 15];
    }
    ret[n] = '\0';
    return true;
}

Str ex_write_file_name(ExWriter *writer, Arena *arena, Str directory, size_t part, size_t number) {
    if (directory.len > 0) {
        return str_fmt(arena, "%.*s/part-%05zu-%s.c%03zu%.*s", STR_ARG(directory), part, writer->uuid, number, STR_ARG(writer->extension));
    }
    return str_fmt(arena, "part-%05zu-%s-c%03zu%.*s", part, writer->uuid, number, STR_ARG(writer->extension));
}

/* Dynamic overwrite: the directory's old files go. */
static bool replace_directory(ExWriter *writer, Str directory, Err *err) {
    if (!writer->write->dynamic_partition_overwrite || writer->write->mode != EX_SAVE_OVERWRITE || directory.len == 0) {
        return true;
    }
    for (size_t i = 0; i < writer->nreplaced; i++) {
        if (str_eq(writer->replaced[i], directory)) {
            return true;
        }
    }
    if (writer->nreplaced == writer->replaced_cap) {
        size_t cap = writer->replaced_cap == 0 ? 16 : writer->replaced_cap * 2;
        Str *grown = ARENA_ARRAY(writer->arena, Str, cap);
        for (size_t i = 0; i < writer->nreplaced; i++) {
            grown[i] = writer->replaced[i];
        }
        writer->replaced = grown;
        writer->replaced_cap = cap;
    }
    writer->replaced[writer->nreplaced++] = str_copy(writer->arena, directory);
    return writer->storage->replace(writer->txn, directory, err);
}

bool ex_write_add(ExWriter *writer, Arena *arena, Str directory, size_t part, size_t number, Str *ret_path, Err *err) {
    Str name = ex_write_file_name(writer, arena, directory, part, number);
    pthread_mutex_lock(&writer->op->lock);
    bool is_ok = replace_directory(writer, directory, err) && writer->storage->add(writer->txn, arena, name, ret_path, err);
    pthread_mutex_unlock(&writer->op->lock);
    return is_ok;
}

bool ex_write_count_file(ExWriter *writer, Str path, int64_t rows, Err *err) {
    Arena *arena = arena_new();
    struct stat st;
    bool is_ok = stat(str_to_c(arena, path), &st) == 0 || err_set(err, ERR_IO, "writing %.*s: %s", STR_ARG(path), strerror(errno));
    arena_free(arena);
    if (is_ok) {
        atomic_fetch_add(&writer->bytes, (long long)st.st_size);
        atomic_fetch_add(&writer->rows, (long long)rows);
        atomic_fetch_add(&writer->files, 1);
    }
    return is_ok;
}

/* ExternalCatalogUtils.escapePathName */
static void add_escaped(ExBytes *out, const char *data, size_t len) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c < 0x20 || c == 0x7F || (c < 0x7F && strchr("\"#%'*/:=?\\{[]^", c) != NULL)) {
            char code[3] = {'%', hex[c >> 4], hex[c & 15]};
            ex_bytes_add(out, code, 3);
        } else {
            ex_bytes_add_char(out, (char)c);
        }
    }
}

void ex_write_directory(const ExWriter *writer, const duckdb_vector *vectors, idx_t row, ExBytes *out) {
    const TyAttr *output = writer->op->query->output;
    ExBytes value = {0};
    for (size_t i = 0; i < writer->npartition; i++) {
        const TyAttr *attr = &output[writer->partition[i]];
        if (i > 0) {
            ex_bytes_add_char(out, '/');
        }
        add_escaped(out, attr->name.data, attr->name.len);
        ex_bytes_add_char(out, '=');
        value.len = 0;
        if (!ex_vector_is_null(vectors[i], row)) {
            ex_format_cast(&writer->text, attr->type, vectors[i], row, &value);
        }
        if (value.len == 0) {
            ex_bytes_add(out, "__HIVE_DEFAULT_PARTITION__", 26);
        } else {
            add_escaped(out, value.data, value.len);
        }
    }
    ex_bytes_free(&value);
}

/* solder_directory(v0, v1 …): ex_write_directory for DuckDB's partitioned Parquet writer. */
static void directory_run(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector output) {
    const ExWriter *writer = duckdb_scalar_function_get_bind_data(info);
    duckdb_vector vectors[64];
    for (size_t i = 0; i < writer->npartition; i++) {
        vectors[i] = duckdb_data_chunk_get_vector(chunk, i);
    }
    ExBytes text = {0};
    idx_t count = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < count; row++) {
        text.len = 0;
        ex_write_directory(writer, vectors, row, &text);
        duckdb_unsafe_vector_assign_string_element_len(output, row, text.data, text.len);
    }
    ex_bytes_free(&text);
}

static void directory_bind(duckdb_bind_info info) {
    duckdb_client_context context = NULL;
    duckdb_scalar_function_get_client_context(info, &context);
    ExScope *scope = ex_scope_of(duckdb_scalar_function_bind_get_extra_info(info), context);
    duckdb_destroy_client_context(&context);
    ExWriter *writer = scope != NULL ? scope->op->writer : NULL;
    if (writer == NULL || duckdb_scalar_function_bind_get_argument_count(info) != writer->npartition) {
        duckdb_scalar_function_bind_set_error(info, ERR_INTERNAL ": solder_directory belongs to a partitioned write");
        return;
    }
    duckdb_scalar_function_set_bind_data(info, writer, NULL);
}

bool ex_write_register(ExEngine *engine, Err *err) {
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(f, "solder_directory");
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY), text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_scalar_function_set_varargs(f, any);
    duckdb_scalar_function_set_return_type(f, text);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&text);
    duckdb_scalar_function_set_special_handling(f);
    duckdb_scalar_function_set_extra_info(f, engine, NULL);
    duckdb_scalar_function_set_bind(f, directory_bind);
    duckdb_scalar_function_set_function(f, directory_run);
    bool is_ok = duckdb_register_scalar_function(engine->connection, f) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&f);
    return is_ok || err_set(err, ERR_INTERNAL, "DuckDB refuses the function solder_directory");
}

static bool check_columns(ExWriter *writer, Err *err) {
    const LoQuery *query = writer->op->query;
    for (size_t i = 0; i < query->noutput; i++) {
        for (size_t k = i + 1; k < query->noutput; k++) {
            if (str_eq_nocase(query->output[i].name, query->output[k].name)) {
                Str name = str_lower(writer->arena, query->output[i].name);
                return err_set(err, "COLUMN_ALREADY_EXISTS",
                               "[COLUMN_ALREADY_EXISTS] The column `%.*s` already exists. Consider to choose another name or rename the existing column.",
                               STR_ARG(name));
            }
        }
    }
    const ExWrite *write = writer->write;
    size_t *partition = ARENA_ARRAY(writer->arena, size_t, write->npartition_by), *data = ARENA_ARRAY(writer->arena, size_t, query->noutput);
    if (write->npartition_by > 64) {
        return err_set(err, ERR_NOT_SUPPORTED, "partitionBy with more than 64 columns is not supported");
    }
    for (size_t p = 0; p < write->npartition_by; p++) {
        size_t i = 0;
        while (i < query->noutput && !str_eq_nocase(query->output[i].name, write->partition_by[p])) {
            i++;
        }
        if (i == query->noutput) {
            return err_set(err, "SOLDER.PARTITION_COLUMN", "Partition column `%.*s` not found in the columns to write",
                           STR_ARG(write->partition_by[p]));
        }
        partition[p] = i;
    }
    size_t ndata = 0;
    for (size_t i = 0; i < query->noutput; i++) {
        bool is_partition = false;
        for (size_t p = 0; p < write->npartition_by; p++) {
            is_partition |= partition[p] == i;
        }
        if (!is_partition) {
            data[ndata++] = i;
        }
    }
    if (ndata == 0 && write->npartition_by > 0) {
        return err_set(err, "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "[ALL_PARTITION_COLUMNS_NOT_ALLOWED] Cannot use all columns for partition columns.");
    }
    writer->partition = partition;
    writer->npartition = write->npartition_by;
    writer->data = data;
    writer->ndata = ndata;
    return true;
}

static bool is_rows_format(Str format) {
    return str_eq_c(format, "csv") || str_eq_c(format, "json") || str_eq_c(format, "text");
}

ExOperation *ex_write_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, const ExWrite *write, Err *err) {
    ExOperation *op = ex_op_new(engine, arena, settings, query, err);
    if (op == NULL) {
        return NULL;
    }
    ExWriter *writer = ARENA_NEW(arena, ExWriter);
    writer->op = op;
    writer->write = write;
    writer->arena = arena;
    writer->format = str_lower(arena, write->format);
    op->write = write;
    op->writer = writer;
    op->target = (ExCount){.is_target = true, .shown = write->path, .format = writer->format};
    bool is_s3 = ex_source_is_s3(write->path);
    writer->storage = is_s3 ? engine->config.storage : &ex_dir_storage;
    writer->url = is_s3 ? ex_source_s3_url(arena, write->path) : write->path;
    bool is_ok = writer->storage != NULL || err_set(err, ERR_NOT_SUPPORTED, "writing %.*s: this engine has no bucket storage", STR_ARG(write->path));
    is_ok = is_ok && make_uuid(writer->uuid, err) &&
            ex_format_options(&writer->text, write->options, write->noptions, op->time_zone, arena, err) && check_columns(writer, err);
    if (is_ok && str_eq_c(writer->format, "parquet")) {
        is_ok = ex_parquet_prepare(writer, err);
    } else if (is_ok && is_rows_format(writer->format)) {
        is_ok = ex_rows_prepare(writer, err);
    } else if (is_ok) {
        is_ok = err_set(err, "DATA_SOURCE_NOT_FOUND",
                        "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: %.*s. Please find packages at "
                        "`https://spark.apache.org/third-party-projects.html`.",
                        STR_ARG(writer->format));
    }
    if (!is_ok) {
        ex_close(op);
        return NULL;
    }
    return op;
}

/* Whether something is at the target. */
static bool target_exists(ExWriter *writer, bool *ret, Err *err) {
    if (writer->storage == &ex_dir_storage) {
        Str path;
        *ret = ex_source_local_path(writer->arena, writer->url, &path) && access(path.data, F_OK) == 0;
        return true;
    }
    const ExObject *objects;
    size_t n = 0;
    bool is_ok = writer->storage->list(writer->storage->self, writer->arena, writer->url, &objects, &n, err);
    *ret = n > 0;
    return is_ok;
}

/* The number of parts; 0: the whole query at once. */
static size_t count_parts(ExWriter *writer) {
    ExScope *scope = writer->op->scope;
    size_t pieces = ex_count_parts(scope, SIZE_MAX);
    size_t wanted = (size_t)(ex_scan_bytes(scope) / PART_BYTES) + 1;
    wanted = wanted < (size_t)scope->engine->threads ? (size_t)scope->engine->threads : wanted;
    return pieces < wanted ? pieces : wanted;
}

typedef struct PartRun {
    ExWriter *writer;
    size_t nparts;
    atomic_size_t next;
} PartRun;

static bool write_part(ExWriter *writer, ExScope *scope, size_t part, Err *err) {
    return is_rows_format(writer->format) ? ex_rows_part(writer, scope, part, err) : ex_parquet_part(writer, scope, part, err);
}

static void *run_parts(void *arg) {
    PartRun *run = arg;
    ExOperation *op = run->writer->op;
    for (;;) {
        size_t part = atomic_fetch_add(&run->next, 1);
        pthread_mutex_lock(&op->lock);
        bool has_failed = op->err.is_set;
        pthread_mutex_unlock(&op->lock);
        Err err = {0};
        if (part >= run->nparts || has_failed || ex_op_cancelled(op, &err)) {
            return NULL;
        }
        ExScope *scope = ex_scope_open(op, op->query, &err);
        if (scope != NULL) {
            scope->part = part;
            scope->nparts = run->nparts;
            if (!write_part(run->writer, scope, part, &err)) {
                ex_op_fail(op, &err);
            }
            ex_scope_close(scope);
        } else {
            ex_op_fail(op, &err);
        }
    }
}

static bool run_all(ExWriter *writer, Err *err) {
    ExOperation *op = writer->op;
    size_t nparts = count_parts(writer);
    if (nparts == 0) {
        return write_part(writer, op->scope, 0, err);
    }
    PartRun run = {.writer = writer, .nparts = nparts};
    size_t nthreads = (size_t)op->engine->threads < nparts ? (size_t)op->engine->threads : nparts;
    pthread_t threads[256];
    size_t started = 0;
    nthreads = nthreads > 256 ? 256 : nthreads;
    while (started + 1 < nthreads && pthread_create(&threads[started], NULL, run_parts, &run) == 0) {
        started++;
    }
    run_parts(&run);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    if (op->err.is_set) {
        return err_set(err, op->err.code, "%s", op->err.message);
    }
    Err cancelled = {0};
    return !ex_op_cancelled(op, &cancelled) || err_set(err, cancelled.code, "%s", cancelled.message);
}

/* The transaction's first file, there from the beginning: its folder is where parts may prepare files. */
static bool add_success(ExWriter *writer, Err *err) {
    if (!writer->storage->add(writer->txn, writer->arena, STR("_SUCCESS"), &writer->success, err)) {
        return false;
    }
    int fd = open(writer->success.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return err_set(err, err_io_code(errno), "writing %.*s: %s", STR_ARG(writer->success), strerror(errno));
    }
    close(fd);
    return true;
}

bool ex_write_run(ExOperation *op, Err *err) {
    ExWriter *writer = op->writer;
    bool exists = false;
    if (!target_exists(writer, &exists, err)) {
        return false;
    }
    if (exists && op->write->mode == EX_SAVE_ERROR) {
        Str path = writer->url;
        if (writer->storage == &ex_dir_storage) {
            (void)ex_source_local_path(writer->arena, writer->url, &path);
            path = str_fmt(writer->arena, "file:%.*s", STR_ARG(path));
        }
        return err_set(err, "PATH_ALREADY_EXISTS",
                       "[PATH_ALREADY_EXISTS] Path %.*s already exists. Set mode as \"overwrite\" to overwrite the existing path.", STR_ARG(path));
    }
    if (exists && op->write->mode == EX_SAVE_IGNORE) {
        op->is_done = true;
        return true;
    }
    writer->txn = writer->storage->begin == NULL ? NULL : writer->storage->begin(writer->storage->self, writer->url, err);
    if (writer->txn == NULL) {
        return false;
    }
    bool is_dynamic = op->write->dynamic_partition_overwrite && writer->npartition > 0;
    bool is_ok = op->write->mode != EX_SAVE_OVERWRITE || is_dynamic || writer->storage->replace(writer->txn, (Str){0}, err);
    is_ok = is_ok && add_success(writer, err) && run_all(writer, err);
    if (!is_ok) {
        writer->storage->abort(writer->txn);
        return err_prefix(err, "writing %.*s: ", STR_ARG(op->write->path));
    }
    if (!writer->storage->commit(writer->txn, err)) {
        return false;
    }
    op->target.rows = atomic_load(&writer->rows);
    op->target.bytes = atomic_load(&writer->bytes);
    op->target.files = atomic_load(&writer->files);
    op->is_done = true;
    return ex_metrics_finish(op, err);
}
