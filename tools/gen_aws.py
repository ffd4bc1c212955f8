#!/usr/bin/env python3
"""Turns botocore's service models into C tables: gen/aws_model.inc (see src/aws/model.h) and gen/aws_handlers.inc (see src/service/handlers.c).

Usage: gen_aws.py SUPPORTED.tsv ERRORS.tsv MODEL_OUTPUT HANDLERS_OUTPUT
       gen_aws.py --table SUPPORTED.tsv      prints the table of operations for people (Markdown)
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

SERVICES = ("glue", "emr", "logs", "s3", "sts", "iam")
PROTOCOLS = {"json": "AWS_JSON", "query": "AWS_QUERY", "rest-xml": "AWS_REST_XML"}
KINDS = ("structure", "list", "map", "string", "integer", "long", "float", "double", "boolean", "timestamp", "blob")
PLACES = {None: "AWS_IN_BODY", "header": "AWS_IN_HEADER", "headers": "AWS_IN_HEADERS", "querystring": "AWS_IN_QUERY", "uri": "AWS_IN_URI", "statusCode": "AWS_IN_STATUS"}
TIMES = {None: "AWS_TIME_DEFAULT", "iso8601": "AWS_TIME_ISO", "rfc822": "AWS_TIME_HTTP", "unixTimestamp": "AWS_TIME_EPOCH"}
NO_SHAPE = "AWS_NO_SHAPE"
# What a service takes though its model does not say so: S3's user guide, "Canned ACL".
MORE_VALUES = {("s3", "BucketCannedACL"): ("bucket-owner-read", "bucket-owner-full-control", "aws-exec-read", "log-delivery-write")}


def c(text: str | None) -> str:
    """A C string literal, or NULL."""
    return "NULL" if text is None else json.dumps(text, ensure_ascii=True)


def flag(value: Any) -> str:
    """A C boolean."""
    return "true" if value else "false"


def pcre(pattern: str | None) -> str | None:
    """Java's regular expression as PCRE2 has it, in UTF mode: code points instead of surrogate pairs."""
    if pattern is None:
        return None
    pattern = re.sub(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF][fF]\\u[dD][fF][fF][fF]", r"\\x{10000}-\\x{10FFFF}", pattern)
    pattern = re.sub(r"\\u([0-9a-fA-F]{4})", r"\\x{\1}", pattern)
    return pattern


