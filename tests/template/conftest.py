"""Translates template.yaml as CloudFormation would, without an AWS account."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]

# The tools want a region and credentials before they read a file; none of them is used.
os.environ.update(
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="none",
    AWS_SECRET_ACCESS_KEY="none",
    SAM_CLI_TELEMETRY="0",
)


class NoManagedPolicies:
    """Stands in for the IAM call that looks up managed policies by name: the template names none."""

    def load(self):
        return {}


@pytest.fixture(scope="session")
def source():
    """template.yaml as it is written."""
    return yaml_parse((ROOT / "template.yaml").read_text())


def translated(source, **parameters):
    """The template as CloudFormation sees it, with an uploaded bundle in place of the local folder."""
    uploaded = copy.deepcopy(source)
    uploaded["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    return transform(uploaded, parameters, NoManagedPolicies())


@pytest.fixture(scope="session")
def stack(source):
    """template.yaml translated, with every parameter at its default."""
    return translated(source)


@pytest.fixture(scope="session")
def patched(tmp_path_factory):
    """template.yaml after the patch for gradual deployment."""
    folder = tmp_path_factory.mktemp("gradual")
    shutil.copy(ROOT / "template.yaml", folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "apply", ROOT / "docs" / "gradual.patch"], cwd=folder, check=True)
    return folder / "template.yaml"


@pytest.fixture(scope="session")
def stack_file(stack, tmp_path_factory):
    """The translated template as a file, for tools."""
    path = tmp_path_factory.mktemp("stack") / "stack.json"
    path.write_text(json.dumps(stack, indent=1))
    return path
