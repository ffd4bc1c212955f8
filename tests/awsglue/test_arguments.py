"""getResolvedOptions, Job, the context's odds and ends, and Glue's types: no frame is computed here."""

from __future__ import annotations

import inspect

import pytest

from awsglue import gluetypes as G
from awsglue import transforms as X
from awsglue.errors import NotImplementedInSolder
from awsglue.job import Job
from awsglue.schemas import parse_path, spark_type
from awsglue.utils import GlueArgumentError, getResolvedOptions


def resolve(text, *names, **kwargs):
    return getResolvedOptions(["job.py", *text.split()], list(names), **kwargs)


def test_options():
    got = resolve("--JOB_NAME j --day=mon --other 1 --TempDir s3://t/", "JOB_NAME", "day")
    assert (got["JOB_NAME"], got["day"], got["TempDir"], got["RedshiftTempDir"]) == ("j", "mon", "s3://t/", "s3://t/")
    assert got["job_bookmark_option"] == "job-bookmark-disable" and "other" not in got
    assert {k for k in got if got[k] is None} == {
        "job_bookmark_from",
        "job_bookmark_to",
        "JOB_ID",
        "JOB_RUN_ID",
        "SECURITY_CONFIGURATION",
        "encryption_type",
        "enable_data_lineage",
    }
    assert resolve("--my-opt 1", "my-opt")["my_opt"] == "1"


def test_bad_options():
    with pytest.raises(GlueArgumentError, match="--day"):
        resolve("--JOB_NAME j", "JOB_NAME", "day")
    with pytest.raises(RuntimeError, match="reserved"):
        resolve("", "job-bookmark-option")
    with pytest.raises(GlueArgumentError, match="invalid choice"):
        resolve("--job-bookmark-option maybe")
    with pytest.raises(GlueArgumentError):
        resolve("--DAYS 1", "DAYS_BACK")
    assert resolve("--DAYS 1", "DAYS_BACK", allow_abbrev=True)["DAYS_BACK"] == "1"


def test_bookmark_options():
    assert resolve("--continuation-option continuation-enabled")["job_bookmark_option"] == "job-bookmark-enable"
    pause = resolve("--job-bookmark-option job-bookmark-pause --job-bookmark-from a --job-bookmark-to b")
    assert (pause["job_bookmark_from"], pause["job_bookmark_to"]) == ("a", "b")
    for text in ("--job-bookmark-option job-bookmark-pause --job-bookmark-from a", "--job-bookmark-from a --job-bookmark-to b"):
        with pytest.raises(RuntimeError, match="job-bookmark-from"):
            resolve(text)


def test_job(glue, catalog, folder):
    catalog.table("t", folder("t", {"a": "1\n"}), "a string", parameters={"classification": "csv"})
    job = Job(glue)
    with pytest.raises(RuntimeError, match="before Job.init"):
        job.commit()
    job.init("j", resolve("--JOB_NAME j", "JOB_NAME"))
    assert job.isInitialized() and glue.create_dynamic_frame.from_catalog("db", "t", transformation_ctx="src").count() == 1
    job.commit()
    job.init("j", resolve("--job-bookmark-option job-bookmark-enable"))
    assert glue.create_dynamic_frame.from_catalog("db", "t").count() == 1
    with pytest.raises(NotImplementedInSolder, match=r"job bookmarks \(source 'src'\)"):
        glue.create_dynamic_frame.from_catalog("db", "t", transformation_ctx="src")


def test_context(glue, spark, capsys):
    from pyspark.sql import SQLContext

    assert glue.spark_session is spark and isinstance(glue, SQLContext)
    assert glue.sql("select 1 as one").collect()[0]["one"] == 1 and glue.read is not None
    glue.get_logger().warn("careful")
    assert glue.currentTimeMillis() > 1_600_000_000_000
    assert glue.create_dynamic_frame.from_rdd([(1, "x")], "rows", ["a", "b"]).toDF().columns == ["a", "b"]
    for name, arguments in (
        ("purge_s3_path", ("s3://b/",)),
        ("extract_jdbc_conf", ("c",)),
        ("forEachBatch", (None, None)),
        ("start_transaction", (True,)),
    ):
        with pytest.raises(NotImplementedInSolder, match=f"GlueContext.{name}: not implemented yet"):
            getattr(glue, name)(*arguments)


