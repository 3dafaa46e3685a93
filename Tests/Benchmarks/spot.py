"""What it costs to watch for the loss of a machine, and how soon the job hears of it.

Against a metadata service of our own on loopback, as plain as it can be.
"""

import http.server
import json
import random
import threading
import time

import bench
import idle

SECONDS = 60
CLOUDS = {"aws": 5000, "azure": 1000, "gcp": 0}  # ms between two questions


class Service(http.server.ThreadingHTTPServer):
    """Says of each cloud that all is well, until it is told otherwise."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.changed = threading.Condition()
        self.is_armed = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def arm(self):
        with self.changed:
            self.is_armed = True
            armed = time.monotonic_ns()
            self.changed.notify_all()
        return armed

    def environment(self):
        host = f"127.0.0.1:{self.server_address[1]}"
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{host}", "GCE_METADATA_HOST": host,
                "AZURE_POD_IDENTITY_AUTHORITY_HOST": host}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", "1" if self.server.is_armed else "0")
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.answer(200, "token")

    def do_GET(self):
        if "wait_for_change" in self.path:
            with self.server.changed:
                self.server.changed.wait_for(lambda: self.server.is_armed, 300)
        armed = self.server.is_armed
        at = time.time() + 60
        if "instance-action" in self.path:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
            self.answer(200 if armed else 404, json.dumps({"action": "terminate", "time": stamp}))
        elif "/metadata/instance" in self.path:
            self.answer(200, '{"compute":{"name":"vm"}}')
        elif "scheduledevents" in self.path:
            stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at))
            event = {"EventId": "1", "EventType": "Preempt", "Resources": ["vm"], "EventStatus": "Scheduled",
                     "NotBefore": stamp}
            self.answer(200, json.dumps({"Events": [event] if armed else []}))
        elif "maintenance" in self.path:
            self.answer(200, "NONE")
        elif "preempted" in self.path:
            self.answer(200, "TRUE" if armed else "FALSE")
        else:
            self.answer(404, "")


def watching(subject, cloud, disk, measure):
    """A job under a supervisor that has asked the service a few times."""
    service = Service()
    try:
        with bench.running(subject, [bench.programs.speaker], disk, more=["--preempt", cloud],
                           environment=service.environment()) as one:
            _, job = one.hear()
            time.sleep(2)
            return measure(one, job, service)
    finally:
        service.shutdown()


def latency(subject, cloud, disk):
    def measure(one, _, service):
        time.sleep(random.random() * CLOUDS[cloud] / 1000)
        armed = service.arm()
        return one.hear()[0] - armed
    return watching(subject, cloud, disk, measure)


def cost(subject, cloud, disk):
    def measure(one, job, _):
        def now():
            return idle.spent([pid for pid in idle.processes(one.process.pid) if pid != job])
        before = now()
        time.sleep(SECONDS)
        after = now()
        return [later - earlier for earlier, later in zip(before, after)]
    return watching(subject, cloud, disk, measure)


def measure(ours, count, disk):
    for subject in ours:
        bench.table("From the moment at which the service says that the machine is taken away to the request at the "
                    f"job ({subject.label})", "ms", 1e6,
                    {f"{cloud}, asked every {every / 1000:g} s" if every else f"{cloud}, which tells by itself":
                     [latency(subject, cloud, disk) for _ in range(count)] for cloud, every in CLOUDS.items()})
        print(f"\nThe supervisor and its `curl` while nothing happens, over {SECONDS} s ({subject.label}):\n\n"
              "| | wake-ups | processor time, ms | share of a core |\n| --- | ---: | ---: | ---: |")
        for cloud in CLOUDS:
            switches, spent_ns = cost(subject, cloud, disk)
            print(f"| {cloud} | {switches} | {spent_ns / 1e6:.1f} | {spent_ns / SECONDS / 1e7:.3f} % |", flush=True)
