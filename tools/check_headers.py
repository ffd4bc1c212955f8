#!/usr/bin/env python3
"""Gate: every header of src/ compiles alone. Needs the generated headers, so it runs after `make build`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

from gate import Finding, c_files, main

LIBRARIES = ["grpc", "libprotobuf-c", "sqlite3", "libpcre2-8", "icu-i18n"]


def compiler_flags(root: Path) -> list[str]:
    """The include path of the build; that of the fetched parts only where the project itself is checked."""
    flags = ["-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Wswitch-enum", "-Werror", "-I", str(root / "src")]
    fetch = root / "tools" / "fetch_deps"
    if fetch.exists():
        parts = Path(subprocess.run([str(fetch), "--path"], capture_output=True, text=True, check=True).stdout.strip())
        flags += ["-I", str(root / "build"), "-isystem", str(root / "build" / "gen" / "proto")]
        for folder in ("include", "src/nanoarrow", "src/flatcc/include", "src/yyjson"):
            flags += ["-isystem", str(parts / folder)]
        found = subprocess.run(["pkg-config", "--cflags", *LIBRARIES], capture_output=True, text=True, check=True)
        flags += shlex.split(found.stdout)
    return flags


def check(root: Path) -> Iterator[Finding]:
    """Compile each header as the only content of a file."""
    flags = compiler_flags(root)
    headers = [path for path, _text in c_files(root, "src") if path.suffix == ".h"]

    def compile_alone(path: Path) -> str:
        source = f'#include "{path.relative_to("src")}"\ntypedef int nothing_else;\n'
        result = subprocess.run(["gcc", *flags, "-x", "c", "-"], input=source, capture_output=True, text=True, check=False)
        return result.stderr if result.returncode else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, errors in zip(headers, pool.map(compile_alone, headers)):
            first = next((line for line in errors.splitlines() if "error:" in line), errors.strip()[:200])
            if errors:
                yield Finding(str(path), 0, f"does not compile alone: {first}")


if __name__ == "__main__":
    sys.exit(main(check))
