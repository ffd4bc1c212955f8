"""What the gates share: which files belong to the project, C text without comments, and how a finding is shown.

A gate is a tools/check_*.py with a function check(root) that yields findings; tools/run_tests runs every one of them. No gate has a
list of exceptions: a rule that needs one is the wrong rule.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterable, Iterator, NamedTuple


class Finding(NamedTuple):
    """One broken rule: the file relative to the root, the line (0: the whole file) and what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.text}"


def project_files(root: Path) -> list[Path]:
    """The files of the project, relative to root: what git tracks or would track; every file where there is no git."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0 and (root / ".git").exists():
        names = [Path(name) for name in listing.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted({name for name in names if (root / name).is_file()})


def c_files(root: Path, *folders: str) -> Iterator[tuple[Path, str]]:
    """The C sources and headers below these folders (default: everywhere), each with its text."""
    for path in project_files(root):
        if path.suffix in (".c", ".h") and (not folders or path.parts[0] in folders):
            yield path, (root / path).read_text(encoding="utf-8")


_BLANKED = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without_comments(text: str) -> str:
    """C text with the content of comments and literals blanked out; every line stays where it is."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)

    return _BLANKED.sub(blank, text)


def line_of(text: str, offset: int) -> int:
    """The line number of an offset."""
    return text.count("\n", 0, offset) + 1


def main(check: Callable[[Path], Iterable[Finding]]) -> int:
    """Run one gate over the project (or the folder given as the only argument); 1 when it finds something."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    findings = list(check(root))
    for finding in findings:
        print(finding)
    return 1 if findings else 0
