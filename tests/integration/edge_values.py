"""Values at the edges of what a flag or a configuration field takes, by its type in component_options.json."""

BY_TYPE = {
    "bool": ["true", "TRUE", "yes", "", "2"],
    "int": ["0", "-1", "", "1e3", "2147483648", "9223372036854775808", "0x10", "1.5"],
    "uint": ["0", "-1", "", "18446744073709551616", "08"],
    "decimal": ["0", "08", "-1", ""],
    "float": ["0", "-1", "", "1e400", "0.5", "NaN"],
    "duration": ["0s", "-1s", "", "1", "1d", "1h30m", "9999999h"],
    "ip": ["0.0.0.0", "", "256.1.1.1", "::1", "localhost"],
    "urls": ["http://127.0.0.1:9", "", "~", "http://127.0.0.1"],
    "ports": ["30000-32767", "", "0", "65536", "10-1", "1-70000"],
    "pairs": ["a=b", "", "a", "a=b,a=c", "=b"],
    "gates": ["Foo=true", "", "AllAlpha=x", "allalpha=false", "AllBeta=true,AllBeta=false", "AllAlpha=false"],
    "choice": ["~", ""],
    "list": ["~", ""],
    "text": ["~", ""],
}
# A KubeletConfiguration's, as YAML.
BY_SHAPE = {
    "bool": ["true", "false", "'true'"],
    "int": ["0", "-1", "1", "100", "101", "2147483648"],
    "decimal": ["0", "08", "-1", ""],
    "float": ["0", "-1", "0.5", "1.5"],
    "duration": ["0s", "-1s", "1ms", "10m", "'1'"],
    "text": ["''", "x", "none"],
}
# How fast the runtime is, nobody knows beforehand.
UNKNOWABLE = {("runtimeRequestTimeout", "1ms"), ("runtime-request-timeout", "1ms")}
# The bench sets these itself: kubelet would make cgroups of this machine.
OF_THE_BENCH = {"cgroupsPerQOS", "cgroups-per-qos", "enforceNodeAllocatable", "enforce-node-allocatable", "volumePluginDir", "volume-plugin-dir"}


def of_flag(taken):
    """In the order of interest."""
    if isinstance(taken, str):
        return list(BY_TYPE[taken])
    values = list(BY_TYPE[taken["type"]])
    for bound, beyond in (("from", -1), ("to", 1)):
        if taken["type"] in ("int", "uint") and bound in taken:
            values[:0] = [str(taken[bound] + beyond), str(taken[bound])]
    names = [choice for choice in taken.get("choices", []) if choice.strip("*")]
    if taken["type"] in ("choice", "list") and names:
        values[:0] = [names[0], names[-1].upper(), f"{names[0]},{names[0]}"]
    settled = [name for name in names if "=" in name]
    if settled:
        name, _, value = settled[0].partition("=")
        values[:0] = [f"{name}={'false' if value == 'true' else 'true'}", settled[0]]
    return list(dict.fromkeys(values))


def flag_cells(table, most):
    """(component, flag, value), `most` of each flag, other ones for the next flag of its type."""
    turn = {}
    for component in sorted(set(table) - {"KubeletConfiguration"}):
        newest = max(table[component], key=lambda minor: [int(part) for part in minor.split(".")])
        for flag, taken in sorted(table[component][newest].items()):
            if flag in OF_THE_BENCH:
                continue
            values = of_flag(taken)
            kind = taken if isinstance(taken, str) else taken["type"]
            for _ in range(min(most, len(values))):
                at = turn[kind] = turn.get(kind, -1) + 1
                yield component, flag, values[at % len(values)]


def field_cells(table):
    """Every value of each simple field."""
    fields = max(table["KubeletConfiguration"].items(), key=lambda row: [int(part) for part in row[0].split(".")])[1]
    for field, shape in sorted(fields.items()):
        if field in OF_THE_BENCH:
            continue
        if shape == ["text"]:
            values = ["[]", "[x]", "[x, x]"]
        elif isinstance(shape, str):
            values = BY_SHAPE.get(shape, [])
        else:
            values = ["{}", "[]"] if isinstance(shape, dict) else []
        for value in values:
            if (field, value) not in UNKNOWABLE:
                yield "extra", field, value
