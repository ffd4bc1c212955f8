/* plan/function.h - one row of the function registry (spec/functions/NAME.tsv), as every room sees it.
 *
 * The rows are turned into a C table at build time (tools/gen_functions.py → gen/functions.inc). analyze/ reads args, coerce,
 * result and nulls; lower/ reads lower; SHOW/DESCRIBE FUNCTION, the documents and the tests' completeness check read the rest.
 * Columns of the file, tab separated, first line is the header:
 *   name     lower case; operators by their symbol (+, ==, and)
 *   class    Spark's expression class, short (Upper, Add); shown by DESCRIBE FUNCTION
 *   kind     scalar | aggregate | window | generator | lambda (higher-order)
 *   args     space separated parameter types: a type's simpleString, or numeric integral string any array map struct boolean
 *            decimal interval orderable atomic lambda; suffix ? optional (from there on all are), * any number (last), + one or more
 *            a type may have alternatives (string|binary) and a default for a missing argument (int?=1)
 *   coerce   how arguments become those types: none, exact (ExpectsInputTypes, no cast) | implicit (ImplicitCastInputTypes) | arithmetic |
 *            compare | common (widest common type) | common_strict (the same, text and numbers apart) | … one word = one function in the table
 *            at the end of analyze/function_rules.c
 *   result   a type's simpleString, or arg0 arg1 … (that argument's type), or a word of that file's second table
 *   nulls    any (null if an argument may be) | never | always | all (null if all are) | … a word of its third table
 *   lower    SQL template for DuckDB: {0} {1} arguments, {*} all, {1*} from the second on, {type} the result's DuckDB type, {type0}
 *            the first argument's, {tz} the session time zone as a string literal; or @name: a function of lower/
 *   pretty   how the call names its column: template as above ({1=x}: x where there is no second argument; a;;b: b from two arguments on);
 *            empty: name({*})
 *   note     one line for DESCRIBE FUNCTION and the documents
 * Invariant: rows are sorted by name and unique; aliases are rows of their own.
 */
#ifndef SOLDER_PLAN_FUNCTION_H
#define SOLDER_PLAN_FUNCTION_H

#include "base/str.h"

typedef enum PlFunctionKind { PL_FN_SCALAR, PL_FN_AGGREGATE, PL_FN_WINDOW, PL_FN_GENERATOR, PL_FN_LAMBDA } PlFunctionKind;

typedef struct PlFunction {
    const char *name;
    const char *spark_class;
    PlFunctionKind kind;
    const char *args;
    const char *coerce;
    const char *result;
    const char *nulls;
    const char *lower;
    const char *pretty;
    const char *note;
} PlFunction;

/* The row of that name (compared without case), or NULL. Implemented in plan/function.c over gen/functions.inc. */
const PlFunction *pl_function_find(Str name);
/* All rows, sorted by name. */
const PlFunction *pl_functions(size_t *ret_count);

#endif
