#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real services, real clients and real LLDP on five hosts: the whole answer of each query."""
import pwd

import estate as estates
from answers import KERNEL, SYSTEM, distinct, endpoint, plain, process
from lab import BEAT_PORT, PORT, Estate, built, double
from services import program
from suite import Suite, becomes, check, equal, wait_until

suite = Suite()
NET_USER = "_nanoprobe" if "_nanoprobe" in {user.pw_name for user in pwd.getpwall()} else "nobody"


def listening(host, proto, addr, port, name, user="root"):
    return {"host": host.name, "proto": proto, "addr": addr, "port": port,
            "process": process(name), "exe": program(name), "user": user}


def all_services(e):
    wildcard = [listening(e.web1, "tcp", addr, 80, "nginx", user)
                for addr in ("0.0.0.0", "::") for user in ("root", "www-data")]
    cma = listening(e.centre, "udp", e.centre.address, PORT, "bash")
    cma.update(process="cma:*", exe=e.lab.cma.process.command[4])
    beats = [{"host": host.name, "proto": "udp", "addr": "::", "port": BEAT_PORT,
              "process": "nanoprobe:*", "exe": built("nanoprobe"), "user": NET_USER}
             for host in e.hosts]
    return wildcard + beats + [
        listening(e.web2, "tcp", e.web2.address, 22, "sshd"),
        listening(e.db1, "tcp", e.db1.address, 5432, "postgres", "postgres"),
        listening(e.db1, "tcp", e.db1.address, 6379, "redis-server"),
        listening(e.centre, "tcp", e.centre.address, 53, "dnsmasq"),
        listening(e.centre, "udp", e.centre.address, 53, "dnsmasq"),
        cma,
    ]


def uses(client, name, server, port, peer, hops=1, proto="tcp"):
    return {"host": client.name, "process": process(name),
            "endpoint": endpoint(server, port, proto),
            "peer_process": process(peer), "peer_host": server.name, "hops": hops}


@suite.test
def allservers(e):
    equal(plain(e.lab.cma.query("allservers")),
          [{"host": host.name, "status": "up", "os": SYSTEM, "kernel": KERNEL}
           for host in e.hosts], "allservers")


@suite.test
def allipports(e):
    becomes(lambda: distinct(plain(e.lab.cma.query("allipports"))), distinct(all_services(e)), 15,
            "allipports")


@suite.test
def switch_ports(e):
    expected = [{"host": host.name, "ifname": "eth0", "mac": host.mac, "switch": host.switch.name,
                 "switch_descr": host.switch.description, "port": host.port,
                 "port_descr": host.port, "protocol": "LLDP"} for host in e.hosts]
    becomes(lambda: plain(e.lab.cma.query("allswitchports")), expected, 15, "allswitchports")
    for row in expected:
        equal(plain(e.lab.cma.query("hostswitchports", host=row["host"])), [row],
              f"hostswitchports host={row['host']}")


@suite.test
def find(e):
    for host in e.hosts:
        for ip in (host.address, host.address6):
            equal(plain(e.lab.cma.query("findip", ip=ip)),
                  [{"ip": ip, "host": host.name, "ifname": "eth0", "mac": host.mac}],
                  f"findip ip={ip}")
        equal(plain(e.lab.cma.query("findmac", mac=host.mac.upper())),
              [{"mac": host.mac, "host": host.name, "ifname": "eth0"}], f"findmac mac={host.mac}")
    equal(e.lab.cma.query("findip", ip="10.77.0.200"), [], "findip of an address nobody has")


def probe_edge(e, host):
    """Each nanoprobe is itself a client, of the CMA."""
    return {"host": host.name, "process": "nanoprobe:*", "endpoint": endpoint(e.centre, PORT, "udp"),
            "peer_process": "cma:*", "peer_host": "centre", "hops": 1}


def dependencies(e, host, **parameters):
    return distinct(plain(e.lab.cma.query("hostdependencies", host=host.name, **parameters)))


@suite.test
def dependencies_up(e):
    """What each host needs."""
    expected = {
        "web1": [uses(e.web1, "psql", e.db1, 5432, "postgres")],
        "web2": [uses(e.web2, "redis-cli", e.db1, 6379, "redis-server")],
        "admin": [uses(e.admin, "ssh", e.web2, 22, "sshd"),
                  uses(e.admin, "curl", e.web1, 80, "nginx"),
                  uses(e.admin, "dig", e.centre, 53, "dnsmasq", proto="udp")],
        "db1": [],
        "centre": [],
    }
    for host in e.hosts:
        becomes(lambda h=host: dependencies(e, h, direction="up", depth=1),
                distinct(expected[host.name] + [probe_edge(e, host)]), 15,
                f"hostdependencies host={host.name} direction=up depth=1")


def used_by(server, name, port, client, peer, hops=1):
    return {"host": server.name, "process": process(name), "endpoint": endpoint(server, port),
            "peer_process": process(peer), "peer_host": client.name, "hops": hops}


@suite.test
def dependencies_down(e):
    """Who needs db1."""
    equal(dependencies(e, e.db1, direction="down", depth=1),
          [used_by(e.db1, "postgres", 5432, e.web1, "psql"),
           used_by(e.db1, "redis-server", 6379, e.web2, "redis-cli")],
          "hostdependencies host=db1 direction=down depth=1")
    equal(dependencies(e, e.web1, direction="down", depth=1),
          [used_by(e.web1, "nginx", 80, e.admin, "curl")],
          "hostdependencies host=web1 direction=down depth=1")


