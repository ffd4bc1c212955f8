#!/usr/bin/env python3
"""Gate: each room has a README.md with a line for every file in it, and none for a file that is gone.

A line names its file at its start: "- `lex.c` - what it is", or a table row "| lex.c | what it is |"; it may name several files that
belong together: "- `str.h`, `str.c` - …".
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, main, project_files

LINE_START = re.compile(r"^(?:[-*] +(.+?)(?: [-–—] |: )|\| *(.+?) *\|)")
SOURCE = re.compile(r"[^/\s]+\.(?:c|h|py|def|tsv|sql|in|sh)")


def has_rooms(folder: Path) -> bool:
    """Rooms are the folders of src/ and tests/, the packages of python/, tools/ and bench/."""
    parts = folder.parts
    return (len(parts) == 2 and parts[0] in ("src", "python")) or parts in (("tools",), ("bench",))


def check(root: Path) -> Iterator[Finding]:
    """Compare each room's README with the room."""
    rooms: dict[Path, set[str]] = {}
    for path in project_files(root):
        if has_rooms(path.parent):
            rooms.setdefault(path.parent, set()).add(path.name)
        elif len(path.parts) == 3 and path.parts[0] == "tests" and path.suffix in (".c", ".py"):
            rooms.setdefault(path.parent, set())
    for room, names in sorted(rooms.items()):
        readme = root / room / "README.md"
        if not readme.exists():
            yield Finding(str(room), 0, "a room needs a README.md: a line per file, and how to add one")
            continue
        text = readme.read_text(encoding="utf-8")
        named: set[str] = set()
        for number, line in enumerate(text.splitlines(), start=1):
            start = LINE_START.match(line)
            for name in re.split(r", | and | ", (start.group(1) or start.group(2)).replace("`", "")) if start else ():
                named.add(name)
                if names and SOURCE.fullmatch(name) and name not in names:
                    yield Finding(str(room / "README.md"), number, f"there is no {name} here any more")
        for name in sorted(names - named - {"README.md"}):
            yield Finding(str(room / "README.md"), 0, f"has no line for {name}")


if __name__ == "__main__":
    sys.exit(main(check))
