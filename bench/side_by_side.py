#!/usr/bin/env python3
"""Tandem next to its peers in one run, both on the same core, in turns: one Markdown table, and one of its own figures.

    bench/install_peers.sh /opt/tandem-peers
    cmake -S . -B build -G Ninja && cmake --build build --target tandem_cli bench
    bench/side_by_side.py --python=/opt/tandem-peers/venv/bin/python
    bench/side_by_side.py --only=deepfm,student            # some rows only
    bench/side_by_side.py --python=/usr/bin/python3        # Debian's PyTorch 1.13 (install_peers.sh --debian): eager, float32

A row of the first table is a model that both train (Tandem with its student, from the file; the peer alone, from memory), or a student
that both score. The peer is PyTorch of --python (bench/peers/today.py), and ONNX Runtime for scores: all its variants are tried, and the
best two of each precision run in turns with Tandem in F32 and BF16; what counts is the better of their medians. Both sides compute
the same function of the same ids: 39 fields x 16 of a Criteo-shaped log, CIN 128,128, MLP 400-400, linear part, student 128-64, Adam,
batch 512. Figures are medians of --repeats turns. What each row counts is said in docs/lab/speed.md. Standard library only. A section
that fails is said on stderr, and loses its own rows only; the exit code is 1 then.
"""
import argparse
import collections
import functools
import glob
import itertools
import json
import math
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "bench", "peers")
FIELDS, DIM, MAPS, PLACES = 39, 16, 128, 20
SHORT_ROWS, LONG_ROWS = 20480, 200000
REPEATED = 5  # times LONG_ROWS: a log beside which start-up weighs little
TRIAL_SECONDS, TURN_SECONDS = 2.0, 3.0  # of a variant of the peer

