"""A job that writes as fast as it can, through us and through others."""

import os
import statistics
import subprocess
import time

import bench


def measure(binary, disk, size, runs):
    """From the start of the job until its last byte is passed on, with and without a copy on the disk."""
    job = ["head", "-c", str(size), "/dev/zero"]

    def timed(make):
        def once():
            with bench.place(disk) as place:
                began = time.monotonic_ns()
                subprocess.run(make(place), stdout=subprocess.DEVNULL, check=True, cwd=place,
                               env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": place})
                return size / (time.monotonic_ns() - began)
        return once

    def ours(place, *options):
        return [binary, "--quiet", "--state-dir", os.path.join(place, "state"), "--name", "run", *options, "--", *job]

    pipe = " ".join(job)
    figures = bench.interleaved(runs, {
        "supervise --capture": timed(lambda place: ours(place, "--capture", "--capture-max", "10GB")),
        "supervise --capture, four files of 64 MB": timed(lambda place: ours(place, "--capture")),
        "supervise, to a pipe": timed(lambda place: ["sh", "-c", '"$@" | cat', "sh", *ours(place)]),
        "tee to a file": timed(lambda place: ["sh", "-c", f"{pipe} | tee copy"]),
        "cat": timed(lambda place: ["sh", "-c", f"{pipe} | cat"]),
    })
    bench.table(f"A job that writes {size >> 20} MiB at once, to /dev/null", "GB/s", 1, figures)
    medians = {label: statistics.median(values) for label, values in figures.items()}
    print(f"\nsupervise --capture / tee: {medians['supervise --capture'] / medians['tee to a file']:.2f}")
