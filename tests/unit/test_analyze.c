/* test_analyze.c - analyze/ over trees made by hand: what SQL can't reach (plan ids, kept relations, settings). What SQL reaches is asked of
 * real Spark in tests/spark/test_analysis.py.
 */
#include "analyze/analyze.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

typedef struct World {
    Arena *arena;
    PlSettings settings;
    AzWorld world;
    const TrRel *kept;
} World;

static const TrRel *find_kept(void *self, Str id) {
    const World *w = self;
    return str_eq_c(id, "kept") ? w->kept : NULL;
}

static int set_up(void **state) {
    Arena *arena = arena_new();
    World *w = ARENA_NEW(arena, World);
    w->arena = arena;
    pl_settings_init(&w->settings, arena);
    w->world = (AzWorld){.self = w, .settings = &w->settings, .current_database = STR("default"), .cached = find_kept};
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    arena_free(w->arena);
    return 0;
}

static PrRel *rel(World *w, PrTag tag, const PrRel *input, int64_t plan_id) {
    PrRel *pr = ARENA_NEW(w->arena, PrRel);
    pr->tag = tag;
    pr->input = input;
    pr->plan_id = plan_id;
    return pr;
}

static PrRel *range(World *w, int64_t plan_id) {
    PrRel *pr = rel(w, PR_RANGE, NULL, plan_id);
    pr->range.end = 3;
    pr->range.step = 1;
    return pr;
}

static const PxExpr *column(World *w, const char *name, int64_t plan_id) {
    PxExpr *px = ARENA_NEW(w->arena, PxExpr);
    Str *part = ARENA_NEW(w->arena, Str);
    *part = str_from_c(name);
    px->tag = PX_ATTRIBUTE;
    px->attribute.parts = part;
    px->attribute.nparts = 1;
    px->attribute.plan_id = plan_id;
    return px;
}

static const PxExpr *call(World *w, const char *name, const PxExpr *a, const PxExpr *b) {
    PxExpr *px = ARENA_NEW(w->arena, PxExpr);
    px->tag = PX_CALL;
    px->call.name = str_from_c(name);
    px->call.args = ARENA_ARRAY(w->arena, const PxExpr *, 2);
    px->call.args[0] = a;
    px->call.args[1] = b;
    px->call.nargs = 2;
    return px;
}

static PrRel *project(World *w, const PrRel *input, const PxExpr *expr, int64_t plan_id) {
    PrRel *pr = rel(w, PR_PROJECT, input, plan_id);
    pr->project.exprs = ARENA_ARRAY(w->arena, const PxExpr *, 1);
    pr->project.exprs[0] = expr;
    pr->project.nexprs = 1;
    return pr;
}

static PrRel *join_on(World *w, const PrRel *left, const PrRel *right, const PxExpr *condition) {
    PrRel *pr = rel(w, PR_JOIN, left, 9);
    pr->right = right;
    pr->join.condition = condition;
    return pr;
}

static void a_column_is_found_by_its_plan_id(void **state) {
    World *w = *state;
    Err err = {0};
    const PxExpr *same = call(w, "=", column(w, "id", 1), column(w, "id", 2));
    const TrRel *tr = az_analyze(w->arena, &w->world, join_on(w, range(w, 1), range(w, 2), same), &err);
    assert_non_null(tr);
    assert_int_equal(tr->noutput, 2);
    const TxExpr *condition = tr->join.condition;
    assert_int_equal(condition->call.args[0]->column.id, tr->output[0].id);
    assert_int_equal(condition->call.args[1]->column.id, tr->output[1].id);
}

static void a_self_join_is_ambiguous(void **state) {
    World *w = *state;
    Err err = {0};
    const PrRel *one = range(w, 1);
    const PxExpr *same = call(w, "=", column(w, "id", 1), column(w, "id", 1));
    assert_null(az_analyze(w->arena, &w->world, join_on(w, one, one, same), &err));
    assert_string_equal(err.code, "AMBIGUOUS_COLUMN_REFERENCE");
}

static void ids_are_unique_when_a_plan_stands_twice(void **state) {
    World *w = *state;
    Err err = {0};
    const PrRel *one = range(w, 1);
    const TrRel *tr = az_analyze(w->arena, &w->world, join_on(w, one, one, NULL), &err);
    assert_non_null(tr);
    assert_int_not_equal(tr->output[0].id, tr->output[1].id);
}

