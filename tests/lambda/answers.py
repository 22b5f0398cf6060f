#!/usr/bin/env python3
"""Has built functions answer the events in `events`, as Lambda would.

    tests/lambda/answers.py target/sam/build                        # all that `sam build` built
    tests/lambda/answers.py target/lambda get checkout              # these of what `cargo lambda build` built
    RUN_WITH=qemu-aarch64-static tests/lambda/answers.py …          # on a processor that is emulated

Each function runs as its own process, in the environment that the template gives it, under a Runtime API and a Parameter
Store that are played here. DynamoDB and Stripe are the local stack's, on their usual ports.
"""

import json
import os
import queue
import shlex
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"

# What a deployment asks for, and the stack's own addresses.
GIVEN = {
    "SuccessUrl": "http://127.0.0.1:3000/thanks/{number}",
    "CancelUrl": "http://127.0.0.1:3000/",
    "AllowedOrigins": "http://127.0.0.1:3000",
    "StripeApiUrl": "http://127.0.0.1:12111",
    "ShopId": "local",
    "Carts": "carts",
    "Catalog": "catalog",
    "Orders": "orders",
    "Events": "cartwright",
    "EventFailures": "https://sqs.us-east-1.amazonaws.com/123456789012/failures",
    "OrderIndex": "order-index",
    "StripeSecretKeyParameter": "/cartwright/stripe-secret-key",
    "StripeWebhookSecretParameter": "/cartwright/stripe-webhook-secret",
}
SECRETS = {
    "/cartwright/stripe-secret-key": "sk_test_cartwright",
    "/cartwright/stripe-webhook-secret": "whsec_cartwright_0123456789",
}

# There is no cart yet, the webhook's signature is long expired, and Stripe knows no such session. Sync and Publish have no HTTP
# answer.
STATUS = {
    "Get": 200, "Add": 200, "Update": 200, "Clear": 200, "Checkout": 400, "StripeWebhook": 400, "FinishOrder": 303,
    "Order": 404, "AdminOrders": 404, "Products": 200, "Sync": None, "Publish": None,
}  # fmt: skip

# The samples about a session of this shop: Stripe does not know it, and is to send the event again.
OF_UNKNOWN_SESSIONS = {
    f"checkout.session.{event}" for event in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
}

# A line about a plain success is no longer than this.
LINE = 300


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says nothing: a function that is ended hangs up."""


class Function:
    """One execution environment of a function."""

    def __init__(self, build, template, name):
        self.name = name
        self.binary = template["Resources"][name]["Metadata"]["BuildProperties"]["Binary"]
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.lines = []
        self.server = Server(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{self.server.server_port}"
        environment = self.settings(template) | {
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:8000",
            "AWS_ENDPOINT_URL_SSM": f"http://{address}",
            "AWS_ENDPOINT_URL_EVENTBRIDGE": f"http://{address}",
        }
        # `sam build` names a folder after the resource, `cargo lambda build` after the binary.
        folder = build / name if (build / name).exists() else build / self.binary
        self.process = subprocess.Popen(
            [*shlex.split(os.environ.get("RUN_WITH", "")), folder / "bootstrap"], env=environment, cwd="/", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()
        threading.Thread(target=self.watch, daemon=True).start()

    def settings(self, template):
        """The variables that the template sets, resolved."""

        def resolved(value):
            match value:
                case {"Ref": name}:
                    return GIVEN.get(name, template["Parameters"].get(name, {}).get("Default"))
                case {"Fn::If": [condition, given, default]}:
                    # Conditions are named after the parameter that they are about.
                    return resolved(given) if GIVEN.get(condition.removeprefix("Has")) else resolved(default)
                case {"Fn::Join": [separator, value]}:
                    return separator.join([resolved(value)])
                case {"Fn::Sub": text}:
                    return text.replace("${AWS::StackName}", "cartwright")
            return value

        everyone = template["Globals"]["Function"]["Environment"]["Variables"]
        own = template["Resources"][self.name]["Properties"].get("Environment", {}).get("Variables", {})
        return {name: str(resolved(value)) for name, value in {**everyone, **own}.items()}

    def handler(self):
        function = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                request_id, event = function.events.get()
                self.answer(event, {
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 28_000),
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{function.name}",
                })  # fmt: skip

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("X-Amz-Target") == "AmazonSSM.GetParameters":
                    found = [{"Name": name, "Value": SECRETS[name]} for name in json.loads(body)["Names"]]
                    self.answer(json.dumps({"Parameters": found, "InvalidParameters": []}).encode())
                    return
                if self.headers.get("X-Amz-Target") == "AWSEvents.PutEvents":
                    taken = [{"EventId": event["DetailType"]} for event in json.loads(body)["Entries"]]
                    self.answer(json.dumps({"FailedEntryCount": 0, "Entries": taken}).encode())
                    return
                *_, kind = self.path.split("/")
                self.answer(b"", status=202)
                function.answers.put((kind, body.decode()))

            def answer(self, body, headers=(), status=200):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def watch(self):
        self.answers.put(("end", f"it ended with {self.process.wait()}"))

    def invoke(self, event):
        """What it answers, and the line that it wrote about that."""
        request_id = str(uuid.uuid4())
        self.events.put((request_id, json.dumps(event).encode()))
        kind, body = self.answers.get(timeout=60)
        assert kind == "response", f"{kind}: {body}\n{''.join(self.lines)}"
        # The line is written before the answer is sent, but read by another thread.
        until = time.monotonic() + 10
        while not (lines := [line for line in list(self.lines) if request_id in line]) and time.monotonic() < until:
            time.sleep(0.01)
        assert len(lines) == 1, f"{len(lines)} lines about {request_id}:\n{''.join(self.lines)}"
        return json.loads(body), lines[0].rstrip("\n")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.server.shutdown()
        for line in self.lines:
            assert {"timestamp", "level"} <= json.loads(line).keys(), line
            assert not [secret for secret in SECRETS.values() if secret in line], "a secret is in the log"


def answers(function, event, status):
    answer, line = function.invoke(event)
    logged = json.loads(line)
    assert not answer.get("batchItemFailures"), answer
    assert answer.get("statusCode") == status, answer
    assert (logged["function"], logged.get("status")) == (function.binary, status), line
    assert "_aws" in logged or len(line) <= LINE, f"{len(line)} characters: {line}"


def signed(file):
    command = [sys.executable, EVENTS / "stripe/sign.py", file, SECRETS["/cartwright/stripe-webhook-secret"]]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def functions_of(build):
    """The template that was built, and the binaries of its functions by their names."""
    built = build / "template.yaml"
    template = yaml_parse((built if built.exists() else ROOT / "template.yaml").read_text())
    return template, {
        name: body["Metadata"]["BuildProperties"]["Binary"]
        for name, body in template["Resources"].items()
        if body["Type"] == "AWS::Serverless::Function"
    }


def main(build, *binaries):
    template, functions = functions_of(build)
    assert set(functions) == set(STATUS)
    assert set(binaries) <= set(functions.values())
    for name, binary in functions.items():
        if binaries and binary not in binaries:
            continue
        function = Function(build, template, name)
        try:
            event = json.loads((EVENTS / f"{function.binary}.json").read_text())
            for _ in range(2):
                answers(function, event, STATUS[name])
            if name == "StripeWebhook":
                for file in sorted((EVENTS / "stripe").glob("*.json")):
                    answers(function, signed(file), 500 if file.stem in OF_UNKNOWN_SESSIONS else 200)
                    print(f"ok {name}: {file.stem}")
        finally:
            function.end()
        print(f"ok {name}: {STATUS[name] or 'done'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
