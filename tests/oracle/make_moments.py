#!/usr/bin/env python3
"""Writes moments and their parts, as Python's datetime has them:

    tests/oracle/make_moments.py tests/testdata/oracles

A line a moment, tab-separated: the text, then hour, weekday, day and month in UTC. Standard library only; the file is committed.
"""
import datetime
import os
import random
import sys

EPOCH = datetime.datetime(1970, 1, 1)


def spellings(moment, draw):
    seconds = (moment - EPOCH) // datetime.timedelta(seconds=1)
    yield moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    yield moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + "." + str(draw.randrange(1000000)) + draw.choice(["", "Z"])
    if abs(seconds) < 10**11:
        yield str(seconds)
        yield f"{seconds}.{draw.randrange(1000)}" if seconds >= 0 else str(seconds)
    if abs(seconds) * 1000 >= 10**11:
        yield str(seconds * 1000 + draw.randrange(1000))


def main():
    draw = random.Random(20160327)
    span = datetime.datetime(9999, 12, 31, 23, 59, 59) - datetime.datetime(1, 1, 1)
    moments = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59), EPOCH, datetime.datetime(1969, 12, 31, 23, 59, 59),
               datetime.datetime(2000, 2, 29, 12), datetime.datetime(1900, 2, 28, 23, 59, 59), datetime.datetime(2016, 3, 27, 0, 53, 11),
               datetime.datetime(2038, 1, 19, 3, 14, 8)]
    moments += [datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=draw.randrange(int(span.total_seconds()))) for _ in range(60)]
    moments += [datetime.datetime(1995, 1, 1) + datetime.timedelta(seconds=draw.randrange(10**9)) for _ in range(60)]
    with open(os.path.join(sys.argv[1], "moments.tsv"), "w", encoding="ascii") as file:
        for moment in moments:
            parts = (moment.hour, moment.isoweekday(), moment.day, moment.month)
            for text in spellings(moment, draw):
                file.write("\t".join([text, *map(str, parts)]) + "\n")
            day = moment.strftime("%Y-%m-%d").rjust(10, "0")
            file.write("\t".join([day, "0", *map(str, parts[1:])]) + "\n")


if __name__ == "__main__":
    main()
