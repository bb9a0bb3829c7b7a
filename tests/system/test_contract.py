#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts rely on: options, exit codes, forms of output, an end within a second, and nothing
left behind."""
import csv
import glob
import io
import json
import os
import re
import time

from lab import BUILD, PORT, TREE, Estate, alive, built, run
from suite import Suite, check, contains, equal, wait_until

suite = Suite()
OPTIONS = {
    "nanoprobe": ("--state-dir", "--token", "--cma", "--scope", "--lldpd-socket", "--policy", "--hostname",
                  "--once", "--json", "--dry-run", "--print-config", "--version", "--help"),
    "cma": ("--state-dir", "--listen", "--control", "--print-config", "--version", "--help"),
    "cmactl": ("--control", "--output", "--ttl", "--key", "--wait", "--uses", "--tenant", "--version", "--help"),
}
QUERIES = {"allipports", "hostdependencies", "allswitchports", "hostswitchports", "findip",
           "findmac", "unknownips", "allips", "allservers", "changes", "impact", "nodecount"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


@suite.test
def help_names_every_option(_):
    for program, options in OPTIONS.items():
        text = run(built(program), "--help").stdout
        for option in options:
            contains(text, option, f"{program} --help")


def manual(program):
    """The manual as a person reads it, spaces made one."""
    path = glob.glob(f"{TREE}/docs/man/{program}.*")
    check(path, f"no manual for {program}")
    text = re.sub(".\b", "", run("mandoc", "-T", "utf8", path[0]).stdout)
    return re.sub(r"\s+", " ", text.replace("‐", "-").replace("−", "-"))


@suite.test
def manual_names_every_option(_):
    for program, options in OPTIONS.items():
        text = manual(program)
        offered = set(re.findall(r"--[a-z][a-z-]+", run(built(program), "--help").stdout))
        for option in sorted(offered | set(options)):
            check(re.search(rf"{option}(?![a-z-])", text), f"{option}: not in the manual of {program}")


@suite.test
def manual_names_every_command_and_query(lab):
    text = manual("cmactl")
    usage = run(built("cmactl"), "--help").stdout
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?) ", usage, re.MULTILINE)
    check(len(commands) > 20, f"the help has only {commands}")
    queries = [row["query"] for row in json.loads(lab.cma.ctl("-o", "json", "query", "list").stdout)]
    for name in commands + queries:
        check(f" {name} " in text, f"{name}: not in the manual of cmactl")


@suite.test
def every_request_is_documented(_):
    """The first table under the heading, whole, has each request that there is, and no other."""
    with open(f"{TREE}/docs/control.md", encoding="utf-8") as file:
        table = file.read().partition("## Requests")[2].strip().partition("\n\n")[0]
    with open(f"{TREE}/cma/request.c", encoding="utf-8") as file:
        requests = re.findall(r'^\t\{ "([a-z.]+)", request_', file.read(), re.MULTILINE)
    check(len(requests) > 15, f"only {requests}")
    equal(sorted(re.findall(r"^\| `([a-z.]+)` ", table, re.MULTILINE)), sorted(requests),
          "requests in docs/control.md")


@suite.test
def version_is_one_line(_):
    for program in OPTIONS:
        text = run(built(program), "--version").stdout
        check(re.fullmatch(rf"{program} \d+\.\d+\.\d+\S*\n", text), text)


@suite.test
def print_config_can_be_read_back(lab):
    for program, option, value in (("nanoprobe", "scope", "netns"), ("cma", "listen", "10.1.2.3:99")):
        text = run(built(program), f"--{option}", value, "--print-config").stdout
        contains(text, f"{option} = {value}")
        path = f"{lab.directory}/{program}.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        equal(run(built(program), "--config", path, "--print-config").stdout.replace(path, ""),
              text.replace(path, ""), f"{program} --print-config read back")


@suite.test
def token_create_prints_only_the_token(lab):
    for more in ((), ("--ttl", "1h"), ("--uses", "5"), ("--ttl", "7d", "--uses", "1")):
        text = lab.cma.ctl("token", "create", *more).stdout
        check(re.fullmatch(r"\S+\n", text), f"not a token alone: {text!r}")


@suite.test
def query_list_has_every_query(lab):
    rows = json.loads(lab.cma.ctl("-o", "json", "query", "list").stdout)
    names = {row.get("name") or row.get("query") for row in rows}
    check(QUERIES <= names, f"missing: {QUERIES - names}")


@suite.test
def forms_of_output_agree(lab):
    rows = lab.cma.query("allipports")
    check(rows, "no rows")
    words = ("query", "allipports")
    columns = ["host", "proto", "addr", "port", "process", "exe", "user", "unit"]
    equal([list(row) for row in rows], [columns for _ in rows], "fields, in their order")
    table = lab.cma.ctl("-o", "table", *words).stdout.splitlines()
    equal(len(table), len(rows) + 1, "lines of the table: a heading and the rows")
    read = list(csv.reader(io.StringIO(lab.cma.ctl("-o", "csv", *words).stdout)))
    equal(read[0], columns, "csv heading")
    equal(read[1:], [["" if row[key] is None else str(row[key]) for key in columns]
                     for row in rows], "csv rows")
    dot = lab.cma.ctl("-o", "dot", "query", "allswitchports").stdout
    check(re.match(r"(strict )?(di)?graph ", dot) and dot.rstrip().endswith("}"), dot)


@suite.test
def no_rows_is_an_empty_array(lab):
    equal(lab.cma.ctl("-o", "json", "query", "findip", "ip=203.0.113.9").stdout.split(), ["[]"],
          "an answer without rows")


@suite.test
def times_are_rfc_3339_utc(lab):
    for row in lab.cma.query("allservers") + lab.cma.query("allswitchports"):
        check(TIME.match(row["since"]), row)


@suite.test
def status_hosts_history_explain(lab):
    for words in (("status",), ("hosts",), ("history", "one"), ("explain", "one")):
        json.loads(lab.cma.ctl("-o", "json", *words).stdout)
        check(lab.cma.ctl(*words).stdout, f"{words}: nothing")


@suite.test
def every_query_takes_as_of(lab):
    needed = {"hostdependencies": {"host": "one"}, "hostswitchports": {"host": "one"},
              "findip": {"ip": "10.77.0.1"}, "findmac": {"mac": "02:00:0a:4d:00:01"},
              "impact": {"node": "one"}, "changes": {"from_": "2020-01-01", "to": "2020-01-02"}}
    for query in sorted(QUERIES):
        parameters = needed.get(query, {})
        now = lab.cma.query(query, as_of="now", **parameters)
        if query not in ("changes", "unknownips"):
            check(now, f"{query} as of now is empty")
    equal(lab.cma.query("allservers", as_of="2001-01-01T00:00:00Z"), [], "long ago")


@suite.test
def exit_codes(lab):
    for code, words in ((0, ("status",)), (2, ()), (2, ("nosuch",)), (2, ("query",)),
                        (2, ("query", "nosuch")), (2, ("status", "more")),
                        (2, ("query", "findip"))):
        equal(lab.cma.ctl(*words, ok=False).returncode, code, f"exit code of {words}")


@suite.test
def control_socket_is_not_for_others(lab):
    """A user that is neither root nor the CMA's own is refused, whatever the mode of the socket."""
    os.chmod(lab.cma.control, 0o666)
    done = run("setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups", "socat",
               "-t", "2", "-", f"UNIX-CONNECT:{lab.cma.control}", ok=False,
               input='{"do":"status"}\n') if os.path.exists("/usr/bin/socat") else run(
                   "setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups",
                   "python3", "-c", "import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
                   f"s.connect('{lab.cma.control}')\ns.sendall(b'{{\"do\":\"status\"}}\\n')\n"
                   "sys.stdout.write(s.recv(65536).decode())", ok=False)
    check('"row"' not in done.stdout and '"done"' not in done.stdout, done.stdout)


