// All that a report shows, gathered; the page is a function of it.
#ifndef TANDEM_SRC_REPORT_REPORT_DATA_H_
#define TANDEM_SRC_REPORT_REPORT_DATA_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/report/run_history.h"
#include "tandem/column_importance.h"
#include "tandem/evaluate_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_description.h"

namespace tandem {

// Where a tower's scores lie: shares of the clicks, and of the other rows, in twenty bins of the probability.
struct ScoreShares {
  static constexpr int kBins = 20;
  std::array<double, kBins> clicks = {}, others = {};
  double highest = 1;  // the bins divide [0, highest]
};

// A day of the rows that the model is judged on.
struct JudgedDay {
  std::string day;
  ModelEvaluation evaluation;
};

struct JudgedRows {
  std::vector<std::string> files;
  ModelEvaluation evaluation;
  std::optional<ScoreShares> teacher, student;
  // By the dates in the files' names; empty where they have none.
  std::vector<JudgedDay> days;
  ModelImportance importance;
};

struct ReportData {
  std::string model;  // as it was named
  std::string date;
  proto::Experiment experiment;
  ModelDescription description;
  // Where the model is a run, or a checkpoint in one.
  std::optional<RunHistory> history;
  // Of a run or a checkpoint: good rows of the first pass, and bad ones.
  int64_t rows_read = 0, rows_malformed = 0, rows_unlabelled = 0;
  std::vector<std::string> days;
  std::optional<JudgedRows> judged;
};

// What the model learned from what, in sentences: the method, and every setting of it that isn't off.
std::vector<std::string> WhatWasLearned(const proto::Experiment& experiment);

// The verdict: what a reader in a hurry should know.
struct Verdict {
  enum class Kind { kGood, kBad, kOpen };
  Kind kind = Kind::kOpen;
  std::vector<std::string> sentences;
};
Verdict VerdictOn(const ReportData& data);

std::string ReportHtml(const ReportData& data);

}  // namespace tandem

#endif  // TANDEM_SRC_REPORT_REPORT_DATA_H_
