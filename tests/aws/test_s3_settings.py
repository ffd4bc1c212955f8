"""S3: what buckets are told: policy, CORS, tags, encryption, locks, lifecycle; and what one answers that was told nothing."""

from __future__ import annotations

import datetime
import json
import pathlib
import time
from typing import Any, Callable, Iterator

import pytest

from tests.aws.conftest import Server
from tests.aws.test_s3_objects import code, refusal
from tests.aws.test_s3_versions import listed, put, versioned


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    yield server.client("s3")


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what tells of its way."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def until(holds: Callable[[], bool]) -> None:
    """Wait for what a thread of the server does."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


ABSENT = {
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}
EMPTY = {
    "get_bucket_versioning": {},
    "get_bucket_logging": {},
    "get_bucket_notification_configuration": {},
    "get_bucket_accelerate_configuration": {},
    "get_bucket_request_payment": {"Payer": "BucketOwner"},
    "list_bucket_analytics_configurations": {"IsTruncated": False},
    "list_bucket_intelligent_tiering_configurations": {"IsTruncated": False},
    "list_bucket_inventory_configurations": {"IsTruncated": False},
    "list_bucket_metrics_configurations": {"IsTruncated": False},
    "get_public_access_block": {
        "PublicAccessBlockConfiguration": dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    },
    "get_bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    "get_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
        }
    },
}


def test_a_bucket_that_was_told_nothing(s3: Any) -> None:
    s3.create_bucket(Bucket="untold")
    for operation, expected in ABSENT.items():
        status, error = refusal(lambda operation=operation: getattr(s3, operation)(Bucket="untold"))
        assert (status, error["Code"], error["BucketName"]) == (404, expected, "untold"), operation
    for operation, answer in EMPTY.items():
        assert plain(getattr(s3, operation)(Bucket="untold")) == answer, operation
    for kind in ("analytics", "intelligent_tiering", "inventory", "metrics"):
        get = getattr(s3, f"get_bucket_{kind}_configuration")
        assert code(lambda get=get: get(Bucket="untold", Id="x")) == (404, "NoSuchConfiguration")
    for operation in [*ABSENT, *EMPTY]:
        assert code(lambda operation=operation: getattr(s3, operation)(Bucket="nowhere")) == (404, "NoSuchBucket"), operation


CORS = {"CORSRules": [{"ID": "one", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "MaxAgeSeconds": 9}]}
LIFECYCLE = {
    "Rules": [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}},
        {
            "ID": "b",
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
        },
        {"ID": "c", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Date": datetime.datetime(2090, 1, 1, tzinfo=datetime.timezone.utc)}},
    ]
}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}, "BucketKeyEnabled": True}]}
BLOCK = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
# Name of the operations, of the input's member, and whether the answer holds the document whole.
DOCUMENTS: list[tuple[str, str, str, Any, bool]] = [
    ("bucket_cors", "bucket_cors", "CORSConfiguration", CORS, False),
    ("bucket_lifecycle_configuration", "bucket_lifecycle", "LifecycleConfiguration", LIFECYCLE, False),
    ("bucket_tagging", "bucket_tagging", "Tagging", {"TagSet": [{"Key": "a", "Value": "ü"}, {"Key": "b", "Value": ""}]}, False),
    ("bucket_encryption", "bucket_encryption", "ServerSideEncryptionConfiguration", ENCRYPTION, True),
    ("public_access_block", "public_access_block", "PublicAccessBlockConfiguration", BLOCK, True),
    ("bucket_ownership_controls", "bucket_ownership_controls", "OwnershipControls", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}, True),
]


@pytest.mark.parametrize(("name", "deletion", "member", "document", "is_whole"), DOCUMENTS, ids=[row[0] for row in DOCUMENTS])
def test_documents(s3: Any, name: str, deletion: str, member: str, document: Any, is_whole: bool) -> None:
    bucket = name.replace("_", "-")
    get = getattr(s3, f"get_{name}")
    s3.create_bucket(Bucket=bucket)
    getattr(s3, f"put_{name}")(Bucket=bucket, **{member: document})
    answer = plain(get(Bucket=bucket))
    assert answer == ({member: document} if is_whole else document)
    getattr(s3, f"delete_{deletion}")(Bucket=bucket)
    if name == "bucket_encryption":
        assert plain(get(Bucket=bucket)) == EMPTY["get_bucket_encryption"]  # there is always one
    else:
        assert refusal(lambda: get(Bucket=bucket))[0] == 404
    s3.delete_bucket(Bucket=bucket)


def test_policies(s3: Any) -> None:
    s3.create_bucket(Bucket="policies")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::policies", "arn:aws:s3:::policies/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="policies", Policy=policy)
    assert s3.get_bucket_policy(Bucket="policies")["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket="policies")["PolicyStatus"]["IsPublic"] is False
    s3.delete_public_access_block(Bucket="policies")
    public = {"Principal": {"AWS": ["*"]}}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}
    closed = {"Principal": {"AWS": "123412341234"}}, {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}
    for is_public, more in [(True, more) for more in public] + [(False, more) for more in closed]:
        s3.put_bucket_policy(Bucket="policies", Policy=json.dumps({"Statement": {**statement, "Effect": "Allow", **more}}))
        assert s3.get_bucket_policy_status(Bucket="policies")["PolicyStatus"]["IsPublic"] is is_public
    s3.put_bucket_policy(Bucket="policies", Policy=policy)
    for change in ({"Resource": "arn:aws:s3:::other/*"}, {"Effect": "Perhaps"}, {"Principal": None}, {"Action": None}):
        wrong = {name: value for name, value in {**statement, **change}.items() if value is not None}
        text = json.dumps({"Statement": wrong})
        assert code(lambda text=text: s3.put_bucket_policy(Bucket="policies", Policy=text)) == (400, "MalformedPolicy")
    for text in ("x", "[]", "{}", '{"Statement": []}'):
        assert code(lambda text=text: s3.put_bucket_policy(Bucket="policies", Policy=text)) == (400, "MalformedPolicy")
    assert s3.get_bucket_policy(Bucket="policies")["Policy"] == policy
    s3.delete_bucket_policy(Bucket="policies")
    assert code(lambda: s3.get_bucket_policy(Bucket="policies")) == (404, "NoSuchBucketPolicy")


def test_documents_that_are_none(s3: Any) -> None:
    s3.create_bucket(Bucket="wrong")

    def rule(**members: Any) -> dict[str, Any]:
        return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **members}

    def lifecycle(*rules: dict[str, Any]) -> tuple[int, str]:
        return code(lambda: s3.put_bucket_lifecycle_configuration(Bucket="wrong", LifecycleConfiguration={"Rules": list(rules)}))

    odd = datetime.datetime(2090, 1, 1, 5, tzinfo=datetime.timezone.utc)
    assert lifecycle(rule()) == (400, "InvalidRequest")
    assert lifecycle(rule(Expiration={"Days": 0})) == (400, "InvalidArgument")
    assert lifecycle(rule(Expiration={"Date": odd})) == (400, "InvalidArgument")
    assert lifecycle(rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})) == (400, "MalformedXML")
    assert lifecycle(rule(Prefix="x", Expiration={"Days": 1})) == (400, "MalformedXML")
    assert lifecycle(rule(Expiration={"Days": 1}), rule(Expiration={"Days": 2})) == (400, "InvalidArgument")

    def cors(**members: Any) -> tuple[int, str]:
        rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **members}]}
        return code(lambda: s3.put_bucket_cors(Bucket="wrong", CORSConfiguration=rules))

    assert cors(AllowedMethods=["PATCH"]) == (400, "InvalidRequest")
    assert cors(AllowedOrigins=["http://*.a.*"]) == (400, "InvalidRequest")
    assert cors(AllowedHeaders=["*x*"]) == (400, "InvalidRequest")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}] * 2}
    assert code(lambda: s3.put_bucket_tagging(Bucket="wrong", Tagging=twice)) == (400, "InvalidTag")
    many = {"TagSet": [{"Key": f"{number}", "Value": ""} for number in range(51)]}
    assert code(lambda: s3.put_bucket_tagging(Bucket="wrong", Tagging=many)) == (400, "BadRequest")
    s3.put_bucket_tagging(Bucket="wrong", Tagging={"TagSet": many["TagSet"][:50]})
    keyed = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}}]}
    assert code(lambda: s3.put_bucket_encryption(Bucket="wrong", ServerSideEncryptionConfiguration=keyed)) == (400, "InvalidArgument")


def test_encryption_headers(s3: Any) -> None:
    s3.create_bucket(Bucket="secret")
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/k", "BucketKeyEnabled": True}

    def shown(answer: dict[str, Any]) -> dict[str, Any]:
        return {name: answer[name] for name in asked if name in answer}

    by_default = {"ServerSideEncryption": "AES256"}
    assert shown(s3.put_object(Bucket="secret", Key="plain", Body=b"x")) == by_default
    assert shown(s3.head_object(Bucket="secret", Key="plain")) == by_default and shown(s3.get_object(Bucket="secret", Key="plain")) == by_default
    assert shown(s3.copy_object(Bucket="secret", Key="c", CopySource={"Bucket": "secret", "Key": "plain"})) == by_default
    upload = s3.create_multipart_upload(Bucket="secret", Key="m")
    names = {"Bucket": "secret", "Key": "m", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    copied = s3.upload_part_copy(**names, PartNumber=2, CopySource={"Bucket": "secret", "Key": "plain"})
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert [shown(answer) for answer in (upload, part, copied, done, s3.head_object(Bucket="secret", Key="m"))] == [by_default] * 5
    assert shown(s3.put_object(Bucket="secret", Key="k", Body=b"x", **asked)) == asked
    assert shown(s3.head_object(Bucket="secret", Key="k")) == asked and shown(s3.get_object(Bucket="secret", Key="k")) == asked
    # A copy has its bucket's encryption, or its own, not its source's.
    assert shown(s3.copy_object(Bucket="secret", Key="c", CopySource={"Bucket": "secret", "Key": "k"})) == by_default
    kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket="secret", ServerSideEncryptionConfiguration={"Rules": [kms]})
    assert shown(s3.put_object(Bucket="secret", Key="other", Body=b"x")) == shown(s3.head_object(Bucket="secret", Key="other")) == {"ServerSideEncryption": "aws:kms"}
    assert shown(s3.head_object(Bucket="secret", Key="plain")) == by_default
    assert shown(s3.copy_object(Bucket="secret", Key="c", CopySource={"Bucket": "secret", "Key": "plain"})) == {"ServerSideEncryption": "aws:kms"}
    upload = s3.create_multipart_upload(Bucket="secret", Key="m", **asked)
    names = {"Bucket": "secret", "Key": "m", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert [shown(answer) for answer in (upload, part, done, s3.head_object(Bucket="secret", Key="m"))] == [asked] * 4
    customers = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    for call in (
        lambda: s3.put_object(Bucket="secret", Key="x", Body=b"", **customers),
        lambda: s3.get_object(Bucket="secret", Key="k", **customers),
        lambda: s3.create_multipart_upload(Bucket="secret", Key="x", **customers),
    ):
        status, error = refusal(call)
        assert (status, error["Code"], error["Header"]) == (501, "NotImplemented", "x-amz-server-side-encryption-customer-algorithm")
    assert code(lambda: s3.put_object(Bucket="secret", Key="x", Body=b"", ServerSideEncryption="AES256", SSEKMSKeyId="k")) == (400, "InvalidArgument")


def soon(seconds: float = 3600) -> datetime.datetime:
    """A time from now on, in whole seconds."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).replace(microsecond=0)


