"""rclone against the server, as a store with the first kind of listing (Other) and with the second (Minio), and as AWS, with buckets in host names."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import pathlib
import urllib.parse
from typing import Any, Iterator

import pytest

from tests.clients.conftest import MIB, Program, Server, body, names, sums


@pytest.fixture(name="rclone", scope="module", params=["Other", "Minio", "AWS"])
def _rclone(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    settings = {
        "TYPE": "s3", "PROVIDER": request.param, "ENDPOINT": server.endpoint, "ACCESS_KEY_ID": server.variables["AWS_ACCESS_KEY_ID"],
        "SECRET_ACCESS_KEY": server.variables["AWS_SECRET_ACCESS_KEY"]}
    command = ["rclone"]
    folder = tmp_path_factory.mktemp("rclone")
    if request.param == "AWS":  # whose buckets it seeks in host names only
        if os.geteuid() != 0:
            pytest.skip("only root may give a program an /etc/hosts of its own")
        (folder / "hosts").write_text("127.0.0.1 localhost bucket.localhost never.localhost\n")
        settings |= {"ENDPOINT": f"http://localhost:{server.port}", "REGION": "us-east-1"}
        command = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec rclone "$@"', str(folder / "hosts")]
    env = {f"RCLONE_CONFIG_SOLDER_{name}": value for name, value in settings.items()}
    yield Program(folder, *command, "--retries=1", "--low-level-retries=1", "--config=/dev/null", **env)


@pytest.fixture(name="bucket")
def _bucket(rclone: Program) -> Iterator[str]:
    rclone("mkdir", "solder:bucket")
    yield "bucket"
    rclone("purge", "solder:bucket")
    assert rclone("lsd", "solder:") == ""


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    yield server.client("s3")


def test_trees(rclone: Program, s3: Any, bucket: str, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    there = f"solder:{bucket}/up"
    rclone("copy", tree, there, "--s3-upload-cutoff=6M", "--s3-chunk-size=5M")
    assert sorted(names(s3, bucket)) == sorted(f"up/{name}" for name in sums(tree))
    assert s3.head_object(Bucket=bucket, Key="up/big.bin")["ETag"].endswith('-4"')
    rclone("check", tree, there)
    rclone("check", tree, there, "--download")
    hashes = {name: digest for digest, name in (line.split("  ", 1) for line in rclone("md5sum", there).splitlines())}
    assert hashes == sums(tree)
    listed = {found["Path"]: found for found in json.loads(rclone("lsjson", "--recursive", there))}
    assert {name for name, found in listed.items() if not found["IsDir"]} == set(sums(tree))
    assert {name for name, found in listed.items() if found["IsDir"]} == {"sub", "sub/deep"}
    # The modification time, which rclone keeps in metadata.
    assert listed["a.csv"]["ModTime"][:19] == json.loads(rclone("lsjson", tree / "a.csv"))[0]["ModTime"][:19]
    rclone("copy", there, tmp_path / "down", "--multi-thread-cutoff=8M", "--multi-thread-streams=4")
    assert sums(tmp_path / "down") == sums(tree)
    (tmp_path / "down/empty").unlink()
    (tmp_path / "down/a.csv").write_bytes(b"another")
    rclone("sync", tmp_path / "down", there)
    assert "up/empty" not in names(s3, bucket) and body(s3, bucket, "up/a.csv") == b"another"
    rclone("sync", there, f"solder:{bucket}/side", "--s3-copy-cutoff=6M", "--s3-chunk-size=5M")  # on the server, big.bin part by part
    rclone("check", tmp_path / "down", f"solder:{bucket}/side", "--download")
    rclone("move", f"solder:{bucket}/side", f"solder:{bucket}/moved")
    assert names(s3, bucket, "side/") == [] and len(names(s3, bucket, "moved/")) == len(sums(tmp_path / "down"))
    rclone("delete", there, "--include=*.txt")
    assert sorted(names(s3, bucket, "up/")) == ["up/a.csv", "up/big.bin", "up/sub/deep/ü漢.bin"]
    assert json.loads(rclone("size", "--json", there))["count"] == 3


def test_single_objects(rclone: Program, s3: Any, bucket: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_bytes(b"eleven byte")
    key = "odd/a b+c%20&ü漢=1.txt"
    rclone("copyto", tmp_path / "file", f"solder:{bucket}/{key}", "--header-upload", "x-amz-meta-colour: red", "--header-upload", "Cache-Control: no-store")
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["Metadata"]["colour"], head["CacheControl"]) == ("red", "no-store")
    assert rclone("cat", f"solder:{bucket}/{key}") == "eleven byte"
    assert rclone("cat", "--offset=2", "--count=3", f"solder:{bucket}/{key}") == "eve"
    assert rclone("lsf", f"solder:{bucket}/odd") == key.removeprefix("odd/") + "\n"
    rclone("moveto", f"solder:{bucket}/{key}", f"solder:{bucket}/plain")
    assert s3.head_object(Bucket=bucket, Key="plain")["Metadata"]["colour"] == "red"
    rclone("touch", "--timestamp=2020-02-03T04:05:06", f"solder:{bucket}/plain")
    assert json.loads(rclone("lsjson", f"solder:{bucket}/plain"))[0]["ModTime"].startswith("2020-02-03T04:05:06")
    link = urllib.parse.urlsplit(rclone("link", f"solder:{bucket}/plain").strip())
    connection = http.client.HTTPConnection("127.0.0.1", link.port, timeout=30)  # wherever its bucket is named
    connection.request("GET", f"{link.path}?{link.query}", headers={"Host": link.netloc})
    assert connection.getresponse().read() == b"eleven byte"
    rclone("deletefile", f"solder:{bucket}/plain")
    assert names(s3, bucket) == []
    assert rclone("lsf", f"solder:{bucket}") == ""
    missing = rclone.try_("ls", "solder:never")
    assert missing.returncode != 0 and b"directory not found" in missing.stderr


def test_streams(rclone: Program, s3: Any, bucket: str) -> None:
    content = bytes(range(256)) * (12 * MIB // 256)
    rclone("rcat", f"solder:{bucket}/piped", "--s3-chunk-size=5M", stdin=content)  # of a size that is not known before
    head = s3.head_object(Bucket=bucket, Key="piped")
    assert head["ContentLength"] == len(content) and hashlib.md5(body(s3, bucket, "piped")).digest() == hashlib.md5(content).digest()


def test_uploads_and_versions(rclone: Program, s3: Any, bucket: str) -> None:
    s3.create_multipart_upload(Bucket=bucket, Key="left over")
    assert [found["Key"] for found in json.loads(rclone("backend", "list-multipart-uploads", f"solder:{bucket}"))[bucket]] == ["left over"]
    rclone("backend", "cleanup", "-o", "max-age=0", f"solder:{bucket}")
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"first", b"second"):
        rclone("rcat", f"solder:{bucket}/kept.txt", stdin=content)
    old, new = sorted(rclone("lsf", "--s3-versions", f"solder:{bucket}").splitlines(), key=len, reverse=True)
    assert new == "kept.txt" and rclone("cat", f"solder:{bucket}/kept.txt") == "second"
    assert rclone("cat", "--s3-versions", f"solder:{bucket}/{old}") == "first"
    rclone("backend", "cleanup-hidden", f"solder:{bucket}")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    assert len([version for page in pages for version in page.get("Versions", [])]) == 1
