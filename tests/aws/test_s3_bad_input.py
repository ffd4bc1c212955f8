"""S3: bodies that are not what they say, keys that look like paths, XML that is a bomb: AWS's error, and nothing outside of the home."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import unicodedata
import urllib.parse
from typing import Any, Iterator

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.aws.conftest import Server
from tests.aws.test_s3_objects import code, fetch, unchecked


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3", config=Config(signature_version="s3v4"))  # whose URLs sign the host alone
    client.create_bucket(Bucket="bad")
    yield client


def put_raw(server: Server, s3: Any, key: str, announced: int | str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """A PUT that sends what it wants, then says that it is done; the whole answer."""
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": "bad", "Key": key}))
    lines = [f"PUT {url.path}?{url.query} HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {announced}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_bodies_of_other_lengths(server: Server, s3: Any) -> None:
    s3.put_object(Bucket="bad", Key="length", Body=b"before")
    for announced in (6, 100_000_000):
        answer = put_raw(server, s3, "length", announced, b"short")
        assert not answer.startswith(b"HTTP/1.1 2")
    assert s3.get_object(Bucket="bad", Key="length")["Body"].read() == b"before"
    # What is behind the announced length is no part of the body.
    put_raw(server, s3, "length", 5, b"shorter than this")
    assert s3.get_object(Bucket="bad", Key="length")["Body"].read() == b"short"
    for length in ("-1", "x", "99999999999999999999"):
        answer = put_raw(server, s3, "length", length, b"")
        assert not answer.startswith(b"HTTP/1.1 2")


def test_digests_of_other_bodies(server: Server, s3: Any) -> None:
    md5 = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    for wrong, expected in ((base64.b64encode(bytes(16)).decode(), b"BadDigest"), ("x", b"InvalidDigest"), ("YWJj", b"InvalidDigest")):
        answer = put_raw(server, s3, "md5", 4, b"body", {"Content-MD5": wrong})
        assert answer.startswith(b"HTTP/1.1 400") and b"<Code>" + expected in answer
    assert code(lambda: s3.head_object(Bucket="bad", Key="md5")) == (404, "404")
    assert put_raw(server, s3, "md5", 4, b"body", {"Content-MD5": md5}).startswith(b"HTTP/1.1 200")
    answer = put_raw(server, s3, "md5", 4, b"body", {"X-Amz-Content-SHA256": "0" * 64})
    assert b"<Code>XAmzContentSHA256Mismatch" in answer or b"<Code>SignatureDoesNotMatch" in answer


PATHS = ["../../../../etc/passwd", "a/../../b", "..", ".", "%2e%2e%2fx", "%2f%2e%2e", "C:\\x", "a\\..\\b", "~/x", "/etc/passwd", "//x", "a%00b", "\n", "\x7f", "con", "x" * 1024]


def test_keys_that_look_like_paths(server: Server, s3: Any) -> None:
    s3.put_object(Bucket="bad", Key="harmless", Body=b"")
    outside, inside = set(server.home.parent.iterdir()), set(server.home.iterdir())
    for key in PATHS:
        s3.put_object(Bucket="bad", Key=key, Body=key.encode())
    for key in PATHS:
        assert s3.get_object(Bucket="bad", Key=key)["Body"].read() == key.encode()
    assert (set(server.home.parent.iterdir()), set(server.home.iterdir())) == (outside, inside)
    assert all(len(path.name) <= 32 for path in (server.home / "objects").rglob("*"))  # no name comes from a key
    for key in PATHS:
        s3.delete_object(Bucket="bad", Key=key)


def test_forms_of_unicode_are_different_keys(s3: Any) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é/Å") for form in ("NFC", "NFD"))
    assert composed != decomposed
    for key in (composed, decomposed):
        s3.put_object(Bucket="bad", Key=key, Body=key.encode())
    assert [s3.get_object(Bucket="bad", Key=key)["Body"].read() for key in (composed, decomposed)] == [composed.encode(), decomposed.encode()]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket="bad")["Contents"]]
    assert composed in listed and decomposed in listed


def test_a_key_that_is_a_folder_of_another(s3: Any) -> None:
    for key in ("f", "f/", "f/g", "f/g/", "f/g/h"):
        s3.put_object(Bucket="bad", Key=key, Body=key.encode())
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="bad", Prefix="f")["Contents"]] == ["f", "f/", "f/g", "f/g/", "f/g/h"]
    s3.delete_object(Bucket="bad", Key="f/g")
    assert s3.get_object(Bucket="bad", Key="f/g/h")["Body"].read() == b"f/g/h"


@pytest.mark.parametrize("name", ["..", "a/..", "%2e%2e", "a%2fb", ".a", "a%00b", "xn--a", "UPPER", "a..b", "-a", "a" * 64, "ab", "é"])
def test_buckets_that_look_like_paths(server: Server, name: str) -> None:
    s3 = unchecked(server)
    before = len(s3.list_buckets()["Buckets"])
    url = f"{server.endpoint}/{name}"
    assert fetch(server, "PUT", url.encode("ascii", "ignore").decode())[0] in (400, 403, 404)  # unsigned: no such bucket can be there
    if "/" not in name and "%" not in name:
        assert code(lambda: s3.create_bucket(Bucket=name)) == (400, "InvalidBucketName")
    assert len(s3.list_buckets()["Buckets"]) == before


BOMB = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12))
DOCUMENTS = [
    f'<!DOCTYPE x [<!ENTITY a0 "boom">{BOMB}]><Tagging><TagSet><Tag><Key>&a11;</Key><Value/></Tag></TagSet></Tagging>',
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Tagging><TagSet><Tag><Key>&f;</Key><Value/></Tag></TagSet></Tagging>',
    '<!DOCTYPE Tagging SYSTEM "http://127.0.0.1:1/x.dtd"><Tagging><TagSet/></Tagging>',
    "<Tagging><TagSet>",
    "<Tagging>" + "<TagSet>" * 5000,
    "not xml",
    "",
    "<Tagging><TagSet><Tag><Key>&undefined;</Key></Tag></TagSet></Tagging>",
    "<Tagging>\x00</Tagging>",
]


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_xml_that_is_none(server: Server, s3: Any, number: int) -> None:
    s3.put_object(Bucket="bad", Key="tagged", Body=b"x", Tagging="was=there")
    keys = Credentials(server.variables["AWS_ACCESS_KEY_ID"], server.variables["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("PUT", f"{server.endpoint}/bad/tagged?tagging", data=DOCUMENTS[number].encode())
    S3SigV4Auth(keys, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("PUT", "/bad/tagged?tagging", DOCUMENTS[number].encode(), dict(request.headers.items()))
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 400 and b"<Code>" in body and b"root:" not in body, (answer.status, body)
    assert s3.get_object_tagging(Bucket="bad", Key="tagged")["TagSet"] == [{"Key": "was", "Value": "there"}]
