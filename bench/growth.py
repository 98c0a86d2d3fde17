#!/usr/bin/env python3
"""What training costs as one thing grows: time a row and memory, measured in runs of the real program.

    cmake --build build --target tandem_cli
    bench/growth.py --work=/tmp/tandem-growth --page=growth.html   # measures what isn't there yet, half an hour; one page of it all
    bench/growth.py --work=/tmp/tandem-growth --only=fields,dim    # some sections only
    bench/growth.py --work=/tmp/tandem-growth --report --plots=docs/lab/performance
    bench/growth.py --work=/tmp/tandem-growth --only=window --window_rows=10000000    # a large log; 4 GB, 15 GB of disk

A section varies one factor around a base case: a DeepFM teacher (400-400) and a student (128-64), 39 fields of one id each, D = 16,
a table of a million ids, Adam, batch 512, one thread, one core. A run first fills the table (rows with bags of a hundred ids, so that
every id is there), then trains on rows whose ids are uniform, which no cache likes; the figure is the median over the steps of the
second part, by the clock, or with --cpu_time the part's processor time, for a machine that others use too. Memory is the largest resident
set of the whole run. `slope` is that of the double logarithm from the point above: 1 is proportional. Beside it what the method's arithmetic
alone would give. Results are kept in WORK/results.json point by point: a run that was stopped goes on, --again measures anew. Standard
library only.
"""
import argparse
import html
import json
import math
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASE = {"rows": 60000, "vocabulary": 10**6, "fields": 39, "dim": 16, "maps": 0, "width": 400, "members": 1, "batch": 512, "threads": 1,
        "optimizer": "adam"}
# A CIN of H maps costs what thousands of ids cost: fewer rows will do.
SECTIONS = {
    "rows": [{"rows": n} for n in (30000, 60000, 120000, 240000, 480000)],
    "vocabulary": [{"vocabulary": v} for v in (10**4, 10**5, 10**6, 10**7, 3 * 10**7)]
    + [{"vocabulary": 10**8, "dim": 8, "optimizer": "sgd"}, {"vocabulary": 10**6, "dim": 8, "optimizer": "sgd"}],
    "fields": [{"fields": f} for f in (5, 10, 20, 39, 80)],
    "dim": [{"dim": d} for d in (4, 8, 16, 32, 64)],
    "maps": [{"maps": h, "rows": 20000 if h < 64 else 8000} for h in (0, 8, 16, 32, 64, 128)],
    "width": [{"width": w, "rows": 60000 if w < 800 else 20000} for w in (50, 100, 200, 400, 800, 1600)],
    "members": [{"members": k, "rows": 60000 if k < 4 else 20000} for k in (1, 2, 4, 8, 16)],
    "batch": [{"batch": b} for b in (128, 256, 512, 1024, 2048, 4096, 8192)],
    "threads": [{"threads": t} for t in (1, 2, 4, 8, 16, 32, 64)],
}
TITLES = {
    "rows": "rows trained on", "vocabulary": "ids in the table", "fields": "fields", "dim": "D, floats a field",
    "maps": "maps of each CIN layer", "width": "width of the teacher's two layers", "members": "members of a committee (a table each)", "batch": "rows a batch", "threads": "threads",
}
HOW = ("One factor at a time around a DeepFM teacher (400-400) with a student (128-64): 39 fields, D = 16, a million ids drawn uniformly, Adam, batch "
       "512, one core. Dashed: as the multiplications and additions alone would grow, through the costliest point; the tables as computed.")
