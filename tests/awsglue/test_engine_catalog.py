"""The engine's own catalog and buckets, as a job gets at them: only the engine has these."""

from __future__ import annotations

import json
import os
from typing import Any, Iterator

import pytest

from awsglue.errors import EntityNotFoundException
from tests.awsglue.conftest import CSV, rows
from tests.conftest import connect_mode


@pytest.fixture
def glue(engine: Any, spark_engine: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A GlueContext that asks the engine for its tables."""
    if os.environ.get("SOLDER_TEST_REMOTE"):
        pytest.skip("another Spark Connect server has no such catalog")
    monkeypatch.setenv("SOLDER_ENGINE", "1")
    with connect_mode(True):
        from awsglue.context import GlueContext

        yield GlueContext(spark_engine)


@pytest.fixture
def sales(engine: Any, tmp_path: Any) -> str:
    """A partitioned csv table in a bucket; its database's name."""
    name = f"db_{os.path.basename(tmp_path).lower().replace('-', '_')}"
    bucket = f"b-{abs(hash(str(tmp_path)))}"
    engine.solder("s3", "mb", f"s3://{bucket}")
    storage = {"Columns": [{"Name": "n", "Type": "bigint"}, {"Name": "s", "Type": "string"}], "Location": f"s3://{bucket}/sales/"}
    storage["SerdeInfo"] = {"SerializationLibrary": CSV, "Parameters": {"field.delim": ","}}
    table = {"DatabaseName": name, "Name": "sales", "StorageDescriptor": storage, "PartitionKeys": [{"Name": "year", "Type": "int"}]}
    partitions = []
    for year in ("2023", "2024"):
        place = f"s3://{bucket}/sales/year={year}/"
        (tmp_path / year).write_text(f'{year},"a, {year}"\n')
        engine.solder("s3", "cp", str(tmp_path / year), place + "p.csv")
        partitions.append(
            {"DatabaseName": name, "TableName": "sales", "Values": [year], "StorageDescriptor": {**storage, "Location": place}}
        )
    (tmp_path / "catalog.json").write_text(json.dumps({"Databases": [{"Name": name}], "Tables": [table], "Partitions": partitions}))
    engine.solder("catalog", "import", str(tmp_path / "catalog.json"))
    return name


def test_a_table_with_partitions(glue, sales):
    frame = glue.create_dynamic_frame.from_catalog(database=sales, table_name="sales")
    assert rows(frame) == [(2023, "a, 2023", 2023), (2024, "a, 2024", 2024)]
    one = glue.create_dynamic_frame.from_catalog(database=sales.upper(), table_name="Sales", push_down_predicate="year = 2024")
    assert rows(one) == [(2024, "a, 2024", 2024)]


def test_missing_names(glue, sales):
    with pytest.raises(EntityNotFoundException, match=rf"table {sales}\.nope is not in the Data Catalog"):
        glue.create_dynamic_frame.from_catalog(database=sales, table_name="nope")
    with pytest.raises(EntityNotFoundException, match="database no_such_db "):
        glue.create_dynamic_frame.from_catalog(database="no_such_db", table_name="sales")


def test_a_write_into_the_table_and_a_read_of_its_bucket(glue, sales, spark_engine):
    df = spark_engine.createDataFrame([(7, "new", 2024)], "n bigint, s string, year int")
    glue.write_data_frame.from_catalog(df, sales, "sales")
    assert rows(glue.create_dynamic_frame.from_catalog(database=sales, table_name="sales", push_down_predicate="year = 2024")) == [
        (2024, "a, 2024", 2024),
        (7, "new", 2024),
    ]
