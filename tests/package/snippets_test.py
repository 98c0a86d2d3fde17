#!/usr/bin/env python3
"""The snippets that open the public headers, and those of src/, compile.

    tests/package/snippets_test.py BUILD_DIR

A snippet is a run of lines `//   code` in the comment that opens a header, as long as one of them ends like code. Every header's become one
function, with what tests/package/snippets_given.h declares for it, and all are compiled together (-fsyntax-only), as C++17 and beside no other header of ours than
those that are installed. So are those of src/, beside each other, with tests/package/inner_snippets_given.h. `...` stands for what a snippet leaves out: a line that begins with it, what follows a `=`, an argument, a statement.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADERS = os.path.join(ROOT, "include", "tandem")
GIVEN = os.path.join(ROOT, "tests", "package", "snippets_given.h")
INNER_GIVEN = os.path.join(ROOT, "tests", "package", "inner_snippets_given.h")
# Areas of src/ whose snippets are code.
INNER_AREAS = ["compare", "config", "embedding", "metrics", "nn", "optim", "page", "train", "tune", "util"]
INSTALL = os.path.join(ROOT, "cmake", "install.cmake")
BUILD = os.path.abspath(sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else os.path.join(ROOT, "build"))


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
    code = re.sub(r"([(,]\s*)\.\.\.(?=\s*[,)])", r"\1Elided()", code)
    return re.sub(r"\.\.\.;?", ";", code) + (comment or "")


def headers():
    return sorted(os.path.join(HEADERS, name) for name in os.listdir(HEADERS) if name.endswith(".h"))


def installed_protos():
    with open(INSTALL) as text:
        names = re.findall(r"\$\{PROTO_DIR\}/(tandem/\w+\.pb\.h)", text.read())
    return [os.path.join(BUILD, "proto", name) for name in names]


def inner_headers():
    return sorted(os.path.join(ROOT, "src", area, name) for area in INNER_AREAS for name in os.listdir(os.path.join(ROOT, "src", area))
                  if name.endswith(".h"))


def source(paths, root, given_path):
    """The program, what is given for headers without a snippet, and the headers with one. `root`: of the names in #include."""
    with open(given_path) as text:
        given = set(re.findall(r"^namespace (\w+)_h \{", text.read(), re.M))
    parts = [f'#include "{os.path.relpath(path, root)}"\n' for path in paths]
    parts.append(f'#include "{given_path}"\nnamespace tandem {{\n')
    known = set()
    for path in paths:
        stem = os.path.basename(path)[:-2]
        lines = snippet(path)
        if not lines:
            continue
        known.add(stem)
        # What a header has of its own hides what all have.
        parts.append(f"namespace given::{stem}_h {{\nReturned Snippet() {{\n")
        for number, code in lines:
            parts.append(f'#line {number} "{os.path.relpath(path, ROOT)}"\n{without_elisions(code)}\n')
        parts.append(f"  return Returned();\n}}\n}}  // namespace given::{stem}_h\n")
    parts.append("}  // namespace tandem\n")
    return "".join(parts), given - known, known


def compile_text(text, flags):
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "snippets.cc")
        with open(path, "w") as out:
            out.write(text)
        return subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", *flags, path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class SnippetsTest(unittest.TestCase):
    def test_the_snippets_of_the_public_headers_compile(self):
        text, unused, known = source(headers(), os.path.join(ROOT, "include"), GIVEN)
        self.assertEqual(unused, set(), "snippets_given.h declares things for headers without a snippet")
        self.assertEqual([name for name in map(os.path.basename, headers()) if name[:-2] not in known], [], "headers without a snippet")
        with tempfile.TemporaryDirectory() as work:
            prefix = os.path.join(work, "include", "tandem")
            os.makedirs(prefix)
            for header in headers() + installed_protos():
                os.symlink(header, os.path.join(prefix, os.path.basename(header)))
            compiled = compile_text(text, ["-Wpedantic", "-I", os.path.dirname(prefix)])
        self.assertEqual(compiled.returncode, 0, compiled.stdout)
        self.assertEqual([line for line in compiled.stdout.splitlines() if "c++20" in line or "C++20" in line], [], "not C++17")

    def test_the_snippets_of_the_library_s_own_headers_compile(self):
        text, unused, known = source(inner_headers(), ROOT, INNER_GIVEN)
        self.assertEqual(unused, set(), "inner_snippets_given.h declares things for headers without a snippet")
        self.assertGreater(len(known), 40)
        compiled = compile_text(text, ["-I", ROOT, "-I", os.path.join(ROOT, "include"), "-I", os.path.join(BUILD, "proto")])
        self.assertEqual(compiled.returncode, 0, compiled.stdout)

    def test_the_public_headers_name_no_file_that_is_not_installed(self):
        for header in headers():
            with open(header) as text:
                self.assertEqual(re.findall(r".*\bsrc/.*", text.read()), [], header)

    def test_every_message_that_the_public_headers_name_is_installed(self):
        installed = "".join(pathlib.Path(path).read_text() for path in installed_protos())
        for header in headers():
            with open(header) as text:
                named = set(re.findall(r"\bproto::(\w+)", text.read()))
            self.assertEqual([name for name in named if not re.search(r"\b%s\b" % name, installed)], [], header)

    def test_what_is_left_out_is_nothing_but_that(self):
        self.assertEqual(without_elisions("options.evaluate = ...;  // later"), "options.evaluate = Elided();  // later")
        self.assertEqual(without_elisions("... add the gradient to workspace.Hidden(l) ..."), "")
        self.assertEqual(without_elisions("if (done) ...        // later ..."), "if (done) ;        // later ...")
        self.assertEqual(without_elisions("ForEach(n, [&](int i) { Work(i); ... });"), "ForEach(n, [&](int i) { Work(i); ; });")
        self.assertEqual(without_elisions("Step(a, b);"), "Step(a, b);")
        self.assertEqual(without_elisions("Backward(..., End(shard));"), "Backward(Elided(), End(shard));")


if __name__ == "__main__":
    unittest.main()
