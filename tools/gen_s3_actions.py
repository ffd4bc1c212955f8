#!/usr/bin/env python3
"""Turns spec/aws/s3_actions.tsv into C: gen/s3_actions.inc, the table ACTIONS of service/s3_access.c: what a caller must be allowed for an S3 operation.

Usage: gen_s3_actions.py SUPPORTED.tsv ACTIONS.tsv OUTPUT

A row: an operation, an action, what it is done on (account, bucket, object, each: every item of DeleteObjects, source: of a copy), when it is needed (a member
of the input that is there, or with ! not there; of each and source the item's own VersionId; -: always), and the grant of an ACL that gives it (-: none does).
A supported operation without a row is an error: nothing may be called that nobody thought about.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from botocore.loaders import Loader

PLACES = ("account", "bucket", "object", "each", "source")
GRANT = re.compile(r"(bucket|object) (READ|WRITE|READ_ACP|WRITE_ACP)")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table of spec/."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def check(row: dict[str, str], members: set[str]) -> str:
    """What is wrong with a row; empty: nothing."""
    wanted = row["when"].lstrip("!")
    known = {"VersionId"} if row["on"] in ("each", "source") else members
    if row["on"] not in PLACES:
        return f"{row['on']} is no place"
    if not re.fullmatch(r"s3:[A-Za-z]+", row["action"]):
        return f"{row['action']} is no action"
    if wanted != "-" and wanted not in known | members:
        return f"the input has no member {wanted}"
    if row["grant"] != "-" and not GRANT.fullmatch(row["grant"]):
        return f"{row['grant']} is no grant"
    return ""


def main() -> int:
    supported, actions, output = map(Path, sys.argv[1:])
    model = Loader().load_service_model("s3", "service-2")
    lines = ["static const Action ACTIONS[] = {"]
    rows = read(actions)
    for number, row in enumerate(rows, start=2):
        operation = model["operations"].get(row["operation"])
        if operation is None:
            raise SystemExit(f"{actions}:{number}: S3 has no operation {row['operation']}")
        shape = operation.get("input", {}).get("shape", "")
        problem = check(row, set(model["shapes"].get(shape, {}).get("members", {})))
        if problem:
            raise SystemExit(f"{actions}:{number}: {problem}")
        when = "" if row["when"] == "-" else row["when"]
        place, _, permission = row["grant"].partition(" ")
        grant = f'ON_{place.upper()}, "{permission}"' if permission else "ON_ACCOUNT, NULL"
        cells = f'"{row["operation"]}", "{row["action"]}", ON_{row["on"].upper()}, "{when.lstrip("!")}", {str(when.startswith("!")).lower()}, {grant}'
        lines.append(f"    {{{cells}}},")
    wanted = [row["operation"] for row in read(supported) if row["service"] == "s3"]
    missing = sorted(set(wanted) - {row["operation"] for row in rows})
    if missing:
        raise SystemExit(f"{actions}: no row says what a caller must be allowed for {', '.join(missing)}")
    output.write_text("\n".join(lines + ["};"]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
