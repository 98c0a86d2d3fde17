#!/usr/bin/env python3
"""The snippets that open the public headers compile.

    tests/package/snippets_test.py BUILD_DIR

A snippet is a run of lines `//   code` in the comment that opens a header, as long as one of them ends like code. Every header's become one
function, with what tests/package/snippets_given.h declares for it, and all are compiled together (-fsyntax-only). `...` stands for what
a snippet leaves out: a line that begins with it, what follows a `=`, a statement.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADERS = os.path.join(ROOT, "include", "tandem")
GIVEN = os.path.join(ROOT, "tests", "package", "snippets_given.h")
BUILD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else os.path.join(ROOT, "build")


def snippet(header):
    """Numbered lines of the header's snippets, of the comment that opens it."""
    runs = [[]]
    with open(header) as text:
        for number, line in enumerate(text, 1):
            if not line.startswith("//"):
                break
            if line.startswith("//   "):
                runs[-1].append((number, line[5:].rstrip()))
            elif runs[-1]:
                runs.append([])
    return [line for run in runs if any(re.search(r"[;{}]\s*(//.*)?$", code) for _, code in run) for line in run]


def without_elisions(code):
    if code.lstrip().startswith("..."):
        return ""
    code, comment = re.match(r"(.*?)(//.*)?$", code).groups()
    code = re.sub(r"=\s*\.\.\.", "= Elided()", code)
    return re.sub(r"\.\.\.;?", ";", code) + (comment or "")


def source():
    with open(GIVEN) as text:
        given = set(re.findall(r"^namespace (\w+)_h \{", text.read(), re.M))
    names = sorted(name for name in os.listdir(HEADERS) if name.endswith(".h"))
    parts = [f'#include "tandem/{name}"\n' for name in names]
    parts.append(f'#include "{GIVEN}"\nnamespace tandem {{\n')
    known = set()
    for name in names:
        path, stem = os.path.join(HEADERS, name), name[:-2]
        lines = snippet(path)
        if not lines:
            continue
        known.add(stem)
        # What a header has of its own hides what all have.
        parts.append(f"namespace given::{stem}_h {{\nReturned Snippet() {{\n")
        for number, code in lines:
            parts.append(f'#line {number} "include/tandem/{name}"\n{without_elisions(code)}\n')
        parts.append(f"  return Returned();\n}}\n}}  // namespace given::{stem}_h\n")
    parts.append("}  // namespace tandem\n")
    return "".join(parts), given - known, len(known)


class SnippetsTest(unittest.TestCase):
    def test_the_snippets_of_the_public_headers_compile(self):
        text, unused, snippets = source()
        self.assertEqual(unused, set(), "snippets_given.h declares things for headers without a snippet")
        self.assertGreater(snippets, 10, "hardly a snippet was found")
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "snippets.cc")
            with open(path, "w") as out:
                out.write(text)
            compiled = subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", "-w", "-I", os.path.join(ROOT, "include"), "-I",
                                       os.path.join(BUILD, "proto"), path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(compiled.returncode, 0, compiled.stdout)

    def test_what_is_left_out_is_nothing_but_that(self):
        self.assertEqual(without_elisions("options.evaluate = ...;  // later"), "options.evaluate = Elided();  // later")
        self.assertEqual(without_elisions("... add the gradient to workspace.Hidden(l) ..."), "")
        self.assertEqual(without_elisions("if (done) ...        // later ..."), "if (done) ;        // later ...")
        self.assertEqual(without_elisions("ForEach(n, [&](int i) { Work(i); ... });"), "ForEach(n, [&](int i) { Work(i); ; });")
        self.assertEqual(without_elisions("Step(a, b);"), "Step(a, b);")


if __name__ == "__main__":
    unittest.main()
