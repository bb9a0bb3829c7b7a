#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a nanoprobe sees on its host: each kind of service and client, before and after its start."""
import os
import shutil

from facts import Facts
from lab import Estate, double
from suite import Suite, check, contains, equal, wait_until

suite = Suite()
CLIENTS = 1000
FIRST_UID = 20000


class Scene:
    """Two hosts: one is watched, the other is who it talks to. Services of every kind run on the
    watched one before its nanoprobe starts, and again on other ports after."""

    def __init__(self, lab):
        switch = lab.switch("sw1")
        self.lab = lab
        self.here, self.there = lab.host("here", switch), lab.host("there", switch, lldp=False)
        self.serve(self.there, "tcp", f"{self.there.address}:6000")
        self.older = self.all_kinds(7000)
        self.held = self.here.spawn(double("dial"), "tcp", f"{self.there.address}:6000", "hold")
        wait_until(lambda: "6000" in self.here.run("ss", "-Hnt").stdout, 5, "not connected")
        self.facts = Facts(self.here)
        self.newer = None

    def serve(self, host, *words, ready=1):
        process = host.spawn(double("serve"), *words)
        wait_until(lambda: process.text().count("ready") == ready, 5, process.text)
        return process

    def all_kinds(self, port):
        """Services on port .. port + 6 of the watched host, and two unix sockets."""
        here, address = self.here, self.here.address
        activator = here.spawn(double("activate"), f"{address}:{port + 5}", double("serve"),
                               "inherited")
        wait_until(lambda: "ready" in activator.text(), 5, activator.text)
        return [
            self.serve(here, "tcp", f"{address}:{port}"),
            self.serve(here, "tcp", f"{address}:{port + 1}", "prefork", "3", ready=3),
            self.serve(here, "tcp", f"{address}:{port + 2}", "reuseport", "2", ready=2),
            self.serve(here, "tcp", f"[::]:{port + 3}"),
            self.serve(here, "udp", f"{address}:{port + 4}"),
            activator,
            self.serve(here, "tcp", f"[{here.address6}]:{port + 6}"),
            self.serve(here, "unix", here.path(f"{port}.sock")),
        ]

    def listener(self, port, proto="tcp"):
        found = self.facts.wait("listen", proto=proto, port=port)
        equal(len(found), 1, f"listeners on port {port}: {found}")
        return found[0]

    def names(self, fact):
        return sorted(os.path.basename(self.facts.process_of(name)["exe"])
                      for name in fact["process"])


def kinds(scene, port):
    """Each service of Scene.all_kinds is told as it is."""
    here, facts = scene.here, scene.facts
    plain = scene.listener(port)
    equal((plain["addr"], plain["proto"], scene.names(plain)), (here.address, "tcp", ["serve"]),
          "a listener")
    owner = facts.process_of(plain["process"][0])
    equal(owner["cmdline"][1:], ["tcp", f"{here.address}:{port}"], "its command line")
    equal((owner["uid"], owner["user"], owner["exe"]), (0, "root", double("serve")), "its process")
    prefork = scene.listener(port + 1)
    equal(scene.names(prefork), ["serve"], "prefork: three equal processes hold one listener")
    equal(facts.process_of(prefork["process"][0])["cmdline"][3:], ["prefork", "3"], "prefork")
    reuse = scene.listener(port + 2)
    equal(scene.names(reuse), ["serve"], "SO_REUSEPORT: two equal processes, a listener each")
    dual = scene.listener(port + 3)
    equal((dual["addr"], dual.get("dual")), ("::", True), "a listener on :: that takes IPv4")
    udp = scene.listener(port + 4, "udp")
    equal((udp["addr"], scene.names(udp)), (here.address, ["serve"]), "a UDP service")
    wait_until(lambda: "serve" in scene.names(scene.listener(port + 5)), 5,
               lambda: f"a listener that was passed on: {scene.listener(port + 5)}")
    six = scene.listener(port + 6)
    equal(six["addr"], here.address6, "a listener on an IPv6 address")
    contains(str(list(facts.get("listen"))), f"tcp [{here.address6}]:{port + 6}", "the keys")
    unix = facts.wait("listen", proto="unix", addr=here.path(f"{port}.sock"))
    equal(scene.names(unix[0]), ["serve"], "a unix service")


@suite.test
def older_than_the_nanoprobe(scene):
    kinds(scene, 7000)


@suite.test
def newer_than_the_nanoprobe(scene):
    scene.newer = scene.all_kinds(7100)
    kinds(scene, 7100)


@suite.test
def service_ends(scene):
    for process in scene.newer:
        process.kill()
    for port in range(7100, 7107):
        scene.facts.wait_gone("listen", port=port)
    scene.facts.wait_gone("listen", addr=scene.here.path("7100.sock"), seconds=130)
    kinds(scene, 7000)


