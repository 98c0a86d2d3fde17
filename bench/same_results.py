#!/usr/bin/env python3
"""Two builds of Tandem, the same scores: every case is trained and scored with both, and the scores are compared byte for byte.

    bench/same_results.py --before=../before/build/tandem --after=build/tandem
    bench/same_results.py --before=... --after=... replay online       # some cases
    bench/same_results.py --before=... --after=... --kernels=generic
    bench/same_results.py --before=... --after=... --before_source=../before --after_source=.   # the shipped configurations too

What a change of the code's shape must not change. Prints a table, a line a case, and exits 1 when a score differs. A small synthetic log of the
older build's is what all of them read; everything is written under --work (kept when it is named) and two minutes are enough for all cases on
two cores. The cases name settings as they were called when this script began; RENAMED says what newer builds call them, and a build is asked
which name it knows. Standard library only.
"""
import argparse
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# What newer builds call a setting; `key=value` is the same but for the key...
RENAMED = {
    "data.teacher_column": "model.distill.stored_logits.column",
    "train.student_steps": "model.distill.replay.steps",
    "train.replay_batches": "model.distill.replay.batches",
    "train.student_lr_multiplier": "model.distill.lr_multiplier",
    "train.student_phase": "model.distill.phase",
    "model.teacher.slow_embedding": "embedding.slow_copy",
    "model.student.slow_embedding": "embedding.slow_copy",
    # ...or the whole of it is another: a factor became the rate itself.
    "model.student.muon.lr_multiplier=4": "model.student.optimizer.muon.lr=0.004",
}

# Defaults of newer builds that older ones don't have: what they did is named.
NAMED = ["train.first_logit=ZERO"]

FEATURES = """
feature { name: "user" sparse {} }
feature { name: "item" sparse {} }
feature { name: "category" sparse {} }
feature { name: "campaign" sparse {} }
feature { name: "site" sparse {} }
feature { name: "segment" sparse {} }
feature { name: "tags" sparse { multi_valued: true } }
feature { name: "interests" sparse { weighted: true } }
feature { name: "position" sparse {} serving_value: "1" }
feature { name: "price" dense { transform: LOG1P } }
feature { name: "recency" dense { bucketize { boundaries: 4 boundaries: 16 boundaries: 64 boundaries: 256 } } }
"""
SEQUENCE = 'feature { name: "liked" column: "tags" sparse { sequence { max_length: 4 } table: "item" } }\n'
XDEEPFM = 'linear: true interaction { cin { layers: 8 layers: 8 } } combine: PARALLEL'
DCN_V2 = 'interaction { cross { version: V2 layers: 2 } } interaction { cross { version: V2 layers: 1 rank: 3 } } combine: PARALLEL'
BST = 'linear: true interaction { transformer { sequence: "liked" target: "item" heads: 2 hidden: 8 } }'
KITCHEN = 'interaction { fm {} } interaction { cin { layers: 6 activation: RELU split_half: false bias: true } } interaction { cross { version: V1 layers: 2 } }'

BASE = ["data.label=label", "data.key_columns=user,item", "data.group_column=user", "embedding.dim=8", "model.teacher.mlp.hidden=24,12",
        "model.student.mlp.hidden=12,8", "train.window_days=2", "train.batch_size=64", "train.shard_rows=32", "train.shuffle_rows=512",
        "runtime.threads=2"]
SLOW = ["model.teacher.slow_embedding.decay=0.9", "model.student.slow_embedding.decay=0.9", "train.average_decay=0.9"]
REPLAY = SLOW + ["train.student_steps=3", "train.replay_batches=8"]
PHASE = SLOW + ["train.student_phase.fraction=0.5", "train.student_phase.steps_per_row=2", "train.student_phase.lr_multiplier=2",
                "train.student_phase.recombined_batches=2"]
DAILY = ["daily.gate.min_copc=0.2", "daily.gate.max_copc=5", "daily.gate.max_auc_loss=1", "daily.gate.max_logloss_growth=1e6",
         "daily.gate.min_auc=0"]


class Refused(Exception):
    """A command of a build failed."""