@suite.test
def once_for_people(lab):
    done = lab.nodes["one"].run(built("nanoprobe"), "--once", *lab.nodes["one"].options())
    contains(done.stdout, "7100", "the table of services")
    check(all(len(line) < 400 for line in done.stdout.splitlines()), "lines without end")


@suite.test
def once_needs_no_cma_and_no_state(lab):
    host = lab.nodes["one"]
    before = sorted(os.listdir(host.directory))
    document = host.once()
    for part in ("coverage", "host", "links", "lldp", "neighbours", "processes"):
        check(part in document, f"no {part} in the document: {sorted(document)}")
    for key in ("nodename", "operating-system", "machine", "kernel-name", "kernel-release",
                "kernel-version"):
        check(document["host"].get(key), f"host without {key}: {document['host']}")
    equal(document["host"]["nodename"], "one", "--hostname")
    equal(sorted(os.listdir(host.directory)), before, "files beside the state directory")


@suite.test
def sigterm_ends_within_a_second(lab):
    for process in (lab.nodes["two"].probe, lab.cma.process):
        children = run("pgrep", "-g", process.pid, ok=False).stdout.split()
        check(children, "no process to end")
        start = time.monotonic()
        code = process.stop(5)
        took = time.monotonic() - start
        check(code == 0, f"exit code {code}:\n{process.text()}")
        check(took <= 1, f"took {took:.2f} s")
        wait_until(lambda pids=children: not any(alive(int(pid)) for pid in pids), 1,
                   f"processes left: {children}")
    check(not os.path.exists(lab.cma.control), "the control socket is still there")
    lab.cma.start()


