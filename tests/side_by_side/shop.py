"""A shop whose requests are answered by functions of either version."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from itertools import product

import answers
import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

RELEASED, THIS = "released", "this"
BOTH = (RELEASED, THIS)

STRIPE = "http://127.0.0.1:12111"
DYNAMODB = boto3.client(
    "dynamodb",
    endpoint_url="http://127.0.0.1:8000",
    region_name="us-east-1",
    aws_access_key_id="local",
    aws_secret_access_key="local",
)
KEY = answers.SECRETS["/cartwright/stripe-secret-key"]
SIGNING_SECRET = answers.SECRETS["/cartwright/stripe-webhook-secret"]

# Resources of template.yaml by method and path.
ROUTES = {
    "GET /cart": "Get",
    "POST /cart/add": "Add",
    "POST /cart/update": "Update",
    "POST /cart/clear": "Clear",
    "POST /cart/checkout": "Checkout",
    "POST /stripe/webhook": "StripeWebhook",
    "GET /finish-order": "FinishOrder",
    "GET /products": "Products",
}


def every_order(steps):
    """Every way to have the versions do some steps."""
    return [pytest.param(*who, id="-".join(who)) for who in product(BOTH, repeat=steps)]


class Function(answers.Function):
    """One execution environment, with further settings."""

    def __init__(self, build, template, name, further):
        self.further = further
        super().__init__(build, template, name)

    def settings(self, template):
        # What one function has read a minute ago, the next may have changed.
        return super().settings(template) | {"CATALOG_CACHE_SECONDS": "0"} | self.further

    def handler(self):
        class Handler(super().handler()):
            def do_POST(self):
                # How 0.1.0 reads a secret.
                if self.headers.get("X-Amz-Target") != "AmazonSSM.GetParameter":
                    return super().do_POST()
                name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Name"]
                return self.answer(json.dumps({"Parameter": {"Value": answers.SECRETS[name]}}).encode())

        return Handler

    def answer(self, event):
        self.events.put((f"request-{time.monotonic_ns()}", json.dumps(event).encode()))
        kind, body = self.answers.get(timeout=60)
        assert kind == "response", f"{kind}: {body}\n{''.join(self.lines)}"
        return json.loads(body)


class Version:
    """The functions of a version, each started when it is first asked."""

    def __init__(self, name, folder, binaries, template):
        self.template = yaml_parse(template.read_text())
        self.build = folder / name
        self.running = {}
        for function, body in self.template["Resources"].items():
            if body["Type"] == "AWS::Serverless::Function":
                (self.build / function).mkdir(parents=True)
                binary = binaries / body["Metadata"]["BuildProperties"]["Binary"]
                (self.build / function / "bootstrap").symlink_to(binary.resolve(strict=True))

    def function(self, name, **further):
        key = (name, *sorted(further.items()))
        if key not in self.running:
            self.running[key] = Function(self.build, self.template, name, further)
        return self.running[key]

    def end(self):
        for function in self.running.values():
            function.end()


class Answer:
    def __init__(self, answer):
        self.status = answer["statusCode"]
        self.headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
        body = answer.get("body") or ""
        self.text = base64.b64decode(body).decode() if answer.get("isBase64Encoded") else body

    def ok(self):
        assert self.status == 200, f"{self.status}: {self.text}"
        return json.loads(self.text)

    def error(self, status):
        assert self.status == status, f"{self.status}: {self.text}"
        return json.loads(self.text)["code"]


class Shop:
    """Both versions of the functions, the tables and Stripe."""

    def __init__(self, versions):
        self.versions = versions

    def ask(self, version, method, path, body=None, headers=(), query="", **further):
        """Has the function of this version answer a request, as API Gateway hands it over."""
        name = ROUTES.get(f"{method} {path}", "AdminOrders" if path.startswith("/admin/") else "Order")
        headers = {"host": "api.example.com", "x-forwarded-proto": "https", **dict(headers)}
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
                "domainName": "api.example.com",
                "requestId": "event",
                "stage": "$default",
                "timeEpoch": 1795348800000,
            },
            "isBase64Encoded": False,
        }
        if query:
            event["queryStringParameters"] = dict(urllib.parse.parse_qsl(query))
        if name == "Order":
            event["pathParameters"] = {"number": path.rsplit("/", 1)[1]}
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
            headers.setdefault("content-type", "application/json")
        return Answer(self.versions[version].function(name, **further).answer(event))

    def shopper(self):
        return Shopper(self)

    def deliver(self, version, event):
        """Hands one of Stripe's events to the webhook of this version."""
        body, now = json.dumps(event), int(time.time())
        digest = hmac.new(SIGNING_SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
        return self.ask(version, "POST", "/stripe/webhook", body, {"stripe-signature": f"t={now},v1={digest}"})

    def land(self, version, session):
        """The shopper comes back from Stripe's page. Returns where they are sent."""
        link = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        answer = self.ask(version, "GET", "/finish-order", query=urllib.parse.urlsplit(link).query)
        assert answer.status == 303, f"{answer.status}: {answer.text}"
        return answer.headers["location"]

    def order(self, version, session):
        return self.ask(version, "GET", f"/orders/{order_number(session)}")

    def anonymise(self, session):
        """Has the new version, which alone can, take the buyer out of an order."""
        return self.ask(THIS, "POST", f"/admin/orders/{order_number(session)}/anonymise")

    def sync(self, version):
        return self.versions[version].function("Sync").answer({})


class Shopper:
    """Who has a cart."""

    def __init__(self, shop):
        self.shop, self.token = shop, None

    def ask(self, version, method, path, body=None, key=None, **further):
        headers = {"cart-token": self.token} if self.token else {}
        if key:
            headers["idempotency-key"] = key
        answer = self.shop.ask(version, method, path, body, headers, **further)
        self.token = answer.headers.get("cart-token", self.token)
        return answer

    def cart(self, version):
        return self.ask(version, "GET", "/cart").ok()

    def add(self, version, *items, key=None, **more):
        items = [{"price": item} if isinstance(item, str) else item for item in items]
        return self.ask(version, "POST", "/cart/add", {"items": items, **more}, key)

    def update(self, version, updates, key=None, **more):
        return self.ask(version, "POST", "/cart/update", {"updates": updates, **more}, key)

    def clear(self, version, key=None):
        return self.ask(version, "POST", "/cart/clear", key=key)

    def checkout(self, version, key=None, **further):
        return self.ask(version, "POST", "/cart/checkout", {}, key, **further)


def stripe(method, path, **form):
    """A request to Stripe's API."""
    data = urllib.parse.urlencode(form).encode() if method == "POST" else None
    if form and method == "GET":
        path += "?" + urllib.parse.urlencode(form)
    asked = urllib.request.Request(STRIPE + path, data, {"Authorization": f"Bearer {KEY}"}, method=method)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def press(session, action):
    """What the shopper does on the page of a session."""
    try:
        data = urllib.parse.urlencode({"action": action}).encode()
        urllib.request.build_opener(Stay).open(urllib.request.Request(session["url"], data))
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, f"{answer.code}: {answer.read()}"


def event(kind, about):
    """The latest event of a kind about one of Stripe's objects."""
    events = stripe("GET", "/v1/events", type=kind, limit=100)["data"]
    return next(event for event in events if event["data"]["object"]["id"] == about)


def order_number(session):
    """The number of the order that a session makes, as docs/operate.md says."""
    return hashlib.sha256(session["id"].encode()).hexdigest()[:32]


def row(table, key):
    """A row as it is stored."""
    return DYNAMODB.get_item(TableName=table, Key={"number": {"S": key}}, ConsistentRead=True).get("Item")


def still_says(now, then, where=""):
    """All that `then` says, `now` says too; it may say more."""
    match then:
        case dict():
            assert isinstance(now, dict), where
            for name, value in then.items():
                assert name in now, f"{where}.{name} is gone"
                still_says(now[name], value, f"{where}.{name}")
        case list():
            assert len(now) == len(then), f"{where}: {now} instead of {then}"
            for index, value in enumerate(then):
                still_says(now[index], value, f"{where}[{index}]")
        case _:
            assert now == then, f"{where}: {now} instead of {then}"
