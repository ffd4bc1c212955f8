/* names.c - names to attributes: qualifiers, nested fields, DataFrame columns by plan id, stars, colRegex.
 *
 * Called by expressions.c. Source of meaning: Spark's AttributeSeq.resolve and ColumnResolutionHelper.
 * Invariant: an attribute that is found is one of the scope's inputs, of its fallback chain (then its id is in scope->missing), of an
 * enclosing query (then is_outer), or a lambda's parameter.
 */
#include "analyze/az.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

bool az_name_eq(const AzCtx *ctx, Str a, Str b) {
    return az_setting(ctx, "spark.sql.caseSensitive") ? str_eq(a, b) : str_eq_nocase(a, b);
}

/* Whether the parts are the last nparts of the attribute's qualifier. */
static bool qualifier_matches(const AzCtx *ctx, const TyAttr *attr, const Str *parts, size_t nparts) {
    if (nparts == 0 || nparts > attr->nqualifier) {
        return false;
    }
    for (size_t i = 0; i < nparts; i++) {
        if (!az_name_eq(ctx, attr->qualifier[attr->nqualifier - nparts + i], parts[i])) {
            return false;
        }
    }
    return true;
}

typedef VEC(const TyAttr *) Found;

static void add_found(AzCtx *ctx, Found *found, const TyAttr *attr) {
    for (size_t i = 0; i < found->count; i++) {
        if (az_canon(ctx, found->items[i]->id) == az_canon(ctx, attr->id)) {
            return;
        }
    }
    VEC_PUSH(found, attr);
}

/* Attributes that the first parts name; *ret_used says how many parts that took. */
static void match(AzCtx *ctx, const TyAttr *attrs, size_t nattrs, const Str *parts, size_t nparts, bool qualified_only, Found *found,
                  size_t *ret_used) {
    for (size_t qualifier = nparts - 1 < 3 ? nparts - 1 : 3; qualifier >= 1; qualifier--) {
        for (size_t i = 0; i < nattrs; i++) {
            if (qualifier_matches(ctx, &attrs[i], parts, qualifier) && az_name_eq(ctx, attrs[i].name, parts[qualifier])) {
                add_found(ctx, found, &attrs[i]);
            }
        }
        if (found->count > 0) {
            *ret_used = qualifier + 1;
            return;
        }
    }
    for (size_t i = 0; i < nattrs && !qualified_only; i++) {
        if (az_name_eq(ctx, attrs[i].name, parts[0])) {
            add_found(ctx, found, &attrs[i]);
        }
    }
    *ret_used = 1;
}

/* From an expression down into nested fields; names the last step as the user did. */
static const TxExpr *descend(AzCtx *ctx, PlOrigin origin, const TxExpr *expr, const Str *parts, size_t nparts) {
    for (size_t i = 0; i < nparts && expr != NULL; i++) {
        expr = az_extract(ctx, origin, expr, az_string(ctx, parts[i]));
    }
    return expr;
}

static const TxExpr *column_named(AzCtx *ctx, const TyAttr *attr, Str name, bool outer) {
    TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
    *expr = *az_column(ctx, attr);
    expr->column.name = name;
    expr->column.is_outer = outer;
    return expr;
}

static void gather(AzCtx *ctx, const AzScope *scope, const Str *parts, size_t nparts, Found *found, size_t *ret_used) {
    if (scope->ninputs == 2) {
        size_t total = scope->inputs[0]->nattrs + scope->inputs[1]->nattrs;
        TyAttr *all = ARENA_ARRAY(ctx->arena, TyAttr, total);
        memcpy(all, scope->inputs[0]->attrs, scope->inputs[0]->nattrs * sizeof *all);
        memcpy(all + scope->inputs[0]->nattrs, scope->inputs[1]->attrs, scope->inputs[1]->nattrs * sizeof *all);
        match(ctx, all, total, parts, nparts, false, found, ret_used);
    } else if (scope->ninputs == 1) {
        match(ctx, scope->inputs[0]->attrs, scope->inputs[0]->nattrs, parts, nparts, false, found, ret_used);
    }
    for (size_t i = 0; found->count == 0 && i < scope->ninputs; i++) {
        match(ctx, scope->inputs[i]->hidden, scope->inputs[i]->nhidden, parts, nparts, true, found, ret_used);
    }
}

