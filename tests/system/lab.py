# SPDX-License-Identifier: Apache-2.0
"""An estate in network namespaces: a switch is a bridge with a real lldpd, a host is a namespace
with a cable to a switch, its own lldpd and its own nanoprobe. Nothing outside the namespaces is
touched, and everything is gone at the end; what a killed run left is cleared by the next one."""
import ctypes
import glob
import json
import os
import shutil
import signal
import subprocess
import sys

from suite import Failure, wait_until

TREE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.path.join(TREE, os.environ.get("BUILD", "build")))
PREFIX = "lab"
BASE = "/var/tmp/assim-lab"  # short: the paths of unix sockets hold 107 bytes
PORT = 1984
BEAT_PORT = 1985


def built(program):
    return os.path.join(BUILD, program)


def double(name):
    """A small program of tests/system/*.c that behaves like a kind of service or client."""
    return os.path.join(BUILD, "tests/system", name)


def run(*command, ok=True, **options):
    """Runs a command to its end; a Failure with its output when it fails and ok is set."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=options.pop("timeout", 30), check=False, **options)
    if ok and done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                      f"{done.stdout}{done.stderr}")
    return done


def started_at(pid):
    """What tells two processes of one number apart; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def alive(pid):
    """Runs, and is not merely waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in what a shell runs in the background


def cgroups():
    """Where the cgroup v2 hierarchy is mounted, None when it is not."""
    with open("/proc/mounts", encoding="ascii") as mounts:
        return next((words[1] for words in map(str.split, mounts) if words[2] == "cgroup2"), None)


def namespaces(prefix):
    names = [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line]
    return [name for name in names if name.startswith(prefix)]


def remove_namespaces(prefix):
    """Kills what runs in the namespaces of that prefix, and deletes them."""
    def empty(namespace):
        pids = [int(pid) for pid in run("ip", "netns", "pids", namespace, ok=False).stdout.split()]
        for pid in filter(alive, pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not any(map(alive, pids))
    for namespace in namespaces(prefix):
        wait_until(lambda: empty(namespace), 10, f"processes of {namespace} do not end")
        run("ip", "netns", "delete", namespace, ok=False)


def remove_cgroups(prefix):
    for directory in glob.glob(f"{cgroups()}/{prefix}*"):
        os.rmdir(directory)


def sweep():
    """Clears what runs that no longer live left behind."""
    owners = set(glob.glob(f"{BASE}/*"))
    owners |= {f"{BASE}/{name[len(PREFIX):].partition('-')[0]}" for name in namespaces(PREFIX)}
    for directory in owners:
        pid = os.path.basename(directory)
        try:
            with open(f"{directory}/owner", encoding="ascii") as owner:
                since = owner.read()
        except OSError:
            since = ""
        if pid.isdigit() and started_at(pid) != since:
            remove_namespaces(f"{PREFIX}{pid}-")
            remove_cgroups(f"{PREFIX}{pid}-")
            shutil.rmtree(directory, ignore_errors=True)


class Process:
    """A running program with its output in a file."""

    def __init__(self, command, log, cgroup=None, **options):
        def before():
            if cgroup:
                with open(f"{cgroup}/cgroup.procs", "w", encoding="ascii") as procs:
                    procs.write("0")
            die_with_parent()
        self.command = [str(word) for word in command]
        self.log = log
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, start_new_session=True,
                stdout=options.pop("stdout", output), stderr=output, preexec_fn=before,
                **options)
        self.pid = self.popen.pid

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def running(self):
        return self.popen.poll() is None

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.command} still runs after {seconds} s\n{self.text()}") from None

    def stop(self, seconds=10):
        """SIGTERM; the exit code."""
        if self.running():
            self.popen.terminate()
        return self.wait(seconds)

    def kill(self):
        """kill -9 of it and of the processes it started in its session."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()


