"""DuckDB's httpfs against the server."""

from __future__ import annotations

import io
import pathlib
import re
import sys
from typing import Any, Iterator

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from tests.clients.conftest import Server, body, names

HTTPFS = pathlib.Path(sys.prefix).parent / "ext/httpfs.duckdb_extension"


def connect(server: Server, secret: str | None = None, host: str = "127.0.0.1") -> duckdb.DuckDBPyConnection:
    """A database in memory that knows endpoint and key; below localhost it may have buckets in host names, as it likes best."""
    made = duckdb.connect()
    made.execute(f"LOAD '{HTTPFS}'")
    key = server.variables["AWS_ACCESS_KEY_ID"], secret or server.variables["AWS_SECRET_ACCESS_KEY"]
    style = "" if host == "localhost" else ", URL_STYLE 'path'"
    made.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{key[0]}', SECRET '{key[1]}', ENDPOINT '{host}:{server.port}', USE_SSL false{style})")
    return made


@pytest.fixture(name="duck", scope="module")
def _duck(server: Server) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(server) as made:
        yield made


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="duck")
    yield client


def rows(duck: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return duck.execute(query).fetchall()


def sent(server: Server, key: str) -> list[tuple[str, str]]:
    """Method and status of the requests for a key, from the server's log."""
    return [(found.group(1), found.group(2)) for line in list(server.log) if key in line and (found := re.search(r"\b(GET|HEAD|PUT|POST|DELETE)\b.*?\b([1-5]\d\d)\b", line))]


def test_globs(duck: duckdb.DuckDBPyConnection, s3: Any) -> None:
    keys = ["g/1.csv", "g/2.csv", "g/sub/3.csv", "g/sub/deep/4.csv", "g/odd name+%20&ü漢=.csv", "g/5.txt", "h/6.csv", "g/year=2024/month=02/7.csv"]
    for number, key in enumerate(keys):
        s3.put_object(Bucket="duck", Key=key, Body=f"n,key\n{number},{key}\n".encode())

    def found(pattern: str) -> set[str]:
        read = rows(duck, f"SELECT key, filename FROM read_csv('s3://duck/{pattern}', filename = true, hive_partitioning = false)")
        assert all(name == f"s3://duck/{key}" for key, name in read)
        return {key for key, _ in read}

    assert found("g/*.csv") == {"g/1.csv", "g/2.csv", "g/odd name+%20&ü漢=.csv"}
    assert found("g/**/*.csv") == {key for key in keys if key.startswith("g/") and key.endswith(".csv")}
    assert found("*/[26].csv") == {"g/2.csv", "h/6.csv"}
    assert found("g/odd name+%20&ü漢=.csv") == {"g/odd name+%20&ü漢=.csv"}
    assert rows(duck, "SELECT year, month, n FROM read_csv('s3://duck/g/year=*/*/*.csv', hive_partitioning = true) WHERE year = 2024") == [(2024, "02", 7)]
    assert rows(duck, "SELECT size, content FROM read_text('s3://duck/g/5.txt')") == [(len("n,key\n5,g/5.txt\n"), "n,key\n5,g/5.txt\n")]
    with pytest.raises(duckdb.IOException):
        rows(duck, "FROM read_csv('s3://duck/none/*.csv')")


def test_more_than_a_page(duck: duckdb.DuckDBPyConnection, s3: Any) -> None:
    for number in range(1050):
        s3.put_object(Bucket="duck", Key=f"many/{number:04}.csv", Body=b"")
    assert rows(duck, "SELECT count(*), min(file), max(file) FROM glob('s3://duck/many/*.csv')") == [(1050, "s3://duck/many/0000.csv", "s3://duck/many/1049.csv")]


def test_ranges(server: Server, duck: duckdb.DuckDBPyConnection, s3: Any) -> None:
    count, group = 400_000, 20_000
    table = pyarrow.table({"id": range(count), "text": [f"{number * 7919 % 1000003:07}" * 4 for number in range(count)]})
    made = io.BytesIO()
    pyarrow.parquet.write_table(table, made, row_group_size=group, compression="none", use_dictionary=False)
    s3.put_object(Bucket="duck", Key="ranges.parquet", Body=made.getvalue())
    assert rows(duck, "SELECT text FROM 's3://duck/ranges.parquet' WHERE id = 123456") == [(table["text"][123456].as_py(),)]
    assert ("GET", "206") in sent(server, "ranges.parquet") and ("GET", "200") not in sent(server, "ranges.parquet")
    assert rows(duck, "SELECT count(*), sum(id), sum(text[:7]::BIGINT) FROM 's3://duck/ranges.parquet'") == [
        (count, count * (count - 1) // 2, sum(number * 7919 % 1000003 for number in range(count)))]
    assert rows(duck, "SELECT num_row_groups FROM parquet_file_metadata('s3://duck/ranges.parquet')") == [(count // group,)]


def test_copy_to(duck: duckdb.DuckDBPyConnection, s3: Any) -> None:
    duck.execute("CREATE TABLE t AS SELECT range AS n, 'é' || range % 7 AS word, range % 3 AS part FROM range(1000)")
    duck.execute("COPY t TO 's3://duck/out/one.csv' (HEADER)")
    lines = body(s3, "duck", "out/one.csv").decode().splitlines()
    assert lines[0] == "n,word,part" and lines[1:] == [f"{n},é{n % 7},{n % 3}" for n in range(1000)]
    duck.execute("COPY t TO 's3://duck/out/one.parquet'")
    assert pyarrow.parquet.read_table(io.BytesIO(body(s3, "duck", "out/one.parquet"))).to_pylist() == [
        {"n": n, "word": f"é{n % 7}", "part": n % 3} for n in range(1000)]
    duck.execute("COPY t TO 's3://duck/parts' (FORMAT parquet, PARTITION_BY (part))")
    assert {key.split("/")[1] for key in names(s3, "duck", "parts/")} == {"part=0", "part=1", "part=2"}
    assert rows(duck, "SELECT part, count(*), sum(n) FROM 's3://duck/parts/*/*.parquet' GROUP BY part ORDER BY part") == [
        (part, len(range(part, 1000, 3)), sum(range(part, 1000, 3))) for part in range(3)]
    with pytest.raises(duckdb.Error, match="not empty"):
        duck.execute("COPY t TO 's3://duck/parts' (FORMAT parquet, PARTITION_BY (part))")
    duck.execute("COPY (FROM t WHERE part = 1) TO 's3://duck/parts' (FORMAT parquet, PARTITION_BY (part), OVERWRITE)")
    assert {key.split("/")[1] for key in names(s3, "duck", "parts/")} == {"part=1"} and rows(duck, "SELECT count(*) FROM 's3://duck/parts/*/*.parquet'") == [(333,)]
    duck.execute("COPY (FROM t WHERE part < 2) TO 's3://duck/parts' (FORMAT parquet, PARTITION_BY (part), APPEND)")
    assert rows(duck, "SELECT count(*) FROM 's3://duck/parts/*/*.parquet'") == [(333 + 667,)]
    duck.execute("COPY (FROM t WHERE n < 10) TO 's3://duck/out/one.csv' (HEADER)")  # over the old one
    assert len(body(s3, "duck", "out/one.csv").splitlines()) == 11
    duck.execute("COPY (FROM t LIMIT 0) TO 's3://duck/out/none.csv' (HEADER)")
    assert body(s3, "duck", "out/none.csv") == b"n,word,part\n"
    assert s3.list_multipart_uploads(Bucket="duck").get("Uploads", []) == []


def test_large_copy(duck: duckdb.DuckDBPyConnection, s3: Any) -> None:
    duck.execute("SET s3_uploader_max_parts_per_file = 10000; SET s3_uploader_max_filesize = '50GB'")
    duck.execute("COPY (SELECT range AS n, md5(range::VARCHAR) AS h FROM range(1_000_000)) TO 's3://duck/large.csv'")
    assert int(s3.head_object(Bucket="duck", Key="large.csv")["ETag"].strip('"').split("-")[1]) > 1
    assert rows(duck, "SELECT count(*), sum(n), bool_and(h = md5(n::VARCHAR)) FROM 's3://duck/large.csv'") == [(1_000_000, 499_999_500_000, True)]


def test_attached_database(duck: duckdb.DuckDBPyConnection, s3: Any, tmp_path: pathlib.Path) -> None:
    with duckdb.connect(str(tmp_path / "db")) as made:
        made.execute("CREATE TABLE t AS SELECT range AS n FROM range(300_000)")
    s3.upload_file(str(tmp_path / "db"), "duck", "file.duckdb")
    duck.execute("ATTACH 's3://duck/file.duckdb' AS there (READ_ONLY)")
    assert rows(duck, "SELECT sum(n) FROM there.t") == [(sum(range(300_000)),)]
    duck.execute("DETACH there")


def test_buckets_in_host_names(server: Server, s3: Any) -> None:
    key = "hosts/odd name+%20&ü漢=.csv"
    with connect(server, host="localhost") as duck:
        duck.execute(f"COPY (SELECT range AS n FROM range(3)) TO 's3://duck/{key}'")
        assert body(s3, "duck", key) == b"n\n0\n1\n2\n"
        assert rows(duck, "FROM 's3://duck/hosts/*.csv'") == [(0,), (1,), (2,)]


def test_refusals(server: Server, s3: Any) -> None:
    s3.put_object(Bucket="duck", Key="closed.csv", Body=b"a\n1\n")
    with connect(server, "wrong") as other, pytest.raises(duckdb.HTTPException, match="403"):
        rows(other, "FROM 's3://duck/closed.csv'")
    with connect(server) as duck:
        with pytest.raises(duckdb.HTTPException, match="404"):
            rows(duck, "FROM 's3://duck/never.csv'")
        with pytest.raises(duckdb.HTTPException, match="404"):
            duck.execute("COPY (SELECT 1) TO 's3://never-made/x.csv'")
