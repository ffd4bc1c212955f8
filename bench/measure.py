"""One timed process, whole: from its start to its end, with its peak memory and its output."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measured:
    """What a process took."""

    seconds: float
    peak_bytes: int
    output: str

    def reported(self, word: str) -> float:
        """The number behind a word that the process printed, as in "write_seconds 1.25"."""
        for line in self.output.splitlines():
            if line.startswith(word + " "):
                return float(line.split()[1])
        raise SystemExit(f"bench: the process did not print {word}:\n{self.output}")


def measure(argv: list[str | Path], env: dict[str, str] | None = None, cwd: Path | None = None) -> Measured:
    """Run it; a failure ends the benchmark, since a figure for work that wasn't done is worth nothing."""
    start = time.monotonic()
    process = subprocess.Popen(
        [str(arg) for arg in argv],
        env={**os.environ, "BENCH_START_NS": str(time.time_ns()), **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(output[-4000:], file=sys.stderr)
        raise SystemExit(f"bench: {' '.join(map(str, argv))} ended with status {process.returncode}")
    return Measured(seconds, usage.ru_maxrss * 1024, output)
