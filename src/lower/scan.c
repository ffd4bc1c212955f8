/* lower/scan.c - files: through exec/'s table function, or Parquet by DuckDB's own reader.
 *
 * Invariant: the columns come out in the scan's schema and carrier types whatever the files hold; partition values come from the plan,
 * never from a path.
 */
#include "lower/lo_internal.h"

/* Beyond this many different partitions a join with the file name is shorter than a branch for each. */
enum { MAX_BRANCHES = 64 };

/* Turns a value as a file has it (structs by field name) into the carrier form (structs by position). */
static void write_carrier(Lo *lo, StrBuf *out, Str value, const PlType *type) {
    Str carrier = lo_duckdb_type(lo->arena, type);
    if (type->kind == PL_TYPE_STRUCT && type->nfields > 0) {
        strbuf_fmt(out, "(CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(value));
        for (size_t i = 0; i < type->nfields; i++) {
            strbuf_fmt(out, "%sf%zu := ", i > 0 ? ", " : "", i);
            Str field = str_fmt(lo->arena, "struct_extract(%.*s, %.*s)", STR_ARG(value), STR_ARG(lo_quoted(lo, type->fields[i].name)));
            write_carrier(lo, out, field, type->fields[i].type);
        }
        strbuf_add_c(out, ") END)");
    } else if (type->kind == PL_TYPE_ARRAY) {
        Str item = lo_name(lo, "e");
        strbuf_fmt(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(value), STR_ARG(item));
        write_carrier(lo, out, item, type->element);
        strbuf_add_char(out, ')');
    } else if (type->kind == PL_TYPE_MAP) {
        Str item = lo_name(lo, "e");
        strbuf_fmt(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ", STR_ARG(value), STR_ARG(item));
        write_carrier(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'key')", STR_ARG(item)), type->key);
        strbuf_add_c(out, ", v := ");
        write_carrier(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'value')", STR_ARG(item)), type->element);
        strbuf_add_c(out, ")))");
    } else if (type->kind == PL_TYPE_TIMESTAMP) {
        /* INT96 and unadjusted values are read as plain TIMESTAMP and mean UTC; a cast would apply the session's zone. */
        strbuf_fmt(out, "spark_utc(%.*s)", STR_ARG(value));
    } else {
        strbuf_fmt(out, "CAST(%.*s AS %.*s)", STR_ARG(value), STR_ARG(carrier));
    }
}

/* The type of a column that no file has, as a file would have it: only what write_carrier looks into matters. */
static void write_file_type(Lo *lo, StrBuf *out, const PlType *type) {
    if (type->kind == PL_TYPE_STRUCT && type->nfields > 0) {
        strbuf_add_c(out, "STRUCT(");
        for (size_t i = 0; i < type->nfields; i++) {
            strbuf_add_c(out, i > 0 ? ", " : "");
            lo_write_identifier(out, type->fields[i].name);
            strbuf_add_char(out, ' ');
            write_file_type(lo, out, type->fields[i].type);
        }
        strbuf_add_char(out, ')');
    } else if (type->kind == PL_TYPE_ARRAY) {
        write_file_type(lo, out, type->element);
        strbuf_add_c(out, "[]");
    } else if (type->kind == PL_TYPE_MAP) {
        strbuf_add_c(out, "MAP(");
        write_file_type(lo, out, type->key);
        strbuf_add_c(out, ", ");
        write_file_type(lo, out, type->element);
        strbuf_add_char(out, ')');
    } else {
        strbuf_add_c(out, type->kind == PL_TYPE_TIMESTAMP ? "TIMESTAMP" : lo_duckdb_type(lo->arena, type).data);
    }
}

/* No rows, but every column of the schema: in front of the files, by name, it gives those that the files lack. An untyped NULL takes the
 * type that the files have. */
static void write_all_columns(Lo *lo, StrBuf *out, const PlType *schema) {
    for (size_t i = 0; i < schema->nfields; i++) {
        const PlType *type = schema->fields[i].type;
        bool is_typed = type->kind == PL_TYPE_STRUCT || type->kind == PL_TYPE_ARRAY || type->kind == PL_TYPE_MAP || type->kind == PL_TYPE_TIMESTAMP;
        strbuf_add_c(out, i > 0 ? ", " : "");
        if (is_typed) {
            strbuf_add_c(out, "CAST(NULL AS ");
            write_file_type(lo, out, type);
            strbuf_add_c(out, ") AS ");
        } else {
            strbuf_add_c(out, "NULL AS ");
        }
        lo_write_identifier(out, schema->fields[i].name);
    }
}

static void write_files(StrBuf *out, const TyScan *scan, const bool *wanted) {
    bool is_first = true;
    strbuf_add_c(out, "read_parquet([");
    for (size_t i = 0; i < scan->nfiles; i++) {
        if (wanted != NULL && !wanted[i]) {
            continue;
        }
        strbuf_add_c(out, is_first ? "" : ", ");
        is_first = false;
        lo_write_quoted(out, scan->files[i].path);
    }
    /* Files of one table may lack columns that were added later. */
    strbuf_fmt(out, "], hive_partitioning = false, union_by_name = %s)", scan->nfiles > 1 ? "true" : "false");
}

/* The wanted files (NULL: all) as something to select from; with_name adds the column filename. */
static void write_file_list(Lo *lo, StrBuf *out, const TyScan *scan, const bool *wanted, bool with_name) {
    if (!scan->may_lack_columns || scan->data_schema->nfields == 0) {
        write_files(out, scan, wanted);
        return;
    }
    strbuf_add_c(out, "(SELECT ");
    write_all_columns(lo, out, scan->data_schema);
    strbuf_add_c(out, with_name ? ", NULL AS filename" : "");
    strbuf_add_c(out, " WHERE false UNION ALL BY NAME SELECT *");
    strbuf_add_c(out, with_name ? ", filename FROM " : " FROM ");
    write_files(out, scan, wanted);
    strbuf_add_c(out, ")");
}

static void write_data_columns(Lo *lo, StrBuf *out, const TrRel *rel) {
    const PlType *schema = rel->scan.scan->data_schema;
    for (size_t i = 0; i < schema->nfields; i++) {
        StrBuf name = {.arena = lo->arena};
        lo_write_identifier(&name, schema->fields[i].name);
        strbuf_add_c(out, i > 0 ? ", " : "");
        write_carrier(lo, out, strbuf_str(&name), schema->fields[i].type);
        strbuf_fmt(out, " AS c%u", (unsigned)rel->output[i].id);
    }
}

static bool same_partition(const TyScan *scan, const TyFile *a, const TyFile *b) {
    for (size_t i = 0; i < scan->npartition_fields; i++) {
        if (!pl_value_equal(a->partition[i], b->partition[i])) {
            return false;
        }
    }
    return true;
}

/* One SELECT for the wanted files, which share their partition values. */
static void write_branch(Lo *lo, StrBuf *out, const TrRel *rel, const bool *wanted, const TyFile *sample) {
    const TyScan *scan = rel->scan.scan;
    strbuf_add_c(out, "SELECT ");
    write_data_columns(lo, out, rel);
    for (size_t i = 0; i < scan->npartition_fields; i++) {
        strbuf_add_c(out, i + scan->data_schema->nfields > 0 ? ", " : "");
        lo_write_literal(lo, out, sample->partition[i]);
        strbuf_fmt(out, " AS c%u", (unsigned)rel->output[scan->data_schema->nfields + i].id);
    }
    strbuf_add_c(out, rel->noutput == 0 ? "0 AS c_ FROM " : " FROM ");
    write_file_list(lo, out, scan, wanted, false);
}

/* Many partitions: their values in a table joined by file name. */
static void write_joined(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TyScan *scan = rel->scan.scan;
    strbuf_add_c(out, "SELECT ");
    write_data_columns(lo, out, rel);
    for (size_t i = 0; i < scan->npartition_fields; i++) {
        strbuf_fmt(out, ", solder_part.c%u", (unsigned)rel->output[scan->data_schema->nfields + i].id);
    }
    strbuf_add_c(out, " FROM ");
    write_file_list(lo, out, scan, NULL, true);
    strbuf_add_c(out, " AS solder_data JOIN (VALUES ");
    for (size_t f = 0; f < scan->nfiles; f++) {
        strbuf_add_c(out, f > 0 ? ", (" : "(");
        lo_write_quoted(out, scan->files[f].path);
        for (size_t i = 0; i < scan->npartition_fields; i++) {
            strbuf_add_c(out, ", ");
            lo_write_literal(lo, out, scan->files[f].partition[i]);
        }
        strbuf_add_char(out, ')');
    }
    strbuf_add_c(out, ") AS solder_part(solder_file");
    for (size_t i = 0; i < scan->npartition_fields; i++) {
        strbuf_fmt(out, ", c%u", (unsigned)rel->output[scan->data_schema->nfields + i].id);
    }
    strbuf_add_c(out, ") ON solder_data.filename = solder_part.solder_file");
}

static void write_parquet(Lo *lo, StrBuf *out, const TrRel *rel) {
    const TyScan *scan = rel->scan.scan;
    if (scan->nfiles == 0) {
        const TrRel none = {.tag = TR_VALUES, .output = rel->output, .noutput = rel->noutput};
        lo_write_rel(lo, out, &none);
        return;
    }
    bool *is_done = ARENA_ARRAY(lo->arena, bool, scan->nfiles);
    bool *wanted = ARENA_ARRAY(lo->arena, bool, scan->nfiles);
    StrBuf branches = {.arena = lo->arena};
    size_t nbranches = 0;
    for (size_t f = 0; f < scan->nfiles; f++) {
        if (is_done[f]) {
            continue;
        }
        if (++nbranches > MAX_BRANCHES) {
            write_joined(lo, out, rel);
            return;
        }
        for (size_t g = 0; g < scan->nfiles; g++) {
            wanted[g] = !is_done[g] && (g == f || (g > f && same_partition(scan, &scan->files[f], &scan->files[g])));
            is_done[g] = is_done[g] || wanted[g];
        }
        strbuf_add_c(&branches, nbranches > 1 ? " UNION ALL " : "");
        write_branch(lo, &branches, rel, wanted, &scan->files[f]);
    }
    strbuf_add(out, strbuf_str(&branches));
}

void lo_write_scan(Lo *lo, StrBuf *out, const TrRel *rel) {
    size_t number = lo->inputs.count;
    bool is_direct = str_eq_nocase(rel->scan.scan->format, STR("parquet"));
    VEC_PUSH(&lo->inputs, (LoInput){.kind = LO_INPUT_SCAN, .rel = rel, .is_direct = is_direct});
    if (is_direct) {
        write_parquet(lo, out, rel);
        return;
    }
    strbuf_add_c(out, "SELECT ");
    lo_write_columns(lo, out, rel->output, rel->noutput);
    strbuf_fmt(out, " FROM solder_scan(%zu)", number);
}
