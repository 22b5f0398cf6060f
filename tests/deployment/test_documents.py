"""Every shell block of the documents has been run by the tests before this one."""

import documents

# Blocks that are not run, with the reason.
SKIPPED = {}


def test_every_block_was_run():
    left = {
        (document, block.strip())
        for document in documents.DOCUMENTS
        for number, block in enumerate(documents.blocks(document))
        if (document, number) not in documents.done
    }

    assert left == set(SKIPPED)
