"""The rules that hang on single characters, character by character: case, digits and white space of numbers, case-insensitive patterns."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest


def coded(spark: Any, texts: list[str], f: Any) -> list[tuple[int, str]]:
    """The outcome of a compiled predicate for each text."""
    from solder.rowfn import on_engine
    from solder.rowplan import compile_filter
    from solder.rowsource import SourceReader
    from solder.rowworker import CODE

    frame = spark.createDataFrame(list(enumerate(texts)), "n int, s string")
    compiled = compile_filter(f, frame.schema, SourceReader(), on_engine())
    rows = sorted(compiled.coded(frame).collect(), key=lambda row: row["n"])
    return [(row[CODE], row["s"]) for row in rows]


@pytest.mark.parametrize("upper", [False, True], ids=["lower", "upper"])
def test_case_of_every_safe_character(spark: Any, upper: bool) -> None:
    """Characters that the compiled form changes itself come out as Python's; it leaves the others to Python."""
    from solder.outcomes import ESCAPE
    from solder.rowspark import _SAFE_CASE

    safe = [chr(c) for first, last in _SAFE_CASE for c in range(first, last + 1) if c]
    # Several characters a row, so that the rows stay few; an ASCII letter on either side.
    texts = ["a" + "".join(safe[i : i + 16]) + "Z" for i in range(0, len(safe), 16)]
    if upper:
        results = coded(spark, [f"{t}\u2603{t.upper()}" for t in texts], lambda r: r["s"].split("\u2603")[0].upper() == r["s"].split("\u2603")[1])
    else:
        results = coded(spark, [f"{t}\u2603{t.lower()}" for t in texts], lambda r: r["s"].split("\u2603")[0].lower() == r["s"].split("\u2603")[1])
    assert {code for code, _ in results} == {1}
    others = ["\u0130", "\u0149", "\u03a3", "\u03c2", "\ufb01", "\u10a0", "\u1e9e", "\ua64a", "\U00010400", "\u01c5", "\u0345"]
    results = coded(spark, others, (lambda r: r["s"].upper() == "") if upper else (lambda r: r["s"].lower() == ""))
    assert {code for code, _ in results} == {ESCAPE}


def test_digits_and_spaces_of_numbers(spark: Any) -> None:
    """Every character beside a digit: int() and float() take or refuse the text as Python does."""
    ascii_texts = [f(chr(c)) for c in range(1, 128) for f in (lambda c: "1" + c, lambda c: c + "1", lambda c: "1" + c + "2")]
    special = [c for c in range(128, sys.maxunicode + 1) if chr(c).isspace() or chr(c).isdigit() or chr(c).isdecimal()]
    texts = ascii_texts + [f(chr(c)) for c in special for f in (lambda c: c + "7", lambda c: "7" + c)]
    for name, f in (("int", lambda r: int(r["s"]) > 10), ("float", lambda r: float(r["s"]) > 10)):
        for code, text in coded(spark, texts, f):
            try:
                expected = 1 if f({"s": text}) else 0
            except ValueError:
                expected = 3
            assert code == expected, f"{name}({text!r})"


def test_strip_and_split_at_every_space(spark: Any) -> None:
    spaces = [chr(c) for c in range(1, sys.maxunicode + 1) if chr(c).isspace()]
    texts = [f"{c}a{c}{c}b{c}" for c in [*spaces, "\u200b", "\ufeff", "\u180e"]]
    for f in (lambda r: r["s"].strip()[0] == "a", lambda r: len(r["s"].split()) == 2, lambda r: r["s"].rstrip()[-1:] == "b"):
        for code, text in coded(spark, texts, f):
            assert code == int(bool(f({"s": text}))), repr(text)


def test_letters_that_match_without_case() -> None:
    """The list of characters beyond ASCII that an ASCII letter matches under IGNORECASE is complete."""
    from solder.rowregex import _MORE_CASES

    letters = re.compile("[a-z]", re.IGNORECASE)
    found = {chr(c) for c in range(128, sys.maxunicode + 1) if letters.fullmatch(chr(c))}
    assert found == set("".join(_MORE_CASES.values()))


def test_patterns(spark: Any) -> None:
    """Rewritten patterns match the texts that Python's do."""
    from solder.rowregex import portable

    patterns = ["^a", "a$", "^a$", "a\\Z", "\\d", "\\s", "\\S", "[^\\s,]+,", ".", "^.$", "a|^b", "(?i)kelvin", "(?i)Is", "x{2,3}?y", "[\\]\\-a]", "\\.", "(?s).$", "\\D"]
    texts = ["", "a", "b", "ab", "ba", "a\n", "\n", "a\r", "\u2028", "a b", "a,b", " ,", "\u0663", "\u00a0", "\u212aELVIN", "kelvin", "\u0131S", "\u0130\u017f", "xxy", "xxxxy", "]", "-", "."]
    texts += ["\x85", "a\x85", "\U0001f600", "\x1c"]
    frame = spark.createDataFrame([(t,) for t in texts], "s string")
    from pyspark.sql import functions as F

    wanted = [(p, how) for p in patterns for how in ("search", "match", "fullmatch")]
    columns = [F.col("s").rlike(portable(p, 0, how)).alias(f"c{i}") for i, (p, how) in enumerate(wanted)]
    for row in frame.select("s", *columns).collect():
        for i, (pattern, how) in enumerate(wanted):
            assert row[f"c{i}"] == bool(getattr(re, how)(pattern, row["s"])), f"re.{how}({pattern!r}, {row['s']!r})"
