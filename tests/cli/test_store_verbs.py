"""solder s3 and solder catalog, as a user calls them."""

import json
import pathlib


def test_copy_list_remove(solder, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(b"one\x00two\n")
    assert solder.ok("s3", "mb", "s3://bucket") == "make_bucket: bucket\n"
    solder.ok("s3", "cp", str(source), "s3://bucket/dir/")
    solder.ok("s3", "cp", "-", "s3://bucket/dir/sub/b.txt", stdin="hello")
    solder.ok("s3", "cp", "s3://bucket/dir/a.txt", "s3://bucket/copy")
    listed = [line.split() for line in solder.ok("s3", "ls", "s3://bucket/dir/").splitlines()]
    assert [line[-1] for line in listed] == ["a.txt", "sub/"]
    assert listed[0][2] == "8" and listed[1][0] == "PRE"
    assert [line.split()[-1] for line in solder.ok("s3", "ls", "s3://bucket", "--recursive").splitlines()] == ["copy", "dir/a.txt", "dir/sub/b.txt"]
    back = tmp_path / "back"
    solder.ok("s3", "cp", "s3://bucket/copy", str(back))
    assert back.read_bytes() == source.read_bytes()
    assert solder.ok("s3", "cp", "s3://bucket/dir/sub/b.txt", "-") == "hello"
    solder.ok("s3", "rm", "s3://bucket/dir", "--recursive")
    assert solder.ok("s3", "ls", "s3://bucket").split()[-1] == "copy"
    solder.ok("s3", "rm", "s3://bucket/copy")
    solder.ok("s3", "rb", "s3://bucket")
    assert solder.ok("s3", "ls") == ""


def test_store_errors_name_the_object(solder, tmp_path: pathlib.Path) -> None:
    missing_bucket = solder("s3", "ls", "s3://nowhere")
    assert missing_bucket.returncode == 1 and "NoSuchBucket: bucket nowhere does not exist" in missing_bucket.stderr
    solder.ok("s3", "mb", "s3://bucket")
    missing_key = solder("s3", "cp", "s3://bucket/a/b", str(tmp_path / "x"))
    assert missing_key.returncode == 1 and missing_key.stderr == "solder: NoSuchKey: s3://bucket/a/b does not exist\n"
    assert not (tmp_path / "x").exists()
    missing_file = solder("s3", "cp", str(tmp_path / "nothing"), "s3://bucket/x")
    assert missing_file.returncode == 1 and "nothing: No such file or directory" in missing_file.stderr
    wrong = solder("s3", "mv", "a", "b")
    assert wrong.returncode == 2 and "say one of mb, rb, cp, ls, rm" in wrong.stderr


def test_catalog_round_trip(solder, tmp_path: pathlib.Path) -> None:
    database = tmp_path / "db.json"
    database.write_text(json.dumps({"DatabaseInput": {"Name": "Sales", "Description": "d"}}))
    table = tmp_path / "t.json"
    columns = [{"Name": "a", "Type": "int"}]
    table.write_text(
        json.dumps({"DatabaseName": "sales", "TableInput": {"Name": "orders", "StorageDescriptor": {"Columns": columns, "Location": "s3://b/o"}}})
    )
    assert solder.ok("catalog", "import", str(database), str(table)) == "imported 1 databases, 1 tables, 0 partitions\n"
    listed = solder.ok("catalog", "list")
    assert "orders" in listed and "s3://b/o" in listed and "1 databases, 1 tables" in listed
    exported = solder.ok("catalog", "export")
    assert json.loads(exported)["Tables"][0]["StorageDescriptor"]["Columns"] == columns
    again = tmp_path / "export.json"
    again.write_text(exported)
    solder.ok("catalog", "import", str(again))
    assert json.loads(solder.ok("catalog", "export")) == json.loads(exported)


def test_catalog_errors_name_the_file(solder, tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"DatabaseInput": ')
    done = solder("catalog", "import", str(broken))
    assert done.returncode == 1 and str(broken) in done.stderr and "not JSON" in done.stderr
    orphan = tmp_path / "orphan.json"
    orphan.write_text('{"DatabaseName": "nope", "TableInput": {"Name": "t"}}')
    done = solder("catalog", "import", str(orphan))
    assert done.returncode == 1 and "Database nope not found." in done.stderr


def test_help_and_misuse(solder) -> None:
    for verb in ("run", "connect", "catalog", "s3", "version"):
        assert solder.ok(verb, "--help").startswith(f"Usage: solder {verb}")
    assert "connect" in solder.ok("--help")
    assert solder().returncode == 2
    unknown = solder("fly")
    assert unknown.returncode == 2 and unknown.stderr == "solder: no verb fly; see solder --help\n"
