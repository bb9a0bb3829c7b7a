#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts with the real CMA: what each kind of sink is told, sinks that hang, fail, talk without end
and leave processes, restarts, floods, maintenance, and what cmactl says of it. Incidents come from
a rule of the operator's that is written anew."""
import csv
import datetime
import io
import json
import os
import re
import signal
import socket
import time

from lab import Cma, Estate, alive, built
from suite import Suite, becomes, check, contains, equal, wait_until

suite = Suite()
RULE_S = 40  # a rule is asked every 10 s at most; the machine may be busy
SOON_S = 20
OURS = ("cma", "cma-alert", "sleep", "sh", "good", "hang", "fail", "loud", "fork")
HTTP = "10.77.0.1:8080"
SERVER = """
import http.server, os, sys, time
out, mode = sys.argv[2:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = open(mode).read()
        if how == "slow":
            time.sleep(1000)
        if how == "ok":
            with open(out, "ab") as file:
                file.write(self.headers["Content-Type"].encode() + b" " + body + b"\\n")
        self.send_response({"ok": 204, "500": 500, "redirect": 302}[how])
        if how == "redirect":
            self.send_header("Location", "http://" + sys.argv[1] + "/elsewhere")
        self.end_headers()
    def log_message(self, *_):
        pass
host, port = sys.argv[1].split(":")
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""
# What each program of the directory does with an alert; $0.out is its own.
PROGRAMS = {
    "good": "env | sort >$0.env; { cat; echo; } >>$0.out",
    "hang": "echo $$ >>$0.out; trap '' TERM; exec sleep 1000",
    "fail": "[ -e $0.fixed ] || { echo 'no route to the pager' >&2; exit 3; }; { cat; echo; } >>$0.out",
    "loud": "head -c 100000000 /dev/zero | tr '\\0' x; { cat; echo; } >>$0.out",
    "fork": "cat >/dev/null; (setsid sh -c 'exec sleep 1001' & sleep 1002 &); echo x >>$0.out",
}


class Desk:
    """Rules, sinks and a CMA on a host of the lab."""

    def __init__(self, host):
        self.host = host
        self.sinks = host.path("sinks")
        for name in ("rules.d", "sinks"):
            os.mkdir(host.path(name))
        os.chmod(self.sinks, 0o777)
        self.rule(None)
        self.mode("ok")
        self.program("good")
        self.http = None

    def rule(self, sql, severity="critical"):
        """The one rule finds what the query finds: rows of node, host and text."""
        sql = sql or "SELECT 1 AS node, NULL AS host, '' AS text WHERE 0"
        with open(self.host.path("rules.new"), "w", encoding="utf-8") as file:
            file.write(f"-- a rule of the test\n-- severity {severity}\n{sql}\n")
        os.rename(self.host.path("rules.new"), self.host.path("rules.d/test.sql"))

    def finds(self, count, text="broken"):
        self.rule("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                  f"{count}) SELECT i + 1000000 AS node, NULL AS host, '{text} ' || i AS text FROM n")

    def finds_tenant(self, text):
        self.rule(f"SELECT id AS node, NULL AS host, '{text}' AS text FROM node WHERE id = :tenant")

    def program(self, name):
        path = self.host.path(name) if name == "hang" else f"{self.sinks}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + PROGRAMS[name].replace("$0", f"{self.sinks}/{name}") + "\n")
        os.chmod(path, 0o755)

    def out(self, name):
        """The alerts that a program took."""
        try:
            with open(f"{self.sinks}/{name}.out", encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.startswith("{")]
        except OSError:
            return []

    def text(self, name):
        try:
            with open(f"{self.sinks}/{name}", encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def mode(self, how):
        with open(self.host.path("mode.new"), "w", encoding="utf-8") as file:
            file.write(how)
        os.rename(self.host.path("mode.new"), self.host.path("mode"))

    def serve(self):
        self.http = self.host.spawn("python3", "-c", SERVER, HTTP, f"{self.sinks}/http.out",
                                    self.host.path("mode"), name="http")

    def posted(self):
        text = self.text("http.out")
        check(all(line.startswith("application/json ") for line in text.splitlines()), text)
        return [json.loads(line.partition(" ")[2]) for line in text.splitlines()]

    def forget(self):
        for name in os.listdir(self.sinks):
            if name.endswith((".out", ".env", ".fixed")):
                os.unlink(f"{self.sinks}/{name}")

    def start(self, *sinks):
        if lab.cma and lab.cma.process.running():
            lab.cma.process.stop()
        lab.cma = Cma(self.host)
        words = [word for sink in sinks for word in ("--alert", sink)]
        lab.cma.start("--rules-dir", self.host.path("rules.d"), *words)
        lab.cma.token()  # makes the tenant


def status():
    """{sink without its directory: what status says of it}"""
    found = json.loads(lab.cma.ctl("-o", "json", "status").stdout)[0]["alerts"]
    return {re.sub(r" .*/", " ", row["sink"]): row for row in found}


def seconds(began):
    return time.monotonic() - began


def open_incidents():
    """Also of nodes that are none."""
    rows = json.loads(lab.cma.ctl("-o", "json", "events", "--since", "-1h").stdout)
    last = {}
    for row in rows:
        if row["incident"]:
            last[row["incident"]] = row["kind"]
    return [number for number, kind in last.items() if kind != "clear"]


def running(desk, *names):
    """The programs of these names in the namespace of the CMA, with their arguments."""
    found = []
    for pid in desk.host.run("ip", "netns", "pids", desk.host.namespace).stdout.split():
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                words = file.read().split("\0")
        except OSError:
            continue
        if name in names and alive(int(pid)):
            found.append(" ".join([name, *words[1:]]).strip())
    return found


@suite.test
def each_sink_is_told(desk):
    for name in PROGRAMS:
        desk.program(name)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for at, name in ((log, "log"), (journal, "journal")):
        at.bind(f"{desk.sinks}/{name}")
        os.chmod(f"{desk.sinks}/{name}", 0o777)
        at.settimeout(SOON_S)
    desk.serve()
    desk.start(f"exec {desk.sinks} timeout=180s", f"exec {desk.host.path('hang')} timeout=2s",
               f"syslog {desk.sinks}/log",
               f"journal {desk.sinks}/journal", f"webhook http://{HTTP}/hook?key=secret",
               "syslog /nowhere severity=critical kind=host,switch")
    desk.finds_tenant("the roof is on fire; $(touch /tmp/x)")
    wait_until(lambda: desk.out("good"), RULE_S, lambda: lab.cma.process.text())
    first, = desk.out("good")
    wanted = {"what": "open", "tenant": "default", "incident": 1, "kind": "rule:test",
              "severity": "critical", "state": "open", "node": "default", "node_kind": "tenant",
              "text": "the roof is on fire; $(touch /tmp/x)", "concerned": 0, "hosts": [],
              "held": 0, "cleared": None, "event": 1}
    equal({key: first.get(key) for key in wanted}, wanted, "the alert")
    environment = dict(line.split("=", 1) for line in desk.text("good.env").splitlines())
    for key in ("what", "incident", "severity", "node", "text", "opened"):
        equal(environment["ASSIM_" + key.upper()], str(first[key]), key)
    equal({key for key in environment if not key.startswith("ASSIM_")} - {"_", "OLDPWD", "SHLVL"},
          {"HOME", "LANG", "PATH", "PWD", "SHELL"}, "what else is in the environment")
    # Nobody waited for the one that hangs, nor for the one that fails.
    wait_until(lambda: desk.posted() and desk.out("loud") and desk.text("fork.out"), 180,
               lambda: f"{os.listdir(desk.sinks)} {lab.cma.process.text()}")
    equal(desk.posted(), [first], "what was posted")
    equal(desk.out("loud"), [first], "what the loud one got")
    line = log.recv(65536).decode()
    check(re.match(r"<26>\w{3} [ \d]\d \d\d:\d\d:\d\d assim: critical: rule:test default: the roof",
                   line), line)
    contains(line, ' ASSIM_INCIDENT="1"')
    fields = journal.recv(65536).decode().splitlines()
    for field in ("PRIORITY=2", "SYSLOG_IDENTIFIER=assim", "ASSIM_KIND=rule:test", "ASSIM_HELD=0",
                  "MESSAGE=critical: rule:test default: the roof is on fire; $(touch /tmp/x)"):
        check(field in fields, fields)
    log.close()
    journal.close()


@suite.test
def status_shows_what_works(desk):
    rows = status()
    equal(set(rows), {f"exec {name}" for name in PROGRAMS} | {
        "syslog log", "journal journal", "syslog nowhere"} | {
            key for key in rows if key.startswith("webhook")}, "sinks")
    check("secret" not in str(rows) and len(rows) == 9, rows)
    for name in ("exec good", "exec loud", "exec fork", "syslog log", "journal journal"):
        wait_until(lambda: (status()[name]["delivered"], status()[name]["waiting"]) == (1, 0),
                   SOON_S, lambda: str(status()[name]))
        check("failing_since" not in status()[name], status()[name])
    wait_until(lambda: "failing_since" in status()["exec fail"], SOON_S, lambda: str(status()))
    failing = status()["exec fail"]
    equal((failing["why"], failing["waiting"], failing["delivered"]),
          ("exit code 3: no route to the pager", 1, 0), "what fails")
    wait_until(lambda: "longer than 2.0 s" in status()["exec hang"].get("why", ""), SOON_S,
               lambda: str(status()["exec hang"]))
    equal(status()["syslog nowhere"]["waiting"], 0, "it wants other kinds")


@suite.test
def nothing_of_a_program_is_left(desk):
    equal(set(running(desk, "sleep")) - {"sleep 1000"}, [], "left behind")


@suite.test
def what_failed_comes_in_the_end(desk):
    wait_until(lambda: status()["exec fail"]["failures"] >= 3, 30, lambda: str(status()))
    with open(f"{desk.sinks}/fail.fixed", "w", encoding="ascii"):
        pass
    wait_until(lambda: desk.out("fail"), 60, lambda: str(status()["exec fail"]))
    equal(desk.out("fail"), desk.out("good")[:1], "what came late")
    wait_until(lambda: "failing_since" not in status()["exec fail"], SOON_S, lambda: str(status()))
    contains(lab.cma.process.text(), "fail: it works again", "the log")


@suite.test
def the_end_is_told_and_nothing_outlives_the_cma(desk):
    desk.rule(None)
    wait_until(lambda: len(desk.out("good")) == 2, RULE_S, lambda: lab.cma.process.text())
    last = desk.out("good")[1]
    equal((last["what"], last["state"], last["incident"], last["cleared"] is None),
          ("clear", "cleared", 1, False), "the second alert")
    wait_until(lambda: running(desk, "sleep"), 60, "the one that hangs does not")
    began = time.monotonic()
    equal(lab.cma.process.stop(), 0, "exit code")
    check(seconds(began) < 5, f"it took {seconds(began)} s to end")
    wait_until(lambda: not running(desk, *OURS), 5, lambda: str(running(desk, *OURS)))


@suite.test
def a_server_that_answers_otherwise(desk):
    """Errors, redirects, silence, and nobody there: nothing is lost, and all is told once it works."""
    desk.forget()
    desk.mode("500")
    if not desk.http:
        desk.serve()
    desk.start(f"webhook http://{HTTP}/ timeout=2s", f"exec {desk.sinks}/good")
    desk.finds_tenant("webhook")
    name = f"webhook http://{HTTP}"
    sink = re.sub(r" .*/", " ", name)
    for how, why in (("500", "500"), ("redirect", "302"), ("slow", "longer than 2.0 s")):
        desk.mode(how)
        wait_until(lambda: why in status()[sink].get("why", ""), RULE_S, lambda: str(status()))
    desk.http.kill()
    wait_until(lambda: "Failed to connect" in status()[sink].get("why", ""), RULE_S,
               lambda: str(status()))
    equal(desk.posted(), [], "what was taken")
    equal(len(desk.out("good")), 1, "what the other sink got")


@suite.test
def a_restart_loses_none(desk):
    """Of a CMA that is told to end, and of one that is killed."""
    name = re.sub(r" .*/", " ", f"webhook http://{HTTP}")
    sinks = (f"webhook http://{HTTP}/ timeout=2s", f"exec {desk.sinks}/good")
    desk.start(*sinks)
    wait_until(lambda: status()[name]["waiting"] == 1, SOON_S, lambda: str(status()))
    desk.finds(3, "more")
    wait_until(lambda: len(desk.out("good")) == 5, RULE_S, lambda: str(desk.out("good")))
    wait_until(lambda: status()[name]["waiting"] == 4, SOON_S, lambda: str(status()))
    first = desk.out("good")[0]["event"]
    lab.cma.process.kill()
    wait_until(lambda: not running(desk, *OURS), 5, lambda: str(running(desk, *OURS)))
    desk.mode("ok")
    desk.serve()
    desk.start(*sinks)
    becomes(lambda: sorted((row["incident"], row["state"]) for row in desk.posted()),
            sorted({row["incident"]: (row["incident"], row["state"])
                    for row in desk.out("good")}.values()), SOON_S, "what was posted")
    # What was told within the second before it was killed may be told again, the first alert not.
    equal([row["event"] for row in desk.out("good")].count(first), 1, "the first alert")


@suite.test
def maintenance_holds_alerts(desk):
    desk.forget()
    desk.rule(None)
    desk.start(f"exec {desk.sinks}/good")
    web = lab.nodes["web"]
    web.probe_start(lab.cma.token())
    wait_until(lambda: [row for row in lab.cma.query("allservers") if row["host"] == "web"], 30,
               lambda: web.probe.text())
    wait_until(lambda: not open_incidents(), RULE_S, lambda: str(open_incidents()))
    desk.forget()
    lab.cma.ctl("maintenance", "web", "on", "--until", "2h", "--note", "new disk")
    row, = json.loads(lab.cma.ctl("-o", "json", "maintenance").stdout)
    equal((row["node"], row["operator"], row["note"], row["ended"]), ("web", "root", "new disk", None),
          "what is under maintenance")
    desk.rule("SELECT id AS node, id AS host, 'no disk' AS text FROM node "
              "WHERE owner = :tenant AND kind = 'host'", "warning")
    wait_until(lambda: lab.cma.query("incidents"), RULE_S, lambda: lab.cma.process.text())
    incident, = lab.cma.query("incidents")
    equal((incident["maintenance"], incident["severity"], incident["hosts"]), ("yes", "warning", "web"),
          "the incident")
    lab.cma.ctl("maintenance", "web", "off")

    def told():
        """Beside the end of what was before."""
        return [alert for alert in desk.out("good") if alert.get("node") == "web"]
    wait_until(told, SOON_S, lambda: lab.cma.process.text())
    alert, = told()
    equal((alert["what"], alert["node"], alert["hosts"], alert["text"]),
          ("open", "web", ["web"], "no disk"), "told when the maintenance was over")
    equal(json.loads(lab.cma.ctl("-o", "json", "maintenance").stdout), [], "maintenance")
    lab.cma.ctl("maintenance", "web", "on", "--until", "1s")
    wait_until(lambda: lab.cma.query("events")[-1]["kind"] == "maintenance-over", RULE_S,
               lambda: str(lab.cma.query("events")[-1]))
    equal(len(json.loads(lab.cma.ctl("-o", "json", "maintenance", "--all").stdout)), 2, "history")
    equal([row["host"] for row in json.loads(
        lab.cma.ctl("-o", "json", "incidents", str(incident["id"])).stdout)], ["web"], "concerned")


@suite.test
def a_shutdown_is_no_alert(desk):
    lab.nodes["web"].probe.stop()
    wait_until(lambda: lab.cma.query("events")[-1]["kind"] == "shutdown", SOON_S,
               lambda: str(lab.cma.query("events")[-1]))
    desk.rule(None)
    wait_until(lambda: desk.out("good")[-1]["what"] == "clear", RULE_S, lambda: str(desk.out("good")))
    equal({alert.get("kind", "rule:test") for alert in desk.out("good")}, {"rule:test"}, "alerts")


@suite.test
def what_cmactl_says(desk):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    follow = desk.host.spawn(*lab.cma.command("-o", "json", "events", "--follow", "--since", now),
                             name="follow")
    lab.cma.ctl("maintenance", "web", "on")
    lab.cma.ctl("maintenance", "web", "off")
    wait_until(lambda: "maintenance-over" in follow.text(), SOON_S, follow.text)
    rows = [json.loads(line) for line in follow.text().splitlines()]
    equal([row["kind"] for row in rows], ["maintenance", "maintenance-over"], "what was followed")
    os.kill(follow.pid, signal.SIGINT)
    equal(follow.wait(5), -signal.SIGINT, "how Ctrl-C ends it")
    table = lab.cma.ctl("incidents", "--all").stdout.splitlines()
    contains(table[0], "SEVERITY")
    rows = list(csv.DictReader(io.StringIO(lab.cma.ctl("-o", "csv", "incidents", "--all").stdout)))
    check(rows and all(row["severity"] in ("critical", "warning") for row in rows), rows)
    equal(len(lab.cma.query("incidents", all="yes", severity="info")), 0, "of another severity")
    for words, why in ((("maintenance", "nohost", "on"), "unknown node 'nohost'"),
                       (("maintenance", "web", "off"), "'web' is not under maintenance"),
                       (("maintenance", "web", "maybe"), "'maybe' is neither 'on' nor 'off'"),
                       (("maintenance", "web"), "'on' or 'off'"),
                       (("maintenance", "web", "on", "--until", "soon"), "until 'soon'"),
                       (("maintenance", "web", "on", "--until", "2020-01-01"), "over"),
                       (("maintenance", "web", "off", "--note", "x"), "--note"),
                       (("maintenance", "--note", "x"), "HOST or SWITCH"),
                       (("incidents", "x"), "'x' is no number"),
                       (("incidents", "1", "--all"), "--all"),
                       (("events", "--since", "soon"), "soon"),
                       (("events", "--until", "now"), "--until")):
        done = lab.cma.ctl(*words, ok=False)
        equal(done.returncode, 2, f"exit code of {words}: {done.stderr}")
        contains(done.stderr, why)


@suite.test
def wrong_settings_are_named(desk):
    for sink, why in (("pager", "'pager' is no sink"), ("exec", "absolute path"),
                      ("exec /nowhere", "neither an executable"), ("webhook ftp://x/", "URL"),
                      ("syslog severity=bad", "severity=bad"), ("syslog timeout=0", "timeout=0"),
                      ("syslog /a /b", "'/b' behind '/a'"), ("syslog log", "path of a socket")):
        done = desk.host.run(built("cma"), "--state-dir", desk.host.path("other"),
                             "--alert", sink, ok=False)
        equal(done.returncode, 1, sink)
        contains(done.stderr, why)
        check(not os.path.exists(desk.host.path("other")), "it made something before")


@suite.test
def a_thousand_incidents(desk):
    """Sixty alerts, and the others together; every incident is named."""
    desk.rule(None)
    desk.start()
    wait_until(lambda: not open_incidents(), RULE_S, lambda: str(open_incidents()))
    desk.forget()
    desk.start(f"exec {desk.sinks}/good")
    desk.finds(999)

    def named():
        found = set()
        for alert in desk.out("good"):
            found |= {row["incident"] for row in alert.get("incidents", [alert])}
        return found
    wait_until(lambda: len(named()) == 999, RULE_S + 60, lambda: str(len(named())))
    alerts = desk.out("good")
    summaries = [alert for alert in alerts if alert["what"] == "summary"]
    check(summaries and len(alerts) < 60 + 60 + 10, f"{len(alerts)} alerts")
    equal(sum(alert["held"] for alert in summaries) + len(alerts) - len(summaries), 999, "alerts")
    contains(summaries[0]["text"], f"{summaries[0]['held']} incidents: {summaries[0]['held']} open, "
             f"0 cleared; {summaries[0]['held']} rule:test")
    equal(summaries[0]["severity"], "critical", "how bad it is")


with Estate() as lab:
    switch = lab.switch("sw1")
    lab.host("cma", switch, lldp=False)
    lab.host("web", switch, lldp=False)
    suite.run(Desk(lab.nodes["cma"]))
suite.finish()
