"""Clients that use buckets in every way until their server is killed, what each of them knows then, and whether the next server knows it too.

Each key has one writer, which knows what it may hold: what was acknowledged last, or what was under way since. Keys below `once/` and the counter have
many writers, who write on conditions: one of them creates a key, and no increment is lost.
"""

from __future__ import annotations

import collections
import hashlib
import pathlib
import random
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from botocore.exceptions import BotoCoreError, ClientError

from tests.aws.conftest import Server

PLAIN, VERSIONED = "plain", "versioned"
CLIENTS = 3  # of each bucket
KEYS = 6  # of each client
PART = 5 << 20
ROUNDS_OF_HISTORY = 10
CHECKSUMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
ANSWERS_OF_CONDITIONS = {"PreconditionFailed", "ConditionalRequestConflict"}


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


@dataclass(frozen=True)
class Content:
    """What a key holds."""

    body: bytes
    etag: str
    title: str = ""
    tag: str = ""

    @classmethod
    def whole(cls, body: bytes, title: str = "", tag: str = "") -> Content:
        return cls(body, f'"{md5(body)}"', title, tag)

    @classmethod
    def joined(cls, bodies: list[bytes], title: str) -> Content:
        digests = b"".join(hashlib.md5(body).digest() for body in bodies)
        return cls(b"".join(bodies), f'"{md5(digests)}-{len(bodies)}"', title)

    def __repr__(self) -> str:
        return f"<{len(self.body)} bytes, {self.etag}, title {self.title}, tag {self.tag}>"


@dataclass
class Key:
    """What a key may hold: the last acknowledged content (None: nothing), or one that was on its way since then."""

    settled: Content | None = None
    under_way: list[Content | None] = field(default_factory=list)

    def allows(self, content: Content | None) -> bool:
        return content in [self.settled, *self.under_way]


@dataclass
class Upload:
    """One that was begun: what its parts may hold."""

    key: str
    id: str
    title: str
    parts: dict[int, list[bytes]] = field(default_factory=dict)  # the acknowledged first, if there is one
    acknowledged: set[int] = field(default_factory=set)
    is_ending: bool = False


@dataclass
class History:
    """What was acknowledged in the bucket that keeps versions."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)  # key and id: ETag, none of a marker
    removed: set[tuple[str, str]] = field(default_factory=set)
    in_doubt: set[tuple[str, str]] = field(default_factory=set)


class Shared:
    """What clients of a bucket write against each other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.created: dict[str, list[str]] = collections.defaultdict(list)
        self.tried: dict[str, list[str]] = collections.defaultdict(list)
        self.increments = 0
        self.increments_under_way = 0


