"""What a sanitizer's build of a server had to say."""
import re


def sanitizer_reports(log):
    """The first lines of each report in the log; none of a build without sanitizers."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        lines = stream.read().splitlines()
    return ["\n".join(lines[number:number + 30]) for number, line in enumerate(lines)
            if re.search(r"(ERROR|WARNING): \w+Sanitizer|: runtime error: ", line)]
