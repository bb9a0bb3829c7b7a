#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong outside is told clearly or counted, and never crashes anything."""
import os
import random
import shutil
import socket
import sqlite3
import time

from lab import Cma, Estate, PORT, built, run
from suite import Suite, check, contains, wait_until

suite = Suite()
PROGRAMS = ("nanoprobe", "cma", "cmactl")


def refused(done, *words, code=(1, 2)):
    """The program ended with an error whose text on stderr holds the words, and nothing else."""
    check(done.returncode in code, f"exit {done.returncode}, not {code}: {done.stderr}")
    check(not done.stdout, f"stdout is not empty: {done.stdout}")
    for word in words:
        contains(done.stderr, str(word), "the message")
    check(len(done.stderr.splitlines()) <= 4, f"not a clear message:\n{done.stderr}")


@suite.test
def unknown_option(_):
    for program in PROGRAMS:
        refused(run(built(program), "--nosuchthing", ok=False), "nosuchthing", code=(2,))


@suite.test
def option_without_value(_):
    for program, option in (("nanoprobe", "--state-dir"), ("cma", "--listen"),
                            ("cmactl", "--control")):
        refused(run(built(program), option, ok=False), option, code=(2,))


@suite.test
def bad_values_are_quoted(lab):
    for program, option, value in (("nanoprobe", "--scope", "galaxy"),
                                   ("nanoprobe", "--cma", "somewhere"),
                                   ("nanoprobe", "--token", "not-a-token"),
                                   ("cma", "--listen", "10.0.0.1:notaport"),
                                   ("cma", "--ring-degree", "3"),
                                   ("cma", "--heartbeat-interval", "61s"),
                                   ("cmactl", "--output", "papyrus")):
        done = run(built(program), option, value, "status" if program == "cmactl" else
                   f"--state-dir={lab.directory}/fresh", ok=False)
        # A token is a secret: named by its option, not repeated.
        refused(done, option.lstrip("-") if option == "--token" else value)


@suite.test
def configuration_file(lab):
    path = f"{lab.directory}/bad.conf"
    for text, line, word in (("# fine\nscope = host\nthis is not one\n", 3, "this is not one"),
                             ("scope = host\nscoop = host\n", 2, "scoop"),
                             ("\n\nscope = galaxy\n", 3, "galaxy")):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        refused(run(built("nanoprobe"), "--config", path, "--print-config", ok=False),
                f"{path}:{line}", word)
    refused(run(built("nanoprobe"), "--config", f"{lab.directory}/none.conf", "--print-config",
                ok=False), "none.conf")
    refused(run(built("cma"), "--config", lab.directory, "--print-config", ok=False),
            lab.directory)


@suite.test
def state_directory_that_cannot_be(lab):
    refused(run(built("cma"), "--state-dir", "/proc/nothing", "--listen", "127.0.0.1:0",
                "--control", f"{lab.directory}/x.sock", ok=False), "/proc/nothing", code=(1,))


@suite.test
def busy_port(lab):
    host = lab.nodes["centre"]
    refused(host.run(built("cma"), "--state-dir", host.path("other"), "--listen",
                     f"{host.address}:{PORT}", "--control", host.path("other.sock"), ok=False),
            f"{host.address}:{PORT}", "in use", code=(1,))


@suite.test
def second_instance(lab):
    host = lab.nodes["centre"]
    refused(host.run(built("cma"), "--state-dir", lab.cma.state, "--listen",
                     f"{host.address}:{PORT + 6}", "--control", host.path("other.sock"), ok=False),
            lab.cma.state, code=(1,))
    probe = lab.nodes["good"]
    refused(probe.run(built("nanoprobe"), "--state-dir", probe.state, *probe.options(), ok=False),
            probe.state, code=(1,))
    check(lab.cma.ctl("status").stdout, "the first instance does not answer any more")