/* Looks in the columns that projections dropped. */
static void gather_under(AzCtx *ctx, const AzScope *scope, const Str *parts, size_t nparts, Found *found, size_t *ret_used) {
    for (const AzRel *rel = scope->fallback; found->count == 0 && rel != NULL; rel = rel->under) {
        match(ctx, rel->attrs, rel->nattrs, parts, nparts, false, found, ret_used);
        if (found->count == 0) {
            match(ctx, rel->hidden, rel->nhidden, parts, nparts, true, found, ret_used);
        }
    }
    for (size_t i = 0; i < found->count && scope->missing != NULL; i++) {
        VEC_PUSH(scope->missing, found->items[i]->id);
    }
}

static const AzRel *find_plan(const AzRel *rel, int64_t plan_id) {
    for (; rel != NULL; rel = rel->inputs[0]) {
        if (rel->plan_id == plan_id) {
            return rel;
        }
        if (rel->inputs[1] != NULL) {
            const AzRel *right = find_plan(rel->inputs[1], plan_id);
            const AzRel *left = find_plan(rel->inputs[0], plan_id);
            return left != NULL ? left : right;
        }
    }
    return NULL;
}

/* The scope's own version of an attribute (an outer join made it nullable), or NULL. */
static const TyAttr *find_id(const AzCtx *ctx, const AzRel *rel, uint32_t id) {
    for (size_t i = 0; i < rel->nattrs; i++) {
        if (rel->attrs[i].id == id) {
            return &rel->attrs[i];
        }
    }
    for (size_t i = 0; i < rel->nhidden; i++) {
        if (rel->hidden[i].id == id) {
            return &rel->hidden[i];
        }
    }
    for (size_t i = 0; i < rel->nattrs; i++) {
        if (az_canon(ctx, rel->attrs[i].id) == az_canon(ctx, id)) {
            return &rel->attrs[i];
        }
    }
    return NULL;
}

/* df["a"]: the column of the relation with that plan id. */
static const TxExpr *by_plan_id(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const Str *parts = px->attribute.parts;
    size_t nparts = px->attribute.nparts;
    const AzRel *plans[2] = {NULL, NULL};
    for (size_t i = 0; i < scope->ninputs; i++) {
        plans[i] = find_plan(scope->inputs[i], px->attribute.plan_id);
    }
    if (plans[0] != NULL && plans[1] != NULL) {
        Str shown = az_quote_parts(ctx->arena, parts, nparts);
        az_fail(ctx, px->origin, "AMBIGUOUS_COLUMN_REFERENCE",
                "Column %.*s is ambiguous. It's because you joined several DataFrame together, and some of these DataFrames are the same.\n"
                "This column points to one of the DataFrames but Spark is unable to figure out which one.\n"
                "Please alias the DataFrames with different names via `DataFrame.alias` before joining them,\n"
                "and specify the column using qualified name, e.g. `df.alias(\"a\").join(df.alias(\"b\"), col(\"a.id\") > col(\"b.id\"))`.",
                STR_ARG(shown));
        return NULL;
    }
    const AzRel *plan = plans[0] != NULL ? plans[0] : plans[1];
    if (plan == NULL) {
        Str shown = az_quote_parts(ctx->arena, parts, nparts);
        az_fail(ctx, px->origin, "_LEGACY_ERROR_PLAN_ID", "When resolving %.*s, fail to find subplan with plan_id=%lld in the query.", STR_ARG(shown),
                (long long)px->attribute.plan_id);
        return NULL;
    }
    Found found = {.arena = ctx->arena};
    size_t used = 0;
    match(ctx, plan->attrs, plan->nattrs, parts, nparts, false, &found, &used);
    if (found.count == 0) {
        match(ctx, plan->hidden, plan->nhidden, parts, nparts, true, &found, &used);
    }
    if (found.count == 0) {
        az_fail_unresolved(ctx, px->origin, "COLUMN", parts, nparts, plan->attrs, plan->nattrs);
        return NULL;
    }
    if (found.count > 1) {
        az_ambiguous(ctx, px->origin, parts, nparts, found.items, found.count);
        return NULL;
    }
    const TyAttr *attr = NULL;
    for (size_t i = 0; attr == NULL && i < scope->ninputs; i++) {
        attr = find_id(ctx, scope->inputs[i], found.items[0]->id);
    }
    for (const AzRel *rel = scope->fallback; attr == NULL && rel != NULL; rel = rel->under) {
        attr = find_id(ctx, rel, found.items[0]->id);
        if (attr != NULL && scope->missing != NULL) {
            VEC_PUSH(scope->missing, attr->id);
        }
    }
    if (attr == NULL) {
        StrBuf have = {.arena = ctx->arena};
        for (size_t i = 0; i < scope->ninputs; i++) {
            for (size_t k = 0; k < scope->inputs[i]->nattrs; k++) {
                strbuf_fmt(&have, "%s\"%.*s\"", have.len > 0 ? ", " : "", STR_ARG(scope->inputs[i]->attrs[k].name));
            }
        }
        Str names = strbuf_str(&have);
        az_fail(ctx, px->origin, "MISSING_ATTRIBUTES.RESOLVED_ATTRIBUTE_MISSING_FROM_INPUT",
                "Resolved attribute(s) \"%.*s\" missing from %.*s in operator.", STR_ARG(found.items[0]->name), STR_ARG(names));
        return NULL;
    }
    return descend(ctx, px->origin, column_named(ctx, attr, parts[used - 1], false), parts + used, nparts - used);
}