def test_lock_configuration(s3: Any) -> None:
    s3.create_bucket(Bucket="lockable", ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket="lockable")["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket="lockable")["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    suspended = {"Status": "Suspended"}
    assert code(lambda: s3.put_bucket_versioning(Bucket="lockable", VersioningConfiguration=suspended)) == (409, "InvalidBucketState")
    wanted = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 2}}}
    s3.put_object_lock_configuration(Bucket="lockable", ObjectLockConfiguration=wanted)
    assert s3.get_object_lock_configuration(Bucket="lockable")["ObjectLockConfiguration"] == wanted
    for retention in ({"Mode": "GOVERNANCE"}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, {"Days": 1}):
        wrong = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        assert code(lambda wrong=wrong: s3.put_object_lock_configuration(Bucket="lockable", ObjectLockConfiguration=wrong)) == (400, "MalformedXML")
    wrong = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 0}}}
    assert code(lambda: s3.put_object_lock_configuration(Bucket="lockable", ObjectLockConfiguration=wrong)) == (400, "InvalidArgument")
    # Every way to a new version gives it the default.
    s3.put_object(Bucket="lockable", Key="k", Body=b"x")
    s3.copy_object(Bucket="lockable", Key="c", CopySource={"Bucket": "lockable", "Key": "k"})
    for key in ("k", "c"):
        head = s3.head_object(Bucket="lockable", Key=key)
        assert head["ObjectLockMode"] == "GOVERNANCE" and abs(head["ObjectLockRetainUntilDate"] - soon(730 * 86400)) < datetime.timedelta(minutes=5)
    s3.create_bucket(Bucket="unversioned")
    assert code(lambda: s3.put_object_lock_configuration(Bucket="unversioned", ObjectLockConfiguration=wanted)) == (409, "InvalidBucketState")
    for call in (
        lambda: s3.put_object(Bucket="unversioned", Key="k", Body=b"", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=soon()),
        lambda: s3.put_object_legal_hold(Bucket="unversioned", Key="k", LegalHold={"Status": "ON"}),
        lambda: s3.get_object_retention(Bucket="unversioned", Key="k"),
    ):
        assert code(call) == (400, "InvalidRequest")


