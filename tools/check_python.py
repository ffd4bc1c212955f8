#!/usr/bin/env python3
"""Gate: what runs in a job's process needs nothing but Python, pyspark and what pyspark's Connect client itself brings.

Signatures are typed, public things have a docstring.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator

from gate import Finding, main, project_files

ALLOWED = set(sys.stdlib_module_names) | {"pyspark", "pyarrow", "pandas", "awsglue", "solder"}


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and top-level package of each absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.split(".")[0]


def check(root: Path) -> Iterator[Finding]:
    """Every module of python/."""
    for path in project_files(root):
        if path.parts[0] != "python" or path.suffix != ".py":
            continue
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
        for line, package in imports(tree):
            if package not in ALLOWED:
                yield Finding(str(path), line, f"imports {package}: only the standard library and pyspark are there")
        if not ast.get_docstring(tree):
            yield Finding(str(path), 1, "a module begins with a docstring: what it is, where it stands, its invariant")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                missing = [arg.arg for arg in node.args.args + node.args.kwonlyargs if not arg.annotation and arg.arg not in ("self", "cls")]
                if missing:
                    yield Finding(str(path), node.lineno, f"{node.name}: give {', '.join(missing)} a type")


if __name__ == "__main__":
    sys.exit(main(check))
