#!/usr/bin/env python3
"""Gate: no path of one machine and no registry's host name in the project."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, line_of, main, project_files

# Written in pieces, so that this file passes its own check.
FOLDERS = ["/" + name for name in ("work/", "root/", "opt/wheels", "tmp/deps")]
HOSTS = [name + "." + end for name, end in (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"), ("proxy.golang", "org"),
    ("repo.maven.apache", "org"), ("repo1.maven", "org"), ("deb.debian", "org"), ("security.debian", "org"),
)]
PATTERN = re.compile(
    rb"(?<![\w.$}/-])(?:" + b"|".join(re.escape(word).encode() for word in FOLDERS) + rb"|/home/\w+/)"
    rb"|" + b"|".join(rb"\b" + re.escape(word).encode() + rb"\b" for word in HOSTS)
)


def check(root: Path) -> Iterator[Finding]:
    """Every text file of the project."""
    for path in project_files(root):
        data = (root / path).read_bytes()
        if b"\0" in data[:8000]:
            continue
        for match in PATTERN.finditer(data):
            line = line_of(data.decode("latin-1"), match.start())
            yield Finding(str(path), line, f"{match.group().decode()} exists only on somebody's machine or network")


if __name__ == "__main__":
    sys.exit(main(check))