static const TxExpr *in_lambdas(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    for (const AzLambdaScope *l = scope->lambdas; l != NULL; l = l->outer) {
        for (size_t i = 0; i < l->nparams; i++) {
            if (az_name_eq(ctx, l->params[i].name, px->attribute.parts[0])) {
                TxExpr *expr = ARENA_NEW(ctx->arena, TxExpr);
                *expr = *az_column(ctx, &l->params[i]);
                expr->column.is_lambda = true;
                return descend(ctx, px->origin, expr, px->attribute.parts + 1, px->attribute.nparts - 1);
            }
        }
    }
    return NULL;
}

static const TxExpr *in_aliases(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    for (size_t i = scope->naliases; i > 0; i--) {
        const AzAlias *alias = &scope->aliases[i - 1];
        if (az_name_eq(ctx, alias->name, px->attribute.parts[0])) {
            TxExpr *shown = ARENA_NEW(ctx->arena, TxExpr);
            *shown = *alias->expr;
            shown->column.name = str_fmt(ctx->arena, "lateralAliasReference(%.*s)", STR_ARG(alias->name));
            return descend(ctx, px->origin, shown, px->attribute.parts + 1, px->attribute.nparts - 1);
        }
    }
    return NULL;
}

/* current_date and the like without parentheses. */
static const TxExpr *literal_function(AzCtx *ctx, const PxExpr *px) {
    static const char *const NAMES[] = {"current_date", "current_timestamp", "current_user", "user", "current_catalog", "current_database"};
    for (size_t i = 0; px->attribute.nparts == 1 && i < sizeof NAMES / sizeof NAMES[0]; i++) {
        Str name = str_from_c(NAMES[i]);
        if (str_eq_nocase(px->attribute.parts[0], name) && pl_function_find(name) != NULL) {
            return az_apply(ctx, NAMES[i], NULL, 0);
        }
    }
    if (px->attribute.nparts == 1 && str_eq_nocase(px->attribute.parts[0], STR("grouping__id"))) { /* Hive's name */
        return az_apply(ctx, "grouping_id", NULL, 0);
    }
    return NULL;
}

