"""The oracle: every case of tests/cases, and a matrix of casts, on real Spark 3.5 and on the engine; nothing is remembered output.

Compared are column names, types, nullability, values (doubles bit by bit unless the case says approx) and, when a query fails, the error's class.
A case marked known-gap that passes fails the build. Every function of spec/functions must be in a case.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import math
import pathlib
import re
import struct
from typing import Any, Iterator

import pytest

from tests.conftest import connect_mode
from tests.spark.cases import Case, Expression, all_cases
from tests.spark.inputs import VIEWS, rows_of, schema_of

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
CASES = all_cases()
COUNTS = {"passed": 0, "gaps": 0}


class Side:
    """One of the two engines."""

    def __init__(self, session: Any, is_connect: bool) -> None:
        self.session = session
        self.is_connect = is_connect
        self.views: set[str] = set()

    @contextlib.contextmanager
    def active(self) -> Iterator[Any]:
        """The session, with pyspark's functions speaking its dialect."""
        with connect_mode(self.is_connect):
            yield self.session

    def ensure_view(self, view: str) -> None:
        """Makes a view of inputs.py unless it is there."""
        if view not in self.views:
            with self.active() as spark:
                spark.createDataFrame(rows_of(view), schema_of(view)).createOrReplaceTempView(view)
            self.views.add(view)


@pytest.fixture(scope="session")
def sides(spark_classic: Any, spark_engine: Any) -> tuple[Side, Side]:
    """Real Spark and the engine."""
    return Side(spark_classic, False), Side(spark_engine, True)


class Outcome:
    """What a query came to."""

    def __init__(self, schema: Any = None, rows: Any = None, error: str = "", message: str = "") -> None:
        self.schema, self.rows, self.error, self.message = schema, rows, error, message


def error_class(error: Exception) -> str:
    """[CLASS.SUBCLASS] of a Spark message, or the exception's type."""
    text = str(error)
    found = re.search(r"\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\]", text)
    return found.group(1) if found else type(error).__name__


def run(side: Side, make: Any) -> Outcome:
    """Runs make(spark) → DataFrame and collects it."""
    with side.active() as spark:
        try:
            frame = make(spark)
            return Outcome(frame.schema, [tuple(row) for row in frame.collect()])
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            return Outcome(error=error_class(error), message=str(error)[:1500])


def plain(value: Any, approx: bool) -> Any:
    """A value that compares as Spark's values should: floats by bits, NaN one value."""
    if isinstance(value, float):
        if math.isnan(value):
            return ("float", "NaN")
        if approx:
            return ("float", f"{value:.11e}" if value else "0")
        return ("float", struct.pack(">d", value).hex())
    if isinstance(value, decimal.Decimal):
        return ("decimal", str(value))
    if isinstance(value, (bytes, bytearray)):
        return ("bytes", bytes(value).hex())
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, dict):
        return ("map", sorted(((plain(k, approx), plain(v, approx)) for k, v in value.items()), key=repr))
    if isinstance(value, (list,)):
        return ("list", [plain(v, approx) for v in value])
    if isinstance(value, tuple):
        return ("row", [plain(v, approx) for v in value])
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return (type(value).__name__, str(value))
    return (type(value).__name__, value)


def field_text(field: Any, with_name: bool) -> str:
    """Name, type and nullability."""
    name = field.name if with_name else "_"
    return f"{name}: {field.dataType.json()} {'null' if field.nullable else 'not null'}"


def difference(spark: Outcome, engine: Outcome, approx: bool, ordered: bool, names: bool) -> str:
    """Empty when both are the same, else what is not."""
    if spark.error or engine.error:
        if spark.error == engine.error:
            return ""
        return f"Spark: {spark.error or 'rows'}; engine: {engine.error or 'rows'}\n  Spark says: {spark.message}\n  engine says: {engine.message}"
    want = [field_text(field, names) for field in spark.schema.fields]
    have = [field_text(field, names) for field in engine.schema.fields]
    if want != have:
        return "schema differs\n  Spark:  " + "\n          ".join(want) + "\n  engine: " + "\n          ".join(have)
    a = [plain(row, approx) for row in spark.rows]
    b = [plain(row, approx) for row in engine.rows]
    if not ordered:
        a.sort(key=repr)
        b.sort(key=repr)
    if len(a) != len(b):
        return f"Spark has {len(a)} rows, the engine {len(b)}\n  Spark: {a[:5]}\n  engine: {b[:5]}"
    wrong = [f"  Spark:  {x}\n  engine: {y}" for x, y in zip(a, b) if x != y]
    return "" if not wrong else f"{len(wrong)} of {len(a)} rows differ, the first:\n" + "\n".join(wrong[:6])


