"""S3: multipart uploads, by boto3 and its transfer manager."""

from __future__ import annotations

import base64
import hashlib
import io
import pathlib
import random
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.aws.conftest import Server

MIB = 1 << 20


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes of which no part is like another."""
    return random.Random(seed).randbytes(size)


def joined_etag(parts: list[bytes]) -> str:
    """S3's ETag of an object of these parts."""
    return f'"{hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()}-{len(parts)}"'


def code(call: Callable[[], Any]) -> str:
    """The error's code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="parts")
    yield client


def begin(s3: Any, key: str, **more: Any) -> dict[str, str]:
    """A new upload's names."""
    return {"Bucket": "parts", "Key": key, "UploadId": s3.create_multipart_upload(Bucket="parts", Key=key, **more)["UploadId"]}


def send(s3: Any, upload: dict[str, str], number: int, body: bytes, **more: Any) -> dict[str, Any]:
    """One part; what CompleteMultipartUpload wants of it."""
    answer = s3.upload_part(**upload, PartNumber=number, Body=body, **more)
    return {"PartNumber": number, "ETag": answer["ETag"], **{name: value for name, value in answer.items() if name.startswith("Checksum")}}


def complete(s3: Any, upload: dict[str, str], parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The end of an upload."""
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **more)


def test_from_begin_to_end(s3: Any) -> None:
    upload = begin(s3, "whole", ContentType="x/y", Metadata={"a": "b"}, Tagging="t=1")
    bodies = [noise(5 * MIB), noise(6 * MIB, 2), noise(10, 3)]
    parts = [send(s3, upload, number, body) for number, body in zip((2, 5, 9), bodies)]
    assert code(lambda: s3.head_object(Bucket="parts", Key="whole")) == "404"
    listed = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed["Parts"]] == [
        (part["PartNumber"], len(body), part["ETag"]) for part, body in zip(parts, bodies)
    ]
    pages = list(s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 1}))
    assert [page["Parts"][0]["PartNumber"] for page in pages if page.get("Parts")] == [2, 5, 9]
    done = complete(s3, upload, parts)
    assert (done["ETag"], done["Bucket"], done["Key"]) == (joined_etag(bodies), "parts", "whole") and done["Location"].endswith("/parts/whole")
    got = s3.get_object(Bucket="parts", Key="whole")
    assert got["Body"].read() == b"".join(bodies)
    assert (got["ETag"], got["ContentType"], got["Metadata"], got["TagCount"]) == (done["ETag"], "x/y", {"a": "b"}, 1)
    for number, body in enumerate(bodies, 1):
        part = s3.get_object(Bucket="parts", Key="whole", PartNumber=number)
        assert part["Body"].read() == body and part["PartsCount"] == 3 and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert code(lambda: s3.get_object(Bucket="parts", Key="whole", PartNumber=4)) == "InvalidPartNumber"
    # Asked once more, because the answer was lost: the same answer. Anything else finds no upload.
    assert complete(s3, upload, parts)["ETag"] == done["ETag"]
    assert code(lambda: complete(s3, upload, parts[:1])) == "NoSuchUpload"
    assert code(lambda: s3.list_parts(**upload)) == "NoSuchUpload"


def test_what_is_refused(s3: Any) -> None:
    upload = begin(s3, "wrong")
    big, small, last = send(s3, upload, 1, noise(5 * MIB)), send(s3, upload, 2, b"small"), send(s3, upload, 3, b"last")
    assert code(lambda: complete(s3, upload, [small, last])) == "EntityTooSmall"
    assert code(lambda: complete(s3, upload, [last, big])) == "InvalidPartOrder"
    assert code(lambda: complete(s3, upload, [big, {"PartNumber": 4, "ETag": last["ETag"]}])) == "InvalidPart"
    assert code(lambda: complete(s3, upload, [big, {"PartNumber": 3, "ETag": big["ETag"]}])) == "InvalidPart"
    assert code(lambda: complete(s3, upload, [])) == "MalformedXML"
    assert code(lambda: complete(s3, upload, [big, last], MpuObjectSize=1)) == "InvalidRequest"
    assert code(lambda: send(s3, upload, 10001, b"")) == "InvalidArgument"
    assert code(lambda: send(s3, {**upload, "UploadId": "none"}, 1, b"")) == "NoSuchUpload"
    assert code(lambda: send(s3, {**upload, "Key": "other"}, 1, b"")) == "NoSuchUpload"
    s3.put_object(Bucket="parts", Key="wrong", Body=b"there")
    assert code(lambda: complete(s3, upload, [big, last], IfNoneMatch="*")) == "PreconditionFailed"
    assert s3.get_object(Bucket="parts", Key="wrong")["Body"].read() == b"there"
    # A part that is sent again counts instead of the first; parts that are not named are left out.
    again = send(s3, upload, 3, b"again")
    assert code(lambda: complete(s3, upload, [big, last])) == "InvalidPart"
    complete(s3, upload, [big, again])
    assert s3.get_object(Bucket="parts", Key="wrong")["Body"].read() == noise(5 * MIB) + b"again"


def test_abort_and_list(s3: Any) -> None:
    uploads = [begin(s3, key) for key in ("up/a", "up/a", "up/b/c", "up/b/d", "up/é +")]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="parts", Prefix="up/", PaginationConfig={"PageSize": 2})
    assert [(item["Key"], item["UploadId"]) for page in pages for item in page.get("Uploads", [])] == [(up["Key"], up["UploadId"]) for up in uploads]
    rolled = s3.list_multipart_uploads(Bucket="parts", Prefix="up/", Delimiter="/")
    assert [item["Key"] for item in rolled["Uploads"]] == ["up/a", "up/a", "up/é +"] and rolled["CommonPrefixes"] == [{"Prefix": "up/b/"}]
    for upload in uploads:
        send(s3, upload, 1, b"x")
        s3.abort_multipart_upload(**upload)
        assert code(lambda upload=upload: s3.abort_multipart_upload(**upload)) == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="parts", Prefix="up/")


def test_part_copies(s3: Any) -> None:
    body = noise(11 * MIB)
    s3.put_object(Bucket="parts", Key="source ü", Body=body)
    source = {"Bucket": "parts", "Key": "source ü"}
    upload = begin(s3, "from copies")
    parts = []
    for number, (start, end) in enumerate(((0, 5 * MIB - 1), (5 * MIB, 11 * MIB - 1)), 1):
        result = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, CopySourceRange=f"bytes={start}-{end}")["CopyPartResult"]
        assert result["ETag"] == f'"{hashlib.md5(body[start : end + 1]).hexdigest()}"'
        parts.append({"PartNumber": number, "ETag": result["ETag"]})
    for wrong in ("bytes=0-", "bytes=-5", f"bytes=0-{11 * MIB}", f"bytes={11 * MIB}-{11 * MIB + 1}", "0-5", "bytes=5-2"):
        assert code(lambda wrong=wrong: s3.upload_part_copy(**upload, PartNumber=3, CopySource=source, CopySourceRange=wrong)) == "InvalidArgument"
    result = s3.upload_part_copy(**upload, PartNumber=3, CopySource=source)["CopyPartResult"]
    complete(s3, upload, [*parts, {"PartNumber": 3, "ETag": result["ETag"]}])
    assert s3.get_object(Bucket="parts", Key="from copies")["Body"].read() == body + body


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksum_of_checksums(s3: Any, algorithm: str) -> None:
    digest, member = ALGORITHMS[algorithm], f"Checksum{algorithm}"
    bodies = [noise(5 * MIB), b"end"]
    upload = begin(s3, f"composite-{algorithm}", ChecksumAlgorithm=algorithm)
    parts = [send(s3, upload, number, body, ChecksumAlgorithm=algorithm) for number, body in enumerate(bodies, 1)]
    assert [part[member] for part in parts] == [base64.b64encode(digest(body)).decode() for body in bodies]
    whole = base64.b64encode(digest(b"".join(digest(body) for body in bodies))).decode() + "-2"
    assert code(lambda: complete(s3, upload, [{**parts[0], member: parts[1][member]}, parts[1]])) == "InvalidPart"
    done = complete(s3, upload, parts)
    assert (done[member], done["ChecksumType"]) == (whole, "COMPOSITE")
    head = s3.head_object(Bucket="parts", Key=upload["Key"], ChecksumMode="ENABLED")
    assert (head[member], head["ChecksumType"]) == (whole, "COMPOSITE")


def test_checksum_of_the_whole(s3: Any) -> None:
    bodies = [noise(5 * MIB), b"end"]
    upload = begin(s3, "whole-crc", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [send(s3, upload, number, body) for number, body in enumerate(bodies, 1)]
    whole = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    assert code(lambda: complete(s3, upload, parts, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")) == "BadDigest"
    assert complete(s3, upload, parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")["ChecksumCRC32"] == whole
    assert code(lambda: begin(s3, "x", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")) == "InvalidRequest"
    sha = begin(s3, "sha", ChecksumAlgorithm="SHA256")
    assert code(lambda: send(s3, sha, 1, b"x", ChecksumAlgorithm="CRC32")) == "InvalidRequest"


@pytest.mark.parametrize("size", [0, 1, 5 * MIB - 1, 5 * MIB, 23 * MIB + 17])
def test_transfer_manager(s3: Any, tmp_path: pathlib.Path, size: int) -> None:
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=6)
    body = noise(size)
    (tmp_path / "up").write_bytes(body)
    key = f"managed/{size}"
    s3.upload_file(str(tmp_path / "up"), "parts", key, Config=config)
    s3.download_file("parts", key, str(tmp_path / "down"), Config=config)
    assert hashlib.md5((tmp_path / "down").read_bytes()).hexdigest() == hashlib.md5(body).hexdigest()
    s3.copy({"Bucket": "parts", "Key": key}, "parts", f"{key}-copy", Config=config)
    got = io.BytesIO()
    s3.download_fileobj("parts", f"{key}-copy", got, Config=config)
    assert got.getvalue() == body
    is_multipart = size >= 5 * MIB
    assert s3.head_object(Bucket="parts", Key=key)["ETag"].endswith(f'-{-(-size // (5 * MIB))}"') == is_multipart


def test_uploads_outlive_the_server(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    s3.create_bucket(Bucket="parts")
    upload = begin(s3, "later")
    bodies = [noise(5 * MIB), b"rest"]
    first = send(s3, upload, 1, bodies[0])
    fresh_server.kill()
    fresh_server.start()
    s3 = fresh_server.client("s3")
    second = send(s3, upload, 2, bodies[1])
    assert complete(s3, upload, [first, second])["ETag"] == joined_etag(bodies)
    assert s3.get_object(Bucket="parts", Key="later")["Body"].read() == b"".join(bodies)


def break_off(server: Server, s3: Any, upload: dict[str, str], number: int, body: bytes) -> None:
    """A part whose connection ends before half of it came; returns when the server has noticed."""
    url = s3.generate_presigned_url("upload_part", {**upload, "PartNumber": number})
    path = url.removeprefix(server.endpoint)
    seen = len(server.log)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 3])
    deadline = time.monotonic() + 300
    while not any("UploadPart" in line and " 499 " in line for line in server.log[seen:]):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_came_before(server: Server, s3: Any, seed: int) -> None:
    """Parts at once and in any order, some twice, some broken off, of one size or not, some left out in the end: the object is the parts that were named."""
    draw = random.Random(seed)
    sizes = [5 * MIB] * 4 if draw.random() < 0.7 else [draw.choice((5 * MIB, 5 * MIB + 1, 6 * MIB)) for _ in range(4)]
    sizes.append(draw.choice((1, 100_000, 5 * MIB, 7 * MIB)))
    upload = begin(s3, f"random/{seed}")
    kept: dict[int, bytes] = {}
    named: dict[int, dict[str, Any]] = {}

    def put(number: int, body: bytes) -> None:
        named[number], kept[number] = send(s3, upload, number, body), body

    steps = [(number, noise(size, seed * 100 + number)) for number, size in enumerate(sizes, start=1)]
    draw.shuffle(steps)
    for number, body in steps[:2]:
        if draw.random() < 0.5:
            break_off(server, s3, upload, number, noise(len(body), 7))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda step: put(*step), steps))
    for number, body in draw.sample(steps, draw.randrange(3)):
        put(number, noise(len(body), 1000 + number))
    if draw.random() < 0.5:
        break_off(server, s3, upload, draw.randrange(1, 6), noise(5 * MIB, 8))
    numbers = sorted(draw.sample(range(1, 5), draw.choice((3, 4, 4, 4)))) + [5]
    complete(s3, upload, [named[number] for number in numbers])
    got = s3.get_object(Bucket="parts", Key=f"random/{seed}")
    wanted = [kept[number] for number in numbers]
    assert got["Body"].read() == b"".join(wanted) and got["ETag"] == joined_etag(wanted)
    assert code(lambda: send(s3, upload, 1, noise(5 * MIB, 9))) == "NoSuchUpload"
    assert s3.get_object(Bucket="parts", Key=f"random/{seed}")["Body"].read() == b"".join(wanted)
