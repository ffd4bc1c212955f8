"""boto3 as applications use it: waiters that wait, paginators taken up again, the transfer manager as it comes, resources."""

from __future__ import annotations

import io
import random
import threading
from typing import Any, Callable, Iterator

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.clients.conftest import MIB, Server, body, names

PATIENCE = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="apps")
    yield client


@pytest.fixture(name="resource", scope="module")
def _resource(server: Server) -> Any:
    key = {"aws_access_key_id": server.variables["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": server.variables["AWS_SECRET_ACCESS_KEY"]}
    return boto3.session.Session(region_name="us-east-1", **key).resource("s3", endpoint_url=server.endpoint)


class Stream(io.RawIOBase):
    """Bytes that can be read once, from front to end."""

    def __init__(self, content: bytes) -> None:
        self.rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.rest.readinto(memoryview(buffer)[:10_007])


def test_waiters(server: Server, s3: Any) -> None:
    def waits(name: str, change: Callable[[], Any], **what: str) -> None:
        """The waiter asks in vain at least once before the change comes."""
        asked = threading.Event()
        client = server.client("s3")
        client.meta.events.register("after-call.s3", lambda **_: asked.set())
        failures: list[BaseException] = []

        def wait() -> None:
            try:
                client.get_waiter(name).wait(**what, WaiterConfig=PATIENCE)
            except BaseException as error:  # noqa: BLE001 - shown below
                failures.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert asked.wait(60) and waiting.is_alive()
        change()
        waiting.join(120)
        assert not waiting.is_alive() and not failures

    waits("bucket_exists", lambda: s3.create_bucket(Bucket="waited"), Bucket="waited")
    waits("object_exists", lambda: s3.put_object(Bucket="waited", Key="k", Body=b""), Bucket="waited", Key="k")
    waits("object_not_exists", lambda: s3.delete_object(Bucket="waited", Key="k"), Bucket="waited", Key="k")
    waits("bucket_not_exists", lambda: s3.delete_bucket(Bucket="waited"), Bucket="waited")
    with pytest.raises(WaiterError):
        s3.get_waiter("object_exists").wait(Bucket="apps", Key="never", WaiterConfig={"Delay": 1, "MaxAttempts": 1})


def test_paginators_taken_up_again(s3: Any) -> None:
    keys = [f"pages/{number:02}" for number in range(23)]
    for key in keys:
        s3.put_object(Bucket="apps", Key=key, Body=b"")
    for operation in ("list_objects", "list_objects_v2"):
        seen: list[str] = []
        token = None
        while True:
            pages = s3.get_paginator(operation).paginate(
                Bucket="apps", Prefix="pages/", PaginationConfig={"PageSize": 3, "MaxItems": 7, "StartingToken": token})
            found = pages.build_full_result()
            assert len(found["Contents"]) <= 7
            seen += [item["Key"] for item in found["Contents"]]
            token = found.get("NextToken")
            if token is None:
                break
        assert seen == keys
    assert list(s3.get_paginator("list_objects_v2").paginate(Bucket="apps", Prefix="pages/").search("Contents[?ends_with(Key, '7')].Key")) == ["pages/07", "pages/17"]


@pytest.mark.parametrize("size", [0, 5, 8 * MIB, 30 * MIB + 1])
def test_transfer_manager_as_it_comes(s3: Any, size: int) -> None:
    content = random.Random(size).randbytes(size)
    steps: list[int] = []
    extra = {"Metadata": {"colour": "red"}, "ContentType": "text/x-odd", "ChecksumAlgorithm": "SHA256"}
    s3.upload_fileobj(Stream(content), "apps", "stream", ExtraArgs=extra, Callback=steps.append)
    assert sum(steps) == size
    head = s3.head_object(Bucket="apps", Key="stream", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ContentType"], head["Metadata"]) == (size, "text/x-odd", {"colour": "red"}) and "ChecksumSHA256" in head
    got = io.BytesIO()
    s3.download_fileobj("apps", "stream", got)
    assert got.getvalue() == content
    s3.copy({"Bucket": "apps", "Key": "stream"}, "apps", "copied")
    assert body(s3, "apps", "copied") == content


def test_failed_transfers_leave_nothing(s3: Any) -> None:
    class Broken(Stream):
        def readinto(self, buffer: Any) -> int:
            if self.rest.tell() > 17 * MIB:
                raise OSError("the source broke")
            return self.rest.readinto(buffer)

    with pytest.raises(OSError, match="the source broke"):
        s3.upload_fileobj(Broken(bytes(30 * MIB)), "apps", "broken")
    assert names(s3, "apps", "broken") == [] and s3.list_multipart_uploads(Bucket="apps").get("Uploads", []) == []
    with pytest.raises(ClientError, match="404"):
        s3.download_fileobj("apps", "broken", io.BytesIO())


def test_resources(resource: Any, s3: Any) -> None:
    bucket = resource.create_bucket(Bucket="resources")
    bucket.wait_until_exists()
    for number in range(1100):  # more than a page, and than a multi-delete takes
        bucket.put_object(Key=f"k/{number:04}", Body=b"x")
    assert [item.key for item in bucket.objects.filter(Prefix="k/").limit(2)] == ["k/0000", "k/0001"]
    thing = bucket.Object("k/0000")
    assert (thing.content_length, thing.get()["Body"].read()) == (1, b"x")
    bucket.Object("moved").copy_from(CopySource={"Bucket": "resources", "Key": "k/0000"})
    assert sum(item.size for item in bucket.objects.all()) == 1101
    bucket.Versioning().enable()
    bucket.put_object(Key="moved", Body=b"second")
    assert sorted(version.size for version in bucket.object_versions.filter(Prefix="moved")) == [1, 6]
    assert all("Errors" not in answer for answer in bucket.objects.all().delete())
    assert names(s3, "resources") == []
    assert all("Errors" not in answer for answer in bucket.object_versions.all().delete())
    bucket.delete()
    bucket.wait_until_not_exists()
