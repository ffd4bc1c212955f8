#!/usr/bin/env python3
"""Gate: a function has at most 150 lines, a source file at most 1,200."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, main, project_files, without_comments

FUNCTION_LINES = 150
FILE_LINES = 1200
SOURCES = {".c", ".h", ".py", ".js", ".css", ".html", ".sh", ".tsv", ".def"}
DATA = {".tsv", ".def"}  # tables grow with what they describe


def c_functions(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each function body: a brace at file level that follows a closing parenthesis."""
    code = without_comments(text)
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group().count("\n"), code, flags=re.MULTILINE)
    depth, line, start, before = 0, 1, 0, ""
    for char in code:
        if char == "\n":
            line += 1
        elif char == "{":
            depth += 1
            if depth == 1:
                start = line if before == ")" else 0
        elif char == "}":
            depth = max(depth - 1, 0)
            if depth == 0 and start:
                yield start, line
                start = 0
        if not char.isspace():
            before = char


def python_functions(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each function, methods and nested ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno or node.lineno


def check(root: Path) -> Iterator[Finding]:
    """Every source file and every function of C and Python."""
    for path in project_files(root):
        python = path.suffix == ".py" or (path.suffix == "" and (root / path).read_bytes()[:30].startswith(b"#!/usr/bin/env python3"))
        if path.suffix not in SOURCES and not python:
            continue
        text = (root / path).read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > FILE_LINES and path.suffix not in DATA:
            yield Finding(str(path), 0, f"{lines} lines; at most {FILE_LINES}: give a part of it a file of its own")
        functions = python_functions(text) if python else c_functions(text) if path.suffix in (".c", ".h") else ()
        for first, last in functions:
            if last - first + 1 > FUNCTION_LINES:
                yield Finding(str(path), first, f"a function of {last - first + 1} lines; at most {FUNCTION_LINES}")


if __name__ == "__main__":
    sys.exit(main(check))
