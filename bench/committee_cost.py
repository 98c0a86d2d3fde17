#!/usr/bin/env python3
"""What does a committee cost? Training beside one xDeepFM, memory an id and checkpoints by how rows are shared, side by side beside K tables.

    bench/committee_cost.py --tandem=build/tandem --data=../shared/data --work=/tmp/committee-cost [--repeats=3] [--only=training,...]

training: processor time of one xDeepFM with ReLU in its CIN (the data set's configuration, TEACHER_ALONE), of a committee of five students
(configs/committee's, TEACHER_ALONE), and of that with its student and the student's phase; all of their passes, and one pass.
rows: five members on rows that hold their vectors side by side, on one shared row, and five models with a table each: what an id
takes in training (floats with the optimizer's slots), in the checkpoint, and the whole checkpoint.
speed: a pass over a synthetic log with many ids, side by side and as five runs: processor seconds of all of it, and by --profile
the time of the stages that the rows have a part in (find and merge, gather, update), for which no one else may use the machine.

Runs of a comparison go in turns, one thread each; a figure is the median over --repeats of each turn's ratio. Standard library only.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEMBERS = 5
SECTIONS = ["training", "rows", "speed"]
MANY_IDS = """
data { path: "LOG/{date}.tsv.gz" delimited { delimiter: "\\t" header: true } label: "label" }
FEATURES
embedding { dim: 8 optimizer { adam { lr: 0.002 } } }
model { method: TEACHER_ALONE }
train { batch_size: 512 window_days: 30 }
"""
# Of the synthetic log; all others are left out.
MANY_IDS_FIELDS = ["user", "item", "category", "brand", "query", "campaign", "site", "device", "city", "segment"]
TOWER = "mlp { hidden: [32, 16] }"
STAGES = {"resolve": "find and merge", "gather": "gather", "embedding_update": "update"}


class Bench:
    def __init__(self, options):
        self.options = options

    def tandem(self, *words):
        done = subprocess.run([self.options.tandem, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              cwd=self.options.work)
        if done.returncode not in (0, 5):
            sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-1000:]}")
        return done.stdout

    def config(self, name, text):
        path = os.path.join(self.options.work, name + ".pbtxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def train(self, *words):
        """Trains on one thread; (processor seconds, the run's folder)."""
        run = os.path.join(self.options.work, "run")
        shutil.rmtree(run, ignore_errors=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.tandem("train", f"--run_dir={run}", *words, "runtime.threads=1", "runtime.log_every_steps=100000")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run

    def in_turns(self, sides):
        """sides: name -> function that gives seconds. name -> (median seconds, median of the ratios to the first side)."""
        seconds = {name: [] for name in sides}
        for _ in range(self.options.repeats):
            for name, side in sides.items():
                seconds[name].append(side())
        first = next(iter(sides))
        return {name: (statistics.median(of), statistics.median(a / b for a, b in zip(of, seconds[first]))) for name, of in seconds.items()}


def bytes_of(folder, part=""):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names if part in name)


def checkpoint(run):
    steps = os.path.join(run, "checkpoints")
    return os.path.join(steps, max(os.listdir(steps)))


def prepare(bench, name):
    """The data set's configuration, the arguments that say where its rows are."""
    folder = os.path.join(bench.options.work, name)
    source = {"frappe": "frappe", "movielens": "ml-1m-part"}[name]
    subprocess.run([os.path.join(ROOT, "tools", f"prepare_{name}.py"), f"--input={bench.options.data}/{source}", f"--output={folder}"], check=True,
                   stdout=subprocess.DEVNULL)
    where = {"frappe": [f"data.path={folder}/train.tsv.gz"],
             "movielens": [f"data.path={folder}/{{date}}.tsv.gz", "--end_date=2000-12-01"]}[name]
    return os.path.join(ROOT, "configs", name + ".pbtxt"), where


def training(bench):
    relu = bench.config("relu", "model { method: TEACHER_ALONE teacher { interaction { cin { layers: 64 layers: 64 activation: RELU } } } }\n")
    alone = bench.config("alone", "model { method: TEACHER_ALONE }\n")
    print(f"\n| processor seconds, in xDeepFMs | one xDeepFM (ReLU) | {MEMBERS} members | with the student and its phase |\n|---|---|---|---|")
    for name in ("frappe", "movielens"):
        base, where = prepare(bench, name)
        committee = os.path.join(ROOT, "configs", "committee", name + ".pbtxt")
        members = bench.config("members", of_members(committee))
        whole = [f"--config={base},{committee},{members}", *where]
        sides = {"xdeepfm": [f"--config={base},{relu}", *where], "members": [f"--config={base},{committee},{members},{alone}", *where], "whole": whole}
        for passes in [f"{passes} pass{'es' if passes == 'all' else ''}" for passes in bench.options.passes.split(",")]:
            one = ["train.epochs=1"] if passes == "one pass" else []
            some = {side: words for side, words in sides.items() if not one or side != "whole"}
            of = bench.in_turns({side: (lambda words=words: bench.train(*words, *one)[0]) for side, words in some.items()})
            cells = [f"{of[side][0]:.1f} s, {of[side][1]:.2f}" if side in of else "" for side in sides]
            print(f"| {name}, {passes} | " + " | ".join(cells) + " |", flush=True)


def of_members(committee):
    """The committee's kinds of members, MEMBERS copies of the first one."""
    with open(committee, encoding="utf-8") as file:
        text = file.read()
    begin = text.index("tower {", text.index("member {"))
    depth, end = 0, text.index("{", begin)
    while True:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
        if depth == 0:
            break
    return f"model {{ committee {{ member {{ copies: {MEMBERS} {text[begin:end]} }} }} }}\n"


def many_ids(bench):
    log = os.path.join(bench.options.work, f"many-ids-{bench.options.vocabulary}")
    if not os.path.exists(log):
        bench.tandem("synth", f"--output={log}", "--days=5", f"--rows_per_day={bench.options.rows_per_day}",
                     f"--vocabulary={bench.options.vocabulary}")
    features = "\n".join(f'feature {{ name: "{field}" sparse {{}} }}' for field in MANY_IDS_FIELDS)
    end = max(name for name in os.listdir(log) if name[:2] == "20")[:10]
    return bench.config("many_ids", MANY_IDS.replace("LOG", log).replace("FEATURES", features)), [f"--end_date={end}"]


def side_by_side(bench, base, where, rows="SIDE_BY_SIDE"):
    config = bench.config("rows-" + rows, f"model {{ committee {{ rows: {rows} member {{ copies: {MEMBERS} tower {{ {TOWER} }} }} }} }}\n")
    return [f"--config={base},{config}", *where]


def alone(bench, base, where, seed):
    config = bench.config("one", f"model {{ teacher {{ {TOWER} }} }}\n")
    return [f"--config={base},{config}", *where, f"train.seed={seed}"]


def rows(bench):
    base, where = many_ids(bench)
    print(f"\n| {MEMBERS} members, Adam, dim 8 | floats an id, with its slots | checkpoint's rows, bytes an id | whole checkpoint, MB |\n|---|---|---|---|")
    for what, runs, floats in (
            ("side by side", [side_by_side(bench, base, where)], 8 * MEMBERS * 3),
            ("one shared vector", [side_by_side(bench, base, where, "SHARED")], 8 * 3),
            (f"{MEMBERS} models, a table each", [alone(bench, base, where, seed) for seed in range(1, MEMBERS + 1)], 8 * MEMBERS * 3)):
        of_rows, whole, ids = 0, 0, 0
        for words in runs:
            saved = checkpoint(bench.train(*words)[1])
            described = json.loads(bench.tandem("inspect", f"--model={saved}", "--format=json"))
            ids = described["teacher"]["embedding_rows"]
            of_rows += bytes_of(saved, "embedding")
            whole += bytes_of(saved)
        print(f"| {what} | {floats} | {of_rows / ids:.0f} | {whole / 1e6:.0f} |", flush=True)


def stages(run):
    with open(os.path.join(run, "profile.json"), encoding="utf-8") as file:
        profile = json.load(file)
    return {STAGES[stage["stage"]]: stage["seconds"] for stage in profile["stages"] if stage["stage"] in STAGES}


def speed(bench):
    base, where = many_ids(bench)
    parts = {"in all": {}, **{name: {} for name in STAGES.values()}}

    def measure(side, every):
        total, of_stages = 0.0, dict.fromkeys(STAGES.values(), 0.0)
        for words in every:
            total += bench.train(*words)[0]
            # A profile begins with the machine's peaks, which isn't training.
            _, run = bench.train(*words, "--profile")
            for name, of in stages(run).items():
                of_stages[name] += of
        for name, value in {"in all": total, **of_stages}.items():
            parts[name].setdefault(side, []).append(value)

    together, apart = [side_by_side(bench, base, where)], [alone(bench, base, where, seed) for seed in range(1, MEMBERS + 1)]
    for _ in range(bench.options.repeats):
        measure("together", together)
        measure("apart", apart)
    print(f"\n| seconds of a pass | {MEMBERS} members side by side | {MEMBERS} models, a table each | times |\n|---|---|---|---|")
    parts["the rows' stages"] = {side: [sum(of) for of in zip(*(parts[name][side] for name in STAGES.values()))] for side in ("together", "apart")}
    for name, of in parts.items():
        ratio = statistics.median(b / a for a, b in zip(of["together"], of["apart"]))
        print(f"| {name} | {statistics.median(of['together']):.2f} | {statistics.median(of['apart']):.2f} | {ratio:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default="build/tandem")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--work", default="/tmp/committee-cost")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--passes", default="one,all", help="of the section `training`")
    parser.add_argument("--vocabulary", type=int, default=1000000)
    parser.add_argument("--rows_per_day", type=int, default=40000)
    parser.add_argument("--only", default="", help="sections: " + ",".join(SECTIONS))
    options = parser.parse_args()
    options.tandem, options.data, options.work = map(os.path.abspath, (options.tandem, options.data, options.work))
    os.makedirs(options.work, exist_ok=True)
    bench = Bench(options)
    for section in options.only.split(",") if options.only else SECTIONS:
        {"training": training, "rows": rows, "speed": speed}[section](bench)


if __name__ == "__main__":
    main()
