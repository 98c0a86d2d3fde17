#!/usr/bin/env python3
"""Tandem as `init` sets it up beside others with their defaults: the same tables, splits and cores.

    bench/install_peers.sh --tables /opt/tandem-peers
    bench/first_hour_peers.py --data=../shared/data --work=/tmp/first-hour-peers [--threads=2] [NAME ...]
    bench/first_hour_peers.py --work=/tmp/first-hour-peers --peers=tandem,catboost hotel

For every table (bench/tables.py) a random fifth of the rows is the test. Tandem: `init`, `train`, `evaluate` with nothing changed. The others
as they are constructed without arguments but for the threads, or where a library has no such thing, by what it documents:

catboost, lightgbm, xgboost    columns that pandas reads as numbers are numbers, the others categorical by the library's own means, a category
                that training hasn't seen is a missing one (CatBoost: itself)
realmlp         pytabkit's RealMLP_TD_Classifier, its categories as they are, and its own validation part
deepctr_*       DeepCTR-Torch by the example of its guide: label-encoded categories, numbers scaled to 0..1, vectors of 4, adagrad, batch 32, 10 passes
fuxictr_*       FuxiCTR by the `_default` template of its model zoo: vectors of 40, MLP 300-300-300, CIN 16-16-16, Adam 1e-3, batch 10,000, at most
                100 passes, the best by a tenth of the rows, standardised numbers. The zoo isn't part of its package: the models are put
                together here, as it does, from the package's layers.

Nobody stops by, or chooses with, the test rows. Each is a process of its own, so that `seconds` (wall clock) and `cpu` (processor
time) are those of reading, learning and scoring the test rows. A line is printed, and kept in WORK/results.jsonl, for every run: one that is
there is not run again. At the end a table: AUC, log loss, seconds.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

import tables

NAMES = ["bank", "coupon", "hotel"]
PEERS = ["catboost", "lightgbm", "xgboost", "realmlp", "deepctr_deepfm", "deepctr_xdeepfm", "fuxictr_deepfm", "fuxictr_xdeepfm"]


def seconds_of(usage):
    return usage.ru_utime + usage.ru_stime


def run_tandem(options, name):
    folder = tables.folder(options.work, name)
    subprocess.run(["rm", "-rf", f"{folder}/run", f"{folder}/experiment.pbtxt"], check=True)
    init, train, test = tables.tandem_commands(options.work, name)
    before, start = seconds_of(resource.getrusage(resource.RUSAGE_CHILDREN)), time.time()
    for command in (["init", *init],
                    ["train", f"--config={folder}/experiment.pbtxt", f"--run_dir={folder}/run", *train, f"runtime.threads={options.threads}"],
                    ["evaluate", f"--model={folder}/run", test, "--format=json"]):
        done = subprocess.run([options.tandem, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{options.tandem} {' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    seconds, cpu = time.time() - start, seconds_of(resource.getrusage(resource.RUSAGE_CHILDREN)) - before
    found = json.loads(done.stdout)
    return [{"table": name, "who": f"tandem {tower}", "auc": found[tower]["auc"], "logloss": found[tower]["logloss"],
             "seconds": seconds, "cpu": cpu} for tower in ("student", "teacher")]


# ---- the peers: scores of the test rows


def trees(peer, threads, train, labels, test, categorical):
    tables.with_categories(train, test, categorical, as_text=peer == "catboost")
    if peer == "catboost":
        from catboost import CatBoostClassifier
        model = CatBoostClassifier(thread_count=threads, cat_features=categorical, verbose=False, allow_writing_files=False)
    elif peer == "lightgbm":
        from lightgbm import LGBMClassifier
        model = LGBMClassifier(n_jobs=threads, verbose=-1)
    else:
        from xgboost import XGBClassifier
        model = XGBClassifier(n_jobs=threads, enable_categorical=True)
    return model.fit(train, labels).predict_proba(test)[:, 1]


def realmlp(threads, train, labels, test, categorical):
    from pytabkit import RealMLP_TD_Classifier
    numbers = [column for column in train.columns if column not in categorical]
    # It refuses numbers that are missing.
    train[numbers], test[numbers] = (table[numbers].astype(float).fillna(train[numbers].mean()) for table in (train, test))
    train[categorical], test[categorical] = train[categorical].astype(str), test[categorical].astype(str)
    model = RealMLP_TD_Classifier(device="cpu", n_threads=threads, random_state=0)
    return model.fit(train, labels.to_numpy(), cat_col_names=categorical).predict_proba(test)[:, 1]


def deepctr(model, threads, train, labels, test, categorical):
    import pandas
    import torch
    from deepctr_torch.inputs import DenseFeat, SparseFeat, get_feature_names
    from deepctr_torch.models import DeepFM, xDeepFM
    from sklearn.preprocessing import LabelEncoder, MinMaxScaler
    torch.set_num_threads(threads)
    numbers = [column for column in train.columns if column not in categorical]
    # As its example does it: encoders are fitted on all rows, which have no labels here.
    both = pandas.concat([train, test])
    both[categorical] = both[categorical].astype(str)
    both[numbers] = both[numbers].astype(float).fillna(0)
    for column in categorical:
        both[column] = LabelEncoder().fit_transform(both[column])
    if numbers:
        both[numbers] = MinMaxScaler(feature_range=(0, 1)).fit_transform(both[numbers])
    columns = [SparseFeat(column, vocabulary_size=int(both[column].max()) + 1, embedding_dim=4) for column in categorical]
    columns += [DenseFeat(column, 1) for column in numbers]
    inputs = [{name: part[name].to_numpy() for name in get_feature_names(columns)} for part in (both[:len(train)], both[len(train):])]
    net = (DeepFM if model == "deepfm" else xDeepFM)(columns, columns, task="binary", l2_reg_embedding=1e-5, device="cpu")
    net.compile("adagrad", "binary_crossentropy", metrics=["binary_crossentropy", "auc"])
    net.fit(inputs[0], labels.to_numpy(), batch_size=32, epochs=10, validation_split=0.0, verbose=0)
    return net.predict(inputs[1], 256).ravel()


def fuxictr(model, threads, work, train, labels, test, categorical):
    import numpy
    import torch
    from fuxictr.features import FeatureMap
    from fuxictr.pytorch import layers
    from fuxictr.pytorch.dataloaders.npz_dataloader import NpzDataLoader
    from fuxictr.pytorch.models import BaseModel
    from fuxictr.pytorch.torch_utils import seed_everything
    torch.set_num_threads(threads)
    seed_everything(2019)
    features = FeatureMap("table", work)
    features.labels, features.default_emb_dim = ["label"], 40
    for column in train.columns:
        if column in categorical:
            # 0 pads; the last one is what training hasn't seen.
            known = {value: 1 + k for k, value in enumerate(train[column].astype(str).unique())}
            for table in (train, test):
                table[column] = table[column].astype(str).map(known).fillna(len(known) + 1).astype(int)
            features.features[column] = {"source": "", "type": "categorical", "padding_idx": 0, "vocab_size": len(known) + 2}
        else:
            mean, deviation = train[column].mean(), max(train[column].std(), 1e-6)
            for table in (train, test):
                table[column] = ((table[column] - mean) / deviation).fillna(0)
            features.features[column] = {"source": "", "type": "numeric"}
    features.num_fields = len(features.features)
    features.set_column_index()
    held_out = numpy.random.RandomState(2019).rand(len(train)) < 0.1
    loaders = {}
    for part, table, targets in (("train", train[~held_out], labels[~held_out]), ("valid", train[held_out], labels[held_out]),
                                 ("test", test, numpy.zeros(len(test)))):
        path = os.path.join(work, f"fuxictr-{part}.npz")
        numpy.savez(path, label=numpy.asarray(targets), **{column: table[column].to_numpy() for column in table.columns})
        loaders[part] = NpzDataLoader(features, path, batch_size=10000, shuffle=part == "train", num_workers=0)

    class Net(BaseModel):
        def __init__(self):
            super().__init__(features, model_id=model, gpu=-1, monitor={"AUC": 1, "logloss": -1}, monitor_mode="max", early_stop_patience=2, verbose=0,
                             model_root=work, metrics=["logloss", "AUC"])
            self.vectors = layers.FeatureEmbedding(features, 40)
            self.mlp = layers.MLP_Block(input_dim=features.sum_emb_out_dim(), output_dim=1, hidden_units=[300] * 3, hidden_activations="relu",
                                        output_activation=None, dropout_rates=0, batch_norm=False)
            self.fm = layers.FactorizationMachine(features) if model == "deepfm" else None
            self.linear = None if self.fm else layers.LogisticRegression(features, use_bias=False)
            self.cin = None if self.fm else layers.CompressedInteractionNet(features.num_fields, [16] * 3, output_dim=1)
            self.compile("adam", "binary_crossentropy", 1e-3)
            self.reset_parameters()

        def forward(self, inputs):
            x = self.get_inputs(inputs)
            vectors = self.vectors(x)
            logit = self.mlp(vectors.flatten(start_dim=1))
            logit = logit + (self.fm(x, vectors) if self.fm else self.linear(x) + self.cin(vectors))
            return {"y_pred": self.output_activation(logit)}

    os.makedirs(os.path.join(work, "table"), exist_ok=True)
    net = Net()
    net.fit(loaders["train"], epochs=100, validation_data=loaders["valid"])
    return net.predict(loaders["test"])


def run_peer(options, name, peer):
    """In a process of its own; prints the result."""
    from sklearn.metrics import log_loss, roc_auc_score
    before, start = seconds_of(resource.getrusage(resource.RUSAGE_SELF)), time.time()
    train, labels, test, test_labels, categorical = tables.read(options.work, name)
    library, _, model = peer.partition("_")
    if library == "realmlp":
        scores = realmlp(options.threads, train, labels, test, categorical)
    elif library == "deepctr":
        scores = deepctr(model, options.threads, train, labels, test, categorical)
    elif library == "fuxictr":
        scores = fuxictr(model, options.threads, tables.folder(options.work, name), train, labels, test, categorical)
    else:
        scores = trees(peer, options.threads, train, labels, test, categorical)
    seconds, cpu = time.time() - start, seconds_of(resource.getrusage(resource.RUSAGE_SELF)) - before
    print(json.dumps([{"table": name, "who": peer, "auc": roc_auc_score(test_labels, scores),
                       "logloss": log_loss(test_labels, scores.astype(float)), "seconds": seconds, "cpu": cpu}]))


def print_table(results, names, peers):
    whos = [who for peer in peers for who in (["tandem student", "tandem teacher"] if peer == "tandem" else [peer])]
    print("\n| | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for who in whos:
        cells = []
        for name in names:
            one = next((r for r in results if r["table"] == name and r["who"] == who), None)
            cells.append(f"{one['auc']:.4f} {one['logloss']:.4f}, {one['seconds']:.0f} s (cpu {one['cpu']:.0f})" if one else "failed")
        print(f"| {who} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default=os.path.join(tables.ROOT, "build", "tandem"))
    parser.add_argument("--python", default="/opt/tandem-peers/venv/bin/python", help="of bench/install_peers.sh --tables")
    parser.add_argument("--data", default=os.path.join(tables.ROOT, "..", "shared", "data"))
    parser.add_argument("--work", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default=",".join(["tandem", *PEERS]), help="who is measured, of %(default)s")
    parser.add_argument("--one", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tables; bank, coupon and hotel unless named")
    options = parser.parse_args()
    tables.enter(options.python)
    names, peers = options.names or NAMES, options.peers.split(",")
    known = [*tables.TABLES, "tandem", *PEERS]
    unknown = [name for name in names if name not in tables.TABLES] + [peer for peer in peers if peer not in known]
    if unknown:
        parser.error(f"no table or peer {', '.join(unknown)}; there are {', '.join(known)}")
    if options.one:
        run_peer(options, names[0], options.one)
        return
    os.makedirs(options.work, exist_ok=True)
    path = os.path.join(options.work, "results.jsonl")
    results = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            results = [json.loads(line) for line in file]
    for name in names:
        tables.split(options.data, options.work, name)
        for who in peers:
            if any(r["table"] == name and r["who"].split()[0] == who for r in results):
                continue
            if who == "tandem":
                found = run_tandem(options, name)
            else:
                done = subprocess.run([sys.executable, os.path.abspath(__file__), f"--work={options.work}", f"--python={options.python}",
                                       f"--threads={options.threads}", f"--one={who}", name], stdout=subprocess.PIPE, text=True, check=False)
                if done.returncode:
                    print(f"first_hour_peers.py: {who} on {name} failed", file=sys.stderr, flush=True)
                    continue
                found = json.loads(done.stdout.strip().split("\n")[-1])
            with open(path, "a", encoding="utf-8") as file:
                for one in found:
                    print(json.dumps(one), flush=True)
                    file.write(json.dumps(one) + "\n")
            results += found
    print_table(results, names, peers)


if __name__ == "__main__":
    main()
