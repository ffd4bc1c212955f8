"""Lists a prefix of 1,000 keys in buckets of more and more keys; prints milliseconds. Also how long a put and a listing of 1,000 common prefixes take there.

Usage: s3_list.py SOLDER KEYS

The objects are put through the API, by a server that asks for no signatures, so that making a million requests does not take longer than answering them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import served
from http_load import Load, run_load, run_stream

CONNECTIONS, SECONDS, OF_A_PREFIX = 16, 2.0, 1000


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """Unsigned."""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def puts(bucket: str, keys: int) -> Iterator[bytes]:
    """Objects of one byte; neighbours in time are not neighbours in the bucket."""
    prefixes = keys // OF_A_PREFIX
    for number in range(keys):
        yield request("PUT", f"/{bucket}/p{number % prefixes:05d}/{number // prefixes:05d}", b"x")


def main(arguments: list[str]) -> int:
    """One server's life."""
    program, most = arguments[0], int(arguments[1])
    if most < 400 * OF_A_PREFIX:
        raise SystemExit("bench: at least 400,000 keys, so that a hundredth of them has the prefix that is listed")
    with tempfile.TemporaryDirectory(prefix="bench-s3-", dir=served.DATA) as name, served.solder(program, Path(name), "--no-auth") as server:
        s3 = server.client("s3")
        for keys in (most // 100, most):
            bucket = f"keys-{keys}"
            s3.create_bucket(Bucket=bucket)
            begun = time.monotonic()
            run_stream(server.address(), puts(bucket, keys), CONNECTIONS)
            rate = keys / (time.monotonic() - begun)
            shown = s3.list_objects_v2(Bucket=bucket, Prefix="p00003/")
            if shown["KeyCount"] != OF_A_PREFIX or shown["Contents"][7]["Key"] != "p00003/00007":
                raise SystemExit("bench: the listing is not the prefix")

            def timed(method: str, path: str, body: bytes = b"") -> Load:
                return run_load(server.address(), [request(method, path, body)], 1, SECONDS)

            size = f"of_{keys}_"
            listing = timed("GET", f"/{bucket}?list-type=2&prefix=p00003%2F")
            print(f"{size}list_p50_ms {listing.quantile(0.5) * 1000:.3f}")
            print(f"{size}list_p99_ms {listing.quantile(0.99) * 1000:.3f}")
            print(f"{size}prefixes_p50_ms {timed('GET', f'/{bucket}?list-type=2&delimiter=%2F').quantile(0.5) * 1000:.3f}")
            print(f"{size}put_p50_ms {timed('PUT', f'/{bucket}/p00003/new', b'y').quantile(0.5) * 1000:.3f}")
            print(f"{size}filled_per_second {rate:.0f}")
        print(f"server_peak_mb {server.peak_bytes() / 1e6:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
