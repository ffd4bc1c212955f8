#!/usr/bin/env python3
"""Turn spec/keywords.tsv into the C table that src/sql/keyword.h includes (gen/keywords.inc).

Each row becomes SQ_KEYWORD(TAG, "TEXT", is_strict); rows are sorted by text, so that the lexer can search by halves.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path


def rows_of(text: str) -> list[tuple[str, bool]]:
    """Read and check the table: sorted, unique, upper case, and the second column empty or "strict"."""
    lines = text.splitlines()
    if not lines or lines[0] != "keyword\tstrict":
        raise ValueError("line 1: the header must be keyword<TAB>strict")
    rows: list[tuple[str, bool]] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != 2 or not re.fullmatch(r"[A-Z][A-Z_]*", cells[0]) or cells[1] not in ("", "strict"):
            raise ValueError(f"line {number}: not KEYWORD<TAB>[strict]: {line!r}")
        if rows and rows[-1][0] >= cells[0]:
            raise ValueError(f"line {number}: {cells[0]} must stand before {rows[-1][0]}")
        rows.append((cells[0], cells[1] == "strict"))
    return rows


def main(arguments: list[str]) -> int:
    """gen_keywords.py SPEC OUTPUT"""
    if len(arguments) != 2:
        print("usage: gen_keywords.py spec/keywords.tsv OUTPUT", file=sys.stderr)
        return 2
    spec, output = Path(arguments[0]), Path(arguments[1])
    try:
        rows = rows_of(spec.read_text(encoding="utf-8"))
    except ValueError as error:
        print(f"{spec}: {error}", file=sys.stderr)
        return 1
    lines = [f'SQ_KEYWORD({word}, "{word}", {"true" if strict else "false"})' for word, strict in rows]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
