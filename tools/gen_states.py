#!/usr/bin/env python3
"""Turns spec/states.tsv into C: gen/states.inc, an array of {kind, from, to}; from is "" for the state that a resource begins in.

Usage: gen_states.py INPUT.tsv OUTPUT
"""

import csv
import pathlib
import sys


def main() -> int:
    source, output = map(pathlib.Path, sys.argv[1:])
    lines, seen = [], set()
    with source.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t"), start=2):
            key = (row["kind"], row["from"], row["to"])
            if key in seen or not row["when"]:
                print(f"{source}:{number}: {'a transition that stands above' if key in seen else 'when is empty'}", file=sys.stderr)
                return 1
            seen.add(key)
            begin = "" if row["from"] == "-" else row["from"]
            lines.append(f'{{"{row["kind"]}", "{begin}", "{row["to"]}"}},')
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
