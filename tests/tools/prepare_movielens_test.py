"""tools/prepare_movielens.py: made-up folders of both formats, and the counts of the real ones."""
from __future__ import annotations

import os
import unittest

from prepare_support import PrepareTest, read_bytes

COLUMNS = "label user movie gender age occupation zip3 genres year hour weekday timestamp".split()
MONDAY = 957139200  # 2000-05-01 00:00:00 UTC


class MovieLensTest(PrepareTest):
    script = "prepare_movielens.py"

    def write_1m(self, ratings: str) -> None:
        self.write("users.dat", "7::F::1::10::01234-5678\n12::M::56::16::98765\n")
        self.write("movies.dat", "3::Café (Remade) (1987)::Comedy|Children's\n20::2001 (1968)::Sci-Fi\n")
        self.write("ratings.dat", ratings)

    def write_100k(self, ratings: str) -> None:
        self.write("u.genre", "unknown|0\nComedy|1\nWar|2\n\n")
        self.write("u.user", "1|17|F|student|01234\n2|24|M|administrator|T8H1N\n3|50|M|librarian|98765\n")
        self.write(
            "u.item",
            "4|Café (1990)|01-Feb-1991||http://x|0|1|1\n5|unknown||||1|0|0\n6|Undated (1984)||||0|0|1\n",
        )
        self.write("u.data", ratings)

    def test_ml_1m_row_has_every_column(self) -> None:
        self.write_1m(f"7::3::4::{MONDAY + 3600 * 5 + 1}\n")
        summary = self.prepare()
        self.assertEqual((summary["dataset"], summary["rows"], summary["positives"], summary["days"]), ("ml-1m", 1, 1, 1))
        row = self.rows("2000-05-01.tsv.gz")[0]
        self.assertEqual(list(row), COLUMNS)
        expected = ["1", "7", "3", "F", "1", "K-12 student", "012", "Comedy|Children's", "1987", "5", "0", str(MONDAY + 18001)]
        self.assertEqual(list(row.values()), expected)

    def test_ml_100k_rows_have_the_same_columns_and_texts(self) -> None:
        self.write_100k(f"1\t4\t3\t{MONDAY}\n2\t5\t5\t{MONDAY + 1}\n3\t6\t4\t{MONDAY + 2}\n")
        self.assertEqual(self.prepare()["dataset"], "ml-100k")
        minor, adult, elder = self.rows("2000-05-01.tsv.gz")
        self.assertEqual(list(minor), COLUMNS)
        self.assertEqual(list(minor.values())[:9], ["0", "1", "4", "F", "1", "K-12 student", "012", "Comedy|War", "1991"])
        self.assertEqual(list(adult.values())[:9], ["1", "2", "5", "M", "18", "clerical/admin", "T8H", "unknown", ""])
        self.assertEqual(list(elder.values())[:9], ["1", "3", "6", "M", "50", "librarian", "987", "War", "1984"])

    def test_labels_are_four_and_five_stars(self) -> None:
        self.write_1m("".join(f"7::3::{stars}::{MONDAY + stars}\n" for stars in range(1, 6)))
        self.prepare()
        self.assertEqual([row["label"] for row in self.rows("2000-05-01.tsv.gz")], list("00011"))

    def test_ages_fall_into_the_seven_groups(self) -> None:
        ages = {0: "1", 17: "1", 18: "18", 24: "18", 25: "25", 34: "25", 35: "35", 44: "35"}
        ages |= {45: "45", 49: "45", 50: "50", 55: "50", 56: "56", 73: "56"}
        self.write_100k("".join(f"{user}\t4\t3\t{MONDAY + user}\n" for user in range(1, len(ages) + 1)))
        self.write("u.user", "".join(f"{user}|{age}|M|writer|12345\n" for user, age in enumerate(ages, 1)))
        self.prepare()
        self.assertEqual([row["age"] for row in self.rows("2000-05-01.tsv.gz")], list(ages.values()))

    def test_rows_are_sorted_by_numbers_not_texts(self) -> None:
        self.write_1m(f"12::3::5::{MONDAY}\n7::20::5::{MONDAY}\n7::3::5::{MONDAY}\n12::20::1::{MONDAY - 86400 * 4}\n")
        self.prepare()
        rows = self.rows("2000-05-01.tsv.gz")
        self.assertEqual([(row["user"], row["movie"]) for row in rows], [("7", "3"), ("7", "20"), ("12", "3")])

    def test_histories_hold_earlier_seconds_alone_and_the_most_recent_one_last(self) -> None:
        movies = "".join(f"{movie}::M (1990)::War\n" for movie in range(1, 7))
        stars = [(1, 5, 0), (2, 2, 0), (3, 4, 1), (4, 5, 2), (5, 1, 2), (6, 5, 9)]  # movie, stars, second
        self.write_1m("".join(f"7::{movie}::{given}::{MONDAY + second}\n" for movie, given, second in stars))
        self.write("movies.dat", movies)
        self.prepare("--history=2")
        rows = self.rows("2000-05-01.tsv.gz")
        self.assertEqual(list(rows[0]), COLUMNS + ["liked", "disliked"])
        histories = [(row["liked"], row["disliked"]) for row in rows]
        self.assertEqual(histories, [("", ""), ("", ""), ("1", "2"), ("1|3", "2"), ("1|3", "2"), ("3|4", "2|5")])

    def test_histories_are_the_users_own_and_outlast_the_day(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY - 1}\n12::20::1::{MONDAY}\n7::20::5::{MONDAY + 5}\n")
        self.prepare("--history=20")
        other, own = self.rows("2000-05-01.tsv.gz")
        self.assertEqual((other["liked"], own["liked"]), ("", "3"))

    def test_days_are_utc_and_a_day_without_rows_has_no_file(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY - 1}\n7::20::5::{MONDAY}\n12::3::5::{MONDAY + 2 * 86400}\n")
        self.prepare()
        self.assertEqual(sorted(os.listdir(self.output)), [f"2000-{day}.tsv.gz" for day in ("04-30", "05-01", "05-03")])
        self.assertEqual(self.rows("2000-04-30.tsv.gz")[0]["hour"], "23")
        self.assertEqual(self.rows("2000-04-30.tsv.gz")[0]["weekday"], "6")

    def test_gzipped_members_and_crlf_give_the_same_bytes(self) -> None:
        ratings = f"7::3::5::{MONDAY}\n12::20::2::{MONDAY + 9}\n"
        self.write_1m(ratings)
        self.prepare()
        plain = read_bytes(self.output)
        os.remove(os.path.join(self.input, "ratings.dat"))
        self.write("ratings.dat.gz", ratings.replace("\n", "\r\n"))
        self.prepare()
        self.assertEqual(read_bytes(self.output), plain)

    def test_a_missing_member_is_named(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY}\n")
        os.remove(os.path.join(self.input, "users.dat"))
        self.assert_fails("users.dat", "users.dat.gz")

    def test_an_empty_folder_says_what_is_looked_for(self) -> None:
        self.assert_fails("ratings.dat", "u.data")

    def test_malformed_lines_are_named_and_nothing_is_written(self) -> None:
        good = f"7::3::5::{MONDAY}\n"
        cases = {
            "7::3::5": "3 columns where 4 are expected",
            f"7::3::6::{MONDAY}": "rating '6'",
            f"7::3::4.5::{MONDAY}": "rating '4.5'",
            "7::3::4::yesterday": "timestamp 'yesterday'",
            f"8::3::4::{MONDAY}": "user 8",
            f"7::4::4::{MONDAY}": "movie 4",
            f"7::x::4::{MONDAY}": "movie 'x'",
        }
        for line, message in cases.items():
            with self.subTest(line):
                self.write_1m(good + line + "\n" + good)
                self.assert_fails("ratings.dat:2:", message)

    def test_malformed_users_and_movies_are_named(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY}\n")
        self.write("users.dat", "7::F::1::21::01234\n")
        self.assert_fails("users.dat:1:", "occupation '21'")
        self.write_1m(f"7::3::5::{MONDAY}\n")
        self.write("movies.dat", "3::A (1990)::War\n3::B (1990)::War\n")
        self.assert_fails("movies.dat:2:", "movie 3 is there twice")

    def test_a_cut_gzip_member_is_an_error(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY}\n")
        os.remove(os.path.join(self.input, "ratings.dat"))
        self.write("ratings.dat.gz", f"7::3::5::{MONDAY}\n" * 100)
        path = os.path.join(self.input, "ratings.dat.gz")
        with open(path, "rb") as file:
            whole = file.read()
        with open(path, "wb") as file:
            file.write(whole[:-12])
        self.assert_fails("ratings.dat.gz")

    def test_days_of_another_set_are_not_mixed_in(self) -> None:
        self.write_1m(f"7::3::5::{MONDAY}\n")
        os.mkdir(self.output)
        stranger = os.path.join(self.output, "1997-11-13.tsv.gz")
        with open(stranger, "wb"):
            pass
        done = self.run_script()
        self.assertEqual(done.returncode, 3)
        self.assertIn("1997-11-13.tsv.gz", done.stderr)
        self.assertEqual(os.listdir(self.output), ["1997-11-13.tsv.gz"])

    def test_real_ml_1m_part(self) -> None:
        summary = self.prepare(source=self.real("ml-1m-part"))
        self.assertEqual(summary["rows"], 424406)
        self.assertAlmostEqual(summary["positives"] / summary["rows"], 0.576, places=3)
        self.assertEqual((summary["first_day"], summary["last_day"]), ("2000-10-04", "2000-12-31"))
        december = [name for name in os.listdir(self.output) if name.startswith("2000-12")]
        self.assertEqual(sum(len(self.rows(name)) for name in december), 108954)
        self.assertEqual(len(self.rows("2000-11-20.tsv.gz")), 63345)

    def test_real_ml_100k(self) -> None:
        summary = self.prepare(source=self.real("ml-100k"))
        self.assertEqual((summary["rows"], summary["days"]), (100000, 213))
        self.assertEqual(len(self.rows("1997-11-13.tsv.gz")), 3550)


if __name__ == "__main__":
    unittest.main()
