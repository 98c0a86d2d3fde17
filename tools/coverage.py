#!/usr/bin/env python3
"""Adds up what gcov says of src/ and include/ (tools/coverage.sh): lines and branches that were run.

    tools/coverage.py build-coverage

A line or branch that several translation units hold (of a header, of a template) was run if it was in one of them.
"""

import collections
import gzip
import json
import pathlib
import subprocess
import sys


def counts_of(data, source_root):
  """{file: ({line: count}, {(line, branch): count})} of one .gcda file."""
  text = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities', str(data)],
                        capture_output=True, check=True).stdout
  if text[:2] == b'\x1f\x8b':
    text = gzip.decompress(text)
  found = {}
  for document in text.splitlines():
    if not document.strip():
      continue
    report = json.loads(document)
    for file in report['files']:
      path = pathlib.Path(report['current_working_directory'], file['file']).resolve()
      if source_root / 'src' not in path.parents and source_root / 'include' not in path.parents:
        continue
      lines, branches = found.setdefault(str(path.relative_to(source_root)), ({}, {}))
      for line in file['lines']:
        number = line['line_number']
        lines[number] = lines.get(number, 0) + line['count']
        ordinary = [branch for branch in line['branches'] if not branch['throw']]
        for i, branch in enumerate(ordinary if len(ordinary) > 1 else []):
          branches[number, i] = branches.get((number, i), 0) + branch['count']
  return found


def main():
  build = pathlib.Path(sys.argv[1]).resolve()
  root = build.parent
  lines, branches = collections.defaultdict(dict), collections.defaultdict(dict)
  for data in sorted((build / 'CMakeFiles').rglob('*.gcda')):
    for file, (of_lines, of_branches) in counts_of(data, root).items():
      for total, of_file in ((lines, of_lines), (branches, of_branches)):
        for place, count in of_file.items():
          total[file][place] = total[file].get(place, 0) + count

  def run(of):
    return sum(count > 0 for count in of.values())

  def share(of_files):
    total = sum(len(of) for of in of_files.values())
    return f'{100 * sum(map(run, of_files.values())) / max(1, total):.1f} % of {total:,}'

  print('lines not run, by file:')
  for file in sorted(lines, key=lambda file: run(lines[file]) - len(lines[file]))[:15]:
    print(f'  {len(lines[file]) - run(lines[file]):5}  {file}')
  print(f'lines     {share(lines)}')
  print(f'branches  {share(branches)}')


if __name__ == '__main__':
  main()