@suite.test
def newer_state(lab):
    host = lab.nodes["centre"]
    copy = host.path("newer")
    shutil.copytree(lab.cma.state, copy)
    with sqlite3.connect(f"{copy}/graph.db") as base:
        base.execute("pragma user_version = 9999")
    base.close()
    refused(host.run(built("cma"), "--state-dir", copy, "--listen", f"{host.address}:{PORT + 2}",
                     "--control", host.path("newer.sock"), ok=False), "newer", copy, code=(1,))
    probe = host.path("newer-probe")
    os.mkdir(probe)
    with open(f"{probe}/version", "w", encoding="ascii") as file:
        file.write("99\n")
    refused(host.run(built("nanoprobe"), "--state-dir", probe, *host.options(), ok=False),
            "newer", f"{probe}/version", code=(1,))


@suite.test
def control_socket_without_cma(lab):
    refused(run(built("cmactl"), "--control", f"{lab.directory}/none.sock", "status", ok=False),
            "none.sock", code=(1,))


@suite.test
def questions_that_make_no_sense(lab):
    for words in (("query", "nosuchquery"), ("query", "findip", "nosuchparam=1"),
                  ("query", "findip", "ip=notanip"), ("query", "hostdependencies", "host=nobody"),
                  ("query", "hostdependencies", "host=good", "direction=sideways"),
                  ("query", "hostdependencies", "host=good", "depth=many"),
                  ("query", "allservers", "as_of=someday"), ("nosuchcommand",),
                  ("token", "destroy"), ("token", "create", "--ttl", "forever"),
                  ("token", "create", "--uses", "-3"), ("history", "nobody")):
        offending = words[-1].rpartition("=")[2]
        if offending == "1":
            offending = "nosuchparam"
        done = lab.cma.ctl(*words, ok=False)
        refused(done, offending)


@suite.test
def no_token(lab):
    host = lab.nodes["late"]
    refused(host.run(built("nanoprobe"), "--state-dir", host.state, *host.options(), ok=False),
            "token", code=(1,))
    shutil.rmtree(host.state)


@suite.test
def expired_token(lab):
    """The nanoprobe is not let in, and both sides say why."""
    token = lab.cma.token("--ttl", "1s")
    host = lab.nodes["late"]
    made = time.monotonic()
    wait_until(lambda: time.monotonic() > made + 1.1, 5, "time stands still")
    probe = host.probe_start(token)
    wait_until(lambda: "expired" in probe.text(), 15, lambda: f"it says nothing:\n{probe.text()}")
    wait_until(lambda: "expired" in lab.cma.process.text(), 70,
               lambda: f"the CMA says nothing:\n{lab.cma.process.text()}")
    check("late" not in hosts(lab), "a host joined with an expired token")
    probe.stop()
    shutil.rmtree(host.state)


def hosts(lab):
    return {row["host"] for row in lab.cma.query("allservers")}


@suite.test
def used_up_token(lab):
    token = lab.cma.token("--uses", "1")
    first, second = lab.nodes["first"], lab.nodes["late"]
    first.probe_start(token)
    wait_until(lambda: "first" in hosts(lab), 15, lambda: first.probe.text())
    probe = second.probe_start(token)
    wait_until(lambda: "used up" in probe.text(), 15, lambda: f"it says nothing:\n{probe.text()}")
    check("late" not in hosts(lab), "two hosts joined with a token for one")
    probe.stop()
    shutil.rmtree(second.state)


@suite.test
def wrong_cma_key(lab):
    """A token of another CMA, pointed at this one: silence, and nothing breaks."""
    centre, host = lab.nodes["centre"], lab.nodes["late"]
    other = Cma(host)
    other.start()
    token = other.token()
    other.process.stop()
    probe = host.probe_start(token, "--cma", f"{centre.address}:{PORT}")
    wait_until(lambda: "no answer" in probe.text(), 20,
               lambda: f"the nanoprobe says nothing:\n{probe.text()}")
    check(probe.running(), "the nanoprobe gave up")
    check("late" not in hosts(lab), "a host joined with another CMA's key")
    probe.stop()
    shutil.rmtree(host.state)


@suite.test
def missing_capability(lab):
    host = lab.nodes["late"]
    probe = host.spawn("capsh", "--drop=cap_bpf,cap_perfmon,cap_sys_admin", "--",
                       "-c", 'exec "$@"', "sh", built("nanoprobe"), "--dry-run", "--state-dir",
                       host.state, *host.options())
    wait_until(lambda: "CAP_BPF" in probe.text().upper(), 10,
               lambda: f"the capability is not named:\n{probe.text()}")
    probe.kill()


