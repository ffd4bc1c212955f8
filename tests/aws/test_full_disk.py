"""A home on a disk that runs full while the server serves: requests are refused with a reason, and what is under way comes to its end as soon as there is room."""

from __future__ import annotations

import contextlib
import json
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
FULL = 503, "ServiceUnavailable"
ROLE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/never/*"}]}


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


def mount_ext4(folder: pathlib.Path) -> None:
    """It finds out late that it is full, at a sync; a disk of blocks in a file."""
    image = folder.with_suffix(".img")
    with open(image, "wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)


def mount_tmpfs(folder: pathlib.Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=True)


@pytest.fixture(params=[mount_tmpfs, mount_ext4], ids=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of a known size")
    folder = tmp_path / "disk"
    folder.mkdir()
    request.param(folder)
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
    assert refusal(lambda: s3.put_object(Bucket="bucket", Key="kept", Body=bytes(8 * MIB))) == FULL
    codes = {refusal(lambda n=n: glue.create_database(DatabaseInput={"Name": f"n{n}", "Description": "x" * 2000})) for n in range(300)}
    assert codes == {FULL}
    assert s3.get_object(Bucket="bucket", Key="kept")["Body"].read() == b"before"
    assert [item["Name"] for item in glue.get_databases()["DatabaseList"]] == ["kept"]
    disk.empty()
    assert files(full_jobs.server.home) == before
    glue.create_database(DatabaseInput={"Name": "n1"})
    s3.put_object(Bucket="bucket", Key="kept", Body=b"after")
    assert s3.get_object(Bucket="bucket", Key="kept")["Body"].read() == b"after"


def test_every_kind_of_change(full_jobs: Jobs, disk: Disk) -> None:
    """Refused while there is no room, and nothing of it is there; what was begun before goes on afterwards."""
    glue, s3, server = full_jobs.glue, full_jobs.s3, full_jobs.server
    iam, logs = server.client("iam"), server.client("logs")
    s3.create_bucket(Bucket="bucket")
    source = os.urandom(5 * MIB)
    s3.put_object(Bucket="bucket", Key="source", Body=source, Tagging="a=b")
    begun = {"Bucket": "bucket", "Key": "joined", "UploadId": s3.create_multipart_upload(Bucket="bucket", Key="joined")["UploadId"]}
    first = s3.upload_part(**begun, PartNumber=1, Body=source)
    glue.create_database(DatabaseInput={"Name": "base"})
    logs.create_log_group(logGroupName="group")
    fill_to_the_last(full_jobs, disk)
    before = files(server.home)
    document = json.dumps(ROLE)
    tags = {"TagSet": [{"Key": "a", "Value": "c" * 200}]}
    # Each with words enough for a page of its own: what a page of the database still has room for is taken.
    changes: dict[str, Callable[[], Any]] = {
        "put": lambda: s3.put_object(Bucket="bucket", Key="new", Body=b"few bytes"),
        "empty": lambda: s3.put_object(Bucket="bucket", Key="empty", Body=b""),
        "copy": lambda: s3.copy_object(Bucket="bucket", Key="new", CopySource="bucket/source"),
        "part": lambda: s3.upload_part(**begun, PartNumber=2, Body=source),
        "copied part": lambda: s3.upload_part_copy(**begun, PartNumber=2, CopySource="bucket/source"),
        "complete": lambda: s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": first["ETag"]}]}),
        "upload": lambda: s3.create_multipart_upload(Bucket="bucket", Key="other"),
        "tags": lambda: s3.put_object_tagging(Bucket="bucket", Key="source", Tagging=tags),
        "bucket": lambda: s3.create_bucket(Bucket="another"),
        "bucket's tags": lambda: s3.put_bucket_tagging(Bucket="bucket", Tagging=tags),
        "versioning": lambda: s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"}),
        "policy": lambda: s3.put_bucket_policy(Bucket="bucket", Policy=json.dumps(POLICY)),
        "role": lambda: iam.create_role(RoleName="role", AssumeRolePolicyDocument=document),
        "table": lambda: glue.create_table(DatabaseName="base", TableInput={"Name": "table"}),
        "job": lambda: glue.create_job(Name="job", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://bucket/x.py"}),
        "group": lambda: logs.create_log_group(logGroupName="another"),
        "events": lambda: logs.create_log_stream(logGroupName="group", logStreamName="stream"),
    }
    assert {name: refusal(change) for name, change in changes.items()} == {name: FULL for name in changes}
    assert files(server.home) == before
    server.kill()
    with pytest.raises(RuntimeError, match="full"):
        server.start()
    disk.empty()
    server.start()
    s3, glue, iam, logs = (server.client(name) for name in ("s3", "glue", "iam", "logs"))
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["source"]
    assert s3.get_object(Bucket="bucket", Key="source")["Body"].read() == source
    assert s3.get_object_tagging(Bucket="bucket", Key="source")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert [part["ETag"] for part in s3.list_parts(**begun)["Parts"]] == [first["ETag"]]
    assert glue.get_tables(DatabaseName="base")["TableList"] == [] and iam.list_roles()["Roles"] == []
    for change in changes.values():
        change()
    assert s3.get_object(Bucket="bucket", Key="joined")["Body"].read() == source


def test_room_made_by_deleting(full_jobs: Jobs, disk: Disk) -> None:
    """Objects filled the disk: they can be deleted all the same, and then there is room for others."""
    s3 = full_jobs.s3
    s3.create_bucket(Bucket="bucket")
    number, size = 0, 4 * MIB
    while size > 0:
        try:
            s3.put_object(Bucket="bucket", Key=f"{number}", Body=bytes(size))
            number += 1
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == FULL[1]
            size //= 8
    disk.fill()
    assert number > 5
    s3.delete_object(Bucket="bucket", Key="0")
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": f"{key}"} for key in range(1, number)]})
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")

    def fits() -> bool:
        try:
            s3.put_object(Bucket="bucket", Key="large", Body=bytes(32 * MIB))
        except botocore.exceptions.ClientError:
            return False
        return True

    wait_for(fits, "the room of what was deleted")  # its files go about a second later


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
