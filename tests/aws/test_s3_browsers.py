"""S3 as browsers use it: CORS, and POST forms with a signed policy."""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.client
import json
import urllib.parse
from typing import Any, Iterator

import pytest
from botocore.config import Config

from tests.aws.conftest import Server
from tests.aws.test_s3_checksums import ALGORITHMS, text
from tests.aws.test_s3_objects import code, fetch

RULES = [
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example.com", "http://one.test"], "ExposeHeaders": ["ETag", "x-amz-version-id"]},
    {"AllowedMethods": ["PUT", "POST"], "AllowedOrigins": ["https://app.test"], "AllowedHeaders": ["x-amz-*", "Content-Type"], "MaxAgeSeconds": 77},
    {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]},
]


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    client.create_bucket(Bucket="pages")
    client.create_bucket(Bucket="closed")
    client.put_bucket_cors(Bucket="pages", CORSConfiguration={"CORSRules": RULES})
    client.put_object(Bucket="pages", Key="k", Body=b"x")
    yield client


def ask(server: Server, path: str, origin: str | None, method: str | None, headers: str | None = None) -> tuple[int, bytes, Any]:
    """A browser's question."""
    given = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("OPTIONS", path, headers={name: value for name, value in given.items() if value is not None})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


@pytest.mark.parametrize(
    ("origin", "method", "headers", "allowed"),
    [
        ("https://a.example.com", "GET", None, True),
        ("https://example.com", "GET", None, False),
        ("http://a.example.com", "GET", None, False),
        ("http://one.test", "GET", None, True),
        ("http://one.test", "PUT", None, False),
        ("http://one.test", "GET", "x-amz-date", False),
        ("https://app.test", "PUT", "X-Amz-Date, content-type", True),
        ("https://app.test", "PUT", "x-amz-date,authorization", False),
        ("https://app.test", "DELETE", None, False),
        ("http://anywhere", "HEAD", "what,ever", True),
    ],
)
def test_preflight(server: Server, s3: Any, origin: str, method: str, headers: str | None, allowed: bool) -> None:
    assert s3 is not None
    status, body, answer = ask(server, "/pages/k", origin, method, headers)
    assert status == (200 if allowed else 403)
    if not allowed:
        assert b"<Code>AccessForbidden</Code>" in body and answer["Access-Control-Allow-Origin"] is None
        return
    assert answer["Access-Control-Allow-Origin"] == ("*" if method == "HEAD" else origin) and method in answer["Access-Control-Allow-Methods"]
    assert answer["Access-Control-Allow-Headers"] == (headers.lower() if headers else None)
    assert answer["Access-Control-Max-Age"] == ("77" if method == "PUT" else None)


def test_preflight_without_rules(server: Server, s3: Any) -> None:
    assert s3 is not None
    status, body, _ = ask(server, "/closed/k", "https://a.example.com", "GET")
    assert status == 403 and b"CORS is not enabled for this bucket" in body
    assert ask(server, "/nowhere/k", "https://a.example.com", "GET")[0] == 403
    assert ask(server, "/pages/k", "https://a.example.com", None)[0] == 400
    assert ask(server, "/pages/k", None, "GET")[0] == 403