def snake(name: str) -> str:
    """GetJobRun → get_job_run, ListObjectsV2 → list_objects_v2."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def read_rows(path: str) -> list[dict[str, str]]:
    """The rows of a table of spec/."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class Tables:
    """The C arrays under construction."""

    def __init__(self) -> None:
        self.shapes: list[str] = []
        self.members: list[str] = []
        self.values: list[str] = []
        self.marks: list[str] = []
        self.operations: list[str] = []
        self.errors: list[str] = []
        self.services: list[str] = []
        self.known: dict[tuple[str, str, bool], int] = {}

    def shape(self, service: str, model: dict[str, Any], name: str, flattened: bool = False) -> int:
        """The index of a shape; made on first use, with all that it reaches. A list may be flattened by the member that it is of."""
        flattened = flattened or bool(model["shapes"][name].get("flattened"))
        key = (service, name, flattened)
        if key in self.known:
            return self.known[key]
        index = self.known[key] = len(self.shapes)
        self.shapes.append("")
        shape = model["shapes"][name]
        kind = {"character": "string", "bigdecimal": "double", "biginteger": "long", "short": "integer"}.get(shape["type"], shape["type"])
        element = key_shape = NO_SHAPE
        names = [None, None, None]
        first_member = count = 0
        if kind == "structure":
            rows = [self.member(service, model, shape, member, target) for member, target in shape.get("members", {}).items()]
            first_member, count = len(self.members), len(rows)
            self.members.extend(rows)
        elif kind == "list":
            element = str(self.shape(service, model, shape["member"]["shape"]))
            names[0] = shape["member"].get("locationName")
        elif kind == "map":
            key_shape = str(self.shape(service, model, shape["key"]["shape"]))
            element = str(self.shape(service, model, shape["value"]["shape"]))
            names[1:] = [shape["key"].get("locationName"), shape["value"].get("locationName")]
        first_value = len(self.values)
        values = [*shape.get("enum", []), *MORE_VALUES.get((service, name), ())]
        self.values.extend(c(value) for value in values)
        least, most = shape.get("min"), shape.get("max")
        self.shapes[index] = (
            f"{{AWS_{kind.upper()}, {flag(flattened)}, {TIMES[shape.get('timestampFormat')]}, {element}, {key_shape}, "
            f"{c(names[0])}, {c(names[1])}, {c(names[2])}, {first_member}, {count}, {c(shape.get('payload'))}, {flag(least is not None)}, "
            f"{flag(most is not None)}, {int(least or 0)}, {int(most or 0)}, {c(pcre(shape.get('pattern')))}, {first_value}, {len(values)}}},"
        )
        return index

    def member(self, service: str, model: dict[str, Any], shape: dict[str, Any], name: str, target: dict[str, Any]) -> str:
        """One member's row."""
        index = self.shape(service, model, target["shape"], bool(target.get("flattened")))
        wire = target.get("locationName")
        own = model["shapes"][target["shape"]]
        if wire is None and own["type"] == "list" and (own.get("flattened") or target.get("flattened")):
            wire = own["member"].get("locationName")
        return (
            f"{{{c(name)}, {c(wire)}, {index}, {PLACES[target.get('location')]}, {flag(name in shape.get('required', []))}, "
            f"{flag(target.get('streaming') or own.get('streaming'))}, {flag(target.get('xmlAttribute'))}, {TIMES[target.get('timestampFormat')]}}},"
        )

    def route(self, model: dict[str, Any], operation: dict[str, Any]) -> tuple[int, int, int]:
        """Level, first mark and number of marks of a REST operation."""
        path, _, query = operation["http"]["requestUri"].partition("?")
        level = 0 if path == "/" else 2 if "Key" in path else 1
        first = len(self.marks)
        for pair in filter(None, query.split("&")):
            name, _, value = pair.partition("=")
            self.marks.append(f"{{{c(name)}, {c(value or None)}, false}},")
        shape = model["shapes"][operation["input"]["shape"]] if "input" in operation else {}
        for member in shape.get("required", []):
            target = shape["members"][member]
            if target.get("location") in ("querystring", "header"):
                self.marks.append(f"{{{c(target['locationName'].lower() if target['location'] == 'header' else target['locationName'])}, NULL, {flag(target['location'] == 'header')}}},")
        return level, first, len(self.marks) - first

    def add_service(self, index: int, service: str, supported: dict[str, dict[str, str]]) -> None:
        """A service with its operations and errors."""
        model = Loader().load_service_model(service, "service-2")
        data = model["metadata"]
        unknown = set(supported) - set(model["operations"])
        if unknown:
            raise SystemExit(f"spec/aws/supported.tsv: {service} has no operation {', '.join(sorted(unknown))}")
        first_operation, first_error = len(self.operations), len(self.errors)
        is_rest = data["protocol"].startswith("rest")
        for name, operation in sorted(model["operations"].items()):
            row = supported.get(name)
            level, first_mark, nmarks = self.route(model, operation) if is_rest else (0, 0, 0)
            shapes = [str(self.shape(service, model, operation[side]["shape"])) if row and side in operation else NO_SHAPE for side in ("input", "output")]
            wrapper = operation.get("output", {}).get("resultWrapper")
            self.operations.append(
                f"{{{index}, {c(name)}, {c(operation['http']['method'])}, {level}, {first_mark}, {nmarks}, {flag(row)}, {shapes[0]}, {shapes[1]}, "
                f"{operation['http'].get('responseCode', 200)}, {c((row or {}).get('root') or None)}, {c(wrapper)}}},"
            )
        for name, shape in sorted(model["shapes"].items()):
            if shape.get("exception"):
                error = shape.get("error", {})
                self.errors.append(f"{{{c(error.get('code', name))}, {error.get('httpStatusCode', 0)}, {flag(error.get('senderFault', True))}}},")
        self.services.append(
            f"{{{c(service)}, {PROTOCOLS[data['protocol']]}, {c(data.get('targetPrefix'))}, {c(data.get('signingName', data['endpointPrefix']))}, "
            f"{c(data['apiVersion'])}, {c('http://s3.amazonaws.com/doc/2006-03-01/' if service == 's3' else data.get('xmlNamespace'))}, {first_operation}, "
            f"{len(self.operations) - first_operation}, {first_error}, {len(self.errors) - first_error}}},"
        )


