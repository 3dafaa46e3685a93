"""The job's side of `supervise`: one file, standard library only, Python 3.8 and newer.

Copy it beside your script. A training loop that can be killed at any moment looks like this:

    from supervise_job import Job

    job = Job()
    state = job.load(default={"epoch": 0, "weights": initial()})
    for epoch in range(state["epoch"], 40):
        loss = train_one_epoch(state)
        state["epoch"] = epoch + 1
        job.progress(step=epoch + 1, total=40, unit="epochs", loss=loss)
        if job.checkpoint_due:
            job.save(state, step=epoch + 1, metrics={"loss": loss})
        if job.stopping:
            break

Started by `supervise -- python3 train.py`, the supervisor decides when a checkpoint is due, keeps
them, and starts the job again from the newest good one. Started as `python3 train.py`, the same
script runs plainly: nothing is due and nothing is saved, or, with `Job(every=SECONDS)`, it saves
to ./checkpoints at that interval, and goes on from there when it is run again.

A background thread reads the supervisor's messages and sets flags, and your code acts on them
where it looks at them. No signal handler is installed, and nothing of yours is interrupted. Any
thread may call any method. In a forked child (a data loader's worker, say) nothing is due and
nothing is sent on the parent's connection, and what would make a checkpoint raises
`SuperviseError`: the process that made the `Job` saves.

A checkpoint that cannot be made does not end your job, unless you ask for that with `wait=True`:
`save` prints one line and returns False, and `job.last_error` has the reason. When the supervisor
itself is gone, the next call raises `SupervisorLost`, for nobody would keep what comes after.
"""

import atexit
import contextlib
import errno
import hashlib
import itertools
import json
import math
import operator
import os
import pickle
import re
import select
import shutil
import socket
import sys
import tempfile
import threading
import time
import weakref
from collections import namedtuple
from datetime import datetime, timezone
from pathlib import Path

__all__ = ["Checkpoint", "Job", "LastFailure", "SuperviseError", "SupervisorLost"]
__version__ = "1.0"

STATE_FILE = "state.pkl"
MODES = ("copy", "move", "own", "reference")
MESSAGE_LIMIT = 1 << 20
# The codes of errors after which the supervisor closes the connection.
LAST_WORDS = ("hello_first", "stale_token", "too_long", "unsupported_protocol")
# A loop may call `progress` far more often than anybody looks.
PROGRESS_INTERVAL_S = 0.1
# When another connection's checkpoint is in the way, one is due again after this pause.
CONFLICT_PAUSE_S = 1.0

#: What a job resumes from. `path` is the directory that was written, or the single file that was
#: added. `step` may be None; `metrics` and `metadata` are dictionaries.
Checkpoint = namedtuple("Checkpoint", "id path step metrics metadata")

#: Why the attempt before this one ended. `kind` is "oom" (the kernel ended it for lack of memory),
#: "crash", "hang", "spawn" or "machine"; `exit_code` or `signal` may be None; `lost_s` is the time
#: since its last checkpoint.
LastFailure = namedtuple("LastFailure", "attempt kind exit_code signal lost_s")


