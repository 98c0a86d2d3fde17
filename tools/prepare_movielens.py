#!/usr/bin/env python3
"""Turns a MovieLens folder (ML-1M or ML-100K, members plain or gzipped) into daily files that Tandem reads.

    $ tools/prepare_movielens.py --input=ml-100k --output=movielens
    {"dataset": "ml-100k", "rows": 100000, "positives": 55375, "days": 213, "first_day": "1997-09-20", "last_day": "1998-04-22"}

Writes OUTPUT/{date}.tsv.gz for every UTC day with ratings, sorted by (timestamp, user, movie), with a header line:

    label user movie gender age occupation zip3 genres year hour weekday timestamp

label is 1 for 4 and 5 stars; age is one of ML-1M's groups (1 18 25 35 45 50 56); occupation has ML-1M's names in both sets;
zip3 is the first three characters of the zip code; genres are separated by "|"; year is that of the movie, empty if unknown;
hour (0-23) and weekday (0-6, Monday 0) are UTC. --history=N appends two columns: `liked`, the last N movies that the user gave 4 or 5
stars, and `disliked`, those with fewer, the most recent one last, separated by "|". Only ratings of earlier seconds count: a page of
movies is often rated at once, and none of its rows may know another's label.

Get the data from https://grouplens.org/datasets/movielens/ and mind its terms.
A malformed line stops the run (exit code 3) before anything is written.
"""
from __future__ import annotations

import argparse
import re
from collections import defaultdict, deque
from datetime import datetime, timezone
from typing import NamedTuple

import prepare_common as common
from prepare_common import Line, PrepareError

COLUMNS = "label user movie gender age occupation zip3 genres year hour weekday timestamp".split()
HISTORY_COLUMNS = ["liked", "disliked"]
MAX_HISTORY = 1000
ENCODING = "latin-1"
MAX_ID = 10**9
MAX_TIMESTAMP = 253402300799  # the last second of the year 9999

AGE_GROUPS = (1, 18, 25, 35, 45, 50, 56)

# ML-1M's codes, in order.
OCCUPATIONS = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service",
    "doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer", "retired",
    "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer",
)  # fmt: skip

# ML-100K's names that ML-1M has under another one; "student" depends on the age.
OCCUPATIONS_100K = {
    "administrator": "clerical/admin",
    "doctor": "doctor/health care",
    "educator": "academic/educator",
    "engineer": "technician/engineer",
    "executive": "executive/managerial",
    "healthcare": "doctor/health care",
    "marketing": "sales/marketing",
    "none": "other",
    "salesman": "sales/marketing",
    "technician": "technician/engineer",
}


class User(NamedTuple):
    gender: str
    age: int  # group
    occupation: str
    zip3: str


class Movie(NamedTuple):
    genres: str
    year: str


class Rating(NamedTuple):
    """In the order of the output."""

    timestamp: int
    user: int
    movie: int
    stars: int


class Dataset(NamedTuple):
    name: str
    users: dict[int, User]
    movies: dict[int, Movie]
    ratings: list[Rating]


def age_group(age: int) -> int:
    """The group of ML-1M that an age in years falls into."""
    return max(group for group in AGE_GROUPS if group <= max(age, AGE_GROUPS[0]))


def occupation_100k(name: str, age: int) -> str:
    """ML-1M's name for an occupation of ML-100K."""
    if name == "student":
        return "K-12 student" if age < 18 else "college/grad student"
    return OCCUPATIONS_100K.get(name, name)


def title_year(title: str) -> str:
    """The last "(1995)" of a title."""
    years = re.findall(r"\((\d{4})\)", title)
    return years[-1] if years else ""


def parse_id(line: Line, what: str, text: str) -> int:
    return common.parse_int(line, what, text, 1, MAX_ID)


def make_user(line: Line, gender: str, age: int, occupation: str, zip_code: str) -> User:
    if gender not in ("F", "M"):
        raise PrepareError(f"{line.where}: gender '{gender}' is neither F nor M")
    return User(gender, age, common.cell(line, "occupation", occupation), common.cell(line, "zip code", zip_code[:3]))


