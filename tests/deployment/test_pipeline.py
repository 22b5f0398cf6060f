"""The pipeline of the guide: the role that it takes, and its two jobs."""

import json
import os
import re
import subprocess

import boto3
import documents
import pytest
import yaml
from stack import DEPLOYER, ROOT, run

ROLE = "deploy-cartwright"


@pytest.fixture(scope="module")
def workflow():
    (text,) = re.findall(r"^```yaml\n(.*?)^```", documents.DOCUMENTS["pipeline.md"].read_text(), re.M | re.S)
    return yaml.safe_load(text)


def test_the_repository_is_named_as_githubs_token_names_it():
    """Source: https://github.com/github/docs/pull/45221, https://docs.github.com/en/rest/repos/repos#get-a-repository"""
    command = documents.written_in_a_sentence("pipeline.md", "gh api repos/<owner>/<name> --jq ")
    answer = json.dumps({"id": 456789, "name": "my-repo", "owner": {"login": "octocat", "id": 123456}})

    named = run("bash", "-c", command.replace("gh api repos/<owner>/<name> --jq", "jq --raw-output"), input=answer).strip()

    assert f"repo:{named}:ref:refs/heads/main" == "repo:octocat@123456/my-repo@456789:ref:refs/heads/main"


@pytest.mark.parametrize("repository", ["octocat@123456/my-repo@456789", "octocat/my-repo"])
def test_the_main_branch_of_one_repository_may_take_the_role_that_deploys(shop, deployer, repository):
    documents.run("pipeline.md", "aws iam create-open-id", shop, meant={"<repository>": repository})
    documents.run("pipeline.md", "aws iam put-role-policy --role-name deploy-cartwright --policy-name gradual", shop, meant={})

    iam = boto3.client("iam")
    (statement,) = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    (provider,) = [known["Arn"] for known in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    assert statement["Principal"] == {"Federated": provider}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    # Source: https://docs.github.com/en/actions/reference/security/oidc
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:{repository}:ref:refs/heads/main",
        }
    }
    for policy, file in (("deploy", "deployer.json"), ("gradual", "deployer-gradual.json")):
        rights = iam.get_role_policy(RoleName=ROLE, PolicyName=policy)["PolicyDocument"]
        assert rights == json.loads((ROOT / "docs" / file).read_text())
        # The rights to change roles end before this one.
        resources = [statement["Resource"] for statement in rights["Statement"]]
        assert f"arn:aws:iam::*:role/{ROLE}" not in json.dumps(resources)
        iam.delete_role_policy(RoleName=ROLE, PolicyName=policy)
    iam.delete_role(RoleName=ROLE)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)


def test_what_compiles_has_no_credentials_and_what_has_them_compiles_nothing(workflow):
    build, deploy = workflow["jobs"]["build"], workflow["jobs"]["deploy"]

    def commands(job):
        return "\n".join(step.get("run", "") for step in job["steps"])

    assert workflow["concurrency"] == {"group": "deploy"}
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in build
    assert deploy["permissions"] == {"contents": "read", "id-token": "write"}
    assert deploy["needs"] == "build"
    assert not re.search(r"cargo|rustup|sam build|lambda", commands(deploy))
    # What is installed comes by hashes of files that are there, and before there are credentials.
    for job in (build, deploy):
        for command in re.findall(r"pip install .*", commands(job)):
            assert "--require-hashes --no-deps" in command
            assert all((ROOT / file).is_file() for file in re.findall(r"-r (\S+)", command))
    uses = [step.get("uses", "") for step in deploy["steps"]]
    (credentials,) = [number for number, action in enumerate(uses) if action.startswith("aws-actions/")]
    assert [step.get("run", "")[:10] for step in deploy["steps"][credentials + 1 :]] == ["sam deploy"]


def test_what_one_job_builds_the_other_deploys(stack, workflow, shop, tmp_path):
    """The second job has the files of the repository and the archive of the first, and nothing else."""
    packs, unpacks, deploys = [
        next(step["run"] for step in workflow["jobs"][job]["steps"] if step.get("run", "").startswith(words))
        for job, words in (("build", "tar"), ("deploy", "tar"), ("deploy", "sam deploy"))
    ]
    # The tests' checkout has a link where `sam build` makes a folder.
    run("bash", "-c", packs.replace("--create", "--create --dereference --hard-dereference"), cwd=shop)
    (shop / "build.tar").rename(tmp_path / "build.tar")
    for file in ("shop.toml", "template.yaml"):
        (tmp_path / file).write_bytes((shop / file).read_bytes())
    before = stack.resources()

    run("bash", "-c", unpacks, cwd=tmp_path)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", deploys],
        cwd=tmp_path, env={**os.environ, **DEPLOYER}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert os.access(tmp_path / ".aws-sam/build/Get/bootstrap", os.X_OK)
    assert stack.resources() == before
