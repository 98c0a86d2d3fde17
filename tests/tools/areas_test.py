#!/usr/bin/env python3
"""The picture of docs/architecture.md: no area of src/ knows one above it."""
import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The rows of the picture, from the lowest; those of one row don't know each other.
AREAS = ["util", "page", "config", "data", "kernels", "optim", "nn embedding", "metrics loss", "train", "serve",
         "online daily compare init report tune", "setup", "tools"]
LEVEL = {area: level for level, areas in enumerate(AREAS) for area in areas.split()}
# Public headers without a .cc of their name in one area: the area they speak of.
HEADERS = {
    "cell_decoder": "data", "cell_reader": "data", "cin_shape": "kernels", "compare": "compare", "daily": "daily", "day_watch": "data", "experiment": "config", "field": "data",
    "kernels": "kernels", "loss": "loss", "matrix": "util", "online": "online", "optimizer": "optim", "poor_model": "util",
    "raw_rows": "data", "row_choice": "data", "evaluation": "metrics", "row_block": "embedding", "row_decoder": "data", "row_framing": "data", "row_reader": "embedding",
    "row_shape": "embedding", "row_store": "embedding", "row_store_factory": "embedding", "row_training": "embedding", "table_rows": "embedding",
    "run_observer": "train", "sample_file": "data", "setup": "setup", "status": "util",
}


def sources():
    """Path and area of every file of the library and of the command line."""
    for folder, _, names in os.walk(os.path.join(ROOT, "src")):
        for name in names:
            if name.endswith((".cc", ".h")):
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                yield path, path.split(os.sep)[1]
    for name in os.listdir(os.path.join(ROOT, "tools")):
        if name.endswith((".cc", ".h")):
            yield os.path.join("tools", name), "tools"


def header_areas(files):
    """Area of tandem/x.h: that of src/<area>/x.cc, or as HEADERS has it; of tandem/x.pb.h: that of src/<area>/x.proto."""
    areas = {os.path.basename(path)[:-3]: area for path, area in files if path.endswith(".cc") and area != "tools"}
    return {**areas, **HEADERS, **message_areas()}


def message_areas():
    src = os.path.join(ROOT, "src")
    return {name[:-len("proto")] + "pb": area for area in os.listdir(src) for name in os.listdir(os.path.join(src, area))
            if name.endswith(".proto")}


def includes(path):
    with open(os.path.join(ROOT, path)) as text:
        return re.findall(r'^#include "([^"]+)"', text.read(), re.M)


class AreasTest(unittest.TestCase):
    def test_every_area_has_its_place(self):
        self.assertEqual(sorted({area for _, area in sources()} - set(LEVEL)), [])

    def test_every_public_header_has_an_area(self):
        names = {name[:-2] for name in os.listdir(os.path.join(ROOT, "include", "tandem"))}
        self.assertEqual(sorted(names - set(header_areas(list(sources())))), [])
        self.assertEqual(sorted(set(HEADERS) - names), [], "HEADERS names what isn't there")

    def test_every_message_header_has_one_area(self):
        areas = message_areas()
        self.assertEqual(areas["state.pb"], "train")
        included = {name for path, _ in sources() for name in re.findall(r"tandem/(\w+\.pb)\.h", " ".join(includes(path)))}
        self.assertEqual(sorted(included - set(areas)), [])

    def test_the_picture_has_these_rows(self):
        with open(os.path.join(ROOT, "docs", "architecture.md")) as text:
            picture = re.search(r"^```\n(tools/.*?)^```", text.read(), re.M | re.S).group(1)
        rows = [" ".join(line[:30] for line in row.splitlines()) for row in re.split(r"^   │.*\n", picture, flags=re.M)]
        drawn = [set(re.findall(r"\w+", row)) for row in rows]
        self.assertEqual(drawn, [set(row.split()) for row in reversed(AREAS)])

    def test_arrows_point_down(self):
        files = list(sources())
        areas = header_areas(files)
        # Public headers count for the area of their implementation.
        for name in os.listdir(os.path.join(ROOT, "include", "tandem")):
            if name[:-2] in areas:
                files.append((os.path.join("include", "tandem", name), areas[name[:-2]]))
        arrows, wrong = 0, set()
        for path, area in files:
            for include in includes(path):
                match = re.match(r"src/(\w+)/|tandem/(\w+(?:\.pb)?)\.h$|(tools)/", include)
                if match is None:
                    continue
                other = match.group(1) or match.group(3) or areas.get(match.group(2))
                if other is None or other == area:
                    continue
                arrows += 1
                if LEVEL[other] >= LEVEL[area]:
                    wrong.add(f"{path} ({area}) includes {include} ({other})")
        self.assertEqual(sorted(wrong), [])
        self.assertGreater(arrows, 150, "hardly an include was looked at")


if __name__ == "__main__":
    unittest.main()
