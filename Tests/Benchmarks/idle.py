"""What a supervisor costs while its job says nothing."""

import contextlib
import os
import time

import bench

SECONDS = 20


def processes(pid):
    """The supervisor and its helpers: all its children but the job, which writes its own pid."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [pid, *map(int, file.read().split())]


def spent(pids):
    """Context switches, and nanoseconds on a processor, of every thread of these."""
    switches = time_ns = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as file:
                switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                time_ns += int(file.read().split()[0])
    return switches, time_ns


def kilobytes(pid, file, *keys):
    with open(f"/proc/{pid}/{file}", encoding="utf-8") as text:
        return sum(int(line.split()[1]) for line in text if line.startswith(keys))


def measure(subjects, disk):
    """All of them at the same time: those that sleep do not disturb each other."""
    with contextlib.ExitStack() as stack:
        started = {subject.label: stack.enter_context(bench.running(subject, [bench.programs.speaker], disk))
                   for subject in subjects}
        jobs = {label: bench.attempt(lambda one=one: one.hear()[1]) for label, one in started.items()}
        time.sleep(2)
        before = {label: bench.attempt(lambda one=one, label=label: state(one, jobs[label]))
                  for label, one in started.items()}
        time.sleep(SECONDS)
        print(f"\nWith a silent job, over {SECONDS} s, the supervisor with its helper processes:\n\n| | wake-ups | "
              "processor time, µs | threads | RSS, kB | of that private | helpers' private, kB |\n"
              "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for label, earlier in before.items():
            shown = bench.attempt(lambda earlier=earlier: row(earlier))
            print(f"| {label} | {f'failed: {shown} | | | | | |' if isinstance(shown, bench.Failure) else shown}", flush=True)


def state(one, job):
    """The supervisor with its helpers, their context switches, and their nanoseconds on a processor."""
    if isinstance(job, bench.Failure):
        raise job
    pids = [pid for pid in processes(one.process.pid) if pid != job]
    return pids, *spent(pids)


def row(earlier):
    if isinstance(earlier, bench.Failure):
        raise earlier
    pids, switches, time_ns = earlier
    later, later_ns = spent(pids)
    supervisor, *helpers = pids
    own = kilobytes(supervisor, "smaps_rollup", "Private_Clean", "Private_Dirty")
    others = sum(kilobytes(pid, "smaps_rollup", "Private_Clean", "Private_Dirty") for pid in helpers)
    return (f"{later - switches} | {(later_ns - time_ns) / 1e3:.0f} | {len(os.listdir(f'/proc/{supervisor}/task'))} "
            f"| {kilobytes(supervisor, 'status', 'VmRSS:')} | {own} | {others} |")
