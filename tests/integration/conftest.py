"""Real tools and sockets on this machine, without clusters."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes longer than a gate may")


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED: {report.nodeid}: {report.longrepr[2]}")
