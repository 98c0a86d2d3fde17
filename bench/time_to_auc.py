#!/usr/bin/env python3
"""Seconds from a file to the AUC of the better of two untuned baselines: Tandem's `init` and `train` beside boosted trees and a DeepFM.

    bench/install_peers.sh /opt/tandem-peers
    bench/time_to_auc.py --work=/tmp/time-to-auc [--tandem=build/tandem] [--data=../shared/data] [--threads=2] [NAME ...]

The baselines are scikit-learn's logistic regression and histogram gradient boosting (bench/tables.py); the better one's AUC on the test rows
is what is to be reached. A model reaches it at the first of its moments whose model has that AUC on the test rows; the scoring of them isn't
counted, reading the file is. Nobody stops by the test rows in earnest: this says how long one would have had to wait.

Tandem    runs of `init` and `train` that differ in train.epochs alone, from 1 pass up until one whose student, which is what is served,
          reaches it: the time of the whole of that run, its teachers, its student's phase and checkpoints in it. Then the run as `init`
          has it. Both stop by validation rows as they always do.
CatBoost, LightGBM, XGBoost    constructed without arguments but for the threads, one fit; the moment of a tree is when it was learned.
DeepFM    PyTorch: an id a category, a vector for each number, which is standardised; D 16, MLP 400-400, fused Adam 1e-3, batch 256; a
          moment is the end of a pass, of 20 at most. Its first pass and PyTorch's start are in it. One thread: with a second one so
          small a net is slower.

Everything is a process of its own on --threads threads. Seconds are by the clock, and processor seconds behind them: on a machine that
others use only these mean something. Results are kept in WORK/results.jsonl, and not measured again. Tables: see bench/tables.py.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

import tables

PEERS = ["catboost", "lightgbm", "xgboost", "deepfm"]
PASSES = [1, 2, 4, 8, 16, 32]
FLOOR = 5.0  # seconds that nobody waits for


def spent(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class Clock:
    """Seconds since it was made, by the clock and of the processor; `outside` leaves out what is done in it."""

    def __init__(self, who=resource.RUSAGE_CHILDREN):
        self.who, self.left_out = who, [0.0, 0.0]
        self.begin = [time.time(), spent(who)]

    def now(self):
        return [time.time() - self.begin[0] - self.left_out[0], spent(self.who) - self.begin[1] - self.left_out[1]]

    def __enter__(self):
        self.entered = self.now()

    def __exit__(self, *what):
        self.left_out = [out + now - entered for out, now, entered in zip(self.left_out, self.now(), self.entered)]


# ---- Tandem


def tandem(options, *words):
    done = subprocess.run([options.tandem, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{options.tandem} {' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def tandem_run(options, name, overrides):
    """Seconds of init and train, and the towers' AUC."""
    init, train, test = tables.tandem_commands(options.work, name)
    into = tables.folder(options.work, name)
    for old in ("run", "experiment.pbtxt"):
        subprocess.run(["rm", "-rf", os.path.join(into, old)], check=True)
    clock = Clock()
    tandem(options, "init", *init)
    tandem(options, "train", f"--config={into}/experiment.pbtxt", f"--run_dir={into}/run", *train, f"runtime.threads={options.threads}", *overrides)
    seconds = clock.now()
    found = json.loads(tandem(options, "evaluate", f"--model={into}/run", test, "--format=json"))
    return seconds, found["student"]["auc"], found["teacher"]["auc"]


def measure_tandem(options, name, target):
    reached, tried = None, []
    for passes in map(int, options.passes.split(",")):
        seconds, student, teacher = tandem_run(options, name, [f"train.epochs={passes}"])
        tried.append({"passes": passes, "seconds": seconds[0], "cpu": seconds[1], "student": student, "teacher": teacher})
        print(json.dumps({"table": name, **tried[-1]}), file=sys.stderr, flush=True)
        if student >= target:
            reached = {"seconds": seconds[0], "cpu": seconds[1], "after": f"{passes} passes"}
            break
        # More passes than its own validation lets it take change nothing.
        if len(tried) > 2 and abs(tried[-1]["student"] - tried[-2]["student"]) < 1e-9:
            break
    seconds, student, teacher = tandem_run(options, name, [])
    if reached is None and student >= target:
        reached = {"seconds": seconds[0], "cpu": seconds[1], "after": "all passes"}
    return {"who": "tandem", "reached": reached, "seconds": seconds[0], "cpu": seconds[1], "auc": student, "teacher": teacher, "tried": tried}


