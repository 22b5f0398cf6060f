#!/usr/bin/env python3
"""Runs the emulator with the shims, and writes down every decision about rights.

DECISIONS names a file that gets a line for each: assumed-role or user, its name, the action, the resource, and whether
it was allowed.
"""

import json
import os

import shims
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id


def written_down(enforce, file):
    """Writes down what is asked for by whoever is not the account's root, and whether that is allowed."""

    def decide(access_key, action, service, region, resource_arn="*", service_context=None):
        denied = enforce(access_key, action, service, region, resource_arn, service_context)
        principal = iam_evaluator.resolve_principal(access_key or "", get_account_id())
        name = getattr(principal, "arn", ":root").rsplit(":", 1)[1]
        if name != "root":
            kind, name = name.split("/")[:2]
            file.write(json.dumps([kind, name, action, resource_arn, denied is None]) + "\n")
        return denied

    return decide


def main():
    shims.install()
    with open(os.environ["DECISIONS"], "w", buffering=1) as file:
        iam_evaluator.enforce = written_down(iam_evaluator.enforce, file)
        app.main()


if __name__ == "__main__":
    main()