def test_answers_to_pages(server: Server, s3: Any) -> None:
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": "pages", "Key": "k"}))

    def get(origin: str | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", f"{url.path}?{url.query}", headers={"Host": url.netloc, **({"Origin": origin} if origin else {})})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"x")
        return answer.headers

    headers = get("https://a.example.com")
    assert headers["Access-Control-Allow-Origin"] == "https://a.example.com" and headers["Access-Control-Expose-Headers"] == "ETag, x-amz-version-id"
    assert headers["Access-Control-Allow-Credentials"] == "true" and "Origin" in headers["Vary"]
    assert get("https://other.test")["Access-Control-Allow-Origin"] is None and get(None)["Access-Control-Allow-Origin"] is None


# ---- POST forms


def post(server: Server, bucket: str, fields: dict[str, str], body: bytes, file_name: str = "a.txt", cut: int = 0) -> tuple[int, bytes, Any]:
    """What a browser sends for a form; without its last `cut` bytes."""
    mark = "----marks-the-parts"
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\nContent-Type: text/plain\r\n\r\n'.encode()
    whole = b"".join(parts) + head + body + f"\r\n--{mark}--\r\n".encode()
    whole = whole[: len(whole) - cut]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", f"/{bucket}", whole, {"Content-Type": f"multipart/form-data; boundary={mark}"})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def form(s3: Any, key: str, more: dict[str, str] | None = None, conditions: list[Any] | None = None, **options: Any) -> dict[str, str]:
    """boto3's signed fields."""
    made = s3.generate_presigned_post("pages", key, Fields=dict(more or {}), Conditions=list(conditions or []), **options)
    assert urllib.parse.urlsplit(made["url"]).path == "/pages"
    return dict(made["fields"])


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_forms(server: Server, s3: Any, size: int, version: str) -> None:
    signer = server.client("s3", config=Config(signature_version=version))
    # Bytes that look like the beginnings of boundaries.
    body = (b"\r\n--\r\n------marks-the-part\r\n" * (size // 20 + 1))[:size]
    meta = {"Content-Type": "text/x-form", "x-amz-meta-who": "me", "x-amz-storage-class": "STANDARD_IA"}
    fields = form(signer, "up/${filename}", meta, [{name: value} for name, value in meta.items()])
    status, answer, headers = post(server, "pages", fields, body, "dir/ü.bin")
    assert (status, answer) == (204, b""), answer
    assert headers["ETag"] == f'"{hashlib.md5(body).hexdigest()}"' and headers["Location"].endswith("/pages/up/%C3%BC.bin")
    got = s3.get_object(Bucket="pages", Key="up/ü.bin")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["StorageClass"]) == (body, "text/x-form", {"who": "me"}, "STANDARD_IA")


def test_answers_to_forms(server: Server, s3: Any) -> None:
    fields = form(s3, "a&b", {"success_action_status": "201"}, [{"success_action_status": "201"}])
    status, answer, _ = post(server, "pages", fields, b"x")
    assert status == 201 and b"<Bucket>pages</Bucket><Key>a&amp;b</Key>" in answer
    there = "http://page.test/done?x=1"
    status, _, headers = post(server, "pages", form(s3, "r", {"success_action_redirect": there}, [{"success_action_redirect": there}]), b"x")
    assert status == 303 and headers["Location"].startswith(f"{there}&bucket=pages&key=r&etag=%22")
    for evil in ("javascript:alert(1)", "http://a/\r\nx: y"):
        status, _, headers = post(server, "pages", form(s3, "r", {"success_action_redirect": evil}, [{"success_action_redirect": evil}]), b"x")
        assert status == 204 and "x" not in headers
    s3.put_bucket_versioning(Bucket="closed", VersioningConfiguration={"Status": "Enabled"})
    made = s3.generate_presigned_post("closed", "k")["fields"]
    assert post(server, "closed", made, b"x")[2]["x-amz-version-id"] == s3.head_object(Bucket="closed", Key="k")["VersionId"]


def test_tags_of_forms(server: Server, s3: Any) -> None:
    tags = [{"Key": "a b", "Value": "1+1=2&c"}, {"Key": "ü", "Value": ""}]
    rows = "".join(f"<Tag><Key>{tag['Key']}</Key><Value>{tag['Value'].replace('&', '&amp;')}</Value></Tag>" for tag in tags)
    xml = f"<Tagging><TagSet>{rows}</TagSet></Tagging>"
    assert post(server, "pages", form(s3, "tagged", {"tagging": xml}, [{"tagging": xml}]), b"x")[0] == 204
    assert s3.get_object_tagging(Bucket="pages", Key="tagged")["TagSet"] == tags
    status, answer, _ = post(server, "pages", form(s3, "untagged", {"tagging": "<Tagging>"}, [["starts-with", "$tagging", ""]]), b"x")
    assert status == 400 and b"<Code>MalformedXML</Code>" in answer
    assert code(lambda: s3.head_object(Bucket="pages", Key="untagged")) == (404, "404")


@pytest.mark.parametrize("body", [b"", b"x", b"123456789" * 9999], ids=len)
def test_checksums_of_forms(server: Server, s3: Any, body: bytes) -> None:
    sums = {name: text(name, body) for name in ALGORITHMS}

    def send(**fields: str) -> tuple[int, str]:
        given = {name.replace("_", "-"): value for name, value in fields.items()}
        status, answer, _ = post(server, "pages", form(s3, "summed", given, [{name: value} for name, value in given.items()]), body)
        return status, answer.decode().partition("<Code>")[2].partition("</Code>")[0]

    for name, checksum in sums.items():
        assert send(**{f"x-amz-checksum-{name.lower()}": checksum, "x-amz-checksum-algorithm": name}) == (204, "")
        assert s3.head_object(Bucket="pages", Key="summed", ChecksumMode="ENABLED")[f"Checksum{name}"] == checksum
        assert send(**{f"x-amz-checksum-{name.lower()}": text(name, b"other")}) == (400, "BadDigest")
        s3.delete_object(Bucket="pages", Key="summed")
        assert send(x_amz_checksum_algorithm=name) == (204, "")
        assert s3.head_object(Bucket="pages", Key="summed", ChecksumMode="ENABLED")[f"Checksum{name}"] == checksum
    assert send() == (204, "")
    assert s3.head_object(Bucket="pages", Key="summed", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == sums["CRC64NVME"]
    assert send(x_amz_checksum_algorithm="CRC16") == (400, "InvalidRequest")
    assert send(content_md5=base64.b64encode(hashlib.md5(body).digest()).decode()) == (204, "")
    assert send(content_md5=base64.b64encode(hashlib.md5(b"other").digest()).decode()) == (400, "BadDigest")


def test_forms_that_are_refused(server: Server, s3: Any) -> None:
    def refusal(fields: dict[str, str], body: bytes = b"x", **more: Any) -> tuple[int, str]:
        status, answer, _ = post(server, "pages", fields, body, **more)
        return status, answer.decode().partition("<Code>")[2].partition("</Code>")[0]

    old = form(s3, "no")
    assert refusal({**old, "signature": "AAAA"}) == (403, "SignatureDoesNotMatch") and refusal({**old, "key": "other"}) == (403, "AccessDenied")
    s3 = server.client("s3", config=Config(signature_version="s3v4"))
    good = form(s3, "no")
    assert refusal({**good, "key": "other"}) == (403, "AccessDenied")
    assert refusal({**good, "x-amz-meta-more": "1"}) == (403, "AccessDenied")
    assert refusal({**good, "x-amz-signature": "0" * 64}) == (403, "SignatureDoesNotMatch")
    assert refusal({**good, "x-amz-credential": good["x-amz-credential"].replace("AKIA", "AKIB")})[0] == 403
    policy = json.loads(base64.b64decode(good["policy"]))
    policy["conditions"] = []
    assert refusal({**good, "policy": base64.b64encode(json.dumps(policy).encode()).decode()}) == (403, "SignatureDoesNotMatch")
    assert refusal({"key": "no"}) == (403, "AccessDenied")
    assert refusal({name: value for name, value in good.items() if name != "key"}) == (400, "InvalidArgument")
    assert refusal(form(s3, "no", ExpiresIn=-5)) == (403, "AccessDenied")
    ranged = form(s3, "no", conditions=[["content-length-range", 2, 4]])
    assert refusal(ranged, b"1") == (400, "EntityTooSmall") and refusal(ranged, b"12345") == (400, "EntityTooLarge")
    begins = [["starts-with", "$x-amz-meta-a", "good"]]
    assert refusal(form(s3, "no", {"x-amz-meta-a": "bad"}, begins)) == (403, "AccessDenied")
    assert refusal(good, cut=30) == (400, "MalformedPOSTRequest")
    assert refusal({**good, "x-ignore-this": "1" * 70_000}) == (400, "MaxPostPreDataLengthExceeded")
    assert refusal(form(s3, "x" * 1025)) == (400, "KeyTooLongError")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/pages", b"x", {"Content-Type": "multipart/form-data"})
    assert connection.getresponse().status == 400
    assert code(lambda: s3.head_object(Bucket="pages", Key="no")) == (404, "404")
    assert post(server, "pages", ranged, b"123")[0] == 204
    assert post(server, "pages", form(s3, "no", {"x-amz-meta-a": "goods"}, begins), b"x")[0] == 204
    assert (datetime.datetime.now(datetime.timezone.utc) - s3.head_object(Bucket="pages", Key="no")["LastModified"]).total_seconds() < 60
    assert fetch(server, "GET", f"{server.endpoint}/pages/no")[0] == 403
