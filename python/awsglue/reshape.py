"""Transforms of one frame's columns: mapping, selecting, dropping, renaming, unnesting, resolving choices, splitting.

Where it stands: DynamicFrame's methods call these with `Records` and get `Records`.
Invariant: none runs anything; what needs the real types settles the text columns first (see records.py).
"""

from __future__ import annotations

import sys
from typing import Any, Sequence

from pyspark.sql import functions as F
from pyspark.sql import types as T

from awsglue.catalog import Table
from awsglue.errors import IllegalArgumentException, NotImplementedInSolder
from awsglue.records import Records, call_site, typed_text
from awsglue.schemas import Leaf, Path, column_at, find_field, parse_path, quoted, rewrite_fields, spark_type

__all__ = ["apply_mapping", "drop_fields", "drop_null_fields", "rename_field", "resolve", "select_fields", "split_rows", "unnest"]


def warn(message: str) -> None:
    """A line on standard error, with the script's line: the record-wise rules of Glue make it no error."""
    print(f"{call_site()}: {message}", file=sys.stderr)


# ---- apply_mapping -----------------------------------------------------------------------------------------------------------------


def _mapping_specs(mappings: Any) -> list[tuple[str, str, str | None]]:
    """(source, target, type) of each mapping: tuples of 2, 3 (source, target, type) or 4 (source, its type, target, type)."""
    if isinstance(mappings, tuple) and mappings and isinstance(mappings[0], str):
        mappings = [mappings]
    specs = []
    for mapping in mappings:
        if not isinstance(mapping, (tuple, list)):
            raise TypeError(f"a mapping must be a tuple, not {type(mapping).__name__}: {mapping!r}")
        if len(mapping) == 2:
            specs.append((mapping[0], mapping[1], None))
        elif len(mapping) == 3:
            specs.append((mapping[0], mapping[1], mapping[2]))
        elif len(mapping) == 4:
            specs.append((mapping[0], mapping[2], mapping[3]))
        else:
            raise IllegalArgumentException(f"a mapping has 2, 3 or 4 parts: {mapping!r}")
    if not specs:
        raise IllegalArgumentException("apply_mapping: the list of mappings is empty")
    return specs


class _Node(dict):
    """A struct of the target under construction: name -> column or another node."""

    def put(self, path: Path, column: Any, label: str) -> None:
        node = self
        for name in path[:-1]:
            inner = node.setdefault(name, _Node())
            if not isinstance(inner, _Node):
                raise IllegalArgumentException(f"mapping to {label!r}: {name!r} is already a target by itself")
            node = inner
        if path[-1] in node:
            raise IllegalArgumentException(f"mapping to {label!r}: that target is named twice")
        node[path[-1]] = column

    def columns(self) -> list[Any]:
        return [(F.struct(*c.columns()) if isinstance(c, _Node) else c).alias(n) for n, c in self.items()]


def _cast(records: Records, name: str, column: Any, current: T.DataType, wanted: T.DataType) -> Any:
    """A value as a type; of a choice, whichever member can be.  A text column that may be one needs no look at its values for that."""
    if name in records.choices:
        return F.coalesce(*(column.getField(m.name).cast(wanted) for m in current.fields))  # type: ignore[attr-defined]
    if name in records.text:
        typed = typed_text(column, records.text[name])
        return F.coalesce(typed.cast(wanted), F.when(typed.isNull() & (F.trim(column) != ""), column).cast(wanted))
    return column.cast(wanted)


