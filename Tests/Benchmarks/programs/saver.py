"""A job that saves files and tells how long it took: one JSON object a line, on its standard output."""

import json
import os
import select
import socket
import subprocess
import sys
import time


class Supervisor:
    """The protocol, as plainly as it goes."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["SUPERVISE_SOCKET"])
        self.lines = self.socket.makefile("rwb")
        self.ask("welcome", type="hello", protocol=1, token=os.environ["SUPERVISE_TOKEN"])

    def say(self, **message):
        self.lines.write(json.dumps(message).encode() + b"\n")
        self.lines.flush()

    def ask(self, expected, **message):
        self.say(**message)
        return self.hear(expected)

    def hear(self, expected):
        while True:
            answer = json.loads(self.lines.readline())
            if answer["type"] == expected:
                return answer
            if answer["type"] == "error":
                raise SystemExit("the supervisor says: " + answer["message"])


def added(supervisor, source):
    """A file or directory that is there, taken by copying it."""
    began = time.monotonic()
    supervisor.ask("committed", type="add", path=source)
    return time.monotonic() - began


def committed(supervisor, source):
    """The same, copied by the job to where it is told to."""
    began = time.monotonic()
    path = stage(supervisor, source)
    supervisor.ask("committed", type="commit", id=path)
    return time.monotonic() - began


def stage(supervisor, source):
    answer = supervisor.ask("began", type="begin")
    subprocess.run(["cp", "-r", source, answer["path"]], check=True)
    return answer["id"]


def beside(supervisor, source, directory):
    """How long the job's own writes take while nothing happens, and while a commit is under way."""
    quiet = [write(directory) for _ in range(20)]
    checkpoint = stage(supervisor, source)
    os.sync()
    supervisor.say(type="commit", id=checkpoint)
    busy = []
    while not select.select([supervisor.socket], [], [], 0)[0]:
        busy.append(write(directory))
    supervisor.hear("committed")
    # The last one may have gone on when it was over.
    return quiet, busy[:-1] or busy


def write(directory):
    path = os.path.join(directory, "own")
    block = bytes(1 << 20)
    began = time.monotonic()
    with open(path, "wb", buffering=0) as file:
        for _ in range(32):
            file.write(block)
    took = time.monotonic() - began
    os.unlink(path)
    return took


def main():
    what, source, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    supervisor = Supervisor()
    for _ in range(count):
        os.sync()
        if what == "beside":
            quiet, busy = beside(supervisor, source, os.getcwd())
            print(json.dumps({"quiet": quiet, "busy": busy}), flush=True)
        else:
            took = added(supervisor, source) if what == "add" else committed(supervisor, source)
            print(json.dumps(took), flush=True)


main()
