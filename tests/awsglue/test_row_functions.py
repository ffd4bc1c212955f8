"""How functions over records run: which compile, what they keep, what they count, what becomes an error record."""

from __future__ import annotations

import json
import re
from typing import Any, Callable

import pytest

ROWS = [
    ("1", "Al Gore", "40", 2.5, 7),
    ("2", "  bo ", "", None, 0),
    ("3", "Cy", "0.92", 0.0, None),
    ("4", None, "29", -1.5, -7),
    ("5", "Ed", "99999999999999999999", 1e300, 2**40),
    ("6", "\u00c9va, X", None, 0.1, 3),
]
SCHEMA = "id string, name string, age string, x double, n bigint"
LIMIT = 30
TITLES = {"Al Gore": "Mr", "Ed": "Sir"}
WORD = re.compile(r"[A-Z][a-z]+")


def helper(text: str, by: int = 1) -> int:
    """A function of the script that a predicate calls."""
    return len(text) * by


def adult(row: Any) -> bool:
    """A predicate in several statements."""
    if not row["age"]:
        return False
    try:
        age = int(row["age"])
    except ValueError:
        return False
    return age > LIMIT


COMPILED: list[Callable] = [
    lambda row: row["age"] and int(row["age"]) > 30,
    lambda row: row.age and int(row.age) > LIMIT,
    lambda row: int(row.get("age", "0") or 0) % 7 == 5,
    lambda row: "name" in row and row["name"] is not None and row["name"].strip().lower().startswith("b"),
    lambda row: row["name"].upper().endswith("E"),
    lambda row: row["name"].replace(" ", "").split(",")[0] == "Cy",
    lambda row: "Go" in row["name"],
    lambda row: row["x"] // 1 + row["x"] % 2 > -2,
    lambda row: 0 <= row["n"] < 10 and abs(row["n"]) >= 3,
    lambda row: float(row["age"]) / 2 >= 14.5,
    lambda row: round(row["x"]) == 2 or bool(row["x"]),
    lambda row: min(row["n"], 5) + max(row["n"], -5) > 0,
    lambda row: f"{row['id']}-{row['n']}" == "1-7",
    lambda row: str(row["n"]) in ("7", "0"),
    lambda row: (row["name"] or "nobody") == "nobody",
    lambda row: True if row["x"] is None else row["x"] < 1,
    lambda row: re.match(r"[A-Z]\w*$", row["name"], re.ASCII),
    lambda row: WORD.search(row["name"]) and helper(row["name"], by=2) > 4,
    lambda row: TITLES.get(row["name"]) == "Sir",
    lambda row: any(part in row["name"] for part in ("Al", "Ed")),
    lambda row: row["nothing"],
    lambda row: row["name"][0] == "A" and row["name"][-1:] == "e",
    lambda row: not row["age"] or int(row["age"]) * int(row["age"]) > 1000,
    adult,
]

INTERPRETED: list[tuple[Callable, str]] = [
    (lambda row: sorted(row["name"])[0] == " ", "sorted"),
    (lambda row: row["x"] ** 0.5 > 1, "**"),
    (lambda row: "%5s" % row["id"] == "    1", "%"),
    (lambda row: [c for c in row["name"] if c == "A"], "ListComp"),
    (lambda row: {row["id"]: 1}, "field"),
]


def expected(f: Callable) -> tuple[list[str], list[str]]:
    """The ids that Glue keeps, and those that it makes error records of."""
    from solder.record import DynamicRecord

    names = ["id", "name", "age", "x", "n"]
    kept, errors = [], []
    for row in ROWS:
        try:
            if f(DynamicRecord(zip(names, row))):
                kept.append(row[0])
        except (KeyError, ValueError, TypeError):
            pass
        except Exception:
            errors.append(row[0])
    return kept, errors


def check(plan: Any, frame: Any, f: Callable) -> None:
    """The plan keeps what it should, in order, and gives the error records."""
    kept, errors = expected(f)
    outcome = plan.apply(frame)
    assert sorted(row["id"] for row in outcome.kept.collect()) == kept
    assert outcome.kept.schema == frame.schema
    if not errors and f not in (adult, COMPILED[0], INTERPRETED[0][0]):
        return
    found = outcome.errors.collect()
    assert sorted(row["record"]["id"] for row in found) == errors
    assert all(row["msg"] and "line" in row["exception"] for row in found)


@pytest.fixture
def frame(spark: Any) -> Any:
    """The rows."""
    return spark.createDataFrame(ROWS, SCHEMA)


@pytest.mark.parametrize("f", COMPILED, ids=range(len(COMPILED)))
def test_compiles(frame: Any, f: Callable) -> None:
    from solder.rowfn import plan_filter

    plan = plan_filter(f, frame.schema, "job.py:1")
    assert (plan.way, plan.why) == ("compiled", "")
    check(plan, frame, f)


@pytest.mark.parametrize("f, why", INTERPRETED, ids=range(len(INTERPRETED)))
def test_says_why_not(frame: Any, f: Callable, why: str) -> None:
    from solder.rowfn import plan_filter

    plan = plan_filter(f, frame.schema, "job.py:1")
    assert plan.way == "worker"
    assert why in plan.why
    check(plan, frame, f)


def test_source_text() -> None:
    from pyspark.sql.types import StructType

    from solder.rowfn import plan_filter

    plans = [plan_filter(f, StructType(), "") for f in (lambda row: row["a"] == 1, lambda row: row["a"] == 2)]
    assert [plan.code for plan in plans] == ["lambda row: row[\"a\"] == 1", "lambda row: row[\"a\"] == 2"]


