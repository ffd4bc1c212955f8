"""What EMR's operations refuse, list and page; clusters that are ended while they start, and that wait for their turn."""

from __future__ import annotations

import datetime
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emr.conftest import Emr, wait_until

GROUP = {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}


def refused(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the error that the call must give."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ReleaseLabel": "emr-99.9.9"}, "The supplied release label is invalid: emr-99.9.9."),
        ({"ReleaseLabel": ""}, "ReleaseLabel is required"),
        ({"Instances": {"InstanceGroups": [{**GROUP, "InstanceType": "m5.enormous"}]}}, "Instance type 'm5.enormous' is not supported."),
        ({"Instances": {"InstanceGroups": [{**GROUP, "InstanceCount": 3}]}}, "one master instance"),
        ({"Instances": {"InstanceGroups": [{**GROUP, "InstanceRole": "CORE"}]}}, "exactly one master"),
        ({"Instances": {}}, "Instances must have"),
        ({"Applications": [{"Name": "Doom"}]}, "Specified application: Doom is invalid"),
        ({"LogUri": "/tmp/logs"}, "LogUri must be an s3:// URI"),
        ({"StepConcurrencyLevel": 5}, "StepConcurrencyLevel 5 is not supported"),
        ({"Steps": [{"Name": "s", "HadoopJarStep": {"Jar": ""}}]}, "Jar must not be empty"),
    ],
)
def test_refused_clusters(emr: Emr, change: dict[str, Any], message: str) -> None:
    """ValidationException, and no cluster."""
    before = len(emr.client.list_clusters()["Clusters"])
    request = {"Name": "bad", "ReleaseLabel": "emr-7.5.0", "Instances": {"InstanceGroups": [GROUP]}}
    code, text = refused(emr.client.run_job_flow, **{**request, **change})
    assert code == "ValidationException" and message in text
    assert len(emr.client.list_clusters()["Clusters"]) == before


def test_unknown_clusters_and_steps(emr: Emr) -> None:
    """The texts that clients look for."""
    no = "j-NOSUCHCLUSTER"
    for call in (emr.client.describe_cluster, emr.client.list_steps, emr.client.list_instances, emr.client.list_instance_groups,
                 emr.client.list_instance_fleets, emr.client.list_bootstrap_actions, emr.client.get_auto_termination_policy):
        assert refused(call, ClusterId=no) == ("InvalidRequestException", f"Cluster id '{no}' is not valid.")
    assert refused(emr.client.terminate_job_flows, JobFlowIds=[no]) == ("ValidationException", "Specified job flow ID does not exist.")
    step = {"Name": "s", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}}
    assert refused(emr.client.add_job_flow_steps, JobFlowId=no, Steps=[step]) == ("ValidationException", "Specified job flow ID does not exist.")
    assert refused(emr.client.list_clusters, Marker="nonsense")[0] == "InvalidRequestException"


def test_releases(emr: Emr) -> None:
    """ListReleaseLabels by pages and filters, DescribeReleaseLabel."""
    labels = emr.client.list_release_labels()["ReleaseLabels"]
    assert "emr-6.5.0" in labels and labels == sorted(labels, key=lambda label: [int(part) for part in label[4:].split(".")], reverse=True)
    paged: list[str] = []
    token: dict[str, str] = {}
    while token is not None:
        answer = emr.client.list_release_labels(MaxResults=7, **token)
        paged += answer["ReleaseLabels"]
        token = {"NextToken": answer["NextToken"]} if "NextToken" in answer else None  # type: ignore[assignment]
    assert paged == labels
    assert emr.client.list_release_labels(Filters={"Prefix": "emr-6", "Application": "Spark 3.4.1"})["ReleaseLabels"] == ["emr-6.15.0", "emr-6.14.0", "emr-6.13.0"]
    shown = emr.client.describe_release_label(ReleaseLabel="emr-6.5.0")
    assert {"Name": "Spark", "Version": "3.1.2"} in shown["Applications"]


def test_ended_while_it_starts(emr: Emr) -> None:
    """TERMINATED, with its step cancelled, and nothing left; tags and policies meanwhile."""
    step = {"Name": "s", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}}
    cluster = emr.create(3, Steps=[step], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}], AutoTerminationPolicy={"IdleTimeout": 3600})
    emr.client.terminate_job_flows(JobFlowIds=[cluster])
    emr.client.add_tags(ResourceId=cluster, Tags=[{"Key": "a", "Value": "3"}, {"Key": "c", "Value": ""}])
    emr.client.remove_tags(ResourceId=cluster, TagKeys=["b"])
    tags = emr.client.describe_cluster(ClusterId=cluster)["Cluster"]["Tags"]
    assert sorted((tag["Key"], tag["Value"]) for tag in tags) == [("a", "3"), ("c", "")]
    assert emr.client.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    emr.wait(cluster, "TERMINATED")
    assert emr.processes(cluster) == {}
    assert [step["Status"]["State"] for step in emr.client.list_steps(ClusterId=cluster)["Steps"]] == ["CANCELLED"]
    assert {item["Status"]["State"] for item in emr.client.list_instances(ClusterId=cluster)["Instances"]} == {"TERMINATED"}
    code, text = refused(emr.client.list_instance_fleets, ClusterId=cluster)
    assert code == "InvalidRequestException" and "mutually exclusive" in text
    assert refused(emr.client.describe_step, ClusterId=cluster, StepId="s-NOSUCHSTEP000") == ("InvalidRequestException", "Step id 's-NOSUCHSTEP000' is not valid.")


