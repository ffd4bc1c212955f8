"""S3 by the AWS CLI: the commands of `aws s3` as people type them, on whole trees of files."""

from __future__ import annotations

import hashlib
import pathlib
import random
import re
import subprocess
from typing import Iterator

import pytest

from tests.aws.conftest import SOLDER, Server
from tests.aws.test_s3_objects import fetch


def sums(folder: pathlib.Path) -> dict[str, str]:
    """MD5 of each file below a folder."""
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(server: Server, *arguments: object, stdin: bytes | None = None) -> bytes:
    """`aws s3 …`, which must succeed; its output's bytes."""
    command = [SOLDER, "aws", "s3", *map(str, arguments)]
    done = subprocess.run(command, env=server.env, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def listed(server: Server, *arguments: object) -> list[str]:
    """The names that `aws s3 ls` prints, without times and sizes."""
    lines = run(server, "ls", *arguments).decode().splitlines()
    return [re.sub(r"^( *PRE |\S+ \S+ +\d+ )", "", line) for line in lines]


@pytest.fixture(name="tree", scope="module")
def _tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A folder with small files, odd names and one file of several parts."""
    folder = tmp_path_factory.mktemp("tree")
    chance = random.Random(7)
    for name, size in (("a.csv", 10), ("sub/b c+d.txt", 1000), ("sub/deep/ü漢.bin", 70000), ("empty", 0), ("sub.txt", 5), ("big.bin", 20_000_000)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(chance.randbytes(size))
    yield folder


def test_trees(server: Server, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run(server, "mb", "s3://trees")
    run(server, "cp", tree, "s3://trees/up/", "--recursive", "--no-progress")
    assert listed(server, "s3://trees/up/") == ["sub/", "a.csv", "big.bin", "empty", "sub.txt"]
    assert sorted(listed(server, "s3://trees", "--recursive")) == sorted(f"up/{name}" for name in sums(tree))
    assert listed(server, "s3://trees/up/sub") == ["sub/", "sub.txt"]
    run(server, "cp", "s3://trees/up", tmp_path / "down", "--recursive", "--no-progress")
    assert sums(tmp_path / "down") == sums(tree)
    run(server, "cp", "s3://trees/up/", "s3://trees/copied/", "--recursive", "--no-progress")
    run(server, "mv", "s3://trees/copied/", "s3://trees/moved/", "--recursive", "--no-progress")
    assert listed(server, "s3://trees/") == ["moved/", "up/"]
    run(server, "cp", "s3://trees/moved/", tmp_path / "moved", "--recursive", "--no-progress")
    assert sums(tmp_path / "moved") == sums(tree)
    run(server, "rm", "s3://trees/up/", "--recursive", "--exclude", "*.csv")
    assert listed(server, "s3://trees/up/", "--recursive") == ["up/a.csv"]
    assert server.cli("s3", "rb", "s3://trees").returncode == 1
    run(server, "rb", "s3://trees", "--force")
    assert "trees" not in listed(server)


def test_sync(server: Server, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    here = tmp_path / "here"
    subprocess.run(["cp", "-a", tree, here], check=True)
    run(server, "mb", "s3://synced")
    run(server, "sync", here, "s3://synced/x", "--no-progress")
    assert run(server, "sync", here, "s3://synced/x", "--no-progress") == b"", "nothing changed, so nothing is sent"
    (here / "a.csv").write_bytes(b"longer than it was")
    (here / "sub.txt").unlink()
    said = run(server, "sync", here, "s3://synced/x", "--delete", "--no-progress").decode()
    assert sorted(re.findall(r"s3://synced/x/\S+", said)) == ["s3://synced/x/a.csv", "s3://synced/x/sub.txt"]
    run(server, "sync", "s3://synced/x", tmp_path / "back", "--no-progress")
    assert sums(tmp_path / "back") == sums(here)


def test_single_files(server: Server, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run(server, "mb", "s3://single")
    body = random.Random(3).randbytes(9_000_000)
    run(server, "cp", "-", "s3://single/from stdin", stdin=body)
    assert run(server, "cp", "s3://single/from stdin", "-") == body
    run(server, "cp", tree / "sub.txt", "s3://single/", "--no-progress", "--content-type", "x/y", "--metadata", "a=b", "--sse", "AES256")
    head = server.aws("s3api", "head-object", "--bucket", "single", "--key", "sub.txt")
    assert (head["ContentType"], head["Metadata"], head["ContentLength"]) == ("x/y", {"a": "b"}, 5)
    run(server, "mv", "s3://single/sub.txt", tmp_path / "moved", "--no-progress")
    assert (tmp_path / "moved").read_bytes() == (tree / "sub.txt").read_bytes() and listed(server, "s3://single") == ["from stdin"]
    url = run(server, "presign", "s3://single/from stdin").decode().strip()
    status, got, _ = fetch(server, "GET", url)
    assert (status, got) == (200, body)
    gone = server.cli("s3", "cp", "s3://single/absent", "-")
    assert gone.returncode == 1 and "404" in gone.stderr
    total = run(server, "ls", "s3://single", "--summarize", "--human-readable").decode()
    assert "Total Objects: 1" in total and "8.6 MiB" in total


def test_the_store_is_the_same_from_both_sides(server: Server, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """What `solder s3` puts, while the server runs, the AWS CLI reads, and the other way round."""
    run(server, "mb", "s3://sides")
    subprocess.run([SOLDER, "s3", "cp", tree / "big.bin", "s3://sides/by solder"], env=server.env, check=True)
    run(server, "cp", "s3://sides/by solder", tmp_path / "got", "--no-progress")
    assert (tmp_path / "got").read_bytes() == (tree / "big.bin").read_bytes()
    etag = server.aws("s3api", "head-object", "--bucket", "sides", "--key", "by solder")["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}-1"', etag)
    assert server.aws("s3api", "list-objects-v2", "--bucket", "sides")["Contents"][0]["ETag"] == etag
    run(server, "cp", tree / "a.csv", "s3://sides/by aws", "--no-progress")
    subprocess.run([SOLDER, "s3", "cp", "s3://sides/by aws", tmp_path / "a"], env=server.env, check=True)
    assert (tmp_path / "a").read_bytes() == (tree / "a.csv").read_bytes()
