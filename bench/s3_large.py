"""Puts one large object in parts and gets it back in ranges, several at once; prints gigabytes per second, and what the machine itself does.

Usage: s3_large.py solder|versitygw PROGRAM GIGABYTES

The payload isn't signed (x-amz-content-sha256: UNSIGNED-PAYLOAD), so that this process need not hash it; the server takes the MD5 of every part, which its
ETag is. Measured beside it: the same bytes written to a file of the same disk and synced, by as many threads (disk), and copied from one buffer to
another (memcpy). Bytes come from one buffer and are compared part by part when they come back.
"""

from __future__ import annotations

import http.client
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import served

PART, THREADS = 16 << 20, 4
PATH = "/large/object"


def in_threads(work: Callable[[int], None], count: int) -> float:
    """Each number below count once, by several threads; the seconds that all took."""
    numbers = iter(range(count))
    lock, failures = threading.Lock(), []

    def run() -> None:
        while not failures:
            with lock:
                number = next(numbers, -1)
            if number < 0:
                return
            try:
                work(number)
            except BaseException as error:  # pylint: disable=broad-except
                failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"bench: {failures[0]!r}")
    return time.perf_counter() - begun


class Connections(threading.local):
    """Each thread's own connection, kept open."""

    def __init__(self, server: served.Served) -> None:
        self.server = server
        self.buffer = bytearray(PART)
        self.http = http.client.HTTPConnection(*server.address(), timeout=600, blocksize=1 << 20)

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str], into: memoryview | None = None) -> dict[str, str]:
        """One signed request; its answer's headers. Its body goes into the buffer, which it must fill."""
        named = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", **headers}
        sent = self.server.signed_headers("s3", method, path, named, b"")
        self.http.request(method, path, body, {**sent, "Content-Length": str(len(body))})
        answer = self.http.getresponse()
        if answer.status not in (200, 206):
            raise SystemExit(f"bench: {method} {path}: {answer.status} {answer.read()!r}")
        if into is None:
            answer.read()
        else:
            at = 0
            while at < len(into):
                got = answer.readinto(into[at:])
                if not got:
                    raise SystemExit(f"bench: {path} ended after {at} bytes")
                at += got
        return dict(answer.getheaders())


def disk_seconds(folder: Path, part: bytes, count: int) -> float:
    """A file of as many parts, written and synced."""
    path = folder / "disk"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    begun = time.perf_counter()
    in_threads(lambda number: (os.pwrite(fd, part, number * PART), None)[1], count)
    os.fsync(fd)
    seconds = time.perf_counter() - begun
    os.close(fd)
    path.unlink()
    return seconds


def main(arguments: list[str]) -> int:
    """One server's life."""
    kind, program, gigabytes = arguments
    count = max(2, int(float(gigabytes) * 1e9 / PART))
    total = count * PART / 1e9
    part = os.urandom(PART)
    starts = {"solder": served.solder, "versitygw": served.versitygw}
    with tempfile.TemporaryDirectory(prefix="bench-s3-", dir=served.DATA) as name:
        folder = Path(name)
        copy = bytearray(PART)
        begun = time.perf_counter()
        for _ in range(count):
            copy[:] = part
        memcpy = time.perf_counter() - begun
        disk = disk_seconds(folder, part, count)
        with starts[kind](program, folder) as server:
            s3 = server.client("s3")
            s3.create_bucket(Bucket="large")
            upload = s3.create_multipart_upload(Bucket="large", Key="object")["UploadId"]
            mine = Connections(server)
            etags = [""] * count

            def put(number: int) -> None:
                etags[number] = mine.ask("PUT", f"{PATH}?partNumber={number + 1}&uploadId={upload}", part, {})["ETag"]

            parts = in_threads(put, count)
            begun = time.perf_counter()
            listed = [{"PartNumber": number + 1, "ETag": etag} for number, etag in enumerate(etags)]
            s3.complete_multipart_upload(Bucket="large", Key="object", UploadId=upload, MultipartUpload={"Parts": listed})
            complete = time.perf_counter() - begun
            if s3.head_object(Bucket="large", Key="object")["ContentLength"] != count * PART:
                raise SystemExit("bench: the object is not as long as its parts")

            def get(number: int) -> None:
                mine.ask("GET", PATH, b"", {"Range": f"bytes={number * PART}-{(number + 1) * PART - 1}"}, memoryview(mine.buffer))
                if mine.buffer != part:
                    raise SystemExit(f"bench: part {number + 1} came back as something else")

            gets = in_threads(get, count)
            peak = server.peak_bytes() / 1e6
    print(f"memcpy_gb_per_second {total / memcpy:.3f}")
    print(f"disk_gb_per_second {total / disk:.3f}")
    print(f"upload_gb_per_second {total / (parts + complete):.3f}")
    print(f"parts_seconds {parts:.3f}")
    print(f"complete_seconds {complete:.3f}")
    print(f"download_gb_per_second {total / gets:.3f}")
    print(f"server_peak_mb {peak:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
