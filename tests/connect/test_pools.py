"""What works in threads inside the engine (Python workers, parts of a write, cached relations), for many sessions at once. Also run under TSan."""

from __future__ import annotations

import pathlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyspark.errors import PySparkException

from tests.conftest import connect_mode

ROWS = 20_000
SESSIONS = 4
TURNS = 2


def functions(spark: Any, number: int) -> None:
    """A Python function over every row, and one that fails."""
    from pyspark.sql import functions as F

    plus = F.udf(lambda value: value + number, "long")
    total = spark.range(ROWS).select(plus("id").alias("n")).agg(F.sum("n")).first()[0]
    assert total == ROWS * (ROWS - 1) // 2 + ROWS * number
    fails = F.udf(lambda value: 1 // (value - ROWS // 2), "long")
    with pytest.raises(PySparkException, match="ZeroDivisionError"):
        spark.range(ROWS).select(fails("id")).collect()


def files(spark: Any, folder: pathlib.Path, number: int) -> None:
    """Rows out to text in parts, and back."""
    path = str(folder / f"rows-{number}")
    spark.range(ROWS).selectExpr("id", f"id % {number + 2} as k").write.mode("overwrite").csv(path, header=True)
    back = spark.read.csv(path, header=True, inferSchema=True)
    assert back.count() == ROWS
    back.filter("k = 1").write.mode("overwrite").json(path + "-json")
    assert spark.read.json(path + "-json").filter("k <> 1").count() == 0


def caches(spark: Any) -> None:
    """One cached relation, asked for by several threads while another one forgets it."""
    frame = spark.range(ROWS).selectExpr("id", "id * 2 as twice").cache()
    with ThreadPoolExecutor(3) as pool:
        counts = [pool.submit(lambda: frame.filter("twice >= 0").count()) for _ in range(4)]
        forgotten = pool.submit(frame.unpersist)
        assert [count.result() for count in counts] == [ROWS] * 4
        forgotten.result()
    spark.catalog.clearCache()


def test_many_sessions(engine_remote: str, spark_engine: Any, tmp_path: pathlib.Path) -> None:
    with connect_mode(True):
        from pyspark.sql.connect.session import SparkSession

        # Not stopped: pyspark 3.5 would shut down what all its sessions share.
        sessions = [SparkSession(connection=engine_remote) for _ in range(SESSIONS)]

        def work(number: int) -> None:
            for _ in range(TURNS):
                functions(sessions[number], number)
                files(sessions[number], tmp_path, number)
                caches(sessions[number])

        with ThreadPoolExecutor(SESSIONS) as pool:
            for done in [pool.submit(work, number) for number in range(SESSIONS)]:
                done.result()