class Node:
    """A network namespace: what switches and hosts have in common."""

    def __init__(self, estate, name, description=""):
        self.estate, self.name, self.description = estate, name, description
        self.namespace = f"{PREFIX}{os.getpid()}-{name}"
        self.directory = os.path.join(estate.directory, name)
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o755)
        run("ip", "netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")
        self.lldpd = None
        self.count = 0
        self.cgroup = None
        if estate.own_cgroups:
            self.cgroup = os.path.join(cgroups(), self.namespace)
            os.mkdir(self.cgroup)

    def ip(self, *words):
        return run("ip", "-n", self.namespace, *words)

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.namespace, *command, **options)

    def spawn(self, *command, **options):
        self.count += 1
        name = options.pop("name", os.path.basename(str(command[0])))
        log = self.path(f"{self.count}-{name}.log")
        process = Process(["ip", "netns", "exec", self.namespace, *command], log, self.cgroup,
                          **options)
        self.estate.processes.append(process)
        return process

    def sysctl(self, key, value):
        self.run("sysctl", "-q", "-w", f"{key}={value}")

    # lldpd keeps its own socket; what it announces is known, and it speaks every second.
    def lldpd_start(self, interfaces, chassis, *more):
        with open(self.path("lldpd.conf"), "w", encoding="ascii") as config:
            config.write(f"configure system hostname {self.name}\n"
                         f"configure system description \"{self.description}\"\n"
                         "configure lldp tx-interval 1\n"
                         "configure lldp portidsubtype ifname\n")
        self.lldpd = self.spawn("lldpd", "-d", "-u", self.path("lldpd.sock"), "-I", interfaces,
                                "-C", chassis, "-O", self.path("lldpd.conf"), *more)

    def lldpd_stop(self):
        self.lldpd.stop()
        self.lldpd = None

    def neighbours(self):
        """{(our interface, their name, their port)} as this node's lldpd knows them."""
        done = run("lldpcli", "-u", self.path("lldpd.sock"), "show", "neighbors", "-f", "json0",
                   ok=False)
        if done.returncode:
            return set()
        found = set()
        for table in json.loads(done.stdout).get("lldp", []):
            for entry in table.get("interface", []):
                found.add((entry["name"], entry["chassis"][0]["name"][0]["value"],
                           entry["port"][0]["id"][0]["value"]))
        return found


class Switch(Node):
    def __init__(self, estate, name, number):
        super().__init__(estate, name, f"lab switch {number}")
        self.number, self.ports = number, 0
        self.chassis = f"02:00:00:00:{number:02x}:00"
        self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        self.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        self.ip("link", "add", "br0", "type", "bridge")
        self.ip("link", "set", "br0", "up")
        # Carries the address that is the chassis id: a switch does not change its name with a port.
        self.ip("link", "add", "p0", "address", self.chassis, "type", "veth", "peer", "anchor")
        self.ip("link", "set", "p0", "up")
        self.lldpd_start("p*", "p0")

    def next_port(self):
        self.ports += 1
        return f"p{self.ports}"

    def port_up(self, port):
        self.ip("link", "set", port, "master", "br0")
        self.ip("link", "set", port, "up")


