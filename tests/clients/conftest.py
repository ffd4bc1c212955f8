"""A server and a tree of files for clients that know nothing of it but endpoint and key."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Any

from tests.aws.conftest import Server, server  # noqa: F401 - the fixture
from tests.aws.test_s3_cli import _tree, sums  # noqa: F401 - the fixture

MIB = 1 << 20


def names(s3: Any, bucket: str, prefix: str = "") -> list[str]:
    """The keys below a prefix, by boto3."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def body(s3: Any, bucket: str, key: str) -> bytes:
    """An object's bytes, by boto3."""
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


class Program:
    """A client that is a program: its command with what it must know, in an environment without any settings of the machine's user."""

    def __init__(self, home: pathlib.Path, *command: str, **env: str) -> None:
        self.command = command
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
        self.env = {**kept, "HOME": str(home), **env}

    def try_(self, *arguments: object, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """A call that may fail."""
        return subprocess.run([*self.command, *map(str, arguments)], env=self.env, input=stdin, capture_output=True, check=False, timeout=300)

    def __call__(self, *arguments: object, stdin: bytes | None = None) -> str:
        """A call that must succeed; what it printed."""
        done = self.try_(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()
