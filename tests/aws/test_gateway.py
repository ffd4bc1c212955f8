"""The front door: who may come in, what is understood, and what broken requests get."""

from __future__ import annotations

import datetime
import http.client
import json
import os
import pathlib
import socket
import stat
import subprocess
import threading
import time
from typing import Any
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.aws.conftest import SOLDER, Server


def signed(server: Server, operation: str, body: str, when: datetime.datetime | None = None, secret: str | None = None) -> dict[str, str]:
    """The headers that botocore's own signer makes for a Glue request."""
    headers = {"X-Amz-Target": f"AWSGlue.{operation}", "Content-Type": "application/x-amz-json-1.1", "Host": f"127.0.0.1:{server.port}"}
    request = AWSRequest("POST", server.endpoint + "/", headers=headers, data=body)
    credentials = Credentials(server.variables["AWS_ACCESS_KEY_ID"], secret or server.variables["AWS_SECRET_ACCESS_KEY"])
    when = when or datetime.datetime.now(datetime.timezone.utc)
    with mock.patch("botocore.auth.get_current_datetime", return_value=when.replace(tzinfo=None), create=True):
        SigV4Auth(credentials, "glue", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def post(server: Server, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a request made by hand."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/", body=body, headers=headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text)


def test_signatures(server: Server) -> None:
    body = "{}"
    assert post(server, signed(server, "GetDatabases", body), body.encode())[0] == 200
    wrong = post(server, signed(server, "GetDatabases", body, secret="x" * 40), body.encode())
    assert wrong[0] == 400 and wrong[1]["__type"] == "InvalidSignatureException"
    other_body = post(server, signed(server, "GetDatabases", body), b'{"MaxResults": 5}')
    assert other_body[1]["__type"] == "InvalidSignatureException"
    unsigned = post(server, {"X-Amz-Target": "AWSGlue.GetDatabases"}, b"{}")
    assert unsigned[1]["__type"] == "MissingAuthenticationTokenException"
    garbled = post(server, {"X-Amz-Target": "AWSGlue.GetDatabases", "Authorization": "AWS4-HMAC-SHA256 Credential=a/b, Signature=,"}, b"{}")
    assert garbled[1]["__type"] == "IncompleteSignatureException"
    headers = signed(server, "GetDatabases", body)
    headers["X-Amz-Target"] = "AWSGlue.GetDatabase"
    assert post(server, headers, body.encode())[1]["__type"] == "InvalidSignatureException", "the target is signed, too"
    for key in ("AKIAAAAAAAAAAAAAAAAA", "ASIAAAAAAAAAAAAAAAAA"):
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            server.client("glue", aws_access_key_id=key).get_databases()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        server.client("sts", aws_access_key_id="AKIAAAAAAAAAAAAAAAAA").get_caller_identity()
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        server.client("sts", aws_secret_access_key="wrong").get_caller_identity()
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_plus_in_a_signed_query(server: Server) -> None:
    """The Java SDK signs a blank as %20 and sends it as "+"."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="plus")
    s3.put_object(Bucket="plus", Key="a b+c/1", Body=b"")
    sent = []

    def send_as_form(request: Any, **_: Any) -> None:
        request.url = request.url.replace("%20", "+")
        sent.append(request.url)

    s3.meta.events.register("before-send.s3.ListObjectsV2", send_as_form)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="plus", Prefix="a b+c/")["Contents"]] == ["a b+c/1"]
    assert "prefix=a+b%2Bc%2F" in sent[0]


def test_old_and_early_requests(server: Server) -> None:
    """A request that was recorded and is sent again after 15 minutes is refused."""
    now = datetime.datetime.now(datetime.timezone.utc)
    for minutes, status in ((-14, 200), (14, 200), (-16, 400), (16, 400)):
        headers = signed(server, "GetDatabases", "{}", now + datetime.timedelta(minutes=minutes))
        assert headers["X-Amz-Date"] != signed(server, "GetDatabases", "{}")["X-Amz-Date"], "the signer's clock must have been moved"
        got = post(server, headers, b"{}")
        assert got[0] == status, got
        if status == 400:
            assert got[1]["__type"] == "InvalidSignatureException"


def test_operations_that_are_not_there(server: Server) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException.*CreateCrawler is not supported by Solder yet"):
        server.client("glue").create_crawler(Name="x", Role="r", Targets={})
    asked = {"Expression": "SELECT 1", "ExpressionType": "SQL", "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}}
    with pytest.raises(ClientError, match="NotImplemented.*SelectObjectContent is not supported"):
        server.client("s3").select_object_content(Bucket="bucket", Key="k", **asked)
    with pytest.raises(ClientError, match="NotImplemented.*RestoreObject is not supported"):
        server.client("s3").restore_object(Bucket="bucket", Key="k", RestoreRequest={"Days": 1})
    body = "{}"
    assert post(server, signed(server, "MakeCoffee", body), body.encode())[1]["__type"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "body, code, text",
    [
        (b"{", "SerializationException", "not JSON"),
        (b"[]", "SerializationException", "not a JSON object"),
        (b"\xff\xfe", "SerializationException", "not JSON"),
        (b'{"Name": 5}', "SerializationException", "must be a string"),
        (b'{"Name": {"a": 1}}', "SerializationException", "must be a string"),
        (b"{}", "ValidationException", "Value null at 'name' failed to satisfy constraint: Member must not be null"),
        (b'{"Name": ""}', "ValidationException", "at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        (b'{"Name": "' + b"x" * 300 + b'"}', "ValidationException", "length less than or equal to 255"),
        (b'{"Name": "a\\u0000b"}', "ValidationException", "regular expression pattern"),
        (b'{"Name":' + b"[" * 100_000, "SerializationException", "nested more than"),
        (b'{"Name": "' + b"x" * 17_000_000 + b'"}', "RequestEntityTooLarge", "longer than"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_broken_bodies(server: Server, body: bytes, code: str, text: str) -> None:
    headers = signed(server, "GetDatabase", body.decode("latin-1") if body.startswith(b"\xff") else body.decode())
    if body.startswith(b"\xff"):
        request = AWSRequest("POST", server.endpoint + "/", headers={"X-Amz-Target": "AWSGlue.GetDatabase", "Host": f"127.0.0.1:{server.port}"}, data=body)
        SigV4Auth(Credentials(server.variables["AWS_ACCESS_KEY_ID"], server.variables["AWS_SECRET_ACCESS_KEY"]), "glue", "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
    status, answer = post(server, headers, body)
    assert status in (400, 413) and answer["__type"] == code and text in answer["Message"]


def test_garbage_and_half_requests(server: Server) -> None:
    """Bytes that are no HTTP, requests that stop in the middle: the server goes on."""
    for data in (b"\x00" * 100, b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 600_000 + b"\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)
            except OSError:
                pass  # the server may close first
    assert server.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_many_at_once(server: Server) -> None:
    failures: list[Exception] = []

    def ask() -> None:
        try:
            client = server.client("glue")
            for _ in range(20):
                client.get_databases()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_own_pages_and_log(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/health")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    server.client("sts").get_caller_identity()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    assert 'solder_requests_total{service="sts",operation="GetCallerIdentity",status="2xx"}' in text
    assert "solder_request_seconds_count" in text
    line = next(line for line in server.log if "sts.GetCallerIdentity" in line)
    assert " 200 " in line and server.variables["AWS_ACCESS_KEY_ID"] in line
    assert not any(server.variables["AWS_SECRET_ACCESS_KEY"] in line for line in server.log)


def test_keys(fresh_server: Server) -> None:
    credentials = fresh_server.home / "credentials"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600

    def key(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([SOLDER, "key", *arguments], env=fresh_server.env, capture_output=True, text=True, check=False)

    made = dict(line.split(" = ") for line in key("create", "ci").stdout.splitlines())
    client = fresh_server.client("sts", **made)
    assert client.get_caller_identity()["Account"] == "000000000000"
    assert key("create", "ci").returncode == 1
    assert {"default", "ci"} <= set(key("list").stdout.split())
    with mock.patch.dict(os.environ, {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_PROFILE": "ci"}):
        from_file = fresh_server.client("sts", aws_access_key_id=None, aws_secret_access_key=None)
        assert from_file.get_caller_identity()["Account"] == "000000000000"
    assert key("delete", "ci").returncode == 0
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client.get_caller_identity()
    assert key("delete", "ci").returncode == 1


def test_keys_that_change_are_seen(fresh_server: Server) -> None:
    """The server keeps what it read of the file of keys until the file changes."""
    path = fresh_server.home / "credentials"
    while time.time() - path.stat().st_ctime < 4:  # younger files are read anew each time
        time.sleep(0.1)
    for _ in range(3):
        fresh_server.client("sts").get_caller_identity()
    text = path.read_text()
    secret = fresh_server.variables["AWS_SECRET_ACCESS_KEY"]
    other = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    path.write_text(text.replace(secret, other))  # of the same length, in place
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        fresh_server.client("sts").get_caller_identity()
    fresh_server.client("sts", aws_secret_access_key=other).get_caller_identity()


def test_no_auth(tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path / "home", "--no-auth", "--log-format", "json", "--account", "123456789012")
    try:
        assert server.client("sts", aws_access_key_id="test", aws_secret_access_key="test").get_caller_identity()["Account"] == "123456789012"
    finally:
        assert server.stop() == 0
    line = json.loads(next(line for line in server.log if "GetCallerIdentity" in line))
    assert (line["service"], line["operation"], line["status"], line["key"]) == ("sts", "GetCallerIdentity", 200, "test")


def test_one_server_a_home(fresh_server: Server) -> None:
    second = subprocess.run([SOLDER, "serve", "--port", "0", "--connect-port", "-1"], env=fresh_server.env, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1 and "a server runs over" in second.stderr and str(fresh_server.process.pid) in second.stderr
    status = subprocess.run([SOLDER, "status"], env=fresh_server.env, capture_output=True, text=True, check=True).stdout
    assert fresh_server.endpoint in status
    assert fresh_server.stop() == 0
    assert "no server runs" in subprocess.run([SOLDER, "status"], env=fresh_server.env, capture_output=True, text=True, check=True).stdout


def test_port_that_is_taken(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    env = {**fresh_server.env, "SOLDER_HOME": str(tmp_path / "other")}
    command = [SOLDER, "serve", "--port", str(fresh_server.port), "--connect-port", "-1"]
    taken = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert taken.returncode == 1 and f"port {fresh_server.port}" in taken.stderr and "--port" in taken.stderr