@suite.test
def no_btf(lab):
    """Sockets are still told, and what is missing is named."""
    host = lab.nodes["late"]
    host.spawn(built("tests/system/serve"), "tcp", f"{host.address}:7001")
    wait_until(lambda: ":7001" in host.run("ss", "-Hltn").stdout, 5, "no listener")
    done = host.run("sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh",
                    built("nanoprobe"), "--once", "--json", *host.options())
    contains(done.stdout, f"{host.address}:7001", "the document")
    contains(done.stdout.lower(), "btf", "the coverage")


@suite.test
def random_datagrams(lab):
    """4,000 datagrams of any bytes, half of them with a plausible first byte."""
    seed = random.randrange(2 ** 32)
    print(f"    seed {seed}")
    chance = random.Random(seed)
    host, centre = lab.nodes["first"], lab.nodes["centre"]
    datagrams = []
    for number in range(4000):
        size = chance.choice((0, 1, 3, 4, 24, 32, 44, 68, 108, 160, 1232, chance.randrange(1400)))
        data = bytearray(chance.randbytes(size))
        if number % 2 and size > 3:
            data[:4] = bytes((chance.randrange(8), 1, 0, 0))
        datagrams.append(bytes(data).hex())
    script = ("import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
              f"for line in sys.stdin: s.sendto(bytes.fromhex(line), ('{centre.address}',{PORT}))")
    host.run("python3", "-c", script, input="\n".join(datagrams))
    check(lab.cma.process.running(), f"the CMA ended:\n{lab.cma.process.text()}")
    before = len(lab.cma.query("allipports"))
    host.spawn(built("tests/system/serve"), "tcp", f"{host.address}:7002")
    wait_until(lambda: len(lab.cma.query("allipports")) > before, 10,
               "the CMA does not take deltas any more")


@suite.test
def answers_to_a_nanoprobe_from_strangers(lab):
    """Random datagrams to the nanoprobe's own port, as if from the CMA's host."""
    host, centre = lab.nodes["first"], lab.nodes["centre"]
    line = next(line for line in host.run("ss", "-Hunpa").stdout.splitlines() if "nanoprobe" in line)
    port = line.split()[3].rpartition(":")[2]
    script = ("import random,socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
              f"for n in range(1000): s.sendto(random.randbytes(n), ('{host.address}',{port}))")
    centre.run("python3", "-c", script)
    check(host.probe.running(), f"the nanoprobe ended:\n{host.probe.text()}")
    before = len(lab.cma.query("allipports"))
    host.spawn(built("tests/system/serve"), "tcp", f"{host.address}:7003")
    wait_until(lambda: len(lab.cma.query("allipports")) > before, 10, "nothing is told any more")


@suite.test
def lldpd_absent_then_there_then_restarted(lab):
    host, switch = lab.nodes["dark"], lab.nodes["sw1"]
    lab.probes_start([host])
    check(not lab.cma.query("hostswitchports", host="dark"), "switch ports without lldpd")
    host.lldpd_start("eth*", "eth0")
    rows = wait_until(lambda: lab.cma.query("hostswitchports", host="dark"), 15,
                      lambda: f"lldpd came, its neighbours did not:\n{host.probe.text()}")
    check(rows[0]["switch"] == switch.name and rows[0]["port"] == host.port, rows)
    since = rows[0]["since"]
    host.lldpd_stop()
    host.lldpd_start("eth*", "eth0")
    wait_until(host.lldp_settled, 10, "lldpd does not see the switch after its restart")
    rows = lab.cma.query("hostswitchports", host="dark")
    check(rows and rows[0]["since"] == since, f"a restart of lldpd looks like a new cable: {rows}")


with Estate() as estate:
    socket.setdefaulttimeout(5)
    main_switch = estate.switch("sw1")
    for name in ("centre", "good", "first", "late"):
        estate.host(name, main_switch)
    estate.host("dark", main_switch, lldp=False)
    estate.cma_start(estate.nodes["centre"])
    estate.probes_start([estate.nodes["good"]])
    suite.run(estate)
suite.finish()
