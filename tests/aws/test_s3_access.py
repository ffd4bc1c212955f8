"""S3: who may do what: bucket policies, callers without a key, the public access block, ACLs and ownership."""

from __future__ import annotations

import datetime
import http.client
import itertools
import json
import pathlib
import socket
import urllib.parse
from typing import Any, Iterator

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.aws.conftest import Server
from tests.aws.test_front_door import TlsServer, make_certificate
from tests.aws.test_s3_browsers import post
from tests.aws.test_s3_objects import code, refusal

NUMBERS = itertools.count()
DENIED = (403, "AccessDenied")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    yield server.client("s3")


@pytest.fixture(name="anyone", scope="module")
def _anyone(server: Server) -> Iterator[Any]:
    """A client without a key."""
    yield server.client("s3", config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))


@pytest.fixture(name="bucket")
def _bucket(s3: Any) -> Iterator[str]:
    """A bucket of a test's own, with an object and with nothing in the way of openness."""
    name = f"access-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name)
    s3.delete_public_access_block(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"hello", Tagging="class=open")
    yield name


def allow(bucket: str, action: str | list[str], what: str = "/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}{what}", **more}


def put_policy(s3: Any, bucket: str, *statements: dict[str, Any]) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


def fetch(server: Server, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """One request as it stands, without a signature."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def read(client: Any, bucket: str, key: str = "k", **more: str) -> bytes:
    body: bytes = client.get_object(Bucket=bucket, Key=key, **more)["Body"].read()
    return body


# ---- callers without a key


def test_nobody_gets_anything_without_a_rule(server: Server, s3: Any, anyone: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    named = {"Bucket": bucket, "Key": "k"}
    calls = [
        lambda: anyone.get_object(**named),
        lambda: anyone.put_object(**named, Body=b"x"),
        lambda: anyone.delete_object(**named),
        lambda: anyone.copy_object(**named, CopySource=f"{bucket}/k"),
        lambda: anyone.list_objects_v2(Bucket=bucket),
        lambda: anyone.get_bucket_policy(Bucket=bucket),
        lambda: anyone.put_bucket_policy(Bucket=bucket, Policy="{}"),
        lambda: anyone.get_bucket_acl(Bucket=bucket),
        lambda: anyone.delete_bucket(Bucket=bucket),
        lambda: anyone.create_bucket(Bucket="anyones"),
        lambda: anyone.list_buckets(),
        lambda: anyone.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"x"),
        lambda: anyone.abort_multipart_upload(**named, UploadId=upload),
    ]

    assert code(lambda: anyone.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})) == DENIED

    def denials() -> list[tuple[int, str]]:
        return [code(call) for call in calls]

    missing = (404, "NoSuchBucket")  # of a bucket that is not there AWS says just that
    assert denials() == [DENIED] * len(calls)
    # With a policy the callers are heard, and each operation is asked about.
    put_policy(s3, bucket, allow(bucket, "s3:GetObjectTagging"))
    assert denials() == [DENIED] * len(calls)
    errors = anyone.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "other"}]})["Errors"]
    assert [(error["Key"], error["Code"]) for error in errors] == [("k", "AccessDenied"), ("other", "AccessDenied")]
    assert anyone.get_object_tagging(**named)["TagSet"] == [{"Key": "class", "Value": "open"}]
    assert code(lambda: anyone.head_object(**named))[0] == 403
    assert code(lambda: anyone.get_object(Bucket="nowhere-at-all", Key="k")) == missing
    assert read(s3, bucket) == b"hello" and [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    # Other services have no such callers, and half a signature is none.
    assert code(lambda: server.client("sts", config=Config(signature_version=UNSIGNED)).get_caller_identity())[0] == 403
    put_policy(s3, bucket, allow(bucket, "s3:GetObject"))
    assert fetch(server, f"/{bucket}/k") == (200, b"hello")
    for half in ("X-Amz-Signature=0", "X-Amz-Credential=a", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "AWSAccessKeyId=a", "Signature=a"):
        assert fetch(server, f"/{bucket}/k?{half}")[0] in (400, 403), half
    assert fetch(server, f"/{bucket}/k", Authorization="")[0] == 403


def test_public_reading(server: Server, s3: Any, anyone: Any, bucket: str, tmp_path: pathlib.Path) -> None:
    put_policy(s3, bucket, allow(bucket, "s3:GetObject"))
    assert read(anyone, bucket) == b"hello"
    assert fetch(server, f"/{bucket}/k", Range="bytes=1-2") == (206, b"el") and fetch(server, f"/{bucket}/k", "HEAD")[0] == 200
    assert code(lambda: anyone.list_objects_v2(Bucket=bucket)) == DENIED
    assert code(lambda: anyone.put_object(Bucket=bucket, Key="new", Body=b"x")) == DENIED
    # Who may not list does not learn which keys are not there.
    assert code(lambda: anyone.get_object(Bucket=bucket, Key="absent")) == DENIED
    put_policy(s3, bucket, allow(bucket, "s3:GetObject"), allow(bucket, "s3:ListBucket", ""))
    assert code(lambda: anyone.get_object(Bucket=bucket, Key="absent")) == (404, "NoSuchKey")
    assert [item["Key"] for item in anyone.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    there = tmp_path / "there"
    done = server.cli("s3", "cp", f"s3://{bucket}/k", str(there), "--no-sign-request")
    assert done.returncode == 0 and there.read_bytes() == b"hello", done.stderr
    refused = server.cli("s3", "cp", str(there), f"s3://{bucket}/k2", "--no-sign-request")
    assert refused.returncode != 0 and "AccessDenied" in refused.stderr
    s3.delete_bucket_policy(Bucket=bucket)
    assert code(lambda: read(anyone, bucket)) == DENIED


def test_public_writing(server: Server, s3: Any, anyone: Any, bucket: str) -> None:
    put_policy(s3, bucket, allow(bucket, ["s3:PutObject", "s3:DeleteObject"], "/in/*"))
    anyone.put_object(Bucket=bucket, Key="in/a", Body=b"from anyone")
    assert read(s3, bucket, "in/a") == b"from anyone"
    assert fetch(server, f"/{bucket}/in/b", "PUT", b"plain")[0] == 200 and fetch(server, f"/{bucket}/out", "PUT", b"plain")[0] == 403
    assert code(lambda: anyone.put_object(Bucket=bucket, Key="in/a", Body=b"x", Tagging="a=b")) == DENIED
    assert code(lambda: anyone.put_object(Bucket=bucket, Key="in/a", Body=b"x", ACL="bucket-owner-full-control")) == DENIED
    status, error = refusal(lambda: anyone.create_multipart_upload(Bucket=bucket, Key="in/m"))
    assert status == 403 and "Anonymous users cannot initiate multipart uploads" in error["Message"]
    removed = anyone.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/a"}, {"Key": "k"}]})
    assert [item["Key"] for item in removed["Deleted"]] == ["in/a"] and [error["Key"] for error in removed["Errors"]] == ["k"]
    assert sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["in/b", "k"]
    # A form without a policy of its own is such a caller, too.
    assert post(server, bucket, {"key": "in/form"}, b"form")[0] == 204 and read(s3, bucket, "in/form") == b"form"
    assert post(server, bucket, {"key": "out"}, b"form")[0] == 403
    assert post(server, bucket, {"key": "in/form", "x-amz-signature": "0" * 64}, b"form")[0] == 403
    # A body is not read for somebody who is refused by its bucket anyway.
    s3.delete_bucket_policy(Bucket=bucket)
    assert fetch(server, f"/{bucket}/in/b", "PUT", b"x" * 100_000, Expect="100-continue")[0] == 403


def test_the_public_access_block(s3: Any, anyone: Any) -> None:
    s3.create_bucket(Bucket="blocked")
    s3.put_object(Bucket="blocked", Key="k", Body=b"hello")
    status, error = refusal(lambda: put_policy(s3, "blocked", allow("blocked", "s3:GetObject")))
    assert (status, error["Code"]) == DENIED
    assert "s3:PutBucketPolicy" in error["Message"] and "because public policies are blocked by the BlockPublicPolicy block public access setting" in error["Message"]
    # Not public: it names a network.
    home = {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}
    put_policy(s3, "blocked", allow("blocked", "s3:GetObject", **home))
    assert s3.get_bucket_policy_status(Bucket="blocked")["PolicyStatus"]["IsPublic"] is False
    assert read(anyone, "blocked") == b"hello"
    put_policy(s3, "blocked", allow("blocked", "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/33"]}}))
    assert code(lambda: read(anyone, "blocked")) == DENIED
    off = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    s3.put_public_access_block(Bucket="blocked", PublicAccessBlockConfiguration=off)
    put_policy(s3, "blocked", allow("blocked", "s3:GetObject"))
    assert read(anyone, "blocked") == b"hello"
    s3.put_public_access_block(Bucket="blocked", PublicAccessBlockConfiguration={**off, "RestrictPublicBuckets": True})
    assert code(lambda: read(anyone, "blocked")) == DENIED and read(s3, "blocked") == b"hello"
    s3.put_public_access_block(Bucket="blocked", PublicAccessBlockConfiguration={**off, "BlockPublicPolicy": True})
    assert read(anyone, "blocked") == b"hello", "a policy that is there stays"
    # A bucket that takes the name begins anew.
    s3.delete_object(Bucket="blocked", Key="k")
    s3.delete_bucket(Bucket="blocked")
    s3.create_bucket(Bucket="blocked")
    s3.put_object(Bucket="blocked", Key="k", Body=b"hello")
    assert code(lambda: read(anyone, "blocked")) == DENIED


# ---- an explicit Deny


def test_denial(server: Server, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="secret/x", Body=b"x")
    put_policy(s3, bucket, {**allow(bucket, ["s3:GetObject", "s3:DeleteObject"], "/secret/*"), "Effect": "Deny"})
    status, error = refusal(lambda: read(s3, bucket, "secret/x"))
    assert (status, error["Code"]) == DENIED
    account = server.client("sts").get_caller_identity()
    assert error["Message"] == (
        f'User: {account["Arn"]} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/secret/x" '
        "with an explicit deny in a resource-based policy"
    )
    assert code(lambda: s3.head_object(Bucket=bucket, Key="secret/x"))[0] == 403
    assert code(lambda: s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/secret/x")) == DENIED
    s3.create_bucket(Bucket=f"{bucket}-other")
    assert code(lambda: s3.copy_object(Bucket=f"{bucket}-other", Key="copy", CopySource=f"/{bucket}/secret/x")) == DENIED
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = {"Bucket": bucket, "Key": "m", "UploadId": upload, "PartNumber": 1}
    assert code(lambda: s3.upload_part_copy(**part, CopySource=f"{bucket}/secret/x")) == DENIED
    assert s3.upload_part_copy(**part, CopySource=f"{bucket}/k")["CopyPartResult"]["ETag"]
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "secret/x"}, {"Key": "gone"}]})
    assert [item["Key"] for item in removed["Deleted"]] == ["gone"]
    assert "s3:DeleteObject" in removed["Errors"][0]["Message"] and "explicit deny" in removed["Errors"][0]["Message"]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "secret/x"})
    assert fetch(server, url.partition(str(server.port))[2])[0] == 403
    fields = s3.generate_presigned_post(bucket, "secret/form")["fields"]
    assert post(server, bucket, fields, b"x")[0] == 204, "writing is not denied"
    assert read(s3, bucket) == b"hello"


def test_root_keeps_the_policy(server: Server, s3: Any, bucket: str) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="shut-out")
    key = iam.create_access_key(UserName="shut-out")["AccessKey"]
    user = server.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    put_policy(s3, bucket, everything)
    for client in (s3, user):
        assert code(lambda client=client: client.list_objects_v2(Bucket=bucket)) == DENIED
        assert code(lambda client=client: client.delete_bucket(Bucket=bucket)) == DENIED
        assert code(lambda client=client: client.get_bucket_policy_status(Bucket=bucket)) == DENIED
    assert code(lambda: user.get_bucket_policy(Bucket=bucket)) == DENIED and code(lambda: user.delete_bucket_policy(Bucket=bucket)) == DENIED
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [everything]
    put_policy(s3, bucket, everything)
    s3.delete_bucket_policy(Bucket=bucket)
    assert read(user, bucket) == b"hello"


def test_principals(server: Server, s3: Any, bucket: str) -> None:
    iam, sts = server.client("iam"), server.client("sts")
    account = sts.get_caller_identity()["Account"]
    clients = {"root": s3}
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        clients[name] = server.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}
    role = iam.create_role(RoleName="reader", Path="/team/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    sessions = {}
    for name in ("one", "two"):
        assumed = sts.assume_role(RoleArn=role, RoleSessionName=name)
        sessions[name] = assumed["AssumedRoleUser"]["Arn"]
        made = assumed["Credentials"]
        clients[name] = server.client(
            "s3", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"], aws_session_token=made["SessionToken"]
        )

    def denied(**statement: Any) -> set[str]:
        put_policy(s3, bucket, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", **statement})
        found = set()
        for name, client in clients.items():
            try:
                read(client, bucket)
            except client.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "AccessDenied"
                found.add(name)
        return found

    everyone = set(clients)
    assert denied(Principal="*") == denied(Principal={"AWS": "*"}) == everyone
    assert denied(Principal={"AWS": account}) == denied(Principal={"AWS": [f"arn:aws:iam::{account}:root"]}) == everyone
    assert denied(Principal={"CanonicalUser": s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]}) == everyone
    assert denied(Principal={"AWS": f"arn:aws:iam::{account}:user/ann"}) == {"ann"}
    assert denied(Principal={"AWS": [role]}) == {"one", "two"} and denied(Principal={"AWS": sessions["two"]}) == {"two"}
    assert denied(Principal={"Service": "glue.amazonaws.com"}) == set() == denied(Principal={"AWS": "123412341234"})
    assert denied(NotPrincipal={"AWS": [f"arn:aws:iam::{account}:user/ann", f"arn:aws:iam::{account}:root"]}) == {"bob", "one", "two"}
    assert denied(Principal="*", Condition={"StringNotEquals": {"aws:PrincipalArn": [role, f"arn:aws:iam::{account}:root"]}}) == {"ann", "bob"}
    assert denied(Principal="*", Condition={"StringEquals": {"aws:username": "bob"}}) == {"bob"}
    assert denied(Principal="*", Condition={"StringLike": {"aws:userid": "*:one"}}) == {"one"}
    assert denied(Principal="*", Condition={"StringNotEquals": {"aws:PrincipalAccount": account}}) == set()
    assert denied(Principal="*", Condition={"StringEquals": {"aws:PrincipalType": ["Account", "AssumedRole"]}}) == {"root", "one", "two"}
    # A variable in a resource: each user has a place of their own.
    s3.put_object(Bucket=bucket, Key="home/ann/x", Body=b"x")
    own = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "NotResource": f"arn:aws:s3:::{bucket}/home/${{aws:username}}/*"}
    put_policy(s3, bucket, {**own, "Condition": {"Null": {"aws:username": "false"}}})
    assert read(clients["ann"], bucket, "home/ann/x") == b"x" == read(s3, bucket, "home/ann/x")
    assert code(lambda: read(clients["bob"], bucket, "home/ann/x")) == DENIED and code(lambda: read(clients["ann"], bucket)) == DENIED


# ---- conditions


def test_conditions_on_requests(s3: Any, bucket: str) -> None:
    def refused(action: str, condition: dict[str, Any], what: str = "/*") -> Any:
        put_policy(s3, bucket, {**allow(bucket, action, what), "Effect": "Deny", "Condition": condition})

        def check(**arguments: Any) -> bool:
            try:
                getattr(s3, check.call)(Bucket=bucket, **arguments)  # type: ignore[attr-defined]
            except s3.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error
                return True
            return False

        check.call = {"s3:PutObject": "put_object", "s3:ListBucket": "list_objects_v2", "s3:GetObject": "get_object"}[action]  # type: ignore[attr-defined]
        return check

    put = {"Key": "new", "Body": b"x"}
    check = refused("s3:PutObject", {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}})
    assert check(**put) and check(**put, ServerSideEncryption="AES256") and not check(**put, ServerSideEncryption="aws:kms")
    check = refused("s3:PutObject", {"Null": {"s3:x-amz-server-side-encryption": True}})
    assert check(**put) and not check(**put, ServerSideEncryption="AES256")
    check = refused("s3:PutObject", {"StringEqualsIfExists": {"s3:x-amz-storage-class": ["GLACIER", "DEEP_ARCHIVE"]}, "Bool": {"aws:SecureTransport": "true"}})
    assert check(**put) and check(**put, StorageClass="GLACIER") and not check(**put, StorageClass="STANDARD_IA")
    check = refused("s3:PutObject", {"StringNotEquals": {"s3:RequestObjectTag/team": ["red", "blue"]}})
    assert check(**put) and check(**put, Tagging="team=green") and not check(**put, Tagging="a=b&team=blue")
    check = refused("s3:PutObject", {"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": ["team", "cost"]}})
    assert not check(**put) and not check(**put, Tagging="team=x&cost=y") and check(**put, Tagging="team=x&other=y")
    check = refused("s3:ListBucket", {"NumericGreaterThan": {"s3:max-keys": 10}}, "")
    assert not check() and not check(MaxKeys=10) and check(MaxKeys=11)
    check = refused("s3:ListBucket", {"StringNotLike": {"s3:prefix": ["", "home/*"]}}, "")
    assert not check(Prefix="home/a") and not check(Prefix="") and check(Prefix="other") and check()
    check = refused("s3:ListBucket", {"StringEquals": {"s3:delimiter": "/"}}, "")
    assert check(Delimiter="/") and not check()
    check = refused("s3:GetObject", {"StringEquals": {"s3:ExistingObjectTag/class": "open"}})
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert check(Key="k") and not check(Key="plain")
    for when, is_refused in ((datetime.timedelta(hours=1), True), (datetime.timedelta(hours=-1), False)):
        limit = (datetime.datetime.now(datetime.timezone.utc) + when).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert refused("s3:GetObject", {"DateLessThan": {"aws:CurrentTime": limit}})(Key="k") is is_refused
    for network, is_refused in (("127.0.0.1", True), ("127.0.0.0/30", True), ("127.0.0.4/30", False), ("10.0.0.0/8", False), ("::1", False)):
        assert refused("s3:GetObject", {"IpAddress": {"aws:SourceIp": network}})(Key="k") is is_refused, network
        assert refused("s3:GetObject", {"NotIpAddress": {"aws:SourceIp": [network]}})(Key="k") is not is_refused, network
    assert not refused("s3:GetObject", {"StringEquals": {"aws:NoSuchKey": "x"}})(Key="k")
    assert refused("s3:GetObject", {"StringLike": {"aws:UserAgent": "Boto3/*"}})(Key="k")


def test_the_way_of_a_request(server: Server, s3: Any, anyone: Any, bucket: str) -> None:
    """Presigned or not, over TLS or on this machine, from which page."""
    url = urllib.parse.urlsplit(
        server.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    )
    put_policy(s3, bucket, {**allow(bucket, "s3:*"), "Effect": "Deny", "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}})
    assert read(s3, bucket) == b"hello" and fetch(server, f"{url.path}?{url.query}")[0] == 403
    put_policy(s3, bucket, {**allow(bucket, "s3:*"), "Effect": "Deny", "Condition": {"NumericGreaterThan": {"s3:signatureAge": 600000}}})
    assert fetch(server, f"{url.path}?{url.query}") == (200, b"hello")
    put_policy(s3, bucket, {**allow(bucket, "s3:*"), "Effect": "Deny", "Condition": {"StringNotEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}})
    assert read(s3, bucket) == b"hello"
    insecure = {**allow(bucket, "s3:*"), "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    put_policy(s3, bucket, insecure)
    assert read(s3, bucket) == b"hello", "nothing leaves this machine"
    put_policy(s3, bucket, allow(bucket, "s3:GetObject", Condition={"StringLike": {"aws:Referer": "https://www.example.com/*"}}))
    assert code(lambda: read(anyone, bucket)) == DENIED
    assert fetch(server, f"/{bucket}/k", Referer="https://www.example.com/page") == (200, b"hello")
    assert fetch(server, f"/{bucket}/k", Referer="https://evil.example/")[0] == 403
    # What a client says of itself does not make it come from elsewhere.
    put_policy(s3, bucket, allow(bucket, "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    assert fetch(server, f"/{bucket}/k", X_Forwarded_For="203.0.113.9", Forwarded="for=203.0.113.9")[0] == 403


def own_address() -> str:
    """An address of this machine that is not a loopback one; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback ones")
        return str(probe.getsockname()[0])


def test_transport(tmp_path: pathlib.Path) -> None:
    """Plain HTTP from elsewhere is not secure, TLS is, and its version is known."""
    address = own_address()
    certificate, key = make_certificate(tmp_path, "server")
    insecure = {**allow("way", "s3:*", "*"), "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    plain = Server(tmp_path / "plain", "--host", "0.0.0.0")
    try:
        near, far = plain.client("s3"), plain.client("s3", endpoint_url=f"http://{address}:{plain.port}")
        near.create_bucket(Bucket="way")
        near.put_object(Bucket="way", Key="k", Body=b"x")
        put_policy(near, "way", insecure)
        assert read(near, "way") == b"x" and code(lambda: read(far, "way")) == DENIED
        put_policy(near, "way", {**insecure, "Condition": {"IpAddress": {"aws:SourceIp": address}}})
        assert read(near, "way") == b"x" and code(lambda: read(far, "way")) == DENIED
    finally:
        plain.stop()
    safe = TlsServer(tmp_path / "safe", "--tls-cert", certificate, "--tls-key", key)
    try:
        s3 = safe.client("s3", verify=certificate)
        anyone = safe.client("s3", verify=certificate, config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
        s3.create_bucket(Bucket="way")
        s3.delete_public_access_block(Bucket="way")
        put_policy(s3, "way", insecure, allow("way", "s3:PutObject"))
        anyone.put_object(Bucket="way", Key="k", Body=b"in chunks with a trailer")
        assert read(s3, "way") == b"in chunks with a trailer"
        for version, is_refused in (("1.2", False), ("1.4", True)):
            put_policy(s3, "way", {**insecure, "Condition": {"NumericLessThan": {"s3:TlsVersion": version}}})
            assert (code(lambda: read(s3, "way")) == DENIED) if is_refused else read(s3, "way")
    finally:
        safe.stop()


def test_versions_and_actions(s3: Any, anyone: Any, bucket: str) -> None:
    """With a version's id it is another action."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="v", Body=b"old")["VersionId"]
    s3.put_object(Bucket=bucket, Key="v", Body=b"new")
    put_policy(s3, bucket, allow(bucket, "s3:GetObject"))
    assert read(anyone, bucket, "v") == b"new" and code(lambda: read(anyone, bucket, "v", VersionId=old)) == DENIED
    put_policy(s3, bucket, allow(bucket, "s3:GetObjectVersion", Condition={"StringEquals": {"s3:VersionId": old}}))
    assert read(anyone, bucket, "v", VersionId=old) == b"old" and code(lambda: read(anyone, bucket, "v")) == DENIED
    put_policy(s3, bucket, {**allow(bucket, "s3:DeleteObjectVersion"), "Effect": "Deny"})
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "v", "VersionId": old}, {"Key": "v"}]})
    assert [error["VersionId"] for error in removed["Errors"]] == [old] and removed["Deleted"][0]["DeleteMarker"] is True
    # Deleted, for who may not list: as if the bucket were closed.
    put_policy(s3, bucket, allow(bucket, "s3:GetObject"))
    assert code(lambda: read(anyone, bucket, "v")) == DENIED and code(lambda: read(s3, bucket, "v")) == (404, "NoSuchKey")
    put_policy(s3, bucket, {**allow(bucket, "s3:ListBucket", ""), "Effect": "Deny"})
    assert code(lambda: read(s3, bucket, "absent")) == DENIED


def test_documents_that_are_refused(s3: Any, bucket: str) -> None:
    good = allow(bucket, "s3:GetObject")
    put_policy(s3, bucket, good)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"Principal": {"AWS": "arn:aws:iam::123412341234:user/*"}}, "Invalid principal in policy"),
        ({"Principal": "somebody"}, "Invalid principal in policy"),
        ({"Principal": {"Who": "*"}}, "Invalid principal in policy"),
        ({"Action": "ec2:Run"}, "Policy has invalid action"),
        ({"Action": []}, "Missing required field Action"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": f"arn:aws:s3:::{bucket}x/*"}, "Policy has invalid resource"),
        ({"Condition": {"StringIs": {"aws:username": "x"}}}, "Invalid Condition type : StringIs"),
        ({"Condition": {"NullIfExists": {"aws:username": "true"}}}, "Invalid Condition type : NullIfExists"),
        ({"Condition": {"StringEquals": {"username": "x"}}}, "Policy has an invalid condition key"),
        ({"Condition": []}, "Conditions must be a JSON object"),
        ({"Effect": "allow"}, "Invalid effect: allow"),
        ({"Action": ["s3:GetObject", "s3:ListBucket"]}, "Action does not apply to any resource(s) in statement"),
        ({"Resource": f"arn:aws:s3:::{bucket}"}, "Action does not apply to any resource(s) in statement"),
        ({"Extra": 1}, "Unknown field Extra"),
    ]
    for change, message in wrong:
        status, error = refusal(lambda change=change: put_policy(s3, bucket, {**good, **change}))
        assert (status, error["Code"], error["Message"]) == (400, "MalformedPolicy", message), change
    for document, message in (
        ({"Version": "2020-01-01", "Statement": good}, "The policy must contain a valid version string"),
        ({"Statement": [good], "Comment": ""}, "Unknown field Comment"),
        ({"Statement": {**good, "Sid": "x" * 21_000}}, "Policy exceeds the maximum allowed document size."),
    ):
        text = json.dumps(document)
        assert refusal(lambda text=text: s3.put_bucket_policy(Bucket=bucket, Policy=text))[1]["Message"] == message
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [good]


# ---- ACLs


def test_a_bucket_without_acls(s3: Any, bucket: str) -> None:
    not_allowed = (400, "AccessControlListNotSupported")
    named = {"Bucket": bucket, "Key": "k"}
    for acl in ("private", "public-read"):
        assert code(lambda acl=acl: s3.put_bucket_acl(Bucket=bucket, ACL=acl)) == not_allowed
        assert code(lambda acl=acl: s3.put_object_acl(**named, ACL=acl)) == not_allowed
    assert refusal(lambda: s3.put_object(**named, Body=b"x", ACL="public-read"))[1]["Message"] == "The bucket does not allow ACLs"
    assert code(lambda: s3.put_object(**named, Body=b"x", GrantRead=f'uri="{ALL_USERS}"')) == not_allowed
    assert code(lambda: s3.create_multipart_upload(**named, ACL="authenticated-read")) == not_allowed
    assert code(lambda: s3.copy_object(**named, CopySource=f"{bucket}/k", MetadataDirective="REPLACE", ACL="public-read")) == not_allowed
    s3.put_object(**named, Body=b"hello", ACL="bucket-owner-full-control")
    s3.put_object_acl(**named, ACL="bucket-owner-full-control")
    s3.put_bucket_acl(Bucket=bucket, ACL="bucket-owner-full-control")
    acl = s3.get_bucket_acl(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Grants": acl["Grants"], "Owner": acl["Owner"]})  # says the same
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert s3.get_object_acl(**named)["Grants"] == acl["Grants"]
    assert code(lambda: s3.put_bucket_acl(Bucket="nowhere-at-all", ACL="private")) == (404, "NoSuchBucket")


def test_acls(server: Server, s3: Any, anyone: Any, bucket: str) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    assert code(lambda: read(anyone, bucket)) == DENIED
    s3.put_object(Bucket=bucket, Key="open", Body=b"open", ACL="public-read", Metadata={"a": "b"})
    assert read(anyone, bucket, "open") == b"open" and code(lambda: anyone.get_object_acl(Bucket=bucket, Key="open")) == DENIED
    assert code(lambda: anyone.list_objects_v2(Bucket=bucket)) == DENIED
    grants = s3.get_object_acl(Bucket=bucket, Key="open")["Grants"]
    assert [(grant["Grantee"]["Type"], grant["Permission"]) for grant in grants] == [("CanonicalUser", "FULL_CONTROL"), ("Group", "READ")]
    assert grants[1]["Grantee"]["URI"] == ALL_USERS
    head = s3.head_object(Bucket=bucket, Key="open")
    assert head["Metadata"] == {"a": "b"} and "acl" not in {name.lower() for name in head["ResponseMetadata"]["HTTPHeaders"]}
    # It goes with the object, not with its bytes.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/open")
    assert code(lambda: read(anyone, bucket, "copy")) == DENIED
    s3.put_object_acl(Bucket=bucket, Key="copy", GrantRead=f'uri="{ALL_USERS}"', GrantReadACP=f'uri="{ALL_USERS}", id="{"a" * 64}"')
    assert read(anyone, bucket, "copy") == b"open" and len(anyone.get_object_acl(Bucket=bucket, Key="copy")["Grants"]) == 3
    s3.put_object_acl(Bucket=bucket, Key="copy", ACL="private")
    assert code(lambda: read(anyone, bucket, "copy")) == DENIED and s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "b"}
    s3.put_object(Bucket=bucket, Key="open", Body=b"closed")
    assert code(lambda: read(anyone, bucket, "open")) == DENIED
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", ACL="public-read")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"m")["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": [{"ETag": etag, "PartNumber": 1}]})
    assert read(anyone, bucket, "m") == b"m"
    fields = s3.generate_presigned_post(bucket, "form", Fields={"acl": "public-read"}, Conditions=[{"acl": "public-read"}])["fields"]
    assert post(server, bucket, fields, b"form")[0] == 204 and read(anyone, bucket, "form") == b"form"
    # A Deny goes before; without ACLs they are out of force.
    put_policy(s3, bucket, {**allow(bucket, "s3:GetObject", "/m"), "Effect": "Deny"})
    assert code(lambda: read(anyone, bucket, "m")) == DENIED and read(anyone, bucket, "form") == b"form"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert code(lambda: read(anyone, bucket, "form")) == DENIED
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=bucket, Key="form")["Grants"]] == ["FULL_CONTROL"]


def test_acls_of_buckets(s3: Any, anyone: Any, bucket: str) -> None:
    s3.delete_bucket_ownership_controls(Bucket=bucket)  # as buckets were before there was such a thing
    for acl, count in (("log-delivery-write", 3), ("authenticated-read", 2), ("private", 1)):
        s3.put_bucket_acl(Bucket=bucket, ACL=acl)
        assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == count
        assert code(lambda: anyone.list_objects_v2(Bucket=bucket)) == DENIED
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert [item["Key"] for item in anyone.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    assert code(lambda: read(anyone, bucket)) == DENIED and code(lambda: anyone.put_object(Bucket=bucket, Key="n", Body=b"")) == DENIED
    assert code(lambda: read(anyone, bucket, "absent")) == (404, "NoSuchKey")
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    anyone.put_object(Bucket=bucket, Key="n", Body=b"n")
    anyone.delete_object(Bucket=bucket, Key="n")
    assert code(lambda: anyone.put_bucket_acl(Bucket=bucket, ACL="private")) == DENIED
    assert code(lambda: anyone.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": []})) == DENIED
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert code(lambda: s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=enforced)) == (400, "InvalidBucketAclWithObjectOwnership")
    for block in ("IgnorePublicAcls", "BlockPublicAcls"):
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={block: True})
        heard = block == "BlockPublicAcls"
        if heard:
            status, error = refusal(lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"))
            assert (status, error["Code"]) == DENIED and "public access control lists (ACLs) are blocked by the BlockPublicAcls" in error["Message"]
            assert code(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")) == DENIED
            assert anyone.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
        else:
            assert code(lambda: anyone.list_objects_v2(Bucket=bucket)) == DENIED


def test_acls_that_are_none(s3: Any, bucket: str) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    grant = {"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "FULL_CONTROL"}
    wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"ACL": "private", "GrantRead": f'id="{owner["ID"]}"'}, (400, "InvalidRequest")),
        ({"GrantRead": 'id="me"'}, (400, "InvalidArgument")),
        ({"GrantRead": 'uri="http://elsewhere/"'}, (400, "InvalidArgument")),
        ({"GrantRead": "everybody"}, (400, "InvalidArgument")),
        ({"GrantRead": 'emailAddress="a@b.c"'}, (400, "UnresolvableGrantByEmailAddress")),
        ({"AccessControlPolicy": {"Grants": [grant], "Owner": {"ID": "b" * 64}}}, DENIED),
        ({"AccessControlPolicy": {"Grants": [grant]}}, (400, "MalformedACLError")),
        ({"AccessControlPolicy": {"Grants": [grant], "Owner": owner}, "ACL": "private"}, (400, "UnexpectedContent")),
        ({}, (400, "MissingSecurityHeader")),
    ]
    for arguments, expected in wrong:
        assert code(lambda arguments=arguments: s3.put_bucket_acl(Bucket=bucket, **arguments)) == expected, arguments
    two = [grant, {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "WRITE_ACP"}]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Grants": two, "Owner": owner})
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == two


def test_buckets_that_are_made_with_acls(s3: Any) -> None:
    def made(**arguments: Any) -> tuple[int, str]:
        return code(lambda: s3.create_bucket(Bucket="with-acl", **arguments))

    assert made(ACL="public-read") == (400, "InvalidBucketAclWithObjectOwnership")
    assert made(ACL="public-read", ObjectOwnership="ObjectWriter") == (400, "InvalidBucketAclWithBlockPublicAccessError")
    assert code(lambda: s3.head_bucket(Bucket="with-acl"))[0] == 404
    s3.create_bucket(Bucket="with-acl", ObjectOwnership="BucketOwnerPreferred", GrantFullControl=f'id="{"c" * 64}"')
    assert s3.get_bucket_ownership_controls(Bucket="with-acl")["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    assert s3.get_bucket_acl(Bucket="with-acl")["Grants"][0]["Grantee"]["ID"] == "c" * 64
    s3.create_bucket(Bucket="plainly-private", ACL="private")
    assert s3.get_bucket_ownership_controls(Bucket="plainly-private")["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_any_credentials(tmp_path: pathlib.Path) -> None:
    """With --no-auth policies are kept, and nothing is asked."""
    server = Server(tmp_path / "home", "--no-auth")
    try:
        s3 = server.client("s3", config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
        s3.create_bucket(Bucket="open")
        put_policy(s3, "open", {**allow("open", "s3:*"), "Effect": "Deny"})
        put_policy(s3, "open", allow("open", "s3:GetObject"))
        s3.put_object(Bucket="open", Key="k", Body=b"x")
        assert read(s3, "open") == b"x"
    finally:
        server.stop()
