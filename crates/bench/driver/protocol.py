"""The SCIM server: the same load on Tenure, on the servers of others, and on a server that does nothing."""

import json
import time

import loads
import machine
import people
import processes
from people import filter_path, patch

# How far before the end the last page begins, and the largest startIndex that Tenure takes.
DEEP, DEEPEST = 150, 99_900
PAGE = 100
MEMBERS = 200
LISTED = 1000


class Subject:
    """A server with people in it."""

    def __init__(self, name, scim, pid, users, ids, settings):
        self.name = name
        self.scim = scim
        self.users = users
        self.ids = ids
        self.settings = settings
        self.load = loads.Load(scim, pid, settings.seconds, settings.runs)
        self.pid = pid
        self.next = users
        self.found = {"users": users}

    def note(self, name, result):
        self.found[name] = result
        rate, p50, p99 = result["rate"], result["p50_us"] / 1000, result["p99_us"] / 1000
        wrong = f"  WRONG {result['wrong']}: {result['first_wrong']}" if result["wrong"] else ""
        print(
            f"  {self.name} {self.users}: {name:16} {rate:9.1f}/s  p50 {p50:8.2f} ms  p99 {p99:8.2f} ms{wrong}",
            flush=True,
        )

    def reads(self, ceiling=None):
        for name, arguments in self.read_loads().items():
            if ceiling is None or name not in ("get", "filter_user_name"):
                self.note(name, self.load(**arguments))
                continue
            # In turns, so that both meet the same noise.
            mine, bare = [], []
            for _ in range(self.load.runs):
                mine.append(self.load.once(**arguments))
                bare.append(ceiling.once(**arguments | {"contains": ""}))
            self.note(name, loads.median(mine))
            self.found[name]["ceiling"] = loads.median(bare)

    def read_loads(self):
        anybody = {"method": "GET", "below": self.users}
        name = "user{random}@northwind.example"
        deep = min(max(1, self.users - DEEP), DEEPEST)
        return {
            "get": {"method": "GET", "path": "/Users/{id}", "ids": self.ids, "contains": "{id}"},
            "filter_user_name": anybody | {"path": filter_path(f'userName eq "{name}"'), "contains": name},
            "filter_external_id": anybody | {"path": filter_path('externalId eq "user-{random}"'), "contains": name},
            "filter_email": anybody | {"path": filter_path(f'emails.value eq "{name}"'), "contains": name},
            "page_first": {
                "method": "GET",
                "path": f"/Users?startIndex=1&count={PAGE}",
                "connections": 4,
                "contains": "userName",
            },
            "page_deep": {
                "method": "GET",
                "path": f"/Users?startIndex={deep}&count={PAGE}",
                "connections": 4,
                "contains": "userName",
            },
        }

    def writes(self):
        change = patch({"op": "replace", "path": "title", "value": "Title {n}"})
        self.note(
            "patch",
            self.load(
                "PATCH",
                "/Users/{id}",
                body=json.dumps(change),
                ids=self.ids,
                status="200,204",
                each=lambda run: {"first": self.users + run * 1_000_000},
            ),
        )
        for connections in (1, 16, 64):
            self.note(f"create_{connections}", self.creates(connections))

    def creates(self, connections):
        results = []
        for _ in range(self.load.runs):
            results.append(
                self.load.once(
                    "POST",
                    "/Users",
                    connections,
                    body=people.text("{n}", prefix="new"),
                    contains="new{n}@northwind.example",
                    status="201",
                    first=self.next,
                )
            )
            self.next += results[-1]["requests"]
        return loads.median(results)

    def group(self, size, scratch):
        """A group of that size, and one member more or less at a time."""
        started = time.monotonic()
        group = self.filled_group(self.ids.read_text().split()[:size], size)
        if group is None:
            return
        self.found[f"group_{size}_filled_s"] = round(time.monotonic() - started, 1)
        files = [self.newcomers(size, run, scratch) for run in range(self.load.runs)]
        add = json.dumps(patch({"op": "add", "path": "members", "value": [{"value": "{id}"}]}))
        remove = json.dumps(patch({"op": "remove", "path": 'members[value eq "{id}"]'}))
        options = {"connections": 1, "status": "200,204", "in_order": True, "path": f"/Groups/{group}"}
        options["seconds"] = self.settings.slow_s / self.load.runs
        for name, body, connections in (("add", add, 1), ("remove", remove, 1), ("add16", add, 16)):
            load = options | {"body": body, "connections": connections}
            self.note(f"member_{name}_{size}", self.load("PATCH", each=lambda run: {"ids": files[run]}, **load))

    def newcomers(self, size, run, scratch):
        """The ids of people who are in no group yet."""
        path = scratch / f"newcomers-{run}"
        created = self.load.once(
            "POST",
            "/Users",
            body=people.text("{n}", prefix=f"member{size}-{run}-"),
            status="201",
            requests=MEMBERS,
            seconds=self.settings.slow_s,
            save_ids=path,
        )
        if created["good"] < MEMBERS:
            raise RuntimeError(f"{self.name} did not create {MEMBERS} users: {created['first_wrong']}")
        return path

    def filled_group(self, members, size):
        """All members with the creation where a server takes that, else bit by bit; none if it takes too long."""
        end = time.monotonic() + self.settings.slow_s
        document = {"schemas": [people.GROUP], "displayName": f"Group of {size}"}
        values = [{"value": one} for one in members]
        first, rest = values[:LISTED], values[LISTED:]
        try:
            group = self.scim.expect("POST", "/Groups", document | {"members": first}, timeout_s=self.settings.slow_s)[
                "id"
            ]
            while rest:
                part, rest = rest[:LISTED], rest[LISTED:]
                operation = {"op": "add", "path": "members", "value": part}
                self.scim.expect("PATCH", f"/Groups/{group}", patch(operation), timeout_s=self.settings.slow_s)
                if time.monotonic() > end and rest:
                    raise TimeoutError(f"{len(rest)} of {size} members were missing after {self.settings.slow_s} s")
        except (OSError, RuntimeError) as error:
            print(f"  {self.name}: no group of {size}: {str(error)[:200]}", flush=True)
            self.found[f"group_{size}_failed"] = str(error)[:300]
            return None
        return group

    def all(self, groups, scratch, ceiling=None):
        self.found["memory_loaded_mib"] = machine.memory_mib(self.pid)
        self.found["machine_load"] = machine.load()
        self.reads(ceiling)
        for size in groups:
            self.group(size, scratch)
        self.writes()
        self.found["memory_after_mib"] = machine.memory_mib(self.pid)
        return self.found


