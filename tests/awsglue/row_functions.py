"""Random row functions and random records for the generator test.

Invariant: the same seed gives the same functions and records.  The records hold every edge that a rule of Python's hangs on: blank, spaced,
signed, underscored, too long and foreign digits, NaN, infinities, signed zeros, the ends of 64 bits, nulls.
"""

from __future__ import annotations

import random
from typing import Any

SCHEMA = "row int, s string, t string, i bigint, j int, d double, b boolean, st struct<u:string,v:bigint>"

NUMBERS = [
    *("", "0", "7", "-3", "42", " 31 ", "+5", "1_000", "_1", "1__0", "0.92", "3.5", "-2.25", "1e3", "nan", "inf", "-Infinity", "1e400", "abc", "-"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "0x1f"),
    *("\u0663\u0664", "\u00a012\u2003", "12\x1c", "1d", "5.", ".5", ".", "007", "1 2", "\t8\n", "-0", "-0.0", "99999999999999999", "2147483648"),
]
TEXTS = [
    *("", "a", "abc", "Abc def", "  pad  ", "x,y,z", ",", "Mr. Smith", "na\u00efve \u00c9t\u00e9", "\u65e5\u672c\u8a9e text", "tab\tsep", "a\u00a0b", "A,b,,C"),
    *("line\n", "line\nmore", "\U0001f600 smile", "stra\u00dfe", "\u0130stanbul", "\u039f\u03a3", "AAA", "banana", "12", "True", "None", "a-b_c", "\x85x\x85"),
]
LONGS = [0, 1, -1, 2, 3, -7, 10, 30, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), 999983]
INTS = [0, 1, -1, 5, -8, 30, 2**31 - 1, -(2**31)]
DOUBLES = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 2.675, 0.1, 1 / 3, 1e15, 1e16, 1e22, 1e23, 1e-5, 0.001, 123456.789, -7.25, 9.5e18, 1e19, -1e300),
    *(float("nan"), float("inf"), float("-inf"), 9007199254740993.0, 5e-324, 30.0, 4.35),
]


def records(seed: int, count: int) -> list[tuple]:
    """Rows of SCHEMA."""
    rng = random.Random(seed)

    def pick(values: list) -> Any:
        return None if rng.random() < 0.08 else rng.choice(values)

    rows = []
    for number in range(count):
        struct = None if rng.random() < 0.1 else (pick(TEXTS), pick(LONGS))
        rows.append((number, pick(NUMBERS), pick(TEXTS), pick(LONGS), pick(INTS), pick(DOUBLES), pick([True, False]), struct))
    return rows