def test_locks_hold(s3: Any) -> None:
    s3.create_bucket(Bucket="locks", ObjectLockEnabledForBucket=True)

    def delete(key: str, version: str, **more: Any) -> str:
        """Of one version, and among many: both must say the same."""
        names = {"Bucket": "locks", "Key": key, "VersionId": version, **more}
        many = s3.delete_objects(Bucket="locks", Delete={"Objects": [{"Key": key, "VersionId": version}]}, **more)
        if "Errors" in many:
            assert code(lambda: s3.delete_object(**names)) == (403, many["Errors"][0]["Code"])
            return str(many["Errors"][0]["Code"])
        return "deleted"

    until_date = soon()
    kept = s3.put_object(Bucket="locks", Key="g", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until_date)["VersionId"]
    assert plain(s3.get_object_retention(Bucket="locks", Key="g")) == {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until_date}}
    assert s3.delete_object(Bucket="locks", Key="g")["DeleteMarker"] is True  # hiding is no deleting
    assert delete("g", kept) == "AccessDenied"
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": soon(1800)}
    change = {"Bucket": "locks", "Key": "g", "VersionId": kept, "Retention": shorter}
    assert code(lambda: s3.put_object_retention(**change)) == (403, "AccessDenied")
    s3.put_object_retention(**change, BypassGovernanceRetention=True)
    assert delete("g", kept, BypassGovernanceRetention=True) == "deleted"

    kept = s3.put_object(Bucket="locks", Key="c", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=soon(10))["VersionId"]
    assert delete("c", kept, BypassGovernanceRetention=True) == "AccessDenied"
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": soon(12)}
    s3.put_object_retention(Bucket="locks", Key="c", Retention=longer)
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": soon(20)}
    assert code(lambda: s3.put_object_retention(Bucket="locks", Key="c", Retention=weaker, BypassGovernanceRetention=True)) == (403, "AccessDenied")
    until(lambda: "Errors" not in s3.delete_objects(Bucket="locks", Delete={"Objects": [{"Key": "c", "VersionId": kept}]}))

    kept = put(s3, "locks", "h")
    assert plain(s3.get_object_legal_hold(Bucket="locks", Key="h")) == {"LegalHold": {"Status": "OFF"}}
    s3.put_object_legal_hold(Bucket="locks", Key="h", LegalHold={"Status": "ON"})
    assert s3.head_object(Bucket="locks", Key="h")["ObjectLockLegalHoldStatus"] == "ON"
    assert delete("h", kept, BypassGovernanceRetention=True) == "AccessDenied"
    s3.put_object_legal_hold(Bucket="locks", Key="h", LegalHold={"Status": "OFF"})
    assert delete("h", kept) == "deleted"
    assert code(lambda: s3.get_object_retention(Bucket="locks", Key="h")) == (404, "NoSuchKey")
    kept = put(s3, "locks", "bare")
    assert code(lambda: s3.get_object_retention(Bucket="locks", Key="bare")) == (404, "NoSuchObjectLockConfiguration")
    past = {"Mode": "GOVERNANCE", "RetainUntilDate": soon(-60)}
    assert code(lambda: s3.put_object_retention(Bucket="locks", Key="bare", Retention=past)) == (400, "InvalidArgument")

    upload = s3.create_multipart_upload(Bucket="locks", Key="m", ObjectLockLegalHoldStatus="ON")
    names = {"Bucket": "locks", "Key": "m", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**names, PartNumber=1, Body=b"x")
    version = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})["VersionId"]
    assert delete("m", version) == "AccessDenied"


