"""S3: the five additional checksums, whole and composite, in headers and trailers, and GetObjectAttributes."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import pathlib
import subprocess
import zlib
from typing import Any, Callable, Iterator

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.aws.conftest import SOLDER, Server
from tests.aws.test_s3_multipart import MIB, noise
from tests.aws.test_s3_objects import code


def reflected_crc(polynomial: int, bits: int) -> Callable[[bytes], bytes]:
    """A CRC with all ones before and after, from its reflected polynomial."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)

    def digest(data: bytes) -> bytes:
        crc = (1 << bits) - 1
        for byte in data:
            crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
        return (crc ^ ((1 << bits) - 1)).to_bytes(bits // 8, "big")

    return digest


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": reflected_crc(0x82F63B78, 32),
    "CRC64NVME": reflected_crc(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
WHOLE = ("CRC32", "CRC32C", "CRC64NVME")
COMPOSITE = ("CRC32", "CRC32C", "SHA1", "SHA256")
ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def text(algorithm: str, data: bytes) -> str:
    """The checksum as the API has it."""
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def test_the_crcs_of_this_file() -> None:
    """The check values of the catalogue of CRC algorithms."""
    assert ALGORITHMS["CRC32C"](b"123456789").hex() == "e3069283"
    assert ALGORITHMS["CRC64NVME"](b"123456789").hex() == "ae8b14860a799888"


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="sums")
    yield client


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_of_objects(s3: Any, algorithm: str) -> None:
    body, member = noise(70_000), f"Checksum{algorithm}"
    wrong = text(algorithm, b"other")
    assert code(lambda: s3.put_object(Bucket="sums", Key=algorithm, Body=body, **{member: wrong})) == (400, "BadDigest")
    put = s3.put_object(Bucket="sums", Key=algorithm, Body=body, **{member: text(algorithm, body)})
    assert (put[member], put["ChecksumType"]) == (text(algorithm, body), "FULL_OBJECT")
    assert member not in s3.head_object(Bucket="sums", Key=algorithm)
    for answer in (s3.head_object(Bucket="sums", Key=algorithm, ChecksumMode="ENABLED"), s3.get_object(Bucket="sums", Key=algorithm, ChecksumMode="ENABLED")):
        assert (answer[member], answer["ChecksumType"]) == (text(algorithm, body), "FULL_OBJECT")
    assert member not in s3.get_object(Bucket="sums", Key=algorithm, ChecksumMode="ENABLED", Range="bytes=0-9")
    got = s3.get_object_attributes(Bucket="sums", Key=algorithm, ObjectAttributes=ALL)
    assert got["Checksum"] == {member: text(algorithm, body), "ChecksumType": "FULL_OBJECT"} and "ObjectParts" not in got
    assert (got["ETag"], got["ObjectSize"], got["StorageClass"]) == (hashlib.md5(body).hexdigest(), len(body), "STANDARD")
    (item,) = s3.list_objects_v2(Bucket="sums", Prefix=algorithm)["Contents"][:1]
    assert (item["ChecksumAlgorithm"], item["ChecksumType"]) == ([algorithm], "FULL_OBJECT")


@pytest.fixture(name="plain", scope="module")
def _plain(server: Server, s3: Any) -> Any:
    """A client that sends no checksum of its own."""
    assert s3 is not None
    return server.client("s3", config=Config(request_checksum_calculation="when_required", retries={"total_max_attempts": 1}))


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 70_000])
def test_what_comes_without_gets_one(plain: Any, size: int) -> None:
    body = noise(size)
    wanted = {"ChecksumCRC64NVME": text("CRC64NVME", body), "ChecksumType": "FULL_OBJECT"}

    def shown(answer: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name.startswith("Checksum")}

    assert shown(plain.put_object(Bucket="sums", Key="bare", Body=body)) == wanted
    assert shown(plain.head_object(Bucket="sums", Key="bare", ChecksumMode="ENABLED")) == wanted
    assert shown(plain.get_object(Bucket="sums", Key="bare", ChecksumMode="ENABLED")) == wanted
    assert shown(plain.head_object(Bucket="sums", Key="bare")) == {}
    assert plain.get_object_attributes(Bucket="sums", Key="bare", ObjectAttributes=["Checksum"])["Checksum"] == wanted
    (item,) = plain.list_objects_v2(Bucket="sums", Prefix="bare")["Contents"]
    assert item["ChecksumAlgorithm"] == ["CRC64NVME"]
    assert shown(plain.copy_object(Bucket="sums", Key="copy", CopySource="sums/bare")["CopyObjectResult"]) == wanted


