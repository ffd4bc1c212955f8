/* file_names.c - input_file_name(): each row's file becomes one more partition column of the scan below, carried up to where it is asked for.
 *
 * Called by analyze.c on a finished tree. Invariant: what stands between the scan and the call keeps rows of one file apart (filters, projections, sorts,
 * limits, samples, generators); through anything else the call stays, and is an empty text, as in Spark behind a shuffle.
 */
#include "analyze/az.h"

#include <string.h>

static bool is_file_name(void *self, const TxExpr *expr) {
    (void)self;
    return expr->tag == TX_CALL && strcmp(expr->call.fn->coerce, "input_file_name") == 0;
}

/* As Hadoop's Path says it: file:///… with what a URI can't hold escaped. */
static Str uri_of(Arena *arena, Str shown) {
    StrBuf uri = {.arena = arena};
    if (str_starts_with(shown, STR("file:/")) && !str_starts_with(shown, STR("file://"))) {
        shown = str_slice(shown, sizeof "file:" - 1, shown.len);
    }
    strbuf_add_c(&uri, shown.len > 0 && shown.data[0] == '/' ? "file://" : "");
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.data[i];
        if (c <= ' ' || strchr("\"#%<>?[\\]^`{|}", c) != NULL) {
            strbuf_fmt(&uri, "%%%02X", c);
        } else {
            strbuf_add_char(&uri, (char)c);
        }
    }
    return strbuf_str(&uri);
}

static TrRel *copy_with(AzCtx *ctx, const TrRel *rel, const TrRel *input, const TyAttr *attr, size_t at) {
    TrRel *copy = ARENA_NEW(ctx->arena, TrRel);
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, rel->noutput + 1);
    *copy = *rel;
    for (size_t i = 0; i < rel->noutput; i++) {
        output[i < at ? i : i + 1] = rel->output[i];
    }
    output[at] = *attr;
    copy->input = input;
    copy->output = output;
    copy->noutput = rel->noutput + 1;
    return copy;
}

static const TrRel *carry_scan(AzCtx *ctx, const TrRel *rel, const TyAttr *attr) {
    const TyScan *old = rel->scan.scan;
    size_t n = old->npartition_fields;
    if (old->nfiles == 0) {
        return NULL;
    }
    TyScan *scan = ARENA_NEW(ctx->arena, TyScan);
    TyFile *files = ARENA_ARRAY(ctx->arena, TyFile, old->nfiles);
    PlField *fields = ARENA_ARRAY(ctx->arena, PlField, n + 1);
    *scan = *old;
    for (size_t i = 0; i < n; i++) {
        fields[i] = old->partition_fields[i];
    }
    fields[n] = (PlField){.name = str_fmt(ctx->arena, "input_file_name#%u", (unsigned)attr->id), .type = &PL_STRING};
    for (size_t f = 0; f < old->nfiles; f++) {
        const PlValue **values = ARENA_ARRAY(ctx->arena, const PlValue *, n + 1);
        PlValue *name = ARENA_NEW(ctx->arena, PlValue);
        *name = (PlValue){.type = &PL_STRING, .s = uri_of(ctx->arena, old->files[f].shown)};
        for (size_t i = 0; i < n; i++) {
            values[i] = old->files[f].partition[i];
        }
        values[n] = name;
        files[f] = old->files[f];
        files[f].partition = values;
    }
    scan->files = files;
    scan->partition_fields = fields;
    scan->npartition_fields = n + 1;
    TrRel *copy = copy_with(ctx, rel, NULL, attr, rel->noutput);
    copy->scan.scan = scan;
    return copy;
}

/* rel with the file's name as attr; NULL: there is no one file a row is from. */
static const TrRel *carry(AzCtx *ctx, const TrRel *rel, const TyAttr *attr) {
    if (rel->tag == TR_SCAN) {
        return carry_scan(ctx, rel, attr);
    }
    bool is_plain = rel->tag == TR_FILTER || rel->tag == TR_SORT || rel->tag == TR_LIMIT || rel->tag == TR_SAMPLE;
    if (!is_plain && rel->tag != TR_PROJECT && rel->tag != TR_GENERATE) {
        return NULL;
    }
    const TrRel *input = carry(ctx, rel->input, attr);
    if (input == NULL) {
        return NULL;
    }
    size_t at = rel->tag == TR_GENERATE ? rel->noutput - rel->generate.ncolumns : rel->noutput;
    TrRel *copy = copy_with(ctx, rel, input, attr, at);
    if (rel->tag == TR_PROJECT) {
        TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, rel->noutput + 1);
        memcpy(columns, rel->project.columns, rel->noutput * sizeof *columns);
        columns[rel->noutput] = (TyNamed){.attr = *attr, .expr = az_column(ctx, attr)};
        copy->project.columns = columns;
    }
    return copy;
}

typedef struct Replace {
    AzCtx *ctx;
    const TyAttr *attr;
} Replace;

static const TxExpr *replace(void *self, const TxExpr *expr) {
    const Replace *with = self;
    return is_file_name(NULL, expr) ? az_column(with->ctx, with->attr) : pl_expr_map_children(with->ctx->arena, expr, replace, self);
}

static bool asks(const TrRel *rel) {
    if (rel->tag == TR_FILTER) {
        return pl_expr_any(rel->filter.condition, is_file_name, NULL);
    }
    for (size_t i = 0; rel->tag == TR_PROJECT && i < rel->noutput; i++) {
        if (pl_expr_any(rel->project.columns[i].expr, is_file_name, NULL)) {
            return true;
        }
    }
    return false;
}

const TrRel *az_name_files(AzCtx *ctx, const TrRel *rel) {
    if (rel == NULL || rel->tag == TR_SCAN) {
        return rel;
    }
    const TrRel *input = az_name_files(ctx, rel->input), *right = az_name_files(ctx, rel->right);
    bool is_asking = asks(rel);
    if (!is_asking && input == rel->input && right == rel->right) {
        return rel;
    }
    TrRel *copy = ARENA_NEW(ctx->arena, TrRel);
    *copy = *rel;
    copy->input = input;
    copy->right = right;
    if (!is_asking) {
        return copy;
    }
    TyAttr attr = az_attr(ctx, STR("input_file_name()"), &PL_STRING, false);
    const TrRel *named = carry(ctx, input, &attr);
    if (named == NULL) {
        return copy;
    }
    Replace with = {ctx, &attr};
    copy->input = named;
    if (copy->tag == TR_FILTER) {
        copy->filter.condition = replace(&with, copy->filter.condition);
        return copy;
    }
    TyNamed *columns = ARENA_ARRAY(ctx->arena, TyNamed, copy->noutput);
    for (size_t i = 0; i < copy->noutput; i++) {
        columns[i] = copy->project.columns[i];
        columns[i].expr = replace(&with, columns[i].expr);
    }
    copy->project.columns = columns;
    return copy;
}
