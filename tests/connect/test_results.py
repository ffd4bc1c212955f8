"""Values, types and show(), side by side with real Spark."""

from __future__ import annotations

import datetime
import decimal
import pathlib
from typing import Any, Callable

import pytest
from pyspark.sql.connect.proto import base_pb2

from tests.conftest import connect_mode
from tests.connect.raw import Client, range_plan, rows_of

SPLIT_BYTES = 8 << 20  # exec/scan.c
SCHEMA = (
    "a int, b string, c double, d decimal(10,2), e date, f timestamp, g binary, h array<int>, i map<string,double>, "
    "j struct<x:int,y:string>, k boolean, l bigint, m smallint, n tinyint, o float, p timestamp_ntz, q array<struct<u:string>>"
)
ROWS = [
    (
        1,
        "tab\tline\nend",
        2.5,
        decimal.Decimal("1.10"),
        datetime.date(2020, 1, 2),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678),
        b"\x00ab\xff",
        [1, None, 3],
        {"k": 1.0},
        (1, None),
        True,
        2**62,
        -5,
        7,
        0.1,
        datetime.datetime(2021, 1, 1),
        [("x",), None],
    ),
    (None,) * 17,
    (
        -1,
        "漢字かな한글 😀 ｆｕｌｌ",
        float("nan"),
        decimal.Decimal("-0.05"),
        datetime.date(1, 1, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59),
        b"",
        [],
        {},
        (None, "y"),
        False,
        -(2**62),
        0,
        -7,
        1e30,
        datetime.datetime(1999, 12, 31, 23, 59, 59, 999999),
        [],
    ),
]