def insert(line: Line, what: str, table: dict, key: int, value: object) -> None:
    if key in table:
        raise PrepareError(f"{line.where}: {what} {key} is there twice")
    table[key] = value


# ---- ML-1M: columns between "::"


def users_1m(path: str) -> dict[int, User]:
    users: dict[int, User] = {}
    for line in common.read_lines(path, ENCODING):
        user, gender, age, code, zip_code = common.split_columns(line, "::", 5)
        group = common.parse_int(line, "age", age, 0, 200)
        occupation = OCCUPATIONS[common.parse_int(line, "occupation", code, 0, len(OCCUPATIONS) - 1)]
        value = make_user(line, gender, age_group(group), occupation, zip_code)
        insert(line, "user", users, parse_id(line, "user", user), value)
    return users


def movies_1m(path: str) -> dict[int, Movie]:
    movies: dict[int, Movie] = {}
    for line in common.read_lines(path, ENCODING):
        movie, title, genres = common.split_columns(line, "::", 3)
        value = Movie(common.cell(line, "genres", genres), title_year(title))
        insert(line, "movie", movies, parse_id(line, "movie", movie), value)
    return movies


# ---- ML-100K: columns between "|", ratings between tabs


def genres_100k(path: str) -> list[str]:
    """Names of the genres, in the order of the movies' flags."""
    names: list[str] = []
    for line in common.read_lines(path, ENCODING):
        name, index = common.split_columns(line, "|", 2)
        if common.parse_int(line, "genre number", index, 0, 1000) != len(names):
            raise PrepareError(f"{line.where}: genre number {index} where {len(names)} is expected")
        names.append(common.cell(line, "genre", name))
    return names


def users_100k(path: str) -> dict[int, User]:
    users: dict[int, User] = {}
    for line in common.read_lines(path, ENCODING):
        user, age, gender, occupation, zip_code = common.split_columns(line, "|", 5)
        years = common.parse_int(line, "age", age, 0, 200)
        value = make_user(line, gender, age_group(years), occupation_100k(occupation, years), zip_code)
        insert(line, "user", users, parse_id(line, "user", user), value)
    return users


def release_year(line: Line, date: str, title: str) -> str:
    """The year of "01-Jan-1995", or that of the title where there is no date."""
    if not date:
        return title_year(title)
    match = re.fullmatch(r"\d{1,2}-[A-Z][a-z]{2}-(\d{4})", date)
    if match is None:
        raise PrepareError(f"{line.where}: release date '{date}' is not like 01-Jan-1995")
    return match.group(1)


def movies_100k(path: str, genres: list[str]) -> dict[int, Movie]:
    movies: dict[int, Movie] = {}
    for line in common.read_lines(path, ENCODING):
        columns = common.split_columns(line, "|", 5 + len(genres))
        flags = columns[5:]
        if any(flag not in ("0", "1") for flag in flags):
            raise PrepareError(f"{line.where}: a genre flag is neither 0 nor 1")
        names = "|".join(name for name, flag in zip(genres, flags) if flag == "1")
        value = Movie(names, release_year(line, columns[2], columns[1]))
        insert(line, "movie", movies, parse_id(line, "movie", columns[0]), value)
    return movies


# ---- both


def read_ratings(path: str, separator: str, users: dict[int, User], movies: dict[int, Movie]) -> list[Rating]:
    """Ratings of known users and movies, in the order of the output."""
    ratings: list[Rating] = []
    for line in common.read_lines(path, ENCODING):
        columns = common.split_columns(line, separator, 4)
        user, movie = parse_id(line, "user", columns[0]), parse_id(line, "movie", columns[1])
        stars = common.parse_int(line, "rating", columns[2], 1, 5)
        timestamp = common.parse_int(line, "timestamp", columns[3], 0, MAX_TIMESTAMP)
        if user not in users:
            raise PrepareError(f"{line.where}: user {user} is not among the users")
        if movie not in movies:
            raise PrepareError(f"{line.where}: movie {movie} is not among the movies")
        ratings.append(Rating(timestamp, user, movie, stars))
    if not ratings:
        raise PrepareError(f"{path}: no ratings")
    ratings.sort()
    return ratings


