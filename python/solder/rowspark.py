"""Turns the nodes of rowir.py into columns with plain Spark functions: the form that runs on any Spark.

Where it stands: rowplan.py asks a backend for the columns of a compiled function; rowengine.py derives the engine's form from this one.
Invariant: each method gives, for every input, the value that its node means; where a method's column could differ from Python's value, the
node's *_unsure companion is true.
"""

from __future__ import annotations

from typing import Any

from .rowir import INT_MAX, INT_MIN, Node
from .rowregex import SPACES, digit_codes, point, ranges

# int() and float() take these for white space: SPACES without the four separators that are ASCII.
_NUMBER_SPACES = "".join(c for c in SPACES if c not in "\x1c\x1d\x1e\x1f")
# Strings of these characters alone have the same lower and upper case in Java and in Python; tested code point by code point.
_SAFE_CASE: tuple[tuple[int, int], ...] = (
    (0x00, 0x12F),
    (0x132, 0x148),
    (0x14A, 0x17E),
    (0x386, 0x386),
    (0x388, 0x38F),
    (0x391, 0x3A1),
    (0x3A4, 0x3AF),
    (0x3B1, 0x3C1),
    (0x3C4, 0x3CE),
    (0x400, 0x481),
    (0x5D0, 0x5EA),
    (0x621, 0x64A),
    (0x904, 0x939),
    (0xE01, 0xE30),
    (0x2010, 0x2027),
    (0x20A0, 0x20BF),
    (0x3001, 0x301F),
    (0x3041, 0x3096),
    (0x30A1, 0x30FA),
    (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3),
    (0x1F300, 0x1F64F),
)


def quote_regex(text: str) -> str:
    """A regular expression that matches exactly this text."""
    return "".join(point(ord(c)) for c in text)


def char_class(chars: str) -> str:
    """The inside of a character class of these characters."""
    return ranges(sorted({ord(c) for c in chars}))


def safe_case_class() -> str:
    """The inside of the class of characters whose case is the same everywhere."""
    return "".join(f"{point(a)}-{point(b)}" for a, b in _SAFE_CASE)


