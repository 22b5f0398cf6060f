"""A stack with the patch for gradual deployment. The emulator has no CodeDeploy: each release takes over at once here."""

import json
import shutil

import boto3
import documents
from samtranslator.yaml_helper import yaml_parse
from stack import BUILD, ROOT, Stack, run


class Gradual(Stack):
    def __init__(self, name, folder, **parameters):
        super().__init__(name)
        self.checkout, self.given = folder / name, parameters
        self.checkout.mkdir()
        shutil.copy(ROOT / "template.yaml", self.checkout)
        shutil.copytree(ROOT / "docs", self.checkout / "docs")
        # Elsewhere than at the top of a repository, git would apply nothing and say nothing.
        run("git", "init", "--quiet", self.checkout)
        documents.run("pipeline.md", "git apply", self.checkout, meant={})
        self.release()

    def release(self, **parameters):
        """Deploys what stands in the checkout."""
        template = yaml_parse((self.checkout / "template.yaml").read_text())
        del template["Globals"]["Function"]["DeploymentPreference"]
        for name, body in template["Resources"].items():
            if body["Type"] == "AWS::Serverless::Function":
                body["Properties"]["CodeUri"] = str(BUILD / name)
        (self.checkout / "built.json").write_text(json.dumps(template))
        self.deploy(self.checkout / "built.json", **self.given, **parameters)

    def live(self):
        """The version of each function that requests reach."""
        functions = boto3.client("lambda")
        return [
            functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"], Qualifier="live")
            for resource in self.summaries()
            if resource["ResourceType"] == "AWS::Lambda::Function"
        ]
