"""What a supervisor costs while its job says nothing."""

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
    all_of_them = [(subject, bench.place(disk)) for subject in subjects]
    started = []
    try:
        for subject, directory in all_of_them:
            one = bench.Running(subject, [bench.programs.speaker], directory.__enter__())
            started.append((subject, one, directory, one.hear()[1]))
        time.sleep(2)
        before = []
        for _, one, _, job in started:
            pids = [pid for pid in processes(one.process.pid) if pid != job]
            before.append((pids, *spent(pids)))
        time.sleep(SECONDS)
        print(f"\nWith a silent job, over {SECONDS} s, the supervisor with its helper processes:\n\n| | wake-ups | "
              "processor time, µs | threads | RSS, kB | of that private | helpers' private, kB |\n"
              "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for (subject, one, _, _), (pids, switches, time_ns) in zip(started, before):
            later, later_ns = spent(pids)
            supervisor, *helpers = pids
            own = kilobytes(supervisor, "smaps_rollup", "Private_Clean", "Private_Dirty")
            others = sum(kilobytes(pid, "smaps_rollup", "Private_Clean", "Private_Dirty") for pid in helpers)
            print(f"| {subject.label} | {later - switches} | {(later_ns - time_ns) / 1e3:.0f} "
                  f"| {len(os.listdir(f'/proc/{supervisor}/task'))} | {kilobytes(supervisor, 'status', 'VmRSS:')} "
                  f"| {own} | {others} |", flush=True)
    finally:
        for _, one, directory, _ in started:
            one.end()
            directory.__exit__(None, None, None)
