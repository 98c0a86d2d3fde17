"""tools/prepare_frappe.py: a made-up file, and the counts of the real one."""
from __future__ import annotations

import unittest
from collections import Counter

from prepare_support import PrepareTest, read_bytes

CONTEXT = "5040:1 5047:1 5053:1 5056:1 5058:1 5061:1 5070:1 5150:1"
PARTS = ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz")


class FrappeTest(PrepareTest):
    script = "prepare_frappe.py"

    def write_rows(self, count: int) -> None:
        lines = [f"{1 if user % 3 else -1} {user}:1 {957 + user}:1 {CONTEXT}" for user in range(count)]
        self.write("made-up.libfm", "".join(line + "\r\n" for line in lines))

    def test_a_row_has_its_columns(self) -> None:
        self.write_rows(1)
        self.prepare()
        rows = [row for part in PARTS for row in self.rows(part)]
        expected = {"label": "0", "user": "0", "item": "957", "daytime": "5040", "weekday": "5047", "isweekend": "5053",
                    "homework": "5056", "cost": "5058", "weather": "5061", "country": "5070", "city": "5150"}  # fmt: skip
        self.assertEqual(rows, [expected])

    def test_the_parts_are_70_20_10_and_hold_every_row_once(self) -> None:
        self.write_rows(200)
        summary = self.prepare()
        self.assertEqual([len(self.rows(part)) for part in PARTS], [140, 40, 20])
        self.assertEqual((summary["train"], summary["valid"], summary["test"]), (140, 40, 20))
        users = Counter(int(row["user"]) for part in PARTS for row in self.rows(part))
        self.assertEqual(users, Counter(range(200)))

    def test_the_split_is_a_function_of_the_seed(self) -> None:
        self.write_rows(50)
        self.prepare()
        first = read_bytes(self.output)
        self.prepare()
        self.assertEqual(read_bytes(self.output), first)
        self.prepare("--seed=2")
        self.assertNotEqual(read_bytes(self.output), first)

    def test_malformed_lines_are_named(self) -> None:
        cases = {
            f"0 3:1 960:1 {CONTEXT}": "label '0'",
            f"1 3:1 {CONTEXT}": "9 ids where 10 are expected",
            f"1 3:1 956:1 {CONTEXT}": "item '956'",
            f"1 3:0.5 960:1 {CONTEXT}": "'3:0.5'",
            f"1 3 960:1 {CONTEXT}": "'3'",
        }
        for line, message in cases.items():
            with self.subTest(line):
                self.write("made-up.libfm", line + "\n")
                self.assert_fails("made-up.libfm:1:", message)

    def test_a_folder_without_the_file_says_so(self) -> None:
        self.assert_fails("libfm")

    def test_real_part(self) -> None:
        summary = self.prepare(source=self.real("frappe"))
        self.assertEqual(summary["rows"], 57722)
        self.assertAlmostEqual(summary["positives"] / summary["rows"], 0.330, places=3)
        self.assertEqual(self.count_rows(), 57722)


if __name__ == "__main__":
    unittest.main()