def array(kind: str, name: str, rows: list[str]) -> str:
    """One C array; never empty, which C forbids."""
    body = "\n".join(f"    {row}" if row.endswith(",") else f"    {row}," for row in rows) or "    {0},"
    return f"static const {kind} {name}[] = {{\n{body}\n}};\n"


def write_model(supported: list[dict[str, str]], errors: list[dict[str, str]], output: str) -> None:
    """gen/aws_model.inc."""
    tables = Tables()
    for index, service in enumerate(SERVICES):
        tables.add_service(index, service, {row["operation"]: row for row in supported if row["service"] == service})
    common = [f"{{{c(row['code'])}, {row['status']}, {flag(int(row['status']) < 500)}}}," for row in errors]
    parts = [
        array("AwsShape", "SHAPES", tables.shapes),
        array("AwsMember", "MEMBERS", tables.members),
        array("char *const", "VALUES", tables.values),
        array("AwsMark", "MARKS", tables.marks),
        array("AwsErrorShape", "ERRORS", tables.errors),
        array("AwsErrorShape", "COMMON_ERRORS", common),
        array("AwsOperation", "OPERATIONS", tables.operations),
        array("AwsService", "SERVICES", tables.services),
    ]
    Path(output).write_text("\n".join(parts), encoding="utf-8")


def write_handlers(supported: list[dict[str, str]], output: str) -> None:
    """gen/aws_handlers.inc."""
    names = [(row["service"], row["operation"], f"sv_{row['service']}_{snake(row['operation'])}") for row in supported]
    lines = [f"extern bool {name}(void *services, AwsCall *call, Err *err);" for _, _, name in names]
    lines += ["static const struct {\n    const char *service, *operation;\n    AwsHandler handler;\n} HANDLERS[] = {"]
    lines += [f"    {{{c(service)}, {c(operation)}, {name}}}," for service, operation, name in names]
    Path(output).write_text("\n".join(lines) + "\n};\n", encoding="utf-8")


def print_table(supported: list[dict[str, str]]) -> None:
    """Every operation of every service, and what Solder does with it."""
    for service in SERVICES:
        rows = {row["operation"]: row["note"] for row in supported if row["service"] == service}
        operations = sorted(Loader().load_service_model(service, "service-2")["operations"])
        print(f"## {service}: {len(rows)} of {len(operations)} operations\n\n| operation | state |\n| --- | --- |")
        for name in operations:
            print(f"| {name} | {('there' + (': ' + rows[name] if rows[name] else '')) if name in rows else '-'} |")
        print()


def main() -> int:
    """See the top."""
    if sys.argv[1:2] == ["--table"]:
        print_table(read_rows(sys.argv[2]))
        return 0
    supported_path, errors_path, model_output, handlers_output = sys.argv[1:]
    supported = read_rows(supported_path)
    pairs = [(row["service"], row["operation"]) for row in supported]
    if len(set(pairs)) != len(pairs) or {service for service, _ in pairs} - set(SERVICES):
        raise SystemExit(f"{supported_path}: a row stands twice, or names a service that tools/gen_aws.py does not know")
    write_model(supported, read_rows(errors_path), model_output)
    write_handlers(supported, handlers_output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
