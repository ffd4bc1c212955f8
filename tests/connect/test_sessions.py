"""What one session has, another has not."""

from __future__ import annotations

import hashlib
import pathlib
import zipfile
import zlib
from typing import Any, Iterator

import grpc
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql.connect.proto import base_pb2, relations_pb2

from tests.conftest import connect_mode
from tests.connect.raw import Client, rows_of


@pytest.fixture
def other(engine_remote: str, spark_engine: Any) -> Iterator[Any]:
    """A second session. It is not stopped: pyspark 3.5 would shut down what all its sessions share."""
    with connect_mode(True):
        from pyspark.sql.connect.session import SparkSession

        yield SparkSession(connection=engine_remote)


def test_settings(spark_engine: Any, other: Any) -> None:
    spark_engine.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        assert other.conf.get("spark.sql.session.timeZone") != "Asia/Tokyo"
        assert spark_engine.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    finally:
        spark_engine.conf.set("spark.sql.session.timeZone", "UTC")


def test_temp_views(spark_engine: Any, other: Any) -> None:
    spark_engine.range(4).createOrReplaceTempView("only_here")
    assert spark_engine.table("only_here").count() == 4
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        other.table("only_here").count()
    other.range(2).createOrReplaceTempView("only_here")
    assert spark_engine.table("ONLY_HERE").count() == 4
    assert spark_engine.catalog.dropTempView("only_here")
    assert other.table("only_here").count() == 2


def test_global_temp_views_are_shared(spark_engine: Any, other: Any) -> None:
    spark_engine.range(4).createGlobalTempView("everywhere")
    assert other.table("global_temp.everywhere").count() == 4
    with pytest.raises(AnalysisException, match="TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"):
        other.range(1).createGlobalTempView("everywhere")
    assert other.catalog.dropGlobalTempView("everywhere")
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark_engine.table("global_temp.everywhere").count()


def test_a_view_keeps_the_meaning_it_was_made_with(spark_engine: Any) -> None:
    spark_engine.range(10).createOrReplaceTempView("shrinking")
    for _ in range(3):
        spark_engine.table("shrinking").filter("id % 2 = 0 or id > 6").limit(8).createOrReplaceTempView("shrinking")
    assert sorted(row.id for row in spark_engine.table("shrinking").collect()) == [0, 2, 4, 6, 7, 8, 9]
    doubled = spark_engine.sql("select a.id from shrinking a join shrinking b on a.id = b.id")
    assert doubled.count() == 7


def test_current_database(spark_engine: Any, other: Any) -> None:
    assert spark_engine.catalog.currentDatabase() == "default"
    with pytest.raises(AnalysisException, match="SCHEMA_NOT_FOUND"):
        spark_engine.catalog.setCurrentDatabase("nowhere")
    assert other.catalog.currentDatabase() == "default"


def chunk(data: bytes) -> base_pb2.AddArtifactsRequest.ArtifactChunk:
    """Bytes with their checksum."""
    return base_pb2.AddArtifactsRequest.ArtifactChunk(data=data, crc=zlib.crc32(data))


def exists(client: Client, name: str) -> bool:
    """Whether the session has the artifact."""
    request = base_pb2.ArtifactStatusesRequest(session_id=client.session_id, user_context=client.user, names=[name])
    return client.stub.ArtifactStatus(request).statuses[name].exists


