"""One emulated account: a shop that comes from version 0.1.0, and a second stack beside it."""

import json
import time

import boto3
import documents
import merchant
import pytest
from gradual import Gradual
from samtranslator.yaml_helper import yaml_parse
from services import Streams
from stack import BUILD, DEPLOYER, GIVEN, ROOT, Shopper, Stack
from stripe import KEY, Stripe

# A shop's life: each file goes on where the one before it ended.
ORDER = [
    "shims", "update", "buying", "events", "staging", "parameters", "pipeline", "gradual", "secrets", "operating",
    "rollback", "removal", "documents", "rights",
]  # fmt: skip

WEBHOOK_SECRET = "whsec_of_the_first_endpoint"
STAGING = {
    "StripeSecretKeyParameter": "/cartwright-staging/stripe-secret-key",
    "StripeWebhookSecretParameter": "/cartwright-staging/stripe-webhook-secret",
}

BEFORE = ROOT / "tests" / "upgrade" / "0.1.0"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where commands of the documents are run."""
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(scope="session")
def stripe():
    """The Stripe account that both stacks share."""
    return Stripe(12112)


@pytest.fixture(scope="session")
def seen():
    """What the stacks were made of, by name, written down before they are deleted."""
    return {}


def made_of(stack):
    """The physical ids of a stack, and the rights of its roles."""
    iam, physical = boto3.client("iam"), stack.resources()
    roles = [name for name in physical if name.endswith("Role")]
    statements = {
        role: [
            statement
            for policy in iam.list_role_policies(RoleName=physical[role])["PolicyNames"]
            for statement in iam.get_role_policy(RoleName=physical[role], PolicyName=policy)["PolicyDocument"][
                "Statement"
            ]
        ]
        for role in roles
    }
    managed = {
        role: [
            policy["PolicyArn"]
            for policy in iam.list_attached_role_policies(RoleName=physical[role])["AttachedPolicies"]
        ]
        for role in roles
    }
    kinds = {resource["ResourceType"] for resource in stack.summaries()}
    return {"physical": physical, "kinds": kinds, "roles": statements, "managed": managed}


@pytest.fixture(scope="session")
def snapshot():
    """What a shop of 0.1.0 had stored, as if it had been made just now."""
    return Snapshot()


@pytest.fixture(scope="session")
def deployer():
    """Gives the user who deploys the rights that the guide lists."""
    iam, name = boto3.client("iam"), "deployer"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="deployer", PolicyDocument=(ROOT / "docs/deployer.json").read_text())
    key = iam.create_access_key(UserName=name)["AccessKey"]
    DEPLOYER.update(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])


@pytest.fixture(scope="session")
def released(folder):
    """Where the template of 0.1.0 stands."""
    return folder / "0.1.0.json"


@pytest.fixture(scope="session")
def before(folder, snapshot, deployer, released):
    """The stack as 0.1.0 left it, with its rows."""
    documents.run("deploy.md", "aws ssm put-parameter --type", folder, meant={"rk_test_…": KEY})
    stack = Stack("cartwright")
    template = yaml_parse((BEFORE / "template.yaml").read_text())
    for name, body in template["Resources"].items():
        if body["Type"] == "AWS::Serverless::Function":
            body["Properties"]["CodeUri"] = str(BUILD / name)
    released.write_text(json.dumps(template))
    stack.deploy(released)
    physical = stack.resources()
    for table, output in (("carts", "CartsTable"), ("catalog", "CatalogTable"), ("orders", "OrdersTable")):
        client, name = boto3.client("dynamodb"), stack.output(output)
        for row in snapshot.rows(table):
            client.put_item(TableName=name, Item=row)
    return physical


@pytest.fixture(scope="session")
def shop(folder):
    """The checkout of who deploys."""
    return merchant.checkout(folder)


@pytest.fixture(scope="session")
def stack(before, stripe, folder, shop, seen):
    """The stack of this version, in place of the one of 0.1.0, deployed as the guide says."""
    stack = Stack("cartwright")
    documents.run("deploy.md", "cp shop.example.toml", shop, meant={})
    # 0.1.0 told of events unless it was told otherwise.
    merchant.fill_in(shop / "shop.toml", **GIVEN, EventPipes="RUNNING")
    block = documents.take("deploy.md", "sam build && sam deploy --config-file shop.toml")
    assert merchant.types(block, shop, {"Deploy this changeset?": "y"}) == ["Deploy this changeset?"]
    seen[stack.name] = made_of(stack)
    stripe.register(stack.output("WebhookUrl"), WEBHOOK_SECRET)
    documents.run("deploy.md", "aws ssm put-parameter --overwrite", folder, meant={"whsec_…": WEBHOOK_SECRET})
    return stack


@pytest.fixture(scope="session")
def catalogue(stack, folder):
    """The stack, which has copied Stripe's products and prices."""
    documents.run("deploy.md", "aws lambda invoke", folder, meant={"<SyncFunction>": stack.output("SyncFunction")})
    return stack


