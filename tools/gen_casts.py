"""Turn spec/casts.tsv into the C table that lower/cast.c includes.

Usage: gen_casts.py spec/casts.tsv OUTPUT
Columns: from, to (type kinds, comma separated), lower (template for CAST), try (for try_cast: empty = not allowed,
"=" = same as lower), nulls (any: null only if the input is; may; always), note.
"""

import sys

KINDS = {
    "boolean": "BOOLEAN",
    "byte": "BYTE",
    "short": "SHORT",
    "int": "INT",
    "long": "LONG",
    "float": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DECIMAL",
    "string": "STRING",
    "binary": "BINARY",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP_NTZ",
    "interval": "CALENDAR_INTERVAL",
    "dayinterval": "DAY_TIME_INTERVAL",
    "yearinterval": "YEAR_MONTH_INTERVAL",
}
HEADER = ["from", "to", "lower", "try", "nulls", "note"]


def c_string(text: str) -> str:
    """A C string literal of text."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(source: str, target: str) -> int:
    """Read source, write target; complain about the first bad line."""
    with open(source, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if lines[0].split("\t") != HEADER:
        print(f"{source}:1: the header must be {' '.join(HEADER)}", file=sys.stderr)
        return 1
    seen: set[tuple[str, str]] = set()
    rows: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(HEADER):
            print(f"{source}:{number}: {len(cells)} columns, want {len(HEADER)}", file=sys.stderr)
            return 1
        sources, targets, lower, attempt, nulls, _note = cells
        if attempt == "=":
            attempt = lower
        for a in sources.split(","):
            for b in targets.split(","):
                if a not in KINDS or b not in KINDS or (a, b) in seen or nulls not in ("any", "may", "always"):
                    print(f"{source}:{number}: bad or repeated pair {a} {b}, or bad nulls", file=sys.stderr)
                    return 1
                seen.add((a, b))
                rows.append(
                    f"{{PL_TYPE_{KINDS[a]}, PL_TYPE_{KINDS[b]}, {c_string(lower)}, {c_string(attempt)}}},\n"
                )
    with open(target, "w", encoding="utf-8") as file:
        file.write("/* Made by tools/gen_casts.py from spec/casts.tsv. */\n")
        file.writelines(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
