"""The shell blocks of the documents, each run where it belongs in the life of a shop."""

import os
import re
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs"
DOCUMENTS = {name: FOLDER / name for name in ("deploy.md", "events.md", "operate.md", "pipeline.md")}

# Of the AWS CLI pip has the first version, which asks for queues at an address of its own where none is on its command line.
FIRST = 'aws() { case $1 in sqs) command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@";; *) command aws "$@";; esac; }\n'

# The blocks that were run, by document and number.
done = set()


def blocks(document):
    """The text of each shell block."""
    return re.findall(r"^ *```sh\n(.*?)^ *```", DOCUMENTS[document].read_text(), re.M | re.S)


def written_in_a_sentence(document, beginning):
    """A command that stands within a sentence of a document."""
    (command,) = re.findall(rf"`({re.escape(beginning)}[^`]+)`", DOCUMENTS[document].read_text())
    return command


def take(document, beginning):
    """The block that begins so, which is about to be run."""
    found = [(number, block) for number, block in enumerate(blocks(document)) if block.startswith(beginning)]
    assert len(found) == 1, f"{len(found)} blocks of {document} begin with: {beginning}"
    number, block = found[0]
    done.add((document, number))
    return block


def run(document, beginning, folder, meant, environment=()):
    """Runs the block that begins so, with what its placeholders stand for. Returns what it printed."""
    return run_block(document, take(document, beginning), folder, meant, environment)


def run_one(document, words, folder, meant, environment):
    """Runs the block that holds these words, in the same way: several begin alike."""
    (block,) = [block for block in blocks(document) if words in block]
    done.add((document, blocks(document).index(block)))
    return run_block(document, block, folder, meant, environment)


def run_block(document, block, folder, meant, environment):
    for placeholder, value in meant.items():
        assert placeholder in block, f"{placeholder} is not in this block of {document} any more:\n{block}"
        block = block.replace(placeholder, value)
    assert not re.search(r"<[A-Za-z]+>|…", block), f"a placeholder is left:\n{block}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", FIRST + block], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **dict(environment)},
    )  # fmt: skip
    assert ended.returncode == 0, f"{block}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout
