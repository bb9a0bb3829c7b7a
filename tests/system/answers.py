# SPDX-License-Identifier: Apache-2.0
"""What the queries of the small estate (estate.py) must answer, and how two answers compare."""
import os
import re

from services import program
from suite import check

HASH = re.compile(r":[0-9a-f]{8}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
KERNEL = os.uname().release
with open("/etc/os-release", encoding="utf-8") as release:
    SYSTEM = re.search(r'^PRETTY_NAME="?([^"\n]*)', release.read(), re.M).group(1)


def plain(rows, drop=("since",)):
    """Rows without what differs from run to run: the hash in a process name becomes *, times are
    checked for their form and dropped, and so is what is unknown."""
    found = []
    for row in rows:
        kept = {}
        for key, value in row.items():
            if key in drop:
                check(value is None or TIME.match(value), f"{key} is no time: {row}")
            elif isinstance(value, str) and HASH.search(value):
                kept[key] = HASH.sub(":*", value)
            elif value not in (None, ""):
                kept[key] = value
        found.append(kept)
    return found


def distinct(rows):
    """Rows without repetition: two short-lived clients may be two processes to tell apart."""
    return [dict(row) for row in {tuple(sorted(row.items())) for row in rows}]


def process(name):
    return os.path.basename(program(name)) + ":*"


def endpoint(host, port, proto="tcp"):
    return f"{proto} {host.address}:{port}"
