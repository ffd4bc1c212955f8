#!/usr/bin/env python3
"""Gate: a room includes only what the table of the design gives it, and only the rooms that own a library touch it.

The table is DESIGN's, with what turned out to be needed: cli/ starts scripts and reads the catalog (store, supervise); exec/ runs what
lower/ describes (lower); generated headers (gen/…) are open to all, the protocol's (spark/…, google/…) to connect/ alone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, c_files, line_of, main, without_comments

# base/ and gen/ are open to every room, and every room may include its own headers.
ROOMS: dict[str, set[str]] = {
    "base": set(),
    "plan": set(),
    "store": set(),
    "sql": {"plan"},
    "connect": {"plan", "sql", "analyze", "lower", "exec"},
    "analyze": {"plan"},
    "lower": {"plan"},
    "kernels": set(),
    "exec": {"plan", "kernels", "lower"},
    "aws": {"store"},
    "service": {"aws", "store", "supervise"},
    "supervise": {"store"},
    "cli": {"store", "supervise"},
}
ROOMS["daemon"] = set(ROOMS)

# A header of a library, and the rooms that may include it.
OWNED: list[tuple[re.Pattern[str], set[str]]] = [
    (re.compile(r"sqlite3"), {"store"}),
    (re.compile(r"duckdb"), {"kernels", "exec"}),
    (re.compile(r"grpc"), {"connect"}),
    (re.compile(r"\.pb-c\.h$|^protobuf-c/|^spark/|^google/"), {"connect"}),
    (re.compile(r"^microhttpd"), {"aws"}),
    (re.compile(r"^nanoarrow|^flatcc"), {"connect", "exec"}),
    (re.compile(r"^pcre2"), {"kernels", "analyze", "aws"}),
    (re.compile(r"^openssl/|^expat"), {"aws"}),
    (re.compile(r"^unicode/"), {"kernels"}),
    (re.compile(r"^spawn\.h$"), {"supervise"}),
]
OPEN_FOLDERS = {"base", "gen"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
STARTS_PROCESS = re.compile(r"\b(v?fork|posix_spawnp?|popen|system|exec[lv]p?e?|clone3?)\s*\(")


def check(root: Path) -> Iterator[Finding]:
    """Every include and every call that starts a process, in src/."""
    for path, text in c_files(root, "src"):
        if len(path.parts) != 3:
            yield Finding(str(path), 0, "a source stands directly in its room: src/ROOM/FILE")
            continue
        room = path.parts[1]
        if room not in ROOMS:
            yield Finding(str(path), 0, f"there is no room {room}: the rooms stand in tools/check_layers.py")
            continue
        for match in INCLUDE.finditer(text):
            name, line = match.group(1), line_of(text, match.start())
            owners = next((owners for pattern, owners in OWNED if pattern.search(name)), None)
            if owners is not None and room not in owners:
                yield Finding(str(path), line, f"{room}/ may not include {name}: only {' and '.join(sorted(owners))} may")
            elif ".." in Path(name).parts and not name.endswith(".def"):
                yield Finding(str(path), line, f'include "{name}" as "ROOM/{Path(name).name}"')
            folder = Path(name).parts[0]
            if folder in ROOMS and folder != room and folder not in OPEN_FOLDERS and folder not in ROOMS[room]:
                yield Finding(str(path), line, f"{room}/ may not include {name}: it may use {' '.join(sorted(ROOMS[room])) or 'base'}")
        if room != "supervise":
            code = without_comments(text)
            for match in STARTS_PROCESS.finditer(code):
                yield Finding(str(path), line_of(code, match.start()), f"{match.group(1)}: only supervise/ starts processes")


if __name__ == "__main__":
    sys.exit(main(check))
