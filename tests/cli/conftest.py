"""The built program with a home directory of its own, for the tests of its verbs."""

import os
import pathlib
import subprocess
import sys
from typing import Dict, Iterator, List, Optional

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from program import EXAMPLES, SOLDER  # noqa: E402


class Solder:
    """Runs verbs over one home directory."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.env: Dict[str, str] = {**os.environ, "SOLDER_HOME": str(home)}

    def __call__(self, *args: str, stdin: Optional[str] = None, env: Optional[Dict[str, str]] = None) -> "subprocess.CompletedProcess[str]":
        """Run one verb to its end; nothing is raised for a failing one."""
        return subprocess.run(
            [str(SOLDER), *args], env={**self.env, **(env or {})}, input=stdin, capture_output=True, text=True, check=False
        )

    def ok(self, *args: str, stdin: Optional[str] = None) -> str:
        """Run one verb that must succeed; returns its standard output."""
        done = self(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Start a verb and leave it running."""
        return subprocess.Popen(
            [str(SOLDER), *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def leftovers(self) -> List[str]:
        """What is under the home directory but the database, the lock and committed objects."""
        kept = {"solder.db", "solder.db-wal", "solder.db-shm", "solder.db-reserve", "home.lock"}
        found = []
        for path in self.home.rglob("*"):
            relative = path.relative_to(self.home)
            if path.is_file() and relative.name not in kept and relative.parts[0] != "objects":
                found.append(str(relative))
        return found


@pytest.fixture
def solder(tmp_path: pathlib.Path) -> Iterator[Solder]:
    """A fresh home directory."""
    yield Solder(tmp_path / "home")


@pytest.fixture
def titanic(solder: Solder) -> Solder:
    """A home directory with the sample file, its table and the target bucket of the reference script."""
    solder.ok("s3", "mb", "s3://my-source-bucket")
    solder.ok("s3", "mb", "s3://my-target-bucket")
    solder.ok("s3", "cp", str(EXAMPLES / "titanic.csv"), "s3://my-source-bucket/titanic/titanic.csv")
    solder.ok("catalog", "import", str(EXAMPLES / "source_db.json"), str(EXAMPLES / "source_table.json"))
    return solder
