"""S3: versions, delete markers and their listings, by boto3; a model in Python says what must be there."""

from __future__ import annotations

import pathlib
import random
import subprocess
from typing import Any, Iterator

import pytest

from tests.aws.conftest import SOLDER, Server
from tests.aws.test_s3_objects import code, fetch, refusal


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    yield server.client("s3")


def versioned(s3: Any, name: str) -> str:
    """A new bucket with versioning."""
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(s3: Any, bucket: str, key: str, body: bytes = b"") -> str:
    """The new version's id."""
    return s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]


def listed(s3: Any, bucket: str, size: int = 1000, **more: Any) -> list[tuple[str, str, bool, bool]]:
    """Key, version, latest, marker of all pages, in the order in which S3 tells them."""
    rows = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size}, **more):
        items = [(item, False) for item in page.get("Versions", [])] + [(item, True) for item in page.get("DeleteMarkers", [])]
        assert len(items) + len(page.get("CommonPrefixes", [])) <= size
        rows += [(item["Key"], item["VersionId"], item["IsLatest"], marker) for item, marker in items]
    return rows


def test_versioning_states(s3: Any) -> None:
    s3.create_bucket(Bucket="states")
    assert "Status" not in s3.get_bucket_versioning(Bucket="states")
    before = s3.put_object(Bucket="states", Key="k", Body=b"0")
    assert "VersionId" not in before and "VersionId" not in s3.head_object(Bucket="states", Key="k")
    s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket="states")["Status"] == "Enabled"
    assert s3.head_object(Bucket="states", Key="k")["VersionId"] == "null"
    first, second = put(s3, "states", "k", b"1"), put(s3, "states", "k", b"2")
    assert len({first, second, "null"}) == 3
    bodies = {version: s3.get_object(Bucket="states", Key="k", VersionId=version)["Body"].read() for version in ("null", first, second)}
    assert bodies == {"null": b"0", first: b"1", second: b"2"}
    # Suspended: the next version is "null", and takes the place of the one that was.
    s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Suspended"})
    assert put(s3, "states", "k", b"3") == "null"
    assert [row[1] for row in listed(s3, "states")] == ["null", second, first]
    assert put(s3, "states", "k", b"4") == "null" and s3.get_object(Bucket="states", Key="k")["Body"].read() == b"4"
    gone = s3.delete_object(Bucket="states", Key="k")
    assert (gone["VersionId"], gone["DeleteMarker"]) == ("null", True)
    assert listed(s3, "states") == [("k", second, False, False), ("k", first, False, False), ("k", "null", True, True)]
    assert code(lambda: s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Off"})) == (400, "InvalidArgument")
    assert code(lambda: s3.put_bucket_versioning(Bucket="nowhere", VersioningConfiguration={"Status": "Enabled"})) == (404, "NoSuchBucket")


def test_delete_markers(server: Server, s3: Any) -> None:
    bucket = versioned(s3, "markers")
    version = put(s3, bucket, "k", b"x")
    gone = s3.delete_object(Bucket=bucket, Key="k")
    marker = gone["VersionId"]
    assert gone["DeleteMarker"] is True and marker != version
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, body, headers = fetch(server, "GET", url)
    assert (status, headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == (404, "true", marker) and b"NoSuchKey" in body
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k", "VersionId": marker})
    status, body, headers = fetch(server, "GET", url)
    assert (status, headers["x-amz-delete-marker"], headers["Allow"]) == (405, "true", "DELETE") and b"MethodNotAllowed" in body
    assert code(lambda: s3.head_object(Bucket=bucket, Key="k")) == (404, "404")
    assert code(lambda: s3.head_object(Bucket=bucket, Key="k", VersionId=marker)) == (405, "405")
    assert code(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"})) == (404, "NoSuchKey")
    source = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    assert code(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=source)) == (400, "InvalidRequest")
    # A condition sees the key as absent, and a key that never was gets a marker as well.
    s3.put_object(Bucket=bucket, Key="k", Body=b"y", IfNoneMatch="*")
    assert s3.delete_object(Bucket=bucket, Key="never")["DeleteMarker"] is True
    # Taking the newest away brings back what was before it.
    again = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    taken = s3.delete_object(Bucket=bucket, Key="k", VersionId=again)
    assert (taken["VersionId"], taken["DeleteMarker"]) == (again, True)
    newest = s3.get_object(Bucket=bucket, Key="k")
    assert newest["Body"].read() == b"y"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=newest["VersionId"])
    assert code(lambda: s3.get_object(Bucket=bucket, Key="k")) == (404, "NoSuchKey")  # the first marker is the latest again
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert code(lambda: s3.delete_bucket(Bucket=bucket)) == (409, "BucketNotEmpty")


def test_versions_that_are_none(s3: Any) -> None:
    bucket = versioned(s3, "nones")
    put(s3, bucket, "k")
    assert code(lambda: s3.get_object(Bucket=bucket, Key="k", VersionId="0" * 32)) == (404, "NoSuchVersion")
    assert code(lambda: s3.get_object(Bucket=bucket, Key="k", VersionId="null")) == (404, "NoSuchVersion")
    for wrong in ("x", "../../etc", "A" * 32, "0" * 33):
        assert code(lambda wrong=wrong: s3.get_object(Bucket=bucket, Key="k", VersionId=wrong)) == (400, "InvalidArgument")
        assert code(lambda wrong=wrong: s3.list_object_versions(Bucket=bucket, KeyMarker="k", VersionIdMarker=wrong)) == (400, "InvalidArgument")
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId="0" * 32)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code(lambda: s3.list_object_versions(Bucket=bucket, VersionIdMarker="null")) == (400, "InvalidArgument")


