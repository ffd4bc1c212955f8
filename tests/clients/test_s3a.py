"""Hadoop's S3A, below a local Spark 3.5 and by its own FileSystem, against the server.

One JVM for all. Spark writes with its default committer, which renames: S3A copies and deletes. S3A's own committers leave uploads open until the job commits.
"""

from __future__ import annotations

import io
import json
import os
import pathlib
import random
import sys
from typing import Any, Iterator

import pyarrow
import pyarrow.parquet
import pytest

from tests.clients.conftest import MIB, Server, body, names
from tests.conftest import connect_mode

SPARK_HOME = pathlib.Path(sys.prefix).parent / "spark"


@pytest.fixture(name="spark", scope="module")
def _spark(server: Server) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, connect_mode(False):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("SPARK_HOME", str(SPARK_HOME))  # the one with hadoop-aws
        from pyspark.sql import SparkSession

        made = (
            SparkSession.builder.master("local[2]")
            .config("spark.hadoop.fs.s3a.endpoint", server.endpoint)
            .config("spark.hadoop.fs.s3a.access.key", server.variables["AWS_ACCESS_KEY_ID"])
            .config("spark.hadoop.fs.s3a.secret.key", server.variables["AWS_SECRET_ACCESS_KEY"])
            .config("spark.hadoop.fs.s3a.attempts.maximum", "1")  # no trouble hides behind a second attempt
            .config("spark.hadoop.fs.s3a.retry.limit", "0")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            .getOrCreate()
        )
        made.sparkContext.setLogLevel("ERROR")
        yield made
        made.stop()


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="lake")
    yield client


@pytest.fixture(name="files", scope="module")
def _files(spark: Any, s3: Any) -> Iterator[Any]:
    """The FileSystem of s3a://lake."""
    yield path(spark, "").getFileSystem(spark._jsc.hadoopConfiguration())


def path(spark: Any, name: str) -> Any:
    """A Path below s3a://lake."""
    return spark._jvm.org.apache.hadoop.fs.Path(f"s3a://lake/{name}")


def rows(frame: Any) -> list[tuple[Any, ...]]:
    """A frame's rows, sorted."""
    return sorted(tuple(row) for row in frame.collect())


def stored(s3: Any, prefix: str) -> list[dict[str, Any]]:
    """The rows of the parquet files below a prefix, read without Spark."""
    parts = [pyarrow.parquet.read_table(io.BytesIO(body(s3, "lake", key))) for key in names(s3, "lake", prefix) if key.endswith(".parquet")]
    return sorted((row for part in parts for row in part.to_pylist()), key=lambda row: str(sorted(row.items())))


def written(s3: Any, prefix: str) -> tuple[list[str], int]:
    """The folders of what Spark wrote, which must be whole and without leftovers; the number of its files."""
    keys = [key.removeprefix(prefix) for key in names(s3, "lake", prefix)]
    assert "_SUCCESS" in keys and not any("_temporary" in key for key in keys), keys
    files = [key for key in keys if key.endswith(".parquet")]
    assert len(files) + 1 == len(keys), keys
    return sorted({key.rpartition("/")[0] for key in files}), len(files)


def test_read_csv(spark: Any, s3: Any) -> None:
    for name in ("in/1.csv", "in/2.csv", "in/odd name+%20&ü漢=.csv", "in/_hidden.csv", "other/3.csv"):
        s3.put_object(Bucket="lake", Key=name, Body=f"word,n\n{name},1\nüber,2\n".encode())
    s3.put_object(Bucket="lake", Key="in/empty/", Body=b"")
    want = sorted([*((name, 1) for name in ("in/1.csv", "in/2.csv", "in/odd name+%20&ü漢=.csv")), *[("über", 2)] * 3])
    assert rows(spark.read.csv("s3a://lake/in", header=True, schema="word string, n int")) == want
    assert rows(spark.read.csv("s3a://lake/*/[123].csv", header=True, inferSchema=True).where("n = 1").select("word")) == [
        ("in/1.csv",), ("in/2.csv",), ("other/3.csv",)]
    with pytest.raises(Exception, match="PATH_NOT_FOUND"):
        spark.read.csv("s3a://lake/never")


