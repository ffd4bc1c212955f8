#!/usr/bin/env python3
"""Turns spec/emr/*.tsv into C: gen/emr.inc, the tables INSTANCE_TYPES, RELEASES and APPLICATIONS of service/emr_types.c.

Usage: gen_emr.py OUTPUT TSV…
"""

import csv
import pathlib
import re
import sys


def rows(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a table, of which none may have an empty cell and no two the same first one."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t")
        table = list(reader)
        key = (reader.fieldnames or [""])[0]
    names = [row[key] for row in table]
    for number, row in enumerate(table, start=2):
        if not all(row.values()) or names.count(row[key]) > 1 or not re.fullmatch(r"[A-Za-z0-9.-]+", row[key]):
            raise SystemExit(f"{path}:{number}: a cell is empty, or {row[key]} is no name or stands twice")
    return table


def main() -> int:
    output, *sources = map(pathlib.Path, sys.argv[1:])
    tables = {path.stem: rows(path) for path in sources}
    lines = ["static const EmInstanceType INSTANCE_TYPES[] = {"]
    lines += [f'    {{"{row["name"]}", {int(row["vcpu"])}, {int(row["memory_mib"])}}},' for row in tables["instance_types"]]
    lines += ["};", "static const EmRelease RELEASES[] = {"]
    lines += [f'    {{"{row["label"]}", "{row["spark"]}", "{row["hadoop"]}", "{row["hive"]}"}},' for row in tables["releases"]]
    lines += ["};", "static const EmApplication APPLICATIONS[] = {"]
    for row in tables["applications"]:
        column = row["version"]
        if column not in ("-", "spark", "hadoop", "hive"):
            raise SystemExit(f"{row['name']}: releases.tsv has no column {column}")
        lines.append(f'    {{"{row["name"]}", {"EM_NO_VERSION" if column == "-" else "EM_" + column.upper() + "_VERSION"}}},')
    output.write_text("\n".join(lines + ["};"]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