@suite.test
def last_holder_ends(scene):
    """A listener stays as long as one process holds it."""
    process = scene.serve(scene.here, "tcp", f"{scene.here.address}:7300", "prefork", "3", ready=3)
    scene.listener(7300)
    children = scene.here.run("pgrep", "-P", process.pid).stdout.split()
    os.kill(int(children[0]), 9)
    scene.facts.wait("listen", port=7300)
    process.kill()
    scene.facts.wait_gone("listen", port=7300)


@suite.test
def older_connection(scene):
    found = scene.facts.wait("client", proto="tcp", addr=scene.there.address, port=6000)
    equal((found[0]["process"].rpartition(":")[0], found[0]["state"]), ("dial", "ok"),
          "a connection that was there before")


def dialled(scene, kind, port, state, *more, address=None, code=0):
    """Runs a client once; the fact about it."""
    address = address or scene.there.address
    done = scene.here.run(double("dial"), kind, f"{address}:{port}", *more, ok=False)
    equal(done.returncode, code, f"exit code of the client: {done.stderr}")
    found = scene.facts.wait("client", addr=address, port=port)
    equal([(fact["process"].rpartition(":")[0], fact["state"]) for fact in found],
          [("dial", state)], f"the client of {kind} {address}:{port}")
    return found[0]


@suite.test
def connections(scene):
    for number, kind in enumerate(("tcp", "mapped", "uring")):
        scene.serve(scene.there, "tcp", f"{scene.there.address}:{6001 + number}")
        fact = dialled(scene, kind, 6001 + number, "ok")
        equal((fact["proto"], fact["addr"]), ("tcp", scene.there.address),
              f"{kind}: IPv4, however it was written")


@suite.test
def connection_over_ipv6(scene):
    scene.serve(scene.there, "tcp", f"[{scene.there.address6}]:6005")
    scene.here.run(double("dial"), "tcp", f"[{scene.there.address6}]:6005")
    scene.facts.wait("client", addr=scene.there.address6, port=6005, state="ok")


@suite.test
def refused(scene):
    fact = dialled(scene, "tcp", 6006, "refused", code=111)
    scene.serve(scene.there, "tcp", f"{scene.there.address}:6006")
    scene.here.run(double("dial"), "tcp", f"{scene.there.address}:6006")
    scene.facts.wait("client", process=fact["process"], port=6006, state="ok")


@suite.test
def unreachable(scene):
    """Nobody has that address: the card's address is not found within three seconds."""
    scene.here.run("timeout", "6", double("dial"), "tcp", "10.77.0.222:6007", ok=False)
    scene.facts.wait("client", addr="10.77.0.222", port=6007, state="unreachable")


@suite.test
def udp_clients(scene):
    for number, kind in enumerate(("udp", "sendto")):
        scene.serve(scene.there, "udp", f"{scene.there.address}:{6008 + number}")
        fact = dialled(scene, kind, 6008 + number, "ok")
        equal(fact["proto"], "udp", kind)


@suite.test
def udp_client_is_no_service(scene):
    """An unbound UDP socket has a port too, but nobody chose it."""
    before = set(scene.facts.get("listen"))
    client = scene.here.spawn(double("dial"), "sendto", f"{scene.there.address}:6008", "hold")
    wait_until(lambda: "dial" in scene.here.run("ss", "-Hunap").stdout, 5, "no socket")
    scene.here.run(double("dial"), "sendto", f"{scene.there.address}:6010")
    scene.facts.wait("client", port=6010)
    equal(set(scene.facts.get("listen")) - before, set(), "new services")
    client.kill()


@suite.test
def accepted(scene):
    """Who uses our services, with no word of the ephemeral port."""
    scene.there.run(double("dial"), "tcp", f"{scene.here.address}:7000")
    fact = scene.facts.wait("inbound", port=7000, peer=scene.there.address)[0]
    equal(fact["addr"], scene.here.address, "the address that was reached")
    scene.there.run(double("dial"), "tcp", f"{scene.here.address}:7003")
    fact = scene.facts.wait("inbound", port=7003, peer=scene.there.address)[0]
    equal(fact["addr"], scene.here.address, "IPv4 to a listener on ::")
    for _ in range(20):
        scene.there.run(double("dial"), "tcp", f"{scene.here.address}:7000")
    scene.there.run(double("dial"), "tcp", f"{scene.here.address}:7001")
    scene.facts.wait("inbound", port=7001)
    equal(len(scene.facts.get("inbound", port=7000)), 1, "facts about one peer of one service")


