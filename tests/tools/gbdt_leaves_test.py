"""tools/gbdt_leaves.py: made-up days; skipped where python3-xgboost isn't installed."""
from __future__ import annotations

import importlib.util
import os
import unittest

from prepare_support import PrepareTest, read_bytes

ARGUMENTS = ("--begin_date=2000-01-02", "--end_date=2000-01-04", "--id_columns=user", "--number_columns=x", "--trees=3", "--depth=2")


@unittest.skipUnless(importlib.util.find_spec("xgboost"), "python3-xgboost is not installed")
class GbdtLeavesTest(PrepareTest):
    script = "gbdt_leaves.py"

    def setUp(self) -> None:
        super().setUp()
        self.pattern = os.path.join(self.input, "{date}.tsv.gz")

    def write_days(self, flip_last: bool = False) -> None:
        """Five days; who is user 0 or has an x above 5 clicks. The last day's labels may be flipped."""
        for day in range(1, 6):
            lines = ["x\tlabel\tuser"]
            for row in range(200):
                user, x = row % 7, (row * 13 + day) % 11
                clicks = int(user == 0 or x > 5)
                lines.append(f"{x if row % 10 else ''}\t{1 - clicks if flip_last and day == 5 else clicks}\tu{user}")
            self.write(f"2000-01-0{day}.tsv.gz", "\n".join(lines) + "\n")

    def leaves(self, date: str) -> list[list[str]]:
        return [[row[f"leaf_{tree}"] for tree in range(3)] for row in self.rows(f"{date}.tsv.gz")]

    def test_every_day_from_the_first_on_gets_a_leaf_of_every_tree(self) -> None:
        self.write_days()
        summary = self.prepare(*ARGUMENTS, source=self.pattern)
        self.assertEqual((summary["days"], summary["window_days"], summary["rows"], summary["trees"]), (4, 3, 800, 3))
        self.assertEqual(sorted(os.listdir(self.output)), [f"2000-01-0{day}.tsv.gz" for day in range(2, 6)])
        row = self.rows("2000-01-02.tsv.gz")[1]
        self.assertEqual(list(row), ["x", "label", "user", "leaf_0", "leaf_1", "leaf_2"])
        self.assertGreater(len({tuple(leaves) for leaves in self.leaves("2000-01-05")}), 2)

    def test_no_row_knows_a_label_of_its_own_day(self) -> None:
        self.write_days()
        self.prepare(*ARGUMENTS, source=self.pattern)
        before = self.leaves("2000-01-05")
        self.write_days(flip_last=True)
        self.prepare(*ARGUMENTS, source=self.pattern)
        self.assertEqual(self.leaves("2000-01-05"), before)

    def test_equal_inputs_give_equal_bytes(self) -> None:
        self.write_days()
        self.prepare(*ARGUMENTS, source=self.pattern)
        first = read_bytes(self.output)
        self.prepare(*ARGUMENTS, source=self.pattern)
        self.assertEqual(read_bytes(self.output), first)

    def test_faults_are_named_and_nothing_is_written(self) -> None:
        self.write_days()
        cases = {
            ("--id_columns=usr",): "0 columns are named 'usr'",
            ("--begin_date=2001-01-01", "--end_date=2001-01-02"): "no day from 2001-01-01 to 2001-01-02",
            ("--number_columns=user",): "'u0' is not a number",
        }
        for extra, message in cases.items():
            with self.subTest(message):
                done = self.run_script(*ARGUMENTS, *extra, source=self.pattern)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertFalse(os.path.exists(self.output))


if __name__ == "__main__":
    unittest.main()