class SuperviseError(Exception):
    """A checkpoint could not be made or read. `code` is the protocol's, where it has one."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


class SupervisorLost(SuperviseError):
    """The supervisor is gone: nobody would keep what this job does from now on."""

    def __init__(self, reason):
        super().__init__(
            "the supervisor is gone (%s). Let this process end and run the same supervise "
            "command again: the job goes on from its newest checkpoint" % reason
        )


class Job:
    """This process, as a job under `supervise` or on its own.

    The arguments matter only without a supervisor: every `every` seconds a checkpoint is due, and
    the newest `keep` are kept in `directory`.
    """

    def __init__(self, every=None, directory="checkpoints", keep=3):
        path = os.environ.get("SUPERVISE_SOCKET")
        self._side = _Supervisor(path) if path else _Folder(every, directory, keep)
        self._pid = os.getpid()
        self._saving = threading.RLock()
        self._open = False
        self._closed = False
        atexit.register(self.close)

    @property
    def supervised(self):
        """Whether a supervisor started this job."""
        return isinstance(self._side, _Supervisor)

    @property
    def attempt(self):
        """1 at the first start of this run, 2 after the first restart, and so on."""
        return self._side.attempt

    @property
    def resume(self):
        """The `Checkpoint` that this job resumes from, or None at the beginning."""
        return self._side.resume

    @property
    def last_failure(self):
        """Why the attempt before this one failed: a `LastFailure`, or None where it did not."""
        return self._side.last_failure

    @property
    def last_error(self):
        """Why the newest checkpoint could not be made: an exception, or None."""
        return self._side.last_error

    @property
    def checkpoint_due(self):
        """Whether to save now. True until a checkpoint answers the request."""
        return self._active and self._side.due()

    @property
    def stopping(self):
        """Whether to end now; what is done after this is not kept."""
        return self._active and self._side.stopping()

    def load(self, default=None):
        """The state that was saved last, or `default` at the beginning.

        A checkpoint that `save` did not make is an error, never a silent start from scratch:
        read that one yourself, from `job.resume.path`.
        """
        if self.resume is None:
            return default
        path = Path(self.resume.path) / STATE_FILE
        if not path.is_file():
            raise SuperviseError(
                "checkpoint %s was not made with save(): there is no %s. Read it from "
                "job.resume.path" % (self.resume.id, path)
            )
        with open(path, "rb") as file:
            return pickle.load(file)

    def progress(
        self, step=None, total=None, unit=None, message=None, metrics=None, *, first=None, **more
    ):
        """Tells how far the job is. Other keywords are metrics: `progress(3, 40, loss=0.4)`.

        `first` is the step at the beginning, if that is not 0: `progress(2027, 2060, first=2025)`.
        Cheap enough for an inner loop: at most ten a second are sent, the newest always.
        """
        if self._active:
            report = {"step": _whole(step), "first": _whole(first), "total": _whole(total)}
            report.update(unit=_text(unit), message=_text(message), metrics=_metrics(metrics, more))
            self._side.progress({key: value for key, value in report.items() if value is not None})

    def heartbeat(self):
        """Tells that the job is alive, as `progress` does too."""
        if self._active:
            self._side.progress({})

    def save(self, state, step=None, metrics=None, metadata=None, wait=False):
        """Saves `state`, anything that can be pickled, as a checkpoint. True if that worked.

        Returns once the state is written; the supervisor makes it durable beside the job. The
        last one before a stop is waited for, and so is any with `wait=True`, which also raises
        what otherwise is a line on stderr and False. A state that cannot be pickled always
        raises. Without a supervisor and without `every`, nothing is saved. In a forked child, and
        after `close`, it raises SuperviseError.
        """
        if not self._may_save("save"):
            return False
        try:
            with self.checkpoint(step, metrics, metadata, wait) as directory:
                with open(directory / STATE_FILE, "wb") as file:
                    pickle.dump(state, file, protocol=pickle.HIGHEST_PROTOCOL)
        except SupervisorLost:
            raise
        except (SuperviseError, OSError) as error:
            if wait:
                raise
            self._side.complain(error)
        return self.last_error is None

    @contextlib.contextmanager
    def checkpoint(self, step=None, metrics=None, metadata=None, wait=False):
        """`with job.checkpoint(step=9) as directory:` makes a checkpoint of files of your own.

        `directory` is a `Path`, and empty; what the block leaves in it is the checkpoint. If the
        block raises, the checkpoint is forgotten and the exception goes on. Where none can be
        made, SuperviseError is raised before the block: catch it to go on without. What fails
        after the block is a line on stderr and `last_error`, or raised with `wait=True`. Where
        nothing is saved, the directory is a temporary one. In a forked child, and after `close`,
        SuperviseError is raised.
        """
        if not self._may_save("checkpoint"):
            with tempfile.TemporaryDirectory() as directory:
                yield Path(directory)
            return
        with self._only_one():
            since = time.monotonic()
            note = _note(metrics, metadata)
            directory = self._side.begin(_whole(step))
            try:
                yield directory
            except BaseException as error:
                self._side.abort(error)
                raise
            self._side.commit(note, wait, since)

    def add(self, path, step=None, metrics=None, metadata=None, wait=False, mode="copy"):
        """Takes a file or directory that you wrote elsewhere as a checkpoint.

        `mode` is what becomes of the original. "copy": it is yours again. "move": it is taken
        away, without a copy where it is on the same disk. "own": it stays, must not be changed
        any more, and is deleted when the checkpoint is no longer kept. "reference": it stays
        and is never deleted, and if you change or delete it, so is the checkpoint.

        Returns when all of it is durable. True if it worked; with `wait=True` a failure raises.
        In a forked child, and after `close`, it raises SuperviseError.
        """
        if mode not in MODES:
            raise ValueError("mode must be one of %s, not %r" % (", ".join(MODES), mode))
        if not self._may_save("add"):
            return False
        try:
            with self._only_one():
                since = time.monotonic()
                note = _note(metrics, metadata)
                self._side.add(os.path.abspath(os.fspath(path)), mode, _whole(step), note, since)
        except SupervisorLost:
            raise
        except (SuperviseError, OSError) as error:
            if wait:
                raise
            self._side.complain(error)
        return self.last_error is None

    def failed(self, error):
        """Tells the supervisor that the checkpoint it asked for cannot be made, and why."""
        if self._active:
            self._side.failed(error)

    def give_up(self, error):
        """Tells the supervisor that another attempt is of no use, and why: the data is broken, say.

        Then end, with a status of your own, which becomes that of the whole run:

            job.give_up("no such file: " + path)
            sys.exit(3)
        """
        if self._active:
            self._side.give_up(error)

    def close(self):
        """Waits for the outcome of the last save and hangs up; at exit it is called for you."""
        if self._active:
            self._closed = True
            atexit.unregister(self.close)
            self._side.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def _active(self):
        # A forked child has a copy of this object, and the parent's work is none of its business.
        return not self._closed and os.getpid() == self._pid

    def _may_save(self, method):
        """Whether checkpoints are kept at all; raises where this process makes none."""
        if os.getpid() != self._pid:
            raise SuperviseError(
                "%s() was called in process %d, which was forked by process %d, the one that made "
                "the Job: only that one saves. Send it what is to be saved"
                % (method, os.getpid(), self._pid)
            )
        if self._closed:
            raise SuperviseError(
                "%s() was called after close(): nothing is saved any more. Close the Job after its "
                "last checkpoint" % method
            )
        return self._side.keeps

    @contextlib.contextmanager
    def _only_one(self):
        with self._saving:
            if self._open:
                raise RuntimeError("a checkpoint is open already: leave its block first")
            self._open = True
            try:
                yield
            finally:
                self._open = False


class _Supervisor:
    """The connection to a supervisor. The reader thread and the job's threads share one lock;
    nobody waits for an answer while holding it."""

    keeps = True

    def __init__(self, path):
        self.last_error = None
        self._changed = threading.Condition()
        self._seq = itertools.count(1)
        self._answers = {}  # by seq, None until it came
        self._open = None  # id of the checkpoint that is being written
        self._commit = None  # the newest _Commit, until its outcome is known
        self._request = None  # the newest checkpoint_request that is not answered
        self._not_before = 0.0
        self._stop = False
        self._lost = None  # why the connection ended
        self._last_words = None
        self._report = None  # progress that is not sent yet
        self._reported = -PROGRESS_INTERVAL_S
        self._garbled = False
        self._socket = _connect(path)
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        _connections.add(self)
        self._reader = threading.Thread(target=self._read, name="supervise", daemon=True)
        self._reader.start()
        try:
            welcome = self._ask("welcome", _hello())
        except BaseException:
            self.close()
            raise
        self.attempt = welcome.get("attempt")
        resume = welcome.get("resume")
        self.resume = resume and _resumed(resume)
        failure = welcome.get("last_failure")
        self.last_failure = failure and LastFailure(*map(failure.get, LastFailure._fields))

    def due(self):
        self._check()
        return self._request is not None and time.monotonic() >= self._not_before

    def stopping(self):
        self._check()
        return self._stop

    def progress(self, report):
        self._check()
        with self._changed:
            if self._report is None and time.monotonic() - self._reported < PROGRESS_INTERVAL_S:
                # The reader sends it when it is time, with what is added until then.
                with contextlib.suppress(OSError):
                    self._waker.send(b"!")
            waiting = self._report or {}
            metrics = dict(waiting.get("metrics", {}), **report.get("metrics", {}))
            self._report = dict(waiting, **report)
            if metrics:
                self._report["metrics"] = metrics
            if self._wait_to_report() == 0:
                self._send()

    def begin(self, step):
        self._settle()
        self._check()
        self.last_error = None
        request = self._request
        number = request and request["request"]
        try:
            began = self._ask("began", {"type": "begin", "step": step, "request": number})
        except SuperviseError as error:
            self._refused(error, request)
            raise
        self._open = began.get("id")
        return Path(began.get("path"))

    def abort(self, error):
        """The open checkpoint came to nothing, by `error`."""
        self.last_error = error
        # Both at once: in between another request may come, which this is no answer to.
        with contextlib.suppress(SupervisorLost), self._changed:
            text = _text(_describe(error))
            self._send({"type": "abort", "id": self._open, "error": text, "code": _code(error)})
            self.failed(error)

    def commit(self, note, wait, since):
        message = dict(note, type="commit", id=self._open)
        commit = self._hand_over(message, since, raises=wait)
        if wait or commit.final:
            self._settle(commit)

    def add(self, path, mode, step, note, since):
        self._settle()
        self._check()
        self.last_error = None
        message = dict(note, type="add", path=_plain(path), mode=mode, step=step)
        commit = self._hand_over(message, since, raises=True)
        try:
            self._settle(commit)
        except SuperviseError as error:
            self._refused(error, commit.request)
            raise

    def failed(self, error):
        with self._changed:
            request, self._request = self._request, None
            if request is not None:
                text = _text(error if isinstance(error, str) else _describe(error))
                message = {"type": "failed", "request": request["request"], "error": text}
                self._send(dict(message, code=_code(error)))

    def give_up(self, error):
        with self._changed:
            text = _text(error if isinstance(error, str) else _describe(error))
            self._send({"type": "give_up", "error": text})

    def complain(self, error):
        self.last_error = error
        _say("no checkpoint: %s. The job goes on" % error)

    def close(self):
        with contextlib.suppress(SupervisorLost):
            self._send()
            self._settle()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self.hang_up()

    def hang_up(self):
        for end in (self._socket, self._waker, self._woken):
            end.close()

    def _check(self):
        # While stopping, it does not matter which of the two is gone first.
        if self._lost is not None and not self._stop:
            raise SupervisorLost(self._lost)

    def _refused(self, error, request):
        """A begin or an add that answers `request` was. With that it ended, and the supervisor
        knows; but where someone else's checkpoint is being written, it stands."""
        self.last_error = error
        with self._changed:
            if error.code == "conflict":
                self._request = self._request or request
                self._not_before = time.monotonic() + CONFLICT_PAUSE_S
            elif self._request is request:
                self._request = None

    def _hand_over(self, message, since, raises):
        """Sends a commit or an add, with how long the job was held up `since` the save began. It
        answers the newest request, even one that came after `begin`: nothing was computed since."""
        with self._changed:
            request = self._request
            commit = _Commit(next(self._seq), request, raises)
            number = request and request["request"]
            blocked = round(time.monotonic() - since, 6)
            self._send(dict(message, seq=commit.seq, request=number, blocked_s=blocked))
            self._commit, self._open, self._request = commit, None, None
            return commit

    def _settle(self, commit=None):
        """Waits for the outcome of the commit that is under way, and raises if `commit` failed."""
        with self._changed:
            while self._commit is not None and self._lost is None:
                self._changed.wait()
            if commit is not None:
                if commit.answer is None:
                    raise SupervisorLost(self._lost)
                if commit.raises and commit.answer.get("type") == "error":
                    raise _error(commit.answer)

    def _ask(self, expected, message):
        """Sends a message and waits for its answer."""
        with self._changed:
            seq = next(self._seq)
            self._answers[seq] = None
            try:
                self._send(dict(message, seq=seq))
                while self._answers[seq] is None and self._lost is None:
                    self._changed.wait()
            finally:
                answer = self._answers.pop(seq)
        if answer is None:
            raise SupervisorLost(self._lost)
        if answer.get("type") != expected:
            raise _error(answer)
        return answer

    def _send(self, message=None):
        """Sends the progress that waits, then `message`."""
        with self._changed:
            report, self._report = self._report, None
            messages = [] if message is None else [message]
            if report is not None:
                self._reported = time.monotonic()
                messages.insert(0, dict(report, type="progress" if report else "heartbeat"))
            for each in messages:
                try:
                    self._socket.sendall(_line(each), getattr(socket, "MSG_NOSIGNAL", 0))
                except OSError as error:
                    self._lost = self._lost or _describe(error)
                    self._check()

    def _wait_to_report(self):
        """Milliseconds until progress may be sent; None where there is none."""
        with self._changed:
            if self._report is None:
                return None
            left = self._reported + PROGRESS_INTERVAL_S - time.monotonic()
            return max(0, math.ceil(left * 1000))

    def _read(self):
        """The reader thread: runs until the connection ends, one way or another."""
        reason = "it closed the connection"
        try:
            for line in self._lines():
                try:
                    with self._changed:
                        self._receive(json.loads(line.decode()))
                        self._changed.notify_all()
                except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
                    if not self._garbled:
                        _say("the supervisor sent a line that makes no sense: %r" % line[:80])
                    self._garbled = True
        except (OSError, SuperviseError) as error:
            reason = _describe(error)
        finally:
            with self._changed:
                self._lost = self._last_words or self._lost or reason
                self._changed.notify_all()

    def _lines(self):
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        data = bytearray()
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(self._wait_to_report())]
            if self._woken.fileno() in ready:
                self._woken.recv(4096)
            if self._wait_to_report() == 0:
                self._send()
            if self._socket.fileno() in ready:
                received = self._socket.recv(1 << 16)
                if not received:
                    return
                data += received
                if b"\n" in received:
                    *lines, data = data.split(b"\n")
                    yield from lines
                elif len(data) > 4 * MESSAGE_LIMIT:
                    raise SuperviseError("it sent a line without end")

    def _receive(self, message):
        kind, seq = message["type"], message.get("seq")
        if kind == "checkpoint_request":
            # Nothing but another final request replaces a final one.
            final = bool(message.get("final"))
            answered = self._commit and self._commit.request
            if answered and answered["request"] == message["request"]:
                # Told again while it is being answered: it may be the last one by now.
                self._commit.final = self._commit.final or final
            elif final or self._request is None or not self._request["final"]:
                self._request = {"request": message["request"], "final": final}
                self._not_before = 0.0
        elif kind == "stop":
            self._stop = True
        elif self._commit is not None and seq == self._commit.seq:
            self._outcome(message)
        elif seq in self._answers:
            self._answers[seq] = self._answers[seq] or message
        elif kind == "error" and seq is None:
            error = _error(message)
            if error.code in LAST_WORDS:
                self._last_words = str(error)
            _say("the supervisor says: %s" % error)

    def _outcome(self, answer):
        commit, self._commit = self._commit, None
        commit.answer = answer
        if answer["type"] == "committed":
            self._stop = self._stop or commit.final
        elif answer.get("code") == "superseded":
            pass  # A newer checkpoint has taken its place, which is no failure.
        elif commit.raises:
            self.last_error = _error(answer)
        else:
            self.complain(_error(answer))


