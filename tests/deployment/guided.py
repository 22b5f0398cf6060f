"""`sam deploy --guided`, typed by a program as a merchant types it."""

import os
import re
import shutil
from pathlib import Path

import pexpect
from stack import BUILD, DEPLOYER, ROOT

# What the SAM CLI asks: a name, often in bold, perhaps the default or the choices in brackets, and a colon.
QUESTION = re.compile(
    r"(Stack Name|AWS Region|Parameter \w+|Confirm changes before deploy|Allow SAM CLI IAM role creation"
    r"|Disable rollback|\w+ has no authentication\. Is this okay\?|Save arguments to configuration file"
    r"|SAM configuration file|SAM configuration environment|Deploy this changeset\?)(\x1b\[0m)?( \[[^\r\n]*\])?: "
)

# What Enter would stop the deployment at.
YES = ("has no authentication", "Deploy this changeset?")


def folder_of_a_merchant(folder):
    """A checkout in which `sam build` has run, and where the SAM CLI may write its file of settings."""
    shop = folder / "shop"
    (shop / ".aws-sam").mkdir(parents=True)
    (shop / ".aws-sam" / "build").symlink_to(BUILD)
    shutil.copy(ROOT / "samconfig.toml", shop)
    shutil.copy(BUILD / "template.yaml", shop)
    # The build is the only word of the block that is not carried out: it has been.
    sam = shop / "bin" / "sam"
    sam.parent.mkdir()
    sam.write_text(f'#!/bin/sh\n[ "$1" = build ] || exec {shutil.which("sam")} "$@"\n')
    sam.chmod(0o755)
    return shop


def typed(block, shop, answers):
    """Runs a block that asks questions. `answers` has what is typed, by question; Enter takes the default of others."""
    environment = {**os.environ, **DEPLOYER, "PATH": f"{shop / 'bin'}:{os.environ['PATH']}", "COLUMNS": "200"}
    child = pexpect.spawn(
        "bash", ["-euo", "pipefail", "-c", block], cwd=shop, env=environment, timeout=120, encoding="utf-8"
    )
    child.setwinsize(50, 200)
    shown = []
    while child.expect([QUESTION, pexpect.EOF]) == 0:
        shown.append(child.before)
        question = child.match[1]
        child.sendline(answers.get(question, "y" if any(word in question for word in YES) else ""))
    child.close()
    assert child.exitstatus == 0, "".join([*shown, child.before])[-6000:]


def kept(shop):
    """The file of settings that the questions were answered into."""
    return Path(shop / "samconfig.toml").read_text()
