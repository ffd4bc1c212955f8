"""Python's built-in functions, string methods and re functions over the values of rowvalues.py.

Where it stands: between the operators (rowops.py) and the machine that walks the syntax tree (rowcompile.py).
Invariant: as in rowops.py: the node is Python's value, or an event before it says why there is none.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from .rowir import EXACT_FLOAT, INT_MAX, INT_MIN, Node, NotCompiled
from .rowops import Operations
from .rowregex import SPACES, portable
from .rowvalues import SCALARS, Alt, NotAConstant, Value, constant_of, constant_value, join

_ASCII_TESTS = {"isdigit": "[0-9]", "isdecimal": "[0-9]", "isnumeric": "[0-9]", "isalpha": "[A-Za-z]", "isalnum": "[A-Za-z0-9]"}
_PLAIN_KINDS = (*SCALARS, "none", "strs", "record", "struct")


class Calls(Operations):
    """The calls; each takes evaluated arguments."""

    def builtin(self, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        """A call of a built-in function."""
        handler: Callable[..., Value] | None = getattr(self, f"call_{name}", None)
        if handler is None:
            raise NotCompiled(f"a call of {name}()")
        if keywords and name != "round":
            raise NotCompiled(f"{name}() with keyword arguments")
        return handler(*args, **keywords) if self._fits(handler, len(args), keywords) else self._wrong_count(name)

    def _fits(self, handler: Callable, count: int, keywords: dict) -> bool:
        import inspect

        try:
            inspect.signature(handler).bind(*range(count), **keywords)
        except TypeError:
            return False
        return True

    def _wrong_count(self, name: str) -> Value:
        raise NotCompiled(f"{name}() with these arguments")

    # -- conversions -------------------------------------------------------------------------------------------------

    def _constant_call(self, fn: Callable, *args: Value) -> Value | None:
        """fn of constants, computed now; None when an argument is none."""
        try:
            values = [constant_of(a) for a in args]
        except NotAConstant:
            return None
        if not all(v is None or type(v) in (bool, int, float, str) for v in values):
            return None
        try:
            return constant_value(self.g, fn(*values))
        except Exception as raised:
            return self.nothing(type(raised))

    def call_int(self, value: Value) -> Value:
        found = self._constant_call(int, value)
        return found if found is not None else self.each(value, self._int)

    def _int(self, alt: Alt) -> Value:
        g = self.g
        if alt.kind in ("int", "bool"):
            return self.node(self.as_int(alt))
        if alt.kind == "float":
            return self.node(self._whole(alt.data, "int_of_float"))
        if alt.kind == "str":
            node = g.integer("int_of_str", INT_MIN, INT_MAX, INT_MAX, alt.data)
            self.raise_(ValueError, g.isnull(node))
            return self.node(node)
        if alt.kind in _PLAIN_KINDS:
            return self.nothing(TypeError)
        raise NotCompiled(f"int() of a {self.kind_name(alt)}")

    def _whole(self, f: Node, op: str) -> Node:
        g = self.g
        nan = g.node("float_is_nan", "bool", f)
        self.raise_(ValueError, nan)
        self.raise_(OverflowError, g.node("float_is_infinite", "bool", f))
        self.escape(g.or_(g.compare("le", g.const(float(2**63)), f), g.compare("le", f, g.const(-float(2**63)))))
        return g.integer(op, INT_MIN, INT_MAX, None, f)

    def call_float(self, value: Value) -> Value:
        found = self._constant_call(float, value)
        return found if found is not None else self.each(value, self._float)

    def _float(self, alt: Alt) -> Value:
        g = self.g
        if alt.kind in ("int", "bool", "float"):
            return self.node(self.as_float(alt))
        if alt.kind == "str":
            node = g.node("float_of_str", "float", alt.data)
            self.raise_(ValueError, g.isnull(node))
            return self.node(node)
        if alt.kind in _PLAIN_KINDS:
            return self.nothing(TypeError)
        raise NotCompiled(f"float() of a {self.kind_name(alt)}")

    def call_str(self, value: Value) -> Value:
        return self.each(value, lambda alt: self.node(self.text_of(alt)))

    def call_bool(self, value: Value) -> Value:
        return self.node(self.truth(value))

    def call_len(self, value: Value) -> Value:
        def one(alt: Alt) -> Value:
            if alt.kind == "str":
                return self.node(self.length(alt.data))
            if alt.kind == "strs":
                return self.node(self.size(alt.data))
            if alt.kind == "obj" and isinstance(alt.data, (list, tuple, dict, set, frozenset)):
                return self.node(self.g.const(len(alt.data)))
            if alt.kind in (*SCALARS, "none"):
                return self.nothing(TypeError)
            raise NotCompiled(f"len() of a {self.kind_name(alt)}")

        return self.each(value, one)

    def call_abs(self, value: Value) -> Value:
        g = self.g

        def one(alt: Alt) -> Value:
            if alt.kind == "float":
                return self.node(g.node("float_abs", "float", alt.data))
            if alt.kind in ("int", "bool"):
                n = self.as_int(alt)
                if n.lo >= 0:
                    return self.node(n)
                return self.node(g.if_(g.compare("lt", n, g.const(0)), self.negative(n), n))
            if alt.kind in _PLAIN_KINDS:
                return self.nothing(TypeError)
            raise NotCompiled(f"abs() of a {self.kind_name(alt)}")

        return self.each(value, one)

    def call_round(self, number: Value, ndigits: Value | None = None) -> Value:
        g = self.g
        try:
            digits = None if ndigits is None else constant_of(ndigits)
        except NotAConstant:
            raise NotCompiled("round() to a computed number of digits") from None
        if digits is not None and type(digits) is not int:
            raise NotCompiled("round() to something other than a number of digits")

        def one(alt: Alt) -> Value:
            if alt.kind in ("int", "bool"):
                if digits is not None and digits < 0:
                    raise NotCompiled("round() of an int to tens")
                return self.node(self.as_int(alt))
            if alt.kind == "float":
                if digits is None:
                    return self.node(self._whole(alt.data, "int_of_rounded"))
                if digits == 0:
                    return self.node(g.node("float_rint", "float", alt.data))
                if "float_round" not in self.exact or not 0 < digits <= 22:
                    raise NotCompiled("round() of a float to digits")
                return self.node(g.node("float_round", "float", alt.data, g.const(digits)))
            if alt.kind in _PLAIN_KINDS:
                return self.nothing(TypeError)
            raise NotCompiled(f"round() of a {self.kind_name(alt)}")

        return self.each(number, one)

    def _extreme(self, op: str, values: tuple[Value, ...]) -> Value:
        if len(values) < 2:
            raise NotCompiled("min() or max() of one argument")
        best = values[0]
        for value in values[1:]:
            better = self.truth(self.compare_values(op, value, best))
            best = join(self.g, [(better, value), (self.g.not_(better), best)])
        return best

    def call_min(self, *values: Value) -> Value:
        return self._extreme("<", values)

    def call_max(self, *values: Value) -> Value:
        return self._extreme(">", values)

    def call_isinstance(self, value: Value, classes: Value) -> Value:
        g = self.g
        try:
            wanted = constant_of(classes)
        except NotAConstant:
            raise NotCompiled("isinstance() with a computed class") from None
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        if not all(isinstance(c, type) for c in wanted):
            raise NotCompiled("isinstance() with something other than classes")
        kinds = {"bool": bool, "int": int, "float": float, "str": str, "none": type(None), "strs": list}
        parts = []
        for alt in value.alts:
            if not self.reachable(alt):
                continue
            if alt.kind not in kinds:
                raise NotCompiled(f"isinstance() of a {self.kind_name(alt)}")
            if issubclass(kinds[alt.kind], wanted):
                parts.append(alt.guard)
        return self.node(g.or_(*parts))

    # -- string methods ----------------------------------------------------------------------------------------------

    def method(self, target: Value, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        """target.name(*args, **keywords) of a value that is no record."""

        def one(alt: Alt) -> Value:
            if alt.kind == "str":
                if name.startswith("_") or not hasattr(str, name):
                    return self.nothing(AttributeError)
                handler = getattr(self, f"str_{name}", None)
                if handler is None and name in _ASCII_TESTS:
                    return self._ascii_test(alt.data, name) if not args else self._wrong_count(name)
                if handler is None or keywords or not self._fits(handler, len(args) + 1, {}):
                    raise NotCompiled(f"str.{name}() with these arguments" if handler else f"str.{name}()")
                return handler(alt.data, *args)
            if alt.kind in ("none", "bool", "int", "float") and not hasattr({"none": None, "bool": True, "int": 1, "float": 1.0}[alt.kind], name):
                return self.nothing(AttributeError)
            raise NotCompiled(f".{name}() of a {self.kind_name(alt)}")

        return self.each(target, one)

    def _strip(self, text: Node, chars: Value | None, where: str) -> Value:
        g = self.g
        found = None if chars is None else self._constant(chars, "str.strip() with computed characters")
        if found is not None and type(found) is not str:
            return self.nothing(TypeError)
        if text.is_const():
            op = {"both": "strip", "left": "lstrip", "right": "rstrip"}[where]
            return self.node(g.const(getattr(text.args[0], op)(found)))
        if found == "":
            return self.node(text)
        return self.node(g.node("strip", "str", text, g.const(SPACES if found is None else found), where))

    def _constant(self, value: Value, what: str) -> Any:
        try:
            return constant_of(value)
        except NotAConstant:
            raise NotCompiled(what) from None

    def str_strip(self, text: Node, chars: Value | None = None) -> Value:
        return self._strip(text, chars, "both")

    def str_lstrip(self, text: Node, chars: Value | None = None) -> Value:
        return self._strip(text, chars, "left")

    def str_rstrip(self, text: Node, chars: Value | None = None) -> Value:
        return self._strip(text, chars, "right")

    def str_lower(self, text: Node) -> Value:
        return self.node(self.cased("lower", text))

    def str_upper(self, text: Node) -> Value:
        return self.node(self.cased("upper", text))

    def _ends(self, op: str, text: Node, part: Value) -> Value:
        g = self.g

        def one(alt: Alt) -> Value:
            if alt.kind == "str":
                if alt.data.is_const() and text.is_const():
                    return self.node(g.const(getattr(text.args[0], op)(alt.data.args[0])))
                return self.node(g.node(op, "bool", text, alt.data))
            if alt.kind == "obj" and type(alt.data) is tuple and all(type(c) is str for c in alt.data):
                return self.node(g.or_(*(g.node(op, "bool", text, g.const(c)) for c in alt.data)))
            if alt.kind in _PLAIN_KINDS:
                return self.nothing(TypeError)
            raise NotCompiled(f"str.{op}() with a {self.kind_name(alt)}")

        return self.each(part, one)

    def str_startswith(self, text: Node, part: Value) -> Value:
        return self._ends("startswith", text, part)

    def str_endswith(self, text: Node, part: Value) -> Value:
        return self._ends("endswith", text, part)

    def str_replace(self, text: Node, old: Value, new: Value) -> Value:
        g = self.g
        a, b = self._constant(old, "str.replace() of a computed string"), self._constant(new, "str.replace() by a computed string")
        if type(a) is not str or type(b) is not str:
            return self.nothing(TypeError)
        if text.is_const():
            return self.node(g.const(text.args[0].replace(a, b)))
        if a == "":
            raise NotCompiled("str.replace() of the empty string")
        return self.node(g.node("replace", "str", text, g.const(a), g.const(b)))

    def str_split(self, text: Node, sep: Value | None = None, maxsplit: Value | None = None) -> Value:
        g = self.g
        by = None if sep is None else self._constant(sep, "str.split() by a computed string")
        limit = -1 if maxsplit is None else self._constant(maxsplit, "str.split() with a computed count")
        if type(limit) is not int:
            raise NotCompiled("str.split() with something other than a count")
        limit = max(limit, -1)
        if by is None:
            if limit != -1:
                raise NotCompiled("str.split() at white space with a count")
            return Value([Alt("strs", g.true, g.node("split_spaces", "strs", text))])
        if type(by) is not str:
            return self.nothing(TypeError)
        if by == "":
            return self.nothing(ValueError)
        return Value([Alt("strs", g.true, g.node("split", "strs", text, g.const(by), limit))])

    def str_find(self, text: Node, part: Value) -> Value:
        g = self.g

        def one(alt: Alt) -> Value:
            if alt.kind != "str":
                if alt.kind in _PLAIN_KINDS:
                    return self.nothing(TypeError)
                raise NotCompiled(f"str.find() of a {self.kind_name(alt)}")
            return self.node(g.integer("find", -1, 2**31 - 1, None, text, alt.data))

        return self.each(part, one)

    def _ascii_test(self, text: Node, name: str) -> Value:
        g = self.g
        self.escape(g.node("not_ascii", "bool", text))
        return self.node(g.node("matches", "bool", text, f"\\A{_ASCII_TESTS[name]}+\\z"))

    def str_join(self, text: Node, parts: Value) -> Value:
        """Of a list column's strings; a list that is written down is the machine's business."""
        raise NotCompiled("str.join() of a computed list")

    # -- regular expressions -----------------------------------------------------------------------------------------

    def regex(self, how: str, pattern: Any, flags: int, text: Value) -> Value:
        """re.match, re.search, re.fullmatch: a match object or None."""
        g = self.g
        if isinstance(pattern, re.Pattern):
            if flags:
                raise NotCompiled("flags with a compiled regular expression")
            pattern, flags = pattern.pattern, pattern.flags & ~re.UNICODE
        if not isinstance(pattern, str):
            raise NotCompiled("a regular expression that is no string")
        form = portable(pattern, flags, how)

        def one(alt: Alt) -> Value:
            if alt.kind == "str":
                found = g.node("matches", "bool", alt.data, form)
                return Value([Alt("match", found, None), Alt("none", g.not_(found), None)])
            if alt.kind in _PLAIN_KINDS:
                return self.nothing(TypeError)
            raise NotCompiled(f"a regular expression on a {self.kind_name(alt)}")

        return self.each(text, one)
