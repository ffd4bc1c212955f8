#!/usr/bin/env python3
"""Gate: a file is named after what it holds, never util, common, helper, misc or manager.

python/awsglue has the module names that AWS gave its library, since job scripts import them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, main, project_files

EMPTY_WORDS = {word + end for word in ("util", "common", "helper", "misc", "manager") for end in ("", "s")}


def check(root: Path) -> Iterator[Finding]:
    """Every file and folder name of the project."""
    for path in project_files(root):
        if path.parts[:2] == ("python", "awsglue"):
            continue
        for part in path.parts:
            words = set(re.split(r"[_.\-]", part.lower())) & EMPTY_WORDS
            if words:
                yield Finding(str(path), 0, f'"{words.pop()}" says nothing: name the file after what it holds')


if __name__ == "__main__":
    sys.exit(main(check))
