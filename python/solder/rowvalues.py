"""What is known of a Python value while a row function is being compiled.

Where it stands: rowops.py and rowcompile.py compute with these in place of values.
Invariant: the alternatives of a Value exclude one another and, wherever no exception came first, one of them holds.  An alternative's data
may be used only under its guard.
"""

from __future__ import annotations

from typing import Any

from .rowir import Graph, Node, NotCompiled

# Kinds of alternatives and their data:
#   none      None                      bool int float str   a node of that type
#   strs      a node: list of strings   any                  (node, Spark type): a column that is only looked at for None
#   struct    a Struct                  record               the number of a record in the state's heap
#   obj       a Python object           match                None (the truth of a match object is all that is known)
SCALARS = ("bool", "int", "float", "str")


class Alt:
    """One alternative: the value is of this kind where guard holds."""

    __slots__ = ("kind", "guard", "data")

    def __init__(self, kind: str, guard: Node, data: Any) -> None:
        self.kind = kind
        self.guard = guard
        self.data = data


class Value:
    """A value: its alternatives, none at all if the place can't be reached; `column` names the input's column that it is, untouched."""

    __slots__ = ("alts", "column")

    def __init__(self, alts: list[Alt], column: str | None = None) -> None:
        self.alts = alts
        self.column = column

    def only(self) -> Alt | None:
        """The single alternative, if there is just one."""
        return self.alts[0] if len(self.alts) == 1 else None


class Struct:
    """A struct column, or a struct inside one, that isn't null."""

    __slots__ = ("path", "type")

    def __init__(self, path: tuple[str, ...], type_: Any) -> None:
        self.path = path
        self.type = type_


def constant_value(g: Graph, value: Any) -> Value:
    """A Python object that the function captured or wrote down."""
    if value is None:
        return Value([Alt("none", g.true, None)])
    if type(value) in (bool, int, float, str) and not (type(value) is int and not -(2**63) < value < 2**63):
        return Value([Alt(type(value).__name__, g.true, g.const(value))])
    return Value([Alt("obj", g.true, value)])


def scalar(g: Graph, node: Node) -> Value:
    """A value of a node's type."""
    return Value([Alt(node.type, g.true, node)])


def constant_of(value: Value) -> Any:
    """The Python object that a value certainly is; NotAConstant when that isn't known."""
    alt = value.only()
    if alt is not None:
        if alt.kind == "none":
            return None
        if alt.kind == "obj":
            return alt.data
        if alt.kind in SCALARS and alt.data.is_const():
            return alt.data.args[0]
    raise NotAConstant


class NotAConstant(Exception):
    """A value depends on the row."""


def column_value(g: Graph, path: tuple[str, ...], spark_type: Any, nullable: bool) -> Value:
    """The value of a column, or of a field of a struct column that isn't null."""
    word = spark_type.simpleString()
    col = g.node("col", "any", path)
    column = path[0] if len(path) == 1 else None
    null = g.node("isnull", "bool", g.node("col", "any", path))
    if word == "string":
        data: Any = g.node("col", "str", path)
        kind = "str"
    elif word == "boolean":
        data, kind = g.node("col", "bool", path), "bool"
    elif word in ("tinyint", "smallint", "int", "bigint"):
        bits = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}[word]
        data = g.integer("col", -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, None, path)
        kind = "int"
    elif word in ("float", "double"):
        data, kind = g.node("col", "float", path), "float"
    elif word == "void":
        return Value([Alt("none", g.true, None)], column)
    elif word.startswith("struct<"):
        data, kind = Struct(path, spark_type), "struct"
    else:
        data, kind = (col, spark_type), "any"
    if not nullable:
        return Value([Alt(kind, g.true, data)], column)
    return Value([Alt("none", null, None), Alt(kind, g.not_(null), data)], column)


def join(g: Graph, cases: list[tuple[Node, Value]]) -> Value:
    """The value that is cases[i][1] where cases[i][0] holds; the conditions exclude one another."""
    if len(cases) == 1:
        return cases[0][1]
    first = cases[0][1] if cases else None
    if first is not None and all(v is first for _, v in cases):
        return first
    groups: dict[str, list[Alt]] = {}
    for condition, value in cases:
        for alt in value.alts:
            guard = g.and_(condition, alt.guard)
            if guard is not g.false:
                groups.setdefault(alt.kind, []).append(Alt(alt.kind, guard, alt.data))
    out = []
    for kind, alts in groups.items():
        data = alts[-1].data
        for alt in reversed(alts[:-1]):
            if kind in SCALARS or kind == "strs":
                data = g.if_(alt.guard, alt.data, data)
            elif not same_data(kind, alt.data, data):
                raise NotCompiled("a value that is one of several objects")
        guard = g.true if len(groups) == 1 else g.or_(*(alt.guard for alt in alts))
        out.append(Alt(kind, guard, data))
    return Value(out)


def same_data(kind: str, a: Any, b: Any) -> bool:
    """Two alternatives' data are one and the same thing."""
    if kind == "struct":
        return a.path == b.path
    if kind == "any":
        return a[0] is b[0]
    return a is b or kind in ("none", "match") or (kind == "record" and a == b)
