#!/usr/bin/env python3
"""Turns the Frappe app usage data (one libFM file, plain or gzipped) into train, valid and test files.

    $ tools/prepare_frappe.py --input=frappe --output=frappe-tsv
    {"rows": 57722, "positives": 19063, "train": 40405, "valid": 11544, "test": 5773}

The folder holds one file named *.libfm or *.libfm.gz with lines "label id:1 id:1 ...": labels -1 and 1, one id for each of ten
columns, whose ids lie in disjoint ranges. Writes OUTPUT/{train,valid,test}.tsv.gz with a header line and 70, 20 and 10 % of the rows,
split and shuffled at random with a fixed seed (--seed). A malformed line stops the run (exit code 3) before anything is written.
"""
from __future__ import annotations

import argparse
import os
import random

import prepare_common as common
from prepare_common import Line, PrepareError

# Columns and the first id of each, in the order of the ids; the end of the last one.
FIRST_ID = {
    "user": 0, "item": 957, "daytime": 5039, "weekday": 5046, "isweekend": 5053,
    "homework": 5055, "cost": 5058, "weather": 5060, "country": 5069, "city": 5149,
}  # fmt: skip
END_ID = 5382
SHARES = {"train": 70, "valid": 20, "test": 10}
LABELS = {"1": "1", "-1": "0"}


def find_libfm(directory: str) -> str:
    """The one libFM file of a folder."""
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith((".libfm", ".libfm.gz")))
    except OSError as error:
        raise PrepareError(f"{directory}: can't be read: {error}") from error
    if len(names) != 1:
        raise PrepareError(f"{directory}: one file named *.libfm or *.libfm.gz is expected, {len(names)} are there")
    return os.path.join(directory, names[0])


def parse_line(line: Line) -> str:
    """"1 266:1 1244:1 ..." -> "1\\t266\\t1244..."; the ids keep their numbers."""
    label, *items = line.text.split()
    if label not in LABELS:
        raise PrepareError(f"{line.where}: label '{label}' is neither 1 nor -1")
    if len(items) != len(FIRST_ID):
        raise PrepareError(f"{line.where}: {len(items)} ids where {len(FIRST_ID)} are expected")
    ends = [*list(FIRST_ID.values())[1:], END_ID]
    cells = [LABELS[label]]
    for item, (name, first), end in zip(items, FIRST_ID.items(), ends):
        text, separator, value = item.partition(":")
        if not separator or value != "1":
            raise PrepareError(f"{line.where}: '{item}' is not like 266:1")
        cells.append(str(common.parse_int(line, name, text, first, end - 1)))
    return "\t".join(cells)


def split(rows: list[str], seed: int) -> dict[str, list[str]]:
    """Shuffles the rows and cuts them by SHARES."""
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)
    parts: dict[str, list[str]] = {}
    begin = passed = 0
    for name, share in SHARES.items():
        passed += share
        end = len(rows) * passed // 100
        parts[name] = shuffled[begin:end]
        begin = end
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="folder with one *.libfm or *.libfm.gz file")
    parser.add_argument("--output", required=True, help="folder for train.tsv.gz, valid.tsv.gz and test.tsv.gz")
    parser.add_argument("--seed", type=int, default=1, help="of the split")
    arguments = parser.parse_args()
    path = find_libfm(arguments.input)
    rows = [parse_line(line) for line in common.read_lines(path, "ascii")]
    if not rows:
        raise PrepareError(f"{path}: no rows")
    parts = split(rows, arguments.seed)
    header = "\t".join(["label", *FIRST_ID])
    common.write_files(arguments.output, header, {f"{name}.tsv.gz": lines for name, lines in parts.items()})
    positives = sum(row.startswith("1") for row in rows)
    sizes = {name: len(lines) for name, lines in parts.items()}
    common.print_summary(rows=len(rows), positives=positives, **sizes)


if __name__ == "__main__":
    common.run(main)
