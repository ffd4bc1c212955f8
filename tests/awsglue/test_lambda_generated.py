"""Thousands of random (function, record) pairs, run by Python and as compiled columns, must come out the same: values and exceptions."""

from __future__ import annotations

import importlib.util
import pathlib
import warnings
from typing import Any, Callable, Iterator

import pytest

from tests.awsglue.row_functions import SCHEMA, records, source
from tests.conftest import connect_mode

FUNCTIONS = 60
RECORDS = 60
BATCH = 15


@pytest.fixture(params=["classic", "engine"])
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session, of either kind, that interprets expressions: compiling thousands of them to Java takes far longer than running them."""
    spark = request.getfixturevalue(f"spark_{request.param}")
    engine = request.param == "engine"
    with connect_mode(engine):
        settings = {} if engine else {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
        before = {name: spark.conf.get(name, None) for name in settings}
        for name, value in settings.items():
            spark.conf.set(name, value)
        yield spark, engine
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def load(path: pathlib.Path, text: str) -> Any:
    """A module made of this text."""
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        # `7 is None` and the like: the random functions are odd, not wrong.
        warnings.simplefilter("ignore", SyntaxWarning)
        spec.loader.exec_module(module)
    return module


def record_of(row: tuple, names: list[str]) -> Any:
    """The record that a function gets for a row."""
    from solder.record import DynamicRecord

    values = dict(zip(names, row))
    if values["st"] is not None:
        values["st"] = DynamicRecord(u=values["st"][0], v=values["st"][1])
    return DynamicRecord(values)


def interpreted(f: Callable, record: Any, fitter: Any) -> tuple[int, Any]:
    """The outcome code that Python gives, and for a map the fields as they are stored."""
    from solder import outcomes
    from solder.valuetypes import fit_value

    try:
        result = f(record)
        if fitter is None:
            return (outcomes.KEEP if result else outcomes.DROP), None
        if not result:
            return outcomes.NOTHING, None
    except Exception as raised:
        return outcomes.code_of(raised), None
    misfit = fitter.misfit(result)
    if misfit is not None:
        return outcomes.code_of(misfit), None
    return outcomes.KEEP, [repr(plain(fit_value(result.get(name), fitter.types[name], "UTC"))) for name in fitter.names]


def plain(value: Any) -> Any:
    """A stored value, whatever library made it; all NaN are alike."""
    if hasattr(value, "asDict"):
        return value.asDict(recursive=True)
    return float("nan") if value != value else value


def evaluated(compiled: dict[str, Any], frame: Any) -> dict[str, list[tuple[int, Any]]]:
    """For each compiled function its outcome on every row: all of them side by side in one pass."""
    from pyspark.sql import functions as F

    from solder.rowworker import CODE

    have: tuple[str, ...] = ()
    sizes = {}
    for name, one in compiled.items():
        sizes[name] = len(getattr(one, "columns", ()))
        mine = [(CODE, f"{name}_code"), *((f"__solder_r{i}", f"{name}_{i}") for i in range(sizes[name]))]
        frame = one.coded(frame, also=have).select(*one.names, *have, *(F.col(old).alias(new) for old, new in mine))
        have += tuple(new for _, new in mine)
    rows = sorted(frame.collect(), key=lambda row: row["row"])
    return {name: [(row[f"{name}_code"], [repr(plain(row[f"{name}_{i}"])) for i in range(size)]) for row in rows] for name, size in sizes.items()}


def compare(module: Any, session: Any, engine: bool, is_map: bool, count: int, seed: int) -> tuple[list[str], dict[str, int]]:
    """The differences between both ways, and what was counted."""
    from pyspark.sql.types import _parse_datatype_string

    from solder import outcomes
    from solder.rowir import NotCompiled
    from solder.rowplan import compile_filter, compile_map
    from solder.rowsource import SourceReader

    rows = records(seed, RECORDS)
    frame = session.createDataFrame(rows, SCHEMA)
    schema = frame.schema
    names = [field.name for field in schema.fields]
    counts = {"compiled": 0, "refused": 0, "pairs": 0, "escaped": 0, "raised": 0}
    differences: list[str] = []
    reader = SourceReader()
    warnings.simplefilter("ignore", SyntaxWarning)
    batch: dict[str, Any] = {}
    for n in range(count):
        name = f"f{n}"
        try:
            batch[name] = (compile_map if is_map else compile_filter)(getattr(module, name), schema, reader, engine)
            counts["compiled"] += 1
        except NotCompiled:
            counts["refused"] += 1
        if batch and (len(batch) == BATCH or n == count - 1):
            found = evaluated(batch, frame)
            for function, one in batch.items():
                fitter = one.fitter("UTC") if is_map else None
                for row, (code, values) in zip(rows, found[function]):
                    counts["pairs"] += 1
                    if code == outcomes.ESCAPE:
                        counts["escaped"] += 1
                        continue
                    expected = interpreted(getattr(module, function), record_of(row, names), fitter)
                    counts["raised"] += outcomes.FIRST_RAISED <= expected[0] <= outcomes.LAST_RAISED
                    if code != expected[0] or (is_map and code == outcomes.KEEP and values != expected[1]):
                        differences.append(f"{function} on {row}: Python {expected}, compiled {(code, values)}")
            batch = {}
    return differences, counts


@pytest.mark.parametrize("is_map", [False, True], ids=["filter", "map"])
def test_both_ways_agree(session: Any, tmp_path: pathlib.Path, is_map: bool) -> None:
    spark, engine = session
    seed = 20 + is_map
    text = source(seed, FUNCTIONS, is_map)
    module = load(tmp_path / "generated.py", text)
    differences, counts = compare(module, spark, engine, is_map, FUNCTIONS, seed)
    print(counts)
    assert not differences, f"{len(differences)} of {counts['pairs']} pairs differ; the first:\n" + "\n".join(differences[:10])
    # The test means something only while most functions compile, some of them raise, and few rows are left to Python.
    assert counts["compiled"] > FUNCTIONS * 0.6
    assert counts["raised"] > counts["pairs"] * 0.05
    assert counts["escaped"] < counts["pairs"] * 0.1


def test_a_wrong_rule_is_found(session: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from solder.rowspark import Backend

    spark, engine = session
    module = load(tmp_path / "generated.py", source(20, 45, False))

    def less_or_equal(self: Any, node: Any, a: Any, b: Any) -> Any:
        return self.column(a) <= self.column(b)

    monkeypatch.setattr(Backend, "op_lt", less_or_equal)
    differences, _ = compare(module, spark, engine, False, 45, 20)
    assert differences
