#!/usr/bin/env python3
"""Tandem next to its peers in one run, both on the same core, in turns: one Markdown table of every figure.

    bench/install_peers.sh /opt/tandem-peers
    cmake -S . -B build -G Ninja && cmake --build build --target tandem_cli bench
    bench/side_by_side.py --onnxruntime=/opt/tandem-peers/libonnxruntime.so.1
    bench/side_by_side.py --only=deepfm,student            # some sections only

DIR holds the PyTorch peer: speed.py, make_criteo_like.py. Both sides compute the same function of the same ids: 39 fields x
16 of a Criteo-shaped log, CIN 128,128, MLP 400-400 PARALLEL, linear part, student 128-64, Adam, batch 512. Figures are medians
of --repeats turns. What each row counts is said in docs/lab/speed.md. Standard library only; a figure whose peer isn't there is
left out and said on stderr. A section that fails is said there too, and loses its own rows only; the exit code is 1 then.
"""
import argparse
import collections
import json
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIELDS, DIM, MAPS = 39, 16, 128
SHORT_ROWS, LONG_ROWS, PEER_XDEEPFM_ROWS, PEER_ROWS = 20480, 200000, 3072, 40960
REPEATED = 5  # times LONG_ROWS: a log beside which start-up weighs little


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=os.path.join(ROOT, "bench", "peers"), help="folder of speed.py and make_criteo_like.py: the PyTorch peer")
    parser.add_argument("--onnxruntime", default="", help="path of libonnxruntime.so")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder: tandem and bench/*")
    parser.add_argument("--work", default="/tmp/tandem-bench", help="folder for logs, configs and runs")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each side")
    parser.add_argument("--cores", default="", help="the core of one-core rows, and one more (default: the last two)")
    parser.add_argument("--cpu_time", action="store_true", help="one-core rows by processor time, for a machine that others use too")
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
TEACHER = "teacher {{ linear: true interaction {{ {} }} mlp {{ hidden: 400 hidden: 400 }} combine: PARALLEL }}"
TEACHERS = {
    "xdeepfm": "cin { layers: 128 layers: 128 activation: RELU bias: true }",
    "identity": "cin { layers: 128 layers: 128 bias: true }",
    "deepfm": "fm {}",
    "dcn_v2": "cross { layers: 3 version: V2 }",
    "student": None,
}


def write_config(path, model, data):
    names = [f"I{i}" for i in range(1, 14)] + [f"C{i}" for i in range(1, 27)]
    limits = ", ".join(map(str, boundaries()))
    features = [f'feature {{ name: "{name}" ' +
                (f"dense {{ bucketize {{ boundaries: [{limits}] }} }} }}" if name[0] == "I" else "sparse {} }") for name in names]
    interaction = TEACHERS[model]
    with open(path, "w") as file:
        file.write(CONFIG.format(data=data, columns=", ".join(f'"{name}"' for name in names), features="\n".join(features),
                                 teacher=TEACHER.format(interaction) if interaction else "",
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

class Speed(float):
    """Samples a second in the steady state, and `whole`: those of the whole process."""

    def __new__(cls, steady, whole):
        speed = super().__new__(cls, steady)
        speed.whole = whole
        return speed


class Bench:
    """Runs the sides, and keeps what was measured."""

    def __init__(self, options):
        self.options = options
        self.rows = []
        self.notes = []
        os.makedirs(options.work, exist_ok=True)
        self.tandem = os.path.join(options.build, "tandem")
        self.peak = self.json(["peak_bench"])
        self.peer_ready = False

    # -- files

    def log(self, rows):
        """A Criteo-shaped log. Empty categories get a name, since the peer learns a vector for them; so both learn one."""
        path = os.path.join(self.options.work, f"criteo-like-{rows}.tsv")
        if not os.path.exists(path):
            self.need_peer()
            raw = path + ".raw"
            subprocess.run(["/usr/bin/python3", os.path.join(self.options.peers, "make_criteo_like.py"), f"--rows={rows}", "--seed=7",
                            f"--out={raw}"], check=True, stdout=subprocess.DEVNULL)
            with open(raw) as source, open(path + ".tmp", "w") as target:
                for line in source:
                    cells = line.rstrip("\n").split("\t")
                    target.write("\t".join(cells[:14] + [cell or "none" for cell in cells[14:]]) + "\n")
            os.remove(raw)
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
        if done.returncode != 0:
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

    def train(self, model, rows, cores=None, wall=False):
        """Rows a second of training: in the steady state, reading included, and of the whole process with start-up and checkpoint."""
        cores = cores or self.one_core()
        config = os.path.join(self.options.work, f"{model}.pbtxt")
        run = os.path.join(self.options.work, f"run-{model}")
        write_config(config, model, self.log(rows))
        shutil.rmtree(run, ignore_errors=True)
        whole = rows / self.seconds(cores, [self.tandem, "train", f"--config={config}", f"--run_dir={run}",
                                            f"runtime.threads={len(cores)}", f"runtime.log_every_steps={rows // 512 // 10}"], wall)
        with open(os.path.join(run, "metrics.jsonl")) as file:
            speeds = [entry["rows_per_second"] for entry in map(json.loads, file) if "rows_per_second" in entry]
        # Windows of as many rows each: the harmonic mean is their rows over their time. The first two are the start.
        return Speed(max(whole, statistics.harmonic_mean(speeds[2:])), whole)

    def run_of(self, model):
        run = os.path.join(self.options.work, f"run-{model}")
        if not os.path.exists(run):
            self.train(model, SHORT_ROWS if model in ("xdeepfm", "identity") else LONG_ROWS)
        return run

    # -- the PyTorch peer

    def need_peer(self):
        if not self.options.peers or not os.path.exists(os.path.join(self.options.peers, "speed.py")):
            raise Failed("--peers=DIR with speed.py and make_criteo_like.py is needed")
        if self.peer_ready:
            return
        probe = ("import numpy, torch; numpy.ones((64, 64)) @ numpy.ones((64, 64)); torch.mm(torch.ones(64, 64), torch.ones(64, 64)); "
                 "print(open('/proc/self/maps').read())")
        maps = subprocess.run(["/usr/bin/python3", "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if maps.returncode != 0:
            raise Failed("/usr/bin/python3 has no numpy or torch; see bench/install_peers.sh\n" + maps.stderr[-500:])
        libraries = {line.split()[-1] for line in maps.stdout.splitlines() if "blas" in line}
        if not any("openblas" in library for library in libraries) or any("/blas/libblas" in library for library in libraries):
            raise Failed("PyTorch runs on the reference BLAS, some thirty times too slow to be a peer; install "
                     "libopenblas0-pthread (bench/install_peers.sh). Loaded: " + (", ".join(sorted(libraries)) or "none"))
        self.peer_ready = True

    def peer_command(self, core, model, mode, rows, data, extra):
        environment = ["env", "-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"]
        return ["taskset", "-c", core] + environment + [
            "/usr/bin/python3", os.path.join(self.options.peers, "speed.py"), "--data", data, "--model", model, "--mode", mode,
            "--threads", "1", "--batch", "512", "--rows", str(rows), "--reps", "3" if rows > 10000 else "1"] + extra

    def peer(self, model, mode, rows, data, extra=(), cores=None):
        """Samples a second of PyTorch, from memory, after a warm-up; the sum over one process a core."""
        self.need_peer()
        self.log_cache(data)
        cores = cores or self.one_core()
        which = r"per CPU-second: median (\d+)" if self.options.cpu_time and len(cores) == 1 else r"median (\d+) best"
        processes = [subprocess.Popen(self.peer_command(core, model, mode, rows, data, list(extra)), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True) for core in cores]
        total = 0
        for process in processes:
            out, err = process.communicate()
            found = re.search(which, out)
            if not found:
                raise Failed(f"the peer failed: {' '.join(process.args)}\n{out[-1000:]}{err[-1000:]}")
            total += int(found.group(1))
        return total

    def log_cache(self, data):
        """The peer keeps the parsed log beside it; made once, so that two processes don't write it at the same time."""
        if not os.path.exists(data + ".cache.npz"):
            subprocess.run(self.peer_command(self.one_core()[0], "lr", "infer", 512, data, []), check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

    # -- turns and rows

    def turns(self, sides):
        """Runs the named sides in turns; the median of each."""
        values = collections.defaultdict(list)
        for turn in range(self.options.repeats):
            for name, side in sides.items():
                values[name].append(side())
            say(f"  turn {turn + 1}: " + ", ".join(f"{name} {fmt(v[-1])}" for name, v in values.items()))
        medians = {}
        for name, v in values.items():
            medians[name] = statistics.median_low(v)
            if isinstance(v[0], Speed):
                medians[name] = Speed(statistics.median(v), statistics.median(speed.whole for speed in v))
        return medians

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
        lines = ["| figure | Tandem | peer | ratio | target | met |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines + [""] + self.notes)


def fmt(value):
    if isinstance(value, str):
        return value
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return text + f" (whole process {value.whole:,.0f})" if isinstance(value, Speed) else text


# ---------------------------------------------------------------------------------------------------------------- the sections

def section_train(bench, model, name, peers, share_target):
    """xDeepFM on one core: `peers` are (name, arguments of speed.py, target)."""
    log = bench.log(SHORT_ROWS)
    peaks = []

    def ours():
        speed = bench.train(model, SHORT_ROWS)
        peaks.append(bench.json(["peak_bench", "--fma"])["fma"])
        return speed

    sides = {"tandem": ours}
    for peer_name, extra, _ in peers:
        sides[peer_name] = lambda extra=extra: bench.peer("xdeepfm", "train", PEER_XDEEPFM_ROWS, log, extra)
    medians = bench.turns(sides)
    for peer_name, _, target in peers:
        bench.add(f"{name}, teacher + student trained, one core, against {peer_name} training the teacher alone (samples/s)",
                  medians["tandem"], medians[peer_name], medians["tandem"] / medians[peer_name], target)
    flops = flops_per_sample(model)
    bench.share(f"{name}: share of FMA peak over the whole step ({flops * 1e-6:.1f} MFLOP a sample, peak "
                f"{statistics.median(peaks) * 1e-9:.0f} GFLOP/s)", flops * medians["tandem"] / statistics.median(peaks), share_target)


def xdeepfm(bench):
    section_train(bench, "xdeepfm", "xDeepFM, ReLU and bias", [("PyTorch", ["--chunk", "-32"], 1.3)], 0.80)


def identity(bench):
    section_train(bench, "identity", "xDeepFM, identity",
                  [("PyTorch", ["--chunk", "-32", "--cin-act", "identity"], 5.0),
                   ("PyTorch with our shortcut", ["--chunk", "-32", "--cin-act", "identity", "--pool-last"], 1.5)], 0.70)


def two_cores(bench):
    log = bench.log(SHORT_ROWS)
    both = bench.options.cores
    for model, name, extra, target in [("xdeepfm", "xDeepFM, ReLU and bias", [], 1.2),
                                       ("identity", "xDeepFM, identity", ["--cin-act", "identity"], 4.5)]:
        medians = bench.turns({
            "two cores": lambda: bench.train(model, SHORT_ROWS, both),
            "one core": lambda: bench.train(model, SHORT_ROWS, wall=True),
            "2 x PyTorch": lambda: bench.peer("xdeepfm", "train", PEER_XDEEPFM_ROWS, log, ["--chunk", "-32"] + extra, both)})
        bench.add(f"{name}, two cores, against two PyTorch processes (samples/s)", medians["two cores"], medians["2 x PyTorch"],
                  medians["two cores"] / medians["2 x PyTorch"], target)
        bench.add(f"{name}: two cores against own one (samples/s)", medians["two cores"], medians["one core"],
                  medians["two cores"] / medians["one core"], 1.85)


def cheap_training(bench, model, figure, target):
    log = bench.log(LONG_ROWS)
    medians = bench.turns({"tandem": lambda: bench.train(model, LONG_ROWS),
                           "PyTorch": lambda: bench.peer(model, "train", PEER_ROWS, log)})
    bench.add(figure, medians["tandem"], medians["PyTorch"], medians["tandem"] / medians["PyTorch"], target)


def deepfm(bench):
    cheap_training(bench, "deepfm", "DeepFM, teacher + student trained from the file, one core, against PyTorch training DeepFM alone from "
                   "memory (samples/s)", 1.25)


def student(bench):
    cheap_training(bench, "student", "student alone, trained from the file, one core, against PyTorch from memory (samples/s)", 2.0)


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


def student_mlp(bench):
    if not bench.options.onnxruntime:
        return say("no --onnxruntime: the student's MLP against ONNX Runtime left out")
    report = bench.json(["student_bench", "--json", f"--onnxruntime={bench.options.onnxruntime}", f"--repeats={max(9, bench.options.repeats)}"])
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


def gather(bench):
    log, run = bench.log(LONG_ROWS), bench.run_of("student")
    last = {}

    def ours():
        for row in bench.json(["student_bench", "--json", f"--model={run}", f"--input={log}", "--repeats=3"]):
            last.setdefault(row["from"], []).append(row["samples_per_second"])
        return last["table rows"][-1]

    medians = bench.turns({"tandem": ours, "PyTorch": lambda: bench.peer("student", "infer", LONG_ROWS, log, ["--jit"])})
    bench.add("gather + student from memory, one core, against PyTorch jit (samples/s)", medians["tandem"], medians["PyTorch"],
              medians["tandem"] / medians["PyTorch"], 1.25)
    keys = statistics.median(last["hashed ids"])
    bench.add("the same from hashed ids, looked up in the tables (samples/s)", keys, medians["PyTorch"], keys / medians["PyTorch"], "stated")


def predict(bench):
    log, run = bench.log(LONG_ROWS), bench.run_of("student")
    logs = {LONG_ROWS: log, REPEATED * LONG_ROWS: bench.repeated_log(LONG_ROWS, REPEATED)}
    scores, bundle = (os.path.join(bench.options.work, name) for name in ("scores.tsv", "bundle-student"))
    shutil.rmtree(bundle, ignore_errors=True)
    bench.command(bench.one_core(), [bench.tandem, "export", f"--model={run}", f"--output={bundle}"])

    def ours(model, rows, cores, wall=False):
        return rows / bench.seconds(cores, [bench.tandem, "predict", f"--model={model}", "--tower=student", f"--input={logs[rows]}",
                                            f"--output={scores}", f"runtime.threads={len(cores)}"], wall)

    sides = {"PyTorch": lambda: bench.peer("student", "infer", LONG_ROWS, log, ["--jit"]),
             "from the run": lambda: ours(run, LONG_ROWS, bench.one_core())}
    for rows in logs:
        sides[f"one core, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.one_core())
        sides[f"one core by the clock, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.one_core(), wall=True)
        sides[f"two cores, {rows:,}"] = lambda rows=rows: ours(bundle, rows, bench.options.cores)
    medians = bench.turns(sides)
    whole = "TSV file of {:,} rows to score file, start-up included"
    against = "one core, against PyTorch jit from memory without parsing (samples/s)"
    for rows in logs:
        one, one_wall, two = (medians[f"{name}, {rows:,}"] for name in ("one core", "one core by the clock", "two cores"))
        bench.add(f"predict, {whole.format(rows)}, {against}", one, medians["PyTorch"], one / medians["PyTorch"], 0.9)
        bench.add(f"predict, {whole.format(rows)}, two cores against own one (samples/s)", two, one_wall, two / one_wall, 1.7)
    bench.add(f"predict from a run's checkpoint, {whole.format(LONG_ROWS)}, {against}", medians["from the run"], medians["PyTorch"],
              medians["from the run"] / medians["PyTorch"], "stated")


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


SECTIONS = {"cin": cin, "mlp": mlp, "student-mlp": student_mlp, "parse": parse, "gather": gather, "predict": predict, "student": student,
            "deepfm": deepfm, "xdeepfm": xdeepfm, "identity": identity, "two-cores": two_cores, "latency": latency}
WITHOUT_LOG = {"cin", "mlp", "student-mlp", "parse"}


def check_ids(bench):
    """Tandem's tables of a trained run hold exactly the peer's ids: the same number in every field."""
    with open(bench.log(SHORT_ROWS)) as file:
        seen = [set() for _ in range(FIELDS)]
        for line in file:
            cells = line.rstrip("\n").split("\t")[1:]
            for field, cell in enumerate(cells):
                seen[field].add((bucket(int(cell)) if cell else -100) if field < 13 else cell)
    bench.train("student", SHORT_ROWS)
    run = os.path.join(bench.options.work, "run-student")
    report = json.loads(bench.command(bench.one_core(), [bench.tandem, "inspect", f"--model={run}", "--format=json"]))
    shutil.rmtree(run)
    for table, ids in zip(report["tables"], seen):
        if table["rows"] != len(ids) + 1:  # and the default row
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
    bench.notes.append("Memory over 30 days and growth: docs/lab/performance.md.")
    table = bench.table()
    print(table)
    if bench.options.output:
        with open(bench.options.output, "w") as file:
            file.write(table + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