@suite.test
def short_lived_clients(scene):
    """A thousand processes that connect once and are gone, each of another user: every one is
    attributed."""
    script = (f"i={FIRST_UID}; while [ $i -lt {FIRST_UID + CLIENTS} ]; do "
              f'"$0" tcp {scene.there.address}:6000 $i || exit 1; i=$((i + 1)); done')
    scene.here.run("sh", "-c", script, double("dial"), timeout=120)

    def attributed():
        clients = scene.facts.get("client", addr=scene.there.address, port=6000)
        processes = scene.facts.get("process")
        return {processes[fact["process"]]["uid"] for fact in clients.values()
                if fact["process"] in processes and
                os.path.basename(processes[fact["process"]]["exe"]) == "dial"}
    wanted = set(range(FIRST_UID, FIRST_UID + CLIENTS))
    wait_until(lambda: wanted <= attributed(), 15,
               lambda: f"{len(wanted - attributed())} of {CLIENTS} clients are not attributed")
    equal(scene.facts.get("coverage").get("loss"), None, "what was lost")


@suite.test
def repeated_client_is_one_fact(scene):
    """The same short-lived program a hundred times is told once or twice, not a hundred times."""
    mark = len(scene.facts.log)
    for _ in range(100):
        scene.here.run(double("dial"), "tcp", f"{scene.there.address}:6001")
    scene.here.run(double("dial"), "tcp", f"{scene.there.address}:6020", ok=False)
    scene.facts.wait("client", port=6020)
    told = [entry for entry in scene.facts.log[mark:] if entry[0] in ("process", "client")]
    check(len(told) <= 10, f"{len(told)} deltas: {told[:6]}")


@suite.test
def secrets_stay_here(scene):
    script = ("import signal,socket,sys\ns=socket.create_connection((sys.argv[1],6000))\n"
              "signal.pause()")
    client = scene.here.spawn("python3", "-c", script, scene.there.address,
                              "--password=hunter2secret", "postgres://u:pa55word@db/x")
    found = wait_until(lambda: [name for name, value in scene.facts.get("process").items()
                                if "--password" in str(value["cmdline"])] or not client.running(),
                       5, "the process is not told")
    contains(str(scene.facts.table), "--password", "the facts")
    for secret in ("hunter2secret", "pa55word"):
        check(secret not in str(scene.facts.log), f"{secret} is told: {found}")


@suite.test
def other_namespaces_are_not_told(scene):
    """Scope netns: nothing of the other host, which is on the same kernel."""
    addresses = [fact["addr"] for fact in scene.facts.get("listen").values()]
    check(scene.there.address not in addresses, addresses)
    check(not [key for key, value in scene.facts.table.items() if value.get("netns")],
          "facts with a network namespace")


@suite.test
def all_namespaces_in_scope_host(scene):
    """Scope host: the services of the other host too, marked with its namespace."""
    facts = Facts(scene.there, "--scope", "host")
    facts.wait("listen", addr=scene.here.address, port=7000, netns=scene.here.namespace)
    facts.wait("listen", addr=scene.there.address, port=6000, netns=None)
    facts.stop()


@suite.test
def activated_by_the_first_process(scene):
    """In a pid namespace of its own, as in a container: init makes the socket, the service has
    it."""
    host = scene.lab.host("boxed", scene.lab.nodes["sw1"], lldp=False)
    init = shutil.copy(double("activate"), host.path("init"))
    box = host.spawn("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", init, f"{host.address}:7500", double("serve"), "inherited")
    wait_until(lambda: "ready" in box.text(), 5, box.text)
    first = host.run("pgrep", "-P", box.pid).stdout.strip()
    facts = Facts(host, enter=("nsenter", "-t", first, "-p", "-m"))
    fact = facts.wait("listen", port=7500)[0]
    equal([os.path.basename(facts.process_of(name)["exe"]) for name in fact["process"]],
          ["serve"], "the holder of an activated socket")
    equal(fact.get("activated"), True, "activated")
    facts.stop()


@suite.test
def document_of_once(scene):
    """nanoprobe --once --json: the same services and clients, in the shape of a document."""
    document = scene.here.once()
    served, used = {}, set()
    for name, process in document["processes"].items():
        for key, value in process.get("listenaddrs", {}).items():
            served.setdefault(key, set()).add(name.rpartition(":")[0])
            if value["proto"] != "unix":
                text = f"[{value['addr']}]" if ":" in value["addr"] else value["addr"]
                equal(key, f"{text}:{value['port']}", "the key of an address")
        used |= {(name.rpartition(":")[0], key) for key in process.get("clientaddrs", {})}
    address = scene.here.address
    for key in (f"{address}:7000", f"{address}:7001", f"{address}:7002", "[::]:7003",
                f"{address}:7004", f"[{scene.here.address6}]:7006"):
        equal(served.get(key), {"serve"}, f"who serves {key}")
    check("serve" in served[f"{address}:7005"], served)
    check(("dial", f"{scene.there.address}:6000") in used, f"the connection that is open: {used}")
    names = {link["ifname"] for link in document["links"]} if isinstance(document["links"], list) \
        else set(document["links"])
    equal(names, {"lo", "eth0"}, "links")


with Estate() as estate:
    suite.run(Scene(estate))
suite.finish()