const TxExpr *az_attribute(AzCtx *ctx, const PxExpr *px, const AzScope *scope) {
    const Str *parts = px->attribute.parts;
    size_t nparts = px->attribute.nparts;
    if (nparts == 0) {
        az_fail(ctx, px->origin, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "A column without a name cannot be resolved.");
        return NULL;
    }
    if (px->attribute.plan_id >= 0) {
        return by_plan_id(ctx, px, scope);
    }
    const TxExpr *param = in_lambdas(ctx, px, scope);
    if (param != NULL || ctx->err->is_set) {
        return param;
    }
    bool outer = false;
    for (const AzScope *s = scope; s != NULL; s = s->outer, outer = true) {
        Found found = {.arena = ctx->arena};
        size_t used = 0;
        if (s->inside_aggregate && s->fallback != NULL) {
            gather_under(ctx, s, parts, nparts, &found, &used);
        }
        if (found.count == 0) {
            gather(ctx, s, parts, nparts, &found, &used);
        }
        if (found.count == 0) {
            gather_under(ctx, s, parts, nparts, &found, &used);
        }
        if (found.count > 1) {
            az_ambiguous(ctx, px->origin, parts, nparts, found.items, found.count);
            return NULL;
        }
        if (found.count == 1) {
            ctx->used_outer = ctx->used_outer || outer;
            return descend(ctx, px->origin, column_named(ctx, found.items[0], parts[used - 1], outer), parts + used, nparts - used);
        }
        const TxExpr *alias = outer ? NULL : in_aliases(ctx, px, s);
        if (alias != NULL || ctx->err->is_set) {
            return alias;
        }
        const TxExpr *call = outer ? NULL : literal_function(ctx, px);
        if (call != NULL || ctx->err->is_set) {
            return call;
        }
    }
    VEC(TyAttr) have = {.arena = ctx->arena};
    for (size_t i = 0; i < scope->ninputs; i++) {
        for (size_t k = 0; k < scope->inputs[i]->nattrs; k++) {
            VEC_PUSH(&have, scope->inputs[i]->attrs[k]);
        }
    }
    az_fail_unresolved(ctx, px->origin, "COLUMN", parts, nparts, have.items, have.count);
    return NULL;
}

static const TxExpr *struct_field(AzCtx *ctx, PlOrigin origin, const TxExpr *child, const PlType *type, Str name, size_t *ret_index) {
    size_t hits = 0;
    for (size_t i = 0; i < type->nfields; i++) {
        if (az_name_eq(ctx, type->fields[i].name, name)) {
            *ret_index = i;
            hits++;
        }
    }
    if (hits == 1) {
        return child;
    }
    if (hits > 1) {
        az_fail(ctx, origin, "AMBIGUOUS_REFERENCE_TO_FIELDS", "Ambiguous reference to the field `%.*s`. It appears %zu times in the schema.",
                STR_ARG(name), hits);
        return NULL;
    }
    StrBuf list = {.arena = ctx->arena};
    for (size_t i = 0; i < type->nfields; i++) {
        Str quoted = az_quote_parts(ctx->arena, &type->fields[i].name, 1);
        strbuf_fmt(&list, "%s%.*s", i > 0 ? ", " : "", STR_ARG(quoted));
    }
    Str names = strbuf_str(&list);
    Str quoted = az_quote_parts(ctx->arena, &name, 1);
    az_fail(ctx, origin, "FIELD_NOT_FOUND", "No such struct field %.*s in %.*s.", STR_ARG(quoted), STR_ARG(names));
    return NULL;
}

