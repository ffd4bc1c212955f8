"""Python's operators and built-in functions over the values of rowvalues.py.

Where it stands: rowcompile.py walks the function's syntax tree and calls these; what they build goes to the backends as nodes of rowir.py.
Invariant: for every row, the node that an operation gives has the value that Python gives, or an event that comes before it says that
Python raises there, and what, or that the row is left to the function itself (ESCAPE).
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from .rowir import EXACT_FLOAT, INT_MAX, INT_MIN, Graph, Node, NotCompiled
from .rowvalues import SCALARS, Alt, NotAConstant, Struct, Value, constant_of, constant_value, join, scalar

ESCAPE = "escape"
_WHERE = {"strip": "both", "lstrip": "left", "rstrip": "right"}


class Event:
    """Under `condition` the run ends here: with an exception of class `raised`, or, if that is ESCAPE, undecided."""

    __slots__ = ("condition", "raised", "state")

    def __init__(self, condition: Node, raised: Any, state: Any) -> None:
        self.condition = condition
        self.raised = raised
        self.state = state


class Operations:
    """The operations; the machine of rowcompile.py adds names, records and control flow."""

    def __init__(self, g: Graph, exact: frozenset[str]) -> None:
        self.g = g
        # What the backend computes exactly: see Backend.EXACT in rowspark.py.
        self.exact = exact
        self.pc: Node = g.true
        self.events: list[Event] = []

    def snapshot(self) -> Any:
        """The state that an exception handler would find; the machine's business."""
        return None

    # -- conditions and events ---------------------------------------------------------------------------------------

    @contextmanager
    def under(self, condition: Node) -> Iterator[None]:
        """What is done inside happens only where condition holds."""
        before = self.pc
        self.pc = self.g.and_(before, condition)
        try:
            yield
        finally:
            self.pc = before

    def raise_(self, raised: Any, condition: Node | None = None) -> None:
        """Here the run ends, where condition holds."""
        at = self.pc if condition is None else self.g.and_(self.pc, condition)
        if at is not self.g.false:
            self.events.append(Event(at, raised, self.snapshot()))

    def nothing(self, raised: Any) -> Value:
        """Raises, always: the value of an expression that has none."""
        self.raise_(raised)
        return Value([])

    def escape(self, condition: Node) -> None:
        """Leaves the rows of that condition to the function itself."""
        self.raise_(ESCAPE, condition)

    def reachable(self, alt: Alt) -> bool:
        """The alternative can be met here."""
        return self.g.and_(self.pc, alt.guard) is not self.g.false

    def each(self, value: Value, fn: Callable[[Alt], Value]) -> Value:
        """fn of every alternative that can be met here."""
        cases = []
        for alt in value.alts:
            if self.reachable(alt):
                with self.under(alt.guard):
                    cases.append((alt.guard, fn(alt)))
        return join(self.g, cases)

    def each2(self, a: Value, b: Value, fn: Callable[[Alt, Alt], Value]) -> Value:
        """fn of every pair of alternatives that can be met here."""
        return self.each(a, lambda x: self.each(b, lambda y: fn(x, y)))

    def node(self, node: Node) -> Value:
        """A value of a node's type."""
        return scalar(self.g, node)

    # -- truth -------------------------------------------------------------------------------------------------------

    def truth(self, value: Value) -> Node:
        """bool(value)."""
        g = self.g
        return g.or_(*(g.and_(alt.guard, self._truth(alt)) for alt in value.alts if self.reachable(alt)))

    def _truth(self, alt: Alt) -> Node:
        g, kind, data = self.g, alt.kind, alt.data
        if kind == "none":
            return g.false
        if kind == "bool":
            return data
        if kind == "int":
            return g.not_(g.compare("eq", data, g.const(0)))
        if kind == "float":
            return g.not_(g.compare("eq", data, g.const(0.0)))
        if kind == "str":
            return g.not_(g.compare("eq", data, g.const("")))
        if kind == "strs":
            return g.not_(g.compare("eq", self.size(data), g.const(0)))
        if kind == "struct":
            return g.const(len(data.type.fields) > 0)
        if kind == "match":
            return g.true
        if kind == "record":
            return self.record_truth(data)
        if kind == "obj":
            return g.const(bool(data))
        if data[1].simpleString() in ("date", "timestamp", "timestamp_ntz"):
            return g.true
        raise NotCompiled(f"the truth of a {data[1].simpleString()} value")

    def record_truth(self, number: int) -> Node:
        """Whether a record has fields."""
        raise NotImplementedError

    # -- numbers -----------------------------------------------------------------------------------------------------

    def as_int(self, alt: Alt) -> Node:
        """A bool or int as an int node."""
        if alt.kind == "int":
            return alt.data
        if alt.data.is_const():
            return self.g.const(int(alt.data.args[0]))
        return self.g.integer("int_of_bool", 0, 1, None, alt.data)

    def exact_int(self, node: Node) -> Node:
        """The int, leaving the rows where it is only a bound to the function itself."""
        if node.limit is None:
            return node
        self.escape(self.g.saturated(node))
        return self.g.integer("exact", max(node.lo, 1 - node.limit), min(node.hi, node.limit - 1), None, node)

    def as_float(self, alt: Alt) -> Node:
        """A bool, int or float as Python turns it into a float."""
        if alt.kind == "float":
            return alt.data
        node = self.as_int(alt)
        g = self.g
        if node.is_const():
            return g.const(float(node.args[0]))
        if node.limit is not None and node.op == "int_of_str":
            # Beyond 64 bits the text as a float is the same number: both round to the nearest.
            text = node.args[0]
            wide = g.node("float_of_str", "float", text)
            beyond = g.saturated(node)
            self.raise_(OverflowError, g.and_(beyond, g.node("float_is_infinite", "bool", wide)))
            return g.if_(beyond, wide, g.node("float_of_int", "float", node))
        return g.node("float_of_int", "float", self.exact_int(node))

    def negative(self, node: Node) -> Node:
        """-node."""
        g = self.g
        if node.is_const():
            return g.const(-node.args[0])
        if node.type == "float":
            return g.node("float_neg", "float", node)
        if node.lo > INT_MIN:
            return g.integer("int_neg", -node.hi, -node.lo, node.limit, node)
        limit = INT_MAX if node.limit is None else node.limit
        return g.integer("int_neg_saturating", INT_MIN, INT_MAX, limit, node)

    def int_add(self, a: Node, b: Node) -> Node:
        """a + b."""
        g = self.g
        if a.limit is not None and b.limit is not None:
            a, b = self.exact_int(a), self.exact_int(b)
        if b.limit is not None:
            a, b = b, a
        limit = a.limit
        if limit is not None:
            limit -= max(abs(b.lo), abs(b.hi))
            if limit < EXACT_FLOAT:
                a, limit = self.exact_int(a), None
        lo, hi = a.lo + b.lo, a.hi + b.hi
        if INT_MIN <= lo and hi <= INT_MAX:
            return g.integer("int_add", lo, hi, limit, a, b)
        return g.integer("int_add_saturating", lo, hi, INT_MAX if limit is None else limit, a, b)

    def int_mul(self, a: Node, b: Node) -> Node:
        """a * b."""
        g = self.g
        if a.is_const() or (a.limit is None and b.limit is not None):
            a, b = b, a
        limit = a.limit
        if limit is not None:
            if b.is_const() and b.args[0] != 0:
                limit = min(limit * abs(b.args[0]), INT_MAX)
            else:
                a, b, limit = self.exact_int(a), self.exact_int(b), None
        ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
        lo, hi = min(ends), max(ends)
        if INT_MIN <= lo and hi <= INT_MAX:
            return g.integer("int_mul", lo, hi, limit, a, b)
        return g.integer("int_mul_saturating", lo, hi, INT_MAX if limit is None else limit, a, b)

    def arithmetic(self, op: str, a: Value, b: Value) -> Value:
        """a op b for + - * / // % **, and string + and *."""
        try:
            return self._constant_arithmetic(op, constant_of(a), constant_of(b))
        except NotAConstant:
            pass
        return self.each2(a, b, lambda x, y: self._arithmetic(op, x, y))

    def _constant_arithmetic(self, op: str, x: Any, y: Any) -> Value:
        if type(x) not in (bool, int, float, str) or type(y) not in (bool, int, float, str):
            raise NotAConstant
        import operator

        table = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow"}
        if (op in ("*", "**") and not all(isinstance(v, (int, float)) and abs(v) < 10**6 for v in (x, y))) or (op == "%" and isinstance(x, str)):
            raise NotAConstant
        try:
            return constant_value(self.g, getattr(operator, table[op])(x, y))
        except Exception as raised:
            return self.nothing(type(raised))

    def _arithmetic(self, op: str, x: Alt, y: Alt) -> Value:
        g = self.g
        for alt in (x, y):
            if alt.kind not in (*SCALARS, "none"):
                raise NotCompiled(f"{op} of a {self.kind_name(alt)}")
        number = ("bool", "int", "float")
        if x.kind == "str" and op == "%":
            raise NotCompiled("% formatting")
        if op == "+" and x.kind == y.kind == "str":
            return self.node(self.concat([x.data, y.data]))
        if op == "*" and {x.kind, y.kind} & {"str"} and {x.kind, y.kind} & {"int", "bool"}:
            raise NotCompiled("repeating a string")
        if x.kind not in number or y.kind not in number:
            return self.nothing(TypeError)
        if op == "**":
            return self.node(self._power(x, y))
        if op == "/":
            return self.node(self._true_divide(x, y))
        if x.kind == "float" or y.kind == "float":
            return self.node(self._float_arithmetic(op, self.as_float(x), self.as_float(y)))
        a, b = self.as_int(x), self.as_int(y)
        if op == "+":
            return self.node(self.int_add(a, b))
        if op == "-":
            return self.node(self.int_add(a, self.negative(b)))
        if op == "*":
            return self.node(self.int_mul(a, b))
        if op == "//" and a.limit is not None and b.is_const() and abs(b.args[0]) > 1 and a.limit // abs(b.args[0]) > EXACT_FLOAT:
            # A bound stays one: what is at least `limit` in size is at least limit // |b| - 1 after the division.
            bound = a.limit // abs(b.args[0]) - 1
            top = max(abs(a.lo), abs(a.hi)) // abs(b.args[0]) + 1
            return self.node(g.integer("int_floordiv", -top, top, bound, a, b))
        a, b = self.exact_int(a), self.exact_int(b)
        self.raise_(ZeroDivisionError, g.compare("eq", b, g.const(0)))
        if op == "//":
            if a.lo == INT_MIN and b.lo <= -1 <= b.hi:
                self.escape(g.and_(g.compare("eq", a, g.const(INT_MIN)), g.compare("eq", b, g.const(-1))))
            top = max(abs(a.lo), abs(a.hi))
            return self.node(g.integer("int_floordiv", -top, top, None, a, b))
        return self.node(g.integer("int_mod", min(b.lo + 1, 0), max(b.hi - 1, 0), None, a, b))

    def _power(self, x: Alt, y: Alt) -> Node:
        if y.kind == "int" and y.data.is_const() and y.data.args[0] in (1, 2, 3) and x.kind in ("int", "bool"):
            base = self.as_int(x)
            out = base
            for _ in range(y.data.args[0] - 1):
                out = self.int_mul(out, base)
            return out
        raise NotCompiled("** with other than a small whole power of an int")

    def _float_arithmetic(self, op: str, a: Node, b: Node) -> Node:
        g = self.g
        if op in ("//", "%"):
            if "float_floordiv" not in self.exact:
                raise NotCompiled(f"{op} of floats")
            self.raise_(ZeroDivisionError, g.compare("eq", b, g.const(0.0)))
            return g.node("float_floordiv" if op == "//" else "float_mod", "float", a, b)
        return g.node({"+": "float_add", "-": "float_sub", "*": "float_mul"}[op], "float", a, b)

    def _true_divide(self, x: Alt, y: Alt) -> Node:
        g = self.g
        if x.kind == "float" or y.kind == "float":
            a, b = self.as_float(x), self.as_float(y)
            self.raise_(ZeroDivisionError, g.compare("eq", b, g.const(0.0)))
            return g.node("float_div", "float", a, b)
        ints = [self.as_int(x), self.as_int(y)]
        self.raise_(ZeroDivisionError, g.compare("eq", ints[1], g.const(0)))
        for n in ints:
            # Below 2**53 both are floats exactly, and one division rounds once, as Python's does.
            self.escape(self._beyond(n, EXACT_FLOAT))
        return g.node("float_div", "float", *(g.node("float_of_int", "float", n) for n in ints))

    def _beyond(self, n: Node, bound: int) -> Node:
        g = self.g
        return g.or_(
            *([g.compare("lt", g.const(bound), n)] if n.hi > bound else []),
            *([g.compare("lt", n, g.const(-bound))] if n.lo < -bound else []),
        )

    def unary(self, op: str, value: Value) -> Value:
        """-value, +value."""

        def one(alt: Alt) -> Value:
            if alt.kind == "float":
                return self.node(self.negative(alt.data) if op == "-" else alt.data)
            if alt.kind in ("int", "bool"):
                node = self.as_int(alt)
                return self.node(self.negative(node) if op == "-" else node)
            if alt.kind in ("str", "none", "strs", "record", "struct"):
                return self.nothing(TypeError)
            raise NotCompiled(f"{op} of a {self.kind_name(alt)}")

        return self.each(value, one)

    # -- comparisons -------------------------------------------------------------------------------------------------

    def compare_values(self, op: str, a: Value, b: Value) -> Value:
        """a op b for == != < <= > >=."""
        if op in (">", ">="):
            # The operands were evaluated already: only their roles change.
            return self.compare_values("<" if op == ">" else "<=", b, a)
        return self.each2(a, b, lambda x, y: self.node(self._compare(op, x, y)) if self._ordered(op, x, y) else self.nothing(TypeError))

    def _ordered(self, op: str, x: Alt, y: Alt) -> bool:
        if op in ("==", "!="):
            return True
        number = ("bool", "int", "float")
        return (x.kind in number and y.kind in number) or x.kind == y.kind == "str" or not {x.kind, y.kind} <= {*SCALARS, "none"}

    def _compare(self, op: str, x: Alt, y: Alt) -> Node:
        g = self.g
        if op == "!=":
            return g.not_(self._compare("==", x, y))
        word = {"==": "eq", "<": "lt", "<=": "le"}[op]
        number = ("bool", "int", "float")
        if x.kind in number and y.kind in number:
            if "float" in (x.kind, y.kind):
                return self._compare_floats(word, x, y)
            return self._compare_ints(word, self.as_int(x), self.as_int(y))
        if x.kind == y.kind == "str":
            return g.compare(word, x.data, y.data)
        if x.kind == y.kind == "none":
            return g.true
        plain = {*SCALARS, "none"}
        if x.kind in plain and y.kind in plain:
            return g.false
        if "none" in (x.kind, y.kind) and op == "==" and {x.kind, y.kind} <= {"none", "any", "struct", "record", "strs"}:
            return g.false
        raise NotCompiled(f"comparing a {self.kind_name(x)} with a {self.kind_name(y)}")

    def _compare_ints(self, word: str, a: Node, b: Node) -> Node:
        for one, other in ((a, b), (b, a)):
            if one.limit is not None and not (other.limit is None and -one.limit < other.lo and other.hi < one.limit):
                a = self.exact_int(a)
                b = self.exact_int(b)
                break
        return self.g.compare(word, a, b)

    def _compare_floats(self, word: str, x: Alt, y: Alt) -> Node:
        g = self.g
        if x.kind == y.kind:
            return g.compare(word, x.data, y.data)
        whole, part = (x, y) if y.kind == "float" else (y, x)
        n = self.as_int(whole)
        if part.data.is_const():
            return self._compare_with_float_constant(word, n, part.data.args[0], whole is x)
        self.escape(self._beyond(n, EXACT_FLOAT))
        f = g.node("float_of_int", "float", n)
        return g.compare(word, f, part.data) if whole is x else g.compare(word, part.data, f)

    def _compare_with_float_constant(self, word: str, n: Node, c: float, int_first: bool) -> Node:
        """An int against a float constant, as a comparison of ints: exact at any size."""
        g = self.g
        if math.isnan(c):
            return g.false
        if math.isinf(c):
            return g.false if word == "eq" else g.const((c > 0) == int_first)
        if word == "eq":
            return self._compare_ints("eq", n, g.const(int(c))) if c == int(c) and abs(c) < 2**62 else self._far(n, c)
        if abs(c) >= 2**62:
            raise NotCompiled("comparing an int with a very large float")
        if int_first:
            bound = math.floor(c) if word == "le" else math.ceil(c) - 1
            return self._compare_ints("le", n, g.const(bound))
        bound = math.ceil(c) if word == "le" else math.floor(c) + 1
        return self._compare_ints("le", g.const(bound), n)

    def _far(self, n: Node, c: float) -> Node:
        if abs(c) >= 2**62:
            raise NotCompiled("comparing an int with a very large float")
        return self.g.false

    def is_(self, a: Value, b: Value) -> Value:
        """a is b, where one of them is None, True or False."""
        try:
            one = constant_of(b)
            other = a
        except NotAConstant:
            try:
                one, other = constant_of(a), b
            except NotAConstant:
                raise NotCompiled("`is` between two computed values") from None
        g = self.g
        if one is None:
            return self.node(g.or_(*(alt.guard for alt in other.alts if alt.kind == "none" and self.reachable(alt))))
        if one is True or one is False:
            parts = [(alt, alt.data if one else g.not_(alt.data)) for alt in other.alts if alt.kind == "bool" and self.reachable(alt)]
            return self.node(g.or_(*(g.and_(alt.guard, test) for alt, test in parts)))
        raise NotCompiled("`is` with something other than None, True or False")

    # -- text --------------------------------------------------------------------------------------------------------

    def concat(self, parts: list[Node]) -> Node:
        """Strings joined; constants that stand together become one."""
        g = self.g
        flat: list[Node] = []
        for part in parts:
            for p in part.args if part.op == "concat" else (part,):
                if flat and p.is_const() and flat[-1].is_const():
                    flat[-1] = g.const(flat[-1].args[0] + p.args[0])
                elif not (p.is_const() and p.args[0] == ""):
                    flat.append(p)
        if not flat:
            return g.const("")
        return flat[0] if len(flat) == 1 else g.node("concat", "str", *flat)

    def size(self, strs: Node) -> Node:
        """len of a list of strings."""
        return self.g.integer("size", 0, 2**31 - 1, None, strs)

    def length(self, text: Node) -> Node:
        """len of a string."""
        if text.is_const():
            return self.g.const(len(text.args[0]))
        return self.g.integer("str_len", 0, 2**31 - 1, None, text)

    def text_of(self, alt: Alt, representation: bool = False) -> Node:
        """str(value)."""
        g = self.g
        if alt.kind == "none":
            return g.const("None")
        if alt.kind in SCALARS and alt.data.is_const() and not representation:
            return g.const(str(alt.data.args[0]))
        if alt.kind == "str":
            if representation:
                raise NotCompiled("repr of a string")
            return alt.data
        if alt.kind == "bool":
            return g.if_(alt.data, g.const("True"), g.const("False"))
        if alt.kind == "int":
            return g.node("str_of_int", "str", self.exact_int(alt.data))
        if alt.kind == "float":
            if "str_of_float" not in self.exact:
                self.escape(g.node("str_of_float_unsure", "bool", alt.data))
            return g.node("str_of_float", "str", alt.data)
        raise NotCompiled(f"the text of a {self.kind_name(alt)}")

    def cased(self, op: str, text: Node) -> Node:
        """text.lower(), text.upper()."""
        g = self.g
        if text.is_const():
            return g.const(getattr(text.args[0], op)())
        node = g.node(op, "str", text)
        # A backend that knows Python's case rules gives null for the characters it doesn't know.
        self.escape(g.isnull(node) if "case" in self.exact else g.node(f"{op}_unsure", "bool", text))
        return node

    def kind_name(self, alt: Alt) -> str:
        """The alternative's kind in words, for messages."""
        if alt.kind == "any":
            return f"{alt.data[1].simpleString()} column"
        if alt.kind == "obj":
            return type(alt.data).__name__
        return {"none": "None", "strs": "list", "struct": "struct", "record": "record", "match": "match object"}.get(alt.kind, alt.kind)

    def contains(self, item: Value, whole: Value) -> Value:
        """item in whole."""
        return self.each(whole, lambda w: self._contains(item, w))

    def _contains(self, item: Value, w: Alt) -> Value:
        g = self.g
        if w.kind == "str":
            return self.each(item, lambda i: self.node(self._in_text(i, w)) if i.kind == "str" else self._wrong_item(i))
        if w.kind == "strs":
            return self.each(item, lambda i: self.node(g.node("strs_contain", "bool", w.data, i.data) if i.kind == "str" else g.false))
        if w.kind in ("none", "int", "float", "bool"):
            return self.nothing(TypeError)
        if w.kind == "obj" and isinstance(w.data, (list, tuple, set, frozenset, dict)):
            items = list(w.data)
            if len(items) > 1000:
                raise NotCompiled("`in` a collection of more than 1000")

            def one(i: Alt) -> Value:
                if i.kind not in (*SCALARS, "none"):
                    raise NotCompiled(f"a {self.kind_name(i)} `in` a collection")
                same = [c for c in items if (i.kind == "str") == isinstance(c, str)]
                if i.kind == "str" and same:
                    if i.data.is_const():
                        return self.node(g.const(i.data.args[0] in same))
                    return self.node(g.node("str_in", "bool", i.data, *(g.const(c) for c in same)))
                tests = []
                for c in same:
                    if isinstance(c, float) and math.isnan(c):
                        raise NotCompiled("`in` a collection with NaN")
                    other = constant_value(g, c).alts[0]
                    if other.kind == "obj":
                        raise NotCompiled(f"`in` a collection of {type(c).__name__}")
                    tests.append(self._compare("==", i, other))
                return self.node(g.or_(*tests))

            return self.each(item, one)
        return self.contains_key(item, w)

    def _wrong_item(self, alt: Alt) -> Value:
        if alt.kind in (*SCALARS, "none", "strs", "record", "struct"):
            return self.nothing(TypeError)
        raise NotCompiled(f"a {self.kind_name(alt)} `in` a string")

    def contains_key(self, item: Value, whole: Alt) -> Value:
        """item in a record or struct: the machine's business."""
        raise NotCompiled(f"`in` a {self.kind_name(whole)}")

    def _in_text(self, i: Alt, w: Alt) -> Node:
        if i.data.is_const() and w.data.is_const():
            return self.g.const(i.data.args[0] in w.data.args[0])
        return self.g.node("str_contains", "bool", w.data, i.data)

    # -- subscripts of text and lists --------------------------------------------------------------------------------

    def text_item(self, text: Node, at: Node) -> Value:
        """text[at]."""
        g = self.g
        n = self.length(text)
        position = self._position(at, n)
        return self.node(g.node("substring", "str", text, position, g.const(1)))

    def strs_item(self, strs: Node, at: Node) -> Value:
        """strs[at]."""
        return self.node(self.g.node("item", "str", strs, self._position(at, self.size(strs))))

    def _position(self, at: Node, n: Node) -> Node:
        """The 0-based position that index `at` means in something n long; IndexError where there is none."""
        g = self.g
        if at.is_const():
            k = at.args[0]
            if k >= 0:
                self.raise_(IndexError, g.compare("le", n, at))
                return at
            self.raise_(IndexError, g.compare("lt", n, g.const(-k)))
            return self.int_add(n, at)
        at = self.exact_int(at)
        position = g.if_(g.compare("lt", at, g.const(0)), self.int_add(at, n), at)
        position = self.exact_int(position)
        self.raise_(IndexError, g.or_(g.compare("lt", position, g.const(0)), g.compare("le", n, position)))
        return position

    def text_slice(self, text: Node, start: int | None, stop: int | None) -> Value:
        """text[start:stop]."""
        g = self.g
        if text.is_const():
            return self.node(g.const(text.args[0][start:stop]))
        n = self.length(text)

        def clamp(k: int | None, missing: Node) -> Node:
            if k is None:
                return missing
            if k >= 0:
                return g.if_(g.compare("lt", n, g.const(k)), n, g.const(k))
            moved = self.int_add(n, g.const(k))
            return g.if_(g.compare("lt", moved, g.const(0)), g.const(0), moved)

        if (start is None or start >= 0) and (stop is None or stop >= 0):
            # Beyond the end a substring is just shorter: no need to look at the length.
            first = g.const(start or 0)
            count = g.const(2**31 - 1) if stop is None else g.const(max(stop - (start or 0), 0))
            return self.node(g.node("substring", "str", text, first, count))
        first, last = clamp(start, g.const(0)), clamp(stop, n)
        count = self.int_add(last, self.negative(first))
        count = g.if_(g.compare("lt", count, g.const(0)), g.const(0), count)
        return self.node(g.node("substring", "str", text, first, count))
