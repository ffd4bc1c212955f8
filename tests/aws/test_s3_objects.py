"""S3: buckets and single objects, by boto3."""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.client
import pathlib
import time
import urllib.parse
import zlib
from typing import Any, Callable, Iterator

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.handlers import validate_bucket_name

from tests.aws.conftest import Server


def refusal(call: Callable[[], Any]) -> tuple[int, dict[str, Any]]:
    """Status and error of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]


def code(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of a call that must fail."""
    status, error = refusal(call)
    return status, error["Code"]


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="objects")
    yield client


def test_buckets(server: Server) -> None:
    s3 = server.client("s3")
    assert code(lambda: s3.head_bucket(Bucket="made")) == (404, "404")
    assert s3.create_bucket(Bucket="made")["Location"] == "/made"
    s3.get_waiter("bucket_exists").wait(Bucket="made", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    s3.create_bucket(Bucket="made")  # us-east-1 is content with one's own
    assert s3.get_bucket_location(Bucket="made")["LocationConstraint"] is None
    assert s3.head_bucket(Bucket="made")["BucketRegion"] == "us-east-1"
    s3.create_bucket(Bucket="made-far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket="made-far")["LocationConstraint"] == "eu-west-1"
    names = [bucket["Name"] for page in s3.get_paginator("list_buckets").paginate(Prefix="made", PaginationConfig={"PageSize": 1}) for bucket in page["Buckets"]]
    assert names == ["made", "made-far"]
    assert s3.list_buckets()["Buckets"][0]["CreationDate"].tzinfo is not None
    assert s3.get_bucket_versioning(Bucket="made").get("Status") is None
    acl = s3.get_bucket_acl(Bucket="made")
    assert (acl["Grants"][0]["Permission"], acl["Grants"][0]["Grantee"]["Type"]) == ("FULL_CONTROL", "CanonicalUser")
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"] and len(acl["Owner"]["ID"]) == 64
    s3.put_object(Bucket="made", Key="k", Body=b"")
    status, error = refusal(lambda: s3.delete_bucket(Bucket="made"))
    assert (status, error["Code"], error["BucketName"]) == (409, "BucketNotEmpty", "made")
    s3.delete_object(Bucket="made", Key="k")
    s3.delete_bucket(Bucket="made")
    assert code(lambda: s3.delete_bucket(Bucket="made")) == (404, "NoSuchBucket")
    for name in ("Upper", "a_b", "192.168.0.1", "xn--x", "ab-s3alias"):
        assert code(lambda name=name: unchecked(server).create_bucket(Bucket=name)) == (400, "InvalidBucketName")


def test_pages_of_buckets(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    names = sorted(f"{prefix}-{number}" for prefix in ("alpha", "beta") for number in range(4))
    for name in reversed(names):
        where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}} if name.endswith("3") else {}
        s3.create_bucket(Bucket=name, **where)
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == names
    for size in (1, 3, 8, 10_000):
        got: list[str] = []
        token = {}
        while True:
            page = s3.list_buckets(MaxBuckets=size, **token)
            got += [bucket["Name"] for bucket in page["Buckets"]]
            assert len(page["Buckets"]) <= size
            if "ContinuationToken" not in page:
                break
            token = {"ContinuationToken": page["ContinuationToken"]}
        assert got == names
    assert [bucket["Name"] for bucket in s3.list_buckets(Prefix="beta-")["Buckets"]] == names[4:]
    far = s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]
    assert [(bucket["Name"], bucket["BucketRegion"]) for bucket in far] == [("alpha-3", "eu-west-1"), ("beta-3", "eu-west-1")]
    token = {"ContinuationToken": s3.list_buckets(MaxBuckets=2)["ContinuationToken"]}
    fresh_server.kill()
    fresh_server.start()
    s3 = fresh_server.client("s3")
    assert s3.list_buckets(**token)["Buckets"][0]["Name"] == names[2]  # tokens hold across servers
    assert code(lambda: s3.list_buckets(ContinuationToken="none of ours")) == (400, "InvalidArgument")
    for most in (0, 10_001):
        assert code(lambda most=most: unchecked(fresh_server, config_more={"parameter_validation": False}).list_buckets(MaxBuckets=most)) == (400, "InvalidArgument")