def read_1m(directory: str) -> Dataset:
    users = users_1m(common.member_path(directory, "users.dat"))
    movies = movies_1m(common.member_path(directory, "movies.dat"))
    ratings = read_ratings(common.member_path(directory, "ratings.dat"), "::", users, movies)
    return Dataset("ml-1m", users, movies, ratings)


def read_100k(directory: str) -> Dataset:
    genres = genres_100k(common.member_path(directory, "u.genre"))
    users = users_100k(common.member_path(directory, "u.user"))
    movies = movies_100k(common.member_path(directory, "u.item"), genres)
    ratings = read_ratings(common.member_path(directory, "u.data"), "\t", users, movies)
    return Dataset("ml-100k", users, movies, ratings)


def read_dataset(directory: str) -> Dataset:
    """Tells the two sets apart by their rating files."""
    is_1m = common.find_member(directory, "ratings.dat") is not None
    is_100k = common.find_member(directory, "u.data") is not None
    if is_1m == is_100k:
        found = "both are there" if is_1m else "neither is there"
        raise PrepareError(f"{directory}: ratings.dat (ML-1M) or u.data (ML-100K), plain or .gz, tells the set; {found}")
    return read_1m(directory) if is_1m else read_100k(directory)


def format_row(rating: Rating, user: User, movie: Movie) -> str:
    hour = rating.timestamp // 3600 % 24
    weekday = (rating.timestamp // 86400 + 3) % 7  # 1970-01-01 was a Thursday
    label = int(rating.stars >= 4)
    values = (label, rating.user, rating.movie, *user, movie.genres, movie.year, hour, weekday, rating.timestamp)
    return "\t".join(map(str, values))


class Histories:
    """The last movies of each user by label, as of the second of the row at hand."""

    def __init__(self, length: int) -> None:
        # (user, label) -> movies, the most recent one last.
        self.movies: dict[tuple[int, bool], deque[int]] = defaultdict(lambda: deque(maxlen=length))
        self.now: list[Rating] = []  # of the second at hand

    def columns(self, rating: Rating) -> str:
        """The cells of a row's histories. Rows come in the order of time."""
        if self.now and self.now[0].timestamp != rating.timestamp:
            for earlier in self.now:
                self.movies[earlier.user, earlier.stars >= 4].append(earlier.movie)
            self.now.clear()
        self.now.append(rating)
        return "".join("\t" + "|".join(map(str, self.movies[rating.user, liked])) for liked in (True, False))


def split_days(dataset: Dataset, history: int) -> dict[str, list[str]]:
    """date -> lines."""
    days: dict[str, list[str]] = defaultdict(list)
    histories = Histories(history)
    for rating in dataset.ratings:
        date = datetime.fromtimestamp(rating.timestamp, timezone.utc).strftime("%Y-%m-%d")
        row = format_row(rating, dataset.users[rating.user], dataset.movies[rating.movie])
        days[date].append(row + histories.columns(rating) if history > 0 else row)
    return days


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="folder with ML-1M's or ML-100K's files")
    parser.add_argument("--output", required=True, help="folder for the daily files")
    parser.add_argument("--history", type=int, default=0, metavar="N", help="append the user's last N liked and disliked movies")
    arguments = parser.parse_args()
    if not 0 <= arguments.history <= MAX_HISTORY:
        parser.error(f"--history={arguments.history}: must be 0 to {MAX_HISTORY}")
    dataset = read_dataset(arguments.input)
    days = split_days(dataset, arguments.history)
    columns = COLUMNS + (HISTORY_COLUMNS if arguments.history > 0 else [])
    common.write_files(arguments.output, "\t".join(columns), {f"{date}.tsv.gz": lines for date, lines in days.items()})
    positives = sum(rating.stars >= 4 for rating in dataset.ratings)
    common.print_summary(
        dataset=dataset.name, rows=len(dataset.ratings), positives=positives, days=len(days), first_day=min(days), last_day=max(days)
    )


if __name__ == "__main__":
    common.run(main)
