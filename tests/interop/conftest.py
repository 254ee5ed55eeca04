import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import pytest

from outside import wires
from trunks import Authority


@pytest.fixture(scope="module")
def places():
    """The wires of outside.py, for the tests of a file."""
    made = wires()
    yield made
    for s in made.values():
        s.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs the certificates of the outside."""
    return Authority(tmp_path_factory.mktemp("carrier"))
