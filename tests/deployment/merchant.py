"""A merchant at a terminal: the file of settings is written, and what the SAM CLI asks is answered."""

import os
import re
import shutil

import pexpect
from stack import BUILD, DEPLOYER, ROOT

# What the SAM CLI asks: a name, often in bold, perhaps the default or the choices in brackets, and a colon.
QUESTION = re.compile(
    r"(Stack Name|AWS Region|Parameter \w+|Confirm changes before deploy|Allow SAM CLI IAM role creation"
    r"|Disable rollback|\w+ has no authentication\. Is this okay\?|Save arguments to configuration file"
    r"|SAM configuration file|SAM configuration environment|Deploy this changeset\?)(\x1b\[0m)?( \[[^\r\n]*\])?: "
)


def checkout(folder):
    """A checkout in which `sam build` has run, and where the merchant may write."""
    shop = folder / "shop"
    (shop / ".aws-sam").mkdir(parents=True)
    (shop / ".aws-sam" / "build").symlink_to(BUILD)
    shutil.copy(ROOT / "shop.example.toml", shop)
    shutil.copy(BUILD / "template.yaml", shop)
    shutil.copytree(ROOT / "docs", shop / "docs")
    # The build is the only word of the blocks that is not carried out: it has been.
    sam = shop / "bin" / "sam"
    sam.parent.mkdir()
    sam.write_text(f'#!/bin/sh\n[ "$1" = build ] || exec {shutil.which("sam")} "$@"\n')
    sam.chmod(0o755)
    return shop


def fill_in(file, **settings):
    """Writes settings into a file of them, each in the line that is there for it, or else at the end."""
    text = file.read_text()
    for name, value in settings.items():
        line, count = f'{name} = "{value}"', 0
        text, count = re.subn(rf"^(# )?{name} = .*$", lambda _, line=line: line, text, flags=re.M)
        text += "" if count else f"{line}\n"
    file.write_text(text)


def types(block, shop, answers):
    """Runs a block that may ask questions. `answers` has what is typed, by question; Enter takes the default of others.

    Returns what was asked.
    """
    environment = {**os.environ, **DEPLOYER, "PATH": f"{shop / 'bin'}:{os.environ['PATH']}", "COLUMNS": "200"}
    child = pexpect.spawn(
        "bash", ["-euo", "pipefail", "-c", block], cwd=shop, env=environment, timeout=120, encoding="utf-8"
    )
    child.setwinsize(50, 200)
    shown, asked = [], []
    while child.expect([QUESTION, pexpect.EOF]) == 0:
        shown.append(child.before)
        asked.append(child.match[1])
        child.sendline(answers.get(child.match[1], ""))
    child.close()
    assert child.exitstatus == 0, "".join([*shown, child.before])[-6000:]
    return asked


def files(shop):
    """What stands in each file of a checkout."""
    return {
        str(path.relative_to(shop)): path.read_bytes()
        for path in shop.rglob("*")
        if path.is_file() and ".aws-sam" not in path.parts
    }