class _Commit:
    """A checkpoint in the supervisor's hands. `raises`: a thread waits for it, and tells."""

    def __init__(self, seq, request, raises):
        self.seq, self.request, self.raises = seq, request, raises
        self.final = request is not None and request["final"]
        self.answer = None


class _Folder:
    """No supervisor: checkpoints every so many seconds, in a directory of our own.

    One is `000012-step-340/`, with the payload in `data/` and sizes and SHA-256 in
    `manifest.json`. It is synced before the rename that makes it visible, so it is there whole
    or not at all.
    """

    attempt = 1
    last_failure = None

    def __init__(self, every, directory, keep):
        if keep < 1:
            raise ValueError("keep must be at least 1, not %r" % keep)
        self.keeps = every is not None
        self.last_error = None
        self._every, self._keep = every, keep
        self._root = Path(os.path.abspath(directory))
        self._draft = self._step = None
        self._begun = time.monotonic()
        self.resume = None
        if self.keeps:
            self._sweep()
            self.resume = self._newest()

    def due(self):
        return self.keeps and time.monotonic() - self._begun >= self._every

    def stopping(self):
        return False

    def progress(self, report):
        pass

    def failed(self, error):
        pass

    def give_up(self, error):
        pass

    def close(self):
        pass

    def begin(self, step):
        self.last_error = None
        self._begun = time.monotonic()
        self._step = step
        try:
            if not self._root.is_dir():
                self._root.mkdir(parents=True)
                _sync(self._root.parent)
            prefix = ".writing-%d-" % os.getpid()
            self._draft = Path(tempfile.mkdtemp(prefix=prefix, dir=str(self._root)))
            (self._draft / "data").mkdir()
        except OSError as error:
            self.last_error = error
            raise SuperviseError(_describe(error)) from error
        return self._draft / "data"

    def abort(self, error):
        self.last_error = error
        shutil.rmtree(str(self._draft), ignore_errors=True)

    def commit(self, note, wait, since):
        try:
            self._publish(note, "data")
        except OSError as error:
            self.abort(error)
            if wait:
                raise
            self.complain(error)
        self._begun = time.monotonic()

    def add(self, path, mode, step, note, since):
        path = Path(os.path.realpath(path))
        data = self.begin(step)
        try:
            if mode in ("own", "reference"):
                os.stat(str(path))
                data.rmdir()
                self._publish(note, str(path), path, mode == "own")
            elif path.is_dir():
                shutil.copytree(str(path), str(data), symlinks=True, dirs_exist_ok=True)
                self._publish(note, "data")
            else:
                shutil.copy2(str(path), str(data))
                self._publish(note, "data/" + path.name)
        except BaseException as error:
            self.abort(error)
            raise
        if mode == "move":
            _remove(path)

    def complain(self, error):
        self.last_error = error
        _say("no checkpoint: %s. The job goes on" % error)

    def _publish(self, note, payload, outside=None, owned=False):
        """`outside` is where the payload stays, if it is not in `data/`."""
        kept = self._kept()
        sequence = 1 + max(kept, default=0)
        name = "%06d" % sequence + ("" if self._step is None else "-step-%d" % self._step)
        files = []
        for file in _files(outside or self._draft / "data"):
            place = file if outside else file.relative_to(self._draft)
            entry = dict(_digest(file, sync=True), path=place.as_posix())
            # What is written anew later is not what was taken.
            files.append(dict(entry, modified=os.stat(str(file)).st_mtime_ns) if owned else entry)
        for parent, _, _ in os.walk(str(outside or self._draft / "data"), topdown=False):
            _sync(parent)
        if outside:
            _sync(outside.parent)
        created = datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"
        manifest = {"format": 1, "id": name, "step": self._step, "created": created}
        manifest.update({"metrics": None, "metadata": None}, payload=payload, files=files, **note)
        if owned:
            manifest["owned"] = payload
        with open(self._draft / "manifest.json", "w") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        _sync(self._draft)
        os.rename(str(self._draft), str(self._root / name))
        _sync(self._root)
        # Renamed first, so that none is ever visible half deleted.
        for old in sorted(kept)[: max(0, len(kept) + 1 - self._keep)]:
            doomed = self._root / (".removing-%d-%s" % (os.getpid(), kept[old].name))
            with contextlib.suppress(OSError):
                os.rename(str(kept[old]), str(doomed))
                self._remove(doomed)

    def _remove(self, doomed):
        """Removes a checkpoint that nobody sees any more, with what it owns elsewhere."""
        with contextlib.suppress(KeyError, OSError, TypeError, ValueError):
            with open(doomed / "manifest.json") as file:
                manifest = json.load(file)
            if manifest.get("owned") and not self._is_claimed(manifest["owned"]):
                for entry in manifest["files"]:
                    now = os.lstat(entry["path"])
                    if (now.st_size, now.st_mtime_ns) == (entry["bytes"], entry["modified"]):
                        os.unlink(entry["path"])
                for parent, _, _ in os.walk(manifest["owned"], topdown=False):
                    os.rmdir(parent)
        shutil.rmtree(str(doomed), ignore_errors=True)

    def _is_claimed(self, path):
        for other in self._kept().values():
            with contextlib.suppress(KeyError, OSError, TypeError, ValueError):
                with open(other / "manifest.json") as file:
                    if json.load(file)["payload"] == path:
                        return True
        return False

    def _kept(self):
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for path in self._root.iterdir():
                match = re.fullmatch(r"(\d{6,})(-step--?\d+)?", path.name)
                if match:
                    found[int(match.group(1))] = path
        return found

    def _newest(self):
        kept = self._kept()
        for sequence in sorted(kept, reverse=True):
            try:
                return self._verified(kept[sequence])
            except (KeyError, OSError, TypeError, ValueError) as error:
                _say("%s is torn: %s. Trying the one before it" % (kept[sequence], error))
        if kept:
            raise SuperviseError(
                "no checkpoint in %s is whole; to start from scratch, move that directory away"
                % self._root
            )
        return None

    def _verified(self, path):
        with open(path / "manifest.json") as file:
            manifest = json.load(file)
        for entry in manifest["files"]:
            digest = _digest(path / entry["path"])
            if digest != {"bytes": entry["bytes"], "sha256": entry["sha256"]}:
                raise ValueError("%s is not what was written" % entry["path"])
        payload = path / manifest["payload"]
        return _resumed(dict(manifest, path=str(payload)))

    def _sweep(self):
        """Removes what processes that are no more left half done."""
        for path in self._root.glob(".*-*-*"):
            match = re.match(r"\.(writing|removing)-(\d+)-", path.name)
            try:
                if match:
                    os.kill(int(match.group(2)), 0)
            except ProcessLookupError:
                if match.group(1) == "removing":
                    self._remove(path)
                shutil.rmtree(str(path), ignore_errors=True)
            except OSError:
                pass


