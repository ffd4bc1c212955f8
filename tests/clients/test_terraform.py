"""Terraform's AWS provider over examples/terraform: it applies, plans nothing more, takes changes, imports, destroys.

Nothing here can be installed from a package registry, so these tests run only where both programs are given: SOLDER_TERRAFORM (terraform or tofu)
and SOLDER_TERRAFORM_PROVIDER (a folder with terraform-provider-aws). Elsewhere they are skipped, and prove nothing.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
from typing import Any

import pytest

from tests.aws.conftest import ROOT, Server
from tests.clients.conftest import body, server  # noqa: F401 - the fixture

TERRAFORM = os.environ.get("SOLDER_TERRAFORM", "")
PROVIDER = os.environ.get("SOLDER_TERRAFORM_PROVIDER", "")
pytestmark = pytest.mark.skipif(not (TERRAFORM and PROVIDER), reason="SOLDER_TERRAFORM and SOLDER_TERRAFORM_PROVIDER name no programs")

NOTHING, CHANGES = 0, 2


def must_resolve(name: str) -> None:
    """Skips the test on a machine whose resolver knows nothing below localhost."""
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror:
        pytest.skip(f"{name} does not resolve here")


class Terraform:
    """A copy of the example with a state of its own."""

    def __init__(self, server: Server, folder: pathlib.Path, **variables: Any) -> None:  # noqa: F811
        shutil.copytree(ROOT / "examples" / "terraform", folder / "terraform")
        shutil.copy(ROOT / "examples" / "glue_job.py", folder)
        self.folder = folder / "terraform"
        settings = folder / "settings.tfrc"
        source = "registry.opentofu.org" if pathlib.Path(TERRAFORM).name == "tofu" else "registry.terraform.io"
        settings.write_text(f'provider_installation {{\n  dev_overrides {{ "{source}/hashicorp/aws" = "{PROVIDER}" }}\n}}\n')
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        self.env = {
            **kept,
            **{name: value for name, value in server.variables.items() if name != "AWS_ENDPOINT_URL"},
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
            "TF_VAR_endpoint": server.endpoint,
        }
        self.tell(**variables)

    def tell(self, **variables: Any) -> None:
        """Set variables of the configuration."""
        self.env.update({f"TF_VAR_{name}": str(value).lower() if isinstance(value, bool) else str(value) for name, value in variables.items()})

    def try_(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A call that may fail."""
        return subprocess.run([TERRAFORM, *arguments, "-no-color"], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=500)

    def __call__(self, *arguments: str) -> str:
        """A call that must succeed; what it printed."""
        done = self.try_(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def drift(self) -> str:
        """What another apply would change; empty when nothing."""
        done = self.try_("plan", "-detailed-exitcode", "-input=false")
        assert done.returncode in (NOTHING, CHANGES), done.stdout + done.stderr
        return done.stdout if done.returncode == CHANGES else ""

    def must_be_settled(self) -> None:
        """Another apply would change nothing."""
        drift = self.drift()
        assert not drift, drift[drift.find("Terraform will perform") :]


@pytest.mark.parametrize("path_style", [True, False], ids=["buckets in the path", "buckets in host names"])
def test_applied_changed_imported_destroyed(server: Server, tmp_path: pathlib.Path, path_style: bool) -> None:  # noqa: F811
    name = "pathed" if path_style else "hosted"
    if not path_style:
        must_resolve(f"{name}-data.localhost")
    endpoint = server.endpoint if path_style else f"http://localhost:{server.port}"
    terraform = Terraform(server, tmp_path, name=name, path_style=path_style, endpoint=endpoint)
    s3, glue, iam = (server.client(service) for service in ("s3", "glue", "iam"))

    terraform("apply", "-auto-approve", "-input=false")
    terraform.must_be_settled()
    assert body(s3, f"{name}-scripts", "notes/stage.txt") == b"stage test\n"
    assert body(s3, f"{name}-scripts", "glue_job.py") == (ROOT / "examples" / "glue_job.py").read_bytes()
    assert glue.get_job(JobName=name)["Job"]["DefaultArguments"]["--stage"] == "test"

    terraform.tell(stage="live", expire_days=10)
    assert terraform.drift() != ""
    terraform("apply", "-auto-approve", "-input=false")
    terraform.must_be_settled()
    assert body(s3, f"{name}-scripts", "notes/stage.txt") == b"stage live\n"
    assert glue.get_job(JobName=name)["Job"]["DefaultArguments"]["--stage"] == "live"
    assert {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=f"{name}-data")["Rules"]}["temporary"]["Expiration"]["Days"] == 10

    for address, identity in (("aws_s3_bucket.data", f"{name}-data"), ("aws_glue_job.job", name), ("aws_iam_role.job", f"{name}-job")):
        terraform("state", "rm", address)
        terraform("import", "-input=false", address, identity)
    terraform("apply", "-auto-approve", "-input=false")  # what only the configuration says, such as force_destroy
    terraform.must_be_settled()

    terraform("destroy", "-auto-approve", "-input=false")
    assert not [found for found in s3.list_buckets()["Buckets"] if found["Name"].startswith(name)]
    assert name not in glue.list_jobs()["JobNames"]
    assert not [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(name)]
    assert terraform("state", "list") == ""


def test_a_cluster_with_a_step(server: Server, tmp_path: pathlib.Path) -> None:  # noqa: F811
    terraform = Terraform(server, tmp_path, name="clustered", cluster=True)
    emr = server.client("emr")
    terraform("apply", "-auto-approve", "-input=false")
    terraform.must_be_settled()
    found = [cluster for cluster in emr.list_clusters()["Clusters"] if cluster["Name"] == "clustered"]
    assert len(found) == 1
    emr.get_waiter("step_complete").wait(
        ClusterId=found[0]["Id"], StepId=emr.list_steps(ClusterId=found[0]["Id"])["Steps"][0]["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    terraform("destroy", "-auto-approve", "-input=false")
    assert emr.describe_cluster(ClusterId=found[0]["Id"])["Cluster"]["Status"]["State"] in ("TERMINATING", "TERMINATED")
