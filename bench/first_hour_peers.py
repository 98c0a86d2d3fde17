#!/usr/bin/env python3
"""Tandem as `init` sets it up beside boosted trees with their defaults: the same tables, splits and cores.

    bench/first_hour_peers.py --tandem=build/tandem --data=../shared/data --work=/tmp/first-hour-peers [--threads=2] [NAME ...]

For every table a random fifth of the rows is the test. Tandem: `init`, `train`, `evaluate` with nothing changed. CatBoost, LightGBM,
XGBoost: their classifiers as they are constructed without arguments but for the threads; columns that pandas reads as numbers are
numbers, the others categorical by the library's own means, a category that training hasn't seen is a missing one (CatBoost: itself).
Nobody stops by, or chooses with, the test rows. Each is a process of its own, so that `seconds` (wall clock) and `cpu` (processor
time) are those of reading, learning and scoring the test rows. They are installed, pinned, into WORK/venv, once; none of it is
needed to build, test or run Tandem. A line is printed, and kept in WORK/results.jsonl, for every run: one that is there is not run
again. At the end a table: AUC, log loss, seconds.

Tables: bank, coupon, hotel (docs/data_sets.md).
"""
import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import time

PACKAGES = ["catboost==1.2.8", "lightgbm==4.6.0", "xgboost-cpu==3.0.5", "scikit-learn==1.7.2", "pandas==2.3.3"]
TABLES = {  # archive in --data, delimiter, label, positive text, columns that leak
    "bank": ("uci-bank-marketing/bank-additional-full.csv.gz", ";", "y", "yes", ["duration"]),
    "coupon": ("uci-coupon/in-vehicle-coupon-recommendation.csv.gz", ";", "Y", "1", []),
    "hotel": ("hotel-bookings/hotel_bookings.csv.gz", ",", "is_canceled", "1", ["reservation_status", "reservation_status_date"]),
}
PEERS = ["catboost", "lightgbm", "xgboost"]


def split(options, name):
    """WORK/NAME/train.csv and test.csv."""
    import numpy
    archive = TABLES[name][0]
    folder = os.path.join(options.work, name)
    os.makedirs(folder, exist_ok=True)
    with gzip.open(os.path.join(options.data, archive), "rt", encoding="utf-8", errors="replace", newline="") as file:
        head, *rows = file.read().replace("\r\n", "\n").strip("\n").split("\n")
    order = numpy.random.RandomState(7).permutation(len(rows))
    cut = int(0.8 * len(rows))
    for part, chosen in (("train", order[:cut]), ("test", order[cut:])):
        with open(os.path.join(folder, part + ".csv"), "w", encoding="utf-8", newline="") as file:
            file.write("\n".join([head] + [rows[i] for i in chosen]) + "\n")


def seconds_of(usage):
    return usage.ru_utime + usage.ru_stime


