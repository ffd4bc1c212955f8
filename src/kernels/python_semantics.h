/* kernels/python_semantics.h - what Python 3.11 means by int(), float(), str(), round(), //, %, strip(), lower() and find().
 *
 * Called by python.c on single values; the row-function compiler (python/solder/rowengine.py) relies on it. Invariant: the value is Python's,
 * bit by bit, or the function says that Python raises or that it does not know; nothing here fails or allocates.
 */
#ifndef SOLDER_KERNELS_PYTHON_SEMANTICS_H
#define SOLDER_KERNELS_PYTHON_SEMANTICS_H

#include "base/str.h"

/* int(text): false where Python raises ValueError. A number beyond 64 bits gives INT64_MIN or INT64_MAX, and ret_fits false. */
bool kn_py_int(Str text, int64_t *ret_value, bool *ret_fits);
/* float(text): false where Python raises ValueError. scratch has room for text.len + 1 bytes. */
bool kn_py_float(Str text, char *scratch, double *ret_value);
/* str(x) into at least 32 bytes; the length. */
size_t kn_py_float_text(double x, char *ret_text);
/* round(x, digits) for digits from 0 to 22. */
double kn_py_round(double x, int digits);
/* x // y and x % y of floats; y is not zero. */
double kn_py_floordiv(double x, double y);
double kn_py_mod(double x, double y);
/* Sums and products that stop at INT64_MIN and INT64_MAX. */
int64_t kn_py_add(int64_t x, int64_t y);
int64_t kn_py_multiply(int64_t x, int64_t y);

typedef enum KnPySide { KN_PY_BOTH, KN_PY_LEFT, KN_PY_RIGHT } KnPySide;

/* text.strip(chars): a part of text. */
Str kn_py_strip(Str text, Str chars, KnPySide side);
/* text.lower() or text.upper() into text.len bytes; false for text with a character outside those whose case is the same in all versions
 * of Unicode and does not depend on its neighbours. */
bool kn_py_case(Str text, bool is_upper, char *ret_text);
/* text.find(part): a position in code points, or -1. */
int64_t kn_py_find(Str text, Str part);

#endif
