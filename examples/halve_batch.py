"""Halves its batch whenever it ran out of memory.

    supervise -- python3 examples/halve_batch.py

`SUPERVISE_LAST_FAILURE` and `job.last_failure` say why the attempt before this one ended. Only
after `oom` is the batch too large; after a crash or a hang it stays as it is.
"""

import os

from supervise_job import Job

MEGABYTE = 1 << 20
STEPS = 20


def work(batch):
    """A step, which needs so many megabytes."""
    return len(bytearray(batch * MEGABYTE))


job = Job()
state = job.load(default={"step": 0, "batch": int(os.environ.get("BATCH_MB", "64"))})
if job.last_failure and job.last_failure.kind == "oom":
    state["batch"] = max(1, state["batch"] // 2)
    # Saved at once: should this be too much as well, the next attempt halves it again.
    job.save(state, step=state["step"], wait=True)
print("batch", state["batch"], flush=True)

while state["step"] < STEPS and not job.stopping:
    work(state["batch"])
    state["step"] += 1
    job.progress(step=state["step"], total=STEPS)
    if job.checkpoint_due:
        job.save(state, step=state["step"])