def list_ids(scim, path):
    """The ids of all users, read page by page."""
    cursor = ""
    with path.open("w") as file:
        while cursor is not None:
            page = scim.expect("GET", f"/Users?attributes=id&count={LISTED}&cursor={cursor}")
            file.writelines(resource["id"] + "\n" for resource in page.get("Resources", []))
            cursor = page.get("nextCursor")
    return path


def start_times(tenure, runs=5):
    """From the start of the process to its first answer, in milliseconds."""
    times = []
    for _ in range(runs):
        with tenure.serve() as server:
            times.append(server.start_ms)
    return round(sorted(times)[runs // 2], 1)


def ceiling_of(scim, ids, scratch, settings):
    """A server that does nothing but answer what Tenure answers to these two requests."""
    resource, listing = scratch / "resource.json", scratch / "list.json"
    first = ids.open().readline().strip()
    resource.write_bytes(scim.request("GET", f"/Users/{first}")[1])
    listing.write_bytes(scim.request("GET", filter_path('userName eq "user0@northwind.example"'))[1])
    process = processes.Process(
        processes.helper("ceiling", "--resource", resource, "--list", listing), scratch / "ceiling.log"
    )
    load = loads.Load(processes.Scim(process.url, "secret"), process.pid, settings.seconds, settings.runs)
    return process, load


def tenure(name, users, scratch, settings, database=None):
    """Tenure with so many users, imported by the command line."""
    # A database goes with one data directory.
    product = processes.Tenure(scratch / (name if database else f"{name}-{users}"), database)
    workspace = f"Bench {users}"
    found = {}
    with product.serve() as server:
        time.sleep(3)
        found["memory_idle_mib"] = machine.memory_mib(server.pid)
    product.run("workspace", "create", workspace)
    token = product.run("token", "create", "--workspace", workspace, "--name", "bench")["token"]
    file = people.write(scratch / "people.jsonl", range(users))
    report, took = product.measured("import", file, "--workspace", workspace)
    if report["created"] != users:
        raise RuntimeError(f"{report['created']} of {users} users were imported")
    found["import"] = took | {"rate": users / took["seconds"]}
    print(f"  {name} {users}: imported in {took['seconds']:.1f} s", flush=True)
    found["start_ms"] = start_times(product)
    with product.serve() as server:
        scim = processes.Scim(server.url + "/scim", token)
        ids = list_ids(scim, scratch / "ids")
        subject = Subject(name, scim, server.pid, users, ids, settings)
        process, ceiling = ceiling_of(scim, ids, scratch, settings)
        with process:
            found |= subject.all([size for size in settings.groups if size <= users], scratch, ceiling)
        time.sleep(3)
        found["memory_rested_mib"] = machine.memory_mib(server.pid)
    return found


def peer(name, start, levels, scratch, settings):
    """A server from a package registry, filled by single POSTs; stops growing where that takes too long."""
    found = {}
    for users in levels:
        started = time.monotonic()
        process, scim = start(scratch)
        with process:
            processes.wait_for(scim)
            start_ms = round((time.monotonic() - started) * 1000, 1)
            idle = machine.memory_mib(process.pid)
            ids = scratch / f"ids-{name}"
            load = loads.Load(scim, process.pid)
            loaded = load.once(
                "POST",
                "/Users",
                body=people.text("{n}"),
                contains="user{n}@northwind.example",
                status="201",
                requests=users,
                seconds=settings.fill_s,
                save_ids=ids,
            )
            if loaded["good"] < users:
                print(
                    f"  {name}: {loaded['good']} of {users} users within {settings.fill_s} s, {loaded['first_wrong']}"
                )
                found[str(users)] = {
                    "users": users,
                    "failed": f"only {loaded['good']} users within {settings.fill_s} s",
                }
                break
            subject = Subject(name, scim, process.pid, users, ids, settings)
            groups = [size for size in settings.groups if size <= users]
            found[str(users)] = {"memory_idle_mib": idle, "start_ms": start_ms} | subject.all(groups, scratch)
    return found