class Build:
    """One of the two: its binary, its own names of settings, and a folder of its own for every case."""

    def __init__(self, binary, source, logs, work, kernels):
        self.binary, self.source, self.logs, self.kernels = os.path.abspath(binary), source, logs, kernels
        self.root = work
        self.case = work
        self.known, self.helps = {}, {}
        self.as_before = None

    def run(self, command, *arguments, **options):
        """`tandem command arguments`, in the folder of the case."""
        always = [] if command == "synth" else ["--kernels=" + self.kernels]
        if "accept_poor_model" in self.help(command):
            always.append("--accept_poor_model")
        process = subprocess.run([self.binary, command, *always, *arguments],
                                 cwd=self.case, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        # 5: a model that should not be served. These runs are short, and their scores are all that is asked for.
        if process.returncode not in (0, 5):
            said = [line for line in process.stderr.strip().split("\n") if line.startswith("tandem:")] or [process.stderr[-300:]]
            raise Refused(f"{os.path.basename(self.root)}: tandem {command} {' '.join(arguments)}: exit {process.returncode}: {said[-1]}")
        return process.stderr

    def help(self, command):
        if command not in self.helps:
            self.helps[command] = subprocess.run([self.binary, "help", command], stdout=subprocess.PIPE, text=True, check=True).stdout
        return self.helps[command]

    def accepts(self, setting):
        """Whether the configuration can be read with it; that the log isn't there is what is said then."""
        config = os.path.join(self.root, "probe.pbtxt")
        if not os.path.exists(config):
            with open(config, "w") as out:
                out.write(FEATURES)
        tried = subprocess.run([self.binary, "train", "--config=" + config, "--run_dir=" + os.path.join(self.root, "never"),
                                "--end_date=2026-01-02", "data.path=" + os.path.join(self.root, "nowhere/{date}.tsv"), "model.teacher.mlp.hidden=4",
                                "model.student.mlp.hidden=4", setting], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return tried.returncode != 2

    def setting(self, text):
        """`key=value` by the name that this build knows."""
        if text not in self.known:
            names = [text] + [new + text[len(old):] for old, new in RENAMED.items()
                              if text.startswith(old) and text[len(old):len(old) + 1] in ("", ".", "=")]
            # Only what was renamed is asked for: the newest name first.
            accepted = [name for name in reversed(names) if len(names) == 1 or self.accepts(name)]
            if not accepted:
                raise Refused(f"{self.binary} knows none of {', '.join(names)}: RENAMED lacks what it is called now")
            self.known[text] = accepted[0]
        return self.known[text]

    def settings(self, texts):
        # Two old settings may have become one, and a case says its own in the place of BASE's: a key is given once.
        last = {}
        for text in map(self.setting, texts):
            last[text.split("=")[0]] = text
        return list(last.values()) + (self.named() if BASE[0] in texts else [])

    def named(self):
        """What makes a newer build train as older ones did."""
        if self.as_before is None:
            self.as_before = [text for text in NAMED if self.accepts(text)]
        return self.as_before

    def config(self, teacher, extra="", name="experiment.pbtxt"):
        """Writes what `key=value` can't say: the features and the teacher's interactions."""
        with open(os.path.join(self.case, name), "w") as out:
            out.write(FEATURES + extra + "model { teacher { " + teacher + " } }\n")
        return "--config=" + name

    def train(self, teacher, *texts, run="run", end="2026-01-02", extra=""):
        self.run("train", self.config(teacher, extra), "--run_dir=" + run, "--end_date=" + end, f"data.path={self.logs}/{{date}}.tsv.gz",
                 *self.settings(BASE + list(texts)))
        return run

    def finetune(self, base, *arguments, run="tuned", day="2026-01-03"):
        self.run("finetune", "--init_from=" + base, "--run_dir=" + run, "--begin_date=" + day, "--end_date=" + day, *arguments)
        return run

    def scores(self, model, name="scores.tsv", tower="both", file="holdout.tsv.gz"):
        self.run("predict", "--model=" + model, "--input=" + os.path.join(self.logs, file), "--output=" + name, "--tower=" + tower)
        return [os.path.join(self.case, name)]


# ------------------------------------------------------------------------------------------------------------- the cases
# Each takes a build and returns the files of its scores, in the same order for both.

def simply(teacher, *texts, extra=""):
    return lambda build: build.scores(build.train(teacher, *texts, extra=extra))


def optimizers(build):
    files = []
    for tables, towers in (("adagrad.lr=0.05", "sgd.lr=0.05"), ("sgd.lr=0.1", "adagrad.lr=0.05"), ("ftrl.l1=0.001", "ftrl.lr=0.05"), ("adam.lr=0.002", "adam.lr=0.002")):
        name = tables.split(".")[0]
        run = build.train(XDEEPFM, "embedding.optimizer." + tables, "train.optimizer." + towers, "embedding.l2=1e-4", "train.clip_norm=1", "train.l2=1e-5",
                          *(["embedding.weight_decay=1e-3", "train.weight_decay=1e-3", "embedding.l2_scope=TABLE"] if name == "adam" else []), run=name)
        files += build.scores(run, name + ".tsv")
    return files


def finetuned(build):
    """Once as it is, once the student alone, once with a feature taken away and another added."""
    run = build.train(XDEEPFM, *SLOW)
    files = build.scores(build.finetune(run), "on.tsv")
    files += build.scores(build.finetune(run, "--towers=student", run="student"), "student.tsv")
    dropped = build.finetune(run, "--allow_feature_change", "drop_feature=campaign", run="dropped")
    files += build.scores(dropped, "dropped.tsv")
    wider = build.config(XDEEPFM, 'feature { name: "city" sparse {} }\n', "wider.pbtxt")
    return files + build.scores(build.finetune(dropped, wider, "drop_feature=site", "--allow_feature_change", run="changed"), "changed.tsv")


def changed_dcn(build):
    run = build.train(DCN_V2, "model.distill.logit_loss=SOFT_LABEL", "model.distill.temperature=2")
    return build.scores(build.finetune(run, "--allow_feature_change", "drop_feature=campaign,price", run="changed"), "changed.tsv")


def stream(build, poisoned, name="stream.tsv"):
    """The days 3 to 5 in one file with a column `time`; the labels of the last 1,200 rows but 300 are turned over when it is poisoned."""
    lines, header = [], ""
    for day in (3, 4, 5):
        with gzip.open(os.path.join(build.logs, f"2026-01-0{day}.tsv.gz"), "rt") as log:
            header = log.readline().rstrip("\n") + "\ttime\n"
            lines += [line.rstrip("\n") + f"\t{1767225600 + 86400 * day + row}\n" for row, line in enumerate(log)]
    if poisoned:
        lines[-1200:-300] = [str(1 - int(line[0])) + line[1:] for line in lines[-1200:-300]]
    else:  # clicks that come late, as rows of their own
        late = [(row, "1" + line[1:]) for row, line in enumerate(lines) if row % 7 == 3 and line[0] == "0"]
        for row, line in reversed(late):
            lines.insert(row + 5, line)
    with open(os.path.join(build.case, name), "w") as out:
        out.writelines([header] + lines)
    return name


def online(build):
    run = build.train(XDEEPFM, *SLOW)
    log = build.run("online", "--init_from=" + run, "--run_dir=online", "--input=" + stream(build, True), *build.settings([
        "online.batch_rows=32", "online.window_rows=300", "online.checkpoint_rows=400", "online.guard_limit=0.3", "online.guard_patience=3",
        "online.lr_multiplier=5", "online.embedding_lr_multiplier=3"]))
    if "rolling back to" not in log:
        raise Refused("the guard didn't roll back: the case shows nothing")
    return build.scores("online/published", "published.tsv", "student") + build.scores("online", "run.tsv", "student")


def online_delayed(build):
    """Labels are waited for; ids beyond the bound get no row."""
    run = build.train(XDEEPFM, "embedding.min_count=2")
    build.run("online", "--init_from=" + run, "--run_dir=online", "--input=" + stream(build, False), *build.settings([
        "online.batch_rows=32", "online.window_rows=300", "online.checkpoint_rows=700", "online.guard_limit=0", "online.time_column=time",
        "online.label_delay=200", "online.label_queue_rows=150", "online.max_rows=900"]))
    return build.scores("online/published", "published.tsv", "student")


def daily(build, *texts):
    build.run("daily", build.config(XDEEPFM), "--run_dir=daily", "--begin_date=2026-01-01", "--end_date=2026-01-04",
              f"data.path={build.logs}/{{date}}.tsv.gz", *build.settings(BASE + DAILY + list(texts)))
    if not os.path.realpath(os.path.join(build.case, "daily/published")).endswith("2026-01-04/bundle"):
        raise Refused("the last day wasn't published: the case shows less than it should")
    return build.scores("daily/published", "published.tsv", "student")


def low_precision(build):
    run = build.train(XDEEPFM, "embedding.dim=16", "model.student.mlp.hidden=32,16")
    files = []
    for precision in ("f32", "bf16", "int8"):
        calibration = [] if precision == "f32" else [f"--input={build.logs}/2026-01-03.tsv.gz", "--max_auc_loss=1"]
        build.run("export", "--model=" + run, "--output=" + precision, "--precision=" + precision, *calibration)
        files += build.scores(precision, precision + ".tsv", "student")
    return files


def resumed(build):
    """Killed once it has a checkpoint, and resumed: the scores of the run that nobody killed."""
    texts = REPLAY + PHASE + ["embedding.min_count=2", "embedding.id_dropout=0.1", "runtime.checkpoint_every_steps=3", "train.epochs=2"]
    whole = build.scores(build.train(XDEEPFM, *texts, run="whole"), "whole.tsv")
    arguments = [build.binary, "train", "--kernels=" + build.kernels, "--config=experiment.pbtxt", "--run_dir=killed", "--end_date=2026-01-02",
                 f"data.path={build.logs}/{{date}}.tsv.gz", *build.settings(BASE + texts)]
    process = subprocess.Popen(arguments, cwd=build.case, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = os.path.join(build.case, "killed/checkpoints")
    while process.poll() is None and not (os.path.isdir(folder) and any(name.startswith("step-") for name in os.listdir(folder))):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.returncode == 0:
        raise Refused("the run was over before it was killed: the case shows nothing")
    build.run("train", "--config=experiment.pbtxt", "--run_dir=killed", "--end_date=2026-01-02", f"data.path={build.logs}/{{date}}.tsv.gz",
              *build.settings(BASE + texts), "--resume")
    again = build.scores("killed", "killed.tsv")
    difference = first_difference(whole[0], again[0])
    if difference:
        raise Refused("resumed and uninterrupted run differ: " + difference)
    return whole + again


def teacher_column(build):
    """The scores of an earlier teacher are columns of the log; some labels are missing."""
    first = build.train(DCN_V2, run="first")
    for day in ("2026-01-01", "2026-01-02"):
        build.scores(first, day + ".scores", "teacher", day + ".tsv.gz")
        with gzip.open(os.path.join(build.logs, day + ".tsv.gz"), "rt") as log, open(os.path.join(build.case, day + ".scores")) as scored, \
                open(os.path.join(build.case, day + ".tsv"), "w") as out:
            for row, (line, score) in enumerate(zip(log, scored)):
                line = line.rstrip("\n")
                out.write(("" if row and row % 5 == 0 else line[0] if row else line.split("\t")[0]) + line[1 if row else len("label"):] + "\t"
                          + ("stored" if row == 0 else score.rstrip("\n").split("\t")[-1]) + "\n")
    texts = ["data.teacher_column=stored", "data.unlabelled=USE_TEACHER", "train.student_steps=2"]
    build.run("train", build.config(XDEEPFM), "--run_dir=run", "--end_date=2026-01-02", "data.path={date}.tsv", *build.settings(BASE + texts))
    return build.scores("run")


def shipped(*configs, drop=""):
    """A configuration as its source tree ships it, with short windows."""
    def case(build):
        files = [os.path.join(build.source, "configs", name) for name in configs]
        missing = [file for file in files if not os.path.exists(file)]
        if missing:
            raise Refused(f"{missing[0]} isn't there")
        build.run("train", "--config=" + ",".join(files), "--run_dir=run", "--end_date=2026-01-02", f"data.path={build.logs}/{{date}}.tsv.gz",
                  "train.window_days=1", "runtime.threads=2", *build.named(), *([drop] if drop else []))
        return build.scores("run")
    return case


CASES = {
    "xdeepfm": simply(XDEEPFM, "model.distill.hint_weight=0.5", "model.student.mlp.normalize_input=true", "model.teacher.mlp.dropout=0.1"),
    "dcn_v2": simply(DCN_V2, "model.distill.logit_loss=SOFT_LABEL", "model.distill.temperature=2"),
    "bst": simply(BST, extra=SEQUENCE),
    "all_interactions": simply(KITCHEN, "embedding.min_count=2", "embedding.id_dropout=0.1", "train.epochs=2", "train.schedule.decay=COSINE",
                               "train.schedule.decay_steps=100", "train.schedule.warmup_steps=10"),
    "replay": simply(XDEEPFM, *REPLAY, "train.student_lr_multiplier=2", "train.epochs=2"),
    "student_phase": simply(XDEEPFM, *PHASE),
    "replay_and_phase": simply(XDEEPFM, *REPLAY, *PHASE, "embedding.optimizer.adam.lr=0.002"),
    "muon": simply(XDEEPFM, *PHASE, "model.student.muon.lr_multiplier=4"),
    "rocket": simply(XDEEPFM, "model.method=ROCKET_LAUNCHING", "train.epochs=2"),
    "two_stage_kd": simply(XDEEPFM, "model.method=TWO_STAGE_KD", "model.distill.logit_loss=SOFT_LABEL", "model.distill.temperature=2"),
    "two_stage_full": simply(XDEEPFM, "model.method=TWO_STAGE_FULL", "train.epochs=2"),
    "feature_transfer": simply(XDEEPFM, "model.method=FEATURE_TRANSFER"),
    "student_alone": lambda build: build.scores(build.train(XDEEPFM, "model.method=STUDENT_ALONE", *SLOW[1:]), tower="student"),
    "optimizers": optimizers,
    "teacher_column": teacher_column,
    "finetune": finetuned,
    "finetune_dcn_v2": changed_dcn,
    "online": online,
    "online_delayed": online_delayed,
    "daily_warm": lambda build: daily(build, "daily.warm=true", "daily.finetune=true", *SLOW),
    "daily": daily,
    "low_precision": low_precision,
    "resume": resumed,
}
SHIPPED = {
    "configs/synthetic": shipped("synthetic.pbtxt"),
    "configs/replay": shipped("synthetic.pbtxt", "distill/replay.pbtxt"),
    "configs/recombine": shipped("synthetic.pbtxt", "distill/student_phase.pbtxt", "distill/recombine.pbtxt"),
    **{"configs/" + name: shipped("synthetic.pbtxt", f"teacher/{name}.pbtxt") for name in
       ("lr", "fm", "wide_deep", "deepfm", "dcn", "dcn_v2", "xdeepfm", "dnn")},
}


# ------------------------------------------------------------------------------------------------------- the comparison

def first_difference(before, after):
    """None when the files are the same; else the line where they part."""
    with open(before, "rb") as a, open(after, "rb") as b:
        before_lines, after_lines = a.read().split(b"\n"), b.read().split(b"\n")
    for number, (left, right) in enumerate(zip(before_lines, after_lines), 1):
        if left != right:
            return f"{os.path.basename(before)}:{number}: {left.decode(errors='replace')!r} -> {right.decode(errors='replace')!r}"
    if len(before_lines) != len(after_lines):
        return f"{os.path.basename(before)}: {len(before_lines) - 1} lines -> {len(after_lines) - 1}"
    return None


def compare(case, builds):
    """Rows compared, and a text when they aren't the same."""
    files = [case(build) for build in builds]
    rows = 0
    for before, after in zip(*files):
        with open(before) as scores:
            lines = scores.read().splitlines()
        rows += len(lines) - 1
        if len(lines) < 2 or not all(cell for cell in lines[1].split("\t")):
            return rows, f"{os.path.basename(before)}: no score in it"
        difference = first_difference(before, after)
        if difference:
            return rows, difference
    return rows, "" if len(files[0]) == len(files[1]) else f"{len(files[0])} files -> {len(files[1])}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", required=True, help="the older tandem binary")
    parser.add_argument("--after", required=True, help="the newer one")
    parser.add_argument("--before_source", help="source tree of the older one: its configs/ are cases too")
    parser.add_argument("--after_source", help="source tree of the newer one")
    parser.add_argument("--kernels", default="auto", help="as for tandem: auto, generic, avx2, avx512")
    parser.add_argument("--work", help="folder to work in, new or empty; kept")
    parser.add_argument("case", nargs="*", help="some of: " + " ".join(CASES))
    flags = parser.parse_args()
    if bool(flags.before_source) != bool(flags.after_source):
        parser.error("--before_source and --after_source go together")
    cases = {**CASES, **(SHIPPED if flags.before_source else {})}
    unknown = [name for name in flags.case if name not in cases]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {' '.join(cases)}")
    work = os.path.abspath(flags.work or tempfile.mkdtemp(prefix="same_results."))
    if flags.work and os.path.isdir(work) and os.listdir(work):
        parser.error(f"--work={flags.work} isn't empty")
    logs = os.path.join(work, "logs")
    os.makedirs(work, exist_ok=True)
    builds = []
    for name in ("before", "after"):
        os.makedirs(os.path.join(work, name))
        source = getattr(flags, name + "_source")
        builds.append(Build(getattr(flags, name), source and os.path.abspath(source), logs, os.path.join(work, name), flags.kernels))
    different = 0
    try:
        builds[0].run("synth", "--output=" + logs, "--days=5", "--rows_per_day=1500", "--vocabulary=300", "--holdout_rows=1000", "--seed=3")
        print("| case | rows | |\n|---|---|---|", flush=True)
        for name in flags.case or cases:
            for build in builds:
                build.case = os.path.join(build.root, name)
                os.makedirs(build.case)
            try:
                rows, said = compare(cases[name], builds)
            except Refused as refused:
                rows, said = 0, str(refused)
            different += bool(said)
            print(f"| {name} | {rows} | {said or 'identical'} |", flush=True)
    finally:
        if not flags.work:
            shutil.rmtree(work)
    print(f"\n{different} differ" if different else "\nno result differs")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
