/* generators.c - explode and its kin: a relation that repeats its input's rows, with the generator's columns appended.
 *
 * Called by project.c (select list) and analyze.c (LATERAL VIEW, table functions).
 */
#include "analyze/az.h"

#include <string.h>

static bool is_generator(void *self, const TxExpr *expr) {
    (void)self;
    return expr->tag == TX_CALL && expr->call.fn->kind == PL_FN_GENERATOR;
}

bool az_has_generator(const TxExpr *expr) {
    return pl_expr_any(expr, is_generator, NULL);
}

const AzRel *az_generate(AzCtx *ctx, const AzRel *input, const TxExpr *generator, bool outer, const Str *names, size_t nnames, Str alias) {
    const PlType *fields = generator->type;
    if (nnames > 0 && nnames != fields->nfields) {
        StrBuf list = {.arena = ctx->arena};
        for (size_t i = 0; i < nnames; i++) {
            strbuf_fmt(&list, "%s%.*s", i > 0 ? "," : "", STR_ARG(names[i]));
        }
        Str all = strbuf_str(&list);
        err_set(ctx->err, "UDTF_ALIAS_NUMBER_MISMATCH",
                "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected %zu "
                "aliases, but got %.*s. Please ensure that the number of aliases provided matches the number of columns output by the UDTF.",
                fields->nfields, STR_ARG(all));
        return NULL;
    }
    TyNamed column = {.expr = generator};
    const TrRel *base = az_extract_python(ctx, input->tr, &column, 1);
    if (base == NULL) {
        return NULL;
    }
    Str *qualifier = NULL;
    if (alias.len > 0) {
        qualifier = ARENA_NEW(ctx->arena, Str);
        *qualifier = alias;
    }
    TyAttr *made = ARENA_ARRAY(ctx->arena, TyAttr, fields->nfields);
    for (size_t i = 0; i < fields->nfields; i++) {
        const PlField *field = &fields->fields[i];
        made[i] = az_attr(ctx, nnames > 0 ? names[i] : field->name, field->type, field->nullable || outer);
        made[i].qualifier = qualifier;
        made[i].nqualifier = qualifier == NULL ? 0 : 1;
    }
    TrRel *tr = az_tr(ctx, TR_GENERATE, base);
    TyAttr *output = ARENA_ARRAY(ctx->arena, TyAttr, base->noutput + fields->nfields);
    TyAttr *attrs = ARENA_ARRAY(ctx->arena, TyAttr, input->nattrs + fields->nfields);
    if (base->noutput > 0) {
        memcpy(output, base->output, base->noutput * sizeof *output);
    }
    if (input->nattrs > 0) {
        memcpy(attrs, input->attrs, input->nattrs * sizeof *attrs);
    }
    memcpy(output + base->noutput, made, fields->nfields * sizeof *output);
    memcpy(attrs + input->nattrs, made, fields->nfields * sizeof *attrs);
    tr->output = output;
    tr->noutput = base->noutput + fields->nfields;
    tr->generate.generator = column.expr;
    tr->generate.is_outer = outer;
    tr->generate.ncolumns = fields->nfields;
    AzRel *rel = az_rel(ctx, tr, input);
    rel->attrs = attrs;
    rel->nattrs = input->nattrs + fields->nfields;
    rel->hidden = input->hidden;
    rel->nhidden = input->nhidden;
    return rel;
}

static const TxExpr *generator_of(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const TxExpr *expr = az_expr(ctx, px, scope);
    if (expr == NULL) {
        return NULL;
    }
    if (!is_generator(NULL, expr)) {
        Str shown = az_quote_expr(ctx, expr);
        az_fail(ctx, px->origin, "UNSUPPORTED_GENERATOR.NOT_GENERATOR",
                "The generator is not supported: %.*s is expected to be a generator. However, its class is not a generator.", STR_ARG(shown));
        return NULL;
    }
    return expr;
}

static bool ends_outer(const TxExpr *generator) {
    return str_ends_with(str_from_c(generator->call.fn->name), STR("_outer"));
}

const AzRel *az_lateral_view_rel(AzCtx *ctx, const PrRel *pr) {
    const AzRel *input = az_relation(ctx, pr->input);
    if (input == NULL) {
        return NULL;
    }
    AzScope scope = az_scope_of(ctx, input);
    const TxExpr *generator = generator_of(ctx, pr->generate.generator, &scope);
    if (generator == NULL) {
        return NULL;
    }
    return az_generate(ctx, input, generator, pr->generate.is_outer || ends_outer(generator), pr->generate.columns, pr->generate.ncolumns,
                       pr->generate.alias);
}

/* range(…) in FROM. */
static const AzRel *range_function(AzCtx *ctx, const PxExpr *call) {
    int64_t values[4] = {0, 0, 1, 1};
    if (call->call.nargs == 0 || call->call.nargs > 4) {
        az_fail(ctx, call->origin, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "The `range` requires [1, 2, 3, 4] parameters but the actual number is %zu.",
                call->call.nargs);
        return NULL;
    }
    for (size_t i = 0; i < call->call.nargs; i++) {
        const PlValue *value = az_constant(ctx->arena, ctx->world, call->call.args[i], ctx->err);
        if (value == NULL) {
            return NULL;
        }
        if (!pl_type_is_integral(value->type)) {
            az_fail(ctx, call->origin, "FAILED_FUNCTION_CALL", "Failed preparing of the function `range` for call. Please, double check function's arguments.");
            return NULL;
        }
        values[i] = value->i;
    }
    bool only_end = call->call.nargs == 1;
    PrRel pr = {.tag = PR_RANGE, .plan_id = -1};
    pr.range.start = only_end ? 0 : values[0];
    pr.range.end = only_end ? values[0] : values[1];
    pr.range.step = call->call.nargs > 2 ? values[2] : 1;
    return az_leaf(ctx, &pr);
}

const AzRel *az_table_function_rel(AzCtx *ctx, const PrRel *pr) {
    const PxExpr *call = pr->table_function.call;
    if (call->tag == PX_CALL && str_eq_nocase(call->call.name, STR("range"))) {
        return range_function(ctx, call);
    }
    if (call->tag == PX_CALL && pl_function_find(call->call.name) == NULL) {
        az_fail(ctx, pr->origin, "UNRESOLVABLE_TABLE_VALUED_FUNCTION",
                "Could not resolve `%.*s` to a table-valued function. Please make sure that `%.*s` is defined as a table-valued function and "
                "that all required parameters are provided correctly. If `%.*s` is not defined, please create the table-valued function "
                "before using it. For more information about defining table-valued functions, please refer to the Apache Spark documentation.",
                STR_ARG(call->call.name), STR_ARG(call->call.name), STR_ARG(call->call.name));
        return NULL;
    }
    TrRel *one = az_tr(ctx, TR_VALUES, NULL);
    one->values.nrows = 1;
    const AzRel *input = az_rel(ctx, one, NULL);
    AzScope scope = az_scope_of(ctx, input);
    const TxExpr *generator = generator_of(ctx, call, &scope);
    return generator == NULL ? NULL : az_generate(ctx, input, generator, ends_outer(generator), NULL, 0, (Str){0});
}
