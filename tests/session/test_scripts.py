"""Whole Glue scripts, written as Glue's own tools and people write them, run through the launcher on an engine."""

from __future__ import annotations

import json
import pathlib
from typing import Any, Callable

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent

GENERATED = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

## @params: [JOB_NAME]
args = getResolvedOptions(sys.argv, ['JOB_NAME', 'target'])

sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
datasource0 = glueContext.create_dynamic_frame.from_catalog(database = "db", table_name = "orders", transformation_ctx = "datasource0")
applymapping1 = ApplyMapping.apply(frame = datasource0, mappings = [("id", "long", "id", "int"), ("who", "string", "customer.name", "string"), ("price", "double", "price", "double")], transformation_ctx = "applymapping1")
resolvechoice2 = ResolveChoice.apply(frame = applymapping1, choice = "make_struct", transformation_ctx = "resolvechoice2")
dropnullfields3 = DropNullFields.apply(frame = resolvechoice2, transformation_ctx = "dropnullfields3")
datasink4 = glueContext.write_dynamic_frame.from_options(frame = dropnullfields3, connection_type = "s3", connection_options = {"path": args['target']}, format = "json", transformation_ctx = "datasink4")
job.commit()
"""

BY_HAND = """
import sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.transforms import Filter, Join, Map
from pyspark.sql import DataFrame, functions as F
from pyspark.context import SparkContext

glue = GlueContext(SparkContext.getOrCreate())
log = glue.get_logger()
orders = glue.create_dynamic_frame.from_catalog(database="db", table_name="orders")
rates = DynamicFrame.fromDF(glue.spark_session.createDataFrame([("Ann", 2.0), ("Bob", 10.0)], ["name", "rate"]), glue, "rates")
cheap = Filter.apply(frame=orders, f=lambda r: r["price"] is not None and r["price"] < 50)

def shout(record):
    record["loud"] = record["who"].upper()
    return record

joined = Join.apply(Map.apply(frame=cheap, f=shout), rates, "who", "name")
df = joined.toDF()
assert isinstance(df, DataFrame)
total = df.groupBy("loud").agg(F.sum(F.col("price") * F.col("rate")).alias("total")).orderBy("loud")
log.info("rows: %d" % total.count())
for row in total.collect():
    print(row["loud"], row["total"])
print(cheap.errorsCount(), glue.sql("select 1 as x").first()["x"])
sys.exit(4 if total.count() != 2 else 0)
"""


@pytest.fixture
def run(launch_connected: Callable, script: Callable, tmp_path: pathlib.Path) -> Callable[..., Any]:
    """Runs a script over a catalog with the table db.orders."""
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "a.csv").write_text("id,who,price\n1,Ann,10.5\n2,Bob,\n3,Ann,99\n4,Bob,1\n")
    storage = {
        "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "who", "Type": "string"}, {"Name": "price", "Type": "double"}],
        "Location": str(tmp_path / "orders"),
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}},
    }
    table = {
        "DatabaseName": "db",
        "Name": "orders",
        "StorageDescriptor": storage,
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
    }
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"Databases": [{"Name": "db"}], "Tables": [table], "Partitions": []}))

    def run_text(text: str, *arguments: str) -> Any:
        return launch_connected(script(text), *arguments, env={"SOLDER_CATALOG_FILE": str(catalog)})

    return run_text


def written(place: pathlib.Path) -> list[dict[str, Any]]:
    """The JSON records in a folder."""
    lines = [line for part in sorted(place.glob("part-*")) for line in part.read_text().splitlines()]
    return sorted((json.loads(line) for line in lines), key=lambda record: record["id"])


def test_a_generated_script(run, tmp_path):
    ran = run(GENERATED, "--JOB_NAME", "nightly", "--target", str(tmp_path / "out"))
    assert ran.returncode == 0, ran.stderr
    assert written(tmp_path / "out") == [
        {"id": 1, "customer": {"name": "Ann"}, "price": 10.5},
        {"id": 2, "customer": {"name": "Bob"}},
        {"id": 3, "customer": {"name": "Ann"}, "price": 99.0},
        {"id": 4, "customer": {"name": "Bob"}, "price": 1.0},
    ]
    assert "null_fields []" in ran.stdout


def test_a_script_by_hand(run):
    ran = run(BY_HAND)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "ANN 21.0\nBOB 10.0\n0 1\n" and "INFO rows: 2" in ran.stderr


def test_a_missing_argument(run):
    ran = run(GENERATED, "--JOB_NAME", "nightly")
    assert ran.returncode == 1 and ran.stderr.endswith("GlueArgumentError: the following arguments are required: --target\n")
    assert 'job.py", line 10' in ran.stderr and "awsglue/" not in ran.stderr


def test_a_missing_table(run):
    ran = run(GENERATED.replace('"orders"', '"nope"'), "--JOB_NAME", "nightly", "--target", "x")
    assert ran.returncode == 1 and "EntityNotFoundException: table db.nope is not in the Data Catalog" in ran.stderr
    assert 'job.py", line 17' in ran.stderr and "awsglue/" not in ran.stderr


def test_the_example_job_up_to_its_write(run, tmp_path):
    """The reference script, byte for byte but for its target and table, on the rows above."""
    text = (REPOSITORY / "examples" / "glue_job.py").read_text()
    text = (
        text.replace("s3://my-target-bucket/transformed-data/", str(tmp_path / "out"))
        .replace('"source_db"', '"db"')
        .replace('"source_table"', '"orders"')
    )
    text = text.replace('row["age"] and int(row["age"]) > 30', 'row["who"] and int(row["id"]) > 2').replace(
        '"name", "full_name"', '"who", "full_name"'
    )
    ran = run(text.replace('format="parquet"', 'format="json"'))
    assert ran.returncode == 0, ran.stderr
    assert written(tmp_path / "out") == [{"id": 3, "full_name": "Ann", "price": 99.0}, {"id": 4, "full_name": "Bob", "price": 1.0}]
