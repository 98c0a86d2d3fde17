#!/usr/bin/env python3
"""train.precision BF16 beside F32: what it gives in time, and what it costs in quality.

    bench/precision.py                                          # the shapes of bench/side_by_side.py, in turns on one core
    bench/precision.py --quality=configs/frappe.pbtxt --input=frappe-tsv/valid.tsv.gz      # five seeds of each

Speed: a row is the median of the pairs' ratios, time in F32 over time in BF16 (1.50: BF16 takes two thirds of the time), by
processor time of the whole process, with the smallest and the largest; a pair's sides follow each other, and take turns in going
first. Beside it the ratio of the core's peaks (bench/peak_bench), which no product can pass.
Quality: the configuration is trained with both precisions and --seeds seeds; AUC and log loss of both towers on --input, which
`tandem evaluate` computes in float32 either way. Standard library only.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import before_after  # noqa: E402
import side_by_side  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRECISIONS = ("F32", "BF16")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder: tandem and bench/peak_bench")
    parser.add_argument("--work", default="/tmp/tandem-precision", help="folder for logs and runs")
    parser.add_argument("--core", default=str(os.cpu_count() - 1))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--models", default="xdeepfm,identity,deepfm,student", help="of: " + ",".join(before_after.ROWS))
    parser.add_argument("--quality", default="", help="a configuration to compare qualities with, instead of speed")
    parser.add_argument("--input", default="", help="with --quality: the labelled files to evaluate on")
    parser.add_argument("--train", default="", help="with --quality: more flags of `tandem train`, such as --end_date=2017-06-30")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("overrides", nargs="*", help="key=value, for both sides")
    options = parser.parse_args()
    if options.quality and not options.input:
        parser.error("--quality needs --input, the files to evaluate on")
    options.tandem = os.path.join(options.build, "tandem")
    return options


def run(options, words):
    done = subprocess.run(["taskset", "-c", options.core] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def train(options, config, name, overrides):
    """Processor seconds, and the run directory."""
    run_dir = os.path.join(options.work, f"run-{name}")
    shutil.rmtree(run_dir, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(options, [options.tandem, "train", f"--config={config}", f"--run_dir={run_dir}", "runtime.threads=1"] + overrides)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run_dir


def speed(options):
    peak = os.path.join(options.build, "bench", "peak_bench")
    if os.path.exists(peak):
        peaks = json.loads(run(options, [peak, "--fma"]))
        print(f"peaks of one core, GFLOP/s: float32 {peaks['fma'] / 1e9:.0f}, bfloat16 dot products {peaks['bf16'] / 1e9:.0f}; "
              f"their ratio {peaks['bf16'] / peaks['fma']:.2f}\n")
    print("| time in F32 / time in BF16 | median | least | most | F32, rows/s | BF16, rows/s |\n|---|---|---|---|---|---|")
    for model in options.models.split(","):
        rows = before_after.ROWS[model]
        log = os.path.join(options.work, f"log-{rows}.tsv")
        config = os.path.join(options.work, f"{model}.pbtxt")
        before_after.write_log(log, rows)
        side_by_side.write_config(config, model, log)
        seconds = {precision: [] for precision in PRECISIONS}
        for pair in range(options.pairs):
            for precision in PRECISIONS if pair % 2 == 0 else PRECISIONS[::-1]:
                seconds[precision].append(train(options, config, model, [f"train.precision={precision}"] + options.overrides)[0])
        ratios = [f32 / bf16 for f32, bf16 in zip(seconds["F32"], seconds["BF16"])]
        rates = " | ".join(f"{rows / statistics.median(seconds[precision]):,.0f}" for precision in PRECISIONS)
        print(f"| train, {model}, {rows:,} rows | {statistics.median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f} | {rates} |", flush=True)


def evaluate(options, run_dir):
    return json.loads(run(options, [options.tandem, "evaluate", f"--model={run_dir}", f"--input={options.input}", "--format=json"]))


def quality(options):
    values = {}
    for seed in range(1, options.seeds + 1):
        for precision in PRECISIONS:
            _, run_dir = train(options, options.quality, f"quality-{precision}",
                               [f"train.precision={precision}", f"train.seed={seed}"] + options.train.split() + options.overrides)
            report = evaluate(options, run_dir)
            for tower in ("teacher", "student"):
                for figure in ("auc", "logloss"):
                    values.setdefault((tower, figure, precision), []).append(report[tower][figure])
    print(f"{options.seeds} seeds\n\n| tower, figure | F32 mean | sd | BF16 mean | sd | BF16 − F32 |\n|---|---|---|---|---|---|")
    for tower in ("teacher", "student"):
        for figure in ("auc", "logloss"):
            f32, bf16 = (values[tower, figure, precision] for precision in PRECISIONS)
            cells = " | ".join(f"{statistics.mean(x):.6f} | {statistics.stdev(x) if len(x) > 1 else 0:.6f}" for x in (f32, bf16))
            print(f"| {tower}, {figure} | {cells} | {statistics.mean(bf16) - statistics.mean(f32):+.6f} |", flush=True)


def main():
    options = arguments()
    os.makedirs(options.work, exist_ok=True)
    if options.quality:
        quality(options)
    else:
        speed(options)


if __name__ == "__main__":
    main()
