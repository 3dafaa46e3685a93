"""The client against a supervisor that does what no real one does on demand."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

from support import (
    PATIENCE_S,
    FakeSupervisor,
    Job,
    SuperviseError,
    SupervisorLost,
    TemporaryDirectoryTest,
    refused_in_child,
)


class ProtocolTest(TemporaryDirectoryTest):
    def supervise(self, **options):
        """A job of this process, greeted by a fake supervisor."""
        self.fake = self.fake_supervisor(**options)
        job = Job()
        self.addCleanup(self.hang_up, job)
        self.hello = self.fake.expect("hello")
        return job

    def fake_supervisor(self, **options):
        fake = FakeSupervisor(self.directory, **options)
        self.addCleanup(fake.close)
        os.environ.update(fake.environment())
        return fake

    def hang_up(self, job):
        self.fake.hang_up()
        job.close()

    def until(self, job, condition):
        """Waits, without polling, until the reader thread has made `condition` true."""
        changed = job._side._changed
        with changed:
            self.assertTrue(changed.wait_for(condition, PATIENCE_S))

    def until_due(self, job):
        self.until(job, lambda: job.checkpoint_due)

    def beside(self, work):
        """Runs `work` on a thread of its own; the call that is returned waits for its result."""
        results = []

        def run():
            try:
                results.append(work())
            except Exception as error:
                results.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def result():
            thread.join(PATIENCE_S)
            self.assertFalse(thread.is_alive())
            return results[0]

        return result


class Greeting(ProtocolTest):
    def test_hello_says_who_we_are_and_what_we_can_do(self):
        job = self.supervise()
        hello = dict(self.hello)
        self.assertIsInstance(hello.pop("seq"), int)
        self.assertEqual(hello.pop("client").split("/")[0], "supervise_job.py")
        token = os.environ["SUPERVISE_TOKEN"]
        expected = {"type": "hello", "protocol": 1, "token": token, "accepts": ["checkpoint"]}
        self.assertEqual(hello, expected)
        self.assertEqual((job.supervised, job.attempt, job.resume), (True, 3, None))
        self.assertFalse(job.checkpoint_due or job.stopping)
        self.assertEqual(job.load(default=7), 7)

    def test_why_the_attempt_before_this_one_failed(self):
        failure = {"attempt": 2, "kind": "oom", "exit_code": None, "signal": "SIGKILL"}
        failure.update(lost_s=1.5)
        job = self.supervise(last_failure=dict(failure, something_later=1))
        self.assertEqual(job.last_failure._asdict(), failure)

    def test_an_older_supervisor_does_not_say_why(self):
        self.assertIsNone(self.supervise().last_failure)

    def test_the_checkpoint_to_resume_from(self):
        resume = {"id": "000004-step-4", "path": str(self.directory), "step": 4}
        resume.update(metrics={"loss": 0.5}, metadata={})
        job = self.supervise(resume=dict(resume, something_later=1))
        self.assertEqual(job.resume._asdict(), resume)
        with self.assertRaisesRegex(SuperviseError, "was not made with save"):
            job.load(default="never this")
        job_state = self.python("import pickle; pickle.dump([1], open('state.pkl', 'wb'))")
        self.assertEqual(job_state.returncode, 0, job_state.stderr)
        self.assertEqual(job.load(), [1])

    def test_every_is_the_supervisors_business(self):
        self.fake = self.fake_supervisor()
        with Job(every=0) as job:
            self.assertFalse(job.checkpoint_due)

    def test_a_stale_token_is_an_error_that_says_so(self):
        fake = self.fake_supervisor(silent=["hello"])
        greeting = self.beside(Job)
        hello = fake.expect("hello")
        fake.reply(hello, "error", code="stale_token", message="left over from attempt 2")
        fake.hang_up()
        error = greeting()
        self.assertIsInstance(error, SuperviseError)
        self.assertEqual(error.code, "stale_token")
        self.assertEqual(str(error), "stale_token: left over from attempt 2")

    def test_nobody_at_the_socket_is_a_lost_supervisor(self):
        os.environ["SUPERVISE_SOCKET"] = str(self.directory / "nobody")
        with self.assertRaisesRegex(SupervisorLost, "run the same supervise command again"):
            Job()

    def test_a_supervisor_that_hangs_up_instead_of_greeting(self):
        fake = self.fake_supervisor(silent=["hello"])
        greeting = self.beside(Job)
        fake.expect("hello")
        fake.hang_up()
        self.assertIsInstance(greeting(), SupervisorLost)

    def test_a_default_timeout_for_sockets_is_not_ours(self):
        with mock.patch("socket.getdefaulttimeout", return_value=0.001):
            job = self.supervise()
        self.assertIsNone(job._side._socket.gettimeout())


class Progress(ProtocolTest):
    def test_what_is_said(self):
        job = self.supervise()
        job.progress(3, 40, unit="epochs", message="warm", loss=0.5, metrics={"accuracy": 1})
        expected = {"type": "progress", "step": 3, "total": 40, "unit": "epochs", "message": "warm"}
        metrics = {"accuracy": 1, "loss": 0.5}
        self.assertEqual(self.fake.expect("progress"), dict(expected, metrics=metrics))

    def test_the_first_step(self):
        job = self.supervise()
        job.progress(2027, 2060, first=2025)
        expected = {"type": "progress", "step": 2027, "first": 2025, "total": 2060}
        self.assertEqual(self.fake.expect("progress"), expected)

    def test_what_is_no_finite_number_is_null(self):
        job = self.supervise()
        odd = {"a": float("nan"), "b": float("-inf"), "c": "text", "d": None, "e": [1], "f": True}
        job.progress(1, **odd)
        found = self.fake.expect("progress")["metrics"]
        self.assertEqual(found, dict(dict.fromkeys(odd), f=1))

    def test_many_at_once_become_few_and_the_newest_arrives_by_itself(self):
        job = self.supervise()
        for step in range(10000):
            job.progress(step, total=10000, **{"metric%d" % (step % 2): step})
        messages = []
        while not messages or messages[-1]["step"] != 9999:
            messages.append(self.fake.expect("progress"))
        self.assertLess(len(messages), 200)
        self.assertEqual(messages[-1]["metrics"], {"metric0": 9998, "metric1": 9999})
        steps = [each["step"] for each in messages]
        self.assertEqual(steps, sorted(set(steps)))

    def test_progress_that_waits_goes_before_what_comes_after_it(self):
        job = self.supervise()
        job.progress(1)
        job.progress(2)
        job.save("state", step=2)
        kinds = [self.fake.expect(kind) for kind in ("progress", "progress", "begin", "commit")]
        self.assertEqual(kinds[1]["step"], 2)

    def test_progress_that_waits_is_sent_at_close(self):
        job = self.supervise()
        job.progress(1)
        job.progress(2)
        job.close()
        self.assertEqual([self.fake.expect("progress")["step"] for _ in range(2)], [1, 2])
        self.fake.expect("end of file")
        job.progress(3)

    def test_heartbeat(self):
        self.supervise().heartbeat()
        self.assertEqual(self.fake.expect("heartbeat"), {"type": "heartbeat"})


class Saving(ProtocolTest):
    def test_a_request_is_answered_and_save_does_not_wait(self):
        job = self.supervise()
        self.fake.request(7)
        self.until_due(job)
        self.assertTrue(job.save({"w": 1}, step=5, metrics={"loss": 1}, metadata={"k": "v"}))
        self.assertFalse(job.checkpoint_due)
        begin, commit = self.fake.expect("begin"), self.fake.expect("commit")
        self.assertEqual((begin["step"], begin["request"]), (5, 7))
        self.assertTrue((self.directory / "staging-1" / "state.pkl").is_file())
        seq = commit.pop("seq")
        self.assertGreaterEqual(commit.pop("blocked_s"), 0)
        expected = {"type": "commit", "id": "000001", "request": 7, "metrics": {"loss": 1}}
        self.assertEqual(commit, dict(expected, metadata={"k": "v"}))
        self.fake.send({"type": "committed", "seq": seq, "id": "000001"})
        self.assertFalse(job.stopping)

    def test_the_time_that_holds_the_job_up_is_said(self):
        job = self.supervise(silent=["begin"])
        start = time.monotonic()
        saving = self.beside(lambda: job.save(1))
        self.fake.begin(self.fake.expect("begin"))
        commit = self.fake.expect("commit")
        self.assertGreaterEqual(commit["blocked_s"], 0)
        self.assertLessEqual(commit["blocked_s"], time.monotonic() - start)
        self.assertTrue(saving())
        # The next one is held up by the disk.
        second = self.beside(lambda: job.save(2))
        job.heartbeat()
        self.fake.expect("heartbeat")
        held = time.monotonic()
        while time.monotonic() - held < 0.05:
            pass
        self.fake.reply(commit, "committed", id="000001")
        self.fake.begin(self.fake.expect("begin"))
        commit = self.fake.expect("commit")
        self.assertGreater(commit["blocked_s"], 0.04)
        self.assertTrue(second())
        self.fake.reply(commit, "committed", id="000002")

    def test_the_next_save_waits_for_the_last_one(self):
        job = self.supervise()
        job.save(1)
        self.fake.expect("begin")
        commit = self.fake.expect("commit")
        second = self.beside(lambda: job.save(2))
        job.heartbeat()
        self.fake.expect("heartbeat")
        self.fake.reply(commit, "committed", id="000001")
        self.fake.expect("begin")
        self.assertTrue(second())

    def test_a_final_request_is_waited_for_and_then_we_stop(self):
        job = self.supervise()
        self.fake.request(8, final=True)
        self.until_due(job)
        self.assertFalse(job.stopping)
        saving = self.beside(lambda: (job.save(1, step=9), job.stopping))
        self.fake.expect("begin")
        self.fake.reply(self.fake.expect("commit"), "committed", id="000001")
        self.assertEqual(saving(), (True, True))

    def test_a_final_request_between_begin_and_commit_is_answered(self):
        job = self.supervise()
        self.fake.request(1)
        self.until_due(job)

        def save():
            with job.checkpoint(step=1):
                self.fake.request(2, final=True)
                self.until(job, lambda: job._side._request["final"])
            return job.stopping

        saving = self.beside(save)
        self.assertEqual(self.fake.expect("begin")["request"], 1)
        commit = self.fake.expect("commit")
        self.assertEqual(commit["request"], 2)
        self.fake.reply(commit, "committed", id="000001")
        self.assertTrue(saving())
        self.assertFalse(job.checkpoint_due)

    def test_a_request_that_becomes_final_while_it_is_answered_is_not_answered_twice(self):
        job = self.supervise()
        self.fake.request(1)
        self.until_due(job)
        job.save(1)
        self.fake.expect("begin")
        commit = self.fake.expect("commit")
        self.fake.request(1, final=True)
        self.until(job, lambda: job._side._commit.final)
        self.assertFalse(job.checkpoint_due)
        self.assertFalse(job.stopping)
        self.fake.reply(commit, "committed", id="000001")
        self.until(job, lambda: job.stopping)
        self.assertFalse(job.checkpoint_due)

    def test_a_request_that_is_made_again_before_it_is_answered_is_answered_once(self):
        job = self.supervise()
        self.fake.request(1, final=True)
        self.until_due(job)
        self.fake.request(1, final=True)
        saving = self.beside(lambda: job.save(1))
        self.assertEqual(self.fake.expect("begin")["request"], 1)
        self.fake.reply(self.fake.expect("commit"), "committed", id="000001")
        self.assertTrue(saving())
        self.assertTrue(job.stopping)
        self.assertFalse(job.checkpoint_due)

    def test_a_request_after_commit_is_due(self):
        job = self.supervise()
        job.save(1)
        self.fake.request(3, final=True)
        self.until_due(job)
        # One that is not final does not replace it.
        self.fake.send({"type": "checkpoint_request", "request": 4}, {"type": "stop"})
        self.until(job, lambda: job.stopping)
        self.assertEqual(job._side._request["request"], 3)

    def test_wait_blocks_until_it_is_durable(self):
        job = self.supervise()
        saving = self.beside(lambda: job.save(1, wait=True))
        self.fake.expect("begin")
        commit = self.fake.expect("commit")
        # Another's `committed`, and one that nobody asked for, are not ours.
        self.fake.send({"type": "committed", "id": "x"}, {"type": "committed", "seq": 999})
        self.fake.reply(commit, "committed", id="000001")
        self.assertIs(saving(), True)

    def test_a_state_that_cannot_be_pickled_is_aborted_and_raises(self):
        job = self.supervise()
        self.fake.request(7)
        self.until_due(job)
        with self.assertRaises(Exception):
            job.save(lambda: None)
        self.fake.expect("begin")
        aborted = self.fake.expect("abort")
        self.assertEqual((aborted["id"], aborted.get("code")), ("000001", None))
        failed = self.fake.expect("failed")
        self.assertEqual(failed["request"], 7)
        self.assertIn("lambda", failed["error"])
        self.assertFalse(job.checkpoint_due)

    def test_a_full_disk_while_writing_does_not_end_the_job(self):
        class Full:
            def __reduce__(self):
                raise OSError(28, "No space left on device")

        job = self.supervise()
        with self.said() as lines:
            self.assertFalse(job.save(Full()))
        self.fake.expect("begin")
        self.assertEqual(self.fake.expect("abort")["code"], "no_space")
        self.assertEqual(job.last_error.errno, 28)
        self.assertEqual(len(lines), 1)
        with self.assertRaises(OSError):
            job.save(Full(), wait=True)
        self.assertTrue(job.save("small again"))
        self.assertIsNone(job.last_error)

    def test_a_block_that_raises_is_aborted(self):
        job = self.supervise()
        with self.assertRaises(KeyboardInterrupt), job.checkpoint():
            raise KeyboardInterrupt
        self.fake.expect("begin")
        self.fake.expect("abort")

    def test_too_much_metadata_is_refused_before_anything_is_sent(self):
        job = self.supervise()
        with self.assertRaisesRegex(ValueError, "too much"):
            job.save(1, metadata={"text": "x" * (1 << 20)})
        job.heartbeat()
        self.fake.expect("heartbeat")

    def test_names_that_are_no_text_are_sent_as_such_as_can_be_read(self):
        job = self.supervise()
        job.progress(message="caf\udce9 \ud83d")
        self.assertEqual(self.fake.expect("progress")["message"], "caf? ?")

    def test_add_waits_until_the_copy_is_durable(self):
        job = self.supervise()
        self.fake.request(2)
        self.until_due(job)
        adding = self.beside(lambda: job.add(Path("model"), step=1, metrics={"loss": 2}))
        add = self.fake.expect("add")
        expected = {"type": "add", "path": os.path.abspath("model"), "mode": "copy", "step": 1}
        expected.update(request=2, metrics={"loss": 2}, seq=add["seq"])
        self.assertGreaterEqual(add.pop("blocked_s"), 0)
        self.assertEqual(add, expected)
        self.fake.reply(add, "committed", id="000001")
        self.assertIs(adding(), True)
        self.assertFalse(job.checkpoint_due)

    def test_add_says_what_becomes_of_the_original(self):
        job = self.supervise()
        for mode in "copy", "move", "own", "reference":
            adding = self.beside(lambda mode=mode: job.add("model", mode=mode))
            add = self.fake.expect("add")
            self.assertEqual(add["mode"], mode)
            self.fake.reply(add, "committed", id="000001")
            self.assertIs(adding(), True)
        with self.assertRaisesRegex(ValueError, "copy, move, own, reference"):
            job.add("model", mode="steal")

    def test_failed_answers_the_request(self):
        job = self.supervise()
        job.failed("nothing is open")
        self.fake.request(5)
        self.until_due(job)
        job.failed(KeyError("weights"))
        failed = {"type": "failed", "request": 5, "error": "KeyError: 'weights'"}
        self.assertEqual(self.fake.expect("failed"), failed)
        self.assertFalse(job.checkpoint_due)

    def test_giving_up_is_said_with_the_reason(self):
        job = self.supervise()
        job.give_up(ValueError("no data"))
        said = {"type": "give_up", "error": "ValueError: no data"}
        self.assertEqual(self.fake.expect("give_up"), said)

    def test_the_outcome_of_the_last_save_is_waited_for_at_exit(self):
        fake = self.fake_supervisor()
        source = "from supervise_job import Job; job = Job(); job.save(1); job.progress(1)"
        child = subprocess.Popen(
            [sys.executable, "-c", source], stderr=subprocess.PIPE, universal_newlines=True
        )
        for kind in ("hello", "begin"):
            fake.expect(kind)
        commit = fake.expect("commit")
        fake.expect("progress")
        fake.reply(commit, "error", code="no_space", message="the disk is full")
        fake.expect("end of file")
        errors = child.communicate(timeout=PATIENCE_S)[1]
        self.assertEqual(child.returncode, 0)
        self.assertIn("supervise_job: no checkpoint: no_space: the disk is full", errors)


class Errors(ProtocolTest):
    def refuse(self, job, kind, code, call):
        """Calls, and answers the message of that kind with an error."""
        calling = self.beside(call)
        if kind != "begin" and kind != "add":
            self.fake.expect("begin")
        self.fake.reply(self.fake.expect(kind), "error", code=code, message="sorry")
        return calling()

    def test_a_begin_that_is_refused_does_not_end_the_job(self):
        job = self.supervise(silent=["begin"])
        for code in ("no_space", "io", "stopping"):
            self.fake.request(1)
            self.until_due(job)
            with self.said() as lines:
                self.assertIs(self.refuse(job, "begin", code, lambda: job.save(1)), False)
            self.assertEqual(len(lines), 1)
            self.assertEqual(job.last_error.code, code)
            self.assertFalse(job.checkpoint_due)
        # It was the supervisor's doing, so it is not told.
        job.heartbeat()
        self.fake.expect("heartbeat")

    def test_a_request_that_a_refused_begin_did_not_name_is_still_due(self):
        job = self.supervise(silent=["begin"])
        with self.said():
            saving = self.beside(lambda: job.save(1))
            begin = self.fake.expect("begin")
            self.fake.request(1)
            self.until_due(job)
            self.fake.reply(begin, "error", code="no_space", message="sorry")
            self.assertIs(saving(), False)
        self.assertTrue(job.checkpoint_due)

    def test_after_a_conflict_it_is_due_again_but_not_at_once(self):
        job = self.supervise(silent=["begin"])
        self.fake.request(1)
        self.until_due(job)
        with self.said(), mock.patch("supervise_job.CONFLICT_PAUSE_S", 3600):
            self.refuse(job, "begin", "conflict", lambda: job.save(1))
            self.assertFalse(job.checkpoint_due)
        with self.said(), mock.patch("supervise_job.CONFLICT_PAUSE_S", 0):
            self.refuse(job, "add", "conflict", lambda: job.add("file"))
            self.assertTrue(job.checkpoint_due)
        self.assertEqual(job._side._request["request"], 1)

    def test_with_wait_or_a_block_a_refusal_raises(self):
        job = self.supervise(silent=["begin"])

        def block():
            with job.checkpoint():
                self.fail("there is nowhere to write to")

        for call in (block, lambda: job.save(1, wait=True)):
            error = self.refuse(job, "begin", "no_space", call)
            self.assertIsInstance(error, SuperviseError)
            self.assertEqual(error.code, "no_space")

    def test_a_commit_that_fails_is_a_line_or_raises_with_wait(self):
        job = self.supervise()
        with self.said() as lines:
            self.assertIs(self.refuse(job, "commit", "io", lambda: job.save(1)), True)
            self.until(job, lambda: job.last_error)
            self.assertEqual(lines, ["no checkpoint: io: sorry. The job goes on"])
            error = self.refuse(job, "commit", "io", lambda: job.save(1, wait=True))
            self.assertEqual(error.code, "io")
            self.assertEqual(len(lines), 1)

    def test_a_final_commit_that_fails_is_false(self):
        job = self.supervise()
        self.fake.request(1, final=True)
        self.until_due(job)
        with self.said():
            self.assertIs(self.refuse(job, "commit", "no_space", lambda: job.save(1)), False)
        self.assertFalse(job.stopping)
        self.fake.send({"type": "stop", "deadline_s": 10})
        self.until(job, lambda: job.stopping)

    def test_an_add_that_is_refused(self):
        job = self.supervise()
        with self.said() as lines:
            self.assertIs(self.refuse(job, "add", "bad_path", lambda: job.add("gone")), False)
        self.assertEqual(len(lines), 1)
        error = self.refuse(job, "add", "bad_path", lambda: job.add("gone", wait=True))
        self.assertEqual(error.code, "bad_path")

    def test_answers_that_come_late_or_twice_do_no_harm(self):
        job = self.supervise(silent=["begin"])
        saving = self.beside(lambda: job.save(1))
        begin = self.fake.expect("begin")
        # The job asks for another thing meanwhile, and that comes first.
        self.fake.request(3)
        self.until_due(job)
        self.fake.begin(begin)
        self.fake.reply(begin, "began", id="another", path="/nonexistent")
        self.assertIs(saving(), True)
        commit = self.fake.expect("commit")
        self.assertEqual((commit["id"], commit["request"]), ("000001", 3))
        self.fake.reply(commit, "committed", id="000001")
        self.fake.reply(commit, "error", code="io", message="after all not")
        self.fake.request(4)
        self.until_due(job)
        self.assertIsNone(job.last_error)

    def test_garbage_is_passed_over(self):
        job = self.supervise()
        with self.said() as lines:
            garbage = [b"nonsense", b"[1]", b"7", b"{}", b'{"type":', b"\xff\xfe", b"", b"[" * 5000]
            garbage += [b'{"type":"checkpoint_request"}', b'{"type":"committed","seq":[1]}']
            garbage += [b'{"type":"something new","value":NaN}', b'{"type":7,"seq":{}}']
            self.fake.send_raw(b"\n".join(garbage) + b"\n")
            self.fake.request(1)
            self.until_due(job)
        self.assertEqual(len(lines), 1)

    def test_messages_in_pieces_and_long_ones(self):
        job = self.supervise()
        line = json.dumps({"type": "checkpoint_request", "request": 1, "new": "x" * (1 << 20)})
        for at in range(0, len(line), 50000):
            self.fake.send_raw(line[at : at + 50000].encode())
        self.fake.send_raw(b"\n")
        self.until_due(job)


class Losing(ProtocolTest):
    def test_every_call_says_that_the_supervisor_is_gone(self):
        job = self.supervise()
        self.fake.hang_up()
        self.until(job, lambda: job._side._lost)
        calls = [
            lambda: job.checkpoint_due,
            lambda: job.stopping,
            lambda: job.progress(1),
            job.heartbeat,
            lambda: job.save(1),
            lambda: job.add("file"),
        ]
        for call in calls:
            with self.assertRaisesRegex(SupervisorLost, "run the same supervise command again"):
                call()
        job.close()

    def test_nobody_waits_for_one_that_is_gone(self):
        for silent, kind in ((["begin"], "begin"), ([], "commit")):
            job = self.supervise(silent=silent)
            saving = self.beside(lambda: job.save(1, wait=True))
            while self.fake.messages.get(timeout=PATIENCE_S)["type"] != kind:
                pass
            self.fake.hang_up()
            self.assertIsInstance(saving(), SupervisorLost)
            Path(self.fake.path).unlink()

    def test_its_last_words_are_in_the_message(self):
        job = self.supervise()
        with self.said() as lines:
            self.fake.send({"type": "error", "code": "too_long", "message": "2 MB in one line"})
            self.fake.send({"type": "error", "code": "bad_message", "message": "and so on"})
            self.fake.hang_up()
            self.until(job, lambda: job._side._lost)
        self.assertEqual(len(lines), 2)
        with self.assertRaisesRegex(SupervisorLost, "too_long: 2 MB in one line"):
            job.progress(1)

    def test_while_stopping_it_may_be_gone_first(self):
        job = self.supervise()
        self.fake.send({"type": "stop"})
        self.until(job, lambda: job.stopping)
        self.fake.hang_up()
        self.until(job, lambda: job._side._lost)
        self.assertTrue(job.stopping)
        job.progress(1)
        job.progress(2)

    def test_a_line_without_end_is_the_end(self):
        job = self.supervise()
        sending = self.beside(lambda: self.fake.send_raw(b"x" * (5 << 20)))
        self.until(job, lambda: job._side._lost)
        self.assertIn("without end", job._side._lost)
        job.close()
        sending()

    def test_sigpipe_does_not_end_the_job(self):
        fake = self.fake_supervisor()
        source = (
            "import signal, sys, supervise_job\n"
            "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
            "job = supervise_job.Job()\n"
            "sys.stdin.readline()\n"
            "try:\n"
            "    job._side._lost = None\n"
            "    job._side._send({'type': 'heartbeat'})\n"
            "except supervise_job.SupervisorLost:\n"
            "    print('lost')\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )
        fake.expect("hello")
        fake.close()
        self.assertEqual(child.communicate("go\n", timeout=PATIENCE_S)[0], "lost\n")
        self.assertEqual(child.returncode, 0)


class Neighbours(ProtocolTest):
    def test_a_forked_child_is_inert_and_the_parent_goes_on(self):
        job = self.supervise()
        self.fake.request(1)
        self.until_due(job)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                job.progress(1)
                job.heartbeat()
                job.failed("in the child")
                inert = not (job.checkpoint_due or job.stopping)
                status = 0 if inert and refused_in_child(self, job) else 1
                job.close()
                status |= 0 if job._side._socket.fileno() == -1 else 2
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        job.heartbeat()
        self.fake.expect("heartbeat")
        self.assertTrue(job.save(1))
        self.fake.expect("begin")
        self.assertEqual(self.fake.expect("commit")["request"], 1)

    def test_a_child_that_outlives_the_job_does_not_hold_the_connection(self):
        fake = self.fake_supervisor()
        source = (
            "import os, sys\n"
            "from supervise_job import Job\n"
            "job = Job()\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    sys.stdin.readline()\n"
            "    os._exit(0)\n"
            "print(child, flush=True)\n"
            "os._exit(0)\n"
        )
        job = subprocess.Popen(
            [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        fake.expect("hello")
        child = int(job.stdout.readline())
        fake.expect("end of file")
        os.kill(child, 0)  # it is still there
        job.communicate(b"end\n", timeout=PATIENCE_S)

    def test_no_signal_handler_is_installed(self):
        numbers = sorted(signal.valid_signals())
        before = [signal.getsignal(number) for number in numbers]
        self.supervise()
        self.assertEqual([signal.getsignal(number) for number in numbers], before)

    def test_descriptors_are_closed_on_exec_and_at_close(self):
        before = set(os.listdir("/proc/self/fd"))
        job = self.supervise()
        for end in (job._side._socket, job._side._waker, job._side._woken):
            self.assertFalse(end.get_inheritable())
        job.close()
        self.fake.expect("end of file")
        self.fake.close()
        self.assertEqual(set(os.listdir("/proc/self/fd")), before)

    def test_many_threads_share_one_job(self):
        job = self.supervise()

        def serve():
            for _ in range(40):
                self.fake.expect("begin")
                self.fake.reply(self.fake.expect("commit"), "committed", id="it")

        serving = self.beside(serve)
        with mock.patch("supervise_job.PROGRESS_INTERVAL_S", 3600):
            savers = [
                self.beside(lambda: [job.save(at, wait=True) for at in range(10)]) for _ in range(4)
            ]
            self.assertEqual([saver() for saver in savers], [[True] * 10] * 4)
        self.assertIsNone(serving())


if __name__ == "__main__":
    unittest.main()
