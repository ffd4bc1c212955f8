#!/usr/bin/env python3
"""Turns spec/aws/managed_policies.tsv into C: gen/managed_policies.inc, the rows of MANAGED in service/iam_policies.c.

Usage: gen_iam.py OUTPUT TSV
"""

import csv
import json
import pathlib
import re
import sys


def main() -> int:
    output, source = map(pathlib.Path, sys.argv[1:])
    lines = []
    names: set[str] = set()
    with source.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t"), start=2):
            is_path = re.fullmatch(r"/([a-z-]+/)?", row["path"])
            if not is_path or not re.fullmatch(r"[A-Za-z0-9_]+", row["name"]) or row["name"] in names:
                raise SystemExit(f"{source}:{number}: {row['path']}{row['name']} is no path and name, or stands twice")
            if not all(re.fullmatch(r"\*|[a-z0-9-]+:[A-Za-z]*\*?", action) for action in row["actions"].split(" ")):
                raise SystemExit(f"{source}:{number}: an action of {row['name']} is none")
            names.add(row["name"])
            lines.append(f"{{{json.dumps(row['path'])}, {json.dumps(row['name'])}, {json.dumps(row['actions'])}}},\n")
    output.write_text("".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
