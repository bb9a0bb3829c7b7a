#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the running processes may do: each row of the table in docs/privileges.md, the exposure of
the units, and that the nanoprobe works with no more than its unit allows."""
import ctypes
import json
import os
import pwd
import re
import shlex
import shutil
import socket
import stat

from facts import Facts
from lab import BUILD, TREE, Estate, built, run
from suite import Suite, check, contains, equal, wait_until

suite = Suite()
SYS_PIDFD_GETFD = 438  # on every architecture
CAPABILITIES = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
                "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK "
                "IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
                "SYS_BOOT SYS_NICE "
                "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL "
                "SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
                "PERFMON BPF "
                "CHECKPOINT_RESTORE").split()
UNITS = (("packaging/nanoprobe.service", BUILD, 40), ("data/privileges/net.service",
                                                      f"{TREE}/tests", 20),
         ("packaging/cma.service", BUILD, 20))
# Where sense reads: what it opens by an absolute path (/proc/PID comes relative to /proc).
PLACES = re.compile(r"^/(proc|sys/fs/cgroup|run/netns|etc|dev/urandom|"
                    r"sys/kernel/btf/vmlinux|sys/kernel/tracing|sys/devices)(/|$)")


def status(pid, key):
    """A field of each thread of a process: the set of its values."""
    values = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            values.add(re.search(rf"^{key}:[ \t]*(.*)$", file.read(), re.MULTILINE)[1].strip())
    return values


def capabilities(pid, key):
    values = status(pid, key)
    equal(len(values), 1, f"{key} of the threads of {pid}")
    mask = int(values.pop(), 16)
    return [name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]


def processes(lab):
    """{"sense": pid, "net": pid, "cma": pid, "alert": pid}"""
    sense = lab.nodes["one"].probe.pid
    with open(f"/proc/{sense}/task/{sense}/children", encoding="ascii") as file:
        net, = file.read().split()
    cma = lab.cma.process.pid
    with open(f"/proc/{cma}/task/{cma}/children", encoding="ascii") as file:
        alert, = file.read().split()
    return {"sense": sense, "net": int(net), "cma": cma, "alert": int(alert)}


def table():
    """The first table of docs/privileges.md: {row: {process: cell}}"""
    with open(f"{TREE}/docs/privileges.md", encoding="utf-8") as file:
        text = file.read().partition("## Once it has started")[2]
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
            for line in text.partition("\n\n")[2].partition("\n\n")[0].splitlines()]
    return {row[0]: dict(zip(rows[0][1:], row[1:])) for row in rows[2:]}


def listed(cell):
    return [] if cell == "none" else sorted(cell.split(", "))


def sockets(pid):
    """What sockets a process has: {(family, type)}, asked of duplicates of its descriptors."""
    found = set()
    with open(os.pidfd_open(pid), "rb", buffering=0) as process:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:["):
                copy = ctypes.CDLL(None).syscall(SYS_PIDFD_GETFD, process.fileno(), int(fd), 0)
                with socket.socket(fileno=copy) as copied:
                    found.add((copied.family, copied.type & 15))
    return found


def check_user(pid, name, cell):
    uid = int(status(pid, "Uid").pop().split()[0])
    if name in ("net", "alert"):
        check(uid != 0, f"{name} is root")
    equal(len(set(status(pid, "Uid").pop().split())), 1, "one user in all respects")


def check_groups(pid, name, cell):
    groups = status(pid, "Groups").pop().split()
    if name in ("net", "alert"):
        equal(groups, [], f"groups of {name}")
    elif name == "sense":
        check(len(groups) <= 1, groups)


def check_root(pid, name, cell):
    root = os.readlink(f"/proc/{pid}/root")
    if not cell.startswith("empty"):
        equal(root, "/", f"root of {name}")
        return
    contains(root, "(deleted)", "root of net")
    equal(os.listdir(f"/proc/{pid}/root/"), [], "what is in it")
    equal(os.readlink(f"/proc/{pid}/cwd"), root, "its working directory")


def check_limits(pid, name, cell):
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        limits = {line[:26].strip(): line[26:].split()[0] for line in file}
    if name == "net":
        equal([limits[key] for key in ("Max processes", "Max open files", "Max core file size")],
              ["0", "64", "0"], cell)


def check_internet(pid, name, cell):
    found = {kind for kind in sockets(pid)
             if kind[0] not in (socket.AF_UNIX, socket.AF_NETLINK)}
    kinds = {"none": [], "UDP": [socket.AF_INET], "UDP, UDP6": [socket.AF_INET, socket.AF_INET6]}
    equal(sorted(found), [(family, socket.SOCK_DGRAM) for family in kinds[cell]],
          f"sockets of {name}")


def check_others(pid, name, cell):
    found = {family for family, _ in sockets(pid)} & {socket.AF_UNIX, socket.AF_NETLINK}
    check(socket.AF_UNIX in found and "unix" in cell, f"{name} has {found}")
    equal(socket.AF_NETLINK in found, "netlink" in cell, f"netlink sockets of {name}")


def check_dumpable(pid, name, cell):
    """A process that can be dumped is its user's in /proc, others are root's."""
    equal(os.stat(f"/proc/{pid}/environ").st_uid, 0, f"whose /proc/PID/environ of {name} is")


ROWS = {
    "user": check_user,
    "groups": check_groups,
    "capabilities": lambda pid, name, cell: [
        equal(capabilities(pid, key), wanted, f"{key} of {name}")
        for key, wanted in (("CapEff", listed(cell)), ("CapPrm", listed(cell)), ("CapInh", []),
                            ("CapAmb", []))],
    "bounding set": lambda pid, name, cell: equal(capabilities(pid, "CapBnd"), listed(cell),
                                                  f"CapBnd of {name}"),
    "no_new_privs": lambda pid, name, cell: equal(status(pid, "NoNewPrivs"), {"1"}, name),
    "seccomp": lambda pid, name, cell: equal(
        status(pid, "Seccomp"), {"0" if cell == "none" else "2"}, name),
    "dumpable": check_dumpable,
    "root directory": check_root,
    "internet sockets": check_internet,
    "other sockets": check_others,
    "limits": check_limits,
}


@suite.test
def the_table_holds(lab):
    rows = table()
    equal(sorted(rows), sorted(ROWS), "rows of the table and what is checked")
    for name, pid in processes(lab).items():
        for row, cells in rows.items():
            ROWS[row](pid, name, cells[name])


@suite.test
def net_is_one_thread(lab):
    equal(len(os.listdir(f"/proc/{processes(lab)['net']}/task")), 1, "threads of net")


@suite.test
def neither_process_has_a_file_of_the_other_kind(lab):
    """Net holds no directory or file that something could be reached from."""
    for fd in os.listdir(f"/proc/{processes(lab)['net']}/fd"):
        path = f"/proc/{processes(lab)['net']}/fd/{fd}"
        mode = os.stat(path).st_mode
        check(not stat.S_ISDIR(mode), f"net holds {os.readlink(path)}")
        check(not stat.S_ISREG(mode) or int(fd) <= 2, f"net holds {os.readlink(path)}")


@suite.test
def lldpd_is_heard_without_the_right_to_overlook_modes(lab):
    one = lab.nodes["one"]
    mode = os.stat(one.path("lldpd.sock")).st_mode
    check(not mode & stat.S_IWOTH, "anybody may connect, so this shows nothing")
    wait_until(lambda: lab.cma.query("allswitchports"), 20, "no switch port")


@suite.test
def exposure_of_the_units(_):
    run("make", "-C", TREE, "-s", f"BUILD={BUILD}", f"{BUILD}/packaging/nanoprobe.service",
        f"{BUILD}/packaging/cma.service", timeout=120)
    with open(f"{TREE}/docs/privileges.md", encoding="utf-8") as file:
        told = re.findall(r"`[^|]*\| (\d\.\d) \| <= \d\.\d \|", file.read())
    for (name, directory, threshold), figure in zip(UNITS, told, strict=True):
        done = run("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}",
                   "--no-pager", f"{directory}/{name}", ok=False)
        verdict = done.stdout.strip().rpartition("\n")[2]
        check(done.returncode == 0, verdict + done.stderr)
        contains(verdict, f": {figure} ", f"the exposure of {name}")


def unit(name):
    """{key: all words} of the [Service] section, in the order of the file."""
    found = {}
    with open(f"{BUILD}/packaging/{name}", encoding="utf-8") as file:
        for line in file:
            key, equals, value = line.strip().partition("=")
            if equals and not line.startswith("#"):
                found.setdefault(key, []).extend(shlex.split(value))
    return found


def calls_of(words):
    """The calls that SystemCallFilter= allows."""
    sets, current = {}, set()
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), set())
        elif line.strip() and line.strip()[0] != "#":
            current.add(line.strip())

    def flat(word):
        return set().union(*map(flat, sets[word])) if word in sets else {word}
    return flat("@default").union(*map(flat, words))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def ended(trace, pid):
    return re.search(rf"^{pid} +exit_group\(0\)", read(trace), re.MULTILINE)


def coverage(probe):
    """{feature: state}, once lldpd was heard."""
    probe.wait("lldp", 1, 20, protocol="LLDP")
    found = {key: value["state"] for key, value in probe.get("coverage").items()}
    probe.stop()
    return found


@suite.test
def works_with_what_its_unit_allows(lab):
    """Without systemd as the first process: the same capabilities, file systems and calls."""
    one, settings = lab.nodes["one"], unit("nanoprobe.service")
    keep = [word.lower()[4:] for word in settings["CapabilityBoundingSet"]]
    drop = ",".join("cap_" + name.lower() for name in CAPABILITIES if name.lower() not in keep)
    check(drop and len(keep) < 16, settings)
    trace, copy = one.path("trace"), shutil.copy(built("nanoprobe"), one.path("nanoprobe"))
    # What mount(2) makes of ProtectSystem=strict, PrivateTmp=yes, ProtectHome=yes and the like.
    script = ("mount --make-rprivate / && mount -t tmpfs tmp /tmp && mount -t tmpfs home /home && "
              "mount -t cgroup2 cgroup /sys/fs/cgroup && mount -o remount,bind,ro / && "
              f"shift && exec capsh --drop={drop} --no-new-privs -- "
              f"-c 'exec {copy} \"$@\"' sh \"$@\"")
    probe = Facts(one, enter=("strace", "-D", "-f", "-qq", "-o", trace, "unshare", "-m", "sh", "-c",
                              script, "sh"))
    equal(coverage(probe), coverage(Facts(one)), "what it sees, and with all rights")
    wait_until(lambda: ended(trace, probe.process.pid), 5,
               lambda: f"its end is not traced:\n{read(trace)[-500:]}")
    text = read(trace).partition('nanoprobe", [')[2]
    used = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", text, re.MULTILINE))
    check({"bpf", "seccomp", "chroot"} <= used, f"not what was to be traced: {sorted(used)}")
    check(used <= calls_of(settings["SystemCallFilter"]),
          f"refused by the unit: {sorted(used - calls_of(settings['SystemCallFilter']))}")


@suite.test
def cma_makes_no_call_that_its_unit_refuses(lab):
    one = lab.nodes["one"]
    trace, control = one.path("cma-trace"), one.path("traced.sock")
    cma = one.spawn("strace", "-D", "-f", "-qq", "-o", trace, built("cma"), "--state-dir",
                    one.path("traced"), "--listen", f"{one.address}:1990", "--control", control,
                    "--alert", "exec /bin/true")
    wait_until(lambda: run(built("cmactl"), "--control", control, "token", "create",
                           ok=False).returncode == 0, 20, cma.text)
    equal(cma.stop(), 0, cma.text())
    wait_until(lambda: ended(trace, cma.pid), 5, "its end is not traced")
    used = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", read(trace), re.MULTILINE)) - {"execve"}
    check("seccomp" in used, f"not what was to be traced: {sorted(used)}")
    allowed = calls_of(unit("cma.service")["SystemCallFilter"])
    check(used <= allowed, f"refused by the unit: {sorted(used - allowed)}")


def start_as_nobody(one, state):
    return one.spawn(built("cma"), "--state-dir", state, "--listen", f"{one.address}:1986",
                     "--control", one.path("user.sock"), "--user", "nobody")


@suite.test
def cma_becomes_another_user(lab):
    """Started by root, with a state directory that is that user's; its files are his, too."""
    one, nobody = lab.nodes["one"], pwd.getpwnam("nobody")
    state = one.path("user-state")
    for owner in (None, 0):
        if owner is not None:
            os.mkdir(state, 0o700)
        cma = start_as_nobody(one, state)
        equal(cma.wait(10), 1, "exit code")
        contains(cma.text(), "does not belong to user 'nobody'", "what it says")
    equal(os.listdir(state), [], "what root made there")
    os.chown(state, nobody.pw_uid, nobody.pw_gid)
    cma = start_as_nobody(one, state)
    wait_until(lambda: run(built("cmactl"), "--control", one.path("user.sock"), "token", "create",
                           ok=False).returncode == 0, 20, cma.text)
    for key, number in (("Uid", nobody.pw_uid), ("Gid", nobody.pw_gid)):
        equal(status(cma.pid, key), {"\t".join([str(number)] * 4)}, key)
    equal(status(cma.pid, "Groups"), {""}, "groups")
    for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        equal(capabilities(cma.pid, key), [], key)
    for name in os.listdir(state):
        equal(os.stat(os.path.join(state, name)).st_uid, nobody.pw_uid, f"owner of {name}")
    contains(run(built("cmactl"), "--control", one.path("user.sock"), "tokens").stdout, "good",
             "tokens")
    equal(cma.stop(), 0, cma.text())


