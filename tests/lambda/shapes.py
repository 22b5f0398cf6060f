#!/usr/bin/env python3
"""Throws events of any shape at built functions. Each must be answered, below 500, by a process that goes on.

    tests/lambda/shapes.py target/sam/build                         # all that `sam build` built
    tests/lambda/shapes.py target/lambda get                        # these of what `cargo lambda build` built

Events are the samples in `events` with random changes from a fixed seed, so each run has the same; a failure prints its event.
`SHAPES` sets how many each function gets (300). Functions, DynamoDB and Stripe are as in answers.py.
"""

import copy
import json
import os
import random
import sys
from pathlib import Path

from answers import EVENTS, STATUS, Function, functions_of

# What a client can put where, and what no client can.
TEXTS = [
    "", " ", "a b", "[::1", "[::1]:99999", "127.0.0.1:99999", "<script>", "a/b", "user@host", "\u00e9", "xn--a", "https,http", "ftp",
    "%", "%zz", "a=%ff&b", "?#", "\x00", "a\nb", "\ud800", "\ufffd", "x" * 9000, "{}", "AAECAwQFBgcICQoLDA0ODw", "3", "*", '"3-gzip"',
]  # fmt: skip
VALUES = [None, True, 7, -1.5, 1e300, [], {}, [None], {"a": {}}]
HEADERS = [
    "host", "Host", "x-forwarded-proto", "x-forwarded-for", "origin", "sec-fetch-site", "cookie", "cart-token", "if-match",
    "idempotency-key", "x-currency", "content-type", "content-encoding", "accept", "if-none-match", "stripe-signature", "a b", "",
]  # fmt: skip
FIELDS = ["rawPath", "rawQueryString", "cookies", "headers", "requestContext", "body", "isBase64Encoded", "pathParameters", "version"]


def places(value, at=()):
    yield at
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*at, key))


def put(event, at, value):
    for key in at[:-1]:
        event = event[key]
    event[at[-1]] = value


def changed(event, chance):
    """The event, changed in a few places."""
    event = copy.deepcopy(event)
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(5)
        anything = copy.deepcopy(chance.choice(TEXTS + VALUES))
        if kind == 0:
            put(event, (chance.choice(FIELDS),), anything)
        elif kind in (1, 2) and isinstance(event.get("headers"), dict):
            put(event, ("headers", chance.choice(HEADERS)), chance.choice(TEXTS) if kind == 1 else anything)
        elif kind == 3:
            put(event, chance.choice([at for at in places(event) if at]), anything)
        else:
            event.pop(chance.choice(list(event)), None)
            event["left"] = True
    return event


def main(build, *binaries):
    template, functions = functions_of(build)
    for name, binary in functions.items():
        if STATUS[name] is None or binaries and binary not in binaries:
            continue
        chance = random.Random(0)
        sample = json.loads((EVENTS / f"{binary}.json").read_text())
        function = Function(build, template, name)
        try:
            events = VALUES + ["", sample] + [changed(sample, chance) for _ in range(int(os.environ.get("SHAPES", "300")))]
            for event in events:
                try:
                    answer, _ = function.invoke(event)
                except AssertionError as error:
                    raise SystemExit(f"FAILED {name}: {error}\n{json.dumps(event)}") from None
                status = answer.get("statusCode")
                if not isinstance(status, int) or not 200 <= status < 500:
                    raise SystemExit(f"FAILED {name}: {answer}\n{json.dumps(event)}")
        finally:
            function.end()
        print(f"ok {name}: {len(events)} events")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
