"""What every suite of pytest shares: --long, what a sanitizer's build (MUSTER_BUILD) leaves out, and skips that are said loudly."""
import os

RELEASE_ALONE = {"release_build": "of the installed or optimised programs; a sanitizer's build is neither",
                 "waits": "nearly all of its time is a timer's, which one build shows"}


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than a gate may")
    parser.addoption("--release-alone", action="store_true", help="only what a sanitizer's build leaves out")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs with --long only; what is long is no skip")
    for marker, meaning in RELEASE_ALONE.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")


def pytest_collection_modifyitems(config, items):
    def is_any(item, markers):
        return any(item.get_closest_marker(marker) for marker in markers)

    leave = [item for item in items
             if (is_any(item, ["long"]) and not config.getoption("--long"))
             or (is_any(item, RELEASE_ALONE) and "MUSTER_BUILD" in os.environ)
             or (not is_any(item, RELEASE_ALONE) and config.getoption("--release-alone"))]
    config.hook.pytest_deselected(items=leave)
    items[:] = [item for item in items if item not in leave]


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED: {report.nodeid}: {report.longrepr[2]}")
