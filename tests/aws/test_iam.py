"""IAM and STS by boto3 and the AWS CLI."""

from __future__ import annotations

import json
import sqlite3
import threading
import urllib.request
from typing import Any, Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from .conftest import Server

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
READ = {"Version": "2012-10-17", "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:List*"], "Resource": "*"}]}
WRITE = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/a b&<ü>"}}
ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def iam(server: Server) -> Any:
    """boto3's client."""
    return server.client("iam")


def code_of(call: Any, **arguments: Any) -> str:
    """The error code that a call must end with."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return str(raised.value.response["Error"]["Code"])


def status_of(call: Any, **arguments: Any) -> int:
    """The HTTP status of a call that must fail."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return int(raised.value.response["ResponseMetadata"]["HTTPStatusCode"])


def create_role(iam: Any, name: str, **more: Any) -> Any:
    """A role that Glue may take."""
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]


@pytest.fixture
def role(iam: Any, request: pytest.FixtureRequest) -> str:
    """A role of the test's own."""
    name = request.node.name.replace("[", "-").replace("]", "")[:64]
    create_role(iam, name)
    return name


def test_role_reads_back_as_it_was_made(iam: Any) -> None:
    made = create_role(iam, "Reader", Path="/team/", Description="reads", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "1"}])
    got = iam.get_role(RoleName="Reader")["Role"]
    assert got["AssumeRolePolicyDocument"] == TRUST
    assert got["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/Reader"
    assert got["RoleId"].startswith("AROA") and got["RoleId"] == made["RoleId"]
    assert (got["Description"], got["MaxSessionDuration"], got["Tags"]) == ("reads", 7200, [{"Key": "a", "Value": "1"}])
    assert got["CreateDate"] == made["CreateDate"]
    iam.update_role(RoleName="Reader", Description="still reads")
    iam.update_assume_role_policy(RoleName="Reader", PolicyDocument=json.dumps({**TRUST, "Version": "2008-10-17"}))
    got = iam.get_role(RoleName="Reader")["Role"]
    assert (got["Description"], got["MaxSessionDuration"]) == ("still reads", 7200)
    assert got["AssumeRolePolicyDocument"]["Version"] == "2008-10-17"
    assert [found["RoleName"] for found in iam.list_roles(PathPrefix="/team/")["Roles"]] == ["Reader"]


def test_names_differ_by_more_than_case(iam: Any, role: str) -> None:
    assert code_of(iam.create_role, RoleName=role.upper(), AssumeRolePolicyDocument=json.dumps(TRUST)) == "EntityAlreadyExists"
    assert status_of(iam.create_role, RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST)) == 409
    assert code_of(iam.get_role, RoleName=role.upper()) == "NoSuchEntity"
    assert status_of(iam.get_role, RoleName="nobody") == 404


@pytest.mark.parametrize(
    "document",
    [
        "no JSON",
        "[]",
        json.dumps({"Version": "2013-01-01", "Statement": []}),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "bucket"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": [READ["Statement"][0], READ["Statement"][0]]}),  # type: ignore[index]
    ],
)
def test_malformed_documents_are_refused(iam: Any, server: Server, document: str) -> None:
    assert code_of(iam.create_policy, PolicyName="Malformed", PolicyDocument=document) == "MalformedPolicyDocument"
    assert code_of(iam.create_role, RoleName="Malformed", AssumeRolePolicyDocument=document) == "MalformedPolicyDocument"


def test_trust_policies_need_principals(iam: Any) -> None:
    assert code_of(iam.create_role, RoleName="Malformed", AssumeRolePolicyDocument=json.dumps(READ)) == "MalformedPolicyDocument"


def test_inline_policies(iam: Any, role: str) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=json.dumps(READ))
    iam.put_role_policy(RoleName=role, PolicyName="write", PolicyDocument=json.dumps(WRITE))
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["read", "write"]
    assert iam.get_role_policy(RoleName=role, PolicyName="write")["PolicyDocument"] == WRITE
    assert code_of(iam.delete_role, RoleName=role) == "DeleteConflict"
    iam.delete_role_policy(RoleName=role, PolicyName="read")
    assert code_of(iam.get_role_policy, RoleName=role, PolicyName="read") == "NoSuchEntity"
    assert code_of(iam.delete_role_policy, RoleName=role, PolicyName="read") == "NoSuchEntity"
    iam.delete_role_policy(RoleName=role, PolicyName="write")
    iam.delete_role(RoleName=role)
    assert code_of(iam.get_role, RoleName=role) == "NoSuchEntity"


