"""tools/prepare_hotel.py: a made-up file, and the counts of the real one."""
from __future__ import annotations

import unittest

from prepare_support import PrepareTest

RECORD = {
    "hotel": "City Hotel", "is_canceled": "1", "lead_time": "14", "arrival_date_year": "2016",
    "arrival_date_month": "February", "arrival_date_week_number": "10", "arrival_date_day_of_month": "29",
    "stays_in_weekend_nights": "0", "stays_in_week_nights": "2", "adults": "2", "children": "NA", "babies": "0",
    "meal": "BB", "country": "NULL", "market_segment": "Direct", "distribution_channel": "Direct",
    "is_repeated_guest": "0", "previous_cancellations": "0", "previous_bookings_not_canceled": "3",
    "reserved_room_type": "C", "assigned_room_type": "D", "booking_changes": "3", "deposit_type": "No Deposit",
    "agent": "NULL", "company": "", "days_in_waiting_list": "0", "customer_type": "Transient", "adr": "-6.38",
    "required_car_parking_spaces": "0", "total_of_special_requests": "1", "reservation_status": "Canceled",
    "reservation_status_date": "2016-02-01",
}  # fmt: skip


class HotelTest(PrepareTest):
    script = "prepare_hotel.py"

    def write_records(self, *changes: dict[str, str]) -> None:
        lines = [",".join(RECORD)] + [",".join((RECORD | change).values()) for change in changes]
        self.write("hotel_bookings.csv", "\n".join(lines) + "\n")

    def test_a_row_has_its_columns_and_missing_values_are_empty(self) -> None:
        self.write_records({})
        self.assertEqual(self.prepare()["positives"], 1)
        row = self.rows("2016-02-29.tsv.gz")[0]
        self.assertEqual(list(row)[0], "label")
        self.assertEqual((row["month"], row["week"], row["weekday"]), ("2", "10", "0"))
        self.assertEqual((row["country"], row["agent"], row["company"], row["children"]), ("", "", "", ""))
        self.assertEqual((row["hotel"], row["adr"], row["lead_time"]), ("City Hotel", "-6.38", "14"))

    def test_columns_that_leak_the_label_are_left_out(self) -> None:
        self.write_records({})
        self.prepare()
        leaks = {"reservation_status", "reservation_status_date", "assigned_room_type", "booking_changes",
                 "required_car_parking_spaces", "is_canceled"}  # fmt: skip
        self.assertEqual(leaks & set(self.rows("2016-02-29.tsv.gz")[0]), set())

    def test_rows_go_to_the_day_of_arrival_in_the_order_of_the_source(self) -> None:
        self.write_records({"agent": "9"}, {"arrival_date_month": "March", "arrival_date_day_of_month": "1"}, {"agent": "8"})
        self.prepare()
        self.assertEqual([row["agent"] for row in self.rows("2016-02-29.tsv.gz")], ["9", "8"])
        self.assertEqual(len(self.rows("2016-03-01.tsv.gz")), 1)

    def test_malformed_records_are_named(self) -> None:
        cases = {
            "is_canceled": "2",
            "arrival_date_month": "Febuary",
            "arrival_date_day_of_month": "30",
            "lead_time": "soon",
            "adr": "nan",
            "country": "PRT,ESP",
        }
        for column, value in cases.items():
            with self.subTest(column):
                self.write_records({}, {column: value})
                self.assert_fails("hotel_bookings.csv:3:")

    def test_a_missing_column_is_named(self) -> None:
        self.write("hotel_bookings.csv", "hotel,is_canceled\nCity Hotel,0\n")
        self.assert_fails("hotel_bookings.csv:1:", "arrival_date_year")

    def test_real_bookings(self) -> None:
        summary = self.prepare(source=self.real("hotel-bookings"))
        self.assertEqual((summary["rows"], summary["days"]), (119390, 793))
        self.assertEqual((summary["first_day"], summary["last_day"]), ("2015-07-01", "2017-08-31"))
        self.assertAlmostEqual(summary["positives"] / summary["rows"], 0.370, places=3)


if __name__ == "__main__":
    unittest.main()
