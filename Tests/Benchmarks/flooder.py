"""A job that floods the socket: `flooder.py COUNT KIND`. It saves when it is asked, and ignores SIGTERM."""

import json
import os
import resource
import select
import signal
import socket
import sys

COUNT, KIND = int(sys.argv[1]), sys.argv[2]
LINE = json.dumps({"type": "begin"} if KIND == "begin" else {"type": "control", "command": KIND}) + "\n"
BLOB = (LINE * (65536 // len(LINE))).encode()


def connect(*accepts):
    while True:
        one = socket.socket(socket.AF_UNIX)
        try:
            one.connect(os.environ["SUPERVISE_SOCKET"])
            break
        except OSError:
            one.close()
    say(one, type="hello", protocol=1, token=os.environ["SUPERVISE_TOKEN"], accepts=accepts)
    return one


def say(one, **message):
    one.sendall(json.dumps(message).encode() + b"\n")


def flood():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    poll, peers = select.poll(), {}
    for _ in range(COUNT):
        one = connect()
        one.setblocking(False)
        peers[one.fileno()] = one
        poll.register(one, select.POLLOUT)
    print("flooding", flush=True)
    while True:
        for number, _ in poll.poll():
            try:
                peers[number].send(BLOB)
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(number)


signal.signal(signal.SIGTERM, signal.SIG_IGN)
honest = connect("checkpoint")
if os.fork() == 0:
    flood()
for line in honest.makefile():
    message = json.loads(line)
    if message["type"] == "checkpoint_request":
        say(honest, type="begin", request=message["request"])
    elif message["type"] == "error":
        # Somebody else has one open.
        say(honest, type="begin")
    elif message["type"] == "began":
        with open(os.path.join(message["path"], "state"), "w", encoding="ascii") as file:
            file.write("state")
        say(honest, type="commit", id=message["id"])
    elif message["type"] == "committed":
        print("committed", flush=True)
    elif message["type"] == "stop":
        os._exit(0)