FILL_IDS = 100  # of a row that fills the table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default=os.path.join(ROOT, "build", "tandem"))
    parser.add_argument("--work", default="/tmp/tandem-growth", help="folder of logs, runs and results.json")
    parser.add_argument("--only", default="", help="sections, comma-separated (default: all): " + ", ".join([*SECTIONS, "window"]))
    parser.add_argument("--points", type=int, default=10**9, help="measure at most so many points this time")
    parser.add_argument("--prepare", action="store_true", help="write the logs that will be needed, measure nothing")
    parser.add_argument("--again", action="store_true", help="forget the results of the chosen sections first")
    parser.add_argument("--report", action="store_true", help="measure nothing: print the tables")
    parser.add_argument("--plots", default="", help="folder to write an SVG a section to")
    parser.add_argument("--page", default="", help="HTML file of all plots and tables")
    parser.add_argument("--cpu_time", action="store_true", help="processor time, not the clock's")
    parser.add_argument("--memory_gib", type=float, default=20, help="points that need more are left out")
    parser.add_argument("--window_rows", type=int, default=10**6)
    parser.add_argument("--window_threads", type=int, default=1)
    return parser.parse_args()


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# ---- the model: what docs/performance.md explains


def slots(case):
    return {"adam": 2, "adagrad": 1, "sgd": 0}[case["optimizer"]]


def row_bytes(case):
    """Of an id: its table's row and entry in the index. A committee's row has its members' vectors; its student has a table of its own."""
    linear = 1
    floats = [(case["dim"] + linear) * case["members"]] + ([case["dim"]] if case["members"] > 1 else [])
    return sum(bytes_of_row(case, n) for n in floats)


def bytes_of_row(case, floats):
    """Weights, slots, words; 12 bytes of the index at a load of 0.6 to 0.75."""
    words = floats * (1 + slots(case)) + (2 if case["optimizer"] == "adam" else 1)
    lines = -(-words // 16) * 16
    stride = lines if lines - words <= words // 8 else -(-words // 4) * 4
    return 4 * stride + 12 / 0.67


def table_bytes(case):
    return case["vocabulary"] * row_bytes(case)


def flops(case):
    """Multiplications and additions of a row in one step, forward and backward, both towers."""
    fields, dim, maps, hidden = case["fields"], case["dim"], case["maps"], case["width"]
    width = fields * dim
    teacher = 2 * (width * hidden + hidden * hidden + hidden) + 3 * width
    if maps > 0:
        pairs = fields * (fields + 1) // 2
        teacher += 2 * maps * dim * (pairs + maps * fields)
    student = 2 * (width * 128 + 128 * 64 + 64)
    return 3 * teacher * case["members"] + 3 * student - 2 * width * 128


def ideal_time(section, case):
    """What time a row is proportional to by the arithmetic alone; threads share it, and memory costs nothing."""
    return flops(case) / (case["threads"] if section == "threads" else 1)


# ---- logs


def once(path, write):
    """Writes a file unless it is there; whole or not at all."""
    if not os.path.exists(path):
        say("writing", path)
        with open(path + ".tmp", "w") as out:
            write(out)
        os.rename(path + ".tmp", path)
    return path


def write_fill(case, out):
    """Rows with bags of consecutive ids in the first field, nothing in the others."""
    rest = "\t" * (case["fields"] - 1)
    for begin in range(0, case["vocabulary"], FILL_IDS):
        out.write("0\t" + "|".join(map(str, range(begin, min(begin + FILL_IDS, case["vocabulary"])))) + rest + "\n")


def write_rows(case, out):
    draw = random.Random(1)
    ids = range(case["vocabulary"])
    for _ in range(case["rows"]):
        row = draw.choices(ids, k=case["fields"])
        out.write(("1\t" if row[0] % 4 == 0 else "0\t") + "\t".join(map(str, row)) + "\n")


def write_log(args, case):
    """A folder of two files; name order is reading order."""
    folder = os.path.join(args.work, "log-v%d-f%d-r%d" % (case["vocabulary"], case["fields"], case["rows"]))
    os.makedirs(folder, exist_ok=True)
    once(os.path.join(folder, "part-1.tsv"), lambda out: write_fill(case, out))
    once(os.path.join(folder, "part-2.tsv"), lambda out: write_rows(case, out))
    return folder


def write_config(args, case, folder):
    columns = ["f%d" % f for f in range(case["fields"])]
    text = 'data { path: "%s/part-*.tsv" delimited { header: false column: "label" %s } }\n' % (
        folder, " ".join('column: "%s"' % c for c in columns))
    for c in columns:
        text += 'feature { name: "%s" sparse { multi_valued: true table: "ids" } }\n' % c
    cin = "interaction { cin { layers: %d layers: %d activation: RELU bias: true } }" % (case["maps"], case["maps"])
    text += "embedding { dim: %d optimizer { %s { lr: 0.001 } } }\n" % (case["dim"], case["optimizer"])
    tower = "{ linear: true interaction { fm {} } %s mlp { hidden: %d hidden: %d } combine: PARALLEL }" % (
        cin if case["maps"] > 0 else "", case["width"], case["width"])
    text += "model { %s\n" % ("teacher " + tower if case["members"] == 1 else "committee { member { tower %s copies: %d } }" % (tower, case["members"]))
    text += "student { mlp { hidden: 128 hidden: 64 } } distill { logit_loss: MSE logit_weight: 1 %s } }\n" % (
        "switches { own_embedding: true }" if case["members"] > 1 else "")
    text += "train { batch_size: %d shuffle_rows: 0 optimizer { adam { lr: 0.001 } } }\n" % case["batch"]
    path = os.path.join(args.work, "config.pbtxt")
    with open(path, "w") as out:
        out.write(text)
    return path


# ---- runs


def status_bytes(pid, key):
    try:
        with open("/proc/%d/status" % pid) as status:
            return 1024 * int(re.search(key + r":\s+(\d+) kB", status.read()).group(1))
    except (OSError, AttributeError):
        return 0


def start(command, cores):
    """On so many cores; glog's lines come on stderr as they are written."""
    available = sorted(os.sched_getaffinity(0))
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: os.sched_setaffinity(0, available[-cores:]))