const TxExpr *az_extract(AzCtx *ctx, PlOrigin origin, const TxExpr *child, const TxExpr *key) {
    const PlType *type = child->type;
    bool text = key->tag == TX_LITERAL && key->type->kind == PL_TYPE_STRING && !key->literal->is_null;
    size_t index = 0;
    if (type->kind == PL_TYPE_STRUCT && text) {
        if (struct_field(ctx, origin, child, type, key->literal->s, &index) == NULL) {
            return NULL;
        }
        return az_field(ctx, child, index);
    }
    if (type->kind == PL_TYPE_ARRAY && type->element->kind == PL_TYPE_STRUCT && text) {
        if (struct_field(ctx, origin, child, type->element, key->literal->s, &index) == NULL) {
            return NULL;
        }
        const TxExpr *args[] = {child, az_string(ctx, type->element->fields[index].name)};
        return az_apply(ctx, "getarraystructfields", args, 2);
    }
    if (type->kind == PL_TYPE_ARRAY || type->kind == PL_TYPE_MAP) {
        bool is_array = type->kind == PL_TYPE_ARRAY;
        const TxExpr *args[] = {child, key};
        if (!is_array) {
            const PlType *target = pl_type_same(key->type, type->key) ? key->type : NULL;
            Str wanted = pl_type_simple(ctx->arena, type->key);
            target = target != NULL ? target : az_implicit_target(ctx, key->type, wanted, true);
            if (target == NULL) {
                Str child_text = az_pretty(ctx, child);
                Str key_text = az_pretty(ctx, key);
                Str need = az_quote_type(ctx, type->key);
                Str is = az_quote_type(ctx, key->type);
                az_fail(ctx, origin, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                        "Cannot resolve \"%.*s[%.*s]\" due to data type mismatch: Parameter 2 requires the %.*s type, however \"%.*s\" has the "
                        "type %.*s.",
                        STR_ARG(child_text), STR_ARG(key_text), STR_ARG(need), STR_ARG(key_text), STR_ARG(is));
                return NULL;
            }
            args[1] = az_cast_to(ctx, key, target);
        }
        AzCall call = {.fn = pl_function_find(is_array ? STR("getarrayitem") : STR("getmapvalue")), .args = args, .nargs = 2, .origin = origin};
        if (call.fn == NULL) {
            az_not_supported(ctx, "Access to an element of an array or map is not supported yet.");
            return NULL;
        }
        call.written = str_from_c(call.fn->name);
        return az_apply_call(ctx, &call);
    }
    if (type->kind == PL_TYPE_STRUCT) {
        Str key_text = az_quote_expr(ctx, key);
        az_fail(ctx, origin, "INVALID_EXTRACT_FIELD_TYPE", "Field name should be a non-null string literal, but it's %.*s.", STR_ARG(key_text));
        return NULL;
    }
    Str base = az_quote_expr(ctx, child);
    Str is = az_quote_type(ctx, type);
    az_fail(ctx, origin, "INVALID_EXTRACT_BASE_FIELD_TYPE",
            "Can't extract a value from %.*s. Need a complex type [STRUCT, ARRAY, MAP] but got %.*s.", STR_ARG(base), STR_ARG(is));
    return NULL;
}

const TyAttr *az_find_attr(AzCtx *ctx, const AzRel *rel, Str name, bool *ret_ambiguous) {
    const TyAttr *found = NULL;
    *ret_ambiguous = false;
    for (size_t i = 0; i < rel->nattrs; i++) {
        if (az_name_eq(ctx, rel->attrs[i].name, name)) {
            *ret_ambiguous = *ret_ambiguous || found != NULL;
            found = &rel->attrs[i];
        }
    }
    return *ret_ambiguous ? NULL : found;
}

typedef struct Expanded {
    AzCtx *ctx;
    VEC(const TxExpr *) exprs;
    VEC(Str) names;
    bool not_struct; /* the target is a column, but no struct */
} Expanded;

static void expand_attr(Expanded *out, const TyAttr *attr) {
    VEC_PUSH(&out->exprs, az_column(out->ctx, attr));
    VEC_PUSH(&out->names, attr->name);
}

/* s.*: the fields of a struct column. */
static bool expand_struct(AzCtx *ctx, const PxExpr *px, const AzScope *scope, Expanded *out) {
    PxExpr name = {.tag = PX_ATTRIBUTE, .origin = px->origin};
    name.attribute.parts = px->star.target;
    name.attribute.nparts = px->star.ntarget;
    name.attribute.plan_id = px->star.plan_id;
    Err *kept = ctx->err;
    Err mine = {0};
    ctx->err = &mine;
    const TxExpr *expr = az_attribute(ctx, &name, scope);
    ctx->err = kept;
    if (expr == NULL || expr->type->kind != PL_TYPE_STRUCT) {
        out->not_struct = expr != NULL;
        return false;
    }
    for (size_t i = 0; i < expr->type->nfields; i++) {
        VEC_PUSH(&out->exprs, az_field(ctx, expr, i));
        VEC_PUSH(&out->names, expr->type->fields[i].name);
    }
    return true;
}

