#!/usr/bin/env python3
"""Trains gradient-boosted trees on the daily files of a window and appends, to every day, the leaf that each tree puts a row in.

    $ tools/gbdt_leaves.py --input='movielens/{date}.tsv.gz' --output=movielens-leaves --begin_date=2000-11-02 --end_date=2000-12-01 \\
          --id_columns=user,movie,gender,age,occupation,zip3 --number_columns=year,hour,weekday
    {"days": 60, "window_days": 30, "rows": 393610, "trees": 10, "leaves": 320}

    $ tandem train --config=configs/movielens.pbtxt,configs/teacher/gbdt_fm_dnn.pbtxt data.path='movielens-leaves/{date}.tsv.gz' ...

Writes OUTPUT/{date}.tsv.gz for every day from --begin_date on, with the columns of the input and leaf_0, leaf_1, ... behind them
(He et al. 2014, "Practical Lessons from Predicting Clicks on Ads at Facebook"). The trees read the number columns as they are, and of
every id column what earlier days of the input say of the cell: how often it came, and its smoothed share of positives. So no row
knows a label of its own day; those of the days before --begin_date count. The trees of one window serve the days after it, until the
next window is trained. Needs python3-xgboost (Debian 12: apt-get install python3-xgboost).
"""
from __future__ import annotations

import argparse
import glob
import math
from collections import defaultdict

import prepare_common as common
from prepare_common import PrepareError

SMOOTHING = 10  # rows of the mean that every id starts with


class Day:
    """The rows of one file: the lines, their labels, and what the trees read of them."""

    def __init__(self, path: str, label: str, id_columns: list[str], number_columns: list[str]) -> None:
        lines = list(common.read_lines(path, "utf-8"))
        if not lines:
            raise PrepareError(f"{path}: no header line")
        self.header = lines[0].text
        names = self.header.split("\t")
        for name in [label, *id_columns, *number_columns]:
            if names.count(name) != 1:
                raise PrepareError(f"{path}: {names.count(name)} columns are named '{name}'; must be one")
        self.lines = [line.text for line in lines[1:]]
        rows = [common.split_columns(line, "\t", len(names)) for line in lines[1:]]
        self.labels = [common.parse_int(line, "label", row[names.index(label)], 0, 1) for line, row in zip(lines[1:], rows)]
        self.ids = [[row[names.index(name)] for name in id_columns] for row in rows]
        self.numbers = [[self.number(line, row[names.index(name)]) for name in number_columns] for line, row in zip(lines[1:], rows)]

    @staticmethod
    def number(line: common.Line, cell: str) -> float:
        """An empty cell is missing, which the trees know."""
        try:
            return float(cell) if cell else math.nan
        except ValueError as error:
            raise PrepareError(f"{line.where}: '{cell}' is not a number") from error


class Statistics:
    """Rows and positives of every id, of the days so far."""

    def __init__(self, columns: int) -> None:
        self.counts: list[dict[str, list[int]]] = [defaultdict(lambda: [0, 0]) for _ in range(columns)]
        self.rows = self.positives = 0

    def add(self, day: Day) -> None:
        for ids, label in zip(day.ids, day.labels):
            for column, cell in enumerate(ids):
                count = self.counts[column][cell]
                count[0] += 1
                count[1] += label
        self.rows += len(day.labels)
        self.positives += sum(day.labels)

    def features(self, day: Day) -> list[list[float]]:
        mean = (self.positives + 0.5) / (self.rows + 1)
        features = []
        for ids, numbers in zip(day.ids, day.numbers):
            row = list(numbers)
            for column, cell in enumerate(ids):
                rows, positives = self.counts[column].get(cell, (0, 0))
                row += [math.log1p(rows), (positives + SMOOTHING * mean) / (rows + SMOOTHING)]
            features.append(row)
        return features


def find_days(pattern: str) -> dict[str, str]:
    """date -> path, of every file that the pattern matches."""
    before, found, after = pattern.partition("{date}")
    if not found:
        raise PrepareError(f"--input={pattern}: no {{date}} in it, e.g. 'logs/{{date}}.tsv.gz'")
    digits = "[0-9]"
    paths = glob.glob(glob.escape(before) + f"{digits * 4}-{digits * 2}-{digits * 2}" + glob.escape(after))
    if not paths:
        raise PrepareError(f"--input={pattern}: no file")
    return {path[len(before) : len(before) + 10]: path for path in sorted(paths)}