def test_lifecycle_is_applied(tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path / "home", "--lifecycle-day", "2")
    try:
        s3 = server.client("s3")
        bucket = versioned(s3, "cycle")
        s3.create_bucket(Bucket="flat")
        for key, tags in (("tmp/old", ""), ("tmp/tagged", "keep=1"), ("other", "")):
            s3.put_object(Bucket="flat", Key=key, Body=b"12345", Tagging=tags)
        s3.put_object(Bucket="flat", Key="tagged/x", Body=b"", Tagging="drop=1&more=2")
        s3.put_object(Bucket="flat", Key="tagged/y", Body=b"", Tagging="drop=2")
        s3.put_object(Bucket="flat", Key="big/1", Body=b"1" * 100)
        s3.put_object(Bucket="flat", Key="big/2", Body=b"1")
        for number in range(1200):
            s3.put_object(Bucket="flat", Key=f"many/{number}", Body=b"")
        upload = s3.create_multipart_upload(Bucket="flat", Key="tmp/upload")["UploadId"]
        s3.create_multipart_upload(Bucket="flat", Key="kept upload")
        first = put(s3, bucket, "v", b"1")
        s3.put_object_tagging(Bucket=bucket, Key="v", Tagging={"TagSet": []})
        later = [put(s3, bucket, "v", body) for body in (b"2", b"3", b"4")]
        put(s3, bucket, "gone", b"x")
        marker = s3.delete_object(Bucket=bucket, Key="gone")["VersionId"]
        rules = [
            {"ID": "tmp", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
            {"ID": "many", "Filter": {"Prefix": "many/"}, "Expiration": {"Date": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)}},
            {"ID": "tag", "Filter": {"Tag": {"Key": "drop", "Value": "1"}}, "Expiration": {"Days": 1}},
            {"ID": "big", "Filter": {"And": {"Prefix": "big/", "ObjectSizeGreaterThan": 50}}, "Expiration": {"Days": 1}},
            {"ID": "off", "Filter": {"Prefix": "other"}, "Expiration": {"Days": 1}, "Status": "Disabled"},
        ]
        s3.put_bucket_lifecycle_configuration(Bucket="flat", LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]})
        versions = [
            {"ID": "old", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}},
            {"ID": "gone", "Status": "Enabled", "Filter": {"Prefix": "gone"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
        ]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": versions})
        left = ["big/2", "other", "tagged/y"]
        until(lambda: [item["Key"] for item in s3.list_objects_v2(Bucket="flat")["Contents"]] == left)
        until(lambda: [item["Key"] for item in s3.list_multipart_uploads(Bucket="flat")["Uploads"]] == ["kept upload"])
        assert code(lambda: s3.list_parts(Bucket="flat", Key="tmp/upload", UploadId=upload)) == (404, "NoSuchUpload")
        # The newest version stays, and of the older ones the newest; a marker that hides nothing goes.
        until(lambda: listed(s3, bucket) == [("v", later[2], True, False), ("v", later[1], False, False)])
        assert first not in later and marker != first
    finally:
        assert server.stop() == 0
