#!/usr/bin/env python3
"""Turns the UCI Adult census data (adult.data and adult.test, plain or gzipped) into a train and a test file.

    $ tools/prepare_adult.py --input=uci-adult --output=adult-tsv
    {"rows": 48842, "positives": 11687, "train": 32561, "test": 16281}

Writes OUTPUT/{train,test}.tsv.gz with a header line, the parts as published, rows in the order of the source. label is 1 for an
income above 50K; "?" (missing) becomes empty. --valid_percent=20 takes that share of the training part at random (--seed) for a third
file, valid.tsv.gz, so that settings need not be chosen on the test part. A malformed line stops the run (exit code 3) before anything
is written.
"""
from __future__ import annotations

import argparse
import random

import prepare_common as common
from prepare_common import Line, PrepareError

COLUMNS = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss "
    "hours_per_week native_country"
).split()
NUMBERS = {"age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"}
LABELS = {"<=50K": "0", ">50K": "1"}
LARGEST = 10**9


def parse_line(line: Line) -> str:
    """"39, State-gov, ..., <=50K" -> "0\\t39\\tState-gov..."; the test part ends its labels with a full stop."""
    *values, label = (value.strip() for value in common.split_columns(line, ",", len(COLUMNS) + 1))
    label = label[:-1] if label.endswith(".") else label
    if label not in LABELS:
        raise PrepareError(f"{line.where}: label '{label}' is neither <=50K nor >50K")
    cells = [LABELS[label]]
    for name, value in zip(COLUMNS, values):
        if value == "?":
            cells.append("")
        elif name in NUMBERS:
            cells.append(str(common.parse_int(line, name, value, 0, LARGEST)))
        else:
            cells.append(common.cell(line, name, value))
    return "\t".join(cells)


def read_part(directory: str, name: str) -> list[str]:
    """The rows of a member; a line that begins with | is a remark of the publisher's."""
    path = common.member_path(directory, name)
    rows = [parse_line(line) for line in common.read_lines(path, "ascii") if not line.text.startswith("|")]
    if not rows:
        raise PrepareError(f"{path}: no rows")
    return rows


def hold_out(rows: list[str], percent: int, seed: int) -> tuple[list[str], list[str]]:
    """What is left and what is taken, each in its order."""
    taken = set(random.Random(seed).sample(range(len(rows)), len(rows) * percent // 100))
    return [row for i, row in enumerate(rows) if i not in taken], [row for i, row in enumerate(rows) if i in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="folder with adult.data and adult.test, or their .gz")
    parser.add_argument("--output", required=True, help="folder for train.tsv.gz and test.tsv.gz")
    parser.add_argument("--valid_percent", type=int, default=0, choices=range(0, 100), metavar="N", help="of the training part")
    parser.add_argument("--seed", type=int, default=1, help="of what is held out for validation")
    arguments = parser.parse_args()
    train, test = read_part(arguments.input, "adult.data"), read_part(arguments.input, "adult.test")
    parts = {"train": train, "test": test}
    if arguments.valid_percent > 0:
        train, valid = hold_out(train, arguments.valid_percent, arguments.seed)
        parts = {"train": train, "valid": valid, "test": test}
    header = "\t".join(["label", *COLUMNS])
    common.write_files(arguments.output, header, {f"{name}.tsv.gz": lines for name, lines in parts.items()})
    rows = [row for lines in parts.values() for row in lines]
    sizes = {name: len(lines) for name, lines in parts.items()}
    common.print_summary(rows=len(rows), positives=sum(row.startswith("1") for row in rows), **sizes)


if __name__ == "__main__":
    common.run(main)
