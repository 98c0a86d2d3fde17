#!/usr/bin/env python3
"""bench/growth.py: reports and plots from results that are there."""
import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = importlib.util.spec_from_file_location("growth", os.path.join(ROOT, "bench", "growth.py"))
growth = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(growth)


class GrowthTest(unittest.TestCase):
    def report(self, results, *flags):
        with tempfile.TemporaryDirectory() as work:
            with open(os.path.join(work, "results.json"), "w") as out:
                json.dump(results, out)
            sys.argv = ["growth.py", "--work=" + work, "--report", *flags]
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                growth.main()
            return printed.getvalue()

    def test_a_row_with_its_index_entry_is_as_large_as_the_table_says(self):
        self.assertAlmostEqual(growth.row_bytes(growth.BASE), 4 * 56 + 18, delta=1)
        self.assertAlmostEqual(growth.row_bytes({**growth.BASE, "dim": 8, "optimizer": "sgd"}), 4 * 12 + 18, delta=1)

    def test_flops_count_forward_and_backward_of_both_towers(self):
        case = {**growth.BASE, "fields": 1, "dim": 1}
        teacher = 2 * (400 + 400 * 400 + 400) + 3
        student = 2 * (128 + 128 * 64 + 64)
        self.assertEqual(growth.flops(case), 3 * (teacher + student) - 2 * 128)
        with_cin = growth.flops({**growth.BASE, "maps": 8}) - growth.flops(growth.BASE)
        self.assertEqual(with_cin, 3 * 2 * 8 * 16 * (39 * 40 // 2 + 8 * 39))

    def test_every_section_gives_a_table_and_a_plot(self):
        results = {}
        for section, changes in growth.SECTIONS.items():
            for k, change in enumerate(changes):
                results[growth.name(section, {**growth.BASE, **change})] = {
                    "microseconds": 10.0 + k, "peak_bytes": 10**8 + k, "steady_bytes": 10**8}
        results["window"] = {"ids": 1000, "threads": 2, "peak_bytes": 5 * 10**8, "days": [
            {"day": str(d), "resident_bytes": 10**8 * d, "rows_per_second": 40000.0}
            for d in range(1, 31)]}
        with tempfile.TemporaryDirectory() as plots:
            page = os.path.join(plots, "page.html")
            text = self.report(results, "--plots=" + plots, "--page=" + page)
            with open(page) as file:
                self.assertEqual(file.read().count("<svg"), len(growth.SECTIONS) + 1)
            for section in [*growth.SECTIONS, "window"]:
                svg = os.path.join(plots, section + ".svg")
                xml.etree.ElementTree.parse(svg)
                self.assertLess(os.path.getsize(svg), 50000)
        for title in growth.TITLES.values():
            self.assertIn("| %s |" % title, text)
        self.assertIn("a ratio of 1.00", text)

    def test_a_slope_is_that_of_the_double_logarithm(self):
        self.assertAlmostEqual(growth.slope(2, 3, 8, 12), 1)
        text = self.report({growth.name("width", {**growth.BASE, **change}): {"microseconds": 0.01 * change["width"]**2, "peak_bytes": 10**8,
                                                                              "steady_bytes": 10**8} for change in growth.SECTIONS["width"]})
        self.assertEqual(text.count("| +2.00 |"), len(growth.SECTIONS["width"]) - 1)

    def test_a_committees_row_holds_its_members_and_its_students_table(self):
        one, four = ({**growth.BASE, "members": k} for k in (1, 4))
        self.assertGreater(growth.row_bytes(four), 4 * growth.row_bytes(one))
        self.assertLess(growth.row_bytes(four), 5.2 * growth.row_bytes(one))

    def test_nothing_measured_gives_nothing(self):
        self.assertEqual(self.report({}), "")

    def test_an_unknown_section_is_an_error(self):
        with self.assertRaises(SystemExit):
            self.report({}, "--only=widths")


if __name__ == "__main__":
    unittest.main()
