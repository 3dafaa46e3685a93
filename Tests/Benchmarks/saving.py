"""What it costs to keep a payload: hashing it, making it durable, and what the job notices of that."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import bench

SAVER = os.path.join(bench.HERE, "programs", "saver.py")


def make(directory, count, size):
    """A directory with so many files of random bytes, so many in all."""
    path = os.path.join(directory, "of-%d" % count)
    os.mkdir(path)
    for number in range(count):
        with open(os.path.join(path, "file-%d" % number), "wb") as file:
            for _ in range(size // count >> 20):
                file.write(os.urandom(1 << 20))
    return path


def file_system(path):
    """Of what kind it is, and how it is mounted, as the kernel says it."""
    found = subprocess.run(["findmnt", "-no", "FSTYPE,OPTIONS", "-T", path], stdout=subprocess.PIPE, text=True)
    return " ".join(found.stdout.split()) or "unknown"


def job(binary, place, what, source, count=1):
    """What the job tells, decoded."""
    state = os.path.join(place, "state-" + what)
    run = subprocess.run(
        [binary, "--quiet", "--checkpoint-every", "off", "--keep-last", "1", "--state-dir", state, "--name", "run",
         "--", sys.executable, SAVER, what, source, str(count)],
        stdout=subprocess.PIPE, cwd=place, env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place}, check=True)
    shutil.rmtree(state)
    return [json.loads(line) for line in run.stdout.splitlines()]


def sha256(binary, disk, size, runs):
    """On one core, of a file that is in memory; ours as a whole verification."""
    core = str(min(os.sched_getaffinity(0)))
    with bench.place(disk) as place:
        source = make(place, 1, size)
        state = os.path.join(place, "state")
        script = [binary, "--quiet", "--checkpoint-every", "off", "--state-dir", state, "--name", "run", "--",
                  sys.executable, SAVER, "add", source, "1"]
        subprocess.run(script, stdout=subprocess.DEVNULL, check=True, cwd=place,
                       env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place})

        def timed(command):
            def measure():
                began = time.monotonic_ns()
                subprocess.run(["taskset", "-c", core, *command], stdout=subprocess.DEVNULL, check=True)
                return size / (time.monotonic_ns() - began)
            return measure

        verify = [binary, "checkpoints", "run", "verify", "--state-dir", state]
        openssl = ["openssl", "dgst", "-sha256", os.path.join(source, "file-0")]
        figures = bench.interleaved(runs, {
            "supervise checkpoints verify": timed(verify), "openssl dgst -sha256": timed(openssl),
            "sha256sum": timed(["sha256sum", os.path.join(source, "file-0")])})
    bench.table(f"SHA-256 of {size >> 20} MiB on one core, the whole program", "GB/s", 1, figures, digits=3)
    ratio(figures, "supervise checkpoints verify", "openssl dgst -sha256")


def commit(binary, disk, size, runs):
    """From nothing to durable and hashed, beside the same by hand."""

    def by_hand(place, source):
        os.sync()
        copy = os.path.join(place, "copy")
        began = time.monotonic()
        subprocess.run(["cp", "-r", source, copy], check=True)
        subprocess.run(["sync"], check=True)
        files = sorted(os.path.join(copy, name) for name in os.listdir(copy))
        subprocess.run(["openssl", "dgst", "-sha256", *files], stdout=subprocess.DEVNULL, check=True)
        took = time.monotonic() - began
        shutil.rmtree(copy)
        return took

    for count in (1, 8):
        with bench.place(disk) as place:
            source = make(place, count, size)
            figures = bench.interleaved(runs, {
                "begin, cp, commit": lambda: job(binary, place, "commit", source)[0],
                "add": lambda: job(binary, place, "add", source)[0],
                "cp, sync, openssl dgst": lambda: by_hand(place, source)})
            files = "1 file" if count == 1 else f"{count} files"
            bench.table(f"{size >> 20} MiB in {files}, until durable and hashed, on {file_system(place)}", "s", 1, figures)
            for label in ("begin, cp, commit", "add"):
                ratio(figures, label, "cp, sync, openssl dgst")


def beside(binary, disk, size, runs):
    """The job's own write of 32 MiB, while its checkpoint is committed and while it is not."""
    for count in (1, 8):
        with bench.place(disk) as place:
            source = make(place, count, size)
            told = sum((job(binary, place, "beside", source) for _ in range(runs)), [])
        figures = {"while nothing else happens": sum((each["quiet"] for each in told), []),
                   f"while {count} x {size // count >> 20} MiB are committed": sum((each["busy"] for each in told), [])}
        bench.table("The job's own write of 32 MiB", "ms", 1e-3, figures)
        ratio(figures, *reversed(figures))


def ratio(figures, label, other):
    first, second = (statistics.median(figures[each]) for each in (label, other))
    print(f"\n{label} / {other}: {first / second:.3f}", flush=True)
