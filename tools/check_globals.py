#!/usr/bin/env python3
"""Gate: no global that changes. Looks at what `make build` made: an object of a room in a writable section, thread-local or not.

State that lives as long as the process belongs to the struct that main() hands down.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, main

# objdump -t: value, flags (O: an object), section, size, name. Relocated constants are in .data.rel.ro*.
SYMBOL = re.compile(r"^[0-9a-f]+ (?:.{7}) (\.(?:data|bss|tdata|tbss)\S*|\*COM\*)\t([0-9a-f]+) +(?:\.hidden )?(\S+)$")
MEMBER = re.compile(r"^(\S+\.o):\s+file format")


def check(root: Path) -> Iterator[Finding]:
    """The objects of each room's library in build/."""
    for room in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        library = root / "build" / f"lib{room.name}.a"
        if not library.exists():
            continue
        dump = subprocess.run(["objdump", "-t", str(library)], capture_output=True, text=True, check=True)
        member = ""
        for line in dump.stdout.splitlines():
            named = MEMBER.match(line)
            if named:
                member = named.group(1).removesuffix(".o")
                continue
            symbol = SYMBOL.match(line)
            if symbol and not symbol.group(1).startswith(".data.rel.ro") and int(symbol.group(2), 16) and symbol.group(3) != symbol.group(1):
                yield Finding(f"src/{room.name}/{member}", 0, f"{symbol.group(3)} is a global that changes: pass it down")


if __name__ == "__main__":
    sys.exit(main(check))