def test_defaults_by_the_cli(server: Server, s3: Any, tmp_path: pathlib.Path) -> None:
    s3.create_bucket(Bucket="defaults")
    (tmp_path / "body").write_bytes(b"123456789")
    names = ("--bucket", "defaults", "--key", "k")
    env = {**server.env, "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
    shown = subprocess.run([SOLDER, "aws", "s3api", "put-object", *names, "--body", tmp_path / "body"], env=env, capture_output=True, text=True, check=True)
    wanted = {"ChecksumCRC64NVME": text("CRC64NVME", b"123456789"), "ChecksumType": "FULL_OBJECT", "ServerSideEncryption": "AES256"}
    head = server.aws("s3api", "head-object", *names, "--checksum-mode", "ENABLED")
    for answer in (json.loads(shown.stdout), head):
        assert {name: answer.get(name) for name in wanted} == wanted


def test_uploads_without_get_one(plain: Any) -> None:
    bodies, member = [noise(5 * MIB + 3, 1), noise(5 * MIB, 2), noise(77, 3)], "ChecksumCRC64NVME"
    plain.put_object(Bucket="sums", Key="source", Body=bodies[1])
    begun = plain.create_multipart_upload(Bucket="sums", Key="bare")
    upload = {"Bucket": "sums", "Key": "bare", "UploadId": begun["UploadId"]}
    first = plain.upload_part(**upload, PartNumber=1, Body=bodies[0])
    second = plain.upload_part_copy(**upload, PartNumber=2, CopySource="sums/source")["CopyPartResult"]
    third = plain.upload_part(**upload, PartNumber=3, Body=bodies[2], ChecksumAlgorithm="SHA256")  # of the part alone
    assert [first[member], second[member]] == [text("CRC64NVME", body) for body in bodies[:2]]
    assert third["ChecksumSHA256"] == text("SHA256", bodies[2]) and member not in third
    parts = {"Parts": [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate((first, second, third), 1)]}
    wrong = {member: text("CRC64NVME", b"other")}
    assert code(lambda: plain.complete_multipart_upload(**upload, MultipartUpload=parts, **wrong)) == (400, "BadDigest")
    done = plain.complete_multipart_upload(**upload, MultipartUpload=parts)
    for answer in (done, plain.head_object(Bucket="sums", Key="bare", ChecksumMode="ENABLED")):
        assert (answer[member], answer["ChecksumType"]) == (text("CRC64NVME", b"".join(bodies)), "FULL_OBJECT")
    got = plain.get_object_attributes(Bucket="sums", Key="bare", ObjectAttributes=ALL)
    assert (got["Checksum"][member], got["ObjectParts"]) == (done[member], {"TotalPartsCount": 3})


def test_of_files_of_the_engine(server: Server, plain: Any, tmp_path: pathlib.Path) -> None:
    """What is put into the bucket's folder without a request has none, until a copy computes it."""
    (tmp_path / "rows").write_bytes(b"a,b\n1,2\n")
    subprocess.run([SOLDER, "s3", "cp", tmp_path / "rows", "s3://sums/rows"], env=server.env, check=True)
    head = plain.head_object(Bucket="sums", Key="rows", ChecksumMode="ENABLED")
    assert not any(name.startswith("Checksum") for name in head) and head["ServerSideEncryption"] == "AES256"
    copied = plain.copy_object(Bucket="sums", Key="rows2", CopySource="sums/rows")["CopyObjectResult"]
    assert copied["ChecksumCRC64NVME"] == text("CRC64NVME", b"a,b\n1,2\n")


class TrailerAuth(S3SigV4Auth):
    """Signs a request whose checksum comes behind its body."""

    def payload(self, request: AWSRequest) -> str:
        """What stands for the body's hash."""
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def send(server: Server, key: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """A signed PUT whose body goes out as it is."""
    keys = Credentials(server.variables["AWS_ACCESS_KEY_ID"], server.variables["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("PUT", f"{server.endpoint}/sums/{key}", headers=headers)
    TrailerAuth(keys, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("PUT", f"/sums/{key}", body, dict(request.headers.items()))
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_in_trailers(server: Server, s3: Any, algorithm: str) -> None:
    body = noise(100_000)
    name = f"x-amz-checksum-{algorithm.lower()}"

    def put(key: str, checksum: str, announced: int = len(body)) -> tuple[int, bytes]:
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:65536], body[65536:])) + b"0\r\n"
        chunks += f"{name}:{checksum}\r\n\r\n".encode()
        headers = {"Content-Encoding": "aws-chunked", "X-Amz-Trailer": name, "X-Amz-Decoded-Content-Length": str(announced)}
        return send(server, key, headers, chunks)

    assert put(f"trail-{algorithm}", text(algorithm, body))[0] == 200
    got = s3.get_object(Bucket="sums", Key=f"trail-{algorithm}", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got[f"Checksum{algorithm}"] == text(algorithm, body)
    status, answer = put("wrong-trailer", text(algorithm, b"other"))
    assert status == 400 and b"<Code>BadDigest</Code>" in answer
    for announced in (len(body) - 1, len(body) + 1):
        assert put("wrong-trailer", text(algorithm, body), announced)[0] == 400
    assert code(lambda: s3.head_object(Bucket="sums", Key="wrong-trailer")) == (404, "404")


@pytest.mark.parametrize(("kind", "algorithm"), [("FULL_OBJECT", name) for name in WHOLE] + [("COMPOSITE", name) for name in COMPOSITE])
def test_of_uploads(s3: Any, kind: str, algorithm: str) -> None:
    bodies, member, key = [noise(5 * MIB), b"end"], f"Checksum{algorithm}", f"up-{kind}-{algorithm}"
    sums = [text(algorithm, body) for body in bodies]
    begun = s3.create_multipart_upload(Bucket="sums", Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (algorithm, kind)
    upload = {"Bucket": "sums", "Key": key, "UploadId": begun["UploadId"]}
    assert code(lambda: s3.upload_part(**upload, PartNumber=1, Body=b"x", **{member: sums[0]})) == (400, "BadDigest")
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = s3.upload_part(**upload, PartNumber=number, Body=body, **{member: sums[number - 1]})
        assert sent[member] == sums[number - 1]
        parts.append({"PartNumber": number, "ETag": sent["ETag"], member: sent[member]})
    assert [part[member] for part in s3.list_parts(**upload)["Parts"]] == sums
    if kind == "COMPOSITE":
        bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        assert code(lambda: s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": bare})) == (400, "InvalidRequest")
        whole = text(algorithm, b"".join(ALGORITHMS[algorithm](body) for body in bodies)) + "-2"
    else:
        whole = text(algorithm, b"".join(bodies))
    assert code(lambda: s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **{member: sums[0]})) == (400, "BadDigest")
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **{member: whole})
    assert (done[member], done["ChecksumType"]) == (whole, kind)
    got = s3.get_object_attributes(Bucket="sums", Key=key, ObjectAttributes=ALL)
    assert got["Checksum"] == {member: whole, "ChecksumType": kind}
    rows = [{"PartNumber": number, "Size": len(body), member: sums[number - 1]} for number, body in enumerate(bodies, 1)]
    assert (got["ObjectParts"]["TotalPartsCount"], got["ObjectParts"]["Parts"]) == (2, rows)
    page = s3.get_object_attributes(Bucket="sums", Key=key, ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert (page["Parts"], page["IsTruncated"], page["NextPartNumberMarker"]) == (rows[:1], True, 1)
    page = s3.get_object_attributes(Bucket="sums", Key=key, ObjectAttributes=["ObjectParts"], PartNumberMarker=1)["ObjectParts"]
    assert (page["Parts"], page["IsTruncated"]) == (rows[1:], False)
    part = s3.get_object(Bucket="sums", Key=key, PartNumber=2, ChecksumMode="ENABLED")
    assert (part["Body"].read(), part[member]) == (b"end", sums[1])


@pytest.mark.parametrize("algorithm", WHOLE)
@pytest.mark.parametrize("last", [b"", b"x", noise(333_331, 9)], ids=len)
def test_whole_from_parts_of_any_length(s3: Any, algorithm: str, last: bytes) -> None:
    bodies, member = [noise(5 * MIB + 13, 7), noise(5 * MIB + 1, 8), last], f"Checksum{algorithm}"
    begun = s3.create_multipart_upload(Bucket="sums", Key="odd", ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    upload = {"Bucket": "sums", "Key": "odd", "UploadId": begun["UploadId"]}
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = s3.upload_part(**upload, PartNumber=number, Body=body, **{member: text(algorithm, body)})
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    assert s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})[member] == text(algorithm, b"".join(bodies))


def test_attributes_that_are_none(s3: Any) -> None:
    s3.put_object(Bucket="sums", Key="k", Body=b"x")
    assert code(lambda: s3.get_object_attributes(Bucket="sums", Key="k", ObjectAttributes=["Colour"])) == (400, "InvalidArgument")
    assert code(lambda: s3.get_object_attributes(Bucket="sums", Key="absent", ObjectAttributes=ALL)) == (404, "NoSuchKey")
    got = s3.get_object_attributes(Bucket="sums", Key="k", ObjectAttributes=["ObjectSize"])
    assert got["ObjectSize"] == 1 and "ETag" not in got and "Checksum" not in got
