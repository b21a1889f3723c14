"""What every suite of pytest shares: --long, and skips that are said loudly."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than a gate may")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs with --long only; what is long is no skip")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED: {report.nodeid}: {report.longrepr[2]}")