def test_managed_policies_and_their_versions(iam: Any, role: str) -> None:
    policy = iam.create_policy(PolicyName="Versions", Path="/p/", PolicyDocument=json.dumps(READ), Description="d")["Policy"]
    arn = policy["Arn"]
    assert (arn, policy["DefaultVersionId"], policy["AttachmentCount"]) == (f"arn:aws:iam::{ACCOUNT}:policy/p/Versions", "v1", 0)
    assert code_of(iam.get_policy, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/Versions") == "NoSuchEntity"
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(WRITE))["PolicyVersion"]["IsDefaultVersion"] is False
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == WRITE
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert code_of(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == "DeleteConflict"
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ), SetAsDefault=True)
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=json.dumps(READ)) == "LimitExceeded"
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5", "v4", "v3", "v2", "v1"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [{"PolicyName": "Versions", "PolicyArn": arn}]
    assert iam.list_attached_role_policies(RoleName=role, PathPrefix="/q/")["AttachedPolicies"] == []
    assert [found["RoleName"] for found in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == [role]
    assert [found["Arn"] for found in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == [arn]
    assert code_of(iam.delete_role, RoleName=role) == "DeleteConflict"
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    assert code_of(iam.detach_role_policy, RoleName=role, PolicyArn=arn) == "NoSuchEntity"
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"
    assert code_of(iam.attach_role_policy, RoleName=role, PolicyArn=arn) == "NoSuchEntity"


def test_aws_own_policies(iam: Any, role: str) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonConnectReadOnlyAccess")
    assert {found["PolicyName"] for found in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]} == {
        "AWSGlueServiceRole",
        "AmazonConnectReadOnlyAccess",
    }
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy["AttachmentCount"] == 1 and policy["Path"] == "/service-role/"
    document = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert "glue:*" in document["Statement"][0]["Action"]
    assert code_of(iam.delete_policy, PolicyArn=arn) == "AccessDenied"
    names = [found["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for found in page["Policies"]]
    assert "AmazonS3FullAccess" in names and len(names) == len(set(names))


def test_tags_of_everything(iam: Any, role: str) -> None:
    iam.create_instance_profile(InstanceProfileName="Tagged")
    iam.create_user(UserName="tagged")
    arn = iam.create_policy(PolicyName="Tagged", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    for word, who in {
        "role": {"RoleName": role},
        "instance_profile": {"InstanceProfileName": "Tagged"},
        "user": {"UserName": "tagged"},
        "policy": {"PolicyArn": arn},
    }.items():
        tag, untag, tags = (getattr(iam, name) for name in (f"tag_{word}", f"untag_{word}", f"list_{word}_tags"))
        tag(**who, Tags=[{"Key": "k", "Value": "1"}, {"Key": "l", "Value": ""}])
        tag(**who, Tags=[{"Key": "k", "Value": "ü @=/"}])
        assert tags(**who)["Tags"] == [{"Key": "k", "Value": "ü @=/"}, {"Key": "l", "Value": ""}]
        untag(**who, TagKeys=["k", "absent"])
        assert tags(**who)["Tags"] == [{"Key": "l", "Value": ""}]
        assert code_of(tag, **who, Tags=[{"Key": str(n), "Value": ""} for n in range(50)]) == "LimitExceeded"


def test_instance_profiles(iam: Any, role: str) -> None:
    made = iam.create_instance_profile(InstanceProfileName="Profile", Path="/x/")["InstanceProfile"]
    assert made["Roles"] == [] and made["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/x/Profile"
    assert code_of(iam.create_instance_profile, InstanceProfileName="Profile") == "EntityAlreadyExists"
    assert code_of(iam.add_role_to_instance_profile, InstanceProfileName="Profile", RoleName="nobody") == "NoSuchEntity"
    iam.add_role_to_instance_profile(InstanceProfileName="Profile", RoleName=role)
    assert code_of(iam.add_role_to_instance_profile, InstanceProfileName="Profile", RoleName=role) == "LimitExceeded"
    for profile in (
        iam.get_instance_profile(InstanceProfileName="Profile")["InstanceProfile"],
        iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"][0],
        next(found for found in iam.list_instance_profiles()["InstanceProfiles"] if found["InstanceProfileName"] == "Profile"),
    ):
        assert [held["RoleName"] for held in profile["Roles"]] == [role]
        assert profile["Roles"][0]["AssumeRolePolicyDocument"] == TRUST
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="Profile")
    assert code_of(iam.delete_role, RoleName=role) == "DeleteConflict"
    assert code_of(iam.delete_instance_profile, InstanceProfileName="Profile") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="Profile", RoleName=role)
    iam.delete_instance_profile(InstanceProfileName="Profile")
    iam.delete_role(RoleName=role)


def test_pages_go_through_all(iam: Any, role: str) -> None:
    names = [f"page-{n:02}" for n in range(11)]
    for name in names:
        create_role(iam, name, Path="/pages/")
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(READ))
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 4}))
    assert [len(page["Roles"]) for page in pages] == [4, 4, 3]
    assert [found["RoleName"] for page in pages for found in page["Roles"]] == names
    pages = list(iam.get_paginator("list_role_policies").paginate(RoleName=role, PaginationConfig={"PageSize": 5}))
    assert [name for page in pages for name in page["PolicyNames"]] == names
    assert code_of(iam.list_roles, Marker="nonsense") == "InvalidInput"


