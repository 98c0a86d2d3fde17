#!/usr/bin/env python3
"""bench/same_results.py: what differs is found and named, with stand-ins for the builds."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "bench", "same_results.py")

# Trains by keeping its arguments, scores by printing SCORE; a setting named in REFUSED is unknown to it.
STAND_IN = """#!{python} -S
import os, sys
flags = dict(a[2:].split("=", 1) for a in sys.argv[2:] if a.startswith("--") and "=" in a)
for argument in sys.argv[2:]:
    if any(argument.startswith(name) for name in {refused}):
        sys.exit(2)
if sys.argv[1] == "train" and "nowhere" in " ".join(sys.argv):
    sys.exit(3)
if sys.argv[1] == "predict":
    with open(flags["output"], "w") as out:
        out.write("user\\tteacher\\tstudent\\n" + {scores!r})
if sys.argv[1] in {failing}:
    print("tandem: no such thing", file=sys.stderr)
    sys.exit(4)
"""


class SameResultsTest(unittest.TestCase):
    def run_script(self, before, after, *arguments):
        """What the script prints and its exit code, for two stand-ins (scores, refused settings, failing commands)."""
        with tempfile.TemporaryDirectory() as work:
            for name, (scores, refused, failing) in (("before", before), ("after", after)):
                with open(os.path.join(work, name), "w") as out:
                    out.write(STAND_IN.format(python=os.path.realpath(sys.executable), scores=scores, refused=refused, failing=failing))
                os.chmod(os.path.join(work, name), 0o755)
            done = subprocess.run([os.path.realpath(sys.executable), "-S", SCRIPT, "--before=" + os.path.join(work, "before"), "--after=" + os.path.join(work, "after"),
                                   *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            return done.stdout + done.stderr, done.returncode

    def test_equal_scores_are_identical(self):
        same = ("u1\t0.5\t0.25\nu2\t0.5\t0.125\n", [], [])
        printed, code = self.run_script(same, same, "dcn_v2")
        self.assertIn("| dcn_v2 | 2 | identical |", printed)
        self.assertEqual(code, 0)

    def test_the_first_line_that_differs_is_named(self):
        printed, code = self.run_script(("u1\t0.5\t0.25\nu2\t0.5\t0.125\n", [], []), ("u1\t0.5\t0.25\nu2\t0.5\t0.126\n", [], []), "dcn_v2")
        self.assertIn("scores.tsv:3: 'u2\\t0.5\\t0.125' -> 'u2\\t0.5\\t0.126'", printed)
        self.assertEqual(code, 1)

    def test_a_row_too_few_is_a_difference(self):
        printed, code = self.run_script(("u1\t0.5\t0.25\nu2\t0.5\t0.125\n", [], []), ("u1\t0.5\t0.25\n", [], []), "dcn_v2")
        self.assertIn("scores.tsv", printed)
        self.assertEqual(code, 1)

    def test_files_without_a_score_are_not_the_same(self):
        printed, code = self.run_script(("u1\t\t\n", [], []), ("u1\t\t\n", [], []), "dcn_v2")
        self.assertIn("no score in it", printed)
        self.assertEqual(code, 1)

    def test_a_command_that_fails_is_a_difference(self):
        scores = "u1\t0.5\t0.25\n"
        printed, code = self.run_script((scores, [], []), (scores, [], ["predict"]), "dcn_v2")
        self.assertIn("exit 4: tandem: no such thing", printed)
        self.assertEqual(code, 1)

    def test_a_build_is_given_the_names_that_it_knows(self):
        scores = "u1\t0.5\t0.25\n"
        old = (scores, ["model.distill.replay", "embedding.slow_copy"], [])
        new = (scores, ["train.student_steps", "train.replay_batches", "model.teacher.slow_embedding", "model.student.slow_embedding"], [])
        printed, code = self.run_script(old, new, "replay")
        self.assertIn("| replay | 1 | identical |", printed)
        self.assertEqual(code, 0)
        printed, code = self.run_script(old, (scores, new[1] + old[1], []), "replay")
        self.assertIn("knows none of", printed)
        self.assertEqual(code, 1)

    def test_an_unknown_case_is_refused(self):
        scores = ("u1\t0.5\t0.25\n", [], [])
        printed, code = self.run_script(scores, scores, "nosuch")
        self.assertIn("no case 'nosuch'", printed)
        self.assertEqual(code, 2)


if __name__ == "__main__":
    unittest.main()
