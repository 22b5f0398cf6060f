"""A stack: deployed by the SAM CLI, and spoken to over HTTP."""

import http.client
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parents[2]
# What `sam build` made.
BUILD = Path(os.environ["BUILD"]).resolve()
EMULATOR = os.environ["AWS_ENDPOINT_URL"]
STRIPE = os.environ["STRIPE_API_URL"]

# The key of the user who deploys, who has the rights of docs/deployer.json and no others.
DEPLOYER = {}

# The answers of the shop, and where Stripe is.
GIVEN = {
    "SuccessUrl": "https://shop.example/thanks/{number}",
    "CancelUrl": "https://shop.example/cart",
    "AllowedOrigins": "https://shop.example",
    "StripeApiUrl": STRIPE,
}


def request(url, method="GET", body=None, headers=()):
    """One request. Every host is the emulator or the Stripe sandbox, which tell their sites apart by name."""
    address, site = urlsplit(url), urlsplit(url)
    if address.hostname.endswith(".localhost"):
        address = urlsplit(EMULATOR)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    target = site.path + (f"?{site.query}" if site.query else "")
    connection.request(method, target, body=body, headers={"Host": site.netloc, **dict(headers)})
    response = connection.getresponse()
    answer = Answer(
        response.status, dict((name.lower(), value) for name, value in response.getheaders()), response.read()
    )
    connection.close()
    return answer


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode()

    def json(self):
        return json.loads(self.text)

    def ok(self):
        assert self.status == 200, f"{self.status}: {self.text}"
        return self.json()


class Stack:
    """A stack in the emulator."""

    def __init__(self, name):
        self.name = name

    def deploy(self, template=BUILD / "template.yaml", **parameters):
        """Runs `sam deploy`, for a new stack and for an update alike."""
        given = {**GIVEN, **parameters}
        run(
            "sam", "deploy", "--template-file", template, "--stack-name", self.name, "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
            "--parameter-overrides", *overrides(given), env={**os.environ, **DEPLOYER},
        )  # fmt: skip

    def delete(self):
        command = [
            "sam",
            "delete",
            "--stack-name",
            self.name,
            "--region",
            os.environ["AWS_DEFAULT_REGION"],
            "--no-prompts",
        ]
        run(*command, env={**os.environ, **DEPLOYER})

    def outputs(self):
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def output(self, name):
        return self.outputs()[name]

    def summaries(self):
        """What there is in the stack."""
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def resources(self):
        """The physical ids by the names in the template."""
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in self.summaries()}

    def table(self, output):
        return boto3.resource("dynamodb").Table(self.output(output))

    def send(self, method, path, body=None, headers=()):
        return request(self.output("ApiUrl") + path, method, body, headers)

    def products(self):
        return self.send("GET", "/products?limit=100").ok()["data"]

    def product(self, id):
        return self.send("GET", f"/products/{id}").ok()

    def order(self, number):
        return self.send("GET", f"/orders/{number}")

    def sync(self):
        """Runs the function as its schedule does, and waits for its report."""
        answer = boto3.client("lambda").invoke(FunctionName=self.output("SyncFunction"), Payload=b"{}")
        report = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, report
        return report


class Merchant:
    """A user of the account who may call the routes below /admin, by the policy of the guide."""

    def __init__(self, stack, name, policy):
        iam = boto3.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="orders", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.stack, self.keys = stack, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def environment(self):
        """The keys, as programs find them."""
        return {"AWS_ACCESS_KEY_ID": self.keys.access_key, "AWS_SECRET_ACCESS_KEY": self.keys.secret_key}

    def send(self, method, path, body=None, accept="application/json", keys=None):
        """A signed request.

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
        """
        headers = {"Accept": accept} | ({"Content-Type": "application/json"} if body else {})
        url = self.stack.output("AdminUrl") + path
        asked = AWSRequest(method=method, url=url, data=body or b"", headers=headers)
        SigV4Auth(keys or self.keys, "execute-api", os.environ["AWS_DEFAULT_REGION"]).add_auth(asked)
        return request(url, method, body, dict(asked.headers))


class Shopper:
    """A client of a stack, with a cart or without one yet."""

    def __init__(self, stack, token=None):
        self.stack, self.token = stack, token

    def send(self, method, path, body=None, headers=()):
        headers = dict(headers)
        if self.token:
            headers["Cart-Token"] = self.token
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        answer = self.stack.send(method, path, body, headers)
        self.token = answer.headers.get("cart-token", self.token)
        return answer

    def cart(self):
        return self.send("GET", "/cart").ok()

    def add(self, price, quantity=1):
        return self.send("POST", "/cart/add", {"items": [{"price": price, "quantity": quantity}]}).ok()

    def update(self, **body):
        return self.send("POST", "/cart/update", body).ok()

    def clear(self):
        return self.send("POST", "/cart/clear").ok()

    def checkout(self):
        """The session of the cart."""
        return self.send("POST", "/cart/checkout").ok()

    def land(self, session):
        """Comes back from Stripe's page. Where the shop sends the shopper."""
        link = urlsplit(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
        answer = self.stack.send("GET", f"{link.path}?{link.query}")
        assert answer.status == 303, f"{answer.status}: {answer.text}"
        return answer.headers["location"]


def overrides(parameters):
    return [f"ParameterKey={name},ParameterValue={value}" for name, value in parameters.items()]


def run(*command, **more):
    """Runs a command to its end; what it printed is shown if it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout
