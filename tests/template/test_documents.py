"""What the documents say twice is the same, what they compute is right, and what they have typed runs in other shells too."""

import re

import pytest
from conftest import ROOT

DOCUMENTS = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_block_can_be_pasted_into_zsh_which_macos_has(name):
    """There a remark is no remark, a `?` or `*` without quotes must fit a file, and the end of a pipe is the shell itself.

    Source: https://zsh.sourceforge.io/Doc/Release/Options.html (INTERACTIVE_COMMENTS, NOMATCH)
    """
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", DOCUMENTS[name], re.M | re.S):
        bare = QUOTED.sub("", block)
        assert not re.search(r"(^|\s)#|[?*\[\]]", bare), block
        assert "exit" not in re.sub(r"\(.*\)", "", bare, flags=re.S), block
        assert not re.search(r"\b(sha256sum|md5sum|readlink -f|sed -i )", block), block
