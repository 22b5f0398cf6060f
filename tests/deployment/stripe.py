"""Stripe: the sandbox, and its webhooks on their way to the endpoints that the merchant registered.

Stripe sends each event to every endpoint of an account, signed with the endpoint's own secret. The sandbox knows one
endpoint: it is played here, and passes the events on.
"""

import hashlib
import hmac
import json
import threading
import time
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

from stack import STRIPE, request

KEY = "sk_test_cartwright"

Delivery = namedtuple("Delivery", ["url", "kind", "about", "status", "text"])


class Stripe:
    """The account of the merchant."""

    def __init__(self, port):
        self.endpoints = {}
        self.deliveries = []
        self.held_back = None
        self.lock = threading.Lock()
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not stripe.holds(body):
                    stripe.deliver(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def register(self, url, secret):
        """Registers an endpoint, or gives one that is there another secret."""
        self.endpoints[url] = secret

    def deliver(self, body):
        for url, secret in list(self.endpoints.items()):
            self.deliver_to(url, secret, body)

    def deliver_to(self, url, secret, body):
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, secret)}
        answer = request(url, "POST", body, headers)
        event = json.loads(body)
        self.deliveries.append(Delivery(url, event["type"], event["data"]["object"]["id"], answer.status, answer.text))
        return answer

    def hold_back(self):
        """Keeps events, as on a day when the shop cannot be reached."""
        self.held_back = []

    def holds(self, body):
        with self.lock:
            if self.held_back is not None:
                self.held_back.append(body)
            return self.held_back is not None

    def held(self, session):
        """Waits for an event about a session, and returns it; it stays held back."""
        return wait_for(lambda: next((event for event in self.held_back if session["id"].encode() in event), None))

    def drop(self):
        """Delivers events again; those that were held back, never."""
        with self.lock:
            events, self.held_back = self.held_back, None
        return events

    def release(self, change=lambda event: None):
        """Delivers what was held back, changed first."""
        for body in self.drop():
            event = json.loads(body)
            change(event)
            self.deliver(json.dumps(event).encode())

    def of(self, url, session):
        """What this endpoint has answered to events about a session."""
        return [delivery for delivery in self.deliveries if delivery.url == url and delivery.about == session["id"]]

    def post(self, path, **form):
        """What the merchant does in the dashboard."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        return request(STRIPE + path, "POST", urlencode(form), headers).ok()

    def has(self, session):
        """Whether there is a session with this id."""
        headers = {"Authorization": f"Bearer {KEY}"}
        return request(f"{STRIPE}/v1/checkout/sessions/{session}", headers=headers).status == 200

    def press(self, session, action):
        """What the shopper does on the page of a session: pay, pay_later."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = request(session["url"], "POST", urlencode({"action": action}), headers)
        assert answer.status == 303, f"{answer.status}: {answer.text}"

    def settle(self, session):
        """Lets a delayed payment succeed."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = request(f"{STRIPE}/c/settle/{session['id']}", "POST", "outcome=succeed", headers)
        assert answer.status in (200, 303), f"{answer.status}: {answer.text}"


def signature(body, secret):
    """Source: https://docs.stripe.com/webhooks#verify-manually"""
    now = int(time.time())
    digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def order_number(session):
    """The number of the order that a session makes, as docs/operate.md says."""
    return hashlib.sha256(session["id"].encode()).hexdigest()[:32]


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return found
