"""What a server tells whoever watches it: numbers, log lines, traces; and what it must not tell."""

import json
import re
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

import postbox
import tenure

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def watched(new_server):
    """Starts servers whose numbers can be read."""

    def start(name="server", database=None, options=(), **more):
        options = ["--metrics-listen", f"127.0.0.1:{tenure.free_port()}", *options]
        server = new_server(name, database, options=options, **more)
        server.metrics_url = f"http://{options[1]}/metrics"
        return server

    return start


def text(server):
    answer = requests.get(server.metrics_url, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def samples(server):
    """Every sample by name and labels, as Prometheus' own parser reads it."""
    found = {}
    for family in text_string_to_metric_families(text(server)):
        assert family.documentation.strip(), family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def value(found, name, **labels):
    """The sum of the samples that have at least these labels; 0 if there are none."""
    wanted = set(labels.items())
    return sum(number for (each, given), number in found.items() if each == name and wanted <= set(given))


def lines(server):
    """The server's log, one object a line; the set-up link is for people."""
    return [json.loads(line) for line in server.process.errors().splitlines() if line.startswith("{")]


def span(line, name):
    return next((each for each in line.get("spans", []) if each["name"] == name), {})


def test_numbers_are_not_where_everybody_is(watched, server):
    one = watched("watched")
    token = one.workspace("Northwind Mills").token()
    api = one.workspace("Exium").json("token", "create", "--api", "--name", "script")["token"]
    for secret in (token, api, None):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        for path in ("/metrics", "/metrics/", "/api/v1/metrics", "/scim/metrics"):
            answer = requests.get(one.url + path, headers=headers, timeout=30)
            assert answer.status_code in (401, 404) and "tenure_" not in answer.text, (path, answer.text[:200])
    # Nothing else is where the numbers are.
    root = one.metrics_url.removesuffix("/metrics")
    for path in ("/", "/scim/Users", "/sign-in", "/healthz"):
        assert requests.get(root + path, timeout=30).status_code == 404
    assert requests.post(one.metrics_url, timeout=30).status_code == 405
    # Without being asked, there is no such listener.
    assert "metrics on" not in "\n".join(server.process.lines.queue)


def test_requests_are_counted_by_route(watched):
    server = watched()
    scim = server.scim(server.workspace("Northwind Mills").token())
    ada = scim.create("Users", tenure.person("Ada Okafor"))
    scim.error(409, "uniqueness", "POST", "/Users", tenure.person("Ada Okafor"))
    scim.get(f"/Users/{ada['id']}")
    scim.patch("Users", ada["id"], {"op": "replace", "path": "title", "value": "Dyer"})
    operations = [
        {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {"schemas": [tenure.GROUP], "displayName": "A"}},
        {"method": "DELETE", "path": f"/Users/{ada['id']}"},
        {"method": "DELETE", "path": "/Users/nobody"},
    ]
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    scim.expect(200, "POST", "/Bulk", bulk)
    found = samples(server)
    for route, method, status, count in [
        ("/scim/Users", "POST", "2xx", 1),
        ("/scim/Users", "POST", "4xx", 1),
        ("/scim/Users/{id}", "GET", "2xx", 1),
        ("/scim/Users/{id}", "PATCH", "2xx", 1),
        ("/scim/Bulk", "POST", "2xx", 1),
    ]:
        assert value(found, "tenure_http_requests_total", route=route, method=method, status=status) == count, route
    times = "tenure_http_request_duration_seconds"
    assert value(found, f"{times}_count", route="/scim/Users", method="POST") == 2
    assert value(found, f"{times}_bucket", route="/scim/Users", method="POST", le="+Inf") == 2
    assert value(found, f"{times}_sum", route="/scim/Users", method="POST") > 0
    for resource, operation, outcome, count in [
        ("User", "create", "success", 1),
        ("User", "create", "refused", 1),
        ("User", "patch", "success", 1),
        ("User", "delete", "success", 1),
        ("User", "delete", "refused", 1),
        ("Group", "create", "success", 1),
    ]:
        labels = {"resource": resource, "operation": operation, "outcome": outcome}
        assert value(found, "tenure_scim_operations_total", **labels) == count, labels
    # Writes by the command line are another process's.
    assert value(found, "tenure_store_batch_jobs_sum") >= 3
    assert value(found, "tenure_store_commit_duration_seconds_count") == value(found, "tenure_store_batch_jobs_count")
    assert value(found, "tenure_http_requests_in_flight") == 0
    assert value(found, "tenure_http_connections") >= 1
    assert value(found, "tenure_database_up") == value(found, "tenure_accepting") == 1
    assert value(found, "process_resident_memory_bytes") > 1e6
    assert 3 < value(found, "process_open_fds") < value(found, "process_max_fds")
    assert abs(value(found, "process_start_time_seconds") - time.time()) < 120
    assert [key for key in found if key[0] == "tenure_build_info"]


def test_no_client_makes_a_series(watched):
    server = watched()
    workspace = server.workspace("Northwind Mills")
    token = workspace.token()
    scim = server.scim(token)

    def visit(number):
        name = f"person{number}"
        ada = scim.create("Users", tenure.number(number, prefix=name))
        scim.get(f"/Users/{ada['id']}")
        for path in (f"/{name}", f"/{name}/{name}", f"/Users/{name}", f"/Users/{name}/{name}"):
            scim.request("GET", path, headers={"X-Request-Id": f"id-{number}", "User-Agent": name})
        for path in (f"/{name}", f"/w/{name}", f"/api/v1/{name}", f"/api/v1/tokens/{name}", f"/assets/{name}"):
            requests.get(server.url + path, timeout=30, allow_redirects=False)
        requests.request(f"X{name}".upper(), f"{server.url}/scim/Users", timeout=30)
        requests.get(f"{server.url}/scim/Users", headers={"Host": f"{name}.example"}, timeout=30)

    visit(0)
    before = samples(server)
    for number in range(1, 20):
        visit(number)
    after = samples(server)
    assert set(after) == set(before)
    assert len(after) < 600
    shown = text(server)
    for private in ("person", "northwind", "Northwind", token, "example", "X-PERSON"):
        assert private not in shown, private


def test_cycles_and_their_requests_are_counted(watched, target):
    server = watched()
    workspace = server.workspace("Northwind Mills")
    scim = server.scim(workspace.token())
    for index in range(5):
        scim.create("Users", tenure.number(index))
    application = workspace.application("Exium", target.url, "any token", scope="all")
    assert value(samples(server), "tenure_jobs", state="not-started") == 1
    application.run("start")
    tenure.wait_until(
        lambda: value(samples(server), "tenure_cycles_total", kind="initial", status="completed") == 1, "a first cycle"
    )
    found = samples(server)
    assert value(found, "tenure_objects_total", result="created") == 5
    assert value(found, "tenure_target_requests_total", method="POST", outcome="2xx") == 5
    seconds = value(found, "tenure_target_request_duration_seconds_count")
    assert seconds == value(found, "tenure_target_requests_total") == len(target.seen)
    tenure.wait_until(lambda: value(samples(server), "tenure_jobs", state="active") == 1, "it is on", 20)
    # Every request of a cycle belongs to the trace that its log lines name.
    [begun] = [line for line in lines(server) if line["fields"]["message"] == "cycle begins"]
    assert {seen.trace for seen in target.seen} == {span(begun, "cycle")["trace_id"]}
    parents = [seen.headers["traceparent"] for seen in target.seen]
    assert len(set(parents)) == len(parents)
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", parent) for parent in parents)
    [ended] = [line for line in lines(server) if line["fields"]["message"] == "cycle ended"]
    assert span(ended, "cycle") == span(begun, "cycle")


def test_what_stands_still_shows(watched, new_server):
    box = postbox.Mailbox()
    server = watched(options=["--smtp-url", box.url, "--smtp-from", "tenure@example.com"])
    workspace = server.workspace("Northwind Mills")
    scim = server.scim(workspace.token())
    scim.create("Users", tenure.person("Ada Okafor"))
    other = new_server("other")
    application = workspace.application("Exium", f"{other.url}/scim", "not a token", scope="all")
    config = json.loads(application.run("config").stdout) | {"notification_email": "ops@example.com"}
    application.run("config", "--set", "-", stdin=json.dumps(config))
    application.run("start")
    tenure.wait_until(lambda: value(samples(server), "tenure_jobs", state="quarantined") == 1, "it is in quarantine")
    found = samples(server)
    assert value(found, "tenure_target_requests_total", outcome="denied") > 0
    assert value(found, "tenure_cycles_total", status="quarantined") == 1
    tenure.wait_until(lambda: value(samples(server), "tenure_mail_outbox", state="failing") == 1, "mail waits", 40)
    found = samples(server)
    assert value(found, "tenure_mail_oldest_seconds") > 0
    assert value(found, "tenure_mail_messages_total", outcome="failed") >= 1
    box.open()
    try:
        box.wait_for("is in quarantine", timeout_s=60)
    finally:
        box.close()
    tenure.wait_until(lambda: value(samples(server), "tenure_mail_outbox") == 0, "no mail waits", 20)
    assert value(samples(server), "tenure_mail_messages_total", outcome="sent") == 1


def test_a_change_that_nobody_fetches_shows(watched, new_server):
    server, other = watched(), new_server("other")
    workspace, accounts = server.workspace("Northwind Mills"), other.workspace("Exium")
    scim = server.scim(workspace.token())
    scim.create("Users", tenure.person("Ada Okafor"))
    workspace.application("Exium", f"{other.url}/scim", accounts.token(), scope="all").run("start")
    tenure.wait_until(lambda: value(samples(server), "tenure_cycles_total", status="completed") == 1, "a first cycle")
    assert value(samples(server), "tenure_feed_lag_seconds") == 0
    other.kill()
    scim.create("Users", tenure.person("Ben Mora"))
    tenure.wait_until(lambda: value(samples(server), "tenure_feed_lag_seconds") > 1, "the change waits", 60)
    tenure.wait_until(
        lambda: value(samples(server), "tenure_target_requests_total", outcome="unreachable") > 0, "it is tried"
    )
    other.start()
    tenure.wait_until(lambda: value(samples(server), "tenure_feed_lag_seconds") == 0, "the change is fetched", 180)


def test_a_database_that_is_gone_shows(watched, postgres):
    server = watched(database=postgres.url, options=["--log-level", "warn"])
    server.workspace("Northwind Mills")
    assert value(samples(server), "tenure_database_up") == 1
    postgres.stop()
    tenure.wait_until(lambda: ("tenure_database_up", ()) in samples(server), "numbers without a database", 20)
    tenure.wait_until(lambda: value(samples(server), "tenure_database_up") == 0, "it is gone", 20)
    # A warning names its request, also where requests themselves are not logged.
    assert requests.get(f"{server.url}/readyz", headers={"X-Request-Id": "probe-1"}, timeout=30).status_code == 503
    warned = [line for line in lines(server) if span(line, "request").get("request_id") == "probe-1"]
    assert [line["fields"]["message"].split(":")[0] for line in warned if line["level"] == "WARN"] == ["not ready"]
    # Old numbers would look like good ones.
    assert not [key for key in samples(server) if key[0] in ("tenure_jobs", "tenure_feed_lag_seconds")]
    postgres.start()
    tenure.wait_until(lambda: value(samples(server), "tenure_database_up") == 1, "it is back", 30)


def test_every_line_of_a_request_names_it(watched):
    server = watched(options=["--log-level", "debug", "--log-format", "json"])
    workspace = server.workspace("Northwind Mills")
    scim = server.scim(workspace.token())
    headers = {"X-Request-Id": "order-66.a_b", "traceparent": PARENT}
    answer = scim.request("POST", "/Users", tenure.person("Ada Okafor"), headers=headers)
    assert answer.headers["X-Request-Id"] == "order-66.a_b"
    found = [line for line in lines(server) if span(line, "request").get("request_id") == "order-66.a_b"]
    [answered] = [line for line in found if line["fields"]["message"] == "answered"]
    assert answered["fields"] | {"duration_ms": 0} == {
        "message": "answered",
        "route": "/scim/Users",
        "status": 201,
        "duration_ms": 0,
    }
    assert span(answered, "request")["trace_id"] == TRACE
    # What would break out of a line or a header is replaced by an id of ours.
    for wrong in ("", "a b", 'a"b', "a;b", "x" * 65, "a\tb", "é".encode().decode("latin-1"), "{}", "../a", "<b>"):
        answer = scim.request("GET", "/Users", headers={"X-Request-Id": wrong, "traceparent": f"{PARENT}-x"})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"]), wrong
        [line] = [
            line
            for line in lines(server)
            if span(line, "request").get("request_id") == answer.headers["X-Request-Id"]
            and line["fields"]["message"] == "answered"
        ]
        assert re.fullmatch(r"[0-9a-f]{32}", span(line, "request")["trace_id"])
        assert span(line, "request")["trace_id"] != TRACE
    # An error page names it, too.
    assert requests.get(f"{server.url}/nowhere", timeout=30).headers["X-Request-Id"]


def test_text_for_people_and_levels(new_server):
    server = new_server("server", options=["--log-format", "text", "--log-level", "warn,tenure_server=info"])
    scim = server.scim(server.workspace("Northwind Mills").token())
    scim.request("GET", "/Users", headers={"X-Request-Id": "abc"})
    [line] = [line for line in server.process.errors().splitlines() if "answered" in line]
    assert 'request{request_id="abc" trace_id=' in line and "status=200" in line and "\x1b" not in line
    refused = server.cli.run("serve", "--log-level", "tenure=loud", exit_code=tenure.USAGE)
    assert "--log-level" in refused.stderr and "for example" in refused.stderr


PASSWORD = "seven brave herons glide"
SECRETS = ["secret of the application", "secret of the other", "correct horse", PASSWORD]


def sign_in(server):
    """Signs in at the console, and fails to; the cookies."""
    http = requests.Session()
    page = http.get(f"{server.url}/sign-in", timeout=30)
    fields = {"email": "ana@northwind.example", "csrf": re.search(r'name="csrf" value="([^"]+)"', page.text)[1]}
    for password in (PASSWORD + "!", PASSWORD):
        answer = http.post(
            f"{server.url}/sign-in",
            data=fields | {"password": password},
            headers={"Origin": server.url},
            timeout=30,
        )
    assert answer.status_code == 200, answer.text[:500]
    return [fields["csrf"], *(cookie.value for cookie in http.cookies)]


def walk(server, target, denied):
    """Does everything that has to do with a secret; those that were made on the way."""
    workspace = server.workspace("Northwind Mills")
    tokens = [workspace.token(), workspace.json("token", "create", "--api", "--name", "script")["token"]]
    scim = server.scim(tokens[0])
    workspace.run("admin", "create", "--email", "ana@northwind.example", "--name", "Ana Ito", stdin=PASSWORD)
    cookies = sign_in(server)
    ada = scim.create("Users", tenure.person("Ada Okafor") | {"password": "correct horse"})
    scim.get("/Users", filter='userName eq "ada.okafor@northwind.example"')
    scim.request("GET", "/Users/ada.okafor@northwind.example")
    scim.request("GET", "/Users/ada.okafor%40northwind.example")
    scim.patch("Users", ada["id"], {"op": "replace", "path": "password", "value": "correct horse"})
    scim.request("POST", "/Users", '{"userName": "ada.okafor@northwind.example", "password": "correct horse"')
    for token in (tokens[1], "tnr_scim_wrong"):
        for path in ("/api/v1/settings", "/scim/Users"):
            requests.get(server.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    application = workspace.application("Exium", target.url, SECRETS[0], scope="all")
    application.run("test", exit_code=None)
    application.run("start")
    tenure.wait_until(lambda: target.users, "an account arrives")
    workspace.application("No", f"{denied.url}/scim", SECRETS[1], scope="all").run("start")
    tenure.wait_until(lambda: server.process.errors().count("cycle ended") >= 2, "both cycles end")
    return [*tokens, *cookies]


@pytest.mark.parametrize("level", ["trace", "info"])
def test_the_log_of_a_whole_walk_tells_no_secret(level, watched, new_server, target):
    server = watched(options=["--log-level", level])
    secrets = SECRETS + walk(server, target, new_server("denied"))
    setup = re.search(r"token=(\S+)", server.process.errors())[1]
    requests.get(f"{server.url}/setup?token={setup}", timeout=30)
    server.stop()
    log = server.process.errors()
    # The set-up link is printed for whoever starts the server; nothing else names it.
    assert log.count(setup) == 1
    for secret in secrets:
        assert secret and secret not in log, f"{secret!r} is logged at {level}"
    if level == "info":
        for private in ("ada.okafor", "Okafor", "ana@", "Ana Ito"):
            assert private not in log, f"{private!r} is logged at {level}"
