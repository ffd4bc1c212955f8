#!/usr/bin/env python3
"""Gate: no function that cannot be used safely, and no switched-off warning."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, c_files, line_of, main, without_comments

BANNED = {
    "sprintf": "str_fmt or snprintf",
    "vsprintf": "str_fmtv or vsnprintf",
    "strcpy": "Str and the arena",
    "strncpy": "Str and the arena",
    "strcat": "StrBuf",
    "strncat": "StrBuf",
    "strtok": "a loop over a Str",
    "gets": "getline",
    "atoi": "strtol with its end checked",
    "atol": "strtol with its end checked",
    "atoll": "strtoll with its end checked",
    "atof": "strtod with its end checked",
    "alloca": "the arena",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
}
CALL = re.compile(r"\b(" + "|".join(BANNED) + r")\s*\(")
SWITCHED_OFF = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+(?:GCC|clang)[ \t]+(?:diagnostic|system_header).*", re.MULTILINE)


def check(root: Path) -> Iterator[Finding]:
    """Calls and pragmas in every C file."""
    for path, text in c_files(root):
        code = without_comments(text)
        for match in CALL.finditer(code):
            name = match.group(1)
            yield Finding(str(path), line_of(code, match.start()), f"{name} is banned: use {BANNED[name]}")
        for match in SWITCHED_OFF.finditer(code):
            yield Finding(str(path), line_of(code, match.start()), "warnings are mended, not switched off")


if __name__ == "__main__":
    sys.exit(main(check))
