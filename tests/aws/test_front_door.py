"""The front door's outside: TLS, buckets in host names, slow and many clients, the log."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Iterator

import pytest
from botocore.config import Config

from tests.aws.conftest import SOLDER, Server


def make_certificate(folder: pathlib.Path, name: str) -> tuple[str, str]:
    """A self-signed certificate for this machine, and its key."""
    certificate, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=solder"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class TlsServer(Server):
    """One that says https:// where it listens."""

    def start(self) -> None:
        command = [str(SOLDER), "serve", "--port", "0", "--connect-port", "-1", *self.options]
        self.process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None and self.process.stdout is not None
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        found = re.search(r"(https://127\.0\.0\.1:(\d+))", self.process.stdout.readline())
        assert found is not None, self.log
        self.endpoint, self.port = found.group(1), int(found.group(2))
        shown = subprocess.run([SOLDER, "env"], env=self.env, capture_output=True, text=True, check=True).stdout
        self.variables = dict(re.findall(r"^export (\w+)=(.*)$", shown, re.MULTILINE))


def test_tls(tmp_path: pathlib.Path) -> None:
    certificate, key = make_certificate(tmp_path, "server")
    server = TlsServer(tmp_path / "home", "--tls-cert", certificate, "--tls-key", key)
    try:
        assert server.variables["AWS_CA_BUNDLE"] == certificate
        s3 = server.client("s3", verify=certificate)
        s3.create_bucket(Bucket="over-tls")
        body = os.urandom(3_000_000)
        s3.put_object(Bucket="over-tls", Key="k", Body=body)
        assert s3.get_object(Bucket="over-tls", Key="k")["Body"].read() == body
        assert [bucket["Name"] for bucket in server.aws("s3api", "list-buckets")["Buckets"]] == ["over-tls"]
        with pytest.raises(ssl.SSLCertVerificationError):
            with socket.create_connection(("127.0.0.1", server.port)) as plain:
                ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", "/health")
            connection.getresponse()
    finally:
        assert server.stop() == 0


def test_tls_that_can_not_be(tmp_path: pathlib.Path) -> None:
    certificate, key = make_certificate(tmp_path, "one")
    _, other = make_certificate(tmp_path, "other")
    text = tmp_path / "text"
    text.write_text("nothing")
    for options, said in (
        (["--tls-cert", certificate], "go together"),
        (["--tls-cert", certificate, "--tls-key", other], "is not the key of"),
        (["--tls-cert", str(text), "--tls-key", key], "no certificate in PEM form"),
        (["--tls-cert", certificate, "--tls-key", str(text)], "no private key in PEM form"),
        (["--tls-cert", str(tmp_path / "absent"), "--tls-key", key], "No such file"),
    ):
        done = subprocess.run([SOLDER, "--home", tmp_path / "home", "serve", "--port", "0", "--connect-port", "-1", *options], capture_output=True, text=True)
        assert done.returncode != 0 and said in done.stderr, done.stderr


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with short patience, a domain and a log in JSON."""
    home = tmp_path_factory.mktemp("door") / "home"
    started = Server(home, "--idle-timeout", "1", "--domain", "Objects.Example", "--log-format", "json")
    yield started
    started.stop()


def test_buckets_in_host_names(door: Server) -> None:
    s3 = door.client("s3")
    s3.create_bucket(Bucket="my.bucket")
    s3.put_object(Bucket="my.bucket", Key="a/b", Body=b"bytes")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "my.bucket", "Key": "a/b"})
    assert "/my.bucket/a/b" in url, "boto3 signs paths for an address: the host names below are signed here by name"

    def get(host: str) -> tuple[int, bytes]:
        # What the SDK signs when it addresses a bucket by name; the connection goes to the server, whatever the name resolves to.
        virtual = door.client("s3", endpoint_url=f"http://{host}", config=Config(s3={"addressing_style": "virtual"}))
        signed = virtual.generate_presigned_url("get_object", Params={"Bucket": "my.bucket", "Key": "a/b"})
        name, _, path = signed.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
        connection.request("GET", f"/{path}", headers={"Host": name})
        answer = connection.getresponse()
        assert name == f"my.bucket.{host}"
        return answer.status, answer.read()

    for host in (f"localhost:{door.port}", "localhost", "s3.localhost", "s3.us-east-1.localhost", "objects.example:80", "s3.objects.example", "s3.amazonaws.com"):
        assert get(host) == (200, b"bytes"), host
    deadline = time.monotonic() + 60
    while [json.loads(line)["path"] for line in list(door.log) if line.startswith("{")].count("/my.bucket/a/b") < 7:
        assert time.monotonic() < deadline, "the log names the bucket wherever the request has it"
        time.sleep(0.02)
    for host in ("s3.localhost", "objects.example", "s3.us-east-1.amazonaws.com", "s3-us-west-2.amazonaws.com"):
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
        path_style = door.client("s3", endpoint_url=f"http://{host}", config=Config(s3={"addressing_style": "path"}))
        signed = path_style.generate_presigned_url("get_object", Params={"Bucket": "my.bucket", "Key": "a/b"})
        connection.request("GET", "/" + signed.removeprefix("http://").partition("/")[2], headers={"Host": host})
        assert connection.getresponse().read() == b"bytes", host


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    got = b""
    try:
        while chunk := connection.recv(65536):
            got += chunk
    except ConnectionError:
        pass
    return got


def drip(port: int, head: bytes, piece: bytes, every: float, most: float) -> float:
    """Sends a piece every so often; how long the server bore it."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head)
        connection.settimeout(every)
        while time.monotonic() - started < most:
            try:
                if connection.recv(65536) == b"":
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                connection.sendall(piece)
            except OSError:
                break
    return time.monotonic() - started


