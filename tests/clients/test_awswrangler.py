"""awswrangler's s3 functions against the server, which they find by the variables of `solder env`."""

from __future__ import annotations

import datetime
import io
import os
import pathlib
from typing import Any, Iterator

import boto3
import pandas
import pyarrow.parquet
import pytest

from tests.clients.conftest import MIB, Server, body, names


@pytest.fixture(name="wr", scope="module")
def _wr(server: Server) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "WR_"))]:
            patch.delenv(name)
        for name, value in server.variables.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        import awswrangler

        yield awswrangler


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="wrangled")
    yield client


@pytest.fixture(name="frame")
def _frame() -> pandas.DataFrame:
    days = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=n) for n in range(60)]
    return pandas.DataFrame({"n": range(60), "word": [f"é{n % 7}" for n in range(60)], "day": days, "part": [f"p {n % 3}" for n in range(60)]})


def sorted_by_n(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The rows in their order, columns as plain objects."""
    return frame.sort_values("n", ignore_index=True).astype(object)


def test_single_files(wr: Any, s3: Any, frame: pandas.DataFrame) -> None:
    for kind, options in (("csv", {"index": False}), ("json", {"orient": "records", "lines": True}), ("parquet", {})):
        path = f"s3://wrangled/single/odd name+%20&ü漢=.{kind}"
        getattr(wr.s3, f"to_{kind}")(frame[["n", "word"]], path, **options)
        assert len(body(s3, "wrangled", path.removeprefix("s3://wrangled/"))) > 100
        reading = {key: value for key, value in options.items() if key in ("orient", "lines")}
        pandas.testing.assert_frame_equal(getattr(wr.s3, f"read_{kind}")(path, **reading), frame[["n", "word"]], check_dtype=False)
    wr.s3.to_csv(frame, "s3://wrangled/single/zipped.csv.gz", index=False, compression="gzip")
    assert body(s3, "wrangled", "single/zipped.csv.gz")[:2] == b"\x1f\x8b"
    assert len(wr.s3.read_csv("s3://wrangled/single/zipped.csv.gz")) == 60
    assert [len(part) for part in wr.s3.read_csv("s3://wrangled/single/zipped.csv.gz", chunksize=25)] == [25, 25, 10]
    with pytest.raises(wr.exceptions.NoFilesFound):
        wr.s3.read_parquet("s3://wrangled/never/")


def test_data_sets(wr: Any, s3: Any, frame: pandas.DataFrame) -> None:
    path = "s3://wrangled/set/"
    made = wr.s3.to_parquet(frame, path, dataset=True, partition_cols=["part"])
    assert sorted(made["paths"]) == [f"s3://wrangled/{key}" for key in names(s3, "wrangled", "set/")] and len(made["paths"]) == 3
    assert {key.split("/")[1] for key in names(s3, "wrangled", "set/")} == {"part=p 0", "part=p 1", "part=p 2"}
    read = wr.s3.read_parquet(path, dataset=True)
    pandas.testing.assert_frame_equal(sorted_by_n(read)[list(frame)], sorted_by_n(frame), check_dtype=False)
    assert set(wr.s3.read_parquet(path, dataset=True, partition_filter=lambda part: part["part"] == "p 1")["n"]) == set(range(1, 60, 3))
    wr.s3.to_parquet(frame[:3], path, dataset=True, partition_cols=["part"], mode="append")
    assert len(wr.s3.read_parquet(path, dataset=True)) == 63
    wr.s3.to_parquet(frame[1:2], path, dataset=True, partition_cols=["part"], mode="overwrite_partitions")
    assert len(wr.s3.read_parquet(path, dataset=True)) == 20 + 20 + 2 + 1
    wr.s3.to_parquet(frame[:5], path, dataset=True, mode="overwrite")
    assert pyarrow.parquet.read_table(io.BytesIO(body(s3, "wrangled", names(s3, "wrangled", "set/")[0]))).num_rows == 5
    assert len(names(s3, "wrangled", "set/")) == 1
    assert wr.s3.read_parquet_metadata(path)[0]["n"] == "bigint"
    assert sum(len(part) for part in wr.s3.read_parquet(path, chunked=2)) == 5


def test_with_the_catalog(wr: Any, s3: Any, frame: pandas.DataFrame) -> None:
    s3.create_bucket(Bucket="cataloged")
    wr.catalog.create_database("wrangled")
    path = "s3://cataloged/t/"
    wr.s3.to_parquet(frame, path, dataset=True, partition_cols=["part"], database="wrangled", table="t", glue_table_settings={"description": "a table"})
    assert wr.catalog.get_table_description("wrangled", "t") == "a table"
    assert wr.catalog.get_table_types("wrangled", "t") == {"n": "bigint", "word": "string", "day": "timestamp", "part": "string"}
    assert sorted(value[0] for value in wr.catalog.get_partitions("wrangled", "t").values()) == ["p 0", "p 1", "p 2"]
    assert len(wr.s3.read_parquet_table(database="wrangled", table="t", partition_filter=lambda part: part["part"] == "p 2")) == 20
    wr.s3.to_parquet(frame.assign(more=1), path, dataset=True, partition_cols=["part"], database="wrangled", table="t", mode="append")
    assert wr.catalog.get_table_types("wrangled", "t")["more"] == "bigint"
    assert wr.catalog.delete_table_if_exists("wrangled", "t") and not wr.catalog.does_table_exist("wrangled", "t")


def test_objects(wr: Any, s3: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "up").write_bytes(bytes(range(256)) * (4 * MIB // 256) * 3)
    wr.s3.upload(str(tmp_path / "up"), "s3://wrangled/files/a.bin")
    wr.s3.download("s3://wrangled/files/a.bin", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()
    for name in ("b.txt", "sub/c.txt", "sub/d e+f%20.txt"):
        wr.s3.upload(io.BytesIO(name.encode()), f"s3://wrangled/files/{name}")
    assert wr.s3.list_objects("s3://wrangled/files/", suffix=".txt") == [f"s3://wrangled/files/{name}" for name in ("b.txt", "sub/c.txt", "sub/d e+f%20.txt")]
    assert wr.s3.list_objects("s3://wrangled/files/*/c*") == ["s3://wrangled/files/sub/c.txt"]
    assert wr.s3.list_directories("s3://wrangled/files/") == ["s3://wrangled/files/sub/"]
    assert "wrangled" in wr.s3.list_buckets()
    assert wr.s3.size_objects("s3://wrangled/files/sub/d e+f%20.txt") == {"s3://wrangled/files/sub/d e+f%20.txt": 16}
    assert wr.s3.describe_objects("s3://wrangled/files/b.txt")["s3://wrangled/files/b.txt"]["ContentLength"] == 5
    assert wr.s3.does_object_exist("s3://wrangled/files/b.txt") and not wr.s3.does_object_exist("s3://wrangled/files/none")
    assert wr.s3.get_bucket_region("wrangled") == "us-east-1"
    wr.s3.wait_objects_exist(["s3://wrangled/files/b.txt"], delay=1, max_attempts=2)
    copied = wr.s3.copy_objects(wr.s3.list_objects("s3://wrangled/files/sub/"), "s3://wrangled/files/sub/", "s3://wrangled/copied/")
    assert copied == ["s3://wrangled/copied/c.txt", "s3://wrangled/copied/d e+f%20.txt"]
    assert body(s3, "wrangled", "copied/d e+f%20.txt") == b"sub/d e+f%20.txt"
    assert wr.s3.merge_datasets("s3://wrangled/copied/", "s3://wrangled/merged/", mode="overwrite") == [
        "s3://wrangled/merged/c.txt", "s3://wrangled/merged/d e+f%20.txt"]
    old = wr.s3.list_objects("s3://wrangled/files/", last_modified_end=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))
    assert old == []
    for number in range(1005):  # more than one multi-delete takes
        s3.put_object(Bucket="wrangled", Key=f"many/{number}", Body=b"")
    wr.s3.delete_objects("s3://wrangled/many/")
    wr.s3.delete_objects("s3://wrangled/files/")
    assert names(s3, "wrangled", "many/") == [] and names(s3, "wrangled", "files/") == []
    wr.s3.wait_objects_not_exist(["s3://wrangled/files/b.txt"], delay=1, max_attempts=2)