_connections = weakref.WeakSet()


def _hang_up_in_child():
    for connection in list(_connections):
        connection.hang_up()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hang_up_in_child)


def _connect(path):
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(None)
    try:
        link.connect(path)
    except OSError as error:
        link.close()
        raise SupervisorLost("%s: %s" % (path, _describe(error))) from error
    return link


def _hello():
    return {
        "type": "hello",
        "protocol": 1,
        "token": os.environ.get("SUPERVISE_TOKEN"),
        "client": "supervise_job.py/" + __version__,
        "accepts": ["checkpoint"],
    }


def _line(message):
    message = {key: value for key, value in message.items() if value is not None}
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _error(answer):
    text = answer.get("message") or "unexpected answer %s" % answer.get("type")
    code = answer.get("code")
    return SuperviseError("%s: %s" % (code, text) if code else text, code)


def _resumed(said):
    metrics = said.get("metrics") or {}
    metrics = {name: value for name, value in metrics.items() if value is not None}
    metadata = said.get("metadata") or {}
    return Checkpoint(said["id"], said["path"], said.get("step"), metrics, metadata)


def _note(metrics, metadata):
    """What is said of a checkpoint."""
    note = {}
    if metrics is not None:
        note["metrics"] = _metrics(metrics)
    if metadata is not None:
        note["metadata"] = _plain(dict(metadata))
    if len(_line(note)) > MESSAGE_LIMIT // 2:
        raise ValueError("metrics and metadata are too much; write them into a file of their own")
    return note


