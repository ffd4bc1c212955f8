"""The typed expressions that a row function is compiled to: a small, total language with Python's values and without Python's surprises.

Where it stands: rowcompile.py builds these nodes from the function's syntax tree; rowspark.py and rowengine.py turn them into columns.
Invariants: every node is total (evaluating it never fails, whatever the row holds), so a node may be computed for rows that don't need it;
a node may be null only where its documentation says so or where the condition under which it is used is false.  Equal nodes are one object.

Integers: a node of type "int" is a 64-bit number.  `lo` and `hi` bound it.  Where `limit` is not None the number is saturated: it is Python's
exact value while its magnitude is below `limit`; from there on only its sign is Python's, and Python's magnitude is at least `limit` too.
"""

from __future__ import annotations

import math
from typing import Any

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EXACT_FLOAT = 2**53


class NotCompiled(Exception):
    """The function, or a part of it, has no compiled form; the text says which part and why, short."""


class Node:
    """One expression. op names it; args are nodes or constants; type is bool, int, float, str, strs (a list of strings) or any."""

    __slots__ = ("op", "args", "type", "lo", "hi", "limit", "number")

    def __init__(self, op: str, args: tuple, type_: str, number: int) -> None:
        self.op = op
        self.args = args
        self.type = type_
        self.lo = INT_MIN
        self.hi = INT_MAX
        self.limit: int | None = None
        self.number = number

    def __repr__(self) -> str:
        if self.op == "const":
            return repr(self.args[0])
        if self.op == "col":
            return ".".join(self.args[0])
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def is_const(self) -> bool:
        """True for a constant."""
        return self.op == "const"

    def nodes(self) -> list["Node"]:
        """The arguments that are nodes."""
        return [a for a in self.args if isinstance(a, Node)]


class Graph:
    """Makes nodes, keeping equal ones one object and simplifying conditions."""

    # A function whose graph grows past this has no compiled form worth running.
    LIMIT = 4000

    def __init__(self) -> None:
        self._made: dict[tuple, Node] = {}
        self.true = self.const(True)
        self.false = self.const(False)

    def node(self, op: str, type_: str, *args: Any) -> Node:
        """The node of that form."""
        key = (op, type_, *(("n", a.number) if isinstance(a, Node) else ("c", type(a), repr(a)) for a in args))
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= self.LIMIT:
                raise NotCompiled("it is too large")
            found = self._made[key] = Node(op, args, type_, len(self._made))
        return found

    def const(self, value: Any) -> Node:
        """A constant: bool, int, float or str."""
        kind = {bool: "bool", int: "int", float: "float", str: "str"}.get(type(value))
        if kind is None:
            raise NotCompiled(f"a constant of type {type(value).__name__}")
        if kind == "int" and not INT_MIN <= value <= INT_MAX:
            raise NotCompiled("an integer constant beyond 64 bits")
        if kind == "str" and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise NotCompiled("a text constant with a lone surrogate")
        if kind == "float" and value == 0 and math.copysign(1, value) < 0:
            # Spark's optimiser holds the branches of `-0.0 if c else 0.0` for the same.
            raise NotCompiled("the constant -0.0")
        node = self.node("const", kind, value)
        if kind == "int":
            node.lo = node.hi = value
        return node

    def integer(self, op: str, lo: int, hi: int, limit: int | None, *args: Any) -> Node:
        """An int node with its bounds. The bounds belong to op and args: the same call always gives the same ones."""
        node = self.node(op, "int", *args)
        node.lo, node.hi, node.limit = max(lo, INT_MIN), min(hi, INT_MAX), limit
        return node

    # -- conditions ------------------------------------------------------------------------------------------------

    def not_(self, x: Node) -> Node:
        """not x, pushed down to the single conditions."""
        if x is self.true:
            return self.false
        if x is self.false:
            return self.true
        if x.op == "not":
            return x.args[0]
        if x.op == "and":
            return self.or_(*(self.not_(a) for a in x.args))
        if x.op == "or":
            return self.and_(*(self.not_(a) for a in x.args))
        return self.node("not", "bool", x)

    def and_(self, *parts: Node) -> Node:
        """All of parts, in order; what the others decide is left out."""
        flat: list[Node] = []
        for part in parts:
            for p in part.args if part.op == "and" else (part,):
                if p is self.true or p in flat:
                    continue
                if p is self.false or self.not_(p) in flat:
                    return self.false
                flat.append(p)
        known = {p for p in flat if p.op != "or"}
        out: list[Node] = []
        changed = False
        for p in flat:
            if p.op == "or":
                if any(d in known for d in p.args):
                    changed = True
                    continue
                left = [d for d in p.args if not self._refuted(d, known)]
                if len(left) != len(p.args):
                    changed = True
                    p = self.or_(*left)
            out.append(p)
        if changed:
            return self.and_(*out)
        if not out:
            return self.true
        return out[0] if len(out) == 1 else self.node("and", "bool", *out)

    def _refuted(self, condition: Node, known: set[Node]) -> bool:
        if condition.op == "and":
            return any(self.not_(c) in known for c in condition.args if c.op != "or")
        return self.not_(condition) in known

    def or_(self, *parts: Node) -> Node:
        """Any of parts."""
        flat: list[Node] = []
        for part in parts:
            for p in part.args if part.op == "or" else (part,):
                if p is self.false or p in flat:
                    continue
                if p is self.true:
                    return self.true
                if p.op != "and" and any(q is p.args[0] if p.op == "not" else (q.op == "not" and q.args[0] is p) for q in flat):
                    return self.true
                flat.append(p)
        if not flat:
            return self.false
        return flat[0] if len(flat) == 1 else self.node("or", "bool", *flat)

    def if_(self, condition: Node, then: Node, other: Node) -> Node:
        """then where condition holds, else other."""
        if condition is self.true or then is other:
            return then
        if condition is self.false:
            return other
        if then.type == "bool" and other.type == "bool":
            if then is self.true and other is self.false:
                return condition
            return self.or_(self.and_(condition, then), self.and_(self.not_(condition), other))
        if then.type == "int":
            limits = [n.limit for n in (then, other) if n.limit is not None]
            limit = min(limits) if limits else None
            return self.integer("if", min(then.lo, other.lo), max(then.hi, other.hi), limit, condition, then, other)
        return self.node("if", then.type, condition, then, other)

    # -- comparisons -----------------------------------------------------------------------------------------------

    def compare(self, op: str, a: Node, b: Node) -> Node:
        """eq, lt or le of two nodes of one type; floats with Python's NaN rules."""
        if a.is_const() and b.is_const():
            x, y = a.args[0], b.args[0]
            return self.const(bool({"eq": x == y, "lt": x < y, "le": x <= y}[op]))
        if a.type == "int" and a.limit is None and b.limit is None:
            if op == "lt" and (a.hi < b.lo or a.lo >= b.hi):
                return self.const(a.hi < b.lo)
            if op == "le" and (a.hi <= b.lo or a.lo > b.hi):
                return self.const(a.hi <= b.lo)
            if op == "eq" and (a.hi < b.lo or a.lo > b.hi):
                return self.false
        return self.node(("f" if a.type == "float" else "") + op, "bool", a, b)

    def isnull(self, x: Node) -> Node:
        """x is null."""
        return self.node("isnull", "bool", x)

    def saturated(self, x: Node) -> Node:
        """An int node's value is only a bound."""
        if x.limit is None:
            return self.false
        return self.or_(
            *([self.compare("le", self.const(x.limit), x)] if x.hi >= x.limit else []),
            *([self.compare("le", x, self.const(-x.limit))] if x.lo <= -x.limit else []),
        )
