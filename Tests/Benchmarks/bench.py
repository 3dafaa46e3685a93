"""What the benchmarks share: their programs, the supervisors that are compared, and how a figure is told."""

import contextlib
import os
import random
import select
import shutil
import statistics
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
STAMP = struct.Struct("=QQ")  # stamp.h: nanoseconds, pid
PATIENCE = 30  # seconds; the slowest peer restarts a job within five


class Failure(Exception):
    """A supervisor or its job did not do what is measured."""


def build(directory):
    """Compiles the C programs; static, so that the start of each is its own and not that of its libraries."""
    common = ["-O2", "-Wall", "-Wextra", "-static", "-D_GNU_SOURCE"]
    for name, flags in {"launch": [], "speaker": [], "floor": [], "hopper": [],
                        "first": ["-nostartfiles", "-fno-stack-protector"]}.items():
        source = os.path.join(HERE, "programs", name + ".c")
        output = os.path.join(directory, name)
        subprocess.run([os.environ.get("CC", "cc"), *common, *flags, source, "-o", output], check=True)
        setattr(programs, name, output)


class programs:
    """The paths of the compiled programs, one attribute each."""


class Supervise:
    """The program of this repository."""

    is_ours = True

    def __init__(self, binary, label="supervise"):
        self.binary = binary
        self.label = label

    def command(self, job, place, more=()):
        return [self.binary, *more, "--quiet", "--backoff", "0ms..0ms", "--max-failures", "1000000",
                "--checkpoint-every", "off", "--state-dir", os.path.join(place, "state"), "--name", "run", "--", *job]


class Wrapper:
    """A supervisor that takes the command as its arguments."""

    is_ours = False

    def __init__(self, label, *words):
        self.label = label
        self.words = [shutil.which(words[0]), *words[1:]]

    def command(self, job, place):
        return [*self.words, *job]


class ServiceDirectory:
    """A supervisor of a directory with a program called run, which gets no arguments."""

    is_ours = False

    def __init__(self, label, program):
        self.label = label
        self.binary = shutil.which(program)

    def command(self, job, place):
        directory = os.path.join(place, "service")
        os.mkdir(directory)
        os.symlink(job[0], os.path.join(directory, "run"))
        return [self.binary, directory]


class Configured:
    """A supervisor that reads a file; `text` is a template of it."""

    is_ours = False

    def __init__(self, label, words, text):
        self.label = label
        self.words = [shutil.which(words[0]), *words[1:]]
        self.text = text

    def command(self, job, place):
        path = os.path.join(place, "configuration")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text.format(job=job[0], place=place))
        return [*self.words, path]


SUPERVISORD = """[supervisord]
nodaemon=true
silent=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={place}/pid
[program:job]
command={job}
startsecs=0
startretries=1000000
autorestart=true
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
"""

CIRCUS = """[circus]
endpoint=ipc://{place}/endpoint
pubsub_endpoint=ipc://{place}/pubsub
pidfile={place}/pid
[watcher:job]
cmd={job}
warmup_delay=0
max_retry=-1
"""


# Where `install` puts what is no package of Debian's.
os.environ["PATH"] += os.pathsep + os.path.join(HERE, "../../.build/benchmarks/peers/bin")


def peers():
    """Those that are installed, and the names of those that are not."""
    wanted = {
        "tini": lambda: Wrapper("tini", "tini", "-s", "--"),
        "dumb-init": lambda: Wrapper("dumb-init", "dumb-init"),
        "catatonit": lambda: Wrapper("catatonit", "catatonit", "--"),
        "s6-supervise": lambda: ServiceDirectory("s6-supervise", "s6-supervise"),
        "runsv": lambda: ServiceDirectory("runsv", "runsv"),
        "svscan": lambda: ServiceDirectory("daemontools", "supervise"),
        "daemon": lambda: Wrapper("daemon (libslack)", "daemon", "-f", "-r", "-A", "100", "--"),
        "supervisord": lambda: Configured("supervisord", ["supervisord", "-c"], SUPERVISORD),
        "circusd": lambda: Configured("circus", ["circusd", "--log-level", "error"], CIRCUS),
    }
    found = [make() for name, make in wanted.items() if shutil.which(name)]
    return [Wrapper("floor", programs.floor), *found], [name for name in wanted if not shutil.which(name)]


class Running:
    """A supervisor with its job, in a place of its own, and what the job tells."""

    def __init__(self, supervisor, job, place, more=(), environment=None):
        self.reader, writer = os.pipe()
        noted = os.path.join(place, "noted")
        with open(noted, "wb") as file:
            file.write(bytes(8))
        with open(os.devnull, "r+b") as null:
            self.process = subprocess.Popen(
                [programs.launch, noted, *supervisor.command(job, place, *([more] if more else []))],
                stdin=null, stdout=writer, stderr=null, cwd=place, start_new_session=True,
                env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place, **(environment or {})})
        os.close(writer)
        self.noted = noted

    @property
    def began(self):
        """When the supervisor was executed."""
        with open(self.noted, "rb") as file:
            return int.from_bytes(file.read(8), "little" if struct.pack("=H", 1)[0] else "big")

    def hear(self):
        """The next record of the job: the time, and its pid."""
        if not select.select([self.reader], [], [], PATIENCE)[0]:
            raise Failure(f"the job wrote nothing within {PATIENCE} s")
        record = os.read(self.reader, STAMP.size)
        if len(record) != STAMP.size:
            raise Failure("the supervisor and the job ended, and the job had not written its record")
        return STAMP.unpack(record)

    def signal(self, number):
        """When it was sent."""
        now = time.monotonic_ns()
        os.kill(self.process.pid, number)
        return now

    def end(self):
        """With the job, however little the supervisor cares for it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, 9)
        os.close(self.reader)


@contextlib.contextmanager
def place(root):
    """An empty directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=root, prefix="bench-") as directory:
        yield directory


@contextlib.contextmanager
def running(supervisor, job, root, **more):
    with place(root) as directory:
        one = Running(supervisor, job, directory, **more)
        try:
            yield one
        finally:
            one.end()


def attempt(measure):
    """Returns what `measure` returns, or its Failure."""
    try:
        return measure()
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        return Failure(failure)


def interleaved(count, subjects):
    """The figures of each subject: one or a list of each call, and a Failure at the end if one call failed.

    Each subject has one turn per round, so that a disturbance of the machine reaches all of them. The order of a round
    is random, because the subject after a large one finds cold caches."""
    figures = {label: [] for label in subjects}
    order = list(subjects)
    for _ in range(count):
        random.shuffle(order)
        for label in list(order):
            taken = attempt(subjects[label])
            figures[label] += taken if isinstance(taken, list) else [taken]
            if isinstance(taken, Failure):
                order.remove(label)
    return figures


def table(title, unit, scale, figures, digits=2):
    print(f"\n{title}, {unit}:\n\n| | median | least | most | runs |\n| --- | ---: | ---: | ---: | ---: |")
    for label, values in figures.items():
        failures = [f", failed: {value}" for value in values if isinstance(value, Failure)]
        values = [value for value in values if not isinstance(value, Failure)]
        shown = [f"{summary(values) / scale:.{digits}f}" if values else ""
                 for summary in (statistics.median, min, max)]
        print(f"| {label} | {' | '.join(shown)} | {len(values)}{''.join(failures)} |", flush=True)
