#!/usr/bin/env python3
"""Prints the closing table of tools/quickstart.sh from the JSON files in its folder.

    tools/quickstart_table.py quickstart
"""
from __future__ import annotations

import json
import os
import sys

TOWERS = ("teacher", "student")
PATHS = {
    "logs": "daily files, holdout.tsv.gz and TRUTH.json",
    "run": "trained on 30 days",
    "finetuned": "fine-tuned on the 31st day",
    "bundle": "the student for serving",
    "predictions.tsv": "its scores of holdout.tsv.gz",
}


def load(folder: str, name: str) -> dict:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def number(value: float | None, digits: int) -> str:
    """A number for a cell; "-" where it is undefined."""
    return "-" if value is None else f"{value:,.{digits}f}"


def table_rows(folder: str) -> list[list[str]]:
    """Header, a row a tower, and the best that is possible."""
    trained, finetuned = load(folder, "trained.json"), load(folder, "finetuned.json")
    sizes, bayes = load(folder, "inspect.json"), load(folder, "synth.json")["holdout"]
    rows = [["", "AUC", "log loss", "AUC before fine-tuning", "dense parameters", "microseconds a sample"]]
    for tower in TOWERS:
        metrics, size = finetuned[tower], sizes[tower]
        rows.append(
            [
                tower,
                number(metrics["auc"], 4),
                number(metrics["logloss"], 4),
                number(trained[tower]["auc"], 4),
                number(size["dense_parameters"], 0),
                number(size.get("microseconds_per_sample"), 2),
            ]
        )
    rows.append(["perfect model", number(bayes["bayes_auc"], 4), number(bayes["bayes_logloss"], 4), "", "", ""])
    return rows


def print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    print(f"Unseen rows of the 31st day, {load(folder, 'finetuned.json')['rows']:,} of them:\n")
    print_table(table_rows(folder))
    print()
    for name, what in PATHS.items():
        print(f"{os.path.join(folder, name)}: {what}")


if __name__ == "__main__":
    main()
