"""Transforms of two frames, or of one into several: join, union, merge, relationalize.

Where it stands: DynamicFrame's methods call these with `Records` and get `Records`.
Invariant: as in reshape.py nothing runs, but relationalize keeps its input (cache), so that the keys it hands out stay the same.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue.errors import IllegalArgumentException
from awsglue.records import Records
from awsglue.schemas import choice_word, column_at, find_field, quoted

__all__ = ["join", "merge", "relationalize", "union"]


def _key_columns(records: Records, paths: list[str], side: str) -> list[Any]:
    columns = []
    for path in paths:
        found = column_at(records.schema, path)
        if found is None:
            raise IllegalArgumentException(f"join: the {side} frame has no field {path!r}; it has {', '.join(records.names)}")
        column, current, real = found
        if len(real) == 1 and real[0] in records.choices:
            column = F.coalesce(*(column.getField(m.name).cast("string") for m in current.fields))  # type: ignore[attr-defined]
        columns.append(column)
    return columns


def _list(paths: Any) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def join(left: Records, right: Records, keys1: Any, keys2: Any) -> Records:
    """The inner equijoin; both keys stay.

    Decided here: of two fields of one name, in any case, the second frame's gets the leading dot; a choice key is compared as text.
    """
    keys1, keys2 = _list(keys1), _list(keys2)
    if len(keys1) != len(keys2) or not keys1:
        raise IllegalArgumentException(
            f"join: {len(keys1)} keys of the first frame for {len(keys2)} of the second: as many are needed, and at least one"
        )
    left, right = left.settled(), right.settled()
    taken = {name.lower() for name in left.names}
    renamed: dict[str, str] = {}
    for name in right.names:
        new = name
        while new.lower() in taken:
            new = "." + new
        renamed[name] = new
        taken.add(new.lower())
    one = left.df.select("*", *(c.alias(f"__left{i}") for i, c in enumerate(_key_columns(left, keys1, "first"))))
    two = right.df.select(
        *(F.col(quoted(n)).alias(new) for n, new in renamed.items()),
        *(c.alias(f"__right{i}") for i, c in enumerate(_key_columns(right, keys2, "second"))),
    )
    condition: Any = None
    for i in range(len(keys1)):
        term = F.col(f"__left{i}") == F.col(f"__right{i}")
        condition = term if condition is None else condition & term
    joined = one.join(two, condition, "inner").select(*(F.col(quoted(n)) for n in [*left.names, *renamed.values()]))
    choices = {**left.choices, **{renamed[n]: c for n, c in right.choices.items()}}
    made = Records(joined, None, None, choices, left.errors + right.errors, (), left.limits + right.limits)
    return made


def _as_choice(records: Records, field: T.StructField, words: dict[str, T.DataType]) -> Any:
    """A column as the struct of a choice between these types."""
    column = F.col(quoted(field.name))
    if field.name in records.choices:
        own = {m.name: column.getField(m.name) for m in field.dataType.fields}  # type: ignore[attr-defined]
    else:
        own = {choice_word(field.dataType): column}
    members = [(own[w].cast(t) if w in own else F.lit(None).cast(t)).alias(w) for w, t in words.items()]
    return F.when(column.isNotNull(), F.struct(*members))


def _choice_of(records: Records, field: T.StructField) -> dict[str, T.DataType]:
    if field.name in records.choices:
        return {m.name: m.dataType for m in field.dataType.fields}  # type: ignore[attr-defined]
    return {choice_word(field.dataType): field.dataType}


def union(first: Records, second: Records) -> Records:
    """All records of both; a field that one lacks is null there, a field of two types becomes a choice."""
    first, second = first.settled(), second.settled()
    one, two, choices = first.df, second.df, {**first.choices, **second.choices}
    for field in first.schema.fields:
        other = find_field(second.schema, field.name)
        if other is None:
            continue
        mixed = field.name in first.choices or other.name in second.choices
        if not mixed and (
            other.dataType == field.dataType or isinstance(field.dataType, T.NullType) or isinstance(other.dataType, T.NullType)
        ):
            continue
        words = {**_choice_of(second, other), **_choice_of(first, field)}
        words = {w: words[w] for w in sorted(words)}
        if len(words) == 1:
            continue  # structs and arrays of different members: Spark merges them or says why not
        one = one.withColumn(field.name, _as_choice(first, field, words))
        two = two.withColumn(other.name, _as_choice(second, other, words))
        choices[field.name] = tuple(words)
    joined = one.unionByName(two, allowMissingColumns=True)
    return Records(joined, None, None, choices, first.errors + second.errors, (), first.limits + second.limits)


def merge(source: Records, stage: Records, primary_keys: Any) -> Records:
    """The source's records without a partner in the staging frame, and all of the staging frame's; duplicates stay on both sides."""
    keys = _list(primary_keys)
    source, stage = source.settled(), stage.settled()
    if not keys:
        raise IllegalArgumentException("mergeDynamicFrame: the list of primary keys is empty")
    one = source.df.select("*", *(c.alias(f"__left{i}") for i, c in enumerate(_key_columns(source, keys, "source"))))
    two = stage.df.select(*(c.alias(f"__right{i}") for i, c in enumerate(_key_columns(stage, keys, "staging"))))
    condition: Any = None
    for i in range(len(keys)):
        term = F.col(f"__left{i}") == F.col(f"__right{i}")
        condition = term if condition is None else condition & term
    unmatched = one.join(two, condition, "left_anti").select(*(F.col(quoted(n)) for n in source.names))
    return union(source.same(unmatched), stage)


# ---- relationalize -----------------------------------------------------------------------------------------------------------------


def _flatten(schema: T.StructType, prefix: str = "", column: Any = None) -> list[tuple[str, Any, T.DataType]]:
    """All leaves below structs: their dotted names, columns and types."""
    leaves: list[tuple[str, Any, T.DataType]] = []
    for field in schema.fields:
        value = F.col(quoted(field.name)) if column is None else column.getField(field.name)
        if isinstance(field.dataType, T.StructType):
            leaves += _flatten(field.dataType, prefix + field.name + ".", value)
        else:
            leaves.append((prefix + field.name, value, field.dataType))
    return leaves


def relationalize(records: Records, root: str) -> dict[str, Records]:
    """Flat tables: the root with its structs unnested and its arrays replaced by keys, and a table for each array.

    A child is named <root>_<path of the array>, where the path of an array below another array's structs has `.val.` in it, as widely
    seen: root_orders, root_orders.val.items.  It has id (the parent's key), index (from 0) and the element as <path>.val or
    <path>.val.<field>.  Keys are unique in the run only.  Decided here: the staging path is not used; the frame is kept in memory instead,
    so that the keys of parent and child agree.  Maps stay as they are.
    """
    records = records.settled()
    frames: dict[str, Records] = {}
    _pivot(records, records.df, records.schema, root, root, frames)
    return frames


def _pivot(records: Records, df: Any, schema: T.StructType, name: str, root: str, frames: dict[str, Records]) -> None:
    leaves = _flatten(schema)
    arrays = [(n, t) for n, _, t in leaves if isinstance(t, T.ArrayType)]
    flat = df.select(*(c.alias(n) for n, c, _ in leaves))
    if arrays:
        flat = flat.withColumn("__key", F.monotonically_increasing_id()).cache()
    shown = []
    for leaf, _, spark in leaves:
        column = F.col(quoted(leaf))
        shown.append(F.when(column.isNotNull(), F.col("__key")).alias(leaf) if isinstance(spark, T.ArrayType) else column)
    frames[name] = records.then(flat.select(*shown))
    for array, spark in arrays:
        element = f"{array}.val"
        rows = flat.filter(F.col(quoted(array)).isNotNull())
        rows = rows.select(F.col("__key").alias("id"), F.posexplode(F.col(quoted(array))).alias("index", element))
        fields = [T.StructField("id", T.LongType()), T.StructField("index", T.IntegerType()), T.StructField(element, spark.elementType)]
        _pivot(records, rows, T.StructType(fields), f"{root}_{array}", root, frames)
