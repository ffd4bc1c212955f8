"""Asks a server for one Glue table, again and again on 16 connections; prints requests per second and how long they took.

Usage: get_table.py solder SOLDER DATABASE.json TABLE.json
       get_table.py moto   -      DATABASE.json TABLE.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import served
from http_load import run_load

CONNECTIONS, WARM_SECONDS, SECONDS = 16, 1.0, 5.0


def signed(server: served.Served, body: bytes) -> bytes:
    """The request's bytes, signed once: a signature names its second and is good for some minutes from then, and neither server asks for a new one."""
    request = AWSRequest("POST", server.endpoint + "/", data=body, headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetTable"})
    SigV4Auth(Credentials(*server.key), "glue", served.REGION).add_auth(request)
    headers = {"Host": urlsplit(server.endpoint).netloc, **dict(request.headers.items()), "Content-Length": str(len(body))}
    return b"POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + body


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
            request = signed(server, json.dumps({"DatabaseName": made["DatabaseName"], "Name": made["TableInput"]["Name"]}).encode())
            at = urlsplit(server.endpoint)
            address = (str(at.hostname), int(at.port or 0))
            run_load(address, request, CONNECTIONS, WARM_SECONDS)
            before = server.cpu_seconds()
            load = run_load(address, request, CONNECTIONS, SECONDS)
            print(f"requests_per_second {load.rate():.1f}")
            print(f"p50_ms {load.quantile(0.5) * 1000:.3f}")
            print(f"p99_ms {load.quantile(0.99) * 1000:.3f}")
            print(f"most_ms {load.latencies[-1] * 1000:.3f}")
            print(f"server_cores {(server.cpu_seconds() - before) / load.seconds:.2f}")
            print(f"load_cores {load.cpu_seconds / load.seconds:.2f}")
            print(f"answers_per_connection {len(load.latencies) / load.connects:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