def test_slow_clients_are_let_go(door: Server) -> None:
    """Headers that trickle, a body that trickles, a body that stops: none holds a connection for long."""
    upload = b"PUT /my.bucket/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    silent = (b"", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n", upload + b"half of it")
    for head, piece in ((b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"), (upload, b"x")):
        assert drip(door.port, head, piece, 0.2, 20) < 15
    for head in silent:
        with socket.create_connection(("127.0.0.1", door.port), timeout=30) as connection:
            connection.sendall(head)
            read_to_end(connection)
    assert not [path for path in (door.home / "tmp").rglob("*") if path.is_file() and "upload" in path.name]
    assert any(json.loads(line)["status"] == 408 for line in door.log if line.startswith("{"))


def test_header_floods(door: Server) -> None:
    for flood in (b"".join(b"X-%d: y\r\n" % n for n in range(5000)), b"X-Long: " + b"y" * 300_000 + b"\r\n", b"X-Long: " + b"y" * 3_000_000 + b"\r\n"):
        with socket.create_connection(("127.0.0.1", door.port), timeout=30) as connection:
            try:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + flood + b"\r\n")
            except OSError:
                pass
            answer = read_to_end(connection)
        assert answer == b"" or re.match(rb"HTTP/1\.1 4(13|31|00) ", answer), answer[:200]
    assert door.client("sts").get_caller_identity()["Account"] == "000000000000"


AMBIGUOUS = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 40",
    "both framings": b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    "another coding": b"Transfer-Encoding: xchunked",
    "two codings": b"Transfer-Encoding: chunked, identity",
    "a name with a blank": b"Content-Length : 3",
    "a length that is none": b"Content-Length: +3",
    "a list of lengths": b"Content-Length: 3, 3",
    "two hosts": b"Content-Length: 3\r\nHost: elsewhere",
}


@pytest.mark.parametrize("path", ["/my.bucket/smuggled", "/health"])
@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=list(AMBIGUOUS))
def test_ambiguous_requests(door: Server, headers: bytes, path: str) -> None:
    """Where a request ends must be clear: else it is refused, and what comes behind it on the connection is no request."""
    method = b"GET" if path == "/health" else b"PUT"
    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as connection:
        connection.sendall(method + b" " + path.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + b"\r\n\r\nabcGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and b" 200 " not in answer, answer


def test_one_length_twice(door: Server) -> None:
    """The same length again says nothing else (RFC 9112, 6.3)."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as connection:
        connection.sendall(b"PUT /my.bucket/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
        assert read_to_end(connection).startswith(b"HTTP/1.1 403 ")  # it is not signed


def test_five_hundred_connections(server: Server) -> None:
    """All open, all answered while the others stay open."""
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(500)]
    try:
        for connection in connections:
            connection.connect()
        for _ in range(2):
            for connection in connections:
                connection.request("GET", "/health")
            assert all(json.loads(connection.getresponse().read()) == {"status": "ok"} for connection in connections)
        with urllib.request.urlopen(f"{server.endpoint}/metrics") as answer:
            shown = re.search(r"^solder_connections (\d+)$", answer.read().decode(), re.MULTILINE)
        assert shown is not None and int(shown.group(1)) >= 501
    finally:
        for connection in connections:
            connection.close()


def test_log_in_json(door: Server) -> None:
    request = urllib.request.Request(f"{door.endpoint}/a%22b?x=%0A", headers={"User-Agent": 'quote " it'})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    wanted = refused.value.headers["x-amz-request-id"]
    found: list[Any] = []
    deadline = time.monotonic() + 30
    while not found and time.monotonic() < deadline:
        lines = [json.loads(line) for line in list(door.log) if line.startswith("{")]
        found = [line for line in lines if line["request_id"] == wanted]
    assert found[0]["status"] == 404 and found[0]["error"] == "NoSuchBucket" and found[0]["key"] == "-" and found[0]["path"] == "/a%22b" and found[0]["service"] == "s3"
