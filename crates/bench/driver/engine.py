"""The provisioning engine against a fast target that counts what it is asked."""

import json
import time
import urllib.request

import machine
import people
import processes

WORKSPACE = "Northwind Mills"
GROUP_MEMBERS = 10_000
CALLS = 20_000


class Sink:
    """The target, in a process of its own."""

    def __init__(self, scratch):
        self.process = processes.Process(processes.helper("sink"), scratch / "sink.log")
        self.url = self.process.url + "/scim"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def counts(self):
        with self.opener.open(self.process.url + "/counts", timeout=30) as answer:
            return json.load(answer)

    def since(self, before):
        """Requests by kind that came after `before`."""
        now = self.counts()["by_request"]
        return {
            kind: count - before["by_request"].get(kind, 0)
            for kind, count in now.items()
            if count != before["by_request"].get(kind, 0)
        }


class Bench:
    """One directory of a size, and its applications."""

    def __init__(self, users, scratch, sink):
        self.users = users
        self.scratch = scratch
        self.sink = sink
        self.tenure = processes.Tenure(scratch / f"engine-{users}")
        self.tenure.run("workspace", "create", WORKSPACE)
        self.import_people(range(users))

    def import_people(self, numbers, **options):
        file = people.write(self.scratch / "people.jsonl", numbers, **options)
        return self.tenure.run("import", file, "--workspace", WORKSPACE)

    def application(self, name):
        arguments = ["application", "create", "--workspace", WORKSPACE, "--name", name, "--gallery", "custom"]
        arguments += ["--tenant-url", self.sink.url, "--secret-token", "-", "--scope", "all"]
        self.tenure.run(*arguments, stdin="secret")
        return name

    def cycle(self, application):
        """A cycle now: its counters, what it took, and the requests it made."""
        before = self.sink.counts()
        result, took = self.tenure.measured("application", "run", application, "--workspace", WORKSPACE)
        requests = self.sink.since(before)
        counters = ("kind", "status", "created", "updated", "skipped", "failed")
        return (
            {name: result[name] for name in counters}
            | took
            | {"requests": sum(requests.values()), "by_request": requests}
        )

    def say(self, what, found):
        shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}
        print(f"  engine {self.users}: {what}: {shown}", flush=True)
        return found


def call_cost_us(scratch, users):
    """Processor time of a creation's request alone, made by the product's own client: what is beside the engine."""
    sink = Sink(scratch)
    with sink.process:
        command = processes.helper(
            "calls", "--url", sink.url, "--requests", min(users, CALLS), "--body", people.text(0)
        )
        done, took = processes.measured(command)
    if done["good"] != min(users, CALLS):
        raise RuntimeError(f"only {done['good']} calls succeeded")
    return took["cpu_s"] * 1e6 / done["good"]


def initial(bench, name):
    found = bench.cycle(bench.application(name))
    if found["created"] != bench.users:
        raise RuntimeError(f"not all were created: {found}")
    call_us = call_cost_us(bench.scratch, bench.users)
    found |= {
        "users_per_second": bench.users / found["seconds"],
        "requests_per_user": found["requests"] / bench.users,
        "cpu_us_per_user": found["cpu_s"] * 1e6 / bench.users,
        "call_us": call_us,
    }
    found["own_cpu_us_per_user"] = found["cpu_us_per_user"] - call_us
    return bench.say("initial cycle", found)


def no_change(bench, name):
    """The median of five, and what the command alone takes."""
    runs = [bench.cycle(name) for _ in range(5)]
    found = sorted(runs, key=lambda run: run["seconds"])[2]
    found["requests"] = max(run["requests"] for run in runs)
    status = [bench.tenure.measured("application", "list", "--workspace", WORKSPACE)[1]["seconds"] for _ in range(5)]
    found["command_alone_s"] = sorted(status)[2]
    found["cycle_ms"] = (found["seconds"] - found["command_alone_s"]) * 1000
    return bench.say("no change", found)


def changes(bench, name, count):
    count = min(count, bench.users)
    bench.import_people(range(count), title=f"Title {time.time()}")
    found = bench.cycle(name)
    if found["updated"] != count:
        raise RuntimeError(f"not all changes arrived: {found}")
    return bench.say(f"{count} changes", found)


def matching(bench):
    """A second application at the same target: all accounts are there already."""
    found = bench.cycle(bench.application("Again"))
    if found["created"] or found["updated"] or found["failed"]:
        raise RuntimeError(f"matching did not find everybody: {found}")
    found["users_per_second"] = bench.users / found["seconds"]
    return bench.say("matching", found)


def large_group(bench, name):
    size = min(GROUP_MEMBERS, bench.users)
    people.write(bench.scratch / "nobody.jsonl", range(1))
    members = people.write_members(bench.scratch / "members.csv", "Everybody", range(size))
    bench.tenure.run("import", bench.scratch / "nobody.jsonl", "--workspace", WORKSPACE, "--groups", members)
    before = bench.sink.counts()["members_added"]
    found = bench.cycle(name)
    found["members"] = bench.sink.counts()["members_added"] - before
    found["members_per_second"] = found["members"] / found["seconds"]
    return bench.say("large group", found)


def delay(bench, name, count):
    """From the start of a change's request to the target's answer to the update, one change at a time."""
    bench.tenure.run("application", "start", name, "--workspace", WORKSPACE)
    token = bench.tenure.run("token", "create", "--workspace", WORKSPACE, "--name", "bench")["token"]
    times = []
    with bench.tenure.serve() as server:
        scim = processes.Scim(server.url + "/scim", token)
        path = people.filter_path('userName eq "user0@northwind.example"')
        user = scim.expect("GET", path)["Resources"][0]["id"]
        time.sleep(3)
        for number in range(count):
            before = bench.sink.counts()["by_request"].get("change", 0)
            started_us = time.time() * 1e6
            operation = {"op": "replace", "path": "title", "value": f"Now {number}"}
            scim.expect("PATCH", f"/Users/{user}", people.patch(operation))
            times.append((acknowledged_us(bench.sink, before) - started_us) / 1000)
        idle_cpu = machine.cpu_seconds(server.pid)
        time.sleep(5)
        idle_cpu = (machine.cpu_seconds(server.pid) - idle_cpu) / 5
    times.sort()
    found = {
        "changes": count,
        "median_ms": times[count // 2],
        "p99_ms": times[min(count - 1, count * 99 // 100)],
        "largest_ms": times[-1],
        "idle_cpu_share": idle_cpu,
    }
    return bench.say("delay", found)


def acknowledged_us(sink, before):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        counts = sink.counts()
        if counts["by_request"].get("change", 0) > before:
            return counts["last_write_us"]
        time.sleep(0.01)
    raise RuntimeError("a change did not arrive at the target within 30 s")


def run(users, scratch, settings):
    sink = Sink(scratch)
    with sink.process:
        bench = Bench(users, scratch, sink)
        name = "Target"
        found = {"machine_load": machine.load(), "initial": initial(bench, name), "no_change": no_change(bench, name)}
        # Before the changes: the target believes them without keeping them.
        found["matching"] = matching(bench)
        for count in (1, 10, 100, 1000):
            found[f"changes_{count}"] = changes(bench, name, count)
        found["large_group"] = large_group(bench, name)
        found["delay"] = delay(bench, name, settings.changes)
    return found