@suite.test
def dependencies_both(e):
    equal(dependencies(e, e.web1, direction="both", depth=1),
          [used_by(e.web1, "nginx", 80, e.admin, "curl"),
           uses(e.web1, "psql", e.db1, 5432, "postgres"), probe_edge(e, e.web1)],
          "hostdependencies host=web1 depth=1")


@suite.test
def addresses(e):
    rows = plain(e.lab.cma.query("allips"))
    for host in e.hosts:
        for ip in (host.address, host.address6):
            found = [row for row in rows if row["ip"] == ip]
            check(len(found) == 1 and found[0]["host"] == host.name, f"allips for {ip}: {found}")


@suite.test
def unknown_addresses(e):
    """A printer that no nanoprobe watches."""
    equal(e.lab.cma.query("unknownips"), [], "unknownips before the printer")
    printer = e.lab.host("printer", e.sw2, lldp=False)
    service = printer.spawn(double("serve"), "tcp", f"{printer.address}:9100")
    wait_until(lambda: "ready" in service.text(), 5, service.text)
    e.admin.run(double("dial"), "tcp", f"{printer.address}:9100")
    expected = [{"ip": printer.address, "mac": printer.mac, "seen_by": "admin", "seen_as": role}
                for role in ("neighbour", "server")]
    becomes(lambda: plain(e.lab.cma.query("unknownips")), expected, 10, "unknownips")


@suite.test
def impact(e):
    """What suffers: the services of a host that goes and their clients elsewhere."""
    text = e.lab.cma.ctl("-o", "json", "query", "impact", "node=db1").stdout
    for word in ("postgres:", "redis-", "psql:", "web1", "web2"):
        check(word in text, f"impact node=db1 does not say {word}:\n{text}")
    for word in ("ssh:", "nginx:", "dig:"):
        check(word not in text, f"impact node=db1 says {word}:\n{text}")
    behind = e.lab.cma.ctl("-o", "json", "query", "impact", "node=sw1").stdout
    for word in ("nginx:", "postgres:", "redis-", "redis-cli:"):
        check(word in behind, f"impact node=sw1 does not say {word}:\n{behind}")
    port = e.lab.cma.query("impact", node=f"sw1:{e.db1.port}")
    equal(plain(port), plain(e.lab.cma.query("impact", node="db1")),
          "impact of db1's only switch port, and of db1")


@suite.test
def counts(e):
    rows = {row.get("kind"): row.get("count") or row.get("nodes")
            for row in e.lab.cma.query("nodecount")}
    equal({kind: rows.get(kind) for kind in ("host", "switch", "switchport")},
          {"host": 5, "switch": 2, "switchport": 5}, "nodecount")


@suite.test
def changes(e):
    """A service that came and went between two times."""
    before = max(row["since"] for row in e.lab.cma.query("allservers"))
    service = e.web2.spawn(double("serve"), "tcp", f"{e.web2.address}:7777")
    wait_until(lambda: [row for row in e.lab.cma.query("allipports") if row["port"] == 7777], 10,
               "the service is not told")
    service.kill()
    wait_until(lambda: not [row for row in e.lab.cma.query("allipports") if row["port"] == 7777],
               10, "the end of the service is not told")
    rows = e.lab.cma.query("changes", from_=before, to="now")
    about = [row for row in rows if "7777" in str(row)]
    check(len(about) >= 2, f"changes about port 7777: {about}")
    equal(e.lab.cma.query("changes", from_="2001-01-01", to="2001-01-02"), [], "changes long ago")


@suite.test
def owner_facts(e):
    """A document without a CMA says the same as the graph."""
    document = e.web1.once()
    served = sorted((name.rpartition(":")[0], key) for name, process_ in
                    document["processes"].items() for key in process_.get("listenaddrs", {}) if name.startswith("nginx:"))
    equal(served, [("nginx", "0.0.0.0:80"), ("nginx", "0.0.0.0:80"), ("nginx", "[::]:80"),
                   ("nginx", "[::]:80")], "listenaddrs of web1")
    known = {row["process"] for row in e.lab.cma.query("allipports") if row["host"] == "web1"}
    equal({name for name in document["processes"] if name.startswith(("nginx:", "nanoprobe:"))}, known,
          "process names in the document and in the graph")
    neighbour = document["lldp"][0]
    equal({key: neighbour[key] for key in ("ifname", "protocol", "chassis_id", "chassis_id_type",
                                           "sysname", "sysdescr", "port_id", "port_id_type")},
          {"ifname": "eth0", "protocol": "LLDP", "chassis_id": e.sw1.chassis,
           "chassis_id_type": "mac", "sysname": "sw1", "sysdescr": "lab switch 1",
           "port_id": e.web1.port, "port_id_type": "ifname"}, "the LLDP neighbour")


@suite.test
def joined_in_the_other_order(e):
    """Clients first, services known later: a nanoprobe that joins last completes the edges."""
    e.db1.probe.kill()
    e.db1.probe_start("")
    equal(dependencies(e, e.web1, direction="up", depth=1),
          [uses(e.web1, "psql", e.db1, 5432, "postgres"), probe_edge(e, e.web1)],
          "hostdependencies while db1 is away or back")


with Estate() as lab:
    small = estates.Small(lab)
    lab.cma_start(small.centre)
    lab.probes_start([small.web1, small.web2])
    small.services_start()
    small.clients_start()
    lab.probes_start([small.db1, small.admin, small.centre])
    small.visit()
    small.lldp_settle()
    suite.run(small)
suite.finish()