def test_copies_and_tags_of_versions(s3: Any) -> None:
    bucket = versioned(s3, "copies-of-versions")
    old, new = put(s3, bucket, "k", b"old"), put(s3, bucket, "k", b"new")
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": old})
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] not in (old, new)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    assert s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=new, Tagging=tags)["VersionId"] == new
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=new)["TagSet"] == tags["TagSet"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=new)["TagCount"] == 1
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    part = s3.upload_part_copy(**upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "k", "VersionId": new})
    assert part["CopySourceVersionId"] == new
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=done["VersionId"])["Body"].read() == b"new"


def test_delete_many_versions(s3: Any) -> None:
    bucket = versioned(s3, "many-versions")
    versions = [put(s3, bucket, f"k{number}") for number in range(3)]
    doomed = [{"Key": "k0"}, {"Key": "k1", "VersionId": versions[1]}, {"Key": "k2", "VersionId": "0" * 32}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})["Deleted"]
    marker = answer[0].pop("DeleteMarkerVersionId")
    assert answer == [{"Key": "k0", "DeleteMarker": True}, {"Key": "k1", "VersionId": versions[1]}, {"Key": "k2", "VersionId": "0" * 32}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k0", "VersionId": marker}]})["Deleted"]
    assert answer == [{"Key": "k0", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker}]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k0", "k2"]


class Model:
    """What a bucket with versioning holds, newest first: (version, marker, body) by key."""

    def __init__(self) -> None:
        self.keys: dict[str, list[tuple[str, bool, bytes]]] = {}

    def add(self, key: str, version: str, marker: bool, body: bytes) -> None:
        """A new newest one; there is one null version at most."""
        kept = [row for row in self.keys.get(key, []) if version != "null" or row[0] != "null"]
        self.keys[key] = [(version, marker, body), *kept]

    def rows(self) -> list[tuple[str, str, bool, bool]]:
        """As a listing has them."""
        return [(key, row[0], place == 0, row[1]) for key in sorted(self.keys) for place, row in enumerate(self.keys[key])]


@pytest.mark.parametrize("seed", range(3))
def test_random_histories(s3: Any, seed: int) -> None:
    chance = random.Random(seed)
    bucket = versioned(s3, f"history-{seed}")
    model = Model()
    for step in range(250):
        key = chance.choice(["a", "a/1", "a/2", "b/x/1", "b/x/2", "b/y", "c"])
        act = chance.random()
        if act < 0.04:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": chance.choice(["Enabled", "Suspended"])})
        elif act < 0.5:
            body = str(step).encode()
            model.add(key, put(s3, bucket, key, body), False, body)
        elif act < 0.7:
            model.add(key, s3.delete_object(Bucket=bucket, Key=key)["VersionId"], True, b"")
        elif model.keys.get(key):
            version = chance.choice(model.keys[key])
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version[0])
            model.keys[key].remove(version)
    expected = model.rows()
    for size in (1, 2, 3, 7, 1000):
        got = listed(s3, bucket, size)
        assert sorted(got) == sorted(expected)
        assert [row for row in got if not row[3]] == [row for row in expected if not row[3]] or size > 1
    current = [key for key in sorted(model.keys) if model.keys[key] and not model.keys[key][0][1]]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])] == current
    for key, rows in model.keys.items():
        for version, marker, body in rows:
            if not marker:
                assert s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read() == body
    # Common prefixes, page by page, and prefixes.
    rolled, keys = [], []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}):
        rolled += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        keys += [(item["Key"], item["VersionId"]) for item in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert rolled == sorted({key.split("/")[0] + "/" for key, *_ in expected if "/" in key})
    assert sorted(keys) == sorted(row[:2] for row in expected if "/" not in row[0])
    assert sorted(listed(s3, bucket, 2, Prefix="b/x/")) == sorted(row for row in expected if row[0].startswith("b/x/"))
    for key, version, *_ in listed(s3, bucket):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    s3.delete_bucket(Bucket=bucket)


def test_versions_outlive_a_kill(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    bucket = versioned(s3, "kept")
    versions = [put(s3, bucket, "k", str(number).encode()) for number in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    fresh_server.kill()
    fresh_server.start()
    s3 = fresh_server.client("s3")
    assert [row[1] for row in listed(s3, bucket)] == [*reversed(versions), marker]
    assert [s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() for version in versions] == [b"0", b"1", b"2"]


def test_the_engine_reads_the_newest_and_keeps_the_old(server: Server, s3: Any, tmp_path: pathlib.Path) -> None:
    bucket = versioned(s3, "engine-versions")
    put(s3, bucket, "in/a.csv", b"n\n1\n")
    put(s3, bucket, "in/a.csv", b"n\n2\n")
    put(s3, bucket, "in/b.csv", b"n\n7\n")
    s3.delete_object(Bucket=bucket, Key="in/b.csv")
    script = tmp_path / "job.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        f"rows = spark.read.option('header', True).csv('s3://{bucket}/in/')\n"
        "print('READ', sorted(row.n for row in rows.collect()))\n"
        f"rows.write.mode('overwrite').json('s3://{bucket}/out/')\n"
    )
    for _ in range(2):
        done = subprocess.run([SOLDER, "run", str(script)], env=server.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "READ ['2']" in done.stdout, done.stdout + done.stderr
    rows = listed(s3, bucket, Prefix="out/part-")
    # The second run's file, and below a marker the first one's.
    assert sorted(row[2:] for row in rows) == [(False, False), (True, False), (True, True)]
    (hidden,) = [row for row in rows if row[3]]
    (old,) = [row for row in rows if row[0] == hidden[0] and not row[3]]
    assert s3.get_object(Bucket=bucket, Key=old[0], VersionId=old[1])["Body"].read() == b'{"n":"2"}\n'
