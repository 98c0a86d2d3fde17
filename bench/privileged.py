#!/usr/bin/env python3
"""What does a student gain by a committee that reads fields which the student will never see?

    bench/privileged.py --tandem=build/tandem --data=../shared/data --work=/tmp/privileged [--seeds=3] [NAME ...]

bank: the call's duration; hotel: what a stay's booking is changed to later (rooms, changes, waiting, parking, requests); movielens:
the user's last 20 liked and disliked films. Configurations are what `tandem init` writes, with the fields left out ("without"),
read by the committee alone (`towers: TEACHER`; the student learns its logit by its square, or its probability by SOFT_LABEL), or read
by both ("both": what cannot be served, a ceiling). Splits, seeds, test rows and the file of results are bench/committee_table.py's.
"""
import argparse
import os
import re
import subprocess

import committee_table

FIELDS = {
    "bank": ["duration"],
    "hotel": ["assigned_room_type", "booking_changes", "days_in_waiting_list", "required_car_parking_spaces", "total_of_special_requests"],
    "movielens": ["liked", "disliked"],
}
VARIANTS = ["without", "teacher, MSE", "teacher, SOFT_LABEL", "both"]


def of_column(feature, columns):
    """Whether a feature's text reads one of the columns."""
    column = re.search(r'\bcolumn: "([^"]*)"', feature) or re.search(r'\bname: "([^"]*)"', feature)
    return column.group(1) in columns


def features(text):
    """(begin, end) of every feature { ... } at the begin of a line."""
    for found in re.finditer(r"^feature \{", text, re.MULTILINE):
        depth, at = 0, found.end() - 1
        while True:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
            if depth == 0:
                break
        yield found.start(), at


def write_variant(text, columns, variant, path):
    for begin, end in reversed(list(features(text))):
        feature = text[begin:end]
        if not of_column(feature, columns):
            continue
        if variant == "without":
            text = text[:begin] + text[end:]
        elif variant.startswith("teacher"):
            text = text[:end - 1].rstrip() + " towers: TEACHER }" + text[end:]
    if variant.endswith("SOFT_LABEL"):
        text += "\nmodel { distill { logit_loss: SOFT_LABEL } }\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def prepare(bench, name):
    if name == "movielens":
        folder = os.path.join(bench.options.work, "movielens-history")
        subprocess.run([os.path.join(bench.tree, "tools", "prepare_movielens.py"), f"--input={bench.options.data}/ml-1m-part",
                        f"--output={folder}", "--history=20"], check=True, stdout=subprocess.DEVNULL)
        data = {"train": ["--end_date=2000-12-01"], "test": f"{folder}/2000-12-0[2-8].tsv.gz"}
        words = [f"--input={folder}/{{date}}.tsv.gz", "--label=label"]
    else:
        _, _, label, positive, leaks = committee_table.TABLES[name]
        folder = committee_table.write_table(bench, name)
        leaks = [leak for leak in leaks if leak not in FIELDS[name]]
        data = {"train": [], "test": f"{folder}/test.csv"}
        words = [f"--input={folder}/train.csv", f"--label={label}"]
        words += [f"--positive={positive}"] if positive != "1" else []
        words += [f"--drop={','.join(leaks)}"] if leaks else []
    config = f"{folder}.pbtxt"
    bench.tandem("init", f"--output={config}", "--force", *words)
    with open(config, encoding="utf-8") as file:
        text = file.read()
    data["configs"] = {}
    for variant in VARIANTS:
        path = f"{folder}-{re.sub('[^a-z]+', '-', variant.lower())}.pbtxt"
        write_variant(text, FIELDS[name], variant, path)
        data["configs"][variant] = path
    return data


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", default="build/tandem")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--work", default="/tmp/privileged")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("name", nargs="*", choices=[[], *FIELDS])
    options = parser.parse_args()
    options.tandem, options.data, options.work = map(os.path.abspath, (options.tandem, options.data, options.work))
    os.makedirs(options.work, exist_ok=True)
    bench = committee_table.Bench(options)
    names = options.name or list(FIELDS)
    for name in names:
        data = prepare(bench, name)
        for seed in range(1, options.seeds + 1):
            for variant, config in data["configs"].items():
                bench.score(name, variant, seed, "test", [f"--config={config}", *data["train"]], data["test"])
    print("\n| data | the committee's fields | committee | student |\n|---|---|---|---|")
    for name in names:
        for variant in VARIANTS:
            towers = [committee_table.over_seeds(bench, name, variant, tower)[:2] for tower in ("teacher", "student")]
            print(f"| {name} | {variant} | " + " | ".join(
                f"{mean[0]:.4f} ± {sd[0]:.4f} {mean[1]:.4f} ± {sd[1]:.4f} ({mean[2]:.3f})" for mean, sd in towers) + " |")


if __name__ == "__main__":
    main()