def apply_mapping(records: Records, mappings: Any, case_sensitive: bool) -> Records:
    """Only the mapped fields, in the mapping's order.

    Decided here: a source that the frame lacks leaves its target out; a value that can't be cast becomes null; the source's type word only
    says what the user expects, it converts nothing.
    """
    specs = _mapping_specs(mappings)
    if any(word is None or word.lower() == "choice" for _, _, word in specs):
        records = records.settled()
    target, choices = _Node(), {}
    for source, name, word in specs:
        found = column_at(records.schema, source, case_sensitive)
        if found is None:
            warn(f"apply_mapping: there is no field {source!r}, so {name!r} is left out")
            continue
        column, current, real = found
        path = parse_path(name)
        top = real[0] if len(real) == 1 else ""
        if word is not None and word.lower() != "choice":
            column = _cast(records, top, column, current, spark_type(word))
        elif top in records.choices and len(path) == 1:
            choices[path[0]] = records.choices[top]
        target.put(path, column, name)
    if not target:
        raise IllegalArgumentException(
            f"apply_mapping: none of the source fields is in the frame, which has {', '.join(records.names) or 'no fields'}"
        )
    return records.then(records.df.select(*target.columns()), None, None, choices)


# ---- select, drop, rename ----------------------------------------------------------------------------------------------------------


def _paths(paths: Any) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def select_fields(records: Records, paths: Any) -> Records:
    """Only these top-level fields, in the order named; unknown ones are left out with a warning."""
    fields = []
    for path in _paths(paths):
        field = find_field(records.schema, path) or find_field(records.schema, parse_path(path)[0])
        if field is None:
            warn(f"select_fields: there is no field {path!r}")
        elif field not in fields:
            fields.append(field)
    if not fields:
        raise IllegalArgumentException(
            f"select_fields: none of the fields is in the frame, which has {', '.join(records.names) or 'no fields'}"
        )
    names = {f.name for f in fields}
    text = {n: t for n, t in records.text.items() if n in names}
    choices = {n: c for n, c in records.choices.items() if n in names}
    return records.then(records.df.select(*(F.col(quoted(f.name)) for f in fields)), T.StructType(fields), text, choices)


def _changed(records: Records, changes: dict[Path, Leaf]) -> Records:
    """The frame with the fields at some paths changed."""
    tops = {path[0].lower() for path in changes if len(path) == 1}
    members = rewrite_fields([(f, F.col(quoted(f.name))) for f in records.schema.fields], changes)
    if not members:
        raise IllegalArgumentException("no field would be left")
    text = {n: t for n, t in records.text.items() if n.lower() not in tops}
    choices = {n: c for n, c in records.choices.items() if n.lower() not in tops}
    return records.then(records.df.select(*(c.alias(n) for n, c in members)), None, text, choices)


def _leads_somewhere(records: Records, names: Path) -> bool:
    """True when there is a field at the path, arrays walked through."""
    current: T.DataType = records.schema
    for name in names:
        while isinstance(current, T.ArrayType):
            current = current.elementType
        field = find_field(current, name) if isinstance(current, T.StructType) else None
        if field is None:
            return False
        current = field.dataType
    return True


def _real_path(records: Records, path: str) -> Path | None:
    """A path's names; a column of that very name comes first."""
    if find_field(records.schema, path) is not None:
        return (path,)
    names = parse_path(path)
    return names if _leads_somewhere(records, names) else None


def drop_fields(records: Records, paths: Any) -> Records:
    """Without these fields, at any depth; unknown ones are nothing to drop."""
    changes: dict[Path, Leaf] = {}
    for path in _paths(paths):
        names = _real_path(records, path)
        if names is not None:
            changes[names] = lambda name, column, spark: None
    return _changed(records, changes) if changes else records.same(records.df)


def rename_field(records: Records, old: str, new: str) -> Records:
    """A field under another name, where it stood; a new path in another struct moves it there."""
    names = _real_path(records, old)
    if names is None:
        warn(f"rename_field: there is no field {old!r}")
        return records.same(records.df)
    target = parse_path(new)
    if target[:-1] == names[:-1] or len(target) == 1 and len(names) > 1:
        name = target[-1]
        changed = _changed(records, {names: lambda old_name, column, spark: (name, column)})
        if len(names) == 1:
            for old_states, states in ((records.text, changed.text), (records.choices, changed.choices)):
                kept = next((old_states[n] for n in old_states if n.lower() == names[0].lower()), None)
                if kept is not None:
                    states[name] = kept  # type: ignore[index]
        return changed
    found = column_at(records.settled().schema, old)
    assert found is not None
    node = _Node()
    node.put(target, found[0], new)
    if find_field(records.schema, target[0]) is not None:
        raise NotImplementedInSolder(f"rename_field from {old!r} into the existing struct {target[0]!r}", "apply_mapping builds structs")
    settled = records.settled()
    moved = settled.then(settled.df.select("*", *node.columns()), None, None, settled.choices)
    return drop_fields(moved, [old])


