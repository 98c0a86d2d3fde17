#!/usr/bin/env python3
"""What the library says names settings: a program that calls it has no flags. Whole commands may be named, and what is below."""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*')
FLAG = re.compile(r"--[a-z]")
COMMAND = re.compile(r"tandem [a-z]+(?: --[a-z_]+(?:=[^ ]*)?)+")
# Not of ours, or the second half of a command.
MAY = {
    "src/data/byte_source.cc": [": zstd data with a window of more than 128 MB (zstd --long, --ultra), which a ",
                                "reader must hold in memory; compress it without --long: zstd -dc --long=31 FILE | zstd"],
    "src/init/init.cc": [" --end_date=", " --run_dir=run"],
    "src/report/report_page.cc": [" --input=FILES --output=report.html"],
    "src/tune/tune.cc": [" --end_date=", " --run_dir=run"],
}


def literals_with_flags():
    for folder, _, names in os.walk(os.path.join(ROOT, "src")):
        for name in sorted(names):
            if not name.endswith((".cc", ".h")):
                continue
            path = os.path.join(folder, name)
            with open(path) as text:
                code = COMMENT.sub(lambda match: match.group(1) or "", text.read())
            for literal in LITERAL.findall(code):
                if FLAG.search(COMMAND.sub("", literal)):
                    yield os.path.relpath(path, ROOT), literal


class LibraryMessagesTest(unittest.TestCase):
    def test_none_names_a_flag(self):
        self.assertEqual([(path, literal) for path, literal in literals_with_flags() if literal not in MAY.get(path, [])], [])

    def test_what_may_is_there(self):
        self.assertEqual({(path, literal) for path, literals in MAY.items() for literal in literals} - set(literals_with_flags()), set())

    def test_none_speaks_of_the_command_line(self):
        for folder, _, names in os.walk(os.path.join(ROOT, "src")):
            for name in sorted(names):
                with open(os.path.join(folder, name)) as text:
                    code = COMMENT.sub(lambda match: match.group(1) or "", text.read())
                self.assertNotIn("command line", " ".join(LITERAL.findall(code)), os.path.join(folder, name))


if __name__ == "__main__":
    unittest.main()