def test_too_big_for_the_machine(emr: Emr) -> None:
    """It is taken, as AWS takes what it has no capacity for, and ends with the reason."""
    cluster = emr.create(150)
    wait_until(lambda: emr.status(cluster)["State"] == "TERMINATED_WITH_ERRORS", "the cluster ends")
    reason = emr.status(cluster)["StateChangeReason"]
    assert reason["Code"] == "VALIDATION_ERROR" and "149 workers need at least" in reason["Message"]


def test_a_bootstrap_action_that_fails(emr: Emr) -> None:
    """The cluster ends, with the action named."""
    emr.put("fails.sh", "exit 7\n")
    cluster = emr.create(1, BootstrapActions=[{"Name": "b", "ScriptBootstrapAction": {"Path": "s3://scripts/fails.sh"}}])
    wait_until(lambda: emr.status(cluster)["State"] == "TERMINATED_WITH_ERRORS", "the cluster ends")
    reason = emr.status(cluster)["StateChangeReason"]
    assert reason["Code"] == "BOOTSTRAP_FAILURE" and "bootstrap action 1 returned a non-zero return code" in reason["Message"]
    assert emr.processes(cluster) == {}


def test_auto_terminate_after_steps_and_without_a_log_bucket(emr: Emr) -> None:
    """One instance that does everything; TERMINATE_CLUSTER after a failed step; a bucket that is not there costs the logs alone."""
    def step(name: str, code: int, action: str) -> dict[str, Any]:
        return {"Name": name, "ActionOnFailure": action, "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", f"exit {code}"]}}

    good = emr.create(1, keep=False, LogUri="s3://no-such-bucket/x", Steps=[step("a", 1, "CONTINUE"), step("b", 0, "CONTINUE")])
    assert emr.wait(good, "TERMINATED")["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert [item["Status"]["State"] for item in emr.client.list_steps(ClusterId=good)["Steps"]] == ["COMPLETED", "FAILED"]
    bad = emr.create(1, keep=True, Steps=[step("a", 1, "TERMINATE_CLUSTER"), step("b", 0, "CONTINUE")])
    wait_until(lambda: emr.status(bad)["State"] == "TERMINATED_WITH_ERRORS", "the cluster ends")
    assert emr.status(bad)["StateChangeReason"] == {"Code": "STEP_FAILURE", "Message": "Shut down as step failed"}
    assert [item["Status"]["State"] for item in emr.client.list_steps(ClusterId=bad)["Steps"]] == ["CANCELLED", "FAILED"]


def test_twenty_at_once_wait_for_their_turn(emr: Emr) -> None:
    """Few start, the others stay in STARTING without a process; lists are newest first, by state, time and page."""
    begun = datetime.datetime.now(datetime.timezone.utc)
    made = [emr.create(3) for _ in range(20)]
    listed = [item["Id"] for item in emr.client.list_clusters(CreatedAfter=begun)["Clusters"]]
    assert listed == made[::-1]
    wait_until(lambda: emr.processes(made[0]), "the first starts")
    time.sleep(1)  # whoever has a place has launched its master by now
    with_processes = [cluster for cluster in made if emr.processes(cluster)]
    assert with_processes == made[: len(with_processes)] and 1 <= len(with_processes) <= 4
    assert emr.status(made[-1])["State"] == "STARTING"
    starting = emr.client.list_clusters(ClusterStates=["STARTING"], CreatedAfter=begun)["Clusters"]
    assert len(starting) >= 16
    emr.client.terminate_job_flows(JobFlowIds=made[1:-1])
    emr.client.terminate_job_flows(JobFlowIds=made[:1])
    emr.wait(made[-1], "WAITING")  # its turn came
    emr.client.terminate_job_flows(JobFlowIds=made)
    for cluster in made:
        emr.wait(cluster, "TERMINATED")
    for _ in range(35):
        emr.client.terminate_job_flows(JobFlowIds=[emr.create(1)])
    pages = emr.client.get_paginator("list_clusters").paginate()
    sizes = [len(page["Clusters"]) for page in pages]
    assert sizes[0] == 50 and sum(sizes) >= 55