# ---- peers, each in a process of its own


def staged(options, name, peer, target):
    """Boosted trees: the moments of their trees, then the AUC of so many of them."""
    from sklearn.metrics import roc_auc_score
    clock = Clock(resource.RUSAGE_SELF)
    train, labels, test, test_labels, categorical = tables.read(options.work, name)
    tables.with_categories(train, test, categorical, as_text=peer == "catboost")
    moments = []
    if peer == "catboost":
        from catboost import CatBoostClassifier

        class Stamp:
            def after_iteration(self, info):
                moments.append(clock.now())
                return True

        model = CatBoostClassifier(thread_count=options.threads, cat_features=categorical, verbose=False, allow_writing_files=False)
        model.fit(train, labels, callbacks=[Stamp()])
        scores = lambda trees: model.predict_proba(test, ntree_end=trees)
    elif peer == "lightgbm":
        from lightgbm import LGBMClassifier
        model = LGBMClassifier(n_jobs=options.threads, verbose=-1)
        model.fit(train, labels, callbacks=[lambda environment: moments.append(clock.now())])
        scores = lambda trees: model.predict_proba(test, num_iteration=trees)
    else:
        from xgboost import XGBClassifier
        from xgboost.callback import TrainingCallback

        class Stamp(TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                moments.append(clock.now())
                return False

        model = XGBClassifier(n_jobs=options.threads, enable_categorical=True, callbacks=[Stamp()])
        model.fit(train, labels)
        scores = lambda trees: model.predict_proba(test, iteration_range=(0, trees))
    seconds = clock.now()
    auc = lambda trees: roc_auc_score(test_labels, scores(trees)[:, 1])
    step = max(1, len(moments) // 100)
    first = next((trees for trees in range(step, len(moments) + 1, step) if auc(trees) >= target), None)
    reached = first and {"seconds": moments[first - 1][0], "cpu": moments[first - 1][1], "after": f"{first} trees"}
    return {"who": peer, "reached": reached, "seconds": seconds[0], "cpu": seconds[1], "auc": auc(len(moments))}


def deepfm(options, name, target):
    clock = Clock(resource.RUSAGE_SELF)
    import numpy
    import torch
    from sklearn.metrics import roc_auc_score
    from torch import nn
    sys.path.insert(0, os.path.join(tables.ROOT, "bench", "peers"))
    from models import Model
    torch.manual_seed(1)
    torch.set_num_threads(1)
    train, labels, test, test_labels, categorical = tables.read(options.work, name)
    numbers = [column for column in train.columns if column not in categorical]
    # An id a category, 0 for one that training hasn't seen; a number scales the vector of its only id.
    ids, scales, size = [[], []], [[], []], 0
    for column in train.columns:
        if column in numbers:
            mean, deviation = train[column].mean(), max(train[column].std(), 1e-6)
            for k, table in enumerate((train, test)):
                ids[k].append(numpy.full(len(table), size))
                scales[k].append(((table[column] - mean) / deviation).fillna(0).to_numpy())
            size += 1
        else:
            known = {value: 1 + k for k, value in enumerate(train[column].astype(str).unique())}
            for k, table in enumerate((train, test)):
                ids[k].append(table[column].astype(str).map(known).fillna(0).to_numpy(int) + size)
                scales[k].append(numpy.ones(len(table)))
            size += 1 + len(known)
    ids = [torch.from_numpy(numpy.stack(part, 1)) for part in ids]
    scales = [torch.from_numpy(numpy.stack(part, 1).astype(numpy.float32)).unsqueeze(2) for part in scales]
    targets = torch.from_numpy(labels.to_numpy(numpy.float32))
    table = nn.Embedding(size, 17)
    nn.init.normal_(table.weight, std=0.01)
    model = Model("deepfm", len(train.columns), 0, 16)
    optimizer = torch.optim.Adam([*table.parameters(), *model.parameters()], lr=1e-3, fused=True)
    best, reached = 0, None
    for passes in range(1, 21):
        for rows in torch.randperm(len(targets)).split(256):
            logits = model(table(ids[0][rows]) * scales[0][rows])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with clock, torch.inference_mode():
            parts = range(0, len(test_labels), 4096)
            logits = torch.cat([model(table(ids[1][i:i + 4096]) * scales[1][i:i + 4096]) for i in parts])
            auc = roc_auc_score(test_labels, logits.numpy())
        best = max(best, auc)
        if auc >= target:
            moment = clock.now()
            reached = {"seconds": moment[0], "cpu": moment[1], "after": f"{passes} passes"}
            break
    seconds = clock.now()
    return {"who": "deepfm", "reached": reached, "seconds": seconds[0], "cpu": seconds[1], "auc": best}


# ---- the table


def said(found):
    if found is None:
        return ""
    reached = found["reached"]
    whole = f"{found['auc']:.4f} in {found['seconds']:.1f} s (cpu {found['cpu']:.1f})"
    if not reached:
        return f"not reached: {whole}"
    return f"**{reached['seconds']:.1f} s** (cpu {reached['cpu']:.1f}), {reached['after']}; whole {whole}"


def print_table(options, results, names):
    whos = ["tandem", *options.peers]
    print("\n| table, AUC to reach | " + " | ".join(whos) + " | Tandem by CatBoost's whole time, or 5 s |\n|" + "---|" * (len(whos) + 2))
    for name in names:
        of = {who: results.get((name, who)) for who in whos}
        ours, catboost = of["tandem"], of.get("catboost")
        verdict = ""
        if ours and catboost:
            kind = "cpu" if options.cpu_time else "seconds"
            limit = max(FLOOR, catboost[kind])
            verdict = "yes" if ours["reached"] and ours["reached"][kind] <= limit else "no"
        target = results[name, "baselines"]
        print(f"| {name}, {target['auc']:.4f} ({target['best']}) | " + " | ".join(said(of[who]) for who in whos) + f" | {verdict} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default=os.path.join(tables.ROOT, "build", "tandem"))
    parser.add_argument("--python", default="/opt/tandem-peers/venv/bin/python", help="of bench/install_peers.sh")
    parser.add_argument("--data", default=os.path.join(tables.ROOT, "..", "shared", "data"))
    parser.add_argument("--work", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", default=",".join(map(str, PASSES)), help="train.epochs of Tandem's runs")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--cpu_time", action="store_true", help="the verdict by processor seconds")
    parser.add_argument("--one", nargs=2, metavar=("PEER", "AUC"), help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tables; all unless named")
    options = parser.parse_args()
    tables.enter(options.python)
    names = options.names or list(tables.TABLES)
    options.peers = options.peers.split(",")
    unknown = [name for name in names if name not in tables.TABLES] + [peer for peer in options.peers if peer not in PEERS]
    if unknown:
        parser.error(f"no table or peer {', '.join(unknown)}; there are {', '.join([*tables.TABLES, *PEERS])}")
    if options.one:
        peer, target = options.one[0], float(options.one[1])
        print(json.dumps(deepfm(options, names[0], target) if peer == "deepfm" else staged(options, names[0], peer, target)))
        return
    os.makedirs(options.work, exist_ok=True)
    path = os.path.join(options.work, "results.jsonl")
    results = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            results = {(one["table"], one["who"]): one for one in map(json.loads, file)}

    def keep(name, one):
        results[name, one["who"]] = {"table": name, **one}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(results[name, one["who"]]) + "\n")
        print(json.dumps(results[name, one["who"]]), file=sys.stderr, flush=True)

    for name in names:
        tables.split(options.data, options.work, name)
        if (name, "baselines") not in results:
            found = tables.baselines(options.work, name)
            best = max(found, key=found.get)
            keep(name, {"who": "baselines", "auc": found[best], "best": best})
        target = results[name, "baselines"]["auc"]
        for peer in options.peers:
            if (name, peer) in results:
                continue
            done = subprocess.run([sys.executable, os.path.abspath(__file__), f"--work={options.work}", f"--threads={options.threads}",
                                   f"--python={options.python}", "--one", peer, str(target), "--", name], stdout=subprocess.PIPE, text=True, check=True)
            keep(name, json.loads(done.stdout.strip().split("\n")[-1]))
        if (name, "tandem") not in results:
            keep(name, measure_tandem(options, name, target))
    print_table(options, results, names)


if __name__ == "__main__":
    main()
