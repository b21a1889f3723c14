"""Real tools and sockets on this machine, without clusters."""
import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "..", "scripts"), TESTS]
from upstream_site import Files, Site  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "release_build: of the installed programs; a sanitizer's build is none")


def pytest_collection_modifyitems(config, items):
    if "MUSTER_BUILD" not in os.environ:
        return
    kept = [item for item in items if not item.get_closest_marker("release_build")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


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