class Host(Node):
    def __init__(self, estate, name, number):
        super().__init__(estate, name, f"lab host {number}")
        self.number = number
        self.mac = f"02:00:0a:4d:00:{number:02x}"
        self.address, self.address6 = f"10.77.0.{number}", f"fd77::{number:x}"
        self.switch = self.port = self.probe = None
        for scope in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{scope}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{scope}.router_solicitations", 0)
        self.state = self.path("state")

    def plug(self, switch):
        """A cable from eth0 to the next free port of a switch."""
        self.switch, self.port = switch, switch.next_port()
        self.ip("link", "add", "eth0", "address", self.mac, "type", "veth", "peer", "name",
                self.port, "netns", switch.namespace)
        switch.port_up(self.port)
        self.ip("link", "set", "eth0", "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("addr", "add", f"{self.address6}/64", "dev", "eth0")

    def plug_more(self, switch, ifname):
        """A second cable, without an address; the port it is in."""
        port = switch.next_port()
        self.ip("link", "add", ifname, "type", "veth", "peer", "name", port, "netns",
                switch.namespace)
        switch.port_up(port)
        self.ip("link", "set", ifname, "up")
        return port

    def move(self, switch):
        """Pulls the cable out of its switch and into the next free port of another."""
        port = switch.next_port()
        self.switch.ip("link", "set", self.port, "netns", switch.namespace, "name", port)
        self.switch, self.port = switch, port
        switch.port_up(port)

    def lldp_settled(self):
        return (("eth0", self.switch.name, self.port) in self.neighbours()
                and (self.port, self.name, "eth0") in self.switch.neighbours())

    def options(self):
        return ["--scope", "netns", "--hostname", self.name, "--lldpd-socket",
                self.path("lldpd.sock"), "--policy", self.path("policy.conf")]

    def probe_start(self, token, *more):
        """Without a token it goes on with what its state directory holds."""
        alone = ("unshare", "--cgroup") if self.cgroup else ()
        self.probe = self.spawn(*alone, built("nanoprobe"), "--state-dir", self.state,
                                *self.options(), *(("--token", token) if token else ()), *more,
                                name="nanoprobe")
        return self.probe

    def once(self, *more):
        """The document of `nanoprobe --once --json`, of this host alone."""
        done = self.run(built("nanoprobe"), "--once", "--json", *self.options(), *more)
        return json.loads(done.stdout)


class Cma:
    """The CMA, on a host of the estate; the control socket is reached by its path."""

    def __init__(self, host):
        self.host, self.process = host, None
        self.control = host.path("cma.sock")
        self.state = host.path("cma-state")

    def start(self, *more):
        self.process = self.host.spawn(
            built("cma"), "--state-dir", self.state, "--listen", f"{self.host.address}:{PORT}",
            "--control", self.control, *more)
        wait_until(lambda: self.ctl("status", ok=False).returncode == 0, 10,
                   lambda: f"the CMA does not answer:\n{self.process.text()}")

    def command(self, *words):
        return [built("cmactl"), "--control", self.control, *words]

    def ctl(self, *words, **options):
        return run(*self.command(*words), **options)

    def query(self, name, **parameters):
        """The rows of a canned query, each a dict."""
        words = [f"{key.rstrip('_')}={value}" for key, value in parameters.items()]
        return json.loads(self.ctl("-o", "json", "query", name, *words).stdout)

    def status(self):
        return json.loads(self.ctl("-o", "json", "status").stdout)[0]

    def token(self, *more):
        return self.ctl("token", "create", *more).stdout.strip()


class Estate:
    """with Estate() as lab: ... ; everything it made is gone afterwards, whatever happens.

    own_cgroups: each host is a control group, which is all that its nanoprobe sees, as in a
    container. A kernel has room for 64 nanoprobes that watch the same one."""

    def __init__(self, own_cgroups=False):
        sweep()
        self.own_cgroups = own_cgroups and cgroups() is not None
        self.directory = os.path.join(BASE, str(os.getpid()))
        self.processes, self.nodes, self.switches, self.hosts = [], {}, [], []
        self.cma = None
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))

    def __enter__(self):
        if os.geteuid():
            raise SystemExit("needs root: network namespaces and the kernel are watched")
        os.makedirs(self.directory)
        os.chmod(BASE, 0o755)
        os.chmod(self.directory, 0o755)
        with open(f"{self.directory}/owner", "w", encoding="ascii") as owner:
            owner.write(started_at(os.getpid()))
        return self

    def __exit__(self, kind, *_):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if os.environ.get("KEEP") and kind:
            input(f"kept: {self.directory}; Enter ends it ")
        for process in self.processes:
            process.kill()
        remove_namespaces(f"{PREFIX}{os.getpid()}-")
        remove_cgroups(f"{PREFIX}{os.getpid()}-")
        shutil.rmtree(self.directory, ignore_errors=True)
        try:
            os.rmdir(BASE)
        except OSError:
            pass

    def switch(self, name):
        switch = Switch(self, name, len(self.switches) + 1)
        self.switches.append(switch)
        self.nodes[name] = switch
        return switch

    def connect(self, one, other):
        """An uplink between two switches."""
        port, peer = one.next_port(), other.next_port()
        one.ip("link", "add", port, "type", "veth", "peer", "name", peer, "netns", other.namespace)
        one.port_up(port)
        other.port_up(peer)

    def host(self, name, switch=None, lldp=True):
        host = Host(self, name, len(self.hosts) + 1)
        self.hosts.append(host)
        self.nodes[name] = host
        if switch:
            host.plug(switch)
            if lldp:
                host.lldpd_start("eth*", "eth0")
        return host

    def cma_start(self, host, *more):
        self.cma = Cma(host)
        self.cma.start(*more)
        return self.cma

    def probes_start(self, hosts=None, *more):
        """One nanoprobe per host, and waits until the CMA knows all of them."""
        hosts = hosts or [host for host in self.hosts if host.switch]
        token = self.cma.token()
        for host in hosts:
            host.probe_start(token, *more)
        names = {host.name for host in hosts}
        wait_until(lambda: names <= {row["host"] for row in self.cma.query("allservers")}, 30,
                   lambda: "hosts missing at the CMA\n" +
                   "\n".join(f"{host.name}: {host.probe.text()}" for host in hosts))
