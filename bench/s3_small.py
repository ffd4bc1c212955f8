"""Puts and gets objects of 4 KiB on 16 connections; prints requests per second and how long they took.

Usage: s3_small.py solder SOLDER | moto - | versitygw PROGRAM

Every request is one of KEYS, in turn, so that a put first makes objects and then replaces them. Each put is answered when the server has it where it
keeps it: Solder's has then reached the disk (synced file, directory and row), versitygw's its kernel's cache, moto's its process's memory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import served
from http_load import run_load

CONNECTIONS, WARM_SECONDS, SECONDS = 16, 1.0, 5.0
KEYS, SIZE = 2000, 4096


def main(arguments: list[str]) -> int:
    """One server's life."""
    kind, program = arguments
    starts = {"solder": served.solder, "versitygw": served.versitygw, "moto": lambda _, folder: served.moto(folder)}
    with tempfile.TemporaryDirectory(prefix="bench-s3-") as name, starts[kind](program, Path(name)) as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="small")
        body = bytes(i * 31 % 251 for i in range(SIZE))
        puts = [server.signed("s3", "PUT", f"/small/objects/{number:06d}", {}, body) for number in range(KEYS)]
        gets = [server.signed("s3", "GET", f"/small/objects/{number:06d}", {}, b"") for number in range(KEYS)]
        run_load(server.address(), puts, CONNECTIONS, WARM_SECONDS, KEYS + CONNECTIONS)
        server.print_load(puts, CONNECTIONS, SECONDS, "put_")
        for number in (0, KEYS - 1):
            key = f"objects/{number:06d}"
            if s3.get_object(Bucket="small", Key=key)["Body"].read() != body:
                raise SystemExit(f"bench: {key} is not what was put")
        run_load(server.address(), gets, CONNECTIONS, WARM_SECONDS)
        server.print_load(gets, CONNECTIONS, SECONDS, "get_")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
