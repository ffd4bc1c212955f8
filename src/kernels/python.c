/* kernels/python.c - the kernels solder_py_*: Python's rules for the columns that row functions are compiled to.
 *
 * Called through the registry's rows of spec/functions/solder.tsv. Invariant: an argument that is null gives null, and so does a row for which
 * Python raises or python_semantics.c does not know; the compiled function tells these apart by the argument.
 */
#include "kernels/kn_call.h"
#include "kernels/python_semantics.h"

static void py_int(KnCall *kn) {
    int64_t *out = KN_OUT(kn, int64_t);
    KN_EACH_ROW(kn, i) {
        bool fits = false;
        if (!kn_py_int(kn_str(kn, 0, i), &out[i], &fits)) {
            kn_null(kn, i);
        }
    }
}

static void py_int_fits(KnCall *kn) {
    bool *out = KN_OUT(kn, bool);
    KN_EACH_ROW(kn, i) {
        int64_t value = 0;
        bool fits = false;
        out[i] = kn_py_int(kn_str(kn, 0, i), &value, &fits) && fits;
    }
}

static void py_float(KnCall *kn) {
    double *out = KN_OUT(kn, double);
    KN_EACH_ROW(kn, i) {
        Str text = kn_str(kn, 0, i);
        kn_text_start(kn);
        if (!kn_py_float(text, kn_text_reserve(kn, text.len + 1), &out[i])) {
            kn_null(kn, i);
        }
    }
}

static void py_float_text(KnCall *kn) {
    const double *x = KN_ARG(kn, double, 0);
    KN_EACH_ROW(kn, i) {
        char text[32];
        size_t len = kn_py_float_text(x[i], text);
        kn_put(kn, i, (Str){text, len});
    }
}

static void py_round(KnCall *kn) {
    const double *x = KN_ARG(kn, double, 0);
    const int32_t *digits = KN_ARG(kn, int32_t, 1);
    double *out = KN_OUT(kn, double);
    KN_EACH_ROW(kn, i) {
        out[i] = kn_py_round(x[i], digits[i]);
    }
}

KN_MAP2(py_floordiv, double, double, double, kn_py_floordiv(x, y))
KN_MAP2(py_mod, double, double, double, kn_py_mod(x, y))
KN_MAP2(py_add, int64_t, int64_t, int64_t, kn_py_add(x, y))
KN_MAP2(py_multiply, int64_t, int64_t, int64_t, kn_py_multiply(x, y))

static void py_strip(KnCall *kn) {
    const int32_t *sides = KN_ARG(kn, int32_t, 2);
    KN_EACH_ROW(kn, i) {
        KnPySide side = sides[i] == 1 ? KN_PY_LEFT : sides[i] == 2 ? KN_PY_RIGHT : KN_PY_BOTH;
        kn_put(kn, i, kn_py_strip(kn_str(kn, 0, i), kn_str(kn, 1, i), side));
    }
}

static void change_case(KnCall *kn, bool is_upper) {
    KN_EACH_ROW(kn, i) {
        Str text = kn_str(kn, 0, i);
        kn_text_start(kn);
        char *out = kn_text_reserve(kn, text.len);
        if (kn_py_case(text, is_upper, out)) {
            kn_put(kn, i, (Str){out, text.len});
        } else {
            kn_null(kn, i);
        }
    }
}

static void py_lower(KnCall *kn) {
    change_case(kn, false);
}

static void py_upper(KnCall *kn) {
    change_case(kn, true);
}

static void py_find(KnCall *kn) {
    int64_t *out = KN_OUT(kn, int64_t);
    KN_EACH_ROW(kn, i) {
        out[i] = kn_py_find(kn_str(kn, 0, i), kn_str(kn, 1, i));
    }
}

const KnScalar kn_python_kernels[] = {
    {"solder_py_add", "88:8", py_add},
    {"solder_py_find", "ss:8", py_find},
    {"solder_py_float", "s:d", py_float},
    {"solder_py_float_text", "d:s", py_float_text},
    {"solder_py_floordiv", "dd:d", py_floordiv},
    {"solder_py_int", "s:8", py_int},
    {"solder_py_int_fits", "s:b", py_int_fits},
    {"solder_py_lower", "s:s", py_lower},
    {"solder_py_mod", "dd:d", py_mod},
    {"solder_py_multiply", "88:8", py_multiply},
    {"solder_py_round", "d4:d", py_round},
    {"solder_py_strip", "ss4:s", py_strip},
    {"solder_py_upper", "s:s", py_upper},
    {NULL, NULL, NULL},
};
