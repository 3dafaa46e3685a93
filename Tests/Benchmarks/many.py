"""A run with many checkpoints: how long its plan, its list and its start take, and with how much memory."""

import hashlib
import json
import os
import re
import resource
import statistics
import subprocess
import time

import bench


def lay_down(state, count):
    """A run of that name with small valid checkpoints, as a supervisor would have left them."""
    run = os.path.join(state, "run")
    os.makedirs(os.path.join(state, ".locks"))
    os.makedirs(os.path.join(run, "checkpoints"))
    payload = b"0123456789abcdef" * 4
    digest = hashlib.sha256(payload).hexdigest()
    began = 1_700_000_000
    for number in range(1, count + 1):
        name = f"{number:06d}-step-{number * 10}"
        directory = os.path.join(run, "checkpoints", name)
        os.makedirs(os.path.join(directory, "data"))
        with open(os.path.join(directory, "data", "model.bin"), "wb") as file:
            file.write(payload)
        created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(began + number * 60))
        manifest = json.dumps({
            "format": 1, "id": name, "sequence": number, "step": number * 10, "reason": "interval", "attempt": 1,
            "parent": f"{number - 1:06d}-step-{number * 10 - 10}" if number > 1 else None, "created": created, "seconds": 0.1, "ranks": 1, "single": None, "links": [],
            "files": [{"path": "data/model.bin", "bytes": len(payload)}],
            "metrics": {"loss": 1 / number, "accuracy": 0.5}, "metadata": {}}, sort_keys=True).encode() + b"\n"
        with open(os.path.join(directory, "manifest.json"), "wb") as file:
            file.write(manifest)
        with open(os.path.join(directory, "SHA256SUMS"), "w", encoding="ascii") as file:
            file.write(f"{hashlib.sha256(manifest).hexdigest()}  manifest.json\n{digest}  data/model.bin\n")
    record = {
        "format": 1, "name": "run", "command": [bench.programs.first], "directory": "/", "options": {"keep-every": "10"},
        "checkpoint_directory": run, "created": "2023-11-14T22:13:20.000Z", "host": "here", "boot_id": "none",
        "supervisor_pid": 1, "run_token": "0" * 16, "attempt": 1, "current": None, "sequence": count, "commits": count,
        "best_step": count * 10, "failures": {"without_progress": 0, "suspects": {}, "total": 0, "last": None},
        "totals": {"wall_s": 1, "useful_s": 1, "lost_s": 0, "checkpoint_s": 0, "down_s": 0, "goodput": 1},
        "outcome": {"kind": "stopped", "exit_code": None, "signal": "SIGTERM"}}
    with open(os.path.join(run, "run.json"), "w", encoding="ascii") as file:
        json.dump(record, file)
    os.sync()


def timed(subject, directory, *words):
    """Seconds, and the largest resident size in kB."""
    command = [bench.programs.launch, os.path.join(directory, "noted"), subject.binary, *words,
               "--state-dir", os.path.join(directory, "state")]
    began = time.monotonic_ns()
    with open(os.devnull, "w", encoding="ascii") as null:
        process = subprocess.Popen(command, stdout=null)
        _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic_ns() - began
    if status != 0:
        raise bench.Failure(f"{' '.join(command)} ended with {status}")
    return took, usage.ru_maxrss


def start(subject, directory):
    """From the supervisor's exec to the job's first instruction, and its resident size then and at its highest."""
    one = bench.Running(subject, [bench.programs.first], directory, more=["--keep-every", "10"])
    try:
        took = one.hear()[0] - one.began
        time.sleep(1)
        with open(f"/proc/{one.process.pid}/status", encoding="ascii") as file:
            high = int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
        return took, high
    finally:
        one.end()


def measure(subjects, count, runs, disk):
    for subject in subjects:
        with bench.place(disk) as directory:
            began = time.monotonic()
            with open(os.path.join(directory, "noted"), "wb") as file:
                file.write(bytes(8))
            lay_down(os.path.join(directory, "state"), count)
            print(f"\n{count} checkpoints of {subject.label}, laid down in {time.monotonic() - began:.0f} s:\n\n"
                  "| | median, ms | least | most | RSS at most, MB |\n| --- | ---: | ---: | ---: | ---: |")

            def tell(label, figures):
                times = [took / 1e6 for took, _ in figures]
                print(f"| {label} | {statistics.median(times):.0f} | {min(times):.0f} | {max(times):.0f} "
                      f"| {max(size for _, size in figures) / 1e3:.0f} |", flush=True)

            tell("the first start, without an index", [start(subject, directory)])
            tell("a start", [start(subject, directory) for _ in range(runs)])
            for label, words in {"`checkpoints run list`": ["checkpoints", "run", "list"],
                                 "`checkpoints run list --json`": ["checkpoints", "run", "list", "--json"],
                                 "`prune run --dry-run`": ["prune", "run", "--dry-run"],
                                 "`checkpoints run stats`": ["checkpoints", "run", "stats"]}.items():
                tell(label, [timed(subject, directory, *words) for _ in range(runs)])


