#!/usr/bin/env python3
"""Two builds of Tandem side by side, in turns on one core: what a change cost or gave.

    bench/before_after.py --before=../tandem-old --after=.            # source trees, each with its build/
    bench/before_after.py --before=../tandem-old --after=. --only=parse,predict --pairs=9

Each side runs with the settings that its own bench/side_by_side.py writes, since their names may differ. A row is the median of
the pairs' ratios, time before over time after (1.02: the change is 2 % faster), by processor time of the whole process, with
the smallest and the largest; a pair's sides follow each other, and take turns in going first. `parse` is bench/parse_bench of both
trees (target `bench`). Standard library only.
"""
import argparse
import importlib.util
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys

FIELDS = 39
ROWS = {"xdeepfm": 12288, "identity": 40960, "deepfm": 100000, "student": 200000}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="source tree, built in its build/")
    parser.add_argument("--after", required=True, help="the same")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--core", default=str(os.cpu_count() - 1))
    parser.add_argument("--work", default="/tmp/tandem-before-after")
    parser.add_argument("--only", default="", help="of: " + ",".join(SECTIONS))
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(SECTIONS)
    for name in options.only:
        if name not in SECTIONS:
            parser.error(f"--only: unknown section {name}; known: {', '.join(SECTIONS)}")
    return options


def write_log(path, rows):
    """A Criteo-shaped log: label, 13 counts, 26 hexadecimal ids, their frequencies skewed."""
    if os.path.exists(path):
        return
    draw = random.Random(7)
    cards = [int(10 ** draw.uniform(1, 5)) for _ in range(26)]
    with open(path + ".tmp", "w", encoding="ascii") as file:
        for _ in range(rows):
            counts = [str(int(draw.lognormvariate(1.5, 1.5))) if draw.random() > 0.1 else "" for _ in range(13)]
            ids = [f"{(int(card * draw.random() ** 3) * 2654435761 + f * 97) & 0xffffffff:08x}" for f, card in enumerate(cards)]
            file.write("\t".join(["1" if draw.random() < 0.25 else "0"] + counts + ids) + "\n")
    os.rename(path + ".tmp", path)


class Side:
    def __init__(self, tree, options, name):
        self.build = os.path.join(tree, "build")
        self.tandem = os.path.join(self.build, "tandem")
        self.core = options.core
        self.work = os.path.join(options.work, name)
        os.makedirs(self.work, exist_ok=True)
        source = os.path.join(tree, "bench", "side_by_side.py")
        spec = importlib.util.spec_from_file_location(f"side_by_side_{name}", source)
        self.bench = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.bench)

    def run(self, words):
        done = subprocess.run(["taskset", "-c", self.core] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def seconds(self, words):
        def used():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime
        before = used()
        self.run(words)
        return used() - before

    def train(self, model, log):
        config = os.path.join(self.work, f"{model}.pbtxt")
        run_dir = os.path.join(self.work, f"run-{model}")
        self.bench.write_config(config, model, log)
        shutil.rmtree(run_dir, ignore_errors=True)
        return self.seconds([self.tandem, "train", f"--config={config}", f"--run_dir={run_dir}", "runtime.threads=1"])

    def predict(self, model, log):
        return self.seconds([self.tandem, "predict", f"--model={os.path.join(self.work, f'run-{model}')}", f"--input={log}",
                             f"--output={os.path.join(self.work, 'scores.tsv')}", "runtime.threads=1"])

    def parse(self):
        report = self.run([os.path.join(self.build, "bench", "parse_bench"), "--benchmark_filter=Lines|LineByLine",
                           "--benchmark_format=json", "--benchmark_min_time=0.2"])
        return {row["name"]: row["cpu_time"] for row in json.loads(report)["benchmarks"]}


def in_pairs(options, sides, measure):
    ratios = []
    for pair in range(options.pairs):
        order = sides if pair % 2 == 0 else sides[::-1]
        values = {side: measure(side) for side in order}
        ratios.append(values[sides[0]] / values[sides[1]])
    return ratios


def row(name, ratios):
    print(f"| {name} | {statistics.median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} |", flush=True)


def trains(model):
    def section(options, sides):
        log = os.path.join(options.work, f"log-{ROWS[model]}.tsv")
        write_log(log, ROWS[model])
        row(f"train, {model}, {ROWS[model]:,} rows", in_pairs(options, sides, lambda side: side.train(model, log)))
    return section


def predicts(options, sides):
    log = os.path.join(options.work, f"log-{ROWS['student']}.tsv")
    write_log(log, ROWS["student"])
    for side in sides:
        if not os.path.exists(os.path.join(side.work, "run-deepfm", "complete")):
            side.train("deepfm", log)
    row("predict, student, file to file", in_pairs(options, sides, lambda side: side.predict("deepfm", log)))


def parses(options, sides):
    ratios = {}
    for pair in range(options.pairs):
        order = sides if pair % 2 == 0 else sides[::-1]
        values = {side: side.parse() for side in order}
        for name, after in values[sides[1]].items():
            if name in values[sides[0]]:
                ratios.setdefault(name, []).append(values[sides[0]][name] / after)
    for name, of_name in ratios.items():
        row(f"parse, {name}", of_name)


SECTIONS = {"parse": parses, "student": trains("student"), "deepfm": trains("deepfm"), "identity": trains("identity"),
            "xdeepfm": trains("xdeepfm"), "predict": predicts}


def main():
    options = arguments()
    os.makedirs(options.work, exist_ok=True)
    sides = [Side(options.before, options, "before"), Side(options.after, options, "after")]
    print("| time before / time after | median | least | most |\n|---|---|---|---|")
    for name in options.only:
        SECTIONS[name](options, sides)


if __name__ == "__main__":
    main()
