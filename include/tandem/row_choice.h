// Which rows of a log are read: all, those that a run learns from, or those that are held out to tell when it
// has learned enough (train.validation).
//
//   RowChoice choice{RowChoice::kLearned, 0.1};
//   DayReader reader(fs, *format, schema, RowUse::kTrain, files, &quarantine, &workers, choice);
//
// A row is held out by a hash of its cells in data.key_columns, else in data.group_column, whatever its
// place; else of its bytes and its number in the file, so that equal rows are on both sides as they are in
// the log. Whatever the seed, and the number of threads.
#ifndef TANDEM_ROW_CHOICE_H_
#define TANDEM_ROW_CHOICE_H_

namespace tandem {

struct RowChoice {
  enum Rows { kAll, kLearned, kHeldOut };
  Rows rows = kAll;
  double share = 0;  // of the rows that are held out, in (0, 1); not of kAll
  // Which of the disjoint shares it is, (part + 1) * share at most 1: for cross-validation. Runs hold out the
  // first unless they are told otherwise.
  int part = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_CHOICE_H_
