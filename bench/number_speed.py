#!/usr/bin/env python3
"""What a piecewise number costs: the same numbers as STANDARDIZE, bucketize, piecewise and two ids a cell, trained and scored in turns.

    bench/number_speed.py --tandem=build/tandem [--rows=200000] [--columns=20] [--turns=3] [--work=DIR]

One thread, one pass, a small student alone: what the numbers cost isn't hidden by towers. Each turn runs every kind once; the best of the turns
counts, by processor time. Two ids: a cell is a bag of the ids of the knots around the number ("7|8"). Prints a table: rows a second of
training (with reading), of `predict`, and both against STANDARDIZE. Standard library only.
"""
import argparse
import bisect
import os
import random
import resource
import subprocess
import tempfile


KNOTS = [round(-2.5 + 5 * k / 23, 4) for k in range(24)]


def two_ids(number):
    above = bisect.bisect_right(KNOTS, number)
    return f"{max(0, above - 1)}|{min(above, len(KNOTS) - 1)}"


def make_log(path, rows, columns, cell):
    draw = random.Random(7)
    with open(path, "w") as out:
        out.write("label\t" + "\t".join(f"n{c}" for c in range(columns)) + "\n")
        for _ in range(rows):
            numbers = [draw.gauss(0, 1) for _ in range(columns)]
            out.write(("1" if numbers[0] + numbers[1] ** 2 + draw.gauss(0, 1) > 1 else "0") + "\t" + "\t".join(map(cell, numbers)) + "\n")


def config(kind, columns):
    knots = KNOTS
    dense = {"STANDARDIZE": "transform: STANDARDIZE mean: 0 deviation: 1",
             "bucketize": f"bucketize {{ boundaries: {knots} }}",
             "piecewise": f"piecewise {{ knots: {knots} }}",
             "piecewise, first look": "piecewise {}",
             "two ids": ""}[kind]
    kind_of = f"dense {{ {dense} }}" if dense else "sparse { multi_valued: true }"
    features = "\n".join(f'feature {{ name: "n{c}" {kind_of} }}' for c in range(columns))
    return features + """
model { method: STUDENT_ALONE student { mlp { hidden: 32 hidden: 16 } } }
train { batch_size: 512 }
runtime { threads: 1 }
"""


def timed(*command):
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before = used()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return used() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tandem", default="build/tandem")
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--work")
    options = parser.parse_args()
    tandem = os.path.abspath(options.tandem)
    kinds = ["STANDARDIZE", "bucketize", "piecewise", "piecewise, first look", "two ids"]
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        numbers, ids = (os.path.join(work, name) for name in ("log.tsv", "ids.tsv"))
        make_log(numbers, options.rows, options.columns, "{:.4f}".format)
        make_log(ids, options.rows, options.columns, two_ids)
        best = {kind: [float("inf"), float("inf")] for kind in kinds}
        for turn in range(options.turns):
            for number, kind in enumerate(kinds):
                run = os.path.join(work, f"run-{turn}-{number}")
                text, log = run + ".pbtxt", ids if kind == "two ids" else numbers
                with open(text, "w") as out:
                    out.write(config(kind, options.columns))
                best[kind][0] = min(best[kind][0], timed(tandem, "train", "--config=" + text, "--run_dir=" + run, "data.path=" + log))
                best[kind][1] = min(best[kind][1], timed(tandem, "predict", "--model=" + run, "--input=" + log, "--output=" + run + ".tsv"))
        print(f"{options.rows} rows of {options.columns} numbers, best of {options.turns}")
        print("| numbers | trained, rows/s | scored, rows/s | trained | scored |\n|---|---|---|---|---|")
        for kind in kinds:
            train, score = best[kind]
            print(f"| {kind} | {options.rows / train:,.0f} | {options.rows / score:,.0f} | {best['STANDARDIZE'][0] / train:.2f} | "
                  f"{best['STANDARDIZE'][1] / score:.2f} |")


if __name__ == "__main__":
    main()