def unchecked(server: Server, config_more: dict[str, Any] | None = None, **more: Any) -> Any:
    """A client that lets wrong names pass to the server."""
    client = server.client("s3", config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **(config_more or {})), **more)
    client.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    return client


def test_region_of_the_server_rules(tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path / "home", "--region", "eu-central-1")
    try:
        s3 = server.client("s3", region_name="eu-central-1")
        assert code(lambda: s3.create_bucket(Bucket="plain")) == (400, "IllegalLocationConstraintException")
        far = {"LocationConstraint": "us-west-2"}
        assert code(lambda: s3.create_bucket(Bucket="plain", CreateBucketConfiguration=far)) == (400, "IllegalLocationConstraintException")
        near = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket="plain", CreateBucketConfiguration=near)
        status, error = refusal(lambda: s3.create_bucket(Bucket="plain", CreateBucketConfiguration=near))
        assert (status, error["Code"]) == (409, "BucketAlreadyOwnedByYou")
        assert s3.get_bucket_location(Bucket="plain")["LocationConstraint"] == "eu-central-1"
    finally:
        server.stop()


def test_put_get_head(s3: Any) -> None:
    body = b"hello world"
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    headers = {
        "ContentType": "text/x-greeting",
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment; filename=a",
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
        "StorageClass": "STANDARD_IA",
    }
    put = s3.put_object(Bucket="objects", Key="greeting", Body=body, Metadata={"Author": "me"}, Expires=expires, **headers)
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    assert (put["ETag"], put["ChecksumCRC32"], put["ChecksumType"]) == (etag, crc, "FULL_OBJECT")
    got = s3.get_object(Bucket="objects", Key="greeting")
    assert got["Body"].read() == body and got["ChecksumCRC32"] == crc
    head = s3.head_object(Bucket="objects", Key="greeting")
    assert "ChecksumCRC32" not in head
    assert s3.head_object(Bucket="objects", Key="greeting", ChecksumMode="ENABLED")["ChecksumCRC32"] == crc
    for answer in (got, head):
        assert {name: answer[name] for name in headers} == headers
        assert (answer["ETag"], answer["ContentLength"], answer["AcceptRanges"]) == (etag, 11, "bytes")
        assert answer["Metadata"] == {"author": "me"}
        assert answer["Expires"] == expires and answer["LastModified"].microsecond == 0
    s3.put_object(Bucket="objects", Key="plain", Body=b"")
    plain = s3.get_object(Bucket="objects", Key="plain")
    assert (plain["ContentType"], plain["ContentLength"], plain["Body"].read()) == ("binary/octet-stream", 0, b"")
    assert s3.head_object(Bucket="objects", Key="plain")["ContentLength"] == 0
    given = {"ResponseContentType": "a/b", "ResponseCacheControl": "max-age=1", "ResponseContentDisposition": "inline"}
    answer = s3.get_object(Bucket="objects", Key="greeting", **given)
    assert (answer["ContentType"], answer["CacheControl"], answer["ContentDisposition"]) == ("a/b", "max-age=1", "inline")


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-0", 0, 1), ("bytes=3-5", 3, 6), ("bytes=5-", 5, 10), ("bytes=-3", 7, 10), ("bytes=-50", 0, 10), ("bytes=8-99", 8, 10)]
)
def test_ranges(s3: Any, asked: str, start: int, end: int) -> None:
    body = b"0123456789"
    s3.put_object(Bucket="objects", Key="ten", Body=body)
    got = s3.get_object(Bucket="objects", Key="ten", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["Body"].read() == body[start:end]
    assert (got["ContentRange"], got["ContentLength"]) == (f"bytes {start}-{end - 1}/10", end - start)


def test_ranges_that_are_none(s3: Any) -> None:
    s3.put_object(Bucket="objects", Key="ten", Body=b"0123456789")
    s3.put_object(Bucket="objects", Key="none", Body=b"")
    for key, asked in (("ten", "bytes=10-"), ("ten", "bytes=-0"), ("none", "bytes=0-")):
        status, error = refusal(lambda key=key, asked=asked: s3.get_object(Bucket="objects", Key=key, Range=asked))
        assert (status, error["Code"], error["RangeRequested"]) == (416, "InvalidRange", asked)
    for asked in ("bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5"):
        got = s3.get_object(Bucket="objects", Key="ten", Range=asked)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["ContentLength"] == 10


def test_conditions_of_reads(s3: Any) -> None:
    etag = s3.put_object(Bucket="objects", Key="cond", Body=b"x")["ETag"]
    changed = s3.head_object(Bucket="objects", Key="cond")["LastModified"]
    before, after = changed - datetime.timedelta(seconds=5), changed + datetime.timedelta(seconds=5)

    def get(**conditions: Any) -> int:
        try:
            answer = s3.get_object(Bucket="objects", Key="cond", **conditions)
        except ClientError as error:
            answer = error.response
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    assert get(IfMatch=etag) == 200 and get(IfMatch='"other"') == 412 and get(IfMatch=f'"other", {etag}') == 200 and get(IfMatch="*") == 200
    assert get(IfNoneMatch=etag) == 304 and get(IfNoneMatch='"other"') == 200
    assert get(IfModifiedSince=before) == 200 and get(IfModifiedSince=changed) == 304
    assert get(IfUnmodifiedSince=before) == 412 and get(IfUnmodifiedSince=changed) == 200
    # ETags come before times.
    assert get(IfMatch=etag, IfUnmodifiedSince=before) == 200
    assert get(IfNoneMatch='"other"', IfModifiedSince=after) == 200
    assert code(lambda: s3.head_object(Bucket="objects", Key="cond", IfMatch='"other"')) == (412, "412")
    assert code(lambda: s3.head_object(Bucket="objects", Key="cond", IfNoneMatch=etag)) == (304, "304")


def test_conditions_of_writes(s3: Any) -> None:
    etag = s3.put_object(Bucket="objects", Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(lambda: s3.put_object(Bucket="objects", Key="once", Body=b"2", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert code(lambda: s3.put_object(Bucket="objects", Key="once", Body=b"2", IfMatch='"other"')) == (412, "PreconditionFailed")
    assert code(lambda: s3.put_object(Bucket="objects", Key="never", Body=b"2", IfMatch=etag)) == (404, "NoSuchKey")
    assert s3.get_object(Bucket="objects", Key="once")["Body"].read() == b"1"
    s3.put_object(Bucket="objects", Key="once", Body=b"3", IfMatch=etag)
    assert s3.get_object(Bucket="objects", Key="once")["Body"].read() == b"3"
    assert code(lambda: s3.delete_object(Bucket="objects", Key="once", IfMatch=etag)) == (412, "PreconditionFailed")
    s3.delete_object(Bucket="objects", Key="once", IfMatch=f'"{hashlib.md5(b"3").hexdigest()}"')
    s3.get_waiter("object_not_exists").wait(Bucket="objects", Key="once", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


KEYS = ["a/../b", "..", "//", "/", "/leading", "trailing/", "a//b", "a", "a/b", "ü ñ 漢 😀", "a+b c%20d&e=f?g#h", "'\"<>", "x" * 1024, ".", "a/./b", "~", "é"]


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[:30] for key in KEYS])
def test_any_key(s3: Any, key: str) -> None:
    s3.put_object(Bucket="objects", Key=key, Body=key.encode())
    for other in ("a", "a/b", "b"):
        if other != key:
            s3.put_object(Bucket="objects", Key=other, Body=b"other")
    assert s3.get_object(Bucket="objects", Key=key)["Body"].read() == key.encode()
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket="objects", Prefix=key).get("Contents", [])]
    assert key in listed
    s3.copy_object(Bucket="objects", Key="copied", CopySource={"Bucket": "objects", "Key": key})
    assert s3.get_object(Bucket="objects", Key="copied")["Body"].read() == key.encode()
    s3.delete_object(Bucket="objects", Key=key)
    assert code(lambda: s3.get_object(Bucket="objects", Key=key)) == (404, "NoSuchKey")


def test_keys_that_are_none(s3: Any) -> None:
    status, error = refusal(lambda: s3.put_object(Bucket="objects", Key="x" * 1025, Body=b""))
    assert (status, error["Code"], error["MaxSizeAllowed"]) == (400, "KeyTooLongError", "1024")
    status, error = refusal(lambda: s3.get_object(Bucket="objects", Key="absent"))
    assert (status, error["Message"], error["Key"]) == (404, "The specified key does not exist.", "absent")
    assert code(lambda: s3.put_object(Bucket="nowhere", Key="x", Body=b"")) == (404, "NoSuchBucket")
    assert code(lambda: s3.get_object(Bucket="objects", Key="a", VersionId="abc")) == (400, "InvalidArgument")
    assert code(lambda: s3.list_objects_v2(Bucket="objects", ExpectedBucketOwner="999999999999")) == (403, "AccessDenied")


def test_what_is_refused(s3: Any) -> None:
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", ACL="public-read")) == (400, "AccessControlListNotSupported")
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", Metadata={"a": "b" * 2048})) == (400, "MetadataTooLarge")
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", ObjectLockLegalHoldStatus="ON")) == (400, "InvalidRequest")
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", IfNoneMatch='"abc"')) == (501, "NotImplemented")
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", ContentMD5=base64.b64encode(b"0" * 16).decode())) == (400, "BadDigest")
    assert code(lambda: s3.put_object(Bucket="objects", Key="x", Body=b"", ChecksumCRC32="AAAAAQ==")) == (400, "BadDigest")
    assert code(lambda: s3.get_object(Bucket="objects", Key="x")) == (404, "NoSuchKey")


def test_copies(s3: Any) -> None:
    s3.create_bucket(Bucket="copies")
    etag = s3.put_object(Bucket="objects", Key="source", Body=b"bytes", Metadata={"a": "1"}, ContentType="x/y", Tagging="t=1")["ETag"]
    source = {"Bucket": "objects", "Key": "source"}
    answer = s3.copy_object(Bucket="copies", Key="same", CopySource=source)
    assert answer["CopyObjectResult"]["ETag"] == etag and answer["CopyObjectResult"]["LastModified"].year > 2020
    same = s3.get_object(Bucket="copies", Key="same")
    assert (same["Body"].read(), same["Metadata"], same["ContentType"], same["TagCount"]) == (b"bytes", {"a": "1"}, "x/y", 1)
    s3.copy_object(Bucket="copies", Key="other", CopySource="/objects/source", MetadataDirective="REPLACE", Metadata={"b": "2"}, TaggingDirective="REPLACE")
    other = s3.get_object(Bucket="copies", Key="other")
    assert (other["Body"].read(), other["Metadata"], other["ContentType"], other.get("TagCount")) == (b"bytes", {"b": "2"}, "binary/octet-stream", None)
    s3.delete_object(**source)
    assert s3.get_object(Bucket="copies", Key="same")["Body"].read() == b"bytes"
    here = {"Bucket": "copies", "Key": "same"}
    assert code(lambda: s3.copy_object(Bucket="copies", Key="same", CopySource=here)) == (400, "InvalidRequest")
    s3.copy_object(Bucket="copies", Key="same", CopySource=here, MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert s3.head_object(**here)["Metadata"] == {"c": "3"}
    assert code(lambda: s3.copy_object(Bucket="copies", Key="x", CopySource=here, CopySourceIfMatch='"other"')) == (412, "PreconditionFailed")
    assert code(lambda: s3.copy_object(Bucket="copies", Key="x", CopySource=here, CopySourceIfNoneMatch=etag)) == (412, "PreconditionFailed")
    status, error = refusal(lambda: s3.copy_object(Bucket="copies", Key="x", CopySource=source))
    assert (status, error["Code"], error["Key"]) == (404, "NoSuchKey", "source")
    hashed = s3.copy_object(Bucket="copies", Key="x", CopySource=here, ChecksumAlgorithm="SHA256")["CopyObjectResult"]
    assert hashed["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()


def test_delete_many(s3: Any) -> None:
    s3.create_bucket(Bucket="many")
    for number in range(12):
        s3.put_object(Bucket="many", Key=f"k{number}", Body=b"")
    doomed = [{"Key": f"k{number}"} for number in range(1, 10)] + [{"Key": "was never"}] + [{"Key": f"none{number}"} for number in range(990)]
    answer = s3.delete_objects(Bucket="many", Delete={"Objects": doomed})
    assert len(doomed) == 1000 and [item["Key"] for item in answer["Deleted"]] == [item["Key"] for item in doomed] and "Errors" not in answer
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="many")["Contents"]] == ["k0", "k10", "k11"]
    mixed = [{"Key": "k0", "ETag": '"other"'}, {"Key": "k10", "VersionId": "v"}, {"Key": "k11"}]
    answer = s3.delete_objects(Bucket="many", Delete={"Objects": mixed, "Quiet": True})
    assert "Deleted" not in answer and [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("k0", "PreconditionFailed"), ("k10", "NoSuchVersion")]
    assert code(lambda: s3.delete_objects(Bucket="many", Delete={"Objects": [{"Key": "x"}] * 1001})) == (400, "MalformedXML")
    assert code(lambda: s3.delete_objects(Bucket="nowhere", Delete={"Objects": [{"Key": "x"}]})) == (404, "NoSuchBucket")


def test_tags(s3: Any) -> None:
    s3.put_object(Bucket="objects", Key="tagged", Body=b"x", Tagging="a=1&b=x%20y+z&c=")
    changed = s3.head_object(Bucket="objects", Key="tagged")["LastModified"]
    assert s3.get_object_tagging(Bucket="objects", Key="tagged")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y z"}, {"Key": "c", "Value": ""}]
    s3.put_object_tagging(Bucket="objects", Key="tagged", Tagging={"TagSet": [{"Key": "new", "Value": "ü"}]})
    assert s3.get_object_tagging(Bucket="objects", Key="tagged")["TagSet"] == [{"Key": "new", "Value": "ü"}]
    assert s3.head_object(Bucket="objects", Key="tagged")["LastModified"] == changed
    s3.delete_object_tagging(Bucket="objects", Key="tagged")
    assert s3.get_object_tagging(Bucket="objects", Key="tagged")["TagSet"] == []
    twice = [{"Key": "a", "Value": "1"}] * 2
    assert code(lambda: s3.put_object_tagging(Bucket="objects", Key="tagged", Tagging={"TagSet": twice})) == (400, "InvalidTag")
    eleven = [{"Key": f"{number}", "Value": ""} for number in range(11)]
    assert code(lambda: s3.put_object_tagging(Bucket="objects", Key="tagged", Tagging={"TagSet": eleven})) == (400, "BadRequest")
    assert code(lambda: s3.get_object_tagging(Bucket="objects", Key="absent")) == (404, "NoSuchKey")


def fetch(server: Server, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes, Any]:
    """A request as curl would send it, to the server whatever host the URL names."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, f"{parts.path}?{parts.query}", body, {"Host": parts.netloc})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_presigned(server: Server, s3: Any, version: str, style: str) -> None:
    where = {"endpoint_url": f"http://localhost:{server.port}"} if style == "virtual" else {}
    s3 = server.client("s3", config=Config(signature_version=version, s3={"addressing_style": style}), **where)
    named = {"Bucket": "objects", "Key": "pre signed/ü"}
    put = s3.generate_presigned_url("put_object", Params=named, ExpiresIn=60)
    assert fetch(server, "PUT", put, b"by url")[0] == 200
    get = s3.generate_presigned_url("get_object", Params={**named, "ResponseContentType": "a/b"}, ExpiresIn=60)
    status, body, headers = fetch(server, "GET", get)
    assert (status, body, headers["Content-Type"]) == (200, b"by url", "a/b")
    late = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=-10 if version == "s3" else 1)
    time.sleep(0 if version == "s3" else 2.1)  # version 4 has no URL that is too old when it is made
    for url in (get.replace("a%2Fb", "c%2Fd"), get.replace("signed", "signee"), get.replace("%C3%BC", "u"), late):
        assert url != get
        assert fetch(server, "GET", url)[0] == 403
    assert fetch(server, "PUT", get, b"x")[0] == 403


def test_deleted_bytes_go_while_others_use_the_home(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    s3.create_bucket(Bucket="bucket")
    reader = fresh_server.client("s3")
    s3.put_object(Bucket="bucket", Key="big", Body=bytes(32 << 20))
    slow = reader.get_object(Bucket="bucket", Key="big")["Body"]
    first = slow.read(1 << 16)
    s3.put_object(Bucket="bucket", Key="big", Body=b"new")
    rest = slow.read()
    assert first + rest == bytes(32 << 20)
    s3.put_object(Bucket="bucket", Key="big", Body=b"newer")

    def kept() -> int:
        return sum(path.stat().st_size for path in (fresh_server.home / "objects").rglob("*") if path.is_file())

    deadline = time.monotonic() + 60
    while kept() > 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert kept() == 5