def test_write_parquet(spark: Any, s3: Any) -> None:
    frame = spark.range(1000).selectExpr("id", "concat('é', id % 7) AS word").repartition(3)
    frame.write.parquet("s3a://lake/plain")
    want = sorted(({"id": n, "word": f"é{n % 7}"} for n in range(1000)), key=lambda row: str(sorted(row.items())))
    assert written(s3, "plain/") == ([""], 3) and stored(s3, "plain/") == want
    with pytest.raises(Exception, match="PATH_ALREADY_EXISTS"):
        frame.write.parquet("s3a://lake/plain")
    frame.write.mode("append").parquet("s3a://lake/plain")
    assert written(s3, "plain/") == ([""], 6) and spark.read.parquet("s3a://lake/plain").count() == 2000
    old = set(names(s3, "lake", "plain/"))
    spark.range(5).coalesce(1).write.mode("overwrite").parquet("s3a://lake/plain")
    assert written(s3, "plain/") == ([""], 1) and stored(s3, "plain/") == [{"id": n} for n in range(5)]
    assert old & set(names(s3, "lake", "plain/")) == {"plain/_SUCCESS"}
    assert s3.list_multipart_uploads(Bucket="lake").get("Uploads", []) == []


def test_write_partitions(spark: Any, s3: Any) -> None:
    frame = spark.range(100).selectExpr("id", "id % 3 AS part", "concat('a b/c=', id % 2) AS odd")
    frame.coalesce(1).write.partitionBy("part", "odd").parquet("s3a://lake/parts")
    folders, count = written(s3, "parts/")
    assert count == 6 and {folder.split("/")[0] for folder in folders} == {"part=0", "part=1", "part=2"}
    want = sorted((n, n % 3, f"a b/c={n % 2}") for n in range(100))
    assert rows(spark.read.parquet("s3a://lake/parts").select("id", "part", "odd")) == want
    assert rows(spark.read.parquet("s3a://lake/parts").where("part = 1 AND odd = 'a b/c=0'").select("id")) == [(n,) for n in range(100) if n % 3 == 1 and n % 2 == 0]
    replaced = spark.createDataFrame([(7, 1, "a b/c=1")], "id long, part int, odd string")
    replaced.coalesce(1).write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("part", "odd").parquet("s3a://lake/parts")
    assert written(s3, "parts/")[1] == 6
    assert rows(spark.read.parquet("s3a://lake/parts").where("part = 1 AND odd = 'a b/c=1'").select("id")) == [(7,)]
    replaced.coalesce(1).write.mode("overwrite").partitionBy("part").parquet("s3a://lake/parts")
    assert written(s3, "parts/") == (["part=1"], 1)


@pytest.mark.parametrize("committer", ["magic", "directory", "partitioned"])
def test_committers(spark: Any, s3: Any, tmp_path: pathlib.Path, committer: str) -> None:
    """S3A's own: tasks put parts of uploads, which the job completes when it commits, and aborts when it fails."""
    conf = {
        "mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
        "fs.s3a.committer.name": committer,
        "fs.s3a.committer.staging.tmp.path": f"file://{tmp_path}/staging",
        "fs.s3a.buffer.dir": str(tmp_path),
        "fs.s3a.committer.staging.conflict-mode": "append",
    }
    kind, text = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat", "org.apache.hadoop.io.Text"
    lines = spark.sparkContext.parallelize(range(3000), 3).map(lambda number: (f"k{number}", "é" * (number % 5)))

    def save(rows_: Any, there: str) -> None:
        rows_.saveAsNewAPIHadoopFile(f"s3a://lake/{there}", kind, text, text, conf=conf)

    save(lines, committer)
    done = json.loads(body(s3, "lake", f"{committer}/_SUCCESS"))
    assert done["committer"] == committer and len(done["filenames"]) == 3
    keys = names(s3, "lake", f"{committer}/")
    assert sorted(f"/{key}" for key in keys if not key.endswith("_SUCCESS")) == sorted(done["filenames"]), keys
    want = sorted(f"k{number}\t{'é' * (number % 5)}" for number in range(3000))
    assert sorted(line for key in keys if not key.endswith("_SUCCESS") for line in body(s3, "lake", key).decode().splitlines()) == want
    assert all(s3.head_object(Bucket="lake", Key=key)["ETag"].endswith('-1"') for key in keys if not key.endswith("_SUCCESS"))

    def fails(row: Any) -> Any:
        if row[0] == "k2999":
            raise ValueError("the last task fails")
        return row

    with pytest.raises(Exception, match="the last task fails"):
        save(lines.map(fails), f"failed {committer}")
    assert [key for key in names(s3, "lake", f"failed {committer}/") if not key.endswith("/")] == []  # a folder's marker may stay
    assert s3.list_multipart_uploads(Bucket="lake").get("Uploads", []) == []


