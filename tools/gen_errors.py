#!/usr/bin/env python3
"""gen_errors.py - turn spec/errors.tsv into the C rows that src/connect/error_status.c includes.

A row says which Java exception a Spark error class arrives as at the client, and its SQLSTATE ("-": none). A class with a
subclass ("A.B") that has no row of its own takes the row of "A".

Usage: gen_errors.py spec/errors.tsv OUTPUT_FILE
"""

import sys
from pathlib import Path
from typing import List


def rows_of(path: Path) -> List[List[str]]:
    """Read the table; raise ValueError where it is not sorted, unique and three columns wide."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0] != "class\tjava\tsqlstate":
        raise ValueError(f"{path}:1: the header must be: class, java, sqlstate")
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows, start=2):
        if len(row) != 3 or not all(row):
            raise ValueError(f"{path}:{number}: three filled columns are needed")
        if number > 2 and rows[number - 3][0].encode() >= row[0].encode():
            raise ValueError(f"{path}:{number}: {row[0]} is out of order or twice there")
        if row[2] != "-" and len(row[2]) != 5:
            raise ValueError(f"{path}:{number}: a SQLSTATE has five characters")
    return rows


def main() -> int:
    """Write the rows."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        rows = rows_of(Path(sys.argv[1]))
    except ValueError as error:
        print(f"gen_errors: {error}", file=sys.stderr)
        return 1
    text = "".join('{"%s", "%s", "%s"},\n' % (name, java, "" if state == "-" else state) for name, java, state in rows)
    Path(sys.argv[2]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