class Client(threading.Thread):
    """Uses its own keys, and those that it shares, until the server is gone."""

    def __init__(self, s3: Any, bucket: str, name: str, keys: dict[str, Key], shared: Shared, seed: int) -> None:
        super().__init__()
        self.s3 = s3
        self.bucket = bucket
        self.prefix = name
        self.keys = keys
        self.shared = shared
        self.chance = random.Random(seed)
        self.history = History()
        self.uploads: list[Upload] = []
        self.acknowledged: collections.Counter[str] = collections.Counter()
        self.surprise: Exception | None = None

    # ---- what it knows ----

    def own_key(self) -> str:
        key = f"{self.prefix}/{self.chance.randrange(KEYS)}"
        self.keys.setdefault(key, Key())
        return key

    def body(self) -> bytes:
        return self.chance.randbytes(self.chance.choice([0, 1, 1000, 40_000, 300_000]))

    def word(self) -> str:
        return f"{self.chance.randrange(1 << 30):x}"

    def note(self, key: str, answer: dict[str, Any]) -> None:
        """A version that was acknowledged stays, whatever comes after it."""
        if "VersionId" in answer:
            self.history.kept[key, answer["VersionId"]] = answer.get("ETag") or answer.get("CopyObjectResult", {}).get("ETag", "")

    def change(self, key: str, content: Content | None, call: Callable[..., Any], **arguments: Any) -> None:
        """One change of an own key, and what it makes of the key."""
        self.keys[key].under_way.append(content)
        answer = call(Bucket=self.bucket, Key=key, **arguments)
        self.keys[key] = Key(content)
        self.note(key, answer)
        shown = answer.get("ETag") or answer.get("CopyObjectResult", {}).get("ETag")
        assert content is None or shown is None or shown == content.etag, f"{key}: {shown} is not {content}"

    # ---- what it does ----

    def put(self) -> None:
        """One whole body, sometimes with a checksum of the client's, sometimes only over what is there."""
        key = self.own_key()
        content = Content.whole(self.body(), self.word(), self.chance.choice(["", self.word()]))
        more: dict[str, Any] = {"ChecksumAlgorithm": self.chance.choice(CHECKSUMS)} if self.chance.random() < 0.5 else {}
        before = self.keys[key].settled
        if self.chance.random() < 0.3:
            more |= {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.etag}
        if content.tag:
            more["Tagging"] = f"tag={content.tag}"
        self.change(key, content, self.s3.put_object, Body=content.body, Metadata={"title": content.title}, **more)

    def copy(self) -> None:
        """An own key's content under another own key, or under its own with another title."""
        source, key = self.own_key(), self.own_key()
        content = self.keys[source].settled
        if content is None:
            return
        more: dict[str, Any] = {"CopySource": {"Bucket": self.bucket, "Key": source}}
        copied = content  # its ETag, too, even if that is one of parts
        if source == key:
            copied = replace(content, title=self.word())
            more |= {"MetadataDirective": "REPLACE", "Metadata": {"title": copied.title}}
        self.change(key, copied, self.s3.copy_object, **more)

    def delete(self) -> None:
        key = self.own_key()
        self.change(key, None, self.s3.delete_object)

    def delete_many(self) -> None:
        """Several keys by one request: each goes or stays."""
        keys = sorted({self.own_key() for _ in range(3)})
        for key in keys:
            self.keys[key].under_way.append(None)
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys]})
        assert sorted(item["Key"] for item in answer["Deleted"]) == keys and "Errors" not in answer, answer
        for item in answer["Deleted"]:
            self.keys[item["Key"]] = Key(None)
            if "DeleteMarkerVersionId" in item:
                self.history.kept[item["Key"], item["DeleteMarkerVersionId"]] = ""

    def tag(self) -> None:
        key = self.own_key()
        before = self.keys[key].settled
        if before is not None:
            after = replace(before, tag=self.word())
            self.keys[key].under_way.append(after)
            self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging={"TagSet": [{"Key": "tag", "Value": after.tag}]})
            self.keys[key] = Key(after)

    def put_parts(self) -> None:
        """Two or three parts; one may come twice, one may be a copy's; then they are joined, given up, or left."""
        key = self.own_key()
        begun = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, Metadata={"title": (title := self.word())})
        upload = Upload(key, begun["UploadId"], title)
        self.uploads.append(upload)
        named = {"Bucket": self.bucket, "Key": key, "UploadId": upload.id}
        source = self.own_key()
        copied = self.keys[source].settled
        has_copy = copied is not None and copied.body != b""
        for number in [1, 2] if self.chance.random() < 0.7 else [1, 2, 1]:
            body = self.chance.randbytes(PART if number == 1 or has_copy else 100)
            upload.parts.setdefault(number, []).append(body)
            answer = self.s3.upload_part(**named, PartNumber=number, Body=body)
            assert answer["ETag"] == f'"{md5(body)}"'
            upload.parts[number] = [body]
            upload.acknowledged.add(number)
        if copied is not None and has_copy:
            upload.parts[3] = [copied.body]
            self.s3.upload_part_copy(**named, PartNumber=3, CopySource={"Bucket": self.bucket, "Key": source})
            upload.acknowledged.add(3)
        end = self.chance.random()
        if end < 0.7:
            bodies = [upload.parts[number][0] for number in sorted(upload.parts)]
            parts = [{"PartNumber": number, "ETag": f'"{md5(body)}"'} for number, body in enumerate(bodies, 1)]
            upload.is_ending = True
            content = Content.joined(bodies, upload.title)
            self.change(key, content, self.s3.complete_multipart_upload, UploadId=upload.id, MultipartUpload={"Parts": parts})
            self.uploads.remove(upload)
        elif end < 0.9:
            upload.is_ending = True
            self.s3.abort_multipart_upload(**named)
            self.uploads.remove(upload)

    def remove_version(self) -> None:
        """An old one: what the key holds stays."""
        newest: dict[str, str] = {}
        for key, version in self.history.kept:
            newest[key] = version  # in the order in which this client wrote them
        old = [name for name in self.history.kept if newest[name[0]] != name[1]]
        if old:
            key, version = self.chance.choice(old)
            del self.history.kept[key, version]
            self.history.in_doubt.add((key, version))
            self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version)
            self.history.removed.add((key, version))

    def read(self) -> None:
        """Its own keys are as it left them, in the listing and one by one."""
        known = {key: own.settled for key, own in self.keys.items() if own.settled is not None}
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/").get("Contents", [])
        assert {item["Key"]: (item["Size"], item["ETag"]) for item in listed} == {key: (len(c.body), c.etag) for key, c in known.items()}
        if known:
            key = self.chance.choice(sorted(known))
            assert found(self.s3, self.bucket, key) == known[key], key

    def create_once(self) -> None:
        """A key that another client may create at the same time: one of them does."""
        key, body = f"once/{self.chance.randrange(40)}", f"{self.prefix} {self.word()}"
        with self.shared.lock:
            self.shared.tried[key].append(body)
        answer = self.on_condition(key, body, IfNoneMatch="*")
        if answer is not None:
            with self.shared.lock:
                self.shared.created[key].append(body)

    def increment(self) -> None:
        """Adds one to a number, if nobody else did meanwhile."""
        got = self.s3.get_object(Bucket=self.bucket, Key="counter")
        number = int(got["Body"].read())
        with self.shared.lock:
            self.shared.increments_under_way += 1
        answer = self.on_condition("counter", str(number + 1), IfMatch=got["ETag"])
        with self.shared.lock:
            self.shared.increments_under_way -= 1
            self.shared.increments += 1 if answer is not None else 0

    def on_condition(self, key: str, body: str, **condition: str) -> dict[str, Any] | None:
        """None: the condition did not hold."""
        try:
            answer: dict[str, Any] = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ANSWERS_OF_CONDITIONS:
                raise
            return None
        self.note(key, answer)
        return answer

    def run(self) -> None:
        steps = {self.put: 8, self.copy: 3, self.delete: 2, self.delete_many: 1, self.tag: 2, self.put_parts: 1, self.read: 2, self.create_once: 2, self.increment: 2}
        if self.bucket == VERSIONED:
            steps[self.remove_version] = 2
        while True:
            step = self.chance.choices(list(steps), list(steps.values()))[0]
            try:
                step()
            except BotoCoreError:
                return  # the server was killed
            except (ClientError, AssertionError, ValueError) as error:
                self.surprise = error
                return
            self.acknowledged[step.__name__] += 1


