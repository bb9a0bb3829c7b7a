# SPDX-License-Identifier: Apache-2.0
"""A nanoprobe with --dry-run, and the table of facts that follows from the deltas it prints:
"PUT section key {...}" and "DELETE section key"."""
import json
import os

from lab import built
from suite import Failure, wait_until


class Facts:
    def __init__(self, host, *more, enter=()):
        self.host, self.table, self.log = host, {}, []
        self.output = host.path(f"dry{len(os.listdir(host.directory))}.out")
        with open(self.output, "wb") as stdout:
            self.process = host.spawn(*enter, built("nanoprobe"), "--dry-run", "--state-dir",
                                      host.path("dry"), *host.options(), *more, stdout=stdout)
        self.file = open(self.output, encoding="utf-8")  # pylint: disable=consider-using-with
        self.half = ""
        wait_until(lambda: self.get("coverage"), 15,
                   lambda: f"no facts:\n{self.process.text()}")

    def read(self):
        """Takes in what was printed since."""
        *lines, self.half = (self.half + self.file.read()).split("\n")
        for line in lines:
            change, section, rest = line.split(" ", 2)
            key, brace, value = rest.partition(" {")
            value = json.loads("{" + value) if brace else None
            self.log.append((section, key, value))
            if (change == "PUT") != (value is not None):
                raise Failure(f"not a delta: {line}")
            if change == "DELETE":
                self.table.pop((section, key), None)
            else:
                self.table[section, key] = value
        if not self.process.running():
            raise Failure(f"the nanoprobe ended:\n{self.process.text()}")

    def get(self, section, **fields):
        """{key: value} of the facts of a section whose fields have these values."""
        self.read()
        return {key: value for (name, key), value in self.table.items() if name == section
                and all(value.get(field) == wanted for field, wanted in fields.items())}

    def wait(self, section, count=1, seconds=5, **fields):
        """The values of at least so many facts, or a Failure with what is there instead."""
        found = wait_until(lambda: (lambda now: len(now) >= count and now)(
            self.get(section, **fields)), seconds,
                           lambda: f"{len(self.get(section, **fields))} of {count} facts {section} "
                                   f"{fields}; there are:\n" + "\n".join(
                                       f"{key}: {value}" for key, value in
                                       list(self.get(section).items())[:40]))
        return list(found.values())

    def wait_gone(self, section, seconds=5, **fields):
        wait_until(lambda: not self.get(section, **fields), seconds,
                   lambda: f"still there: {self.get(section, **fields)}")

    def process_of(self, name):
        """The value of a process fact."""
        return wait_until(lambda: self.get("process").get(name), 5, f"no process {name}")

    def stop(self):
        self.file.close()
        self.process.stop()