@pytest.fixture
def shopper(catalogue):
    """A shopper of the first stack."""
    return Shopper(catalogue)


@pytest.fixture(scope="session")
def streams(stack):
    """The streams of the first stack's tables."""
    return Streams(stack)


@pytest.fixture(scope="session")
def boundary(shop):
    """The boundary that the guide has who deploys give every role."""
    return documents.run("deploy.md", "aws iam create-policy", shop, meant={}).strip()


@pytest.fixture(scope="session")
def staging(stack, stripe, shop, seen, boundary):
    """A second stack in the same account, for the same Stripe account. Its roles have a boundary."""
    secrets = boto3.client("ssm")
    secrets.put_parameter(Name=STAGING["StripeSecretKeyParameter"], Value=KEY, Type="SecureString")
    secrets.put_parameter(
        Name=STAGING["StripeWebhookSecretParameter"], Value="whsec_of_the_second_endpoint", Type="SecureString"
    )
    staging = Stack("cartwright-staging")
    (shop / "shop-staging.toml").write_text((shop / "shop.toml").read_text())
    settings = {**STAGING, "stack_name": staging.name, "EventPipes": "NONE", "PermissionsBoundaryArn": boundary}
    merchant.fill_in(shop / "shop-staging.toml", **settings)
    block = documents.take("deploy.md", "sam build && sam deploy --config-file shop-staging.toml")
    merchant.types(block, shop, {"Deploy this changeset?": "y"})
    seen[staging.name] = made_of(staging)
    stripe.register(staging.output("WebhookUrl"), "whsec_of_the_second_endpoint")
    staging.sync()
    return staging


@pytest.fixture(scope="session")
def guided(staging, shop):
    """A third stack, deployed by a stranger who answers the questions that have no default and else presses Enter."""
    stack, before = Stack("cartwright-guided"), merchant.files(shop)
    answers = {f"Parameter {name}": value for name, value in {**GIVEN, **STAGING}.items()}
    command = "sam build && sam deploy --guided"
    assert command in documents.DOCUMENTS["deploy.md"].read_text()
    stack.asked = merchant.types(command, shop, {**answers, "Stack Name": stack.name})
    after = merchant.files(shop)
    stack.written = {name for name in after if after[name] != before.get(name)}
    return stack


@pytest.fixture(scope="session")
def gradual(staging, folder, boundary):
    """A fourth stack, with the patch for gradual deployment. Its roles have a boundary."""
    return Gradual("cartwright-gradual", folder, **STAGING, PermissionsBoundaryArn=boundary)


class Snapshot:
    """The data of tests/upgrade/0.1.0, whose README.md says what is in it and where times are."""

    SECONDS = ("created", "updated", "exp")

    def __init__(self):
        self.shift = int(time.time()) - self.read("snapshot.json")["made_at"]

    def read(self, name):
        return json.loads((BEFORE / name).read_text())

    def rows(self, table):
        return [self.later(row) for row in self.read(f"tables/{table}.json")]

    def later(self, row):
        for name in self.SECONDS:
            if name in row:
                row[name] = {"N": str(int(row[name]["N"]) + self.shift)}
        return row
