"""A home on a disk that runs full while the server serves: requests are refused with a reason, and what is under way comes to its end as soon as there is room."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import threading
import time
from typing import Any, Callable, Iterator

import botocore.exceptions
import pytest

from .conftest import Server
from .test_jobs import WAITS, Jobs, wait_for

MIB = 1 << 20


class Disk:
    """A small disk, which can be filled to its last byte and emptied."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self) -> None:
        """Until not one byte more fits."""
        with open(self.filler, "ab", buffering=0) as file:
            for size in (MIB, 4096, 1):
                self.pour(file, size)

    @staticmethod
    def pour(file: Any, size: int) -> None:
        """Pieces of this size, as many as fit."""
        try:
            while True:
                file.write(bytes(size))
        except OSError:
            return

    @contextlib.contextmanager
    def kept_full(self) -> Iterator[None]:
        """Full, and what others give back is taken at once."""
        is_over = threading.Event()

        def take() -> None:
            with open(self.filler, "ab", buffering=0) as file:
                while not is_over.is_set():
                    self.pour(file, 4096)
                    time.sleep(0)

        self.fill()
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def empty(self) -> None:
        self.filler.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of a known size")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=True)
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def full_jobs(disk: Disk) -> Iterator[Jobs]:
    server = Server(disk.folder / "home")
    yield Jobs(server)
    disk.empty()
    assert server.stop() == 0


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the error that the call must give."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    response = caught.value.response
    return int(response["ResponseMetadata"]["HTTPStatusCode"]), str(response["Error"]["Code"])


def files(folder: pathlib.Path) -> set[str]:
    """All files below."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith("solder.db")}


def fill_to_the_last(jobs: Jobs, disk: Disk) -> None:
    """The disk, and the room that the database's own files still have."""
    disk.fill()
    refused = 0
    for number in range(5000):
        try:
            jobs.glue.create_database(DatabaseInput={"Name": f"fills{number}"})
        except botocore.exceptions.ClientError:
            refused += 1
        if refused == 5:
            return
    raise AssertionError("the database still grows")


def test_requests(full_jobs: Jobs, disk: Disk) -> None:
    """Each is refused as an error of the server's, which clients try again, nothing half-written stays, and afterwards everything works."""
    glue, s3 = full_jobs.glue, full_jobs.s3
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="kept", Body=b"before")
    glue.create_database(DatabaseInput={"Name": "kept"})
    before = files(full_jobs.server.home)
    disk.fill()
    assert refusal(lambda: s3.put_object(Bucket="bucket", Key="kept", Body=bytes(8 * MIB))) == (503, "ServiceUnavailable")
    codes = {refusal(lambda n=n: glue.create_database(DatabaseInput={"Name": f"n{n}", "Description": "x" * 2000})) for n in range(300)}
    assert codes == {(500, "InternalFailure")}
    assert s3.get_object(Bucket="bucket", Key="kept")["Body"].read() == b"before"
    assert [item["Name"] for item in glue.get_databases()["DatabaseList"]] == ["kept"]
    disk.empty()
    assert files(full_jobs.server.home) == before
    glue.create_database(DatabaseInput={"Name": "n1"})
    s3.put_object(Bucket="bucket", Key="kept", Body=b"after")
    assert s3.get_object(Bucket="bucket", Key="kept")["Body"].read() == b"after"


def test_runs(full_jobs: Jobs, disk: Disk, tmp_path: pathlib.Path) -> None:
    """A run that ends while nothing can be written is settled when there is room, and then the one that waits for it starts."""
    gate = tmp_path / "gate"
    name = full_jobs.job("waits", WAITS, DefaultArguments={"--gate": str(gate)}, JobRunQueuingEnabled=True)
    run = full_jobs.start(name)
    second = full_jobs.start(name)
    wait_for(lambda: full_jobs.lines(run) == ["ready"], "ready")
    with disk.kept_full():
        fill_to_the_last(full_jobs, disk)
        gate.touch()
        wait_for(lambda: not full_jobs.processes(run), "the end of the run's processes")
        wait_for(lambda: any(f"run {run}:" in line and "full" in line for line in full_jobs.server.log), "the server says that it can't write the run's end")
        assert full_jobs.state(name, run) == "RUNNING" and full_jobs.state(name, second) == "WAITING"
    disk.empty()
    done = full_jobs.ended(name, run)
    assert done["JobRunState"] == "SUCCEEDED" and "CompletedOn" in done
    assert full_jobs.ended(name, second)["JobRunState"] == "SUCCEEDED"
    assert list((full_jobs.server.home / "runs").iterdir()) == []
