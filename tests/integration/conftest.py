"""Real tools and sockets on this machine, without clusters."""
import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "..", "scripts"), TESTS]
from upstream_site import Files, Site  # noqa: E402


# The two of scripts/components' tests; a module that has a `site` of its own uses that.
@pytest.fixture
def files():
    files = Files()
    yield files
    files.server.shutdown()
    files.server.server_close()


@pytest.fixture
def site(tmp_path, files):
    return Site(tmp_path, files)