def test_types():
    struct = G.StructType(
        [
            G.Field("a", G.LongType()),
            G.Field("l", G.ArrayType(G.StringType())),
            G.Field("c", G.ChoiceType([G.IntegerType(), G.StringType()])),
        ]
    )
    assert G.DataType.fromJsonValue(struct.jsonValue()) == struct and struct.getField("a").dataType.typeName() == "long"
    assert G.IntegerType.typeName() == "int" and (G.DecimalType().precision, G.DecimalType().scale) == (10, 2)
    merged = G.mergeDataTypes(
        G.StructType([G.Field("a", G.LongType())]), G.StructType([G.Field("a", G.StringType()), G.Field("b", G.NullType())])
    )
    assert merged.getField("a").dataType == G.ChoiceType([G.StringType(), G.LongType()]) and merged.hasField("b")
    assert G.mergeDataTypes(G.NullType(), G.DateType()) == G.DateType()
    record = G.DynamicRecord({"a": 1})
    record.b = 2
    assert record == {"a": 1, "b": 2} and record.a == 1


def test_type_words_and_paths():
    assert (
        spark_type("struct<a:int,b:array<decimal(5,1)>,c:map<string,bigint>>").simpleString()
        == "struct<a:int,b:array<decimal(5,1)>,c:map<string,bigint>>"
    )
    assert [spark_type(w).simpleString() for w in ("long", "short", "varchar(20)", "decimal")] == [
        "bigint",
        "smallint",
        "string",
        "decimal(10,2)",
    ]
    for bad in ("struct<a>", "array<", "int)", "decimal(x)", ""):
        with pytest.raises(ValueError, match="is not a type"):
            spark_type(bad)
    assert parse_path("a.`b.c`.d") == ("a", "b.c", "d") and parse_path(".zip") == (".zip",)
    for bad in ("", "a..b", "`a", "a."):
        with pytest.raises(ValueError, match="is not a field path"):
            parse_path(bad)


def test_transforms_describe_themselves():
    for transform in X.get_transforms():
        told = [argument["name"] for argument in transform.describeArgs()]
        takes = [name for name in inspect.signature(transform.__call__).parameters if name != "self"]
        assert told == takes, transform
        assert X.describe_transform(transform.name())["transform"]["description"]
    with pytest.raises(ValueError, match="there is no transform 'Nope'"):
        X.get_transform("Nope")


def test_the_surface_has_the_documented_signatures():
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame

    tail = ["transformation_ctx", "info", "stageThreshold", "totalThreshold"]
    expected = {
        DynamicFrame.filter: ["f", *tail],
        DynamicFrame.map: ["f", "preservesPartitioning", *tail],
        DynamicFrame.apply_mapping: ["mappings", "case_sensitive", *tail],
        DynamicFrame.join: ["paths1", "paths2", "frame2", *tail],
        DynamicFrame.resolveChoice: ["specs", "choice", "database", "table_name", *tail, "catalog_id"],
        DynamicFrame.relationalize: ["root_table_name", "staging_path", "options", *tail],
        DynamicFrame.mergeDynamicFrame: ["stage_dynamic_frame", "primary_keys", "transformation_ctx", "options", *tail[1:]],
        GlueContext.create_dynamic_frame_from_catalog: [
            "database", "table_name", "redshift_tmp_dir", "transformation_ctx", "push_down_predicate", "additional_options", "catalog_id", "kwargs",
        ],
        GlueContext.create_dynamic_frame_from_options: [
            "connection_type", "connection_options", "format", "format_options", "transformation_ctx", "push_down_predicate", "kwargs",
        ],
        GlueContext.write_dynamic_frame_from_options: ["frame", "connection_type", "connection_options", "format", "format_options", "transformation_ctx"],
    }  # fmt: skip
    for function, names in expected.items():
        assert [n for n in inspect.signature(function).parameters if n != "self"] == names, function
