"""Row functions that Python workers run: what the records hold for every type, and which columns the results become."""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Callable

import pytest

SCHEMA = (
    "id int, b boolean, t tinyint, l bigint, f float, d double, n decimal(10,2), s string, x binary, day date, at timestamp, "
    "list array<int>, m map<string,int>, st struct<a:int,inner:struct<c:string>>"
)
ROW = (
    *(1, True, 3, 2**40, 0.5, 1.25, decimal.Decimal("12.50"), "text", bytearray(b"\x00\xff"), datetime.date(2020, 2, 29)),
    *(datetime.datetime(2021, 6, 5, 4, 3, 2, 1), [1, None], {"k": 5}, (7, ("deep",))),
)
EMPTY = (2, *[None] * 13)


@pytest.fixture
def frame(spark: Any) -> Any:
    """A row with a value of every type, and one with none."""
    return spark.createDataFrame([ROW, EMPTY], SCHEMA)


def mapped(frame: Any, f: Callable) -> Any:
    """What a worker makes of the frame."""
    from solder.rowfn import MapPlan

    return MapPlan(f, frame.schema, "job.py:1", None, "the test wants a worker").apply(frame)


def seen(row: Any) -> dict:
    """The Python types that a record holds."""
    return {"id": row["id"], "seen": ", ".join(f"{name} {type(value).__name__}" for name, value in row.items())}


def test_values_of_records(frame: Any) -> None:
    rows = {row["id"]: row["seen"] for row in mapped(frame, seen).kept.collect()}
    assert rows[1] == (
        "id int, b bool, t int, l int, f float, d float, n Decimal, s str, x bytes, day date, at datetime, list list, m dict, st DynamicRecord"
    )
    assert rows[2] == "id int, " + ", ".join(f"{name} NoneType" for name in "b t l f d n s x day at list m st".split())


def test_values_as_they_were(frame: Any) -> None:
    """Handing every field on, in a dict of the function's own or in the record, changes nothing."""
    for f in (lambda row: dict(row), lambda row: row, lambda row: row.update(list=(row["list"] or []) + []) or row):
        kept = mapped(frame, f).kept
        one, two = sorted(kept.collect(), key=lambda row: row["id"])
        assert one["st"]["inner"]["c"] == "deep" and one["at"] == ROW[10] and one["day"] == ROW[9] and one["list"] == [1, None]
        assert one["n"] == ROW[6] and bytes(one["x"]) == b"\x00\xff" and one["m"] == {"k": 5} and one["l"] == 2**40
        assert two["at"] is None and two["st"] is None


def test_attributes_of_structs(frame: Any) -> None:
    """A struct in a record has attributes; a struct in a struct is a plain dict."""
    kept = mapped(frame, lambda row: {"a": row.st.a, "c": row.st.inner["c"]}).kept
    assert [tuple(row) for row in kept.collect()] == [(7, "deep")]
    errors = mapped(frame, lambda row: {"c": row.st.inner.c}).errors.collect()
    assert sorted(row["msg"] for row in errors) == ["'NoneType' object has no attribute 'inner'", "'dict' object has no attribute 'c'"]


def changing(row: Any) -> dict:
    """Values whose types differ from record to record."""
    first = row["id"] == 1
    return {"number": 1 if first else 2.5, "mixed": 1 if first else "x", "maybe": None if first else True, "nested": {"k": [1] if first else [2.5]}}


def test_types_that_disagree(frame: Any) -> None:
    kept = mapped(frame, changing).kept
    assert kept.schema.simpleString() == "struct<number:double,mixed:string,maybe:boolean,nested:struct<k:array<double>>>"
    rows = sorted((tuple(row) for row in kept.collect()), key=lambda row: row[0])
    assert [row[:3] for row in rows] == [(1.0, "1", None), (2.5, "x", True)]
    assert rows[1][3]["k"] == [2.5]


def test_results_that_come_too_late(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types come from the first records; what does not fit later makes an error record."""
    from solder import rowfn

    monkeypatch.setattr(rowfn, "SAMPLE_ROWS", 2)
    frame = spark.createDataFrame([(n,) for n in range(6)], "n int").coalesce(1)

    def late(row: Any) -> Any:
        values = [1, 2, "three", 2**70, 5, 6]
        result = {"v": values[row["n"]]}
        if row["n"] == 4:
            result["new"] = 1
        return result

    outcome = mapped(frame, late)
    assert sorted(row["v"] for row in outcome.kept.collect()) == [1, 2, 6]
    errors = {row["record"]["n"]: row["msg"] for row in outcome.errors.collect()}
    assert "str value 'three' does not fit a column of type bigint" in errors[2]
    assert "does not fit a column of type bigint" in errors[3]
    assert "'new'" in errors[4]


def test_no_result_at_all(frame: Any) -> None:
    outcome = mapped(frame, lambda row: 1 / 0)
    assert outcome.kept.collect() == []
    assert outcome.kept.columns == frame.columns
    assert {row["msg"] for row in outcome.errors.collect()} == {"division by zero"}


def test_a_result_that_is_no_record(frame: Any) -> None:
    outcome = mapped(frame, lambda row: "text")
    assert outcome.kept.collect() == []
    assert "returned str instead of DynamicRecord" in outcome.errors.collect()[0]["msg"]


def test_an_empty_frame(frame: Any) -> None:
    from solder.rowfn import FilterPlan

    nothing = frame.limit(0)
    assert mapped(nothing, lambda row: {"a": 1}).kept.collect() == []
    assert FilterPlan(lambda row: True, frame.schema, "", None, "worker").apply(nothing).kept.collect() == []