@suite.test
def nothing_printed_on_stdout_by_daemons(lab):
    host = lab.nodes["two"]
    with open(host.path("stdout"), "wb") as stdout:
        process = host.spawn(built("cma"), "--state-dir", host.path("s"), "--listen",
                             f"{host.address}:{PORT}", "--control", host.path("c"), stdout=stdout)
    wait_until(lambda: os.path.exists(host.path("c")), 5, process.text)
    process.stop()
    equal(os.path.getsize(host.path("stdout")), 0, "bytes on stdout")


@suite.test
def install_and_uninstall(lab):
    place = f"{lab.directory}/install"
    make = ("make", "-s", "-C", TREE, f"BUILD={os.path.relpath(BUILD, TREE)}", f"DESTDIR={place}",
            "PREFIX=/usr", "SYSCONFDIR=/etc")
    run(*make, "install", timeout=300)
    found = {os.path.relpath(path, place) for path in glob.glob(f"{place}/**", recursive=True)
             if os.path.isfile(path)}
    for name in ("usr/sbin/nanoprobe", "usr/sbin/cma", "usr/bin/cmactl"):
        check(name in found, f"{name} is not installed: {sorted(found)}")
    run(*make, "uninstall")
    equal(glob.glob(f"{place}/*"), [], "left after uninstall")


with Estate() as estate:
    main_switch = estate.switch("sw1")
    for name in ("one", "two"):
        estate.host(name, main_switch)
    estate.nodes["one"].spawn(built("tests/system/serve"), "tcp", "10.77.0.1:7100")
    estate.cma_start(estate.nodes["one"])
    estate.probes_start()
    estate.nodes["two"].run(built("tests/system/dial"), "tcp", "10.77.0.1:7100")
    for name in ("one", "two"):
        wait_until(estate.nodes[name].lldp_settled, 10, f"{name} and sw1 do not see each other")
    wait_until(lambda: len(estate.cma.query("allswitchports")) == 2, 10, "no switch ports")
    suite.run(estate)
wait_until(lambda: not glob.glob(f"/var/tmp/assim-lab/{os.getpid()}*"), 1, "left behind")
suite.finish()
