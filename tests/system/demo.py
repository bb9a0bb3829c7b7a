# SPDX-License-Identifier: Apache-2.0
"""make lab: the small estate, alive, for a person to look at and to play with."""
import signal
import subprocess
import sys

import estate
from lab import Estate, built
from suite import Failure, wait_until

QUERIES = (
    ("hosts", "allservers"),
    ("services", "allipports"),
    ("switch ports, from LLDP at both ends", "allswitchports"),
    ("what web1 uses, and who uses it", "hostdependencies", "host=web1", "direction=both"),
    ("what suffers when db1 goes", "impact", "node=db1"),
    ("what suffers when switch sw1 goes", "impact", "node=sw1"),
    ("who exchanges heartbeats with whom", "ring"),
    ("how much the graph holds", "nodecount"),
)
HINT = """
==> ask more, in another terminal:
    alias cmactl='{cmactl} --control {control}'
    cmactl query list
    cmactl query hostdependencies host=admin depth=3
    cmactl -o dot query allswitchports
==> change something, and see it below:
    ip netns exec {web2} python3 -m http.server     # a new service
    ip netns exec {admin} curl {web1}     # a connection
    ip -n {sw1} link set {port} netns {sw2} name p9 &&
        ip -n {sw2} link set p9 master br0 up     # the cable of web1 into the other switch
    kill $(ip netns pids {db1})     # everything on a host ends, and says goodbye
==> let something fail, see the incident below within seconds, and end it with "up" or -CONT:
    ip -n {sw1} link set {port} down     # web1 dies, or its only link
    kill -STOP $(ip netns pids {web2})     # the nanoprobe of web2 hangs, with all that runs there
    ip -n {sw1} link set br0 down     # a switch fails, with three hosts behind it
    cmactl incidents; cmactl query down     # in the other terminal

==> changes as they are committed, and what happens to hosts, until Ctrl-C
"""


def show(title, query, *parameters):
    print(f"\n==> {title}    (cmactl query {' '.join((query, *parameters))})", flush=True)


def tables(cma):
    for title, *query in QUERIES:
        show(title, *query)
        print(cma.ctl("query", *query).stdout, end="", flush=True)


def periodic(small):
    """The same edges, so nothing new to tell; a host may be down, so none has to come through."""
    try:
        small.visit()
    except (AssertionError, Failure, subprocess.TimeoutExpired):
        pass


def main():
    print("==> 2 switches, 5 hosts, 5 services, 5 kinds of client, 1 CMA", flush=True)
    print(estate.__doc__.split("\n\n", 1)[1], flush=True)
    with Estate() as lab:
        small = estate.Small(lab)
        cma = lab.cma_start(small.centre)
        small.services_start()
        lab.probes_start()
        small.clients_start()
        small.lldp_settle()
        wait_until(lambda: len(cma.query("allswitchports")) >= len(small.hosts), 20,
                   "the switch ports do not reach the CMA")
        for host, client in (("web1", "psql:"), ("web2", "redis-cli:"), ("admin", "dig:")):
            wait_until(lambda h=host, c=client: c in cma.ctl(
                "query", "hostdependencies", f"host={h}", "depth=1").stdout, 10,
                       f"{client} of {host} is not told")
        tables(cma)
        print(HINT.format(cmactl=built("cmactl"), control=cma.control, web1=small.web1.address,
                          sw1=small.sw1.namespace, sw2=small.sw2.namespace,
                          port=small.web1.port,
                          **{host.name: host.namespace for host in small.hosts
                             if host is not small.web1}), flush=True)
        watches = [subprocess.Popen(cma.command(*words))  # pylint: disable=consider-using-with
                   for words in (("watch",), ("events", "--follow"))]
        try:
            while watches[0].poll() is None:
                periodic(small)
                try:
                    watches[0].wait(5)
                except subprocess.TimeoutExpired:
                    pass
        finally:
            for watch in watches:
                watch.kill()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print()
    except Failure as failure:
        sys.exit(f"lab: {failure}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