class Backend:
    """Columns for nodes. `columns` are the ones already computed under a name of their own (see rowplan.py)."""

    # Operations that the compiler may use because this backend computes them exactly.
    EXACT: frozenset[str] = frozenset({"float_floordiv"})

    def __init__(self) -> None:
        from pyspark.sql import functions as F

        self.F = F
        self.columns: dict[Node, Any] = {}
        self._made: dict[Node, Any] = {}

    def column(self, node: Node) -> Any:
        """The column of a node."""
        named = self.columns.get(node)
        if named is not None:
            return named
        found = self._made.get(node)
        if found is None:
            found = self._made[node] = getattr(self, f"op_{node.op}")(node, *node.args)
        return found

    def forget(self) -> None:
        """Another set of computed columns: what was made from the old one is of no use."""
        self._made = {}

    def lit(self, value: Any) -> Any:
        """A constant; ints are longs."""
        column = self.F.lit(value)
        return column.cast("bigint") if type(value) is int else column

    def field(self, path: tuple[str, ...]) -> Any:
        """A column of the input, or a field of a struct in it."""
        return self.F.col(".".join("`" + name.replace("`", "``") + "`" for name in path))

    # -- structure and conditions ------------------------------------------------------------------------------------

    def op_const(self, node: Node, value: Any) -> Any:
        return self.lit(value)

    def op_col(self, node: Node, path: tuple[str, ...]) -> Any:
        column = self.field(path)
        return column.cast({"int": "bigint", "float": "double"}[node.type]) if node.type in ("int", "float") else column

    def op_isnull(self, node: Node, x: Node) -> Any:
        return self.column(x).isNull()

    def op_not(self, node: Node, x: Node) -> Any:
        if x.op == "isnull":
            return self.column(x.args[0]).isNotNull()
        return ~self.column(x)

    def op_and(self, node: Node, *parts: Node) -> Any:
        out = self.column(parts[0])
        for part in parts[1:]:
            out = out & self.column(part)
        return out

    def op_or(self, node: Node, *parts: Node) -> Any:
        out = self.column(parts[0])
        for part in parts[1:]:
            out = out | self.column(part)
        return out

    def op_if(self, node: Node, condition: Node, then: Node, other: Node) -> Any:
        return self.F.when(self.column(condition), self.column(then)).otherwise(self.column(other))

    def op_exact(self, node: Node, x: Node) -> Any:
        return self.column(x)

    # -- comparisons -------------------------------------------------------------------------------------------------

    def op_eq(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) == self.column(b)

    def op_lt(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) < self.column(b)

    def op_le(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) <= self.column(b)

    def _not_nan(self, test: Any, x: Node) -> Any:
        # Spark holds NaN equal to itself and above everything; Python's comparisons with NaN are false.
        if x.is_const() and x.args[0] == x.args[0]:
            return test
        return test & ~self.F.isnan(self.column(x))

    def op_feq(self, node: Node, a: Node, b: Node) -> Any:
        return self._not_nan(self.column(a) == self.column(b), b if b.is_const() else a)

    def op_flt(self, node: Node, a: Node, b: Node) -> Any:
        return self._not_nan(self.column(a) < self.column(b), b)

    def op_fle(self, node: Node, a: Node, b: Node) -> Any:
        return self._not_nan(self.column(a) <= self.column(b), b)

    # -- ints --------------------------------------------------------------------------------------------------------

    def op_int_of_bool(self, node: Node, x: Node) -> Any:
        return self.column(x).cast("bigint")

    def op_int_neg(self, node: Node, x: Node) -> Any:
        return -self.column(x)

    def op_int_neg_saturating(self, node: Node, x: Node) -> Any:
        c = self.column(x)
        return self.F.when(c == self.lit(INT_MIN), self.lit(INT_MAX)).otherwise(-c)

    def op_int_add(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) + self.column(b)

    def op_int_add_saturating(self, node: Node, a: Node, b: Node) -> Any:
        F, x, y = self.F, self.column(a), self.column(b)
        return F.coalesce(F.try_add(x, y), F.when(x < self.lit(0), self.lit(INT_MIN)).otherwise(self.lit(INT_MAX)))

    def op_int_mul(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) * self.column(b)

    def op_int_mul_saturating(self, node: Node, a: Node, b: Node) -> Any:
        F, x, y = self.F, self.column(a), self.column(b)
        same = (x < self.lit(0)) == (y < self.lit(0))
        return F.coalesce(F.try_multiply(x, y), F.when(same, self.lit(INT_MAX)).otherwise(self.lit(INT_MIN)))

    def op_int_floordiv(self, node: Node, a: Node, b: Node) -> Any:
        F, x, y = self.F, self.column(a), self.column(b)
        quotient, rest = F.call_function("div", x, y), x % y
        down = (rest != self.lit(0)) & ((rest < self.lit(0)) != (y < self.lit(0)))
        return F.when(down, quotient - self.lit(1)).otherwise(quotient)

    def op_int_mod(self, node: Node, a: Node, b: Node) -> Any:
        F, x, y = self.F, self.column(a), self.column(b)
        rest = x % y
        down = (rest != self.lit(0)) & ((rest < self.lit(0)) != (y < self.lit(0)))
        return F.when(down, rest + y).otherwise(rest)

    def op_int_of_float(self, node: Node, x: Node) -> Any:
        return self.column(x).cast("bigint")

    def op_int_of_rounded(self, node: Node, x: Node) -> Any:
        return self.F.rint(self.column(x)).cast("bigint")

    def _plain_number(self, text: Any, sign: str) -> Any:
        """The text with ASCII digits, without the white space around it, a plus sign before a digit, and underscores between digits.

        What int() and float() refuse is left in, so that the patterns of their callers refuse it too.
        """
        F = self.F
        digits = [chr(c) for c in digit_codes() if c > 127]
        spaces = "".join(c for c in _NUMBER_SPACES if ord(c) > 127)
        plain = F.translate(text, "".join(digits) + spaces, "0123456789" * (len(digits) // 10) + " " * len(spaces))
        return F.regexp_replace(plain, f"\\A[\\t-\\r ]*{sign}|[\\t-\\r ]+\\z|(?<=[0-9])_(?=[0-9])", "")

    def _whole_number(self, text: Any) -> Any:
        return self._plain_number(text, "(?:[+](?=[0-9]))?")

    def op_int_of_str(self, node: Node, x: Node) -> Any:
        """Python's int(x): null where it raises ValueError; beyond 64 bits the largest or smallest 64-bit number."""
        F, text = self.F, self.column(x)
        digits = self._whole_number(text)
        wide = F.when(digits.startswith("-"), self.lit(INT_MIN)).otherwise(self.lit(INT_MAX))
        # int() takes at most 4300 digits (sys.get_int_max_str_digits).
        general = F.when(digits.rlike("\\A-?[0-9]{1,4300}\\z"), F.coalesce(digits.cast("bigint"), wide))
        return F.when(text.rlike("\\A[+-]?[0-9]{1,18}\\z"), text.cast("bigint")).otherwise(general)

    def op_int_fits(self, node: Node, x: Node) -> Any:
        """A text that is an int to Python is one of 64 bits."""
        return self._whole_number(self.column(x)).cast("bigint").isNotNull()

    # -- floats ------------------------------------------------------------------------------------------------------

    def op_float_of_int(self, node: Node, x: Node) -> Any:
        return self.column(x).cast("double")

    def op_float_neg(self, node: Node, x: Node) -> Any:
        return -self.column(x)

    def op_float_add(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) + self.column(b)

    def op_float_sub(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) - self.column(b)

    def op_float_mul(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) * self.column(b)

    def op_float_div(self, node: Node, a: Node, b: Node) -> Any:
        return self.column(a) / self.column(b)

    def op_float_abs(self, node: Node, x: Node) -> Any:
        return self.F.abs(self.column(x))

    def op_float_rint(self, node: Node, x: Node) -> Any:
        return self.F.rint(self.column(x))

    def op_float_is_nan(self, node: Node, x: Node) -> Any:
        return self.F.isnan(self.column(x))

    def op_float_is_infinite(self, node: Node, x: Node) -> Any:
        return self.F.abs(self.column(x)) == self.lit(float("inf"))

    def _float_mod_parts(self, a: Node, b: Node) -> tuple[Any, Any, Any, Any]:
        x, y = self.column(a), self.column(b)
        rest = x % y
        down = (rest != self.lit(0.0)) & ((rest < self.lit(0.0)) != (y < self.lit(0.0)))
        return x, y, rest, down

    def op_float_mod(self, node: Node, a: Node, b: Node) -> Any:
        F = self.F
        _x, y, rest, down = self._float_mod_parts(a, b)
        # A zero with y's sign; two zero literals would be one to Spark's optimiser.
        zero = F.signum(y) * self.lit(0.0)
        return F.when(rest == self.lit(0.0), zero).otherwise(F.when(down, rest + y).otherwise(rest))

    def op_float_floordiv(self, node: Node, a: Node, b: Node) -> Any:
        F = self.F
        x, y, rest, down = self._float_mod_parts(a, b)
        ratio = (x - rest) / y
        ratio = F.when(down, ratio - self.lit(1.0)).otherwise(ratio)
        # From 2**53 on every float is whole, and floor() to a long would not hold it.
        floor = F.when(F.abs(ratio) < self.lit(2.0**53), F.floor(ratio).cast("double")).otherwise(ratio)
        floor = F.when(ratio - floor > self.lit(0.5), floor + self.lit(1.0)).otherwise(floor)
        # A zero with the sign of x / y.
        return F.when(ratio == self.lit(0.0), (x / y) * self.lit(0.0)).otherwise(floor)

    def op_float_of_str(self, node: Node, x: Node) -> Any:
        """Python's float(x): null where it raises ValueError."""
        F, text = self.F, self.column(x)
        plain = self._plain_number(text, "")
        word = F.lower(plain)
        general = (
            F.when(plain.rlike("\\A[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?\\z"), plain.cast("double"))
            .when(word.rlike("\\A[+-]?nan\\z"), self.lit(float("nan")))
            .when(word.rlike("\\A[+]?inf(?:inity)?\\z"), self.lit(float("inf")))
            .when(word.rlike("\\A-inf(?:inity)?\\z"), self.lit(float("-inf")))
        )
        return F.when(text.rlike("\\A[+-]?[0-9]{1,15}(?:\\.[0-9]{1,15})?\\z"), text.cast("double")).otherwise(general)

    # -- text --------------------------------------------------------------------------------------------------------

    def op_str_of_int(self, node: Node, x: Node) -> Any:
        return self.column(x).cast("string")

    def op_str_of_float(self, node: Node, x: Node) -> Any:
        F, c = self.F, self.column(x)
        return (
            F.when(F.isnan(c), F.lit("nan"))
            .when(c == self.lit(float("inf")), F.lit("inf"))
            .when(c == self.lit(float("-inf")), F.lit("-inf"))
            .when((F.abs(c) >= self.lit(1e7)) & (F.abs(c) < self.lit(1e15)), F.concat(c.cast("bigint").cast("string"), F.lit(".0")))
            .otherwise(c.cast("string"))
        )

    def op_str_of_float_unsure(self, node: Node, x: Node) -> Any:
        """Spark's text of a float may differ: Java writes other exponents, and sometimes more digits than are needed.

        A decimal of up to 15 digits that reads back as the float is the only such decimal, so it is Python's as well.
        """
        F, c = self.F, self.column(x)
        size = F.abs(c)
        digits = F.length(F.regexp_replace(c.cast("string"), "[-.]", ""))
        whole = (F.rint(c) == c) & (size < self.lit(1e15))
        short = (size >= self.lit(1e-3)) & (size < self.lit(1e7)) & (digits <= F.when(size < self.lit(1.0), F.lit(16)).otherwise(F.lit(15)))
        special = F.isnan(c) | (size == self.lit(float("inf")))
        return ~(special | whole | short)

    def op_str_len(self, node: Node, x: Node) -> Any:
        return self.F.length(self.column(x)).cast("bigint")

    def op_concat(self, node: Node, *parts: Node) -> Any:
        return self.F.concat(*(self.column(p) for p in parts))

    def op_lower(self, node: Node, x: Node) -> Any:
        return self.F.lower(self.column(x))

    def op_upper(self, node: Node, x: Node) -> Any:
        return self.F.upper(self.column(x))

    def op_lower_unsure(self, node: Node, x: Node) -> Any:
        return self.column(x).rlike(f"[^{safe_case_class()}]")

    op_upper_unsure = op_lower_unsure

    def op_strip(self, node: Node, x: Node, chars: Node, where: str) -> Any:
        members = char_class(chars.args[0])
        out = self.column(x)
        if where != "right":
            out = self.F.regexp_replace(out, f"\\A[{members}]+", "")
        if where != "left":
            out = self.F.regexp_replace(out, f"[{members}]+\\z", "")
        return out

    def op_startswith(self, node: Node, x: Node, part: Node) -> Any:
        return self.column(x).startswith(self.column(part))

    def op_endswith(self, node: Node, x: Node, part: Node) -> Any:
        return self.column(x).endswith(self.column(part))

    def op_str_contains(self, node: Node, x: Node, part: Node) -> Any:
        return self.column(x).contains(self.column(part))

    def op_str_in(self, node: Node, x: Node, *items: Node) -> Any:
        return self.column(x).isin(*(item.args[0] for item in items))

    def op_find(self, node: Node, x: Node, part: Node) -> Any:
        return (self.F.position(self.column(part), self.column(x)) - self.F.lit(1)).cast("bigint")

    def op_replace(self, node: Node, x: Node, old: Node, new: Node) -> Any:
        return self.F.replace(self.column(x), self.column(old), self.column(new))

    def op_substring(self, node: Node, x: Node, position: Node, count: Node) -> Any:
        first = (self.column(position) + self.lit(1)).cast("int")
        return self.column(x).substr(first, self.column(count).cast("int"))

    def op_matches(self, node: Node, x: Node, pattern: str) -> Any:
        return self.column(x).rlike(pattern)

    def op_not_ascii(self, node: Node, x: Node) -> Any:
        return self.column(x).rlike("[^\\x00-\\x7f]")

    # -- lists of strings --------------------------------------------------------------------------------------------

    def op_split(self, node: Node, x: Node, by: Node, limit: int) -> Any:
        return self.F.split(self.column(x), quote_regex(by.args[0]), -1 if limit < 0 else limit + 1)

    def op_split_spaces(self, node: Node, x: Node) -> Any:
        F, members = self.F, char_class(SPACES)
        text = F.regexp_replace(F.regexp_replace(self.column(x), f"\\A[{members}]+", ""), f"[{members}]+\\z", "")
        return F.when(text == F.lit(""), F.array().cast("array<string>")).otherwise(F.split(text, f"[{members}]+", -1))

    def op_size(self, node: Node, strs: Node) -> Any:
        return self.F.size(self.column(strs)).cast("bigint")

    def op_item(self, node: Node, strs: Node, position: Node) -> Any:
        return self.F.get(self.column(strs), self.column(position).cast("int"))

    def op_strs_contain(self, node: Node, strs: Node, item: Node) -> Any:
        return self.F.array_contains(self.column(strs), self.column(item))