def make_frame(case: Case) -> Any:
    """A function of a session that gives the case's DataFrame."""

    def make(spark: Any) -> Any:
        if not case.is_python:
            return spark.sql(case.body)
        from pyspark.sql import Window, types

        from pyspark.sql import functions

        scope: dict[str, Any] = {"spark": spark, "F": functions, "T": types, "Window": Window}
        exec(compile(case.body[len("python:") :].lstrip("\n"), case.id, "exec"), scope)  # noqa: S102 - our own case files
        return scope["df"]

    return make


def judge(wrong: str, gap: str, what: str) -> str:
    """Counts; a message when the build must fail."""
    if gap:
        COUNTS["gaps"] += 1
        return "" if wrong else f"{what}: passes, but is marked known-gap ({gap}): take the mark away"
    if not wrong:
        COUNTS["passed"] += 1
        return ""
    return f"{what}: {wrong}"


def run_expressions(side: Side, view: str, expressions: list[Expression], zone: str) -> list[Outcome]:
    """Each expression over the view, all in one query if none fails."""
    side.ensure_view(view)

    def query(some: list[Expression]) -> Any:
        return lambda spark: spark.sql(f"SELECT i, {', '.join(e.text for e in some)} FROM {view}")

    whole = run(side, query(expressions))
    if whole.error and len(expressions) > 1:  # halve until what fails stands alone
        half = len(expressions) // 2
        return [*run_expressions(side, view, expressions[:half], zone), *run_expressions(side, view, expressions[half:], zone)]
    if whole.error:
        return [whole]
    parts = []
    for k in range(len(expressions)):
        schema = type(whole.schema)([whole.schema.fields[0], whole.schema.fields[k + 1]])
        parts.append(Outcome(schema, [(row[0], row[k + 1]) for row in whole.rows]))
    return parts


def check_expressions(sides: tuple[Side, Side], view: str, expressions: list[Expression], approx: bool, names: bool, zone: str) -> list[str]:
    """What is wrong with the expressions of one block."""
    with zoned(sides, zone):
        spark = run_expressions(sides[0], view, expressions, zone)
        engine = run_expressions(sides[1], view, expressions, zone)
    bad = []
    for k, expression in enumerate(expressions):
        wrong = difference(spark[k], engine[k], approx or expression.approx, False, names)
        text = judge(wrong, expression.gap, expression.text)
        if text:
            bad.append(text)
    return bad


@contextlib.contextmanager
def zoned(sides: tuple[Side, Side], zone: str) -> Iterator[None]:
    """Both sessions in a time zone."""
    if zone:
        for side in sides:
            side.session.conf.set("spark.sql.session.timeZone", zone)
    try:
        yield
    finally:
        if zone:
            for side in sides:
                side.session.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case(case: Case, sides: tuple[Side, Side]) -> None:
    """One case on both sides."""
    approx = "approx" in case.marks
    names = "no-names" not in case.marks
    zone = case.marks.get("timezone", "")
    if "over" in case.marks:
        bad = check_expressions(sides, case.marks["over"], case.expressions, approx, names, zone)
        assert not bad, "\n" + "\n".join(bad)
        return
    for view in VIEWS:
        if re.search(rf"\b{view}\b", case.body):
            for side in sides:
                side.ensure_view(view)
    with zoned(sides, zone):
        spark, engine = (run(side, make_frame(case)) for side in sides)
    wrong = difference(spark, engine, approx, "ordered" in case.marks, names)
    text = judge(wrong, case.marks.get("known-gap", ""), case.id)
    assert not text, text


# ---- the matrix of casts -----------------------------------------------------------------------------------------------------------------

TARGETS = ["boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "decimal(38,18)", "decimal(3,0)", "string", "binary",
           "date", "timestamp", "timestamp_ntz"]
