"""Functions of two versions on the same tables, as they run for minutes during an update, and after a rollback."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/lambda"))

from shop import RELEASED, THIS, Shop, Version  # noqa: E402


@pytest.fixture(scope="session")
def shop():
    """The shop, with the functions of the released version and of this tree."""
    released = Path(os.environ["RELEASED"])
    with TemporaryDirectory() as folder:
        versions = {
            RELEASED: Version(
                RELEASED, Path(folder), released / "target/debug", released / "source/template.yaml"
            ),
            THIS: Version(THIS, Path(folder), Path(os.environ["BINARIES"]), ROOT / "template.yaml"),
        }
        yield Shop(versions)
        for version in versions.values():
            version.end()
