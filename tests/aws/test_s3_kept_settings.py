"""S3: documents that are kept for AWS's own machinery: website, logging, replication, notifications, acceleration, payment, and what has Ids; what
objects' answers tell of lifecycle rules; MFADelete."""

from __future__ import annotations

import datetime
import json
import pathlib
from typing import Any, Callable, Iterator

import pytest

from tests.aws.conftest import Server
from tests.aws.test_s3_objects import code, refusal
from tests.aws.test_s3_settings import plain


@pytest.fixture(name="s3", scope="module")
def _s3(server: Server) -> Iterator[Any]:
    client = server.client("s3")
    for bucket in ("logs", "copies"):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Enabled"})
    yield client


WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "errors/404.html"},
    "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/", "Protocol": "https", "HttpRedirectCode": "301"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"HostName": "other.test", "ReplaceKeyWith": "gone"}},
    ],
}
LOGGING = {
    "LoggingEnabled": {
        "TargetBucket": "logs",
        "TargetPrefix": "a/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }
}
REPLICATION = {
    "Role": "arn:aws:iam::000000000000:role/copier",
    "Rules": [
        {
            "ID": "all",
            "Priority": 1,
            "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}]}},
            "Status": "Enabled",
            "Destination": {"Bucket": "arn:aws:s3:::copies", "StorageClass": "STANDARD_IA", "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}},
            "DeleteMarkerReplication": {"Status": "Disabled"},
        },
        {
            "ID": "none",
            "Priority": 2,
            "Filter": {"Prefix": ""},
            "Status": "Disabled",
            "Destination": {"Bucket": "arn:aws:s3:::copies"},
            "DeleteMarkerReplication": {"Status": "Enabled"},
        },
    ],
}
NOTIFICATION = {
    "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:000000000000:topic", "Events": ["s3:ObjectRemoved:*"]}],
    "QueueConfigurations": [
        {
            "Id": "q",
            "QueueArn": "arn:aws:sqs:us-east-1:000000000000:queue",
            "Events": ["s3:ObjectCreated:*", "s3:ObjectTagging:Put"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]}},
        }
    ],
    "LambdaFunctionConfigurations": [
        {"Id": "l", "LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Events": ["s3:ObjectRestore:Post"]}
    ],
    "EventBridgeConfiguration": {},
}
# Name of the operations, of the input's member, the document, whether the answer holds it whole, and what is there without one: a document or an error.
DOCUMENTS: list[tuple[str, str, Any, bool, Any]] = [
    ("bucket_website", "WebsiteConfiguration", WEBSITE, False, "NoSuchWebsiteConfiguration"),
    ("bucket_logging", "BucketLoggingStatus", LOGGING, False, {}),
    ("bucket_replication", "ReplicationConfiguration", REPLICATION, True, "ReplicationConfigurationNotFoundError"),
    ("bucket_notification_configuration", "NotificationConfiguration", NOTIFICATION, False, {}),
    ("bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "Enabled"}, False, {}),
    ("bucket_request_payment", "RequestPaymentConfiguration", {"Payer": "Requester"}, False, {"Payer": "BucketOwner"}),
]
DESTINATION = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::logs", "Format": "CSV", "Prefix": "p", "AccountId": "000000000000"}}
EXPORT = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::logs", "Format": "CSV", "Prefix": "p", "BucketAccountId": "000000000000"}}
BY_ID: dict[str, tuple[str, dict[str, Any]]] = {
    "analytics": (
        "AnalyticsConfiguration",
        {
            "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}]}},
            "StorageClassAnalysis": {"DataExport": {"OutputSchemaVersion": "V_1", "Destination": EXPORT}},
        },
    ),
    "intelligent_tiering": (
        "IntelligentTieringConfiguration",
        {"Filter": {"Prefix": "a"}, "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    ),
    "inventory": (
        "InventoryConfiguration",
        {
            "Destination": DESTINATION,
            "IsEnabled": True,
            "IncludedObjectVersions": "Current",
            "OptionalFields": ["Size", "ETag"],
            "Schedule": {"Frequency": "Weekly"},
            "Filter": {"Prefix": "a"},
        },
    ),
    "metrics": ("MetricsConfiguration", {"Filter": {"Tag": {"Key": "k", "Value": "v"}}}),
}


def absence(call: Callable[[], Any]) -> Any:
    """An answer, or the error's code."""
    try:
        return plain(call())
    except Exception as error:  # boto3 makes its classes at run time
        return getattr(error, "response")["Error"]["Code"]


def test_documents_are_kept(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    for bucket in ("logs", "copies", "kept"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def check(client: Any) -> None:
        for name, member, document, is_whole, _ in DOCUMENTS:
            assert plain(getattr(client, f"get_{name}")(Bucket="kept")) == ({member: document} if is_whole else document), name
        for kind, (member, document) in BY_ID.items():
            assert plain(getattr(client, f"get_bucket_{kind}_configuration")(Bucket="kept", Id="one")) == {member: {"Id": "one", **document}}

    for name, member, document, _, absent in DOCUMENTS:
        assert absence(lambda name=name: getattr(s3, f"get_{name}")(Bucket="kept")) == absent, name
        getattr(s3, f"put_{name}")(Bucket="kept", **{member: document})
    for kind, (member, document) in BY_ID.items():
        getattr(s3, f"put_bucket_{kind}_configuration")(Bucket="kept", Id="one", **{member: {"Id": "one", **document}})
    check(s3)
    fresh_server.kill()
    fresh_server.start()
    s3 = fresh_server.client("s3")
    check(s3)

    s3.delete_bucket_website(Bucket="kept")
    s3.delete_bucket_replication(Bucket="kept")
    s3.put_bucket_logging(Bucket="kept", BucketLoggingStatus={})
    s3.put_bucket_notification_configuration(Bucket="kept", NotificationConfiguration={})
    s3.put_bucket_accelerate_configuration(Bucket="kept", AccelerateConfiguration={"Status": "Suspended"})
    s3.put_bucket_request_payment(Bucket="kept", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    for name, _, _, _, absent in DOCUMENTS:
        wanted = {"Status": "Suspended"} if name == "bucket_accelerate_configuration" else absent
        assert absence(lambda name=name: getattr(s3, f"get_{name}")(Bucket="kept")) == wanted, name
    s3.delete_bucket(Bucket="kept")
    s3.create_bucket(Bucket="kept")
    for kind in BY_ID:
        assert code(lambda kind=kind: getattr(s3, f"get_bucket_{kind}_configuration")(Bucket="kept", Id="one")) == (404, "NoSuchConfiguration")


def test_documents_by_the_cli(server: Server, s3: Any, tmp_path: pathlib.Path) -> None:
    s3.create_bucket(Bucket="told")
    s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
    options = {"bucket_accelerate_configuration": "accelerate-configuration", "bucket_request_payment": "request-payment-configuration"}
    options |= {"bucket_website": "website-configuration", "bucket_logging": "bucket-logging-status"}
    options |= {"bucket_replication": "replication-configuration", "bucket_notification_configuration": "notification-configuration"}
    for name, member, document, is_whole, _ in DOCUMENTS:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        server.aws("s3api", f"put-{name}".replace("_", "-"), "--bucket", "told", f"--{options[name]}", f"file://{path}")
        assert server.aws("s3api", f"get-{name}".replace("_", "-"), "--bucket", "told") == ({member: document} if is_whole else document)
    for kind, (member, document) in BY_ID.items():
        words = f"bucket-{kind}-configuration".replace("_", "-")
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps({"Id": "c", **document}))
        server.aws("s3api", f"put-{words}", "--bucket", "told", "--id", "c", f"--{words[7:]}", f"file://{path}")
        assert server.aws("s3api", f"get-{words}", "--bucket", "told", "--id", "c") == {member: {"Id": "c", **document}}
        assert server.aws("s3api", f"list-{words}s", "--bucket", "told")[f"{member}List"] == [{"Id": "c", **document}]
        server.aws("s3api", f"delete-{words}", "--bucket", "told", "--id", "c")
        assert "NoSuchConfiguration" in server.cli("s3api", f"get-{words}", "--bucket", "told", "--id", "c").stderr


@pytest.mark.parametrize("kind", BY_ID)
def test_many_ids(s3: Any, kind: str) -> None:
    member, document = BY_ID[kind]
    bucket = f"many-{kind}".replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    put = getattr(s3, f"put_bucket_{kind}_configuration")
    get = getattr(s3, f"get_bucket_{kind}_configuration")
    lists = getattr(s3, f"list_bucket_{kind}_configurations")
    ids = [f"id-{number:04}" for number in range(1000)]
    for name in ids:
        put(Bucket=bucket, Id=name, **{member: {"Id": name, **document}})
    assert code(lambda: put(Bucket=bucket, Id="more", **{member: {"Id": "more", **document}})) == (400, "TooManyConfigurations")
    put(Bucket=bucket, Id=ids[7], **{member: {"Id": ids[7], **document}})  # one that is there may change
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = lists(Bucket=bucket, **token)
        found += [item["Id"] for item in page[f"{member}List"]]
        assert page.get("ContinuationToken") == token.get("ContinuationToken")
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == ids and "NextContinuationToken" not in page
    assert code(lambda: lists(Bucket=bucket, ContinuationToken="?")) == (400, "InvalidArgument")
    delete = getattr(s3, f"delete_bucket_{kind}_configuration")
    delete(Bucket=bucket, Id=ids[0])
    for call in (get, delete):
        assert code(lambda call=call: call(Bucket=bucket, Id=ids[0])) == (404, "NoSuchConfiguration")
        assert code(lambda call=call: call(Bucket="nowhere", Id=ids[0])) == (404, "NoSuchBucket")
    put(Bucket=bucket, Id="more", **{member: {"Id": "more", **document}})
    assert get(Bucket=bucket, Id="more")[member]["Id"] == "more"
    for wrong in ("a/b", "x" * 65, "ü"):
        assert code(lambda wrong=wrong: put(Bucket=bucket, Id=wrong, **{member: {"Id": wrong, **document}})) == (400, "InvalidArgument")
    assert code(lambda: put(Bucket=bucket, Id="a", **{member: {"Id": "b", **document}})) == (400, "InvalidArgument")
    two = {"Prefix": "a", "Tag": {"Key": "k", "Value": "v"}}
    if kind != "inventory":
        assert code(lambda: put(Bucket=bucket, Id="a", **{member: {"Id": "a", **document, "Filter": two}})) == (400, "MalformedXML")


def test_documents_that_are_refused(s3: Any) -> None:
    s3.create_bucket(Bucket="plain")

    def website(**document: Any) -> tuple[int, str]:
        return code(lambda: s3.put_bucket_website(Bucket="plain", WebsiteConfiguration=document))

    index = {"Suffix": "i"}
    assert website() == (400, "InvalidArgument")
    assert website(IndexDocument={"Suffix": ""}) == (400, "InvalidArgument") and website(IndexDocument={"Suffix": "a/b"}) == (400, "InvalidArgument")
    assert website(RedirectAllRequestsTo={"HostName": "h"}, IndexDocument=index) == (400, "InvalidRequest")
    assert website(IndexDocument=index, RoutingRules=[{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}]) == (400, "InvalidRequest")
    assert website(IndexDocument=index, RoutingRules=[{"Redirect": {"HttpRedirectCode": "200"}}]) == (400, "InvalidRequest")
    assert website(IndexDocument=index, RoutingRules=[{"Redirect": {"HostName": "h"}}] * 51) == (400, "InvalidRequest")
    s3.put_bucket_website(Bucket="plain", WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "h", "Protocol": "https"}})
    assert plain(s3.get_bucket_website(Bucket="plain")) == {"RedirectAllRequestsTo": {"HostName": "h", "Protocol": "https"}}

    nowhere = {"LoggingEnabled": {"TargetBucket": "nowhere", "TargetPrefix": ""}}
    status, error = refusal(lambda: s3.put_bucket_logging(Bucket="plain", BucketLoggingStatus=nowhere))
    assert (status, error["Code"], error["TargetBucket"]) == (400, "InvalidTargetBucketForLogging", "nowhere")

    def replication(*rules: dict[str, Any]) -> tuple[int, str]:
        document = {"Role": REPLICATION["Role"], "Rules": list(rules)}
        return code(lambda: s3.put_bucket_replication(Bucket="plain", ReplicationConfiguration=document))

    rule: dict[str, Any] = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::copies"}}
    assert replication(rule) == (400, "InvalidRequest")
    s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    assert replication({**rule, "Destination": {"Bucket": "arn:aws:s3:::nowhere"}}) == (400, "InvalidRequest")
    assert replication({**rule, "Destination": {"Bucket": "arn:aws:s3:::logs"}}) == (400, "InvalidRequest")  # without versions
    assert replication({**rule, "Destination": {"Bucket": "copies"}}) == (400, "InvalidArgument")
    assert replication({**rule, "Filter": {"Prefix": ""}}) == (400, "MalformedXML")
    assert replication({**REPLICATION["Rules"][1], "ID": "x"}, {**REPLICATION["Rules"][0], "ID": "x"}) == (400, "InvalidArgument")
    for missing in ("Priority", "DeleteMarkerReplication"):
        assert replication({name: value for name, value in REPLICATION["Rules"][0].items() if name != missing}) == (400, "InvalidRequest")
    s3.put_bucket_replication(Bucket="plain", ReplicationConfiguration={"Role": REPLICATION["Role"], "Rules": [rule, rule]})
    made = s3.get_bucket_replication(Bucket="plain")["ReplicationConfiguration"]["Rules"]
    assert [{**item, "ID": ""} for item in made] == [{**rule, "ID": ""}] * 2 and made[0]["ID"] != made[1]["ID"]

    def notification(**document: Any) -> tuple[int, str]:
        return code(lambda: s3.put_bucket_notification_configuration(Bucket="plain", NotificationConfiguration=document))

    queue = {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}
    assert notification(QueueConfigurations=[{**queue, "QueueArn": "queue"}]) == (400, "InvalidArgument")
    assert notification(TopicConfigurations=[{"TopicArn": queue["QueueArn"], "Events": queue["Events"]}]) == (400, "InvalidArgument")
    assert notification(QueueConfigurations=[{**queue, "Events": ["s3:Nothing"]}]) == (400, "InvalidArgument")
    s3.put_bucket_notification_configuration(Bucket="plain", NotificationConfiguration={"QueueConfigurations": [queue]})
    (kept,) = s3.get_bucket_notification_configuration(Bucket="plain")["QueueConfigurations"]
    assert kept.pop("Id") and kept == queue

    s3.create_bucket(Bucket="with.dots")
    fast = {"Status": "Enabled"}
    assert code(lambda: s3.put_bucket_accelerate_configuration(Bucket="with.dots", AccelerateConfiguration=fast)) == (400, "InvalidRequest")
    payer = {"Payer": "Nobody"}
    assert code(lambda: s3.put_bucket_request_payment(Bucket="plain", RequestPaymentConfiguration=payer))[0] == 400
    for name, member, document, _, _ in DOCUMENTS:
        put = getattr(s3, f"put_{name}")
        assert code(lambda put=put, member=member, document=document: put(Bucket="nowhere", **{member: document})) == (404, "NoSuchBucket"), name


def test_mfa_delete(s3: Any) -> None:
    s3.create_bucket(Bucket="guarded")
    wanted = {"Status": "Enabled", "MFADelete": "Enabled"}
    bare = refusal(lambda: s3.put_bucket_versioning(Bucket="guarded", VersioningConfiguration=wanted))
    assert (bare[0], bare[1]["Code"]) == (403, "AccessDenied") and "Mfa Authentication" in bare[1]["Message"]
    device = "arn:aws:iam::000000000000:mfa/root 123456"
    assert code(lambda: s3.put_bucket_versioning(Bucket="guarded", VersioningConfiguration=wanted, MFA=device)) == (403, "AccessDenied")
    assert plain(s3.get_bucket_versioning(Bucket="guarded")) == {}
    s3.put_bucket_versioning(Bucket="guarded", VersioningConfiguration={"Status": "Enabled", "MFADelete": "Disabled"})
    assert plain(s3.get_bucket_versioning(Bucket="guarded")) == {"Status": "Enabled"}


def midnight(days: int) -> str:
    """As headers have it: the first midnight after so many days from now."""
    day = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=days + 1)
    return day.strftime("%a, %d %b %Y 00:00:00 GMT")


def test_expiration_is_told(fresh_server: Server) -> None:
    s3 = fresh_server.client("s3")
    s3.create_bucket(Bucket="ages")
    assert "Expiration" not in s3.put_object(Bucket="ages", Key="tmp/a", Body=b"x")
    rules = [
        {"ID": "late", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 30}},
        {"ID": "a rule", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}},
        {"ID": "off", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}, "Status": "Disabled"},
        {"ID": "date", "Filter": {"Prefix": "d"}, "Expiration": {"Date": datetime.datetime(2090, 1, 1, tzinfo=datetime.timezone.utc)}},
        {"ID": "tag", "Filter": {"Tag": {"Key": "drop", "Value": "1"}}, "Expiration": {"Days": 2}},
        {"ID": "versions", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket="ages", LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]})

    def told(*answers: dict[str, Any]) -> set[str | None]:
        return {answer.get("Expiration") for answer in answers}

    def expected(days: int, rule: str) -> str:
        return f'expiry-date="{midnight(days)}", rule-id="{rule}"'

    before = expected(3, "a%20rule")
    answers = [s3.head_object(Bucket="ages", Key="tmp/a"), s3.get_object(Bucket="ages", Key="tmp/a"), s3.put_object(Bucket="ages", Key="tmp/b", Body=b"x")]
    answers.append(s3.copy_object(Bucket="ages", Key="tmp/c", CopySource="ages/tmp/a"))
    upload = s3.create_multipart_upload(Bucket="ages", Key="tmp/m")["UploadId"]
    part = s3.upload_part(Bucket="ages", Key="tmp/m", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    answers.append(s3.complete_multipart_upload(Bucket="ages", Key="tmp/m", UploadId=upload, MultipartUpload=parts))
    assert told(*answers) <= {before, expected(3, "a%20rule")}  # midnight may have passed
    assert told(s3.put_object(Bucket="ages", Key="other", Body=b"x"), s3.head_object(Bucket="ages", Key="other")) == {None}
    assert told(s3.put_object(Bucket="ages", Key="d", Body=b"x")) == {'expiry-date="Sun, 01 Jan 2090 00:00:00 GMT", rule-id="date"'}
    before = expected(2, "tag")
    assert told(s3.put_object(Bucket="ages", Key="t", Body=b"x", Tagging="drop=1"), s3.head_object(Bucket="ages", Key="t")) <= {before, expected(2, "tag")}
    # Rules are there again with the next server; older versions have another end.
    fresh_server.kill()
    fresh_server.start()
    s3 = fresh_server.client("s3")
    assert told(s3.head_object(Bucket="ages", Key="d")) == {'expiry-date="Sun, 01 Jan 2090 00:00:00 GMT", rule-id="date"'}
    s3.put_bucket_versioning(Bucket="ages", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="ages", Key="d", Body=b"y")
    assert told(s3.head_object(Bucket="ages", Key="d", VersionId="null")) == {None}
    assert None not in told(s3.head_object(Bucket="ages", Key="d"))
    s3.delete_bucket_lifecycle(Bucket="ages")
    assert told(s3.head_object(Bucket="ages", Key="d")) == {None}