def test_without_source(frame: Any) -> None:
    from solder.rowfn import plan_filter

    f = eval("lambda row: row['id'] == '1'")
    plan = plan_filter(f, frame.schema, "job.py:1")
    assert plan.way == "worker"
    assert "source" in plan.why or "text" in plan.why
    check(plan, frame, f)


def mapped(record: Any) -> Any:
    """A map that assigns, deletes, and fails on some records."""
    if record["id"] == "2":
        return None
    record["age"] = int(record["age"])
    record["name"] = (record["name"] or "?").strip()
    record["twice"] = record["x"] * 2
    del record["n"]
    return record


def opaque(record: Any) -> Any:
    """The same, in a way that is not compiled."""
    keys = list(record.keys())
    assert keys
    return mapped(record)


@pytest.mark.parametrize("f, way", [(mapped, "compiled"), (opaque, "worker")])
def test_map(frame: Any, f: Callable, way: str) -> None:
    from solder.rowfn import plan_map

    plan = plan_map(f, frame.schema, "job.py:1")
    assert plan.way == way, plan.why
    outcome = plan.apply(frame)
    assert outcome.kept.schema.simpleString() == "struct<id:string,name:string,age:bigint,x:double,twice:double>"
    assert sorted(map(tuple, outcome.kept.collect())) == [("1", "Al Gore", 40, 2.5, 5.0), ("4", "?", 29, -1.5, -3.0)]
    errors = {row["record"]["id"]: row["msg"] for row in outcome.errors.collect()}
    assert errors["2"] == "User-specified function returned None instead of DynamicRecord"
    assert "invalid literal" in errors["3"]
    assert "does not fit" in errors["5"]
    assert "int()" in errors["6"]


@pytest.mark.parametrize("f", [adult, lambda row: int(row["age"]) > 30, lambda row: 1 / row["n"] and row["x"] ** 2 > 0], ids=["no raise", "raise", "worker"])
def test_counts(spark_classic: Any, f: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The observed metrics say what happened; read with Spark's own Observation."""
    from pyspark.sql import Observation

    from solder import rowfn
    from tests.conftest import connect_mode

    with connect_mode(False):
        frame = spark_classic.createDataFrame(ROWS, SCHEMA)
        plan = rowfn.plan_filter(f, frame.schema, "job.py:7")
        seen: list[Observation] = []
        plain = type(frame).observe

        def observe(self: Any, name: Any, *columns: Any) -> Any:
            if isinstance(name, str) and name.startswith("solder:"):
                about = json.loads(name[len("solder:") :])
                assert (about["kind"], about["site"], about["way"]) == ("filter", "job.py:7", plan.way)
                assert "row" in about["code"]
                seen.append(Observation(name))
                return plain(self, seen[-1], *columns)
            return plain(self, name, *columns)

        monkeypatch.setattr(type(frame), "observe", observe)
        plan.apply(frame).kept.collect()
        counted = seen[0].get
    kept, errors = expected(f)
    raised = {}
    from solder.record import DynamicRecord

    for row in ROWS:
        try:
            f(DynamicRecord(zip(["id", "name", "age", "x", "n"], row)))
        except Exception as problem:
            raised[type(problem).__name__] = raised.get(type(problem).__name__, 0) + 1
    assert counted["rows"] == len(ROWS)
    assert counted["kept"] == len(kept)
    assert counted["errors"] == len(errors)
    assert counted["raised"] == sum(raised.values())
    assert {name: counted[f"raised_{name}"] for name in raised} == raised


def test_lazy_record_is_a_dict() -> None:
    """A LazyRecord answers as a dict with all the fields does."""
    import copy
    import pickle

    import pyarrow as pa

    from solder.record import BatchColumns, DynamicRecord, TrackedRecord, set_at, set_columns, written_fields

    batch = pa.record_batch({"a": [1, 2], "b": ["x", None], "c": [[1], [2]]})

    def fresh() -> Any:
        record = TrackedRecord.__new__(TrackedRecord)
        set_columns(record, BatchColumns(batch, batch.schema.names))
        set_at(record, 1)
        # As the workers do: see _records.
        dict.__setitem__(record, "a", 2)
        return record

    full = {"a": 2, "b": None, "c": [2]}
    assert fresh() == full and full == fresh() and fresh() == fresh()
    assert list(fresh()) == ["a", "b", "c"] and len(fresh()) == 3 and fresh()
    assert dict(fresh()) == full and {**fresh()} == full and fresh().copy() == full
    assert repr(fresh()) == repr(full) and json.dumps(fresh()) == json.dumps(full)
    assert "a" in fresh() and "z" not in fresh() and fresh().get("z", 5) == 5 and fresh().get("b", 5) is None
    assert fresh() | {"z": 1} == {**full, "z": 1}
    assert pickle.loads(pickle.dumps(fresh())) == full and copy.deepcopy(fresh()) == full
    record = fresh()
    record.z = record["b"]
    record["a"] = 9
    assert list(record.items()) == [("a", 9), ("b", None), ("c", [2]), ("z", None)]
    assert written_fields(record) == {"z", "a"}
    assert record.pop("a") == 9 and record.setdefault("a", 4) == 4
    del record["b"]
    assert list(record) == ["c", "z", "a"]
    with pytest.raises(KeyError):
        record["b"]
    with pytest.raises(AttributeError):
        record.b
    record.clear()
    assert not record and isinstance(record, DynamicRecord)