def train(features: list[list[float]], labels: list[int], arguments: argparse.Namespace):
    """The booster."""
    import numpy  # pylint: disable=import-outside-toplevel
    import xgboost  # pylint: disable=import-outside-toplevel

    parameters = {
        "objective": "binary:logistic",
        "max_depth": arguments.depth,
        "eta": arguments.rate,
        "tree_method": "hist",
        "nthread": 1,
        "seed": 1,
        "verbosity": 1,
    }
    matrix = xgboost.DMatrix(numpy.array(features, dtype=numpy.float32), label=numpy.array(labels))
    return xgboost.train(parameters, matrix, num_boost_round=arguments.trees)


def leaves_of(booster, features: list[list[float]], trees: int) -> list[list[int]]:
    import numpy  # pylint: disable=import-outside-toplevel
    import xgboost  # pylint: disable=import-outside-toplevel

    matrix = xgboost.DMatrix(numpy.array(features, dtype=numpy.float32))
    return booster.predict(matrix, pred_leaf=True).reshape(len(features), trees).astype(int).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, metavar="PATTERN", help="daily files, with {date} (YYYY-MM-DD)")
    parser.add_argument("--output", required=True, help="folder for the daily files with leaves")
    parser.add_argument("--begin_date", required=True, help="first day of the window, and of the output")
    parser.add_argument("--end_date", required=True, help="last day that the trees are trained on")
    parser.add_argument("--label", default="label")
    parser.add_argument("--id_columns", default="", help="columns of ids, by commas")
    parser.add_argument("--number_columns", default="", help="columns of numbers, by commas")
    parser.add_argument("--trees", type=int, default=10)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate of the trees")
    arguments = parser.parse_args()
    id_columns = [name for name in arguments.id_columns.split(",") if name]
    number_columns = [name for name in arguments.number_columns.split(",") if name]
    if not id_columns and not number_columns:
        parser.error("neither --id_columns nor --number_columns names a column")
    if arguments.trees < 1 or arguments.depth < 1:
        parser.error("--trees and --depth must be at least 1")
    try:
        import xgboost  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        raise PrepareError("python3-xgboost is not installed (Debian 12: apt-get install python3-xgboost)") from None

    statistics = Statistics(len(id_columns))
    days: dict[str, tuple[Day, list[list[float]]]] = {}
    for date, path in find_days(arguments.input).items():
        day = Day(path, arguments.label, id_columns, number_columns)
        if date >= arguments.begin_date:
            days[date] = day, statistics.features(day)
        statistics.add(day)
    window = [date for date in days if date <= arguments.end_date]
    if not window:
        raise PrepareError(f"--input={arguments.input}: no day from {arguments.begin_date} to {arguments.end_date}")
    labels = [label for date in window for label in days[date][0].labels]
    if len(set(labels)) < 2:
        raise PrepareError("the window's labels are all the same; trees need both")
    booster = train([row for date in window for row in days[date][1]], labels, arguments)

    files: dict[str, list[str]] = {}
    seen: set[tuple[int, int]] = set()
    header = ""
    for date, (day, features) in days.items():
        header = header or day.header
        if day.header != header:
            raise PrepareError(f"{date}: another header line than the first day's")
        leaves = leaves_of(booster, features, arguments.trees)
        for row in leaves:
            seen.update(enumerate(row))
        files[f"{date}.tsv.gz"] = [line + "\t" + "\t".join(map(str, row)) for line, row in zip(day.lines, leaves)]
    header += "".join(f"\tleaf_{tree}" for tree in range(arguments.trees))
    common.write_files(arguments.output, header, files)
    rows = sum(map(len, files.values()))
    common.print_summary(days=len(files), window_days=len(window), rows=rows, trees=arguments.trees, leaves=len(seen))


if __name__ == "__main__":
    common.run(main)
