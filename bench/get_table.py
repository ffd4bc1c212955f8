"""Asks a server for one Glue table, again and again on 16 connections; prints requests per second and how long they took.

Usage: get_table.py solder SOLDER DATABASE.json TABLE.json
       get_table.py moto   -      DATABASE.json TABLE.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import served
from http_load import run_load

CONNECTIONS, WARM_SECONDS, SECONDS = 16, 1.0, 5.0


def main(arguments: list[str]) -> int:
    """One server's life."""
    kind, program, database, table = arguments
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name:
        folder = Path(name)
        with served.solder(program, folder) if kind == "solder" else served.moto(folder) as server:
            glue = server.client("glue")
            made = json.loads(Path(table).read_text(encoding="utf-8"))
            glue.create_database(**json.loads(Path(database).read_text(encoding="utf-8")))
            glue.create_table(**made)
            shown = glue.get_table(DatabaseName=made["DatabaseName"], Name=made["TableInput"]["Name"])["Table"]
            if shown["StorageDescriptor"]["Columns"] != made["TableInput"]["StorageDescriptor"]["Columns"]:
                raise SystemExit("bench: the table is not the one that was made")
            body = json.dumps({"DatabaseName": made["DatabaseName"], "Name": made["TableInput"]["Name"]}).encode()
            asked = [server.signed("glue", "POST", "/", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetTable"}, body)]
            run_load(server.address(), asked, CONNECTIONS, WARM_SECONDS)
            server.print_load(asked, CONNECTIONS, SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
