"""Tables, and what was wanted beside what was measured."""

OPERATIONS = {
    "get": "GET by id, 16 clients",
    "filter_user_name": "filter userName eq, 16",
    "filter_external_id": "filter externalId eq, 16",
    "filter_email": "filter emails.value eq, 16",
    "page_first": "first page of 100, 4",
    "page_deep": "last page of 100 (at most 99,900), 4",
    "patch": "PATCH one attribute, 16",
    "create_1": "create, 1 client",
    "create_16": "create, 16",
    "create_64": "create, 64",
}
SIZES = (1_000, 10_000, 100_000)
LARGE = 1_000_000


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def cell(found, name):
    one = found.get(name)
    if not one:
        return "–"
    text = f"{number(one['rate'])} ({number(one['p50_us'] / 1000, 2)} / {number(one['p99_us'] / 1000, 2)})"
    return text + " !" if one.get("wrong") else text


def protocol(results):
    systems = [(name, size) for name, sizes in results["protocol"].items() for size in sizes]
    found = [results["protocol"][name][size] for name, size in systems]
    names = dict(OPERATIONS)
    for size in SIZES:
        names[f"member_add_{size}"] = f"add a member to {size:,}, 1 client"
        names[f"member_remove_{size}"] = f"remove a member of {size:,}, 1"
        names[f"member_add16_{size}"] = f"add a member to {size:,}, 16"
    rows = [[text, *(cell(one, name) for one in found)] for name, text in names.items()]
    for name, text in (
        ("memory_idle_mib", "MiB resident, empty and idle"),
        ("memory_loaded_mib", "MiB resident, before the load"),
        ("memory_after_mib", "MiB resident, after the load"),
        ("start_ms", "ms from start to ready"),
    ):
        rows.append([text, *(number(one.get(name), 1) for one in found)])
    head = ["requests/s (p50 / p99 ms)", *(f"{name} {int(size):,}" for name, size in systems)]
    return table(head, rows)


def cpu(results):
    """The figure that travels between machines."""
    rows = []
    for name, sizes in results["protocol"].items():
        for size, found in sizes.items():
            costs = [number(found.get(operation, {}).get("cpu_us")) for operation in OPERATIONS]
            rows.append([f"{name} {int(size):,}", *costs])
    return table(["µs of processor time per request", *OPERATIONS.values()], rows)


def engine(results):
    rows = []
    for size, found in results["engine"].items():
        first = found["initial"]
        rows.append(
            [
                f"{int(size):,}",
                number(first["users_per_second"]),
                number(first["requests_per_user"], 2),
                number(first["cpu_us_per_user"]),
                number(first["own_cpu_us_per_user"]),
                number(first["memory_mib"]),
                number(found["no_change"]["cycle_ms"], 1),
                number(found["no_change"]["requests"]),
                " / ".join(str(found[f"changes_{count}"]["requests"]) for count in (1, 10, 100, 1000)),
                f"{number(found['matching']['users_per_second'])}, {found['matching']['requests']} requests",
                f"{number(found['large_group']['members_per_second'])}, {found['large_group']['requests']} requests",
                f"{number(found['delay']['median_ms'])} / {number(found['delay']['p99_ms'])}",
            ]
        )
    head = [
        "users",
        "initial: users/s",
        "requests per user",
        "CPU µs per user",
        "without the requests",
        "peak MiB",
        "no change: ms",
        "requests",
        "requests for 1 / 10 / 100 / 1,000 changes",
        "matching: users/s",
        "10,000 members: members/s",
        "change to answer: p50 / p99 ms",
    ]
    return table(head, rows)


def goal(goals, text, value, limit, at_most, digits=2):
    if value is not None:
        met = value <= limit if at_most else value >= limit
        sign = "≤" if at_most else "≥"
        goals.append(
            {"goal": text, "wanted": f"{sign} {number(limit, digits)}", "measured": number(value, digits), "met": met}
        )


def rate(found, name):
    return (found or {}).get(name, {}).get("rate")


def ratio(one, other):
    return one / other if one and other else None