def drop_null_fields(records: Records) -> tuple[Records, list[str]]:
    """Without the fields whose type is null, in structs and arrays of structs too; their paths as well."""
    gone: list[Path] = []

    def walk(spark: T.DataType, path: Path) -> None:
        if isinstance(spark, T.StructType):
            for field in spark.fields:
                if isinstance(field.dataType, T.NullType):
                    gone.append((*path, field.name))
                else:
                    walk(field.dataType, (*path, field.name))
        elif isinstance(spark, T.ArrayType) and isinstance(spark.elementType, T.StructType):
            walk(spark.elementType, path)

    walk(records.schema, ())
    labels = [".".join(p) for p in gone]
    if not gone:
        return records.same(records.df), labels
    return _changed(records, {p: lambda name, column, spark: None for p in gone}), labels


# ---- unnest ------------------------------------------------------------------------------------------------------------------------


def unnest(records: Records) -> Records:
    """Struct members as top-level fields named by their path; arrays and maps stay as they are."""
    records = records.settled()
    columns: list[Any] = []

    def walk(spark: T.StructType, column: Any, prefix: str) -> None:
        for field in spark.fields:
            name = prefix + field.name
            value = F.col(quoted(field.name)) if column is None else column.getField(field.name)
            if isinstance(field.dataType, T.StructType) and not (column is None and field.name in records.choices):
                walk(field.dataType, value, name + ".")
            else:
                columns.append(value.alias(name))

    walk(records.schema, None, "")
    return records.then(records.df.select(*columns), None, None, records.choices)


# ---- resolveChoice -----------------------------------------------------------------------------------------------------------------


def _resolve_members(action: str, argument: str, name: str, members: dict[str, tuple[Any, T.DataType]]) -> list[tuple[str, Any]]:
    """The columns that an action makes of a choice."""
    if action == "make_cols":
        return [(f"{name}_{word}", column) for word, (column, _) in members.items()]
    if action == "make_struct":
        return [(name, F.col(quoted(name)))]
    wanted = spark_type(argument)
    if action == "cast":
        return [(name, F.coalesce(*(column.cast(wanted) for column, _ in members.values())))]
    for column, spark in members.values():
        if spark == wanted:
            return [(name, column)]
    return [(name, F.lit(None).cast(wanted))]


def _parse_action(text: str) -> tuple[str, str]:
    action, _, argument = text.partition(":")
    action = action.strip()
    if action not in ("cast", "project", "make_cols", "make_struct"):
        raise IllegalArgumentException(
            f"resolveChoice: {text!r}: an action is cast:TYPE, project:TYPE, make_cols or make_struct (match_catalog as choice)"
        )
    if (action in ("cast", "project")) != bool(argument.strip()):
        raise IllegalArgumentException(f"resolveChoice: {text!r}: cast and project take a type (cast:long), the others none")
    return action, argument.strip()


def _direct(records: Records, path: str, action: str, argument: str) -> Records | None:
    """A text column whose declared type is the wanted one needs no look at its values: both actions keep what fits."""
    field = find_field(records.schema, path)
    if field is None or field.name not in records.text or action not in ("cast", "project"):
        return None
    declared = records.text[field.name]
    if spark_type(argument) != declared:
        return None
    typed = typed_text(F.col(quoted(field.name)), declared).alias(field.name)
    columns = [typed if f.name == field.name else F.col(quoted(f.name)) for f in records.schema.fields]
    fields = [T.StructField(f.name, declared) if f.name == field.name else f for f in records.schema.fields]
    text = {n: t for n, t in records.text.items() if n != field.name}
    return records.then(records.df.select(*columns), T.StructType(fields), text, records.choices)


