"""s3cmd against the server."""

from __future__ import annotations

import hashlib
import pathlib
import random
import re
import urllib.request
from typing import Any, Iterator

import pytest

from tests.clients.conftest import MIB, Program, Server, body, names, sums


@pytest.fixture(name="s3cmd", scope="module")
def _s3cmd(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    home = tmp_path_factory.mktemp("s3cmd")
    (home / "config").write_text(
        f"[default]\naccess_key = {server.variables['AWS_ACCESS_KEY_ID']}\nsecret_key = {server.variables['AWS_SECRET_ACCESS_KEY']}\n"
        f"host_base = 127.0.0.1:{server.port}\nhost_bucket = 127.0.0.1:{server.port}\nuse_https = False\n",
        encoding="utf-8",
    )
    yield Program(home, "s3cmd", "--config", str(home / "config"), "--no-progress")


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    yield server.client("s3")


def uris(printed: str) -> list[str]:
    """The URIs of `s3cmd ls`."""
    return re.findall(r"s3://.*$", printed, re.MULTILINE)


def test_buckets(s3cmd: Program, s3: Any) -> None:
    s3cmd("mb", "s3://made")
    s3cmd("mb", "s3://made-far", "--bucket-location=eu-west-1")
    assert uris(s3cmd("ls")) == ["s3://made", "s3://made-far"]
    assert s3.get_bucket_location(Bucket="made-far")["LocationConstraint"] == "eu-west-1"
    assert "Location:  eu-west-1" in s3cmd("info", "s3://made-far")
    s3.put_object(Bucket="made-far", Key="k", Body=b"x")
    refused = s3cmd.try_("rb", "s3://made-far")
    assert refused.returncode != 0 and b"BucketNotEmpty" in refused.stderr
    s3cmd("rb", "--recursive", "--force", "s3://made-far")
    s3cmd("rb", "s3://made")
    assert uris(s3cmd("ls")) == []
    gone = s3cmd.try_("ls", "s3://made")
    assert gone.returncode != 0 and b"NoSuchBucket" in gone.stderr


def test_single_objects(s3cmd: Program, s3: Any, tmp_path: pathlib.Path) -> None:
    s3cmd("mb", "s3://single")
    (tmp_path / "file").write_bytes(b"eleven byte")
    name = "s3://single/odd/a b+c%20&ü漢=1.txt"
    key = name.removeprefix("s3://single/")
    s3cmd("put", tmp_path / "file", name, "--mime-type=text/x-odd", "--add-header=x-amz-meta-colour:red", "--add-header=Cache-Control:no-store")
    head = s3.head_object(Bucket="single", Key=key)
    assert (head["ContentType"], head["CacheControl"], head["Metadata"]["colour"]) == ("text/x-odd", "no-store", "red")
    shown = s3cmd("info", name)
    assert re.search(r"File size: +11\n", shown) and re.search(r"MIME type: +text/x-odd\n", shown) and re.search(r"x-amz-meta-colour: +red\n", shown)
    assert hashlib.md5(b"eleven byte").hexdigest() in shown
    s3cmd("get", name, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"eleven byte"
    (tmp_path / "got").write_bytes(b"eleven")
    s3cmd("get", "--continue", name, tmp_path / "got")  # a range
    assert (tmp_path / "got").read_bytes() == b"eleven byte"
    s3cmd("modify", name, "--add-header=x-amz-meta-shape:round")
    s3cmd("cp", name, "s3://single/copied")
    s3cmd("mv", "s3://single/copied", "s3://single/moved")
    assert s3.head_object(Bucket="single", Key="moved")["Metadata"]["shape"] == "round"
    assert sorted(names(s3, "single")) == sorted(["moved", key])
    url = s3cmd("signurl", "s3://single/moved", "+300").strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"eleven byte"
    s3cmd("del", name)
    assert names(s3, "single") == ["moved"]
    assert s3cmd.try_("get", name, tmp_path / "none").returncode != 0
    s3cmd("put", "-", "s3://single/from stdin", stdin=b"piped")
    assert body(s3, "single", "from stdin") == b"piped"


def test_trees(s3cmd: Program, s3: Any, tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    s3cmd("mb", "s3://trees")
    s3cmd("sync", f"{tree}/", "s3://trees/up/", "--multipart-chunk-size-mb=5")
    assert sorted(names(s3, "trees")) == sorted(f"up/{name}" for name in sums(tree))
    assert s3.head_object(Bucket="trees", Key="up/big.bin")["ETag"].endswith('-4"')
    assert "upload:" not in s3cmd("sync", f"{tree}/", "s3://trees/up/", "--multipart-chunk-size-mb=5")
    assert uris(s3cmd("ls", "s3://trees/up/")) == [f"s3://trees/up/{name}" for name in ("sub/", "a.csv", "big.bin", "empty", "sub.txt")]
    assert uris(s3cmd("ls", "--recursive", "s3://trees/up/")) == [f"s3://trees/{name}" for name in names(s3, "trees")]
    total = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    assert s3cmd("du", "s3://trees").split()[:2] == [str(total), str(len(sums(tree)))]
    (tmp_path / "down").mkdir()
    s3cmd("sync", "s3://trees/up/", f"{tmp_path / 'down'}/")
    assert sums(tmp_path / "down") == sums(tree)
    s3cmd("cp", "--recursive", "s3://trees/up/", "s3://trees/copied/")
    assert [name.removeprefix("copied/") for name in names(s3, "trees", "copied/")] == [name.removeprefix("up/") for name in names(s3, "trees", "up/")]
    assert body(s3, "trees", "copied/big.bin") == (tree / "big.bin").read_bytes()
    (tmp_path / "down/empty").unlink()
    (tmp_path / "down/a.csv").write_bytes(b"another")
    s3cmd("sync", "--delete-removed", f"{tmp_path / 'down'}/", "s3://trees/up/")
    assert "up/empty" not in names(s3, "trees") and body(s3, "trees", "up/a.csv") == b"another"
    s3cmd("del", "--recursive", "--force", "s3://trees/up/")
    assert names(s3, "trees", "up/") == []


def test_many_objects(s3cmd: Program, s3: Any) -> None:
    s3cmd("mb", "s3://many")
    keys = [f"k/{number:04}" for number in range(1100)]  # more than a page
    for key in keys:
        s3.put_object(Bucket="many", Key=key, Body=b"")
    assert uris(s3cmd("ls", "s3://many/k/")) == [f"s3://many/{key}" for key in keys]
    s3cmd("del", "--recursive", "--force", "s3://many")
    assert names(s3, "many") == []


def test_uploads(s3cmd: Program, s3: Any, tmp_path: pathlib.Path) -> None:
    s3cmd("mb", "s3://uploads")
    content = random.Random(3).randbytes(11 * MIB)
    (tmp_path / "file").write_bytes(content)
    upload = s3.create_multipart_upload(Bucket="uploads", Key="part")["UploadId"]
    s3.upload_part(Bucket="uploads", Key="part", UploadId=upload, PartNumber=1, Body=content[: 5 * MIB])
    assert upload in s3cmd("multipart", "s3://uploads")
    assert hashlib.md5(content[: 5 * MIB]).hexdigest() in s3cmd("listmp", "s3://uploads/part", upload)
    # It goes on where another client stopped: the parts that are there are not sent again.
    s3cmd("put", tmp_path / "file", "s3://uploads/part", f"--upload-id={upload}", "--multipart-chunk-size-mb=5")
    assert body(s3, "uploads", "part") == content
    upload = s3.create_multipart_upload(Bucket="uploads", Key="other")["UploadId"]
    s3cmd("abortmp", "s3://uploads/other", upload)
    assert s3.list_multipart_uploads(Bucket="uploads").get("Uploads", []) == []


def test_lists_of_access(s3cmd: Program, s3: Any, tmp_path: pathlib.Path) -> None:
    s3cmd("mb", "s3://lists")
    s3.delete_public_access_block(Bucket="lists")
    s3.put_bucket_ownership_controls(Bucket="lists", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    (tmp_path / "file").write_bytes(b"for all")
    s3cmd("put", tmp_path / "file", "s3://lists/open", "--acl-public")
    s3cmd("put", tmp_path / "file", "s3://lists/closed")

    def public() -> dict[str, list[str]]:
        grants = {key: s3.get_object_acl(Bucket="lists", Key=key)["Grants"] for key in ("open", "closed")}
        return {key: [grant["Permission"] for grant in found if grant["Grantee"]["Type"] == "Group"] for key, found in grants.items()}

    assert public() == {"open": ["READ"], "closed": []}
    assert "ACL:       *anon*: READ" in s3cmd("info", "s3://lists/open")
    # It sends the list back as XML, with what changed.
    s3cmd("setacl", "s3://lists/open", "--acl-private")
    s3cmd("setacl", "s3://lists/closed", "--acl-public")
    assert public() == {"open": [], "closed": ["READ"]}
    s3cmd("setacl", "s3://lists/", "--acl-public")
    assert [grant["Permission"] for grant in s3.get_bucket_acl(Bucket="lists")["Grants"]] == ["FULL_CONTROL", "READ"]


def test_settings_of_buckets(s3cmd: Program, s3: Any, tmp_path: pathlib.Path) -> None:
    s3cmd("mb", "s3://settings")
    (tmp_path / "policy").write_text(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::settings/*"}]}', encoding="utf-8"
    )
    s3.delete_public_access_block(Bucket="settings")
    s3cmd("setpolicy", tmp_path / "policy", "s3://settings")
    assert "arn:aws:s3:::settings/*" in s3cmd("info", "s3://settings")
    s3cmd("delpolicy", "s3://settings")
    s3cmd("expire", "s3://settings", "--expiry-days=3", "--expiry-prefix=old/")
    rule = s3.get_bucket_lifecycle_configuration(Bucket="settings")["Rules"][0]
    assert rule["Expiration"]["Days"] == 3
    assert "old/" in s3cmd("getlifecycle", "s3://settings")
    s3cmd("dellifecycle", "s3://settings")
    (tmp_path / "cors").write_text(
        "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>", encoding="utf-8"
    )
    s3cmd("setcors", tmp_path / "cors", "s3://settings")
    assert s3.get_bucket_cors(Bucket="settings")["CORSRules"][0]["AllowedMethods"] == ["GET"]
    s3cmd("delcors", "s3://settings")
