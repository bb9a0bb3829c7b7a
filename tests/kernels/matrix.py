# SPDX-License-Identifier: Apache-2.0
"""matrix.py BUILD BUSYBOX OBJECT=PATH... NAME=FOLDER...: boots each kernel that is unpacked in a
FOLDER, tries the nanoprobe there and on this machine, and prints one table of what each gives.
The first OBJECT (its PATH is a file) is loaded program by program as well, others whole and, if
refused, program by program. Exits with 1 when a kernel does not keep what its coverage record
says."""
import json
import os
import pathlib
import sys

import machine

# What init.sh does with sockets: a name, section and key of the fact that tells it.
SIGHTS = {
    "listener": [("listen", "tcp 127.0.0.1:1001"), ("listen", "tcp 127.0.0.1:2001")],
    "client": [("client", "older:"), ("client", "later:")],
    "inbound": [("inbound", "tcp 127.0.0.1:1001<127"), ("inbound", "tcp 127.0.0.1:2001<127")],
    "udp service": [("listen", "udp 127.0.0.1:1002"), ("listen", "udp 127.0.0.1:2002"),
                    ("client", "sender:")],
    "5 ms client": [("client", "brief:")],
}
BY_KERNEL_ONLY = {"5 ms client"}
COLUMNS = ["kernel", "programs", "tcp", "udp", "exec", *SIGHTS, "served by", "result"]


def facts_of(lines):
    facts = {}
    for line in lines:
        if line.startswith("{"):
            fact = json.loads(line)
            facts[fact["section"], fact["key"]] = fact.get("value", {})
    return facts


def seen(facts, sights):
    return all(any(section == s and k.startswith(key) for s, k in facts) for section, key in sights)


def judge(parts, look):
    """One row of the table, and what is wrong with it."""
    facts = facts_of(parts.get(f"{look}.watch", []))
    cover = {key: facts.get(("coverage", key), {}) for key in ["tcp", "udp", "exec"]}
    row = {key: cover[key].get("state", "not told") for key in cover}
    wrong = [f"{key}: no reason" for key in cover
             if row[key] != "complete" and not cover[key].get("why")]
    for name, sights in SIGHTS.items():
        there = seen(facts, sights)
        row[name] = "seen" if there else "-"
        if not there and (row["tcp"] == "complete" or name not in BY_KERNEL_ONLY):
            wrong.append(f"{name}: not seen")
    row["served by"] = "eBPF" if row["tcp"] == "complete" else "sock_diag + /proc"
    if parts.get(f"{look}.once-result") != ["0"]:
        wrong.append("nanoprobe --once failed")
    reasons = [f"{key}: {cover[key]['why']}" for key in cover if cover[key].get("why")]
    return row, wrong, reasons


def judge_nodiag(parts):
    """What the coverage record says on a kernel without BTF and *_diag modules, and what is wrong
    with it. Nothing where they are no modules."""
    if "bare.nodiag" not in parts:
        return [], []
    coverage = json.loads("\n".join(parts["bare.nodiag"]))["coverage"]
    keys = ["tcp", "udp", "unix"]
    wrong = [f"{key}: coverage does not say that {key}_diag is missing" for key in keys
             if coverage[key]["state"] != "unavailable" or
             f"{key}_diag" not in coverage[key]["why"]]
    return [f"without modules: {key}: {coverage[key].get('why')}" for key in keys], wrong


def loaded_of(parts):
    """object -> (name of program -> "ok" or what the kernel says)"""
    loaded, programs = {}, {}
    for line in parts.get("objects", []):
        name, _, result = line.partition(" ")
        if name == "object":
            programs = loaded.setdefault(result.removesuffix(".o"), {})
        else:
            programs[name] = result
    return loaded


def count(programs):
    return f"{sum(r == 'ok' for r in programs.values())}/{len(programs)}"


def examine(name, folder, build, busybox, objects):
    """Rows of a kernel, and whether all is well. folder None: the kernel of this machine."""
    if folder:
        parts, console = machine.boot(folder, build, busybox, objects)
    else:
        parts, console = machine.try_here(build, busybox, objects)
    if "end" not in parts:
        print(f"{name}: did not come to its end; its console says\n{console}")
        return [{"kernel": name, "result": "FAIL"}], False
    loaded = loaded_of(parts)
    full, rows, good = parts["kernel"][0], [], True
    for object_name, programs in loaded.items():
        print(f"{full}: {object_name}: {count(programs)} programs loaded")
        for program, result in programs.items():
            if result != "ok":
                print(f"    {program}: {result}")
    for look in ["btf", "bare"]:
        row, wrong, reasons = judge(parts, look)
        programs = loaded[next(iter(loaded))]
        whole = all(r == "ok" for r in programs.values())
        if look == "btf" and whole != (row["tcp"] == row["udp"] == row["exec"] == "complete"):
            wrong.append("coverage does not say what the kernel refused")
        if look == "bare":
            more, missing = judge_nodiag(parts)
            reasons += more
            wrong += missing
            if row["tcp"] == "complete":
                wrong.append("coverage says complete without BTF")
        row["kernel"] = full if look == "btf" else f"{full}, no BTF"
        row["programs"] = count(programs) if look == "btf" else "0"
        row["result"] = "FAIL" if wrong else "pass"
        rows.append(row)
        good = good and not wrong
        for line in [f"coverage {r}" for r in reasons] + [f"WRONG: {w}" for w in wrong]:
            print(f"{row['kernel']}: {line}")
    return rows, good


def table(rows):
    cells = [COLUMNS] + [[row.get(column, "") for column in COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    for line in cells:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |")


def main():
    build, busybox, *given = sys.argv[1:]
    paths = {name: pathlib.Path(path) for name, path in (g.split("=", 1) for g in given)}
    objects = {n: p for n, p in paths.items() if p.is_file()}
    kernels = {n: p for n, p in paths.items() if p.is_dir()}
    if os.getuid() == 0:
        kernels = {"this machine": None, **kernels}
    else:
        print("kernel of this machine: not available: needs root")
    rows, failed = [], 0
    for name, folder in kernels.items():
        more, good = examine(name, folder, pathlib.Path(build), busybox, objects)
        rows += more
        failed += not good
        sys.stdout.flush()
    table(rows)
    print(f"kernels: {len(kernels) - failed} passed, {failed} failed")
    return 1 if failed or not rows else 0


sys.exit(main())
