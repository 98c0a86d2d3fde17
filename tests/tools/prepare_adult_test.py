"""tools/prepare_adult.py: made-up parts, and the counts of the real ones."""
from __future__ import annotations

import unittest
from collections import Counter

from prepare_support import PrepareTest, read_bytes

RECORD = "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2174, 0, 40, United-States, >50K"


class AdultTest(PrepareTest):
    script = "prepare_adult.py"

    def write_parts(self, train: list[str], test: list[str] | None = None) -> None:
        self.write("adult.data", "\n".join(train) + "\n\n")
        self.write("adult.test", "\n".join(test or [RECORD + "."]) + "\n")

    def test_a_row_has_its_columns_and_missing_values_are_empty(self) -> None:
        self.write_parts([RECORD])
        self.assertEqual(self.prepare(), {"rows": 2, "positives": 2, "train": 1, "test": 1})
        for part in ("train.tsv.gz", "test.tsv.gz"):
            (row,) = self.rows(part)
            self.assertEqual(list(row)[:4], ["label", "age", "workclass", "fnlwgt"])
            self.assertEqual((row["label"], row["occupation"], row["native_country"]), ("1", "", "United-States"))
            self.assertEqual((row["education_num"], row["capital_gain"], row["hours_per_week"]), ("13", "2174", "40"))

    def test_the_publishers_remark_is_no_row(self) -> None:
        self.write_parts([RECORD], ["|1x3 Cross validator", RECORD.replace(">50K", "<=50K.")])
        self.assertEqual(self.prepare()["test"], 1)
        self.assertEqual(self.rows("test.tsv.gz")[0]["label"], "0")

    def test_a_validation_part_is_taken_from_the_training_part(self) -> None:
        self.write_parts([RECORD.replace("39", str(20 + i), 1) for i in range(50)])
        self.assertEqual(self.prepare("--valid_percent=20")["valid"], 10)
        ages = [int(row["age"]) for part in ("train", "valid") for row in self.rows(f"{part}.tsv.gz")]
        self.assertEqual(Counter(ages), Counter(range(20, 70)))
        first = read_bytes(self.output)
        self.prepare("--valid_percent=20")
        self.assertEqual(read_bytes(self.output), first)
        self.prepare("--valid_percent=20", "--seed=2")
        self.assertNotEqual(read_bytes(self.output), first)

    def test_malformed_lines_are_named(self) -> None:
        cases = {
            RECORD.replace(">50K", "50K"): "label '50K'",
            RECORD.replace("39, ", "", 1): "14 columns where 15 are expected",
            RECORD.replace("77516", "many"): "fnlwgt 'many'",
        }
        for line, message in cases.items():
            with self.subTest(line):
                self.write_parts([RECORD, line])
                self.assert_fails("adult.data:2:", message)

    def test_a_missing_part_is_named(self) -> None:
        self.write("adult.data", RECORD + "\n")
        self.assert_fails("adult.test")

    def test_real_census(self) -> None:
        summary = self.prepare(source=self.real("uci-adult"))
        self.assertEqual((summary["rows"], summary["train"], summary["test"]), (48842, 32561, 16281))
        self.assertEqual(summary["positives"], 11687)


if __name__ == "__main__":
    unittest.main()
