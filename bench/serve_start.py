"""Starts `solder serve` and waits for its first answer; prints milliseconds: on a new home directory, and on one that is there.

Usage: serve_start.py SOLDER ROUNDS

The answer is that of /health, with Spark Connect on its port as well: a server as users start it.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import served


def start(program: str, home: str) -> float:
    """Seconds from the process's start to the answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.perf_counter()
    argv = [program, "serve", "--port", str(port), "--connect-port", "0"]
    with subprocess.Popen(argv, env={**os.environ, "SOLDER_HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while True:
            if process.poll() is not None:
                raise SystemExit("bench: the server has ended")
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                    if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                        break
            except ConnectionRefusedError:
                time.sleep(0.001)
        seconds = time.perf_counter() - begun
        process.terminate()
    return seconds


def main(arguments: list[str]) -> int:
    """Several starts; the medians."""
    program, rounds = arguments[0], int(arguments[1])
    taken: dict[str, list[float]] = {"new": [], "again": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench-serve-", dir=served.DATA) as name:
            for values in taken.values():
                values.append(start(program, name + "/home"))
    for word, values in taken.items():
        print(f"{word}_ms {statistics.median(values) * 1000:.1f}")
        print(f"{word}_most_ms {max(values) * 1000:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