def test_folders(spark: Any, s3: Any, files: Any) -> None:
    def shown(name: str) -> list[tuple[str, bool, int]]:
        found = [(status.getPath().getName(), bool(status.isDirectory()), int(status.getLen())) for status in files.listStatus(path(spark, name))]
        return sorted(found)

    files.mkdirs(path(spark, "odd/a b+c%20&ü漢=1"))  # S3A's queries have "+" for a blank
    assert shown("odd") == [("a b+c%20&ü漢=1", True, 0)] and shown("odd/a b+c%20&ü漢=1") == []
    files.mkdirs(path(spark, "tree/sub/deep"))
    assert names(s3, "lake", "tree") == ["tree/sub/deep/"]  # a marker, which a file below replaces
    assert files.getFileStatus(path(spark, "tree")).isDirectory() and shown("tree/sub") == [("deep", True, 0)]
    files.create(path(spark, "tree/sub/deep/file")).close()
    assert names(s3, "lake", "tree") == ["tree/sub/deep/file"]
    for number in range(600):  # more than S3A deletes at once
        s3.put_object(Bucket="lake", Key=f"tree/many/{number:03}", Body=b"x" * number)
    assert shown("tree") == [("many", True, 0), ("sub", True, 0)]
    assert shown("tree/many") == [(f"{number:03}", False, number) for number in range(600)]
    assert files.rename(path(spark, "tree/many"), path(spark, "tree/moved"))
    assert not files.exists(path(spark, "tree/many")) and len(shown("tree/moved")) == 600
    assert body(s3, "lake", "tree/moved/599") == b"x" * 599
    with pytest.raises(Exception, match="is not empty|PathIsNotEmpty"):
        files.delete(path(spark, "tree/moved"), False)
    assert files.delete(path(spark, "tree"), True)
    assert names(s3, "lake", "tree") == [] and not files.exists(path(spark, "tree"))
    assert not files.delete(path(spark, "tree"), True)
    with pytest.raises(Exception, match="FileNotFoundException"):
        files.open(path(spark, "tree"))


def test_large_file(spark: Any, s3: Any, files: Any, tmp_path: pathlib.Path) -> None:
    block = random.Random(5).randbytes(MIB)
    size = 140 * MIB + 3  # in parts when written, and copied in parts by the rename
    with (tmp_path / "large").open("wb") as out:
        for number in range(140):
            out.write(number.to_bytes(4, "big") + block[4:])
        out.write(b"end")
    local = spark._jvm.org.apache.hadoop.fs.Path(f"file://{tmp_path / 'large'}")
    with_stream = files.create(path(spark, "large"))
    spark._jvm.org.apache.hadoop.io.IOUtils.copyBytes(local.getFileSystem(spark._jsc.hadoopConfiguration()).open(local), with_stream, 65536, True)
    assert s3.head_object(Bucket="lake", Key="large")["ETag"].endswith('-3"')
    assert files.rename(path(spark, "large"), path(spark, "renamed"))
    head = s3.head_object(Bucket="lake", Key="renamed")
    assert head["ContentLength"] == size and "-" in head["ETag"]
    reader = files.open(path(spark, "renamed"))
    for number in (139, 0, 77):  # back and forth
        reader.seek(number * MIB)
        assert reader.readInt() == number
    reader.seek(size - 3)
    assert [reader.read() for _ in range(4)] == [*b"end", -1]
    reader.close()
    files.copyToLocalFile(path(spark, "renamed"), spark._jvm.org.apache.hadoop.fs.Path(f"file://{tmp_path / 'back'}"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()


def test_wrong_key(spark: Any, server: Server, s3: Any) -> None:
    conf = spark._jvm.org.apache.hadoop.conf.Configuration(spark._jsc.hadoopConfiguration())
    conf.set("fs.s3a.secret.key", "wrong")
    other = spark._jvm.org.apache.hadoop.fs.FileSystem.newInstance(path(spark, "").toUri(), conf)
    with pytest.raises(Exception, match="AccessDeniedException"):
        other.listStatus(path(spark, "in"))
    other.close()
