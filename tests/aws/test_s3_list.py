"""S3: listings, by boto3's paginators; what a listing must show is computed from the keys."""

from __future__ import annotations

import random
import threading
from typing import Any, Iterator

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import Server

LETTERS = ["a", "b", "/", "//", "+", " ", "%", "ü", "é", "漢", "😀", "A", "~", "\x01", "&<>\"'", "z"]


def made_keys(seed: int, count: int) -> list[str]:
    """Keys with many common beginnings, among them keys that are the beginning of others."""
    chance = random.Random(seed)
    return sorted({"".join(chance.choices(LETTERS, k=chance.randint(1, 6))) for _ in range(count)}, key=lambda key: key.encode())


def expected(keys: list[str], prefix: str = "", delimiter: str = "", after: str = "") -> list[tuple[str, str]]:
    """What a listing shows, in order: ('key', k) and ('prefix', p)."""
    shown: list[tuple[str, str]] = []
    for key in keys:
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = ("key", key) if at < 0 else ("prefix", key[: at + len(delimiter)])
        if entry not in shown[-1:]:
            shown.append(entry)
    return shown


def entries(page: dict[str, Any]) -> list[tuple[str, str]]:
    """What one page shows; keys and prefixes stand apart in it, so they are merged by their bytes."""
    keys = [("key", item["Key"]) for item in page.get("Contents", [])]
    prefixes = [("prefix", item["Prefix"]) for item in page.get("CommonPrefixes", [])]
    return sorted(keys + prefixes, key=lambda entry: entry[1].encode())


@pytest.fixture(name="bucket", scope="module")
def _bucket(server: Server) -> Iterator[tuple[Any, list[str]]]:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="listed")
    keys = sorted({*made_keys(4, 150), "a", "a/", "a/b", "a/b/c", "a/c", "a0"}, key=lambda key: key.encode())
    for key in keys:
        s3.put_object(Bucket="listed", Key=key, Body=key.encode())
    yield s3, keys


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize(("prefix", "delimiter"), [("", ""), ("", "/"), ("a", "/"), ("a/", "/"), ("", "a"), ("/", "//"), ("ü", ""), ("absent", "/"), ("", "é")])
def test_pages_show_everything_once(bucket: tuple[Any, list[str]], operation: str, size: int, prefix: str, delimiter: str) -> None:
    s3, keys = bucket
    pages = s3.get_paginator(operation).paginate(Bucket="listed", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size})
    shown: list[tuple[str, str]] = []
    for page in pages:
        assert len(entries(page)) <= size and page["MaxKeys"] == size
        assert page.get("KeyCount", len(entries(page))) == len(entries(page))
        shown += entries(page)
    assert shown == expected(keys, prefix, delimiter)


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_start_after(bucket: tuple[Any, list[str]], delimiter: str) -> None:
    s3, keys = bucket
    for after in [*keys[::10], "a/", "", "\U0010ffff", "a/zzz"]:
        page = s3.list_objects_v2(Bucket="listed", StartAfter=after, Delimiter=delimiter)
        assert entries(page) == expected(keys, "", delimiter, after), after


def test_marker_behind_a_common_prefix_skips_it(bucket: tuple[Any, list[str]]) -> None:
    s3, keys = bucket
    below = "a/b"
    shown = entries(s3.list_objects(Bucket="listed", Marker=below, Delimiter="/"))
    assert ("prefix", "a/") not in shown
    assert shown == [entry for entry in expected(keys, "", "/", "a/") if entry != ("prefix", "a/")]


def test_members(bucket: tuple[Any, list[str]]) -> None:
    s3, keys = bucket
    first = keys[0]
    item = s3.list_objects_v2(Bucket="listed", MaxKeys=1)["Contents"][0]
    head = s3.head_object(Bucket="listed", Key=first)
    assert (item["Key"], item["ETag"], item["Size"], item["StorageClass"]) == (first, head["ETag"], len(first.encode()), "STANDARD")
    assert item["LastModified"].replace(microsecond=0) == head["LastModified"] and "Owner" not in item
    assert item["ChecksumAlgorithm"] == ["CRC32"]
    assert len(s3.list_objects_v2(Bucket="listed", MaxKeys=1, FetchOwner=True)["Contents"][0]["Owner"]["ID"]) == 64
    assert len(s3.list_objects(Bucket="listed", MaxKeys=1)["Contents"][0]["Owner"]["ID"]) == 64
    none = s3.list_objects_v2(Bucket="listed", MaxKeys=0)
    assert (none["IsTruncated"], none["KeyCount"], none.get("Contents")) == (False, 0, None)
    assert s3.list_objects_v2(Bucket="listed", MaxKeys=5000)["MaxKeys"] == 1000
    encoded = s3.list_objects_v2(Bucket="listed", Prefix=first, EncodingType="url", MaxKeys=1)
    assert encoded["Contents"][0]["Key"] != first or first.isalnum()
    with pytest.raises(ClientError) as caught:
        s3.list_objects_v2(Bucket="listed", ContinuationToken="made up")
    assert caught.value.response["Error"]["Code"] == "InvalidArgument"
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="nowhere")


def test_pages_hold_while_keys_change(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="changing")
    stay = [f"stay/{number:03}" for number in range(60)]
    for key in stay:
        s3.put_object(Bucket="changing", Key=key, Body=b"")
    is_done = threading.Event()

    def churn() -> None:
        other = server.client("s3")
        number = 0
        while not is_done.is_set():
            key = f"stay/{number % 60:03}-x"
            other.put_object(Bucket="changing", Key=key, Body=b"")
            other.delete_object(Bucket="changing", Key=key)
            number += 7

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(5):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket="changing", PaginationConfig={"PageSize": 4})
            seen = [item["Key"] for page in pages for item in page.get("Contents", [])]
            assert [key for key in seen if not key.endswith("-x")] == stay
    finally:
        is_done.set()
        thread.join()
