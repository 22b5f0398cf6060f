#!/usr/bin/env python3
"""Prints the event that API Gateway makes of one of Stripe's, signed now: Stripe's signatures are valid for 300 seconds.

    events/stripe/sign.py events/stripe/product.created.json whsec_local_0123456789 >event.json
    cargo lambda invoke stripe-webhook -A 127.0.0.1 -P 9000 --data-file event.json
"""

import hashlib
import hmac
import json
import sys
import time
from pathlib import Path


def main(file: str, secret: str) -> None:
    event = json.loads((Path(__file__).parent.parent / "stripe-webhook.json").read_text())
    body = Path(file).read_text()
    now = int(time.time())
    signature = hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    event["headers"]["stripe-signature"] = f"t={now},v1={signature}"
    event["headers"]["content-length"] = str(len(body.encode()))
    event |= {"body": body, "isBase64Encoded": False}
    json.dump(event, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