@suite.test
def once_reads_lldpd_without_privileges(lab):
    """All is connected before the capabilities go, and no connection comes after; without lldpd it
    makes no call that it must not make, either."""
    one = lab.nodes["one"]
    trace = one.path("once-trace")
    one.run("strace", "-qq", "-e", "trace=connect,capset,recvfrom,read", "-o", trace,
            built("nanoprobe"), "--once", "--json", *one.options())
    before, _, after = read(trace).rpartition("capset(")
    contains(before, "lldpd.sock", "what comes before the capabilities go")
    contains(after, "(", "what comes after they went")
    check("connect(" not in after, after)
    done = one.run(built("nanoprobe"), "--once", "--json", *one.options(), "--lldpd-socket",
                   "/nowhere")
    equal(json.loads(done.stdout)["coverage"]["lldp"]["state"], "unavailable", "lldp")


@suite.test
def hostile_net_has_nothing_opened_or_executed(lab):
    trace = f"{lab.directory}/hostile"
    run("strace", "-f", "-qq", "-e", "trace=open,openat,execve,execveat", "-o", trace,
        f"{BUILD}/tests/unit/test_hostile", timeout=120,
        env=dict(os.environ, HOSTILE_REQUESTS="5000"))
    text = read(trace)
    equal(len(re.findall(r"execve", text)), 1, "programs executed, the test itself included")
    names = re.findall(r"open(?:at)?\((?:[^,]*, )?\"([^\"]*)\"", text.partition("/proc")[2])
    odd = {name for name in names if name.startswith("/") and not PLACES.match(name)}
    odd = {name for name in odd if not re.match(r"/(lib|usr/lib|etc/ld\.so)", name)}
    check(not odd, f"opened: {sorted(odd)}")


def main():
    with Estate() as lab:
        one = lab.host("one", lab.switch("sw1"))
        lab.cma_start(one, "--alert", "exec /bin/true")
        lab.probes_start(None, "--reflector", "tc")
        suite.run(lab)
    suite.finish()


main()
