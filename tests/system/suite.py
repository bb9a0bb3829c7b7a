# SPDX-License-Identifier: Apache-2.0
"""Tests that run in order, show a difference when one fails, and count."""
import difflib
import json
import sys
import time
import traceback


class Failure(Exception):
    """What a test found wrong."""


def wait_until(condition, seconds, what, step=0.02):
    """The first true value of condition(), or a Failure after so many seconds. `what` may be a
    function that says what is there instead."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(step)


def lines(value):
    """A value as lines that can be compared: a list has one item per line, sorted."""
    if isinstance(value, (list, set, tuple)):
        return sorted(json.dumps(item, sort_keys=True, default=list) for item in value)
    return json.dumps(value, sort_keys=True, indent=1, default=list).splitlines()


def difference(actual, expected):
    return "\n".join(difflib.unified_diff(lines(expected), lines(actual), "expected", "actual",
                                          lineterm="", n=1))


def equal(actual, expected, what):
    """Whole answers: the order of a list does not matter, everything else does."""
    if lines(actual) != lines(expected):
        raise Failure(f"{what}:\n{difference(actual, expected)}")


def becomes(actual, expected, seconds, what):
    """Waits until actual() equals expected; shows the last difference when it never does."""
    wait_until(lambda: lines(actual()) == lines(expected), seconds,
               lambda: f"{what}:\n{difference(actual(), expected)}", step=0.1)


def check(condition, what):
    if not condition:
        raise Failure(what)


def contains(text, word, what="the output"):
    if word not in text:
        raise Failure(f"{what} does not say {word!r}:\n{text}")


class Suite:
    """@suite.test puts a function on the list; run() calls each with the same arguments. With
    words on the command line, only the tests whose name holds one of them."""

    def __init__(self):
        self.tests = []
        self.passed = self.failed = 0

    def test(self, function):
        self.tests.append(function)
        return function

    def run(self, *arguments):
        words = sys.argv[1:]
        for function in self.tests:
            name = function.__name__
            if words and not any(word in name for word in words):
                continue
            start = time.monotonic()
            try:
                function(*arguments)
                self.passed += 1
                verdict = "ok    "
            except Exception as error:  # pylint: disable=broad-except
                self.failed += 1
                verdict = "FAILED"
                text = str(error) if isinstance(error, Failure) else traceback.format_exc()
                print("\n".join("    " + line for line in text.splitlines()))
            print(f"{verdict} {name} {1000 * (time.monotonic() - start):.0f} ms", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