def protocol_goals(results, goals):
    systems = results.get("protocol", {})
    syncs = results["machine"]["syncs_per_second"]
    for name in ("SQLite", "PostgreSQL"):
        sizes = systems.get(name, {})
        for size in (100_000, LARGE):
            found = sizes.get(str(size), {})
            for operation, share in (("get", 0.60), ("filter_user_name", 0.45)):
                bare = rate(found.get(operation), "ceiling")
                text = f"{name}: {OPERATIONS[operation]} at {size:,} users, share of the ceiling"
                goal(goals, text, ratio(rate(found, operation), bare), share, at_most=False)
        for operation in ("get", "filter_user_name"):
            slower = ratio(rate(sizes.get("1000"), operation), rate(sizes.get(str(LARGE)), operation))
            goal(goals, f"{name}: {OPERATIONS[operation]}, 1,000 users to {LARGE:,}", slower, 1.25, at_most=True)
        largest = max(sizes, key=int, default=None)
        if largest:
            found = sizes[largest]
            creates = ratio(rate(found, "create_64"), syncs)
            goal(goals, f"{name}: creates with 64 clients to syncs of the disk ({syncs}/s)", creates, 5, at_most=False)
            single = ratio(rate(found, "create_64"), rate(found, "create_1"))
            goal(goals, f"{name}: creates with 64 clients to creates with one", single, 5, at_most=False)
        for text, key in (("1 client", "member_add"), ("16 clients", "member_add16")):
            found = sizes.get("100000", {})
            one = ratio(rate(found, f"{key}_1000"), rate(found, f"{key}_100000"))
            goal(goals, f"{name}: add a member to 1,000 to one to 100,000, {text}", one, 1.25, at_most=True)
        for size, found in sizes.items():
            goal(
                goals,
                f"{name}: ms from start to ready with {int(size):,} users",
                found.get("start_ms"),
                100,
                at_most=True,
                digits=0,
            )
        small = sizes.get("1000", {})
        goal(goals, f"{name}: MiB of an idle server", small.get("memory_idle_mib"), 40, at_most=True, digits=1)
        goal(
            goals,
            f"{name}: MiB after the load at {LARGE:,}",
            sizes.get(str(LARGE), {}).get("memory_after_mib"),
            200,
            at_most=True,
            digits=1,
        )
    for name, sizes in systems.items():
        if name in ("SQLite", "PostgreSQL"):
            continue
        for size, found in sizes.items():
            mine = systems.get("SQLite", {}).get(size, {})
            if int(size) < 10_000 or not mine:
                continue
            ratios = {
                key: ratio(rate(mine, key), value.get("rate"))
                for key, value in found.items()
                if isinstance(value, dict)
            }
            known = {key: value for key, value in ratios.items() if value}
            if known:
                worst = min(known, key=known.get)
                goal(
                    goals,
                    f"slowest against {name} at {int(size):,} users ({worst}), times as fast",
                    known[worst],
                    1,
                    at_most=False,
                )


def engine_goals(results, goals):
    sizes = results.get("engine", {})
    for size, found in sizes.items():
        at = f"at {int(size):,} users"
        goal(goals, f"cycle without changes {at}, ms", found["no_change"]["cycle_ms"], 50, at_most=True, digits=1)
        goal(goals, f"cycle without changes {at}, requests", found["no_change"]["requests"], 0, at_most=True, digits=0)
        goal(
            goals,
            f"initial cycle {at}, µs per user beside the requests",
            found["initial"]["own_cpu_us_per_user"],
            150,
            at_most=True,
            digits=0,
        )
        goal(goals, f"initial cycle {at}, MiB", found["initial"]["memory_mib"], 300, at_most=True, digits=0)
        goal(goals, f"1,000 changes {at}, requests", found["changes_1000"]["requests"], 1_010, at_most=True, digits=0)
        goal(goals, f"matching {at}, requests", found["matching"]["requests"], int(size) / 50, at_most=True, digits=0)
        goal(goals, f"change to answer {at}, median ms", found["delay"]["median_ms"], 1_000, at_most=True, digits=0)
    small, large = sizes.get("10000"), sizes.get(str(LARGE)) or sizes.get("100000")
    if small and large:
        growth = ratio(large["initial"]["memory_mib"], small["initial"]["memory_mib"])
        goal(goals, "memory of the initial cycle, the largest size to 10,000", growth, 1.3, at_most=True)


def goals(results):
    found = []
    protocol_goals(results, found)
    engine_goals(results, found)
    return found


def markdown(results):
    machine = results["machine"]
    lines = [
        f"Measured on {machine['when']}: {machine['processor']}, {machine['processors']} processors, "
        f"{machine['memory_mib']:,} MiB, Linux {machine['kernel']}; "
        f"load of the machine {machine['load_at_start']} at the start, {machine.get('load_at_end', '–')} at the end; "
        f"the disk syncs {machine['syncs_per_second']:,} times a second.\n"
    ]
    if results.get("protocol"):
        lines += ["## Server\n", protocol(results), "## Processor time\n", cpu(results)]
    if results.get("engine"):
        lines += ["## Engine\n", engine(results)]
    rows = [
        [one["goal"], one["wanted"], one["measured"], "yes" if one["met"] else "**no**"] for one in results["goals"]
    ]
    return "\n".join([*lines, "## Goals\n", table(["goal", "wanted", "measured", "met"], rows)])
