"""The job of the saved states: each attempt saves three steps, then one for each request, until it is told to stop.

MORE says how many steps an attempt saves by itself, END=exit lets it end with status 0 after them, OUTSIDE names
a directory in which it writes its payloads instead of in the checkpoint, with MODE as the mode of `add`. WATCHED names a
directory in which it saves steps as directories that are watched for; then it speaks no protocol.
"""

import json
import os
import signal
import socket
import sys


def write(directory, step):
    with open(directory + "/weights", "w") as file:
        file.write(("weight %d\n" % step) * 1000)
    with open(directory + "/step", "w") as file:
        file.write("%d\n" % step)


if "WATCHED" in os.environ:
    place = os.environ["WATCHED"]
    step = int(os.environ.get("SUPERVISE_CHECKPOINT_STEP") or 0)
    for step in range(step + 1, step + 4):
        os.makedirs("%s/.new" % place)
        write("%s/.new" % place, step)
        os.rename("%s/.new" % place, "%s/step-%d" % (place, step))
    signal.sigwait([signal.SIGTERM])
    sys.exit(0)

link = socket.socket(socket.AF_UNIX)
link.connect(os.environ["SUPERVISE_SOCKET"])
lines = link.makefile("rw")


def say(**message):
    lines.write(json.dumps(message) + "\n")
    lines.flush()


def hear(kind):
    for line in lines:
        message = json.loads(line)
        if message["type"] == kind:
            return message
        if message["type"] == "error":
            raise SystemExit(message["message"])


def save(step, request=None):
    metrics = {"loss": abs(step - 4) / 10}
    outside = os.environ.get("OUTSIDE")
    if outside:
        directory = "%s/step-%d" % (outside, step)
        os.makedirs(directory)
        write(directory, step)
        say(type="add", path=directory, mode=os.environ["MODE"], step=step, request=request, metrics=metrics)
    else:
        say(type="begin", step=step, request=request)
        began = hear("began")
        write(began["path"], step)
        say(type="commit", id=began["id"], request=request, metrics=metrics, metadata={"step": step})
    hear("committed")


say(type="hello", protocol=1, token=os.environ["SUPERVISE_TOKEN"], accepts=["checkpoint"])
resume = hear("welcome")["resume"]
step = (resume or {}).get("step") or 0
print("from step", step, flush=True)
for _ in range(int(os.environ.get("MORE", "3"))):
    step += 1
    save(step)
    say(type="progress", step=step, total=1000, unit="steps")
if os.environ.get("END") != "exit":
    for line in lines:
        message = json.loads(line)
        if message["type"] == "checkpoint_request":
            step += 1
            save(step, message["request"])
        if message["type"] == "stop":
            break