def _resolve_one(records: Records, path: str, text: str) -> Records:
    action, argument = _parse_action(text)
    direct = _direct(records, path, action, argument)
    if direct is not None:
        return direct
    records = records.settled()
    elements = path.replace("[]", "")
    names = _real_path(records, elements)
    if names is None:
        warn(f"resolveChoice: there is no field {path!r}")
        return records
    top = find_field(records.schema, names[0])
    assert top is not None
    if len(names) == 1 and top.name in records.choices:
        resolved = records.without_choices(lambda name, members: _resolve_members(action, argument, name, members), {top.name})
        return resolved
    if action in ("make_cols", "make_struct"):
        return records
    wanted = spark_type(argument)

    def leaf(name: str, column: Any, spark: T.DataType) -> tuple[str, Any]:
        if action == "cast" or spark == wanted:
            return name, column.cast(wanted)
        return name, column

    return _changed(records, {names: leaf})


def resolve(records: Records, specs: Any, choice: str, table: Table | None) -> Records:
    """Choices resolved, field by field or all the same way.

    Decided here: project keeps the values of its type and makes the others null; cast on a field that is no choice casts it too; the other
    actions leave such a field as it is.
    """
    if specs and choice:
        raise IllegalArgumentException("resolveChoice: give specs or choice, not both")
    if not specs and not choice:
        raise IllegalArgumentException("resolveChoice: specs or choice is needed")
    if specs:
        if isinstance(specs, tuple):
            specs = [specs]
        for path, action in specs:
            records = _resolve_one(records, path, action)
        return records
    if choice == "match_catalog":
        assert table is not None
        for name, wanted in table.columns + table.keys:
            settled_field = find_field(records.schema, name)
            if settled_field is not None and (settled_field.name in records.choices or settled_field.name in records.text):
                records = _resolve_one(
                    records,
                    quoted(settled_field.name) if "." in settled_field.name else settled_field.name,
                    "cast:" + wanted.simpleString(),
                )
        return records
    action, argument = _parse_action(choice)
    records = records.settled()
    return (
        records.without_choices(lambda name, members: _resolve_members(action, argument, name, members))
        if records.choices
        else records.same(records.df)
    )


# ---- split_rows --------------------------------------------------------------------------------------------------------------------

_COMPARE = {
    "=": lambda c, v: c == v,
    "==": lambda c, v: c == v,
    "!=": lambda c, v: c != v,
    "<": lambda c, v: c < v,
    "<=": lambda c, v: c <= v,
    ">": lambda c, v: c > v,
    ">=": lambda c, v: c >= v,
}


def split_rows(records: Records, comparisons: dict[str, dict[str, Any]]) -> tuple[Records, Records]:
    """The records for which all comparisons hold, and all others (a null compares as not holding)."""
    records = records.settled()
    condition: Any = None
    for path, operators in comparisons.items():
        found = column_at(records.schema, path)
        if found is None:
            raise IllegalArgumentException(f"split_rows: there is no field {path!r}; the frame has {', '.join(records.names)}")
        column, current, real = found
        for operator, value in operators.items():
            if operator not in _COMPARE:
                raise IllegalArgumentException(f"split_rows: {operator!r} is not a comparison: one of {' '.join(_COMPARE)}")
            if len(real) == 1 and real[0] in records.choices:
                column = F.coalesce(*(column.getField(m.name).cast("string" if isinstance(value, str) else "double") for m in current.fields))  # type: ignore[attr-defined]
            term = _COMPARE[operator](
                column, F.lit(value).cast(T.LongType()) if isinstance(value, int) and not isinstance(value, bool) else F.lit(value)
            )
            condition = term if condition is None else condition & term
    if condition is None:
        raise IllegalArgumentException("split_rows: the dictionary of comparisons is empty")
    holds = F.coalesce(condition, F.lit(False))
    return records.same(records.df.filter(holds)), records.same(records.df.filter(~holds))


def split_fields(records: Records, paths: Sequence[str]) -> tuple[Records, Records]:
    """The named top-level fields, and the others."""
    first = select_fields(records, paths)
    return first, drop_fields(records, [quoted(n) for n in first.names])
