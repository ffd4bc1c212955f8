#!/usr/bin/env python3
"""Turns spec/store/NNNN_name.sql into C: gen/store_migrations.inc, an array of {number, name, text} in order of number.

Usage: gen_store.py OUTPUT MIGRATION.sql…
"""

import pathlib
import sys


def c_string(text: str) -> str:
    lines = []
    for line in text.splitlines():
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'    "{escaped}\\n"')
    return "\n".join(lines)


def main() -> int:
    output, *migrations = sys.argv[1:]
    rows = []
    for expected, path in enumerate(sorted(map(pathlib.Path, migrations)), start=1):
        number = int(path.name.split("_")[0])
        if number != expected:
            print(f"{path}: migrations must be numbered without gaps; expected {expected:04d}", file=sys.stderr)
            return 1
        rows.append(f'{{{number}, "{path.stem}",\n{c_string(path.read_text())}}},')
    pathlib.Path(output).write_text("\n".join(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
