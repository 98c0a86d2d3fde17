#!/usr/bin/env python3
"""Turns the hotel booking demand data (hotel_bookings.csv, plain or gzipped) into daily files by day of arrival.

    $ tools/prepare_hotel.py --input=hotel-bookings --output=hotel
    {"rows": 119390, "positives": 44224, "days": 793, "first_day": "2015-07-01", "last_day": "2017-08-31"}

Writes OUTPUT/{date}.tsv.gz with a header line, rows in the order of the source. label is is_canceled. Left out is what holds the
label (reservation_status, reservation_status_date) or is known only later (assigned_room_type, booking_changes,
required_car_parking_spaces). NULL and NA become empty. The date of arrival stays as month (1-12), week and weekday (Monday 0).
A malformed line stops the run (exit code 3) before anything is written.
"""
from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from datetime import date
from typing import Iterator

import prepare_common as common
from prepare_common import Line, PrepareError

CATEGORIES = (
    "hotel meal country market_segment distribution_channel is_repeated_guest reserved_room_type deposit_type agent company "
    "customer_type"
).split()
NUMBERS = (
    "lead_time stays_in_weekend_nights stays_in_week_nights adults children babies previous_cancellations "
    "previous_bookings_not_canceled days_in_waiting_list adr total_of_special_requests"
).split()
ARRIVAL = "arrival_date_year arrival_date_month arrival_date_day_of_month arrival_date_week_number".split()
COLUMNS = ["label", *CATEGORIES, "month", "week", "weekday", *NUMBERS]

MONTHS = "January February March April May June July August September October November December".split()
MISSING = ("NULL", "NA")


def read_records(path: str) -> Iterator[tuple[Line, dict[str, str]]]:
    """The records of the file by column name."""
    lines = common.read_lines(path, "utf-8")
    first = next(lines, None)
    header = next(csv.reader([first.text])) if first else []
    missing = [name for name in ["is_canceled", *ARRIVAL, *CATEGORIES, *NUMBERS] if name not in header]
    if missing:
        raise PrepareError(f"{path}:1: no column {missing[0]} in the header")
    for line in lines:
        values = next(csv.reader([line.text]))
        if len(values) != len(header):
            raise PrepareError(f"{line.where}: {len(values)} columns where the header has {len(header)}")
        yield line, dict(zip(header, (value.strip() for value in values)))


def arrival(line: Line, record: dict[str, str]) -> date:
    if record["arrival_date_month"] not in MONTHS:
        raise PrepareError(f"{line.where}: '{record['arrival_date_month']}' is not a month")
    year = common.parse_int(line, "year", record["arrival_date_year"], 1900, 9999)
    day = common.parse_int(line, "day", record["arrival_date_day_of_month"], 1, 31)
    try:
        return date(year, MONTHS.index(record["arrival_date_month"]) + 1, day)
    except ValueError as error:
        raise PrepareError(f"{line.where}: no such day: {error}") from error


def category(line: Line, name: str, text: str) -> str:
    return "" if text in MISSING else common.cell(line, name, text)


def number(line: Line, name: str, text: str) -> str:
    """The text of a number as it stands, empty if missing."""
    if text in MISSING or not text:
        return ""
    try:
        finite = math.isfinite(float(text))
    except ValueError:
        finite = False
    if not finite:
        raise PrepareError(f"{line.where}: {name} '{text}' is not a number")
    return text


def format_row(line: Line, record: dict[str, str], day: date) -> str:
    week = common.parse_int(line, "week", record["arrival_date_week_number"], 1, 53)
    values = [
        str(common.parse_int(line, "is_canceled", record["is_canceled"], 0, 1)),
        *(category(line, name, record[name]) for name in CATEGORIES),
        *(str(part) for part in (day.month, week, day.weekday())),
        *(number(line, name, record[name]) for name in NUMBERS),
    ]
    return "\t".join(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="folder with hotel_bookings.csv or hotel_bookings.csv.gz")
    parser.add_argument("--output", required=True, help="folder for the daily files")
    arguments = parser.parse_args()
    days: dict[str, list[str]] = defaultdict(list)
    for line, record in read_records(common.member_path(arguments.input, "hotel_bookings.csv")):
        day = arrival(line, record)
        days[day.isoformat()].append(format_row(line, record, day))
    if not days:
        raise PrepareError(f"{arguments.input}: no bookings")
    common.write_files(arguments.output, "\t".join(COLUMNS), {f"{day}.tsv.gz": lines for day, lines in days.items()})
    rows = [row for lines in days.values() for row in lines]
    positives = sum(row.startswith("1") for row in rows)
    common.print_summary(rows=len(rows), positives=positives, days=len(days), first_day=min(days), last_day=max(days))


if __name__ == "__main__":
    common.run(main)
