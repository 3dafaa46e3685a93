"""What the tests share: where things are, a job's environment, and the protocol's other half."""

import contextlib
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CLIENT = EXAMPLES / "supervise_job.py"
TRAIN = EXAMPLES / "digits" / "train.py"
HALVE = EXAMPLES / "halve_batch.py"
PATIENCE_S = 60

sys.path.insert(0, str(EXAMPLES))
sys.dont_write_bytecode = True

from supervise_job import Job, SuperviseError, SupervisorLost  # noqa: E402,F401


def environment(**changes):
    """This process's environment without anything of a supervisor's, and with `changes`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SUPERVISE_")}
    return dict(kept, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=str(EXAMPLES), **changes)


def refused_in_child(test, job):
    """In a forked child: whether all that would make a checkpoint raises, and says why."""

    def checkpoint():
        with job.checkpoint():
            pass

    why = r"%%s\(\) was called in process %d, which was forked by process %d" % (
        os.getpid(),
        os.getppid(),
    )
    calls = {"save": lambda: job.save(1), "add": lambda: job.add("file"), "checkpoint": checkpoint}
    for method, call in calls.items():
        with test.assertRaisesRegex(SuperviseError, why % method):
            call()
    return True


class TemporaryDirectoryTest(unittest.TestCase):
    """A test with a directory of its own, in which nothing is supervised."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="supervise-client-"))
        self.addCleanup(shutil.rmtree, str(self.directory), ignore_errors=True)
        patch = mock.patch.dict(os.environ, environment(), clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def python(self, source, **options):
        """Runs `source` in a Python of its own, in the test's directory."""
        return subprocess.run(
            [sys.executable, "-c", source],
            cwd=str(self.directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=PATIENCE_S,
            **options
        )

    @contextlib.contextmanager
    def said(self):
        """Collects the lines that the client writes to stderr."""
        lines = []
        with mock.patch("supervise_job._say", lines.append):
            yield lines


class FakeSupervisor:
    """A supervisor that does what a test tells it to: for what a real one seldom does.

    It answers `hello` and `begin` by itself, unless they are in `silent`; all that comes is in
    `messages`, in order.
    """

    def __init__(self, directory, resume=None, silent=(), last_failure=None):
        self.directory, self.resume, self.silent = Path(directory), resume, set(silent)
        self.last_failure = last_failure
        self.messages = queue.Queue()
        self.connection = None
        self.begun = 0
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = str(self.directory / "socket")
        self.listener.bind(self.path)
        self.listener.listen(5)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def environment(self):
        return {"SUPERVISE_SOCKET": self.path, "SUPERVISE_TOKEN": "0123456789abcdef" * 2}

    def serve(self):
        with contextlib.suppress(OSError):
            self.connection, _ = self.listener.accept()
            with self.connection.makefile("rb") as lines:
                for line in lines:
                    message = json.loads(line.decode(), parse_constant=self.no_constant)
                    self.answer(message)
                    self.messages.put(message)
        self.messages.put({"type": "end of file"})

    @staticmethod
    def no_constant(name):
        raise AssertionError("%s is not JSON" % name)

    def answer(self, message):
        if message["type"] in self.silent:
            return
        if message["type"] == "hello":
            more = {"resume": self.resume, "last_failure": self.last_failure}
            self.reply(message, "welcome", protocol=1, name="it", attempt=3, **more)
        elif message["type"] == "begin":
            self.begin(message)

    def begin(self, message):
        self.begun += 1
        staging = self.directory / ("staging-%d" % self.begun)
        staging.mkdir()
        self.reply(message, "began", id="%06d" % self.begun, path=str(staging))

    def reply(self, question, kind, **more):
        self.send(dict(more, type=kind, seq=question["seq"]))

    def send(self, *messages):
        self.send_raw(b"".join(json.dumps(each).encode() + b"\n" for each in messages))

    def send_raw(self, data):
        self.connection.sendall(data)

    def request(self, number, final=False):
        reason = "shutdown" if final else "interval"
        message = {"type": "checkpoint_request", "request": number, "reason": reason}
        self.send(dict(message, final=final, deadline_s=60 if final else None))

    def expect(self, kind):
        """The next message, which must be of this type."""
        message = self.messages.get(timeout=PATIENCE_S)
        if message["type"] != kind:
            raise AssertionError("expected %s, and %s came" % (kind, message))
        return message

    def hang_up(self):
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.connection:
            self.hang_up()
        self.thread.join(PATIENCE_S)
        if self.connection:
            self.connection.close()