def metrics(run):
    """The whole lines of the run's log."""
    with open(os.path.join(run, "metrics.jsonl")) as lines:
        return [json.loads(line) for line in lines if line.endswith("\n")]


def processor_seconds(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return None


def measure(args, case):
    folder = write_log(args, case)
    config = write_config(args, case, folder)
    run = os.path.join(args.work, "run")
    shutil.rmtree(run, ignore_errors=True)
    steps = case["rows"] // case["batch"]
    process = start([args.tandem, "train", "--config=" + config, "--run_dir=" + run, "runtime.threads=%d" % case["threads"],
                     "runtime.log_every_steps=%d" % max(1, steps // 20)], case["threads"])
    said, steady, clock = [], 0, []
    for line in process.stderr:
        said.append(line)
        step = re.search(r" step (\d+): ", line)
        if step:
            clock.append((int(step.group(1)) * case["batch"], processor_seconds(process.pid)))
        if " done: " in line:
            # All is measured. The checkpoint begins with the log; nobody needs the rest of it.
            steady = status_bytes(process.pid, "VmRSS")
            for _ in range(6000):
                if any("progressive" in m for m in metrics(run)):
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            break
    _, code, usage = os.wait4(process.pid, 0)
    if steady == 0:
        raise SystemExit("tandem train ended with %d:\n%s" % (code, "".join(said[-5:])))
    fill_rows = -(-case["vocabulary"] // FILL_IDS)
    rates = [m["rows_per_second"] for m in metrics(run) if "losses" in m and m["rows"] > fill_rows + 2 * case["batch"]]
    shutil.rmtree(run, ignore_errors=True)
    microseconds = 1e6 / statistics.median(rates[1:])
    if args.cpu_time:
        points = [point for point in clock if point[0] > fill_rows + 2 * case["batch"]]
        microseconds = 1e6 * (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
    return {"microseconds": microseconds, "peak_bytes": usage.ru_maxrss * 1024, "steady_bytes": steady}


def name(section, case):
    return section + " " + " ".join("%s=%s" % (k, case[k]) for k in sorted(case))


def fits(args, case):
    """Fewer cores than threads, or too large a table, is no measurement."""
    return (case["threads"] <= len(os.sched_getaffinity(0))
            and table_bytes(case) + 5e8 < args.memory_gib * 2**30)


def measure_window(args):
    """A log of thirty days whose tables reach ten million ids, from `tandem synth`."""
    log = os.path.join(args.work, "window-log-%d" % args.window_rows)
    if not os.path.exists(os.path.join(log, "TRUTH.json")):
        shutil.rmtree(log, ignore_errors=True)
        say("writing", log)
        subprocess.run([args.tandem, "synth", "--output=" + log, "--days=30", "--rows_per_day=%d" % -(-args.window_rows // 30),
                        "--vocabulary=1000000000", "--seed=1"], check=True, stdout=subprocess.DEVNULL)
    run = os.path.join(args.work, "window-run")
    shutil.rmtree(run, ignore_errors=True)
    configs = [os.path.join(ROOT, "configs", c) for c in ("synthetic.pbtxt", "teacher/deepfm.pbtxt")]
    process = start([args.tandem, "train", "--config=" + ",".join(configs), "--run_dir=" + run, "--end_date=2026-01-30",
                     "data.path=" + log + "/{date}.tsv.gz", "runtime.threads=%d" % args.window_threads,
                     "runtime.log_every_steps=20"], args.window_threads)
    days = []
    for line in process.stderr:
        if " done: " in line:
            days.append({"day": line.split()[0], "resident_bytes": status_bytes(process.pid, "VmRSS"), "cpu": processor_seconds(process.pid)})
            say(days[-1])
    _, code, usage = os.wait4(process.pid, 0)
    if code != 0:
        raise SystemExit("tandem train ended with %d" % code)
    for day in days:
        # The first interval of a day has the checkpoint of the day before in it.
        rates = [m["rows_per_second"] for m in metrics(run) if "losses" in m and m["day"] == day["day"]][1:]
        day["rows_per_second"] = statistics.median(rates)
    if args.cpu_time:
        for before, day in zip([{"cpu": 0}, *days], days):
            day["rows_per_second"] = args.window_rows / 30 / (day["cpu"] - before["cpu"])
    held = json.loads(subprocess.run([args.tandem, "inspect", "--model=" + run, "--format=json"], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)
    shutil.rmtree(run)
    return {"days": days, "peak_bytes": usage.ru_maxrss * 1024, "ids": held["teacher"]["embedding_rows"],
            "threads": args.window_threads}


# ---- reports


def axis_ticks(low, high, log):
    if log:
        # A short range has no three powers of ten in it.
        steps = (1,) if high / low > 500 else (1, 2, 5)
        ticks = [step * 10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for step in steps]
        return [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    step = 10.0 ** math.floor(math.log10(high / 2))
    while high / step > 6:
        step *= 2 if high / step <= 12 else 5
    return [step * i for i in range(int(high / step + 1e-9) + 1)]


def short(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%g%s" % (round(value / limit, 2), unit)
    return "%g" % round(value, 2)


def panel(x0, title, x_title, curves, log_x, log_y):
    """One diagram: curves are (points, dashed, label)."""
    width, height, top = 300, 190, 34
    xs = [p[0] for curve in curves for p in curve[0]]
    ys = [p[1] for curve in curves for p in curve[0]]
    x_low, x_high = (min(xs), max(xs)) if log_x else (0, max(xs))
    y_low, y_high = (min(ys) / 1.5, max(ys) * 1.5) if log_y else (0, max(ys) * 1.1)

    def place(value, low, high, log):
        if log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / ((high - low) or 1)

    def x_of(v):
        return x0 + width * place(v, x_low, x_high, log_x)

    def y_of(v):
        return top + height * (1 - place(v, y_low, y_high, log_y))

    svg = ['<text x="%d" y="18" font-weight="bold">%s</text>' % (x0, title)]
    for y in axis_ticks(y_low, y_high, log_y):
        svg.append('<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>'
                   % (x0, y_of(y), width, x0 - 5, y_of(y) + 4, short(y)))
    for x in (sorted(set(xs)) if len(set(xs)) < 8 else axis_ticks(x_low, x_high, log_x)):
        svg.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (x_of(x), top + height + 16, short(x)))
    svg.append('<path d="M%d %dv%dh%d" fill="none" stroke="#666"/>' % (x0, top, height, width))
    svg.append('<text x="%d" y="%d" text-anchor="middle">%s</text>' % (x0 + width / 2, top + height + 34, x_title))
    for k, (points, dashed, label) in enumerate(curves):
        style = 'stroke="#999" stroke-dasharray="5 4"' if dashed else 'stroke="#1f6fb4" stroke-width="2"'
        svg.append('<polyline fill="none" %s points="%s"/>' % (style, " ".join("%.1f,%.1f" % (x_of(x), y_of(y)) for x, y in points)))
        if not dashed:
            svg += ['<circle cx="%.1f" cy="%.1f" r="3" fill="#1f6fb4"/>' % (x_of(x), y_of(y)) for x, y in points]
        svg.append('<text x="%d" y="%d" fill="%s">%s</text>' % (x0 + 8, top + 14 + 15 * k, "#777" if dashed else "#1f6fb4", label))
    return svg


def svg_of(panels):
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="760" height="280" viewBox="0 0 760 280" font-family="sans-serif" '
            'font-size="12" fill="#333">\n<rect width="760" height="280" fill="#fff"/>\n%s\n</svg>\n' % "\n".join(sum(panels, [])))


class Report:
    """Tables as Markdown on stdout; with the plots of each section as SVG files (--plots) and on one page (--page)."""

    def __init__(self, args):
        self.args, self.page = args, []

    def section(self, section, title, head, rows, note, panels):
        print("\n".join(["", "### " + title, "", "| %s |" % " | ".join(head), "|" + "---|" * len(head)] + ["| %s |" % " | ".join(row) for row in rows]
                        + (["", note] if note else [])))
        svg = svg_of(panels) if panels else ""
        if svg and self.args.plots:
            with open(os.path.join(self.args.plots, section + ".svg"), "w") as out:
                out.write(svg)
        cells = lambda row, tag: "<tr>%s</tr>" % "".join("<%s>%s</%s>" % (tag, html.escape(cell), tag) for cell in row)
        self.page += ["<h2>%s</h2>" % html.escape(title), svg, "<table>", cells(head, "th"), *(cells(row, "td") for row in rows), "</table>",
                      "<p>%s</p>" % html.escape(note) if note else ""]

    def write(self):
        if self.args.page:
            with open(self.args.page, "w") as out:
                out.write("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>How Tandem's training grows</title><style>body{font:14px sans-serif;"
                          "max-width:780px;margin:2em auto;padding:0 1em}table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right;"
                          "border-bottom:1px solid #ddd}svg{max-width:100%;height:auto}</style><h1>How training's time and memory grow</h1>\n")
                out.write("<p>" + html.escape(HOW) + "</p>\n" + "\n".join(self.page) + "\n")


def slope(x0, y0, x1, y1):
    return math.log(y1 / y0) / math.log(x1 / x0)


def report(args, results, sections):
    page = Report(args)
    for section in sections:
        if section == "window":
            report_window(page, results)
            continue
        rows = []
        for change in SECTIONS[section]:
            case = {**BASE, **change}
            if name(section, case) in results:
                rows.append((case, change, results[name(section, case)]))
        if not rows:
            continue
        head = [TITLES[section], "µs a row", "slope", "of the arithmetic", "GFLOP/s", "peak memory, MB", "slope", "table, MB (computed)"]
        cells, before = [], None
        for case, change, r in rows:
            plain = set(change) <= {section, "rows"}
            slopes = [""] * 3
            if plain and before and before[0][section] > 0:
                last, of_last = before
                x0, x1 = last[section], case[section]
                slopes = ["%+.2f" % slope(x0, y0, x1, y1) for y0, y1 in (
                    (of_last["microseconds"], r["microseconds"]), (ideal_time(section, last), ideal_time(section, case)),
                    (of_last["peak_bytes"], r["peak_bytes"]))]
            before = (case, r) if plain else before
            label = short(case[section]) + "".join(", %s %s" % (k, v) for k, v in change.items() if k not in (section, "rows"))
            cells.append([label, "%.1f" % r["microseconds"], slopes[0], slopes[1], "%.1f" % (flops(case) / r["microseconds"] / 1e3),
                          "%.0f" % (r["peak_bytes"] / 1e6), slopes[2], "%.0f" % (table_bytes(case) / 1e6)])
        plain = [(c, r) for c, change, r in rows if set(change) <= {section, "rows"}]
        panels = []
        if len(plain) > 1:
            # From the costliest point, where what doesn't grow weighs least.
            top, of_top = max(plain, key=lambda point: ideal_time(section, point[0]))
            ideal = [(c[section], of_top["microseconds"] * ideal_time(section, c) / ideal_time(section, top)) for c, _ in plain]
            drawn = lambda points: [(x, y) for x, y in points if x > 0]
            panels = [panel(60, "µs a row", TITLES[section], [(drawn([(c[section], r["microseconds"]) for c, r in plain]), False, "measured"),
                                                             (drawn(ideal), True, "as the arithmetic")], True, True),
                      panel(440, "peak memory, MB", TITLES[section], [(drawn([(c[section], r["peak_bytes"] / 1e6) for c, r in plain]), False, "measured"),
                                                                     (drawn([(c[section], table_bytes(c) / 1e6) for c, _ in plain]), True, "table, computed")],
                            True, True)]
        page.section(section, TITLES[section], head, cells, "", panels)
    page.write()


def report_window(page, results):
    window = results.get("window")
    if window is None:
        return
    days = window["days"]
    third, last = days[2], days[-1]
    case = {**BASE}
    bare = 4 * window["ids"] * (case["dim"] + 1) * (1 + slots(case))
    note = ("%s ids at the end, threads: %d; day 3 %.0f rows/s, the last day %.0f, a ratio of %.2f; resident at the end %.0f MB, at most %.0f MB; weights "
            "and slots are %.0f MB, with words and index %.0f MB." % (
                short(window["ids"]), window["threads"], third["rows_per_second"], last["rows_per_second"], last["rows_per_second"] / third["rows_per_second"],
                last["resident_bytes"] / 1e6, window["peak_bytes"] / 1e6, bare / 1e6, window["ids"] * row_bytes(case) / 1e6))
    rows = [["%d" % (k + 1), "%.0f" % days[k]["rows_per_second"], "%.0f" % (days[k]["resident_bytes"] / 1e6)]
            for k in sorted({0, 1, 2, 4, 9, 14, 19, 24, len(days) - 1}) if k < len(days)]
    points = list(enumerate(days, 1))
    page.section("window", "days of the window", ["day", "rows/s", "resident, MB"], rows, note, [
        panel(60, "µs a row", "day", [([(k, 1e6 / d["rows_per_second"]) for k, d in points], False, "of the day")], True, True),
        panel(440, "resident memory, MB", "day", [([(k, d["resident_bytes"] / 1e6) for k, d in points], False, "measured")], True, True)])


def main():
    args = arguments()
    sections = args.only.split(",") if args.only else [*SECTIONS, "window"]
    for section in sections:
        if section not in (*SECTIONS, "window"):
            raise SystemExit("--only=%s: the sections are %s" % (section, ", ".join([*SECTIONS, "window"])))
    os.makedirs(args.work, exist_ok=True)
    if args.plots:
        os.makedirs(args.plots, exist_ok=True)
    path = os.path.join(args.work, "results.json")
    results = {}
    if os.path.exists(path):
        with open(path) as stored:
            results = json.load(stored)

    def keep(key, result):
        results[key] = result
        with open(path + ".tmp", "w") as out:
            json.dump(results, out, indent=1)
        os.rename(path + ".tmp", path)

    if args.again:
        results = {k: v for k, v in results.items() if k.split()[0] not in sections}
    points = 0
    for section in sections:
        if args.report:
            break
        if section == "window":
            if "window" not in results and not args.prepare and points < args.points:
                keep("window", measure_window(args))
                points += 1
            continue
        for change in SECTIONS[section]:
            case = {**BASE, **change}
            if name(section, case) in results or not fits(args, case) or points >= args.points:
                continue
            if args.prepare:
                write_log(args, case)
                continue
            begin = time.time()
            keep(name(section, case), measure(args, case))
            points += 1
            say("%s: %s (%.0f s)" % (section, change, time.time() - begin), results[name(section, case)])
    report(args, results, sections)


if __name__ == "__main__":
    main()
