#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cable that moves: the port changes in the graph, the old edge is gone with its time, and what
was true before can still be asked."""
from answers import plain
from lab import Estate
from suite import Suite, becomes, check, equal, wait_until

suite = Suite()


def row(host, switch, port):
    return {"host": host.name, "ifname": "eth0", "mac": host.mac, "switch": switch.name,
            "switch_descr": switch.description, "port": port, "port_descr": port,
            "protocol": "LLDP"}


def ports(lab, **parameters):
    return plain(lab.cma.query("allswitchports", **parameters))


def now(lab):
    """The CMA's last commit: what is asked as of this time has happened."""
    return max(answer["since"] for answer in lab.cma.query("allswitchports"))


@suite.test
def plugged_in(lab):
    expected = [row(host, host.switch, host.port) for host in lab.hosts]
    becomes(lambda: ports(lab), expected, 15, "all switch ports")
    for host in lab.hosts:
        equal(plain(lab.cma.query("hostswitchports", host=host.name)),
              [row(host, host.switch, host.port)], f"the switch ports of {host.name}")


@suite.test
def moved(lab):
    plugged_in(lab)
    mover, stayer = lab.nodes["mover"], lab.nodes["stayer"]
    before_time, before = now(lab), ports(lab)
    old_switch, old_port = mover.switch, mover.port
    mover.move(lab.nodes["sw2"])
    expected = [row(mover, mover.switch, mover.port), row(stayer, stayer.switch, stayer.port)]
    becomes(lambda: ports(lab), expected, 20, "the switch ports after the move")
    equal(ports(lab, as_of=before_time), before, "the switch ports as of before the move")
    equal(ports(lab, as_of="now"), expected, "the switch ports as of now")
    since = {answer["host"]: answer["since"] for answer in lab.cma.query("allswitchports")}
    check(since["mover"] > before_time >= since["stayer"], since)
    # The old edge is in the history, with the time it went.
    told = lab.cma.ctl("-o", "json", "history", "mover").stdout
    check(old_port in told and old_switch.name in told, f"no word of {old_port}:\n{told}")
    changes = lab.cma.ctl("-o", "json", "query", "changes", f"from={before_time}", "to=now").stdout
    check(mover.port in changes, f"no word of {mover.port}:\n{changes}")


@suite.test
def moved_back_and_forth(lab):
    mover = lab.nodes["mover"]
    for switch in ("sw1", "sw2", "sw1"):
        mover.move(lab.nodes[switch])
        becomes(lambda: plain(lab.cma.query("hostswitchports", host="mover")),
                [row(mover, mover.switch, mover.port)], 20, f"after the move to {switch}")


@suite.test
def second_cable_pulled_out(lab):
    """The host is reached by its other cable: the edge is gone within seconds, not hours."""
    mover, other = lab.nodes["mover"], lab.nodes["sw2"]
    port = mover.plug_more(other, "eth1")

    def wired():
        return {(answer["ifname"], answer["switch"], answer["port"])
                for answer in lab.cma.query("hostswitchports", host="mover")}
    first = ("eth0", mover.switch.name, mover.port)
    becomes(wired, {first, ("eth1", other.name, port)}, 20, "two cables")
    other.ip("link", "set", port, "down")
    becomes(wired, {first}, 20, "one cable pulled out")
    other.ip("link", "set", port, "up")
    becomes(wired, {first, ("eth1", other.name, port)}, 20, "plugged in again")


@suite.test
def only_cable_pulled_out(lab):
    """Nothing can be told meanwhile; afterwards the CMA hears of it."""
    mover = lab.nodes["mover"]
    since = lab.cma.query("hostswitchports", host="mover")[0]["since"]
    mover.switch.ip("link", "set", mover.port, "down")
    wait_until(lambda: not [name for name in mover.neighbours() if name[0] == "eth0"], 20,
               "lldpd still sees the switch")
    mover.switch.ip("link", "set", mover.port, "up")
    wait_until(lambda: [answer for answer in lab.cma.query("hostswitchports", host="mover")
                        if answer["ifname"] == "eth0" and answer["since"] > since], 45,
               lambda: f"plugged in again: {lab.cma.query('hostswitchports', host='mover')}\n"
                       f"{mover.probe.text()}")


with Estate() as estate:
    one, two = estate.switch("sw1"), estate.switch("sw2")
    estate.connect(one, two)
    estate.host("stayer", one)
    estate.host("mover", one)
    estate.cma_start(estate.nodes["stayer"])
    estate.probes_start()
    suite.run(estate)
suite.finish()