class Writer:
    """Writes expressions of a wanted type, most of them well typed."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def any(self, depth: int) -> str:
        return self.rng.choice([self.text, self.int, self.float, self.bool])(depth)

    def number(self, depth: int) -> str:
        return self.rng.choice([self.int, self.int, self.float])(depth)

    def text(self, depth: int) -> str:
        r = self.rng
        if depth <= 0 or r.random() < 0.2:
            leaves = ["r['s']", "r['t']", "r.s", "r.t", "r.get('t')", "r.get('t', 'zz')", "r.get('gone', 'none')", "r['st']['u']", "r.st.u"]
            return r.choice([*leaves, *leaves, "'a'", "'b,c'", "''", "PREFIX", "TABLE['k']"])
        d = depth - 1
        forms = [
            lambda: f"{self.text(d)}.strip()",
            lambda: f"{self.text(d)}.lstrip({r.choice(['', repr('a '), repr('x')])})",
            lambda: f"{self.text(d)}.rstrip()",
            lambda: f"{self.text(d)}.lower()",
            lambda: f"{self.text(d)}.upper()",
            lambda: f"{self.text(d)}.replace({r.choice(['a', 'b', 'na', ' ', ','])!r}, {r.choice(['', 'X', '$1'])!r})",
            lambda: f"({self.text(d)} + {self.text(d)})",
            lambda: f'f"{{{self.any(0)}}}-{{{self.text(0)}}} {{{self.int(0)}}}"',
            lambda: f"str({self.any(d)})",
            lambda: f"{self.text(d)}[{r.choice(['1:3', ':2', '-3:', '2:', ':-1', '-2:-1', '0:0'])}]",
            lambda: f"{self.text(d)}[{r.choice(['0', '-1', '1'])}]",
            lambda: f"{self.text(d)}.split({r.choice([repr(','), repr(', '), repr('.'), ''])})[{r.choice(['0', '1', '-1'])}]",
            lambda: f"{self.text(d)}.split(',', 1)[0]",
            lambda: f"({self.text(d)} or {self.text(d)})",
            lambda: f"({self.text(d)} and {self.text(d)})",
            lambda: f"({self.text(d)} if {self.bool(d)} else {self.text(d)})",
            lambda: f"{r.choice(['min', 'max'])}({self.text(d)}, {self.text(d)})",
            lambda: f"TABLE.get({self.text(d)}, {self.text(d)})",
            lambda: f"'-'.join([{self.text(d)}, {self.text(d)}])",
            lambda: f"shorten({self.text(d)})",
        ]
        return r.choice(forms)()

    def int(self, depth: int) -> str:
        r = self.rng
        if depth <= 0 or r.random() < 0.15:
            return r.choice(["r['i']", "r['j']", "r.i", "r.j", "r['st']['v']", "int(r['s'])", "int(r['s'])", "0", "1", "7", "-3", "30", "LIMIT", str(2**40)])
        d = depth - 1
        forms = [
            lambda: f"int({self.text(d)})",
            lambda: f"int({self.float(d)})",
            lambda: f"len({self.text(d)})",
            lambda: f"abs({self.int(d)})",
            lambda: f"({self.int(d)} {r.choice(['+', '-', '*', '//', '%'])} {self.int(d)})",
            lambda: f"({self.int(d)} {r.choice(['+', '-', '*', '//', '%'])} {r.choice(['2', '10', '-3', '60'])})",
            lambda: f"(-{self.int(d)})",
            lambda: f"round({self.float(d)})",
            lambda: f"{r.choice(['min', 'max'])}({self.int(d)}, {self.int(d)})",
            lambda: f"{self.text(d)}.find({r.choice(['a', ',', ' '])!r})",
            lambda: f"({self.int(d)} or {self.int(d)})",
            lambda: f"({self.int(d)} if {self.bool(d)} else {self.int(d)})",
            lambda: f"({self.bool(d)} + {self.int(d)})",
            lambda: f"double_it({self.int(d)})",
        ]
        return r.choice(forms)()

    def float(self, depth: int) -> str:
        r = self.rng
        if depth <= 0 or r.random() < 0.2:
            return r.choice(["r['d']", "r.d", "r['d']", "float(r['s'])", "0.5", "1e3", "-2.5"])
        d = depth - 1
        forms = [
            lambda: f"float({self.text(d)})",
            lambda: f"float({self.int(d)})",
            lambda: f"({self.number(d)} / {self.number(d)})",
            lambda: f"({self.float(d)} {r.choice(['+', '-', '*', '//', '%'])} {self.number(d)})",
            lambda: f"abs({self.float(d)})",
            lambda: f"(-{self.float(d)})",
            lambda: f"round({self.float(d)}, 0)",
            lambda: f"({self.float(d)} if {self.bool(d)} else {self.float(d)})",
            lambda: f"({self.float(d)} or {self.float(d)})",
        ]
        return r.choice(forms)()

    def bool(self, depth: int) -> str:
        r = self.rng
        if depth <= 0 or r.random() < 0.1:
            return r.choice(["r['b']", "r.b", "True", "('t' in r)", "('gone' in r)", "(r['i'] is None)", "(r.d is not None)", "(r['b'] is True)"])
        d = depth - 1
        compare = ["==", "!=", "<", "<=", ">", ">="]
        forms = [
            lambda: f"({self.number(d)} {r.choice(compare)} {self.number(d)})",
            lambda: f"({self.int(d)} {r.choice(compare)} {r.choice(['30', '0', '-1', '2.5', '1e3'])})",
            lambda: f"({self.text(d)} {r.choice(compare)} {self.text(d)})",
            lambda: f"({self.any(d)} {r.choice(['==', '!=', '<'])} {self.any(d)})",
            lambda: f"({self.int(d)} < {self.int(d)} <= {self.number(d)})",
            lambda: f"(not {self.any(d)})",
            lambda: f"({self.any(d)} {r.choice(['and', 'or'])} {self.bool(d)})",
            lambda: f"({r.choice(['a', ',', '1'])!r} {r.choice(['in', 'not in'])} {self.text(d)})",
            lambda: f"({self.text(d)} in {self.text(d)})",
            lambda: f"({self.text(d)} in ('a', '', 'abc', '12'))",
            lambda: f"({self.int(d)} in [1, 2, 30, 2.0, True])",
            lambda: f"({self.any(d)} is None)",
            lambda: f"{self.text(d)}.{r.choice(['startswith', 'endswith'])}({r.choice([repr('a'), repr(''), repr(('A', 'x')), 'PREFIX'])})",
            lambda: f"{self.text(d)}.{r.choice(['isdigit', 'isalpha'])}()",
            lambda: f"bool({self.any(d)})",
            lambda: f"(re.{r.choice(['search', 'match', 'fullmatch'])}({r.choice(PATTERNS)}, {self.text(d)}) is not None)",
            lambda: f"isinstance({self.any(d)}, {r.choice(['str', 'int', '(float, bool)'])})",
            lambda: f"any(x in {self.text(0)} for x in ('Mr', 'a', ','))",
            lambda: f"({self.bool(d)} if {self.bool(d)} else {self.bool(d)})",
        ]
        return r.choice(forms)()


PATTERNS = ["r'^[A-Z]'", "r'\\d+'", "r'a.c'", "r'\\s$'", "r'(na)+'", "r'[^,]*,'", "r'(?i)abc|mr'", "r'\\AA{2,3}\\Z'", "r'x?y*z'", "COMPILED.pattern"]

HEAD = '''"""Written by tests/awsglue/row_functions.py."""
import re

PREFIX = "a"
LIMIT = 30
TABLE = {"k": "value", "a": "first", "abc": "second"}
COMPILED = re.compile(r"[aeiou]{2}|\\\\d")


def shorten(text):
    if len(text) > 3:
        return text[:3] + "~"
    return text


def double_it(n, by=2):
    return n * by
'''

BODIES = [
    "    x = {int}\n    if x > {small}:\n        return {yes}\n    return {no}\n",
    "    try:\n        x = {int}\n    except ValueError:\n        x = -1\n    return {{'out': x + 1}} if MAP else x > {small}\n",
    "    try:\n        y = {text}\n        x = {int}\n    except (TypeError, IndexError):\n        return {no}\n    except Exception:\n        return {yes}\n    return {{'out': x}} if MAP else x\n",
    "    x = 0\n    for k in ('s', 't'):\n        if r[k]:\n            x += len(r[k])\n    return {{'out': x}} if MAP else x > 5\n",
    "    if not {text}:\n        return {no}\n    elif {bool}:\n        y = {text}\n    else:\n        y = 'other'\n    return {{'out': y}} if MAP else y != 'a'\n",
    "    r['s'] = {text}\n    r['n'] = {int}\n    del r['st']\n    if {bool}:\n        r['j'] = 5\n    return r\n",
    "    y = r.pop('t')\n    r['u'] = {text} if y is None else y.strip()\n    r.update(extra={int})\n    return r\n",
    "    if {bool}:\n        raise {error}('no')\n    return {yes}\n",
    "    assert r['i'] is not None\n    return {{**r, 'out': {text}}} if MAP else {bool}\n",
]


def source(seed: int, count: int, is_map: bool) -> str:
    """The text of a module with `count` functions f0, f1, …: predicates, or functions that return a record."""
    rng = random.Random(seed)
    writer = Writer(rng)
    parts = [HEAD, f"MAP = {is_map}\n"]
    for n in range(count):
        depth = rng.choice([1, 2, 2, 3])
        if rng.random() < 0.3:
            body = rng.choice(BODIES).format(
                int=writer.int(depth - 1),
                text=writer.text(depth - 1),
                bool=writer.bool(depth - 1),
                small=rng.choice(["0", "30", "-5"]),
                yes="{'out': 1}" if is_map else "True",
                no="None" if is_map else "False",
                error=rng.choice(["ValueError", "KeyError", "RuntimeError"]),
            )
            parts.append(f"\n\ndef f{n}(r):\n{body}")
        elif is_map:
            kind = rng.choice([writer.text, writer.int, writer.float, writer.bool])
            parts.append(f"\n\nf{n} = lambda r: {{'out': {kind(depth)}}}\n")
        else:
            parts.append(f"\n\nf{n} = lambda r: {writer.any(depth)}\n")
    return "".join(parts)