def both(spark_classic: Any, spark_engine: Any, ask: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The same question to real Spark and to the engine."""
    with connect_mode(False):
        expected = ask(spark_classic)
    with connect_mode(True):
        return expected, ask(spark_engine)


def test_collect_all_types(spark_classic: Any, spark_engine: Any) -> None:
    expected, got = both(spark_classic, spark_engine, lambda s: s.createDataFrame(ROWS, SCHEMA).collect())
    assert repr(got) == repr(expected)


def test_schema_and_tree(spark_classic: Any, spark_engine: Any) -> None:
    expected, got = both(spark_classic, spark_engine, lambda s: s.createDataFrame(ROWS, SCHEMA).schema.json())
    assert got == expected


@pytest.mark.parametrize("truncate", [True, False, 1, 3, 4, 10, 0])
@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 20])
def test_show(spark_classic: Any, spark_engine: Any, capsys: Any, truncate: Any, vertical: bool, rows: int) -> None:
    def ask(session: Any) -> str:
        capsys.readouterr()
        session.createDataFrame(ROWS, SCHEMA).show(rows, truncate, vertical)
        return capsys.readouterr().out

    expected, got = both(spark_classic, spark_engine, ask)
    assert got == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 a, 2 a",
        "select null a, array() b, map() c, struct(1) d",
        "select array(null, 1) a, map('k', null) b, named_struct('x', null) c, array(array(1), null) d",
        "select 1e-7 a, cast(1e-7 as decimal(20,10)) b, 1e20 c, cast('a' as binary) d",
        "select interval '1' day a, interval '1-2' year to month b",
        "select 'a' `ein lange Spalte mit viel Text`, 'x' `\u6f22`",
        "select * from range(3) where id > 5",
    ],
)
def test_show_sql(spark_classic: Any, spark_engine: Any, capsys: Any, sql: str) -> None:
    def ask(session: Any) -> str:
        capsys.readouterr()
        session.sql(sql).show()
        session.sql(sql).show(vertical=True)
        return capsys.readouterr().out

    expected, got = both(spark_classic, spark_engine, ask)
    assert got == expected


def test_no_rows_and_no_columns(spark_classic: Any, spark_engine: Any) -> None:
    expected, got = both(spark_classic, spark_engine, lambda s: (s.range(0).collect(), s.range(3).select().collect()))
    assert got == expected


def test_a_string_with_a_nul_byte(spark_classic: Any, spark_engine: Any) -> None:
    from pyspark.sql import functions as F

    expected, got = both(spark_classic, spark_engine, lambda s: s.range(1).select(F.lit("a\0b").alias("x")).collect())
    assert got == expected


def test_five_million_rows(spark_engine: Any) -> None:
    with connect_mode(True):
        frame = spark_engine.range(5_000_000).selectExpr("id", "id * 0.5d as half", "concat('row ', cast(id as string)) as name")
        table = frame.toPandas()
    assert len(table) == 5_000_000
    assert table.id.sum() == 5_000_000 * 4_999_999 // 2
    assert table.name.iloc[4_999_999] == "row 4999999" and table.half.iloc[7] == 3.5


def test_a_large_file_keeps_its_order(spark_classic: Any, spark_engine: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("".join(f"{i},{i % 977},{'long text ' * 10}{i * i}\n" for i in range(250_000)), encoding="utf-8")
    assert path.stat().st_size > 3 * SPLIT_BYTES, "the engine must cut it"

    def ask(session: Any) -> Any:
        return session.read.schema("id int, rest int, note string").csv(str(path)).where("rest % 3 = 0").selectExpr("id", "substr(note, 90) n").collect()

    expected, got = both(spark_classic, spark_engine, ask)
    assert len(got) > 80_000
    assert got == expected


def test_metrics_are_observed_in_a_large_file(engine_remote: str, spark_engine: Any, tmp_path: pathlib.Path) -> None:
    rows = 3 * SPLIT_BYTES // 20
    path = tmp_path / "rows.csv"
    path.write_text("".join(f"{i:019d}\n" for i in range(rows)), encoding="utf-8")
    with connect_mode(True):
        frame = spark_engine.read.schema("id long").csv(str(path))
        plan = base_pb2.Plan()
        plan.root.collect_metrics.input.CopyFrom(frame._plan.to_proto(spark_engine.client).root)
    plan.root.collect_metrics.name = "seen"
    for text in ("count(1) as n", "max(id) as top", "sum(id) as total"):
        plan.root.collect_metrics.metrics.add().expression_string.expression = text
    responses = list(Client(engine_remote).execute(plan))
    observed = [[value.long for value in metrics.values] for response in responses for metrics in response.observed_metrics]
    assert observed == [[rows, rows - 1, rows * (rows - 1) // 2]]
    assert rows_of(iter(responses)) == rows


def test_observed_metrics_reach_the_client(engine_remote: str) -> None:
    client = Client(engine_remote)
    plan = base_pb2.Plan()
    plan.root.collect_metrics.input.CopyFrom(range_plan(10).root)
    plan.root.collect_metrics.name = "seen"
    for text in ("count(1) as n", "max(id) as top", "sum(id) as total"):
        plan.root.collect_metrics.metrics.add().expression_string.expression = text
    observed = [metrics for response in client.execute(plan) for metrics in response.observed_metrics]
    assert [metrics.name for metrics in observed] == ["seen"]
    assert [value.long for value in observed[0].values] == [10, 9, 45]


@pytest.mark.parametrize(
    "ask",
    [
        lambda f: f.drop("l").describe().collect(),
        lambda f: f.describe("b", "m").collect(),
        lambda f: f.summary("count", "min", "max").collect(),
        lambda f: f.select("e").describe().collect(),
        lambda f: f.describe().columns,
        lambda f: round(f.na.fill(0).stat.cov("a", "l") / 2**62, 9),
    ],
)
def test_statistics(spark_classic: Any, spark_engine: Any, ask: Callable[[Any], Any]) -> None:
    expected, got = both(spark_classic, spark_engine, lambda s: ask(s.createDataFrame(ROWS, SCHEMA).drop("g", "o", "c")))
    assert got == expected
