#!/usr/bin/env python3
"""Is the student of a committee ahead of every single model? Seven data sets, several seeds.

    bench/committee_table.py --tandem=build/tandem --data=../shared/data --work=/tmp/committee-table [--seeds=5] [NAME ...]

For every data set: a committee and its student as `tandem init` asks for them (Frappe, MovieLens: configs/committee/; synthetic: its
configs/committee/ over what `init` says of the columns), with --seeds seeds; and the best single model. Single models are those of SINGLES, trained alone with the same tables, rates and stopping; one
seed of each is scored on validation rows, and the ones with the best AUC and the best log loss there are then trained with all seeds,
as the committee is, and scored on the test rows. With --widths the committee's student has these widths besides. Where the log names
users, the test rows of those whom the training rows hold are scored apart from the others'. Test rows choose nothing. A line is printed, and kept in WORK/results.jsonl, for
every training: one that is there is not run again. At the end a table: mean and deviation over seeds.

Data sets: frappe, adult, hotel, bank, coupon (the last three: a fifth of the rows for the test, at random), movielens (30 days to
2000-12-01, the seven days after it), synthetic (31 days of `tandem synth`, more rows of the last one). One thread; `seconds` are
processor time of the training. Standard library only.
"""
import argparse
import csv
import glob
import gzip
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys

TABLES = {  # archive in --data, delimiter, label, positive text, columns that leak
    "hotel": ("hotel-bookings/hotel_bookings.csv.gz", ",", "is_canceled", "1", ["reservation_status", "reservation_status_date"]),
    "bank": ("uci-bank-marketing/bank-additional-full.csv.gz", ";", "y", "yes", ["duration"]),
    "coupon": ("uci-coupon/in-vehicle-coupon-recommendation.csv.gz", ";", "Y", "1", []),
}
FEWEST_ROWS = 1000  # of a part of the test rows that has figures of its own
NAMES = ["frappe", "adult", "hotel", "bank", "coupon", "movielens", "synthetic"]
DEEPFM = "linear: true interaction { fm {} } combine: PARALLEL"
XDEEPFM = "linear: true interaction { cin { layers: [32, 32] } } combine: PARALLEL"
DCN = "interaction { cross { layers: 2 rank: 32 } } combine: PARALLEL"


def mlp(hidden, dropout):
    return f"mlp {{ hidden: {hidden} dropout: {dropout} NORMALIZE }}"


SINGLES = {f"{'-'.join(map(str, hidden))} dropout {dropout}": mlp(hidden, dropout)
           for hidden in ([32, 16], [64, 32], [128, 64], [256, 128]) for dropout in (0, 0.2)}
SINGLES.update({
    "DeepFM 64-32 dropout 0": f"{DEEPFM} {mlp([64, 32], 0)}",
    "DeepFM 128-64 dropout 0.2": f"{DEEPFM} {mlp([128, 64], 0.2)}",
    "xDeepFM 128-64 dropout 0.2": f"{XDEEPFM} {mlp([128, 64], 0.2)}",
    "DCN-v2 128-64 dropout 0.2": f"{DCN} {mlp([128, 64], 0.2)}",
})