def _metrics(*metrics):
    """Numbers by name; None for what is no finite number."""
    found = {str(name): _number(value) for each in metrics for name, value in (each or {}).items()}
    return found or None


def _number(value):
    try:
        if isinstance(value, (str, bytes)):
            return None
        if isinstance(value, int) and abs(value) < 1 << 53:
            return int(value)
        value = float(value)  # numpy and torch scalars too
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _plain(value):
    """`value` as JSON can say it: null for NaN, lists for arrays, text for anything else."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_plain(str(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return _plain(str(value))


def _text(value):
    return None if value is None else _plain(str(value)[:2000])


def _whole(step):
    try:
        return None if step is None else operator.index(step)
    except TypeError:
        return int(step)


def _files(top):
    """Every file in a directory, or the file."""
    if top.is_file():
        return [top]
    found = (Path(parent) / name for parent, _, names in os.walk(str(top)) for name in names)
    return sorted(file for file in found if not file.is_symlink())


def _remove(path):
    if path.is_dir():
        shutil.rmtree(str(path))
    else:
        path.unlink()


def _digest(path, sync=False):
    sha256, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha256.update(block)
            size += len(block)
        if sync:
            os.fsync(file.fileno())
    return {"bytes": size, "sha256": sha256.hexdigest()}


def _sync(directory):
    descriptor = os.open(str(directory), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _describe(error):
    if isinstance(error, (OSError, SuperviseError)):
        return str(error)
    return ("%s: %s" % (type(error).__name__, error)).rstrip(": ")


def _code(error):
    """What the supervisor may do something about: it makes room on a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return "no_space"
        error = getattr(error, "__cause__", None) or getattr(error, "__context__", None)
    return None


def _say(text):
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print("supervise_job: " + text, file=sys.stderr, flush=True)
