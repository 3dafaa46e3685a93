"""Many at once: connections that flood the socket while a run is stopped, and many runs on one machine."""

import contextlib
import os
import signal
import statistics
import subprocess
import time

import bench
import idle

FLOODER = os.path.join(bench.HERE, "flooder.py")


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise bench.Failure("what was waited for did not come")
        time.sleep(0.01)


def stop(binary, disk, runs):
    """From SIGTERM to the end, with a final checkpoint, of a job that floods over so many connections."""
    def once(count, kind):
        with bench.place(disk) as place:
            said = os.path.join(place, "said")
            with open(said, "wb") as output, open(os.devnull, "r+b") as null:
                process = subprocess.Popen(
                    [binary, "--quiet", "--state-dir", os.path.join(place, "state"), "--name", "run",
                     "--output", "inherit", "--checkpoint-timeout", "5s", "--stop-timeout", "2s", "--",
                     "python3", FLOODER, str(count), kind],
                    stdin=null, stdout=output, stderr=null, cwd=place, start_new_session=True,
                    env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place})

            def has(word):
                with open(said, encoding="utf-8") as file:
                    return word in file.read()
            try:
                wait_until(lambda: has("flooding"))
                time.sleep(1)
                began = time.monotonic_ns()
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=120)
                took = time.monotonic_ns() - began
                if not has("committed"):
                    raise bench.Failure("there is no final checkpoint")
                return took
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, 9)

    bench.table(
        "From SIGTERM to the end of a job that floods the socket, with its final checkpoint; 7 s are promised", "s", 1e9,
        {f"{count} connections of `{kind}`": [once(count, kind) for _ in range(runs)]
         for count, kind in ((0, "status"), (50, "status"), (200, "status"), (1000, "status"), (1000, "heartbeat"))})


def neighbours(binary, disk, count):
    """So many runs that sleep: what each costs, and what one more costs them."""
    with bench.place(disk) as place:
        environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place}

        def command(name, *job):
            return [binary, "--quiet", "--state-dir", os.path.join(place, "state"), "--name", name,
                    "--output", "inherit", "--", *job]

        started = []
        with open(os.devnull, "r+b") as null:
            def start(name, *job):
                return subprocess.Popen(command(name, *job), stdin=null, stdout=null, stderr=null, cwd=place,
                                        env=environment)
            try:
                for number in range(count):
                    started.append(start(f"n{number}", "sleep", "100000"))
                    if number % 50 == 49:
                        wait_until(lambda: all(
                            os.path.exists(os.path.join(place, "state", f"n{n}", "status.json"))
                            for n in range(len(started))))
                time.sleep(5)
                pids = [process.pid for process in started]
                before, _ = idle.spent(pids)
                start("one", "true").wait()
                time.sleep(1)
                after, _ = idle.spent(pids)
                own = [idle.kilobytes(pid, "smaps_rollup", "Private_Clean", "Private_Dirty") for pid in pids[::20]]
                resident = [idle.kilobytes(pid, "status", "VmRSS:") for pid in pids[::20]]
            finally:
                for process in started:
                    process.kill()
                for process in started:
                    process.wait()
    print(f"\n{count} runs that sleep, one user, one machine:\n\n"
          "| | median | least | most |\n| --- | ---: | ---: | ---: |")
    for label, values in (("RSS of a supervisor, kB", resident), ("of that private, kB", own)):
        print(f"| {label} | {statistics.median(values):.0f} | {min(values)} | {max(values)} |")
    print(f"| wake-ups of all of them when one more starts and ends | {after - before} | | |", flush=True)