class Bench:
    def __init__(self, options):
        self.options = options
        self.tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.results_path = os.path.join(options.work, "results.jsonl")
        self.results = {}
        if os.path.exists(self.results_path):
            with open(self.results_path, encoding="utf-8") as file:
                for line in file:
                    result = json.loads(line)
                    self.results[(result["set"], result["what"], result["seed"], result["rows"])] = result

    def tandem(self, *words):
        done = subprocess.run([self.options.tandem, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              cwd=self.options.work)
        if done.returncode not in (0, 5):
            sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-1000:]}")
        return done.stdout

    def figures(self, run, test):
        metrics = json.loads(self.tandem("evaluate", f"--model={run}", f"--input={test}", "--format=json"))
        return {tower: [round(metrics[tower][figure], 5) for figure in ("auc", "logloss", "copc")] for tower in ("teacher", "student")
                if metrics.get(tower)}

    def score(self, name, what, seed, rows, train, test, parts=None):
        """Trains with `train` (arguments), evaluates on `test`, and on its `parts` (name -> path); the result as it is kept."""
        key = (name, what, seed, rows)
        if key in self.results:
            return self.results[key]
        run = os.path.join(self.options.work, f"run-{os.getpid()}")
        shutil.rmtree(run, ignore_errors=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.tandem("train", f"--run_dir={run}", *train, f"train.seed={seed}", "runtime.threads=1")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = self.figures(run, test)
        of_parts = {part: self.figures(run, path) for part, path in (parts or {}).items()}
        shutil.rmtree(run, ignore_errors=True)
        result = {"set": name, "what": what, "seed": seed, "rows": rows,
                  "seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)}
        result.update(figures)
        if of_parts:
            result["parts"] = of_parts
        self.results[key] = result
        with open(self.results_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)
        return result


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        head = next(file)
        column = head.rstrip("\n").split("\t").index("user")
        for line in file:
            yield head, line.rstrip("\n").split("\t")[column], line


def seen_and_unseen(bench, name, learned, tested):
    """The test rows of users whom the learned files hold, and the others': name -> path. Without parts of too few rows for a figure."""
    users = {user for path in learned for _, user, _ in rows_of(path)}
    parts = {part: os.path.join(bench.options.work, f"{name}-{part}.tsv.gz") for part in ("seen", "unseen")}
    files = {part: gzip.open(path, "wt", encoding="utf-8", compresslevel=1) for part, path in parts.items()}
    rows = dict.fromkeys(parts, 0)
    for path in tested:
        for head, user, line in rows_of(path):
            part = "seen" if user in users else "unseen"
            if rows[part] == 0:
                files[part].write(head)
            rows[part] += 1
            files[part].write(line)
    for file in files.values():
        file.close()
    return {part: path for part, path in parts.items() if rows[part] >= FEWEST_ROWS}


def write_table(bench, name):
    """train.csv, test.csv; and fit.csv, valid.csv, which are the rows of the first one."""
    archive, delimiter, _, _, _ = TABLES[name]
    folder = os.path.join(bench.options.work, name)
    os.makedirs(folder, exist_ok=True)
    with gzip.open(os.path.join(bench.options.data, archive), "rt", encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    head, rows = rows[0], rows[1:]
    random.Random(11).shuffle(rows)
    tested, valid = len(rows) // 5, len(rows) // 8
    for part, some in (("test", rows[:tested]), ("train", rows[tested:]), ("valid", rows[tested:tested + valid]),
                       ("fit", rows[tested + valid:])):
        with open(os.path.join(folder, part + ".csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows([head] + some)
    return folder


def of_table(bench, name):
    _, _, label, positive, leaks = TABLES[name]
    folder = write_table(bench, name)
    words = [f"--label={label}"] + ([f"--positive={positive}"] if positive != "1" else []) + ([f"--drop={','.join(leaks)}"] if leaks else [])
    bench.tandem("init", f"--input={folder}/train.csv", f"--output={folder}/init.pbtxt", "--force", *words)
    return {"config": f"{folder}/init.pbtxt", "train": [], "test": f"{folder}/test.csv",
            "fit": [f"data.path={folder}/fit.csv"], "valid": f"{folder}/valid.csv"}


def of_adult(bench):
    folder = os.path.join(bench.options.work, "adult")
    source = os.path.join(bench.options.data, "uci-adult")
    prepare = os.path.join(bench.tree, "tools", "prepare_adult.py")
    for part, percent in (("whole", 0), ("cut", 20)):
        subprocess.run([prepare, f"--input={source}", f"--output={folder}-{part}", f"--valid_percent={percent}"], check=True,
                       stdout=subprocess.DEVNULL)
    bench.tandem("init", f"--input={folder}-whole/train.tsv.gz", "--label=label", f"--output={folder}.pbtxt", "--force")
    return {"config": f"{folder}.pbtxt", "train": [], "test": f"{folder}-whole/test.tsv.gz",
            "fit": [f"data.path={folder}-cut/train.tsv.gz"], "valid": f"{folder}-cut/valid.tsv.gz"}


def of_frappe(bench):
    folder = os.path.join(bench.options.work, "frappe-tsv")
    subprocess.run([os.path.join(bench.tree, "tools", "prepare_frappe.py"), f"--input={bench.options.data}/frappe", f"--output={folder}"],
                   check=True, stdout=subprocess.DEVNULL)
    configs = os.path.join(bench.tree, "configs")
    return {"config": f"{configs}/frappe.pbtxt,{configs}/committee/frappe.pbtxt", "train": [], "test": f"{folder}/test.tsv.gz",
            "fit": [], "valid": f"{folder}/valid.tsv.gz", "normalize": True,
            "parts": seen_and_unseen(bench, "frappe", [f"{folder}/train.tsv.gz"], [f"{folder}/test.tsv.gz"])}


def of_movielens(bench):
    folder = os.path.join(bench.options.work, "movielens")
    subprocess.run([os.path.join(bench.tree, "tools", "prepare_movielens.py"), f"--input={bench.options.data}/ml-1m-part",
                    f"--output={folder}"], check=True, stdout=subprocess.DEVNULL)
    days = sorted(glob.glob(f"{folder}/*.tsv.gz"))
    first_tested = os.path.join(folder, "2000-12-02")
    parts = seen_and_unseen(bench, "movielens", [day for day in days if day < first_tested], glob.glob(f"{folder}/2000-12-0[2-8].tsv.gz"))
    configs = os.path.join(bench.tree, "configs")
    return {"config": f"{configs}/movielens.pbtxt,{configs}/committee/movielens.pbtxt", "train": ["--end_date=2000-12-01"],
            "test": f"{folder}/2000-12-0[2-8].tsv.gz", "parts": parts, "fit": ["--end_date=2000-11-20"], "valid": f"{folder}/2000-11-2[1-7].tsv.gz"}


def of_synthetic(bench):
    folder = os.path.join(bench.options.work, "synthetic")
    if not os.path.exists(folder):
        bench.tandem("synth", f"--output={folder}", "--rows_per_day=5000", "--holdout_rows=40000")
    bench.tandem("init", f"--input={folder}/{{date}}.tsv.gz", "--label=label", f"--output={folder}.pbtxt", "--force")
    days = sorted(entry[:10] for entry in os.listdir(folder) if entry.startswith("20"))
    parts = seen_and_unseen(bench, "synthetic", [f"{folder}/{day}.tsv.gz" for day in days], [f"{folder}/holdout.tsv.gz"])
    committee = os.path.join(bench.tree, "configs", "committee", "synthetic.pbtxt")
    return {"config": f"{folder}.pbtxt,{committee}", "train": [f"--end_date={days[-1]}"], "test": f"{folder}/holdout.tsv.gz", "parts": parts,
            "fit": [f"--end_date={days[-3]}"], "valid": f"{folder}/{days[-2]}.tsv.gz"}


def prepare(bench, name):
    if name in TABLES:
        return of_table(bench, name)
    return {"adult": of_adult, "frappe": of_frappe, "movielens": of_movielens, "synthetic": of_synthetic}[name](bench)


def single_config(bench, name, data, what):
    """The committee's configuration with one model in its place."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in what)
    path = os.path.join(bench.options.work, f"{name}-single-{safe}.pbtxt")
    tower = SINGLES[what].replace("NORMALIZE", "normalize_input: true" if data.get("normalize") else "")
    with open(path, "w", encoding="utf-8") as file:
        file.write('clear: "model"\n' + f"model {{ method: STUDENT_ALONE student {{ {tower} }} }}\n")
    return f"{data['config']},{path}"


def choose(bench, name, data):
    """The single models with the best AUC, and the best log loss, on the validation rows."""
    scored = {}
    for what in SINGLES:
        config = f"--config={single_config(bench, name, data, what)}"
        scored[what] = bench.score(name, what, 1, "valid", [config, *data["fit"]], data["valid"])["student"]
    return max(scored, key=lambda what: scored[what][0]), min(scored, key=lambda what: scored[what][1])


def measure(bench, names):
    sets = {name: prepare(bench, name) for name in names}
    chosen = {name: choose(bench, name, data) for name, data in sets.items()}
    for seed in range(1, bench.options.seeds + 1):
        for name, data in sets.items():
            parts = data.get("parts")
            whole = [f"--config={data['config']}", *data["train"]]
            bench.score(name, "committee", seed, "test", whole, data["test"], parts)
            for width in bench.options.widths:
                bench.score(name, of_width(width), seed, "test", [*whole, f"model.student.mlp.hidden={width.replace('-', ',')}"], data["test"], parts)
            for what in sorted(set(chosen[name])):
                config = f"--config={single_config(bench, name, data, what)}"
                bench.score(name, what, seed, "test", [config, *data["train"]], data["test"], parts)
    return chosen


def of_width(width):
    return f"committee, student {width}"


def over_seeds(bench, name, what, tower, part=None):
    figures = [bench.results[(name, what, seed, "test")] for seed in range(1, bench.options.seeds + 1)]
    values = list(zip(*((figure["parts"][part] if part else figure)[tower] for figure in figures)))
    deviations = [statistics.stdev(value) if len(value) > 1 else 0 for value in values]
    return [statistics.mean(value) for value in values], deviations, statistics.median(figure["seconds"] for figure in figures)


def table(bench, names, chosen):
    print(f"\nMean and deviation over {bench.options.seeds} seeds: AUC, log loss (COPC). `ahead`: of the best single model, AUC, in "
          "deviations of the two together; `share`: of the committee's gain over it.\n")
    print("| data | committee | its student | best single by AUC | by log loss | ahead | share | processor s: committee + student, single |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        committee, committee_sd, seconds = over_seeds(bench, name, "committee", "teacher")
        student, student_sd, _ = over_seeds(bench, name, "committee", "student")
        by_auc, by_auc_sd, alone = over_seeds(bench, name, chosen[name][0], "student")
        by_loss, by_loss_sd, _ = over_seeds(bench, name, chosen[name][1], "student")
        gain = student[0] - by_auc[0]
        deviation = (student_sd[0] ** 2 + by_auc_sd[0] ** 2) ** 0.5
        best = committee[0] - by_auc[0]
        figures = [cell(committee, committee_sd), cell(student, student_sd)]
        print(f"| {name} | {figures[0]} | {figures[1]} | {chosen[name][0]}: {by_auc[0]:.4f} ± {by_auc_sd[0]:.4f} | "
              f"{chosen[name][1]}: {by_loss[1]:.4f} ± {by_loss_sd[1]:.4f} | {gain:+.4f}, {gain / deviation if deviation > 0 else 0:.1f} | "
              f"{gain / best if best > 0 else 0:.0%} | {seconds:.0f}, {alone:.0f} |")


def cell(mean, deviation):
    return f"{mean[0]:.4f} ± {deviation[0]:.4f} {mean[1]:.4f} ± {deviation[1]:.4f} ({mean[2]:.3f})"


def more_tables(bench, names, chosen):
    if bench.options.widths:
        print("\n| the student | " + " | ".join(bench.options.widths) + " |\n|---" + "|---" * len(bench.options.widths) + "|")
        for name in names:
            print(f"| {name} | " + " | ".join(cell(*over_seeds(bench, name, of_width(width), "student")[:2]) for width in bench.options.widths) + " |")
    print("\n| users | committee | its student | best single by AUC |\n|---|---|---|---|")
    for name in names:
        for part in ("seen", "unseen"):
            # Kept by an earlier program, or a log without users.
            if part not in bench.results[(name, "committee", 1, "test")].get("parts", {}):
                continue
            of = [("committee", "teacher"), ("committee", "student"), (chosen[name][0], "student")]
            print(f"| {name}, {part} | " + " | ".join(cell(*over_seeds(bench, name, what, tower, part)[:2]) for what, tower in of) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default="build/tandem")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--work", default="/tmp/committee-table")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--widths", default="", help="of the student besides, e.g. 16-8,32-16,64-32,128-64: a training of all for each")
    parser.add_argument("name", nargs="*", choices=[[], *NAMES])
    options = parser.parse_args()
    options.tandem, options.data, options.work = map(os.path.abspath, (options.tandem, options.data, options.work))
    options.widths = options.widths.split(",") if options.widths else []
    os.makedirs(options.work, exist_ok=True)
    bench = Bench(options)
    names = options.name or NAMES
    chosen = measure(bench, names)
    table(bench, names, chosen)
    more_tables(bench, names, chosen)


if __name__ == "__main__":
    main()
