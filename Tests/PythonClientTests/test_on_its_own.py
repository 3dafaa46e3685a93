"""Without a supervisor: a job runs plainly, or saves to ./checkpoints."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from support import (
    PATIENCE_S,
    TRAIN,
    Job,
    SuperviseError,
    TemporaryDirectoryTest,
    environment,
    refused_in_child,
)


class OnItsOwn(TemporaryDirectoryTest):
    def setUp(self):
        super().setUp()
        self.folder = self.directory / "checkpoints"

    def job(self, every=0.0, **options):
        job = Job(every=every, directory=self.folder, **options)
        self.addCleanup(job.close)
        return job

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_without_every_nothing_is_due_and_nothing_is_saved(self):
        job = self.job(every=None)
        self.assertFalse(job.checkpoint_due or job.stopping or job.supervised)
        job.progress(1, 2, unit="steps", message="hello", loss=float("nan"))
        job.heartbeat()
        job.failed("nobody asked")
        self.assertFalse(job.save({"step": 1}, step=1))
        self.assertFalse(job.add(__file__))
        with job.checkpoint(step=1) as directory:
            (directory / "file").write_text("x")
        self.assertFalse(directory.exists())
        self.assertFalse(self.folder.exists())
        self.assertEqual(job.load(default="fresh"), "fresh")
        self.assertEqual((job.attempt, job.resume, job.last_error), (1, None, None))

    def test_a_checkpoint_is_due_when_the_interval_has_passed(self):
        self.assertTrue(self.job(every=0).checkpoint_due)
        self.assertFalse(self.job(every=3600).checkpoint_due)

    def test_the_newest_is_loaded_with_all_that_was_said_of_it(self):
        job = self.job()
        self.assertTrue(job.save("old", step=1))
        self.assertTrue(job.save("new", step=2, metrics={"loss": 0.5}, metadata={"note": [1]}))
        again = self.job()
        self.assertEqual(again.load(), "new")
        self.assertEqual((again.resume.id, again.resume.step), ("000002-step-2", 2))
        self.assertEqual(again.resume.metrics, {"loss": 0.5})
        self.assertEqual(again.resume.metadata, {"note": [1]})

    def test_sequence_decides_and_not_the_step(self):
        job = self.job()
        job.save("stale", step=100)
        job.save("current", step=7)
        self.assertEqual(self.job().load(), "current")

    def test_the_newest_three_are_kept(self):
        job = self.job()
        for step in range(5):
            job.save(step, step=step)
        self.assertEqual(self.names(), ["000003-step-2", "000004-step-3", "000005-step-4"])
        self.job(keep=1).save("last")
        self.assertEqual(self.names(), ["000006"])

    def test_a_torn_one_is_skipped_with_a_line(self):
        job = self.job()
        job.save("good", step=1)
        job.save("torn", step=2)
        job.save("gone", step=3)
        state = self.folder / "000002-step-2" / "data" / "state.pkl"
        state.write_bytes(state.read_bytes()[:-1] + b"?")
        (self.folder / "000003-step-3" / "data" / "state.pkl").unlink()
        with self.said() as lines:
            self.assertEqual(self.job().load(), "good")
        self.assertEqual(len(lines), 2)
        self.assertIn("000003-step-3", lines[0])
        self.assertIn("state.pkl is not what was written", lines[1])

    def test_none_that_is_whole_is_an_error_and_not_a_start_from_scratch(self):
        self.job().save("torn")
        (self.folder / "000001" / "manifest.json").write_text("{")
        with self.said(), self.assertRaisesRegex(SuperviseError, "no checkpoint in .* is whole"):
            self.job()

    def test_files_of_ones_own(self):
        with self.job().checkpoint(step=4, metadata={"shards": 2}) as directory:
            (directory / "deep").mkdir()
            (directory / "deep" / "shard").write_text("weights")
        again = self.job()
        self.assertEqual(Path(again.resume.path, "deep", "shard").read_text(), "weights")
        with self.assertRaisesRegex(SuperviseError, "was not made with save"):
            again.load(default="scratch")

    def test_a_block_that_raises_leaves_nothing(self):
        job = self.job()
        with self.assertRaises(ZeroDivisionError), job.checkpoint():
            1 / 0
        self.assertEqual(self.names(), [])
        self.assertIsInstance(job.last_error, ZeroDivisionError)

    def test_a_state_that_cannot_be_pickled_raises_and_leaves_nothing(self):
        with self.assertRaises(Exception):
            self.job().save(lambda: None)
        self.assertEqual(self.names(), [])

    def test_a_checkpoint_inside_a_checkpoint_is_refused(self):
        job = self.job()
        with job.checkpoint():
            with self.assertRaisesRegex(RuntimeError, "open already"):
                job.save(1)
        self.assertEqual(self.names(), ["000001"])

    def test_added_files_and_directories_are_copied(self):
        source = self.directory / "model.bin"
        source.write_text("weights")
        self.assertTrue(self.job().add(source, step=1))
        source.write_text("changed")
        self.assertEqual(Path(self.job().resume.path).read_text(), "weights")
        tree = self.directory / "tree"
        tree.mkdir()
        (tree / "part").write_text("1")
        self.assertTrue(self.job().add(tree, step=2))
        self.assertEqual(Path(self.job().resume.path, "part").read_text(), "1")

    def test_what_is_moved_is_gone_from_where_it_was(self):
        source = self.directory / "model.bin"
        source.write_text("weights")
        self.assertTrue(self.job().add(source, mode="move"))
        self.assertFalse(source.exists())
        self.assertEqual(Path(self.job().resume.path).read_text(), "weights")
        tree = self.directory / "tree"
        tree.mkdir()
        (tree / "part").write_text("1")
        self.assertTrue(self.job().add(tree, mode="move"))
        self.assertFalse(tree.exists())
        self.assertEqual(Path(self.job().resume.path, "part").read_text(), "1")

    def test_what_is_owned_stays_until_its_checkpoint_goes(self):
        job = self.job(keep=1)
        tree = self.directory / "tree"
        tree.mkdir()
        (tree / "part").write_text("1")
        self.assertTrue(job.add(tree, mode="own"))
        self.assertEqual(self.job().resume.path, os.path.realpath(str(tree)))
        self.assertTrue(job.add(tree, mode="own"))
        self.assertEqual((tree / "part").read_text(), "1", "the newer one claims it")
        job.save(1)
        self.assertFalse(tree.exists())
        file = self.directory / "file"
        file.write_text("1")
        self.assertTrue(job.add(file, mode="own"))
        file.write_text("written anew")
        job.save(2)
        self.assertEqual(file.read_text(), "written anew")
        self.assertEqual(self.names(), ["000005"])

    def test_what_is_referred_to_is_never_removed(self):
        job = self.job(keep=1)
        file = self.directory / "file"
        file.write_text("1")
        self.assertTrue(job.add(file, mode="reference"))
        self.assertEqual(self.job().resume.path, os.path.realpath(str(file)))
        job.save(1)
        self.assertEqual(file.read_text(), "1")
        with self.said() as lines:
            self.assertFalse(job.add(self.directory / "gone", mode="reference"))
        self.assertEqual(len(lines), 1)
        with self.assertRaisesRegex(ValueError, "copy, move, own, reference"):
            job.add(file, mode="steal")

    def test_a_directory_that_cannot_be_written_does_not_end_the_job(self):
        job = self.job()
        self.folder.write_text("in the way")
        with self.said() as lines:
            self.assertFalse(job.save(1))
        self.assertEqual(len(lines), 1)
        with self.assertRaises(SuperviseError):
            job.save(1, wait=True)

    def test_metrics_and_metadata_become_json_whatever_they_are(self):
        metrics = {"nan": float("nan"), "inf": float("inf"), "text": "1", 3: True, "big": 1 << 70}
        job = self.job()
        job.save(1, metrics=metrics, metadata={"path": self.folder, "nan": float("nan"), 1: {2}})
        text = (self.folder / "000001" / "manifest.json").read_text()
        manifest = json.loads(text, parse_constant=self.fail)
        found = {"nan": None, "inf": None, "text": None, "3": 1, "big": float(1 << 70)}
        self.assertEqual(manifest["metrics"], found)
        self.assertEqual(manifest["metadata"], {"path": str(self.folder), "nan": None, "1": [2]})
        self.assertEqual(self.job().resume.metrics, {"3": 1, "big": float(1 << 70)})
        with self.assertRaises(TypeError):
            job.save(1, metadata=5)

    def test_what_a_killed_process_left_half_done_is_removed(self):
        self.job().save("whole")
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        for name in (".writing-%d-x" % child.pid, ".removing-%d-x" % child.pid):
            (self.folder / name / "data").mkdir(parents=True)
        (self.folder / (".writing-%d-x" % os.getpid())).mkdir()
        self.assertEqual(self.job().load(), "whole")
        self.assertEqual(self.names(), [".writing-%d-x" % os.getpid(), "000001"])

    def test_a_forked_child_saves_nothing_and_is_told_why(self):
        for job in (self.job(), Job()):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    inert = not (job.checkpoint_due or job.stopping)
                    status = 0 if inert and refused_in_child(self, job) else 1
                finally:
                    os._exit(status)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertFalse(self.folder.exists())

    def test_what_is_saved_after_close_is_refused(self):
        for job in (self.job(), Job()):
            job.close()
            with self.assertRaisesRegex(SuperviseError, r"save\(\) was called after close\(\)"):
                job.save(1)

    def test_a_socket_variable_that_is_empty_means_no_supervisor(self):
        os.environ["SUPERVISE_SOCKET"] = ""
        self.assertFalse(self.job().supervised)


class Digits(TemporaryDirectoryTest):
    def train(self, *options, **more):
        return subprocess.Popen(
            [sys.executable, str(TRAIN), "--epochs", "3", *options],
            cwd=str(self.directory),
            env=environment(),
            stdout=subprocess.PIPE,
            universal_newlines=True,
            **more
        )

    def test_kill_9_in_the_middle_and_again_gives_the_same_weights(self):
        plain = self.train("--out", "plain.json")
        self.assertIn("weights  sha256", plain.communicate(timeout=PATIENCE_S)[0])

        # Killed when its second epoch is over, somewhere in the third.
        killed = self.train("--every", "0.05", "--out", "again.json")
        for epoch in (1, 2):
            self.assertIn("epoch %d" % epoch, killed.stdout.readline())
        killed.kill()
        killed.communicate(timeout=PATIENCE_S)
        self.assertFalse((self.directory / "again.json").exists())

        again = self.train("--every", "0.05", "--out", "again.json")
        output = again.communicate(timeout=PATIENCE_S)[0]
        self.assertIn("epoch 3", output)
        self.assertNotIn("epoch 1", output)
        weights = [(self.directory / name).read_bytes() for name in ("plain.json", "again.json")]
        self.assertEqual(*weights)

    def test_another_seed_gives_other_weights(self):
        outputs = [self.train("--epochs", "0", "--seed", seed) for seed in ("1", "2")]
        digests = {each.communicate(timeout=PATIENCE_S)[0] for each in outputs}
        self.assertEqual(len(digests), 2)


if __name__ == "__main__":
    unittest.main()
