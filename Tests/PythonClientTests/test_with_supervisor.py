"""The client and the digits example under the real `supervise`.

The binary is `$SUPERVISE_BINARY`, or `.build/debug/supervise`, which `swift build` makes.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from support import PATIENCE_S, ROOT, TRAIN, TemporaryDirectoryTest, environment

BINARY = Path(os.environ.get("SUPERVISE_BINARY") or ROOT / ".build" / "debug" / "supervise")
OPTIONS = ["--checkpoint-every", "200ms", "--backoff", "0ms..0ms", "--max-failures", "50"]
# The example, after a line that says by which process it is run.
TRAINING = (
    "import os, runpy, sys\n"
    "print('pid', os.getpid(), flush=True)\n"
    "sys.argv[:] = [%r, '--epochs', '3', '--out', 'weights.json']\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n" % str(TRAIN)
)


class WithSupervisor(TemporaryDirectoryTest):
    def setUp(self):
        super().setUp()
        if not BINARY.is_file():
            self.fail(
                "there is no %s: run `swift build` first, or name another in SUPERVISE_BINARY"
                % BINARY
            )

    def supervise(self, *command, options=OPTIONS):
        arguments = [str(BINARY), "--state-dir", "state", "--name", "it", *options, "--", *command]
        with open(str(self.directory / "stderr"), "a") as stderr:
            supervisor = subprocess.Popen(
                arguments,
                cwd=str(self.directory),
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=stderr,
                universal_newlines=True,
            )
        # It ends, and is waited for, however the test goes.
        patience = threading.Timer(2 * PATIENCE_S, supervisor.kill)
        patience.start()
        for step in (supervisor.stdout.close, supervisor.wait, supervisor.kill, patience.cancel):
            self.addCleanup(step)
        return supervisor

    def train(self):
        return self.supervise(sys.executable, "-c", TRAINING)

    def job(self, source):
        """Runs a job of a few lines to its end. It may be started again, so it counts attempts."""
        (self.directory / "job.py").write_text("from supervise_job import *\n" + source)
        supervisor = self.supervise(sys.executable, "job.py", options=OPTIONS[2:])
        output = supervisor.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(supervisor.returncode, 0, self.stderr())
        return output

    def stderr(self):
        return (self.directory / "stderr").read_text()

    def read_until(self, supervisor, start):
        for line in supervisor.stdout:
            if line.startswith(start):
                return line
        self.fail("it ended before %r; on stderr: %s" % (start, self.stderr()))

    def assert_weights(self):
        """The weights are those of a run that nobody supervised and nothing disturbed."""
        found = (self.directory / "weights.json").read_bytes()
        (self.directory / "weights.json").unlink()
        alone = self.python(TRAINING)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertEqual((self.directory / "weights.json").read_bytes(), found, self.stderr())

    def test_nothing_happens_and_the_weights_are_the_same(self):
        supervisor = self.train()
        output = supervisor.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(supervisor.returncode, 0, self.stderr())
        self.assertEqual(output.count("pid"), 1)
        self.assertIn("weights  sha256", output)
        self.assert_weights()

    def test_the_job_is_killed_at_random_moments_and_the_weights_are_the_same(self):
        seed = random.randrange(1 << 32)
        chance, attempts = random.Random(seed), 0
        supervisor = self.train()
        timer = threading.Timer(0, lambda: None)
        with self.subTest(seed=seed):
            for line in supervisor.stdout:
                if line.startswith("pid"):
                    timer.cancel()
                    attempts += 1
                    if attempts <= 8:
                        kill = (int(line.split()[1]), signal.SIGKILL)
                        timer = threading.Timer(chance.uniform(0, 1.2), os.kill, kill)
                        timer.start()
            timer.cancel()
            timer.join()
            self.assertEqual(supervisor.wait(PATIENCE_S), 0, self.stderr())
            self.assertGreater(attempts, 2)
            self.assert_weights()

    def test_it_is_stopped_and_started_again_and_the_weights_are_the_same(self):
        for number, epoch in ((signal.SIGINT, 1), (signal.SIGTERM, 2)):
            supervisor = self.train()
            self.read_until(supervisor, "epoch %d" % epoch)
            supervisor.send_signal(number)
            rest = supervisor.communicate(timeout=PATIENCE_S)[0]
            self.assertEqual(supervisor.returncode, -number, self.stderr())
            self.assertNotIn("weights", rest)
        supervisor = self.train()
        output = supervisor.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(supervisor.returncode, 0, self.stderr())
        self.assertNotIn("epoch 2", output)
        self.assert_weights()

    def test_the_supervisor_is_killed_and_the_weights_are_the_same(self):
        supervisor = self.train()
        self.read_until(supervisor, "epoch 2")
        supervisor.kill()
        supervisor.communicate(timeout=PATIENCE_S)
        supervisor = self.train()
        output = supervisor.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(supervisor.returncode, 0, self.stderr())
        self.assertNotIn("epoch 1", output)
        self.assert_weights()

    def test_what_was_saved_comes_back_after_a_crash(self):
        self.job(
            "import os\n"
            "job = Job()\n"
            "if job.attempt == 1:\n"
            "    assert job.resume is None and job.load('nothing') == 'nothing'\n"
            "    metrics = {'loss': 0.5, 'bad': float('nan')}\n"
            "    assert job.save([1, 2], step=7, metrics=metrics, metadata={'k': 'v'}, wait=True)\n"
            "    os.kill(os.getpid(), 9)\n"
            "assert job.load('nothing') == [1, 2]\n"
            "assert job.resume.id == '000001-step-7' and job.resume.step == 7, job.resume\n"
            "assert job.resume.metrics == {'loss': 0.5}, job.resume\n"
            "assert job.resume.metadata == {'k': 'v'}, job.resume\n"
            "assert job.attempt == 2\n"
        )

    def test_files_of_ones_own_and_added_ones_come_back(self):
        self.job(
            "import os, pathlib\n"
            "job = Job()\n"
            "if job.attempt == 1:\n"
            "    with job.checkpoint(step=1, wait=True) as directory:\n"
            "        assert list(directory.iterdir()) == []\n"
            "        (directory / 'deep').mkdir()\n"
            "        (directory / 'deep' / 'file').write_text('one')\n"
            "    os.kill(os.getpid(), 9)\n"
            "here = pathlib.Path(job.resume.path)\n"
            "if job.attempt == 2:\n"
            "    assert (here / 'deep' / 'file').read_text() == 'one'\n"
            "    pathlib.Path('tree').mkdir()\n"
            "    pathlib.Path('tree/file').write_text('two')\n"
            "    assert job.add('tree', step=2), job.last_error\n"
            "    pathlib.Path('tree/file').write_text('changed')\n"
            "    os.kill(os.getpid(), 9)\n"
            "if job.attempt == 3:\n"
            "    assert [each.read_text() for each in here.rglob('file')] == ['two']\n"
            "    assert not job.add('/nonexistent/file') and job.last_error.code == 'bad_path'\n"
            "    pathlib.Path('model.bin').write_text('three')\n"
            "    assert job.add('model.bin', step=3), job.last_error\n"
            "    os.kill(os.getpid(), 9)\n"
            "assert here.read_text() == 'three'\n"
        )

    def test_an_original_is_moved_owned_or_referred_to(self):
        self.job(
            "import os, pathlib\n"
            "job = Job()\n"
            "file = pathlib.Path(['moved', 'owned', 'referred'][min(job.attempt, 3) - 1])\n"
            "modes = ['move', 'own', 'reference']\n"
            "if job.attempt > 1:\n"
            "    before = pathlib.Path(['moved', 'owned', 'referred'][job.attempt - 2])\n"
            "    here = pathlib.Path(job.resume.path)\n"
            "    assert here.read_text() == before.name, here\n"
            "    assert before.exists() == (job.attempt > 2)\n"
            "    assert (here == before.resolve()) == (job.attempt > 2), here\n"
            "if job.attempt < 4:\n"
            "    file.write_text(file.name)\n"
            "    assert job.add(file, mode=modes[job.attempt - 1]), job.last_error\n"
            "    os.kill(os.getpid(), 9)\n"
        )

    def test_a_checkpoint_that_fails_in_the_job_leaves_the_rest_in_order(self):
        self.job(
            "job = Job()\n"
            "try:\n"
            "    job.save(lambda: None)\n"
            "except Exception:\n"
            "    pass\n"
            "with job.checkpoint(wait=False): pass\n"  # nothing in it: refused
            "assert job.save(1, step=1, wait=True)\n"
            "assert job.last_error is None\n"
        )

    def test_a_final_checkpoint_is_made_before_the_end(self):
        source = (
            "import sys\n"
            "from supervise_job import Job\n"
            "job = Job()\n"
            "step = job.load(0)\n"
            "print('from', step, flush=True)\n"
            "while not job.stopping:\n"
            "    step += 1\n"
            "    if job.checkpoint_due:\n"
            "        assert job.save(step, step=step)\n"
            "        assert job.stopping\n"
            "print('to', step, flush=True)\n"
        )
        reached = 0
        for _ in range(3):
            supervisor = self.supervise(
                sys.executable, "-c", source, options=["--checkpoint-every", "off"]
            )
            self.assertEqual(self.read_until(supervisor, "from"), "from %d\n" % reached)
            supervisor.terminate()
            reached = int(self.read_until(supervisor, "to").split()[1])
            self.assertEqual(supervisor.wait(PATIENCE_S), -signal.SIGTERM, self.stderr())

    def test_the_wait_until_the_job_looks_is_no_cost_of_a_checkpoint(self):
        self.job(
            "import json, os, signal, time\n"
            "job = Job()\n"
            "class Large:\n"
            "    def __reduce__(self):\n"
            "        time.sleep(0.2)\n"
            "        return int, ()\n"
            "os.kill(os.getppid(), signal.SIGUSR1)\n"
            "time.sleep(0.5)\n"  # an epoch
            "while not job.checkpoint_due: pass\n"
            "assert job.save(Large(), wait=True)\n"
            "said = None\n"
            "while not said or not said['experience']['measured']:\n"
            "    with open('state/it/status.json') as file: said = json.load(file)['schedule']\n"
            "seen = said['experience']\n"
            "assert seen['cost_s'] >= 0.2, seen\n"
            "assert seen['wait_s'] > 0, seen\n"
            "whole = seen['recent_costs_s'][-1]\n"
            "assert abs(whole - seen['cost_s'] - seen['wait_s']) < 0.01, seen\n"
        )


if __name__ == "__main__":
    unittest.main()