def run_tandem(options, name):
    _, _, label, positive, leaks = TABLES[name]
    folder = os.path.join(options.work, name)
    subprocess.run(["rm", "-rf", f"{folder}/run"], check=True)
    init = [f"--input={folder}/train.csv", f"--label={label}", f"--output={folder}/experiment.pbtxt"]
    init += [] if positive == "1" else [f"--positive={positive}"]
    init += [f"--drop={','.join(leaks)}"] if leaks else []
    before, start = seconds_of(resource.getrusage(resource.RUSAGE_CHILDREN)), time.time()
    for command in (["init", *init],
                    ["train", f"--config={folder}/experiment.pbtxt", f"--run_dir={folder}/run",
                     f"runtime.threads={options.threads}"],
                    ["evaluate", f"--model={folder}/run", f"--input={folder}/test.csv", "--format=json"]):
        done = subprocess.run([options.tandem, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{options.tandem} {' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    seconds, cpu = time.time() - start, seconds_of(resource.getrusage(resource.RUSAGE_CHILDREN)) - before
    found = json.loads(done.stdout)
    return [{"table": name, "who": f"tandem {tower}", "auc": found[tower]["auc"], "logloss": found[tower]["logloss"],
             "seconds": seconds, "cpu": cpu} for tower in ("student", "teacher")]


def classifier(peer, threads, categorical):
    if peer == "catboost":
        from catboost import CatBoostClassifier
        return CatBoostClassifier(thread_count=threads, cat_features=categorical, verbose=False, allow_writing_files=False)
    if peer == "lightgbm":
        from lightgbm import LGBMClassifier
        return LGBMClassifier(n_jobs=threads, verbose=-1)
    from xgboost import XGBClassifier
    return XGBClassifier(n_jobs=threads, enable_categorical=True)


def run_peer(options, name, peer):
    """In a process of its own; prints the result."""
    import pandas
    from sklearn.metrics import log_loss, roc_auc_score
    _, delimiter, label, positive, leaks = TABLES[name]
    before, start = seconds_of(resource.getrusage(resource.RUSAGE_SELF)), time.time()
    train, test = (pandas.read_csv(os.path.join(options.work, name, part + ".csv"), sep=delimiter, low_memory=False)
                   for part in ("train", "test"))
    labels, test_labels = ((table.pop(label).astype(str) == positive).astype(int) for table in (train, test))
    train, test = train.drop(columns=leaks), test.drop(columns=leaks)
    # XGBoost refuses some characters in names, LightGBM others.
    train.columns = test.columns = [f"c{i}" for i in range(train.shape[1])]
    categorical = [column for column in train.columns if not pandas.api.types.is_numeric_dtype(train[column]) or
                   pandas.api.types.is_bool_dtype(train[column])]
    for column in categorical:
        if peer == "catboost":
            train[column], test[column] = train[column].astype(str), test[column].astype(str)
        else:
            seen = pandas.CategoricalDtype(train[column].dropna().unique())
            train[column], test[column] = train[column].astype(seen), test[column].astype(seen)
    scores = classifier(peer, options.threads, categorical).fit(train, labels).predict_proba(test)[:, 1]
    seconds, cpu = time.time() - start, seconds_of(resource.getrusage(resource.RUSAGE_SELF)) - before
    print(json.dumps([{"table": name, "who": peer, "auc": roc_auc_score(test_labels, scores),
                       "logloss": log_loss(test_labels, scores), "seconds": seconds, "cpu": cpu}]))


def into_environment(options):
    """Goes on in WORK/venv, which is made where it isn't there."""
    python = os.path.join(options.work, "venv", "bin", "python")
    if os.path.abspath(sys.prefix) == os.path.abspath(os.path.join(options.work, "venv")):
        return
    done = os.path.join(options.work, "venv", "installed")
    wanted = "\n".join(PACKAGES)
    if not os.path.exists(done) or open(done, encoding="utf-8").read() != wanted:
        subprocess.run([sys.executable, "-m", "venv", os.path.join(options.work, "venv")], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", *PACKAGES], check=True)
        with open(done, "w", encoding="utf-8") as file:
            file.write(wanted)
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


def print_table(results, names):
    print("\n| table | " + " | ".join(["tandem student", "tandem teacher", *PEERS]) + " |\n|" + "---|" * (len(PEERS) + 3))
    for name in names:
        cells = []
        for who in ["tandem student", "tandem teacher", *PEERS]:
            one = next(r for r in results if r["table"] == name and r["who"] == who)
            cells.append(f"{one['auc']:.4f} {one['logloss']:.4f}, {one['seconds']:.1f} s (cpu {one['cpu']:.1f})")
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default="build/tandem")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--work", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tables; all unless named")
    options = parser.parse_args()
    names = options.names or list(TABLES)
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    os.makedirs(options.work, exist_ok=True)
    into_environment(options)
    if options.one:
        run_peer(options, names[0], options.one)
        return
    results_path = os.path.join(options.work, "results.jsonl")
    results = []
    if os.path.exists(results_path):
        with open(results_path, encoding="utf-8") as file:
            results = [json.loads(line) for line in file]
    for name in names:
        split(options, name)
        for who in ["tandem", *PEERS]:
            if any(r["table"] == name and r["who"].startswith(who) for r in results):
                continue
            if who == "tandem":
                found = run_tandem(options, name)
            else:
                done = subprocess.run([sys.executable, os.path.abspath(__file__), f"--work={options.work}",
                                       f"--threads={options.threads}", f"--one={who}", name],
                                      stdout=subprocess.PIPE, text=True, check=True)
                found = json.loads(done.stdout.strip().split("\n")[-1])
            with open(results_path, "a", encoding="utf-8") as file:
                for one in found:
                    print(json.dumps(one), flush=True)
                    file.write(json.dumps(one) + "\n")
            results += found
    print_table(results, names)


if __name__ == "__main__":
    main()