def test_changes_at_once_all_last(iam: Any, server: Server, role: str) -> None:
    def change(n: int) -> None:
        server.client("iam").put_role_policy(RoleName=role, PolicyName=f"p{n}", PolicyDocument=json.dumps(READ))

    threads = [threading.Thread(target=change, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(iam.list_role_policies(RoleName=role)["PolicyNames"]) == 10


def test_permissions_boundaries(iam: Any, role: str) -> None:
    arn = iam.create_policy(PolicyName="Bound", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_role_permissions_boundary(RoleName=role)
    iam.delete_policy(PolicyArn=arn)


def test_a_users_key_signs(iam: Any, server: Server) -> None:
    user = iam.create_user(UserName="ann", Path="/people/")["User"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    sts = server.client("sts", **own)
    assert sts.get_caller_identity()["Arn"] == user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/people/ann"
    assert server.client("iam", **own).get_user()["User"]["UserId"] == user["UserId"]
    assert code_of(server.client("sts", **{**own, "aws_secret_access_key": "x" * 40}).get_caller_identity) == "SignatureDoesNotMatch"
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert [(found["AccessKeyId"], found["Status"]) for found in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]] == [(key["AccessKeyId"], "Inactive")]
    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Active")
    session = sts.get_session_token()["Credentials"]
    assert server.client("sts", **credentials(session)).get_caller_identity()["Arn"] == user["Arn"]
    iam.create_access_key(UserName="ann")
    assert code_of(iam.create_access_key, UserName="ann") == "LimitExceeded"
    assert code_of(iam.delete_user, UserName="ann") == "DeleteConflict"
    for found in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        assert iam.get_access_key_last_used(AccessKeyId=found["AccessKeyId"])["UserName"] == "ann"
        iam.delete_access_key(UserName="ann", AccessKeyId=found["AccessKeyId"])
    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"
    assert iam.list_groups_for_user(UserName="ann")["Groups"] == []
    iam.delete_user(UserName="ann")
    assert code_of(iam.get_user, UserName="ann") == "NoSuchEntity"


# ---- STS ----


def credentials(given: Any) -> dict[str, str]:
    """STS' Credentials as the arguments of a client."""
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def test_an_assumed_role_is_who_calls(iam: Any, server: Server, role: str) -> None:
    sts = server.client("sts")
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    assumed = sts.assume_role(RoleArn=arn, RoleSessionName="me@here", DurationSeconds=900)
    given = assumed["Credentials"]
    own = server.client("sts", **credentials(given)).get_caller_identity()
    assert own["Arn"] == assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/me@here"
    assert own["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]
    left = given["Expiration"].timestamp() - iam.get_role(RoleName=role)["Role"]["CreateDate"].timestamp()
    assert 890 < left < 960
    server.client("s3", **credentials(given)).create_bucket(Bucket="by-an-assumed-role")
    assert code_of(server.client("sts", **credentials(given)).get_session_token) == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me", DurationSeconds=3601) == "ValidationError"
    assert code_of(sts.assume_role, RoleArn=arn + "x", RoleSessionName="me") == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="m m") == "ValidationError"
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me", Policy="{}") == "MalformedPolicyDocument"
    assert sts.get_access_key_info(AccessKeyId=given["AccessKeyId"])["Account"] == ACCOUNT
    assert code_of(sts.decode_authorization_message, EncodedMessage="x") == "InvalidAction"


def test_temporary_keys_need_their_token_and_end(server: Server, role: str) -> None:
    given = server.client("sts").get_session_token(DurationSeconds=129600)["Credentials"]
    own = credentials(given)
    assert server.client("sts", **own).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    without = {name: value for name, value in own.items() if name != "aws_session_token"}
    assert code_of(server.client("sts", **without).get_caller_identity) == "InvalidClientTokenId"
    forged = {**own, "aws_session_token": own["aws_session_token"] + "a1"}
    assert code_of(server.client("sts", **forged).get_caller_identity) == "InvalidClientTokenId"
    with sqlite3.connect(server.home / "solder.db") as database:
        (expires_us,) = database.execute("SELECT expires_us FROM temporary_key WHERE id = ?", (given["AccessKeyId"],)).fetchone()
        assert expires_us // 1000000 == given["Expiration"].timestamp()
        # What the clock would do in an hour.
        database.execute("UPDATE temporary_key SET expires_us = expires_us - 3601000000 WHERE id = ?", (given["AccessKeyId"],))
    database.close()
    assert code_of(server.client("sts", **own).get_caller_identity) == "ExpiredToken"
    assert code_of(server.client("s3", **own).list_buckets) == "ExpiredToken"
    assert code_of(server.client("glue", **own).get_databases) == "ExpiredTokenException"


def test_boto3_renews_assumed_roles_by_itself(server: Server, role: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile source]\nregion=us-east-1\naws_access_key_id={server.variables['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key={server.variables['AWS_SECRET_ACCESS_KEY']}\n"
        f"[profile assumed]\nregion=us-east-1\nsource_profile=source\nrole_session_name=profiled\nrole_arn=arn:aws:iam::{ACCOUNT}:role/{role}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    identity = boto3.session.Session(profile_name="assumed").client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/profiled"


# ---- the AWS CLI, and what is not signed ----


def test_emr_create_default_roles(fresh_server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fresh_server.env, "AWS_CONFIG_FILE", str(tmp_path / "config"))
    made = fresh_server.aws("emr", "create-default-roles", "--output", "json")
    assert [entry["Role"]["RoleName"] for entry in made] == ["EMR_EC2_DefaultRole", "EMR_DefaultRole", "EMR_AutoScaling_DefaultRole"]
    assert all(entry["RolePolicy"]["Statement"] for entry in made)
    assert not fresh_server.aws("emr", "create-default-roles", "--output", "json")
    role = fresh_server.aws("iam", "get-role", "--role-name", "EMR_DefaultRole")["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] == "elasticmapreduce.amazonaws.com"
    profile = fresh_server.aws("iam", "get-instance-profile", "--instance-profile-name", "EMR_EC2_DefaultRole")["InstanceProfile"]
    assert [held["RoleName"] for held in profile["Roles"]] == ["EMR_EC2_DefaultRole"]
    assert (tmp_path / "config").read_text().count("EMR_DefaultRole") == 1


def test_everything_lasts(fresh_server: Server) -> None:
    iam = fresh_server.client("iam")
    create_role(iam, "Lasting")
    iam.put_role_policy(RoleName="Lasting", PolicyName="p", PolicyDocument=json.dumps(READ))
    fresh_server.kill()
    fresh_server.start()
    assert fresh_server.client("iam").list_role_policies(RoleName="Lasting")["PolicyNames"] == ["p"]


@pytest.fixture
def open_server(tmp_path: Any) -> Iterator[Server]:
    """One that takes any credentials."""
    started = Server(tmp_path / "home", "--no-auth")
    yield started
    started.stop()


def test_unsigned_forms_are_told_apart_by_their_version(open_server: Server) -> None:
    for action, version, expected in (("ListRoles", "2010-05-08", b"<ListRolesResult>"), ("GetCallerIdentity", "2011-06-15", b"<GetCallerIdentityResult>")):
        body = f"Action={action}&Version={version}".encode()
        request = urllib.request.Request(open_server.endpoint, body, {"Content-Type": "application/x-www-form-urlencoded"})
        with urllib.request.urlopen(request) as answer:
            assert expected in answer.read()