def found(s3: Any, bucket: str, key: str) -> Content | None:
    """What a key holds; boto3 compares the bytes with the checksum, if one is kept."""
    try:
        got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except s3.exceptions.NoSuchKey:
        return None
    body = got["Body"].read()
    assert got["ContentLength"] == len(body)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] if got.get("TagCount") else []
    return Content(body, got["ETag"], got["Metadata"].get("title", ""), tags[0]["Value"] if tags else "")


class Load:
    """A server with two buckets, one that keeps versions and one that doesn't, and what must be in them."""

    def __init__(self, home: pathlib.Path, seed: str) -> None:
        self.server = Server(home)
        self.chance = random.Random(seed)
        self.kills = 0
        self.acknowledged: collections.Counter[str] = collections.Counter()
        self.seen: collections.Counter[str] = collections.Counter()
        self.keys: dict[str, dict[str, Key]] = collections.defaultdict(dict)  # by client
        self.numbers = {PLAIN: 0, VERSIONED: 0}
        s3 = self.server.client("s3")
        for bucket in self.numbers:
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="counter", Body=b"0")
        s3.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})

    def go_round(self) -> None:
        """Load, a kill, a new server, and a look at everything."""
        shared = {bucket: Shared() for bucket in self.numbers}
        s3 = self.server.client("s3")  # boto3's takes as long to make as a dozen requests: threads share it, each with a connection
        clients = [
            Client(s3, bucket, f"{bucket}{n}", self.keys[f"{bucket}{n}"], shared[bucket], self.chance.randrange(1 << 30))
            for bucket in self.numbers
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(self.chance.uniform(0.01, 1.5))  # the moment of the kill, not a condition
        self.server.kill()
        for client in clients:
            client.join(60)
            assert not client.is_alive() and client.surprise is None, repr(client.surprise)
            self.acknowledged += client.acknowledged
        self.server.start()
        self.kills += 1
        s3 = self.server.client("s3")
        for client in clients:
            self.look_at_keys(s3, client)
            for upload in client.uploads:
                self.look_at_upload(s3, client, upload)
        for bucket in self.numbers:
            self.look_at_shared(s3, bucket, shared[bucket])
            self.look_at_listing(s3, bucket)
        self.look_at_versions(s3, [client.history for client in clients])
        self.abort_all(s3)
        if self.kills % ROUNDS_OF_HISTORY == 0:
            self.forget(s3)
        self.look_at_files(s3)

    def look_at_keys(self, s3: Any, client: Client) -> None:
        for key, may in client.keys.items():
            content = found(s3, client.bucket, key)
            assert may.allows(content), f"{key} holds {content}, not {may}"
            self.seen["under way, then there"] += 1 if content != may.settled else 0
            client.keys[key] = Key(content)

    def look_at_upload(self, s3: Any, client: Client, upload: Upload) -> None:
        """What was acknowledged of it is there, and it can still be ended."""
        named = {"Bucket": client.bucket, "Key": upload.key, "UploadId": upload.id}
        try:
            listed = {part["PartNumber"]: part["ETag"] for part in s3.list_parts(**named).get("Parts", [])}
        except s3.exceptions.NoSuchUpload:
            assert upload.is_ending, f"upload of {upload.key} is gone"
            return
        assert upload.acknowledged <= set(listed), f"parts {upload.acknowledged} of {upload.key}, and not only {set(listed)}"
        bodies = []
        for number, etag in sorted(listed.items()):
            chosen = [body for body in upload.parts[number] if f'"{md5(body)}"' == etag]
            assert chosen, f"part {number} of {upload.key} is another"
            bodies.append(chosen[0])
        if bodies and all(len(body) >= PART for body in bodies[:-1]):
            parts = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(listed.items())]
            answer = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
            content = Content.joined(bodies, upload.title)
            assert answer["ETag"] == content.etag and found(s3, client.bucket, upload.key) == content, f"the joined parts of {upload.key}"
            client.keys[upload.key] = Key(content)
            client.note(upload.key, answer)
            self.seen["upload taken up"] += 1

    def look_at_shared(self, s3: Any, bucket: str, shared: Shared) -> None:
        """One winner for each key, and the sum of what was acknowledged; then the keys go, for the next round."""
        for key, bodies in shared.tried.items():
            content = found(s3, bucket, key)
            body = None if content is None else content.body.decode()
            winners = shared.created[key]
            assert len(winners) <= 1 and body in (winners or [None, *bodies]), f"{key} holds {body}, created by {winners}"
            s3.delete_object(Bucket=bucket, Key=key)
        counter = found(s3, bucket, "counter")
        assert counter is not None
        number = int(counter.body)
        least = self.numbers[bucket] + shared.increments
        assert least <= number <= least + shared.increments_under_way, f"counter of {bucket}: {number}, not {least} to {least + shared.increments_under_way}"
        self.numbers[bucket] = number

    def look_at_listing(self, s3: Any, bucket: str) -> None:
        """The listing has what there is, and nothing else; pages are small, so that there are several."""
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
        listed = {item["Key"]: (item["Size"], item["ETag"]) for page in pages for item in page.get("Contents", [])}
        known = {key: may.settled for name, keys in self.keys.items() if name.startswith(bucket) for key, may in keys.items()}
        known["counter"] = found(s3, bucket, "counter")
        assert listed == {key: (len(content.body), content.etag) for key, content in known.items() if content is not None}

    def look_at_versions(self, s3: Any, histories: list[History]) -> None:
        """All that were acknowledged, none that was removed; each is what its ETag says."""
        there = {(item["Key"], item["VersionId"]): item.get("ETag", "") for item in self.kept(s3, VERSIONED)}
        for history in histories:
            assert history.kept.items() <= there.items(), sorted(set(history.kept) - set(there))
            assert not history.removed & set(there)
            for (key, version), etag in history.kept.items():
                if etag and "-" not in etag:
                    body = s3.get_object(Bucket=VERSIONED, Key=key, VersionId=version)["Body"].read()
                    assert f'"{md5(body)}"' == etag, f"version {version} of {key}"
                    self.seen["version"] += 1

    @staticmethod
    def kept(s3: Any, bucket: str) -> list[dict[str, Any]]:
        """All versions and markers; of a bucket that keeps none, its objects."""
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        return [item for page in pages for item in page.get("Versions", []) + page.get("DeleteMarkers", [])]

    def forget(self, s3: Any) -> None:
        """Old versions and markers go, so that many rounds take as long as few."""
        old = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in self.kept(s3, VERSIONED) if "ETag" not in item or not item["IsLatest"]]
        for at in range(0, len(old), 1000):
            answer = s3.delete_objects(Bucket=VERSIONED, Delete={"Objects": old[at : at + 1000], "Quiet": True})
            assert "Errors" not in answer, answer

    def abort_all(self, s3: Any) -> None:
        """Unfinished uploads go, with what a killed server had taken of a part: it lies in the upload's own file."""
        for bucket in self.numbers:
            for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def look_at_files(self, s3: Any) -> None:
        """The files become those of the rows; old ones go with a change, about a second after theirs. Nothing else lies in the home."""
        wanted = sorted(item["Size"] for bucket in self.numbers for item in self.kept(s3, bucket) if "Size" in item)
        deadline = time.monotonic() + 120
        while (there := self.stored()) != wanted:
            assert time.monotonic() < deadline, f"{len(there)} files of {sum(there)} bytes, not {len(wanted)} of {sum(wanted)}"
            s3.delete_object(Bucket=PLAIN, Key="nothing", VersionId="null")
            time.sleep(0.05)
        home = self.server.home
        others = {path.name for path in home.iterdir()} - {"solder.db", "solder.db-wal", "solder.db-shm", "solder.db-reserve", "home.lock", "server.lock", "credentials"}
        assert others <= {"objects", "readers", "logs", "runs", "tmp"}, others
        assert [path for folder in ("runs", "tmp") for path in (home / folder).rglob("*") if path.is_file()] == []
        assert len(list((home / "readers").iterdir())) == 1

    def stored(self) -> list[int]:
        """Sizes of all files of objects and parts."""
        sizes = []
        for path in (self.server.home / "objects").rglob("*"):
            try:
                sizes += [path.stat().st_size] if path.is_file() else []
            except FileNotFoundError:  # swept just now
                pass
        return sorted(sizes)

    def summary(self) -> str:
        """What was done and seen."""
        return f"killed {self.kills} times; acknowledged {dict(sorted(self.acknowledged.items()))}; seen {dict(sorted(self.seen.items()))}"
