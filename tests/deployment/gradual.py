"""A stack with the patch for gradual deployment. The emulator has no CodeDeploy: each release takes over at once here."""

import json
import shutil

import boto3
import documents
import yaml
from samtranslator.yaml_helper import yaml_parse
from stack import BUILD, ROOT, Stack, run


class Gradual(Stack):
    def __init__(self, name, folder, **parameters):
        super().__init__(name)
        self.checkout, self.given = folder / name, parameters
        self.built = self.checkout / ".aws-sam" / "build" / "template.yaml"
        self.checkout.mkdir()
        shutil.copy(ROOT / "template.yaml", self.checkout)
        shutil.copytree(ROOT / "docs", self.checkout / "docs")
        # Elsewhere than at the top of a repository, git would apply nothing and say nothing.
        run("git", "init", "--quiet", self.checkout)
        documents.run("pipeline.md", "git apply docs", self.checkout, meant={})
        self.release(number=False)

    def build(self):
        """Writes what `sam build` makes of the checkout's template, without what the emulator lacks."""
        template = yaml_parse((self.checkout / "template.yaml").read_text())
        template["Globals"]["Function"].pop("DeploymentPreference", None)
        for name, body in template["Resources"].items():
            if body["Type"] == "AWS::Serverless::Function":
                body["Properties"]["CodeUri"] = str(BUILD / name)
        self.built.parent.mkdir(parents=True, exist_ok=True)
        self.built.write_text(yaml.safe_dump(json.loads(json.dumps(template)), sort_keys=False))

    def release(self, number=True, **parameters):
        """Builds and deploys what stands in the checkout, with a number of its own if the guide is followed."""
        self.build()
        if number:
            documents.run("pipeline.md", "sed -i.bak", self.checkout, meant={})
        self.deploy(self.built, **self.given, **parameters)

    def live(self):
        """The version of each function that requests reach."""
        functions = boto3.client("lambda")
        return [
            functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"], Qualifier="live")
            for resource in self.summaries()
            if resource["ResourceType"] == "AWS::Lambda::Function"
        ]
