"""How a server ends and what it says before: readiness, requests in flight, rolling restarts under load."""

import http.client
import json
import select
import signal
import socket
import threading
import time

import requests

import tenure

# Requests that each client sends at least while the servers are restarted.
CLIENTS = 4
DELAY_S = 1


def ready(url):
    """Status of /readyz; 0 when nothing listens."""
    try:
        return requests.get(f"{url}/readyz", timeout=10).status_code
    except requests.ConnectionError:
        return 0


def ask_to_end(server):
    server.process.process.send_signal(signal.SIGTERM)


def wait_for_end(server):
    assert server.process.process.wait(timeout=tenure.STOP_S) == 0, server.process.errors()[-4000:]


def test_it_says_that_it_ends_before_it_does(new_server):
    server = new_server("server", options=["--shutdown-delay", "2"])
    token = server.workspace("Northwind Mills").token()
    assert ready(server.url) == 200
    scim = server.scim(token)
    assert scim.request("GET", "/Users").headers.get("Connection") != "close"
    ask_to_end(server)
    tenure.wait_until(lambda: ready(server.url) == 503, "it is not ready any more", 1, 0.05)
    # It still lives and answers, but each answer ends its connection.
    assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200
    answer = server.scim(token).request("POST", "/Users", tenure.person("Ada Okafor"))
    assert (answer.status_code, answer.headers["Connection"]) == (201, "close")
    wait_for_end(server)
    assert ready(server.url) == 0
    server.start()
    assert server.scim(token).user("ada.okafor@northwind.example")


def test_a_request_in_flight_is_answered(server):
    token = server.workspace("Northwind Mills").token()
    body = json.dumps(tenure.person("Ada Okafor")).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        head = (
            f"POST /scim/Users HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {tenure.SCIM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:20])
        time.sleep(0.3)
        ask_to_end(server)
        tenure.wait_until(lambda: ready(server.url) == 0, "no connections are taken any more", 5, 0.05)
        connection.sendall(body[20:])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 201 "), answer[:300]
    assert b"\r\nconnection: close\r\n" in answer.lower()
    wait_for_end(server)
    server.start()
    assert server.scim(token).user("ada.okafor@northwind.example")


def test_it_is_not_ready_without_its_database(postgres, new_server):
    server = new_server("server", postgres.url)
    token = server.workspace("Northwind Mills").token()
    server.scim(token).create("Users", tenure.person("Ada Okafor"))
    for gone, back in [
        (postgres.stop, postgres.start),
        (lambda: postgres.stop("immediate"), postgres.start),
    ]:
        gone()
        tenure.wait_until(lambda: ready(server.url) == 503, "not ready without the database", 15)
        assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200
        answer = server.scim(token).request("GET", "/Users")
        assert answer.status_code == 503 and "Retry-After" in answer.headers, answer.text
        back()
        tenure.wait_until(lambda: ready(server.url) == 200, "ready with the database", 15)
        assert server.scim(token).user("ada.okafor@northwind.example")


class Balancer:
    """Asks each server all the time whether it is ready, as a load balancer does, and hands out those that are."""

    def __init__(self, servers):
        self.servers = servers
        self.ready = {server.port: True for server in servers}
        self.halt = threading.Event()
        self.threads = [threading.Thread(target=self.watch, args=(server,), daemon=True) for server in servers]
        for thread in self.threads:
            thread.start()

    def watch(self, server):
        while not self.halt.wait(0.1):
            self.ready[server.port] = ready(server.url) == 200

    def ports(self):
        return [port for port, is_ready in self.ready.items() if is_ready]

    def close(self):
        self.halt.set()
        for thread in self.threads:
            thread.join()


class Client(threading.Thread):
    """Creates people over kept connections, now with one server, now with another. Nothing is ever sent twice."""

    def __init__(self, name, balancer, token):
        super().__init__(daemon=True)
        self.label, self.balancer, self.token = name, balancer, token
        self.connections = {}
        self.created = []
        self.failed = []
        self.halt = threading.Event()

    def run(self):
        index = 0
        while not self.halt.is_set():
            person = tenure.number(index, prefix=f"client{self.label}-")
            index += 1
            ports = self.balancer.ports()
            if not ports:
                self.failed.append("no server is ready")
                return
            try:
                status = self.send(ports[index % len(ports)], person)
            except OSError as error:
                status = repr(error)
            except http.client.HTTPException as error:
                status = repr(error)
            if status == 201:
                self.created.append(person["userName"])
            else:
                self.failed.append((person["userName"], status))
            self.halt.wait(0.005)

    def send(self, port, person):
        connection = self.connection(port)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": tenure.SCIM_JSON}
        connection.request("POST", "/scim/Users", json.dumps(person), headers)
        answer = connection.getresponse()
        answer.read()
        # What says that it will be closed is opened anew by the next request.
        return answer.status

    def connection(self, port):
        """A connection that was not closed while nobody used it, as every pool of connections looks for."""
        connection = self.connections.get(port)
        if connection and connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
            connection = None
        if not connection:
            connection = self.connections[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        return connection


def test_servers_are_restarted_in_turn_without_a_failed_request(postgres, new_server):
    options = ["--shutdown-delay", str(DELAY_S)]
    one = new_server("one", postgres.url, options=options)
    two = new_server("two", postgres.url, key_of=one, options=options)
    token = one.workspace("Northwind Mills").token()
    balancer = Balancer([one, two])
    clients = [Client(index, balancer, token) for index in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for server in (one, two, one, two):
            ask_to_end(server)
            wait_for_end(server)
            server.start()
            tenure.wait_until(lambda: len(balancer.ports()) == 2, "both are ready again")
            # The load goes on for a while with both.
            time.sleep(1)
    finally:
        for client in clients:
            client.halt.set()
        for client in clients:
            client.join()
        balancer.close()
    assert [failure for client in clients for failure in client.failed] == []
    created = {name for client in clients for name in client.created}
    print(f"{len(created)} requests during 4 restarts")
    assert {user["userName"] for user in one.scim(token).all("Users", page=500)} == created
    # Each of them did its part.
    for server in (one, two):
        assert '"route":"/scim/Users"' in server.process.errors()
