#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the nanoprobe tells of the neighbours of a real lldpd: what they say, what changes, other
protocols, and an lldpd that goes and comes back."""
from facts import Facts
from lab import Estate, run
from suite import Suite, check, equal, wait_until

suite = Suite()


def neighbour(probe, **fields):
    """The one neighbour with these fields."""
    values = probe.wait("lldp", 1, 10, **fields)
    equal(len(values), 1, "neighbours")
    return values[0]


@suite.test
def everything_it_says(lab):
    one, switch = lab.nodes["one"], lab.nodes["sw1"]
    found = neighbour(lab.probe, protocol="LLDP")
    mac = switch.run("cat", "/sys/class/net/p0/address").stdout.strip()
    equal({key: found.get(key) for key in ("ifname", "sysname", "sysdescr", "port_id",
                                           "port_id_type", "port_descr", "chassis_id",
                                           "chassis_id_type")},
          {"ifname": "eth0", "sysname": "sw1", "sysdescr": "lab switch 1", "port_id": one.port,
           "port_id_type": "ifname", "port_descr": one.port, "chassis_id": mac,
           "chassis_id_type": "mac"}, "the neighbour")
    check(found["ttl"] > 0 and "stale_since" not in found, found)
    equal([key for key in lab.probe.get("lldp")],
          [f"eth0 LLDP {mac} {one.port}"], "its key")


@suite.test
def a_change_comes_at_once_and_alone(lab):
    one, switch = lab.nodes["one"], lab.nodes["sw1"]
    lab.probe.read()
    before = len(lab.probe.log)
    run("lldpcli", "-u", switch.path("lldpd.sock"), "configure", "ports", one.port, "lldp",
        "portdescription", "to the cellar")
    neighbour(lab.probe, port_descr="to the cellar")
    told = [entry for entry in lab.probe.log[before:] if entry[0] == "lldp"]
    equal(len(told), 1, f"deltas for one change: {told}")


@suite.test
def lldpd_goes_and_comes_back(lab):
    one = lab.nodes["one"]
    one.lldpd_stop()
    stale = wait_until(lambda: next((value for value in lab.probe.get("lldp").values()
                                     if "stale_since" in value), None), 5, "not stale")
    coverage = lab.probe.wait("coverage", 1, 5, state="unavailable", hook="lldpd")[0]
    check("lldpd" in coverage["why"], coverage)
    one.lldpd_start("eth0", "eth0")
    lab.probe.wait("coverage", 1, 15, state="complete", hook="lldpd")
    wait_until(lambda: lab.probe.get("lldp") and not any(
        "stale_since" in value for value in lab.probe.get("lldp").values()), 10,
               lambda: f"still stale: {lab.probe.get('lldp')}")
    check(not any(section == "lldp" and value is None for section, _, value in lab.probe.log),
          "the neighbour was deleted meanwhile")


@suite.test
def another_protocol(lab):
    """The switch goes over to CDP."""
    one, switch = lab.nodes["one"], lab.nodes["sw1"]
    one.lldpd_stop()
    switch.lldpd_stop()
    for node in (one, switch):
        node.lldpd_start("eth0" if node is one else "p*", "eth0" if node is one else "p0",
                         "-ccc" if node is switch else "-c")
    found = neighbour(lab.probe, protocol="CDPv2")
    equal((found["ifname"], found["sysname"], found["chassis_id_type"], found["port_id"]),
          ("eth0", "sw1", "local", one.port), "the neighbour over CDP")


@suite.test
def a_neighbour_that_leaves(lab):
    lab.nodes["sw1"].lldpd_stop()
    lab.probe.wait_gone("lldp", 15, protocol="CDPv2")


with Estate() as estate:
    host = estate.host("one", estate.switch("sw1"))
    wait_until(host.lldp_settled, 10, "host and switch do not see each other")
    estate.probe = Facts(host)
    suite.run(estate)
suite.finish()