static void a_kept_relation_gets_ids_of_its_own(void **state) {
    World *w = *state;
    Err err = {0};
    const PxExpr *sum = call(w, "+", column(w, "id", -1), column(w, "id", -1));
    w->kept = az_analyze(w->arena, &w->world, project(w, range(w, 1), sum, 2), &err);
    assert_non_null(w->kept);
    PrRel *use = rel(w, PR_CACHED, NULL, 3);
    use->cached.id = STR("kept");
    const TrRel *tr = az_analyze(w->arena, &w->world, join_on(w, use, use, NULL), &err);
    assert_non_null(tr);
    assert_int_not_equal(tr->output[0].id, tr->output[1].id);
    assert_int_equal(tr->input->tag, TR_PROJECT);
    assert_int_equal(tr->input->project.columns[0].expr->call.args[0]->column.id, tr->input->input->output[0].id);
}

static void names_have_case_when_the_session_says_so(void **state) {
    World *w = *state;
    Err err = {0};
    const PrRel *upper = project(w, range(w, 1), column(w, "ID", -1), 2);
    const TrRel *tr = az_analyze(w->arena, &w->world, upper, &err);
    assert_non_null(tr);
    assert_true(str_eq_c(tr->output[0].name, "ID"));
    assert_true(pl_settings_set(&w->settings, STR("spark.sql.caseSensitive"), STR("true"), &err));
    assert_null(az_analyze(w->arena, &w->world, upper, &err));
    assert_string_equal(err.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
}

static void a_filter_sees_what_a_projection_dropped(void **state) {
    World *w = *state;
    Err err = {0};
    const PxExpr *twice = call(w, "+", column(w, "id", 1), column(w, "id", 1));
    PrRel *filter = rel(w, PR_FILTER, project(w, range(w, 1), twice, 2), 3);
    filter->filter.condition = call(w, "<", column(w, "id", 1), column(w, "id", 1));
    const TrRel *tr = az_analyze(w->arena, &w->world, filter, &err);
    assert_non_null(tr);
    assert_int_equal(tr->noutput, 1);
    assert_int_equal(tr->tag, TR_PROJECT);
    assert_int_equal(tr->input->tag, TR_FILTER);
    assert_int_equal(tr->input->noutput, 2);
}

static void a_plan_without_input_is_refused(void **state) {
    World *w = *state;
    Err err = {0};
    assert_null(az_analyze(w->arena, &w->world, project(w, NULL, column(w, "id", -1), 1), &err));
    assert_true(err.is_set);
}

static void deep_plans_end_in_an_error(void **state) {
    World *w = *state;
    Err err = {0};
    const PrRel *plan = range(w, 1);
    for (int i = 0; i < 4000; i++) {
        PrRel *limit = rel(w, PR_LIMIT, plan, -1);
        limit->limit.count = 1;
        plan = limit;
    }
    assert_null(az_analyze(w->arena, &w->world, plan, &err));
    assert_string_equal(err.code, ERR_NOT_SUPPORTED);
}

static void settings_are_checked(void **state) {
    World *w = *state;
    Err err = {0};
    assert_false(pl_settings_set(&w->settings, STR("spark.sql.caseSensitive"), STR("maybe"), &err));
    err_clear(&err);
    assert_false(pl_settings_set(&w->settings, STR("spark.sql.warehouse.dir"), STR("x"), &err));
    assert_string_equal(err.code, "CANNOT_MODIFY_CONFIG");
    err_clear(&err);
    assert_true(pl_settings_set(&w->settings, STR("my.own"), STR("x"), &err));
    Str value = {0};
    assert_true(pl_settings_get(&w->settings, STR("my.own"), &value));
    pl_settings_unset(&w->settings, STR("my.own"));
    assert_false(pl_settings_get(&w->settings, STR("my.own"), &value));
}

static void rows_are_sorted_and_found(void **state) {
    (void)state;
    size_t count = 0;
    const PlFunction *rows = pl_functions(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(pl_function_find(str_from_c(rows[i].name)), &rows[i]);
        assert_true(i == 0 || strcmp(rows[i - 1].name, rows[i].name) < 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_column_is_found_by_its_plan_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_self_join_is_ambiguous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_are_unique_when_a_plan_stands_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kept_relation_gets_ids_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_have_case_when_the_session_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_filter_sees_what_a_projection_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_without_input_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep_plans_end_in_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_sorted_and_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