bool az_star(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const TxExpr ***ret_exprs, Str **ret_names, size_t *ret_count) {
    Expanded out = {.ctx = ctx, .exprs = {.arena = ctx->arena}, .names = {.arena = ctx->arena}};
    bool any = px->star.ntarget == 0;
    for (size_t i = 0; i < scope->ninputs; i++) {
        const AzRel *rel = scope->inputs[i];
        if (px->star.plan_id >= 0 && px->star.ntarget == 0) {
            const AzRel *plan = find_plan(rel, px->star.plan_id);
            for (size_t k = 0; plan != NULL && k < plan->nattrs; k++) {
                const TyAttr *attr = find_id(ctx, rel, plan->attrs[k].id);
                if (attr != NULL) {
                    expand_attr(&out, attr);
                }
            }
            continue;
        }
        if (px->star.ntarget > 0 && rel->nhidden > 0) {
            /* In the join's order, the keys that USING dropped in their places. */
            for (size_t k = 0; k < rel->tr->noutput; k++) {
                const TyAttr *attr = find_id(ctx, rel, rel->tr->output[k].id);
                if (attr != NULL && attr->id == rel->tr->output[k].id && qualifier_matches(ctx, attr, px->star.target, px->star.ntarget)) {
                    expand_attr(&out, attr);
                    any = true;
                }
            }
            continue;
        }
        for (size_t k = 0; k < rel->nattrs; k++) {
            if (px->star.ntarget == 0 || qualifier_matches(ctx, &rel->attrs[k], px->star.target, px->star.ntarget)) {
                expand_attr(&out, &rel->attrs[k]);
                any = true;
            }
        }
    }
    if (!any && !expand_struct(ctx, px, scope, &out)) {
        if (out.not_struct) {
            Str parts = px->star.target[0];
            return az_fail(ctx, px->origin, "_LEGACY_ERROR_TEMP_1050", "Can only star expand struct data types. Attribute: `ArrayBuffer(%.*s)`.",
                           STR_ARG(parts));
        }
        StrBuf list = {.arena = ctx->arena};
        for (size_t i = 0; i < scope->ninputs; i++) {
            for (size_t k = 0; k < scope->inputs[i]->nattrs; k++) {
                Str quoted = az_quote_parts(ctx->arena, &scope->inputs[i]->attrs[k].name, 1);
                strbuf_fmt(&list, "%s%.*s", list.len > 0 ? ", " : "", STR_ARG(quoted));
            }
        }
        Str names = strbuf_str(&list);
        Str target = az_quote_parts(ctx->arena, px->star.target, px->star.ntarget);
        return az_fail(ctx, px->origin, "CANNOT_RESOLVE_STAR_EXPAND",
                       "Cannot resolve %.*s.* given input columns %.*s. Please check that the specified table or struct exists and is "
                       "accessible in the input columns.",
                       STR_ARG(target), STR_ARG(names));
    }
    *ret_exprs = out.exprs.items;
    *ret_names = out.names.items;
    *ret_count = out.exprs.count;
    return true;
}

bool az_regex(AzCtx *ctx, const PxExpr *px, const AzScope *scope, const TxExpr ***ret_exprs, Str **ret_names, size_t *ret_count) {
    Expanded out = {.ctx = ctx, .exprs = {.arena = ctx->arena}, .names = {.arena = ctx->arena}};
    Str pattern = px->regex.pattern;
    if (pattern.len >= 2 && pattern.data[0] == '`' && pattern.data[pattern.len - 1] == '`') {
        pattern = str_slice(pattern, 1, pattern.len - 1);
    }
    uint32_t flags = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    flags |= az_setting(ctx, "spark.sql.caseSensitive") ? 0 : PCRE2_CASELESS;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *regex = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, flags, &code, &at, NULL);
    pcre2_match_data *data = regex == NULL ? NULL : pcre2_match_data_create_from_pattern(regex, NULL);
    if (data == NULL) {
        pcre2_code_free(regex);
        return az_fail(ctx, px->origin, "INVALID_REGEX", "The column name pattern '%.*s' is not a valid regular expression.", STR_ARG(pattern));
    }
    for (size_t i = 0; i < scope->ninputs; i++) {
        for (size_t k = 0; k < scope->inputs[i]->nattrs; k++) {
            const TyAttr *attr = &scope->inputs[i]->attrs[k];
            if (pcre2_match(regex, (PCRE2_SPTR)attr->name.data, attr->name.len, 0, 0, data, NULL) >= 0) {
                expand_attr(&out, attr);
            }
        }
    }
    pcre2_match_data_free(data);
    pcre2_code_free(regex);
    *ret_exprs = out.exprs.items;
    *ret_names = out.names.items;
    *ret_count = out.exprs.count;
    return true;
}
