/* function.c - the function registry over the generated table; see function.h.
 *
 * Invariant: gen/functions.inc is sorted by name, bytewise, so that a look-up is a binary search.
 */
#include "plan/function.h"

#include <string.h>

static const PlFunction FUNCTIONS[] = {
#include "gen/functions.inc"
};

enum { NFUNCTIONS = sizeof FUNCTIONS / sizeof FUNCTIONS[0], NAME_MAX = 128 };

const PlFunction *pl_function_find(Str name) {
    char lower[NAME_MAX];
    if (name.len == 0 || name.len >= sizeof lower) {
        return NULL;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    Str key = {lower, name.len};
    size_t from = 0;
    size_t to = NFUNCTIONS;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(str_from_c(FUNCTIONS[middle].name), key);
        if (order == 0) {
            return &FUNCTIONS[middle];
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return NULL;
}

const PlFunction *pl_functions(size_t *ret_count) {
    *ret_count = NFUNCTIONS;
    return FUNCTIONS;
}
