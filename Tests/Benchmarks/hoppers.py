"""A job of 30 processes that fork and leave every 0.5 ms: how many pile up, and how long they hold up a restart and a stop."""

import os
import shutil
import subprocess
import threading
import time

import bench

USER = 64_321  # nobody else's: its limit of processes keeps a failure from the machine
LIMIT = 6000
JOB = 'date +%s%N; {} 30; read line; exit 3'


def as_user(*words):
    return ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups",
            "prlimit", f"--nproc={LIMIT}:{LIMIT}", *words]


class Count(threading.Thread):
    """The most processes that the user has at one time, ended and not reaped ones too."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most = 0
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            here = 0
            for name in os.listdir("/proc"):
                try:
                    here += name.isdigit() and os.stat(f"/proc/{name}").st_uid == USER
                except OSError:
                    pass
            self.most = max(self.most, here)
            time.sleep(0.02)

    def end(self):
        self.is_over = True
        self.join()
        return self.most


def end_all():
    """Nothing of that user is left."""
    killer = "import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept ProcessLookupError: pass"
    while subprocess.run(["pgrep", "-U", str(USER)], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        subprocess.run(["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "python3", "-c", killer],
                       check=False)


def supervised(binary, hopper, disk, seconds):
    """The most processes in some seconds and in the restart and stop after them, and the nanoseconds of these two."""
    with bench.place(disk) as place:
        os.chown(place, USER, USER)
        job = JOB.format(hopper)
        command = as_user(binary, "--quiet", "--backoff", "0ms..0ms", "--stop-timeout", "1s", "--state-dir",
                          os.path.join(place, "state"), "--name", "run", "--", "sh", "-c", job)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=place,
                              env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place}) as one:
            one.stdout.readline()
            count = Count()
            time.sleep(seconds)
            most = count.end()
            count = Count()
            began = time.time_ns()
            one.stdin.write("\n")
            one.stdin.flush()
            restart = int(one.stdout.readline()) - began
            time.sleep(1)
            began = time.monotonic_ns()
            one.terminate()
            one.wait()
            stop = time.monotonic_ns() - began
            ending = count.end()
        end_all()
        return most, ending, restart, stop


def waited(hopper, seconds):
    """The most processes beside a parent that does nothing but wait(2)."""
    with subprocess.Popen(as_user(hopper, "30", "reap")) as one:
        count = Count()
        time.sleep(seconds)
        most = count.end()
        one.kill()
    end_all()
    return most


def measure(binary, runs, seconds=3):
    if os.geteuid() != 0:
        print("\nA job of processes that fork and leave: only root measures it.")
        return
    disk = os.environ.get("TMPDIR", "/tmp")
    with bench.place(disk) as shared:
        os.chmod(shared, 0o755)  # for that user
        here, hopper = (shutil.copy(program, shared) for program in (binary, bench.programs.hopper))
        figures = [(supervised(here, hopper, disk, seconds), waited(hopper, seconds)) for _ in range(runs)]
    ours = [one for one, _ in figures]
    bench.table(f"30 processes that fork and leave every 0.5 ms: the most processes at one time in {seconds} s", "processes", 1, {
        "supervise": [one[0] for one in ours],
        "supervise, while it restarts and stops the job": [one[1] for one in ours],
        "a loop of wait(2) and nothing else": [other for _, other in figures]}, digits=0)
    bench.table("The same job under supervise, whose time limit of a stop is 1 s", "ms", 1e6, {
        "from its failure to the next attempt": [one[2] for one in ours],
        "from SIGTERM to the end of all": [one[3] for one in ours]}, digits=0)
