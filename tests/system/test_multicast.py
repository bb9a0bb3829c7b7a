#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nanoprobes that know the key of their CMA but not its address find it on their links."""
import json
import os

from lab import Cma, Estate, built, double
from suite import Suite, check, wait_until

suite = Suite()


class AnywhereCma(Cma):
    """It listens on all addresses."""

    def start(self, *more):
        self.process = self.host.spawn(
            built("cma"), "--state-dir", self.state, "--listen", "0.0.0.0:1984",
            "--control", self.control, *more)
        wait_until(lambda: self.ctl("status", ok=False).returncode == 0, 10,
                   lambda: f"the CMA does not answer:\n{self.process.text()}")

    def hosts(self):
        return {row["host"] for row in self.query("allservers")}


def joins(cma, host):
    wait_until(lambda: host.name in cma.hosts(), 40,
               lambda: f"{host.name} does not find its CMA:\n{host.probe.text()}")


@suite.test
def finds_the_one_with_the_key(lab):
    """Two CMAs hear the call; the one whose key the token has answers."""
    host = lab.nodes["one"]
    host.probe_start(lab.second.token(), "--cma", "multicast")
    joins(lab.second, host)
    check(not lab.first.hosts(), f"the wrong CMA took it: {lab.first.hosts()}")
    check(f"connected to the CMA at {lab.second.host.address}:1984" in host.probe.text(),
          host.probe.text())


@suite.test
def finds_it_behind_any_card(lab):
    """Its default route and first card lead elsewhere."""
    host = lab.nodes["between"]
    host.probe_start(lab.first.token(), "--cma", "multicast")
    joins(lab.first, host)


@suite.test
def finds_it_again(lab):
    """After a restart of both, and at another address."""
    host, cma = lab.nodes["one"], lab.second
    host.probe.kill()
    cma.process.stop()
    cma.host.ip("addr", "del", f"{cma.host.address}/24", "dev", "eth0")
    cma.host.ip("addr", "add", "10.77.0.77/24", "dev", "eth0")
    cma.start()
    host.probe_start(None)
    process = host.spawn(double("serve"), "tcp", f"{host.address}:7001")
    wait_until(lambda: any(row["port"] == 7001 for row in cma.query("allipports")), 40,
               lambda: host.probe.text() + process.text())
    check("connected to the CMA at 10.77.0.77:1984" in host.probe.text(), host.probe.text())


@suite.test
def with_the_key_alone_it_asks(lab):
    """No token, no address: nobody trusts anybody before a person says so."""
    host = lab.nodes["asks"]
    key = json.loads(lab.first.ctl("-o", "json", "status").stdout)[0]["key"]
    host.probe = host.spawn(built("nanoprobe"), "--state-dir", host.state, *host.options(),
                            "--cma-key", key)
    wait_until(lambda: f"the CMA at {lab.first.host.address}:1984 waits" in host.probe.text(), 40,
               lambda: f"it does not ask:\n{host.probe.text()}")
    check(host.name not in lab.first.hosts(), "let in unasked")
    check(not os.path.exists(os.path.join(host.state, "enrolment")), "it believes to be in")


@suite.test
def answers_from_the_address_that_was_called(lab):
    """A CMA of two addresses; what comes from the one that was not called is dropped on the way."""
    host, cma = lab.nodes["two"], lab.first
    cma.host.ip("addr", "add", "10.77.0.201/24", "dev", "eth0")
    cma.host.ip("addr", "add", "fd77::201/64", "dev", "eth0", "nodad", "preferred_lft", "0")
    cma.process.stop()
    cma.start("--listen", "[::]:1984")
    host.run("nft", "add table inet strict; add chain inet strict in "
             "{ type filter hook input priority 0; }; "
             "add rule inet strict in udp sport 1984 ip saddr != 10.77.0.201 counter drop; "
             "add rule inet strict in udp sport 1984 ip6 saddr != fd77::201 counter drop")
    for address in ("10.77.0.201:1984", "[fd77::201]:1984"):
        host.probe = host.spawn(built("nanoprobe"), "--state-dir", host.state, *host.options(),
                                "--token", cma.token(), "--cma", address)
        wait_until(lambda: f"connected to the CMA at {address}" in host.probe.text(), 40,
                   lambda: f"no answer from {address}:\n{host.probe.text()}")
        host.probe.stop()
    dropped = host.run("nft", "list", "table", "inet", "strict").stdout
    check(dropped.count("counter packets 0 ") == 2, f"another address answered:\n{dropped}")


def main():
    with Estate() as lab:
        switch, other = lab.switch("sw1"), lab.switch("sw2")
        for name in ("cma1", "cma2", "one", "two", "asks"):
            lab.host(name, switch, lldp=False)
        between = lab.host("between", other, lldp=False)
        between.plug_more(switch, "eth1")
        between.ip("addr", "add", "10.77.1.9/24", "dev", "eth1")
        between.ip("route", "del", "10.77.0.0/24", "dev", "eth0")
        between.ip("route", "add", "10.77.0.0/24", "dev", "eth1", "src", "10.77.1.9")
        between.ip("route", "add", "default", "dev", "eth0")
        for name in ("cma1", "cma2"):
            lab.nodes[name].ip("route", "add", "10.77.1.0/24", "dev", "eth0")
        lab.first, lab.second = AnywhereCma(lab.nodes["cma1"]), AnywhereCma(lab.nodes["cma2"])
        lab.first.start()
        lab.second.start()
        suite.run(lab)
    suite.finish()


if __name__ == "__main__":
    main()