def test_artifacts(engine_remote: str) -> None:
    client, stranger = Client(engine_remote), Client(engine_remote)
    relation = relations_pb2.LocalRelation(schema="a int, b string").SerializeToString()
    name = "cache/" + hashlib.sha256(relation).hexdigest()
    head = base_pb2.AddArtifactsRequest(session_id=client.session_id, user_context=client.user)

    one = base_pb2.AddArtifactsRequest()
    one.CopyFrom(head)
    one.batch.artifacts.add(name=name, data=chunk(relation))
    one.batch.artifacts.add(name="files/broken", data=base_pb2.AddArtifactsRequest.ArtifactChunk(data=b"x", crc=1))

    begin = base_pb2.AddArtifactsRequest()
    begin.CopyFrom(head)
    begin.begin_chunk.name = "pyfiles/big.py"
    begin.begin_chunk.total_bytes = 6
    begin.begin_chunk.num_chunks = 2
    begin.begin_chunk.initial_chunk.CopyFrom(chunk(b"abc"))
    more = base_pb2.AddArtifactsRequest()
    more.CopyFrom(head)
    more.chunk.CopyFrom(chunk(b"def"))

    answer = client.stub.AddArtifacts(iter([one, begin, more]))
    assert [(a.name, a.is_crc_successful) for a in answer.artifacts] == [(name, True), ("files/broken", False), ("pyfiles/big.py", True)]
    assert exists(client, name) and exists(client, "pyfiles/big.py")
    assert not exists(client, "files/broken") and not exists(stranger, name)

    plan = base_pb2.Plan()
    plan.root.cached_local_relation.hash = name.removeprefix("cache/")
    responses = list(client.execute(plan))
    assert rows_of(iter(responses)) == 0 and [f.name for f in responses[0].schema.struct.fields] == ["a", "b"]
    with pytest.raises(grpc.RpcError) as caught:
        list(stranger.execute(plan))
    assert "Not found any cached local relation" in caught.value.details()


@pytest.mark.parametrize("name", ["/etc/x", "files/../../x", "nokind/x", "", "files/" + "x" * 5000])
def test_artifact_names_that_lead_elsewhere(engine_remote: str, name: str) -> None:
    client = Client(engine_remote)
    request = base_pb2.AddArtifactsRequest(session_id=client.session_id, user_context=client.user)
    request.batch.artifacts.add(name=name, data=chunk(b"x"))
    with pytest.raises(grpc.RpcError) as caught:
        client.stub.AddArtifacts(iter([request]))
    assert "SOLDER.BAD_REQUEST" in caught.value.details()


def test_a_cut_artifact_is_not_kept(engine_remote: str) -> None:
    client = Client(engine_remote)
    begin = base_pb2.AddArtifactsRequest(session_id=client.session_id, user_context=client.user)
    begin.begin_chunk.name = "files/cut"
    begin.begin_chunk.total_bytes = 100
    begin.begin_chunk.num_chunks = 3
    begin.begin_chunk.initial_chunk.CopyFrom(chunk(b"abc"))
    with pytest.raises(grpc.RpcError) as caught:
        client.stub.AddArtifacts(iter([begin]))
    assert "was cut" in caught.value.details()
    assert not exists(client, "files/cut")


def test_python_files(engine_remote: str, spark_engine: Any, other: Any, tmp_path: pathlib.Path) -> None:
    """Modules that a session ships are importable in its functions; another session's module of that name is another one."""
    for name, session in (("one", spark_engine), ("two", other)):
        folder = tmp_path / name
        (folder / "packaged").mkdir(parents=True)
        (folder / "shipped_module.py").write_text(f"NAME = {name!r}\n")
        (folder / "packaged" / "__init__.py").write_text(f"from packaged.inner import SIZE\nNAME = {name!r}\n")
        (folder / "packaged" / "inner.py").write_text(f"SIZE = {len(name)}\n")
        with zipfile.ZipFile(folder / "library.zip", "w") as archive:
            for part in ("__init__.py", "inner.py"):
                archive.write(folder / "packaged" / part, f"packaged/{part}")
        with connect_mode(True):
            session.addArtifacts(str(folder / "shipped_module.py"), str(folder / "library.zip"), pyfile=True)

    def batches(rows: Any) -> Any:
        import packaged
        import pyarrow
        import shipped_module

        for batch in rows:
            text = f"{shipped_module.NAME} {packaged.NAME} {packaged.SIZE}"
            yield pyarrow.RecordBatch.from_arrays([pyarrow.array([text] * batch.num_rows)], names=["names"])

    with connect_mode(True):
        for session, expected in ((spark_engine, "one one 3"), (other, "two two 3"), (spark_engine, "one one 3")):
            assert session.range(2).mapInArrow(batches, "names string").collect() == [(expected,)] * 2
        from pyspark.sql.connect.session import SparkSession

        third = SparkSession(connection=engine_remote)
        with pytest.raises(Exception, match="No module named"):
            third.range(1).mapInArrow(batches, "names string").collect()