SOURCES = {"booleans": "b", "bytes": "x", "shorts": "x", "ints": "x", "longs": "x", "floats": "x", "doubles": "x", "decimals": "x", "smalls": "x",
           "wides": "x", "strings": "s", "binaries": "x", "dates": "d", "timestamps": "t", "ntzs": "t"}
# (view, target) → why the engine is known to differ
CAST_GAPS: dict[tuple[str, str], str] = {}


@pytest.mark.parametrize("view", SOURCES)
@pytest.mark.parametrize("word", ["cast", "try_cast"])
def test_casts(view: str, word: str, sides: tuple[Side, Side]) -> None:
    """Every type to every type, over the edge values; refused pairs are refused alike."""
    column = SOURCES[view]
    # A timestamp beyond what Python's datetime holds can't be collected: it is compared as text.
    expressions = []
    for target in TARGETS:
        text = f"{word}({column} AS {target})"
        if target.startswith("timestamp") and view in ("ints", "longs", "floats", "doubles", "decimals", "wides"):
            text = f"cast({text} AS string)"
        if target.startswith(("date", "timestamp")) and view in ("strings", "dates"):
            text = f"cast({text} AS string)"
        expressions.append(Expression(text, gap=CAST_GAPS.get((view, target), "") if word == "cast" else ""))
    bad = check_expressions(sides, view, expressions, False, True, "")
    assert not bad, "\n" + "\n".join(bad)


# ---- completeness ------------------------------------------------------------------------------------------------------------------------

OPERATORS = {"!": "!", "%": " % ", "&": " & ", "*": " * ", "+": " + ", "-": " - ", "/": " / ", "<": " < ", "<=": " <= ", "<=>": " <=> ", "=": " = ",
             "==": " == ", ">": " > ", ">=": " >= ", "^": " ^ ", "and": " and ", "div": " div ", "ilike": " ilike ", "in": " in (", "like": " like ", "not": "not ",
             "or": " or ", "rlike": " rlike ", "|": " | ", "||": " || ", "~": "~", "isnull": " is null", "isnotnull": " is not null", "!=": " != ",
             "<>": " <> ", "regexp": " regexp "}


# Rows that are reached by syntax alone: a[0], m['k'], s.field of an array of structs (collection.cases has them).
# And what dates, timestamps and intervals make of + and - (datetime.cases: intervals).
SYNTAX = {"getarrayitem", "getmapvalue", "getarraystructfields", "subtract_dates", "subtract_timestamps", "time_add", "time_sub",
          "timestamp_add_ym_interval", "timestamp_sub_ym_interval", "date_add_ym_interval", "date_sub_ym_interval", "extractansiintervaldays",
          "extractansiintervalyears", "extractansiintervalmonths", "extractansiintervalhours", "extractansiintervalminutes", "extractansiintervalseconds",
          "dayofweekiso", "yearofweek", "secondwithfraction"}


def registry_names() -> list[str]:
    """Every name of spec/functions."""
    names = []
    for path in sorted((REPOSITORY / "spec" / "functions").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            if line.strip() and not line.startswith("# "):
                names.append(line.split("\t")[0])
    return names


def test_every_function_has_a_case() -> None:
    """Each row of the registry is named in a case; engine-only functions (solder_…) have their tests in tests/unit and tests/rowfn."""
    text = "\n".join(case.body for case in CASES).lower()
    called = set(re.findall(r"([a-z_][a-z0-9_]*)\s*\(", text))
    missing = []
    for name in registry_names():
        if name.startswith("solder_") or name in called or name in SYNTAX:
            continue
        if name in OPERATORS and OPERATORS[name] in text:
            continue
        missing.append(name)
    print(f"registry: {len(registry_names())} rows, {len(registry_names()) - len(missing)} with a case")
    assert not missing, f"functions without a case in tests/cases: {' '.join(missing)}"


def test_counts() -> None:
    """Prints what the oracle compared (with -s, or in the report of a failure)."""
    print(f"\noracle: {COUNTS['passed']} comparisons passed, {COUNTS['gaps']} known gaps, {len(CASES)} cases of {len(VIEWS)} inputs")
