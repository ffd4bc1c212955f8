/* sql/sql.h - Spark SQL text in, unresolved trees out.
 *
 * Called by connect/ (SqlCommand, ExpressionString, DDLParse, filter strings). Grammar: Spark 3.5's SqlBaseParser (documentation and
 * observed behaviour). Invariant: errors have class PARSE_SYNTAX_ERROR (or Spark's more exact one), and the message is the whole of what Spark's
 * ParseException.getMessage gives, class in brackets and line break in front included:
 * "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'.(line 1, pos 7)\n\n== SQL ==\n…\n-------^^^\n". So a caller adds nothing to it.
 */
#ifndef SOLDER_SQL_SQL_H
#define SOLDER_SQL_SQL_H

#include "plan/unresolved.h"

typedef enum SqStatementKind {
    SQ_QUERY,            /* plan */
    SQ_CREATE_TEMP_VIEW, /* CREATE [OR REPLACE] [GLOBAL] TEMPORARY VIEW name AS plan */
    SQ_DROP_VIEW,
    SQ_SET,   /* key, value; no value: show; no key: show all */
    SQ_RESET, /* key or all */
    SQ_USE,   /* database */
    SQ_SHOW_TABLES,
    SQ_SHOW_DATABASES,
    SQ_SHOW_FUNCTIONS,
    SQ_SHOW_COLUMNS,
    SQ_DESCRIBE_TABLE,
    SQ_DESCRIBE_FUNCTION,
    SQ_DESCRIBE_QUERY,
    SQ_EXPLAIN,
    SQ_CACHE_TABLE,
    SQ_UNCACHE_TABLE, /* no name: CLEAR CACHE */
    SQ_INSERT, /* name, plan; overwrite; columns or by_name */
    SQ_OTHER   /* parsed as a statement Spark has and Solder has not: text names it (CREATE TABLE, MERGE …) */
} SqStatementKind;

typedef struct SqStatement {
    SqStatementKind kind;
    const PrRel *plan;
    const Str *name; /* table, view, function, database */
    size_t nname;
    Str key, value; /* SET, RESET; CACHE TABLE: value is the storage level; DESCRIBE_TABLE: key is the column, if one is named */
    bool has_value;
    const Str *columns; /* INSERT INTO t (a, b) */
    size_t ncolumns;
    bool by_name;
    bool is_lazy; /* CACHE LAZY TABLE */
    bool replace, global, if_exists, if_not_exists, overwrite, extended;
    Str text; /* pattern of SHOW … LIKE; the name of an SQ_OTHER statement; the mode of EXPLAIN */
} SqStatement;

/* Arguments of spark.sql(text, args): by name (:name) or by position (?). */
typedef struct SqArguments {
    const Str *names; /* NULL: positional */
    const PxExpr *const *values;
    size_t count;
} SqArguments;

bool sq_parse_statement(Arena *arena, Str text, const SqArguments *args, SqStatement *ret_statement, Err *err);
/* One expression, maybe with an alias (selectExpr, expr("…")). */
const PxExpr *sq_parse_expression(Arena *arena, Str text, Err *err);
/* A type: "int", "struct<a:int>", "decimal(10,2)". */
const PlType *sq_parse_type(Arena *arena, Str text, Err *err);
/* A schema in DDL form ("a int, b string") or a type; what DataType.fromDDL takes. */
const PlType *sq_parse_schema(Arena *arena, Str text, Err *err);
/* a.`b.c`.d into its parts (UnresolvedAttribute.parseAttributeName). */
bool sq_parse_name(Arena *arena, Str text, const Str **ret_parts, size_t *ret_nparts, Err *err);

#endif
