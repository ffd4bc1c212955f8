"""The server killed with SIGKILL while several clients write: what was acknowledged is there, whole; what was not is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import pathlib
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.aws.conftest import Server

KILLS = int(os.environ.get("SOLDER_KILLS", "12"))
CLIENTS = 4
PART = 5 << 20


@dataclass
class Key:
    """What a key may hold: the last acknowledged content (None: nothing), or one that was on its way since then."""

    settled: bytes | None = None
    under_way: list[bytes | None] = field(default_factory=list)

    def allows(self, content: bytes | None) -> bool:
        """Whether that is what the key may hold."""
        return content in [self.settled, *self.under_way]


class Client(threading.Thread):
    """Puts, replaces, deletes and joins its own keys until the server is gone."""

    def __init__(self, server: Server, name: str, keys: dict[str, Key], seed: int) -> None:
        super().__init__()
        self.s3 = server.client("s3")
        self.prefix = name
        self.keys = keys
        self.chance = random.Random(seed)
        self.acknowledged = 0
        self.versions: set[tuple[str, str, str]] = set()  # key, id and ETag of what was acknowledged in a bucket that keeps versions
        self.surprise: ClientError | None = None

    def note(self, key: str, answer: dict[str, Any]) -> None:
        """What was acknowledged stays, whatever comes after it."""
        if "VersionId" in answer:
            self.versions.add((key, answer["VersionId"], answer.get("ETag", "")))

    def put(self, key: str) -> bytes:
        """One whole body."""
        body = self.chance.randbytes(self.chance.choice([0, 1, 1000, 300_000]))
        self.keys[key].under_way.append(body)
        self.note(key, self.s3.put_object(Bucket="bucket", Key=key, Body=body))
        return body

    def put_parts(self, key: str) -> bytes:
        """A body of two parts."""
        upload = {"Bucket": "bucket", "Key": key, "UploadId": self.s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]}
        bodies = [self.chance.randbytes(PART), self.chance.randbytes(100)]
        parts = [{"PartNumber": n, "ETag": self.s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"]} for n, body in enumerate(bodies, 1)]
        self.keys[key].under_way.append(b"".join(bodies))
        self.note(key, self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}))
        return b"".join(bodies)

    def delete(self, key: str) -> None:
        """The key goes."""
        self.keys[key].under_way.append(None)
        self.note(key, self.s3.delete_object(Bucket="bucket", Key=key))

    def run(self) -> None:
        while True:
            key = f"{self.prefix}/{self.chance.randrange(6)}"
            self.keys.setdefault(key, Key())
            step = self.chance.choices([self.put, self.put_parts, self.delete], [8, 1, 3])[0]
            try:
                settled = step(key)
            except BotoCoreError:
                return  # the server was killed
            except ClientError as error:
                self.surprise = error
                return
            self.keys[key] = Key(settled)
            self.acknowledged += 1


def body_of(s3: Any, key: str) -> bytes | None:
    """What a key holds; its ETag is checked on the way."""
    try:
        got = s3.get_object(Bucket="bucket", Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    body = got["Body"].read()
    assert got["ContentLength"] == len(body)
    if "-" in got["ETag"]:
        parts = b"".join(hashlib.md5(part).digest() for part in (body[:PART], body[PART:]))
        assert got["ETag"] == f'"{hashlib.md5(parts).hexdigest()}-2"'
    else:
        assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    return body


def stored(home: pathlib.Path) -> int:
    """Bytes of all files of objects and parts."""
    return sum(path.stat().st_size for path in (home / "objects").rglob("*") if path.is_file())


def kept(s3: Any) -> list[dict[str, Any]]:
    """All versions and markers; of a bucket that keeps none, its objects."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="bucket")
    return [item for page in pages for item in page.get("Versions", []) + page.get("DeleteMarkers", [])]


def abort_all(s3: Any) -> None:
    """Unfinished uploads go, with what a killed server had taken of a part: it lies in the upload's own file."""
    for upload in s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []):
        s3.abort_multipart_upload(Bucket="bucket", Key=upload["Key"], UploadId=upload["UploadId"])


def wait_for_sweep(server: Server, s3: Any, words: str) -> None:
    """Until the files are those of the rows; old ones go with a change, about a second after theirs."""
    wanted = sum(item.get("Size", 0) for item in kept(s3))
    deadline = time.monotonic() + 120
    while stored(server.home) != wanted:
        assert time.monotonic() < deadline, f"{words}: {stored(server.home)} bytes, not {wanted}"
        s3.delete_object(Bucket="bucket", Key="nothing", VersionId="null")
        time.sleep(0.05)


@pytest.mark.parametrize("versioning", ["", "Enabled"])
def test_acknowledged_is_whole(tmp_path: pathlib.Path, versioning: str) -> None:
    server = Server(tmp_path / "home")
    chance = random.Random(os.environ.get("SOLDER_SEED", "1"))
    keys: list[dict[str, Key]] = [{} for _ in range(CLIENTS)]
    server.client("s3").create_bucket(Bucket="bucket")
    if versioning:
        server.client("s3").put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": versioning})
    versions: set[tuple[str, str, str]] = set()
    acknowledged = 0
    try:
        for number in range(KILLS):
            clients = [Client(server, f"client{n}", keys[n], seed=number * CLIENTS + n) for n in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(chance.uniform(0.05, 1.5))  # the moment of the kill, not a condition
            server.kill()
            for client in clients:
                client.join(60)
                assert not client.is_alive() and client.surprise is None, client.surprise
                acknowledged += client.acknowledged
                versions |= client.versions
            server.start()
            s3 = server.client("s3")
            for own in keys:
                for key, may in own.items():
                    content = body_of(s3, key)
                    assert may.allows(content), f"{key} after kill {number}"
                    own[key] = Key(content)
            assert not versions or versions <= {(item["Key"], item["VersionId"], item.get("ETag", "")) for item in kept(s3)}
            abort_all(s3)
            wait_for_sweep(server, s3, f"files without rows after kill {number}")
            assert not list((server.home / "tmp").glob("upload-*")) if (server.home / "tmp").is_dir() else True
    finally:
        server.stop()
    assert acknowledged > KILLS
    assert bool(versions) == bool(versioning)