# Model -> name of the row, rows of the log, targets: float32 over float32, bf16 over bf16.
TRAINED = {
    "xdeepfm": ("xDeepFM (ReLU), trained", SHORT_ROWS, 1.50, 1.35),
    "identity": ("xDeepFM (identity), trained", 4 * SHORT_ROWS, 1.60, 1.70),
    "deepfm": ("DeepFM, trained", LONG_ROWS, 1.20, 1.25),
    "dcn_v2": ("DCN-v2, trained", 4 * SHORT_ROWS, 1.20, 1.20),
    "bst": ("BST, trained", 4 * SHORT_ROWS, 1.20, 1.20),
    "student": ("student alone, trained", LONG_ROWS, 1.60, 1.60),
}
SCORED = {"f32": 1.20, "bf16": 1.60, "int8": None}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="/opt/tandem-peers/venv/bin/python", help="the peers' Python (bench/install_peers.sh)")
    parser.add_argument("--onnxruntime", default="", help="path of libonnxruntime.so (default: of --python's package), for student-mlp")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder: tandem and bench/*")
    parser.add_argument("--work", default="/tmp/tandem-bench", help="folder for logs, configs and runs")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each side")
    parser.add_argument("--cores", default="", help="the core of one-core rows, and one more (default: the last two)")
    parser.add_argument("--cpu_time", action="store_true", help="one-core rows by processor time, of both sides, for a machine that others use too")
    parser.add_argument("--only", default="", help="sections: " + ",".join(SECTIONS))
    parser.add_argument("--output", default="", help="also write the table to this file")
    options = parser.parse_args()
    last = os.cpu_count() - 1
    options.cores = options.cores.split(",") if options.cores else [str(last), str(max(0, last - 1))]
    options.only = options.only.split(",") if options.only else list(SECTIONS)
    unknown = [name for name in options.only if name not in SECTIONS]
    if unknown:
        parser.error(f"--only: unknown section {unknown[0]}; known: {', '.join(SECTIONS)}")
    return options


class Failed(Exception):
    """A figure can't be measured: why, for a user."""


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------------------------- the model on our side

def bucket(value):
    """The peer's id of an integer column: criteo_data.py, _bucket."""
    return value if value <= 2 else 10 + math.floor(math.log(value) ** 2)


def boundaries():
    """Where bucket() changes, so that `bucketize` makes the same ids."""
    limits = list(range(-3, 4))
    for k in range(2, 250):
        first = math.ceil(math.exp(math.sqrt(k))) - 1
        while bucket(first) < 10 + k:
            first += 1
        if first > limits[-1]:
            limits.append(first)
    return limits


CONFIG = """data {{ path: "{data}" delimited {{ header: false column: ["label", {columns}] }} }}
{features}
embedding {{ dim: 16 min_count: 1 optimizer {{ adam {{ lr: 0.001 }} }} }}
model {{
  {teacher}
  student {{ mlp {{ hidden: 128 hidden: 64 }} }}
  distill {{ student_label_weight: 1 logit_weight: 1 logit_loss: MSE }}
  {method}
}}
train {{ epochs: 1 batch_size: 512 shuffle_rows: 0 optimizer {{ adam {{ lr: 0.001 }} }} }}
"""
TEACHER = "teacher {{ linear: true interaction {{ {} }} mlp {{ hidden: 400 hidden: 400 }} combine: {} }}"
TEACHERS = {
    "xdeepfm": "cin { layers: 128 layers: 128 activation: RELU bias: true }",
    "identity": "cin { layers: 128 layers: 128 bias: true }",
    "deepfm": "fm {}",
    "dcn_v2": "cross { layers: 3 version: V2 }",
    "bst": 'transformer { sequence: "H" target: "C3" }',
    "student": None,
}


def write_config(path, model, data):
    names = [f"I{i}" for i in range(1, 14)] + [f"C{i}" for i in range(1, 27)]
    limits = ", ".join(map(str, boundaries()))
    features = [f'feature {{ name: "{name}" ' +
                (f"dense {{ bucketize {{ boundaries: [{limits}] }} }} }}" if name[0] == "I" else "sparse {} }") for name in names]
    if model == "bst":
        names.append("H")
        features.append(f'feature {{ name: "H" sparse {{ sequence {{ max_length: {PLACES} }} table: "C3" }} }}')
    interaction = TEACHERS[model]
    with open(path, "w") as file:
        file.write(CONFIG.format(data=data, columns=", ".join(f'"{name}"' for name in names), features="\n".join(features),
                                 teacher=TEACHER.format(interaction, "STACKED" if model == "bst" else "PARALLEL") if interaction else "",
                                 method="" if interaction else "method: STUDENT_ALONE"))


def flops_per_sample(model):
    """Multiplications and additions of a training step a sample, backward twice the forward, the symmetric first CIN layer and
    the pooled last one by the work that is really done; the student's input gets no gradient."""
    x = FIELDS * DIM
    teacher = 2 * (x * 400 + 400 * 400 + 400)
    student_first, student_rest = 2 * x * 128, 2 * (128 * 64 + 64)
    first_layer = 2 * MAPS * (FIELDS * (FIELDS + 1) // 2) * DIM
    teacher += {
        "xdeepfm": first_layer + 2 * MAPS * MAPS * FIELDS * DIM,
        "identity": first_layer + 2 * MAPS * FIELDS * DIM + 2 * MAPS * MAPS * FIELDS,
        "deepfm": 4 * x,
    }[model]
    return 3 * teacher + 2 * student_first + 3 * student_rest


# ------------------------------------------------------------------------------------------------------------------- the bench

class Bench:
    """Runs the sides, and keeps what was measured."""

    def __init__(self, options):
        self.options = options
        self.rows = []
        self.notes = []
        os.makedirs(options.work, exist_ok=True)
        self.tandem = os.path.join(options.build, "tandem")
        self.peak = self.json(["peak_bench"])
        self.versus = []  # rows of the first table

    # -- files

    def log(self, rows):
        """A Criteo-shaped log. Empty categories get a name, since the peer learns a vector for them; so both learn one."""
        path = os.path.join(self.options.work, f"criteo-like-{rows}.tsv")
        if not os.path.exists(path):
            raw = path + ".raw"
            self.need_python()
            subprocess.run([self.options.python, os.path.join(PEERS, "make_criteo_like.py"), f"--rows={rows}", "--seed=7", f"--out={raw}"],
                           check=True, stdout=subprocess.DEVNULL)
            with open(raw) as source, open(path + ".tmp", "w") as target:
                for line in source:
                    cells = line.rstrip("\n").split("\t")
                    target.write("\t".join(cells[:14] + [cell or "none" for cell in cells[14:]]) + "\n")
            os.remove(raw)
            os.rename(path + ".tmp", path)
        return path

    def log_with_history(self, rows):
        """The log with a 41st column: PLACES values of C3, drawn from its own."""
        path = os.path.join(self.options.work, f"criteo-like-{rows}-history.tsv")
        if not os.path.exists(path):
            with open(self.log(rows)) as source:
                lines = source.read().splitlines()
            values = [line.split("\t")[16] for line in lines]
            draw = random.Random(7)
            with open(path + ".tmp", "w") as target:
                for line in lines:
                    target.write(line + "\t" + "|".join(draw.choices(values, k=PLACES)) + "\n")
            os.rename(path + ".tmp", path)
        return path

    def log_of(self, model, rows):
        return self.log_with_history(rows) if model == "bst" else self.log(rows)

    def head_of(self, log, rows):
        """The log's first rows."""
        path = log.replace(".tsv", f"-first-{rows}.tsv")
        if not os.path.exists(path):
            with open(log) as source, open(path + ".tmp", "w") as target:
                target.writelines(itertools.islice(source, rows))
            os.rename(path + ".tmp", path)
        return path

    def repeated_log(self, rows, times):
        """The log of so many rows, several times over."""
        path = os.path.join(self.options.work, f"criteo-like-{rows}-x{times}.tsv")
        if not os.path.exists(path):
            with open(self.log(rows), "rb") as source, open(path + ".tmp", "wb") as target:
                for _ in range(times):
                    source.seek(0)
                    shutil.copyfileobj(source, target)
            os.rename(path + ".tmp", path)
        return path

    # -- our side

    def command(self, cores, words):
        """Words pinned to cores, output and errors shown only when it fails."""
        done = subprocess.run(["taskset", "-c", ",".join(cores)] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # 5: trained, with a verdict against the model, as so short a log may give one.
        if done.returncode not in (0, 5):
            raise Failed(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def seconds(self, cores, words, wall=False):
        """How long a command takes: by the clock, or by processor time where --cpu_time asks for it and `wall` doesn't forbid."""
        begin, used = time.perf_counter(), self.processor_seconds()
        self.command(cores, words)
        cpu_time = self.options.cpu_time and len(cores) == 1 and not wall
        return self.processor_seconds() - used if cpu_time else time.perf_counter() - begin

    @staticmethod
    def processor_seconds():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def one_core(self):
        return self.options.cores[:1]

    def json(self, words):
        program = os.path.join(self.options.build, "bench", words[0])
        if not os.path.exists(program):
            return None
        return json.loads(self.command(self.one_core(), [program] + words[1:]))

    def train(self, model, rows, overrides=(), cores=None, wall=False):
        """Rows a second of training: those of the log over its time, less the time of its first tenth, and so without start-up,
        the first batches' new memory and the checkpoint. Leaves the run of the whole log."""
        cores = cores or self.one_core()
        whole = self.log_of(model, rows)
        tenth = rows // 5120 * 512
        times = [self.train_once(model, log, overrides, cores, wall) for log in (self.head_of(whole, tenth), whole)]
        return (rows - tenth) / (times[1] - times[0])

    def train_once(self, model, log, overrides, cores, wall):
        config = os.path.join(self.options.work, f"{model}.pbtxt")
        run = os.path.join(self.options.work, f"run-{model}")
        write_config(config, model, log)
        shutil.rmtree(run, ignore_errors=True)
        return self.seconds(cores, [self.tandem, "train", f"--config={config}", f"--run_dir={run}", f"runtime.threads={len(cores)}",
                                    *overrides], wall)

    def run_of(self, model):
        run = os.path.join(self.options.work, f"run-{model}")
        if not os.path.exists(run):
            rows = TRAINED[model][1]
            self.train_once(model, self.log_of(model, rows), (), self.one_core(), False)
        return run

    # -- the peer

    def need_python(self):
        if not os.path.exists(self.options.python):
            raise Failed(f"--python={self.options.python} is not there; bench/install_peers.sh makes it")

    # -- turns and rows

    def turns(self, sides):
        """Runs the named sides in turns; the median of each."""
        values = collections.defaultdict(list)
        for turn in range(self.options.repeats):
            for name, side in sides.items():
                values[name].append(side())
            say(f"  turn {turn + 1}: " + ", ".join(f"{name} {fmt(v[-1])}" for name, v in values.items()))
        return {name: statistics.median(v) for name, v in values.items()}

    def add(self, figure, tandem, peer, ratio, target, met=None):
        """A row. `ratio` and `target` are numbers (times), or texts already."""
        if met is None and isinstance(ratio, float) and isinstance(target, float):
            met = ratio >= target
        times = lambda value: f"{value:.2f}×" if isinstance(value, float) else value
        self.rows.append([figure, fmt(tandem), fmt(peer), times(ratio), ("≥ " if isinstance(target, float) else "") + times(target),
                          {True: "yes", False: "no", None: ""}[met]])
        say("| " + " | ".join(self.rows[-1]) + " |")

    def share(self, figure, share, target):
        self.add(figure, f"{share:.1%}", "", "", f"≥ {target:.0%}", share >= target)

    def table(self):
        lines = []
        if self.versus:
            lines += ["| samples a second, one core | Tandem F32 | peer f32, best | ratio | target | Tandem BF16 | peer bf16, best | ratio | target |",
                      "|---|---|---|---|---|---|---|---|---|"]
            lines += ["| " + " | ".join(row) + " |" for row in self.versus] + [""]
        if self.rows:
            lines += ["| figure | Tandem | peer | ratio | target | met |", "|---|---|---|---|---|---|"]
            lines += ["| " + " | ".join(row) + " |" for row in self.rows] + [""]
        return "\n".join(lines + self.notes)


class Peer:
    """bench/peers/today.py on one core, with a model's data in memory."""

    def __init__(self, bench, model, mode, log):
        bench.need_python()
        self.bench = bench
        work = bench.options.work
        # glibc would give each large tensor back to the system, and fault its pages in again.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1", "MALLOC_MMAP_MAX_": "0",
                       "MALLOC_TRIM_THRESHOLD_": str(2**33), "TORCHINDUCTOR_CACHE_DIR": os.path.join(work, "inductor")}
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # a CPU to pretend that a user's shell may have set
            environment.pop(name, None)
        self.errors = open(os.path.join(work, f"peer-{model}-{mode}.log"), "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", *bench.one_core(), bench.options.python, os.path.join(PEERS, "today.py"), f"--data={log}", f"--model={model}",
             f"--mode={mode}", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        about = self.ask("variants")
        self.variants, self.version = about["variants"], about["torch"]
        self.trials = f"{model} {mode}, PyTorch {self.version}"

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"the peer ended; see {self.errors.name}")
        return json.loads(line)

    def best(self, precision, count=2):
        """The fastest variants of a precision, by a trial each by processor time; kept in WORK/trials.json."""
        path = os.path.join(self.bench.options.work, "trials.json")
        kept = {}
        if os.path.exists(path):
            with open(path) as file:
                kept = json.load(file)
        of_model = kept.setdefault(self.trials, {})
        for name in self.variants:
            if name.split()[1] != precision or name in of_model:
                continue
            found = self.ask("try", name, TRIAL_SECONDS)
            of_model[name] = found.get("per_cpu_second", 0)
            say(f"  trial: {name}: " + (found.get("error") or f"{of_model[name]:,.0f} (ready after {found['warm_up']:.0f} s)"))
            with open(path, "w") as file:
                json.dump(kept, file, indent=1)
        names = sorted((name for name in self.variants if name.split()[1] == precision), key=of_model.get, reverse=True)
        return [name for name in names if of_model[name] > 0][:count]

    def speed(self, name):
        found = self.ask("run", name, TURN_SECONDS)
        if "error" in found:
            raise Failed(f"{name}: {found['error']}")
        return found["per_cpu_second" if self.bench.options.cpu_time else "per_second"]


def fmt(value):
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


# ---------------------------------------------------------------------------------------------------------------- the sections

def add_versus(bench, name, ours, peer, targets):
    """A row of the first table: speeds by precision; peer's are (variant, speed) or None."""
    cells = [name]
    for precision in ("f32", "bf16"):
        if precision not in ours:
            cells += [""] * 4
            continue
        cells.append(fmt(ours[precision]))
        if peer.get(precision) is None:
            cells += ["it has none", "", ""]
            continue
        variant, speed = peer[precision]
        form = " ".join(variant.split()[:1] + variant.split()[2:])
        ratio, target = ours[precision] / speed, targets[precision]
        cells += [f"{fmt(speed)} ({form})", f"{ratio:.2f}×", "stated" if target is None else f"≥ {target:.2f}×: {'yes' if ratio >= target else 'no'}"]
    bench.versus.append(cells)
    say("| " + " | ".join(cells) + " |")


def best_of(medians, names):
    return max(((name, medians[name]) for name in names), key=lambda found: found[1], default=None)


def trained(bench, model):
    name, rows, *targets = TRAINED[model]
    with Peer(bench, model, "train", bench.log_of(model, rows)) as peer:
        candidates = {precision: peer.best(precision) for precision in ("f32", "bf16")}
        sides = {"Tandem f32": lambda: bench.train(model, rows), "Tandem bf16": lambda: bench.train(model, rows, ["train.precision=BF16"])}
        for variant in sum(candidates.values(), []):
            sides[variant] = lambda variant=variant: peer.speed(variant)
        medians = bench.turns(sides)
    add_versus(bench, name, {"f32": medians["Tandem f32"], "bf16": medians["Tandem bf16"]},
               {precision: best_of(medians, names) for precision, names in candidates.items()}, dict(zip(("f32", "bf16"), targets)))
    if model in ("xdeepfm", "identity", "deepfm"):
        flops = flops_per_sample(model) * medians["Tandem f32"]
        bench.add(f"{name}: share of FMA peak over the whole step in F32 ({flops_per_sample(model) * 1e-6:.1f} MFLOP a sample)",
                  f"{flops / bench.peak['fma']:.1%}", "", "", "stated")


def scores(bench):
    """The student's scores of ids in memory."""
    log, run = bench.log(LONG_ROWS), bench.run_of("student")
    keys = collections.defaultdict(list)
    with Peer(bench, "student", "infer", log) as peer:
        candidates = {precision: peer.best(precision) for precision in SCORED}
        measured = {}

        def ours(precision):
            if precision == "f32":  # one command has all three
                measured.clear()
                for row in bench.json(["student_bench", "--json", f"--model={run}", f"--input={log}", "--repeats=3"]):
                    (measured if row["from"] == "table rows" else {}).update({row["precision"]: row["samples_per_second"]})
                    if row["from"] != "table rows":
                        keys[row["precision"]].append(row["samples_per_second"])
            return measured[precision]

        sides = {f"Tandem {precision}": lambda precision=precision: ours(precision) for precision in SCORED}
        for variant in sum(candidates.values(), []):
            sides[variant] = lambda variant=variant: peer.speed(variant)
        medians = bench.turns(sides)
    best = {precision: best_of(medians, names) for precision, names in candidates.items()}
    speeds = {precision: medians[f"Tandem {precision}"] for precision in SCORED}
    add_versus(bench, "student, scores of ids in memory", speeds, best, SCORED)
    for precision in SCORED:
        bench.add(f"the student's scores from hashed ids, looked up in tables of {precision} (samples/s)", statistics.median(keys[precision]), "", "",
                  "stated")
    fastest = max((found for found in best.values() if found), key=lambda found: found[1])
    rival = best["int8"] or fastest
    bench.add(f"the student's scores in int8, against the peer's int8 ({rival[0]})", speeds["int8"], rival[1], speeds["int8"] / rival[1], "stated")
    bench.add(f"the student's scores in int8, against the peer's best of all ({fastest[0]})", speeds["int8"], fastest[1],
              speeds["int8"] / fastest[1], "stated")


def two_cores(bench):
    """Tandem on two cores over one, by the clock: for a machine that nobody else uses."""
    for model, (name, rows, *_) in TRAINED.items():
        for precision in ("F32", "BF16"):
            overrides = [f"train.precision={precision}"]
            medians = bench.turns({"two cores": lambda: bench.train(model, rows, overrides, bench.options.cores),
                                   "one core": lambda: bench.train(model, rows, overrides, wall=True)})
            bench.add(f"{name} in {precision}: two cores against own one (samples/s)", medians["two cores"], medians["one core"],
                      medians["two cores"] / medians["one core"], 1.85)


def cin(bench):
    report = bench.json(["cin_bench", "--json", f"--repeats={max(9, bench.options.repeats)}"])
    if report is None:
        return say("no cin_bench: the target `bench` isn't built; CIN left out")
    rows = {(row["layer"], row["pass"]): row for row in report}
    wide, first = "128x128x39", "128x39x39"
    bench.share("CIN 128 × 128 × 39, ReLU, forward: share of FMA peak", rows[wide, "forward"]["of_peak"], 0.88)
    bench.share("CIN 128 × 128 × 39, ReLU, backward: share of FMA peak", rows[wide, "backward"]["of_peak"], 0.78)
    bench.share("CIN first layer 128 × 39 × 39, forward: nominal share of FMA peak", rows[first, "forward"]["nominal"], 1.50)
    bench.add("CIN first layer, forward / backward: share of FMA peak by the work done",
              f"{rows[first, 'forward']['of_peak']:.1%} / {rows[first, 'backward']['of_peak']:.1%}", "", "", "stated")
    if bench.peak.get("bf16"):
        report = bench.json(["cin_bench", "--json", "--precision=bf16", "--products=avx512bf16", f"--repeats={max(9, bench.options.repeats)}"])
        rows = {(row["layer"], row["pass"]): row for row in report}
        bench.share("CIN 128 × 128 × 39, BF16, forward: share of the peak of bf16 dot products", rows[wide, "forward"]["of_peak"], 0.75)
        bench.share("CIN 128 × 128 × 39, BF16, backward: share of the peak of bf16 dot products", rows[wide, "backward"]["of_peak"], 0.65)


def mlp(bench):
    report = bench.json(["mlp_bench", "--json", f"--repeats={max(5, bench.options.repeats)}"])
    if report is None:
        return say("no mlp_bench (libdnnl-dev was not there, or the target `bench` isn't built); MLP layers left out")
    mean = report[-1]
    bench.share("MLP layers, geometric mean over B = 32..512, share of FMA peak", mean["of_peak"], 0.85)
    bench.add("MLP layers against oneDNN, geometric mean (share of peak)", f"{mean['of_peak']:.1%}", f"{mean['peer_of_peak']:.1%}",
              float(mean["ratio"]), 1.0)


def onnxruntime_of(python):
    """The library inside the package, which serves as the C one where it holds it."""
    folder = os.path.join(os.path.dirname(os.path.dirname(python)), "lib")
    found = glob.glob(os.path.join(folder, "python3*", "site-packages", "onnxruntime", "capi", "libonnxruntime.so*"))
    return found[0] if found else ""


def student_mlp(bench):
    library = bench.options.onnxruntime or onnxruntime_of(bench.options.python)
    if not library:
        return say("no --onnxruntime: the student's MLP against ONNX Runtime left out")
    report = bench.json(["student_bench", "--json", f"--onnxruntime={library}", f"--repeats={max(9, bench.options.repeats)}"])
    if report is None:
        return say("no student_bench: the target `bench` isn't built; the student's MLP left out")
    for row in report:
        name = f"student MLP {row['mlp']}, {row['precision']}, batch {row['batch']}, against ONNX Runtime f32 (samples/s)"
        target = {"f32": {1: 2.0, 8: 1.35}.get(row["batch"], 1.12), "bf16": 1.7, "int8": 3.0}[row["precision"]]
        if row["precision"] == "f32" or row["batch"] >= 64:
            bench.add(name, row["tandem"], row["onnxruntime"], float(row["ratio"]), target)
    large = [row for row in report if row["batch"] >= 64 and row["precision"] == "f32"]
    bench.share("student MLP, f32, B ≥ 64, share of FMA peak (the least)", min(row["of_peak"] for row in large), 0.90)
    bench.notes.append(f"Student MLP at B ≥ 64: ONNX Runtime itself runs at {min(row['peer_of_peak'] for row in large):.0%} to "
                       f"{max(row['peer_of_peak'] for row in large):.0%} of the FMA peak, so that no f32 ratio can pass "
                       f"{1 / max(row['peer_of_peak'] for row in large):.2f}× to {1 / min(row['peer_of_peak'] for row in large):.2f}×.")


def parse(bench):
    report = bench.json(["parse_bench", "--benchmark_filter=/dense", "--benchmark_format=json", "--benchmark_min_time=0.1",
                         f"--benchmark_repetitions={max(5, bench.options.repeats)}", "--benchmark_enable_random_interleaving=true",
                         "--benchmark_report_aggregates_only=true"])
    if report is None:
        return say("no parse_bench: the target `bench` isn't built; parsing left out")
    times = {entry["run_name"]: entry["us_per_row"] for entry in report["benchmarks"] if entry["aggregate_name"] == "median"}
    ours = times["BM_Lines/dense"]
    for peer, name, target in [("BM_StringStream/dense", "getline + istringstream, numbers too", 8.0),
                               ("BM_Getline/dense", "getline + istringstream, numbers by from_chars", "stated"),
                               ("BM_StrSplit/dense", "absl::StrSplit", 2.0)]:
        if peer not in times:
            say(f"parse_bench has no {peer}: {name} left out")
            continue
        bench.add(f"parsing + hashing a Criteo line, against {name} (µs a row)", f"{ours:.3f}", f"{times[peer]:.3f}", times[peer] / ours, target)


def predict(bench):
    log, run = bench.log(LONG_ROWS), bench.run_of("student")
    logs = {LONG_ROWS: log, REPEATED * LONG_ROWS: bench.repeated_log(LONG_ROWS, REPEATED)}
    scores, bundle = (os.path.join(bench.options.work, name) for name in ("scores.tsv", "bundle-student"))
    shutil.rmtree(bundle, ignore_errors=True)
    bench.command(bench.one_core(), [bench.tandem, "export", f"--model={run}", f"--output={bundle}"])

    def ours(model, rows, cores, wall=False):
        return rows / bench.seconds(cores, [bench.tandem, "predict", f"--model={model}", "--tower=student", f"--input={logs[rows]}",
                                            f"--output={scores}", f"runtime.threads={len(cores)}"], wall)

    sides = {"from the run": lambda: ours(run, LONG_ROWS, bench.one_core())}
    for rows in logs:
        sides[f"one core, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.one_core())
        sides[f"one core by the clock, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.one_core(), wall=True)
        sides[f"two cores, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.options.cores)
    medians = bench.turns(sides)
    whole = "TSV file of {:,} rows to score file, start-up included"
    for rows in logs:
        one, one_wall, two = (medians[f"{name}, {rows:,}"] for name in ("one core", "one core by the clock", "two cores"))
        bench.add(f"predict, {whole.format(rows)}, one core (samples/s)", one, "", "", "stated")
        bench.add(f"predict, {whole.format(rows)}, two cores against own one (samples/s)", two, one_wall, two / one_wall, 1.7)
    bench.add(f"predict from a run's checkpoint, {whole.format(LONG_ROWS)}, one core (samples/s)", medians["from the run"], "", "", "stated")


def latency(bench):
    for model, name in [("xdeepfm", "xDeepFM, ReLU"), ("identity", "xDeepFM, identity"), ("deepfm", "DeepFM"), ("dcn_v2", "DCN-v2")]:
        run = bench.run_of(model)
        towers = collections.defaultdict(list)
        for _ in range(bench.options.repeats):
            report = json.loads(bench.command(bench.one_core(), [bench.tandem, "inspect", f"--model={run}", "--time", "--format=json"]))
            for tower in ("teacher", "student"):
                towers[tower].append(report[tower]["microseconds_per_sample"])
        teacher, student_time = (statistics.median(towers[tower]) for tower in ("teacher", "student"))
        bench.add(f"scoring latency of the teacher over the student's: {name} (µs a sample: teacher, student)",
                  f"{teacher:.2f}, {student_time:.2f}", "", f"{teacher / student_time:.1f}×", "stated")


SECTIONS = {**{model: functools.partial(trained, model=model) for model in TRAINED}, "scores": scores, "cin": cin, "mlp": mlp,
            "student-mlp": student_mlp, "parse": parse, "predict": predict, "two-cores": two_cores, "latency": latency}
WITHOUT_LOG = {"cin", "mlp", "student-mlp", "parse"}


def check_ids(bench):
    """Tandem's tables of a trained run hold exactly the peer's ids: the same number in every field."""
    with open(bench.log(SHORT_ROWS)) as file:
        seen = [set() for _ in range(FIELDS)]
        for line in file:
            cells = line.rstrip("\n").split("\t")[1:]
            for field, cell in enumerate(cells):
                seen[field].add((bucket(int(cell)) if cell else -100) if field < 13 else cell)
    bench.train_once("student", bench.log(SHORT_ROWS), (), bench.one_core(), False)
    run = os.path.join(bench.options.work, "run-student")
    report = json.loads(bench.command(bench.one_core(), [bench.tandem, "inspect", f"--model={run}", "--format=json"]))
    shutil.rmtree(run)
    for table, ids in zip(report["tables"], seen):
        if table["rows"] != len(ids) + 1:  # and the OOV row
            raise Failed(f"{table['name']} has {table['rows'] - 1} ids, the peer {len(ids)}: not the same function")


def attempt(name, action):
    """False, and why on stderr, when it fails: a mistake in one section must not lose the others' rows."""
    try:
        action()
        return True
    except Failed as why:
        say(f"side_by_side.py: {name}: {why}")
    except Exception:
        say(f"side_by_side.py: {name}:\n{traceback.format_exc()}")
    return False


def main():
    bench = Bench(arguments())
    peak = bench.peak
    if peak is None:
        sys.exit("side_by_side.py: no peak_bench; build the target `bench` first")
    begin = time.perf_counter()
    wanted = [name for name in SECTIONS if name in bench.options.only]
    failed = []
    if set(wanted) - WITHOUT_LOG and not attempt("comparing the ids of both sides", lambda: check_ids(bench)):
        failed = [name for name in wanted if name not in WITHOUT_LOG]
    for name in wanted:
        if name not in failed:
            say(f"== {name}")
            if not attempt(name, lambda: SECTIONS[name](bench)):
                failed.append(name)
    with open("/proc/cpuinfo") as file:
        processor = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown processor")
    bench.notes.insert(0, f"{processor}, kernels {peak['kernels']}; one core: FMA peak {peak['fma'] * 1e-9:.0f} GFLOP/s (AVX2 "
                          f"{peak['fma_avx2'] * 1e-9:.0f}), {peak['stream'] * 1e-9:.1f} GB/s in order, {peak['random_rows'] * 1e-6:.0f} M random "
                          f"64-byte rows/s. Medians of {bench.options.repeats} turns "
                          f"(kernels, the student's MLP and parsing: 5 to 9 at least), {(time.perf_counter() - begin) / 60:.1f} minutes.")
    if failed:
        bench.notes.append("Not measured: " + ", ".join(failed) + ".")
    table = bench.table()
    print(table)
    if bench.options.output:
        with open(bench.options.output, "w") as file:
            file.write(table + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
