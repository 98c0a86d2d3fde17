// A report's data as its page.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/page/chart.h"
#include "src/page/html_page.h"
#include "src/report/report_data.h"
#include "src/util/progress.h"

namespace tandem {
namespace {

constexpr int kCurvePoints = 120;

std::string Figure(const std::optional<double>& value, int digits = 4) {
  return value.has_value() && std::isfinite(*value) ? absl::StrFormat("%.*f", digits, *value) : "–";
}

// Means of pieces of the curve: a batch alone is noise.
std::vector<std::pair<double, double>> Smoothed(const std::vector<std::pair<double, double>>& points) {
  if (points.size() <= kCurvePoints) return points;
  std::vector<std::pair<double, double>> smooth;
  for (int piece = 0; piece < kCurvePoints; ++piece) {
    const size_t begin = piece * points.size() / kCurvePoints,
                 end = (piece + 1) * points.size() / kCurvePoints;
    double x = 0, y = 0;
    for (size_t i = begin; i < end; ++i) {
      x += points[i].first;
      y += points[i].second;
    }
    smooth.emplace_back(x / static_cast<double>(end - begin), y / static_cast<double>(end - begin));
  }
  return smooth;
}

void AddSeries(const std::string& name, const char* color, std::vector<std::pair<double, double>> points,
               Chart* chart, bool held_out = false) {
  if (points.empty()) return;
  Series series{name, color, std::move(points)};
  series.dots = held_out || series.points.size() == 1;
  series.dashed = held_out;
  if (color == std::string(kTeacherColor)) series.mark = Mark::kSquare;
  chart->series.push_back(std::move(series));
}

std::string LossCurves(const RunHistory& history) {
  Chart chart{"steps (batches learned from)", "log loss"};
  const auto of_batches = [&](std::optional<double> LossRecord::*loss) {
    std::vector<std::pair<double, double>> points;
    for (const LossRecord& record : history.losses) {
      if ((record.*loss).has_value()) points.emplace_back(static_cast<double>(record.step), *(record.*loss));
    }
    return Smoothed(points);
  };
  const auto of_held_out = [&](RecordedMetrics ValidationRecord::*tower) {
    std::vector<std::pair<double, double>> points;
    for (const ValidationRecord& record : history.validations) {
      if ((record.*tower).logloss.has_value())
        points.emplace_back(static_cast<double>(record.step), *(record.*tower).logloss);
    }
    return points;
  };
  AddSeries("teacher, batches", kTeacherColor, of_batches(&LossRecord::teacher), &chart);
  AddSeries("student, batches", kStudentColor, of_batches(&LossRecord::student), &chart);
  AddSeries("teacher, held out", kTeacherColor, of_held_out(&ValidationRecord::teacher), &chart, true);
  AddSeries("student, held out", kStudentColor, of_held_out(&ValidationRecord::student), &chart, true);
  return ChartSvg(chart);
}

std::string HeldOutAuc(const RunHistory& history) {
  Chart chart{"steps (batches learned from)", "AUC on held-out rows"};
  for (const bool student : {false, true}) {
    std::vector<std::pair<double, double>> points;
    for (const ValidationRecord& record : history.validations) {
      const RecordedMetrics& metrics = student ? record.student : record.teacher;
      if (metrics.auc.has_value()) points.emplace_back(static_cast<double>(record.step), *metrics.auc);
    }
    AddSeries(student ? "student" : "teacher", student ? kStudentColor : kTeacherColor, points, &chart, true);
  }
  return ChartSvg(chart);
}

// `days`: their dates and the two towers' AUC.
struct DayAuc {
  std::string day;
  std::optional<double> teacher, student;
};

std::string AucByDay(const std::vector<DayAuc>& days, const std::string& label) {
  if (days.size() < 2) return "";
  Chart chart{"day", label};
  std::vector<std::pair<double, double>> teacher, student;
  for (size_t i = 0; i < days.size(); ++i) {
    const auto x = static_cast<double>(i);
    chart.x_ticks.emplace_back(x, days[i].day.substr(std::min<size_t>(5, days[i].day.size())));
    if (days[i].teacher.has_value()) teacher.emplace_back(x, *days[i].teacher);
    if (days[i].student.has_value()) student.emplace_back(x, *days[i].student);
  }
  AddSeries("teacher", kTeacherColor, teacher, &chart);
  AddSeries("student", kStudentColor, student, &chart);
  for (Series& series : chart.series) series.dots = true;
  return ChartSvg(chart);
}

std::string CalibrationPlot(const ModelEvaluation& evaluation) {
  Chart chart{"predicted: mean of a tenth of the rows", "clicked: share of these rows"};
  chart.diagonal = true;
  const auto add = [&](const char* name, const char* color, const std::optional<Evaluation>& tower) {
    if (!tower.has_value()) return;
    std::vector<std::pair<double, double>> points;
    for (const CalibrationBin& bin : tower->calibration)
      points.emplace_back(bin.mean_prediction, bin.click_rate);
    AddSeries(name, color, points, &chart);
    if (!chart.series.empty()) chart.series.back().dots = true;
  };
  add("teacher", kTeacherColor, evaluation.teacher);
  add("student", kStudentColor, evaluation.student);
  return ChartSvg(chart);
}

std::string ScorePlot(const std::optional<ScoreShares>& shares, const char* color) {
  if (!shares.has_value()) return "";
  Chart chart{"predicted probability", "share of the rows, %"};
  chart.from_zero = true;
  const auto steps = [&](const std::array<double, ScoreShares::kBins>& bins) {
    std::vector<std::pair<double, double>> points;
    for (int bin = 0; bin < ScoreShares::kBins; ++bin) {
      points.emplace_back(shares->highest * bin / ScoreShares::kBins, 100 * bins[bin]);
      points.emplace_back(shares->highest * (bin + 1) / ScoreShares::kBins, 100 * bins[bin]);
    }
    return points;
  };
  chart.series.push_back({"clicked", color, steps(shares->clicks)});
  chart.series.push_back({"not clicked", kAloneColor, steps(shares->others), true, false, /*dashed=*/true});
  return ChartSvg(chart);
}

std::string ImportancePlot(const ModelImportance& importance) {
  constexpr size_t kShown = 15;
  Bars bars;
  bars.x_label = "AUC lost without the column";
  if (importance.teacher.has_value()) bars.series.emplace_back("teacher", kTeacherColor);
  if (importance.student.has_value()) bars.series.emplace_back("student", kStudentColor);
  for (const ColumnImportance& column : importance.columns) {
    if (bars.rows.size() == kShown) break;
    Bars::Row& row = bars.rows.emplace_back();
    row.name = column.column;
    for (const std::optional<TowerImportance>* tower : {&column.teacher, &column.student}) {
      if (!tower->has_value()) continue;
      row.values.emplace_back();
      if ((*tower)->auc.has_value())
        row.values.back() = Bars::Value{(*tower)->auc->mean, (*tower)->auc->error};
    }
  }
  return BarsSvg(bars);
}

// ---- sections

std::string ShownWindow(const std::vector<std::string>& days) {
  if (days.empty() || days[0].empty()) return "the whole log";
  return days.size() == 1 ? days[0]
                          : absl::StrCat(days.front(), " to ", days.back(), " (", days.size(), " days)");
}

void AddDataSection(const ReportData& data, HtmlPage* page) {
  page->Section("Data");
  if (data.description.bundle) {
    page->Paragraph(
        "A bundle holds the student alone: what it was trained on, and how that went, its run knows.");
  } else {
    std::string text =
        absl::StrCat("Trained on ", ShownWindow(data.days), ": ", FormatCount(data.rows_read), " rows of ",
                     data.experiment.data().path().empty() ? "the log" : "", data.experiment.data().path(),
                     ", ", FormatCount(data.rows_malformed), " more set aside as malformed");
    if (data.rows_unlabelled > 0)
      absl::StrAppend(&text, ", ", FormatCount(data.rows_unlabelled), " of them without a label");
    page->Paragraph(text + ".");
  }
  page->Paragraph(absl::StrCat(data.description.fields.size(), " fields from ",
                               data.experiment.feature_size(), " features; the label is in column ",
                               data.experiment.data().label(), "."));
  if (!data.history.has_value() || data.history->days.empty()) return;
  TextTable table;
  table.title = "Days, each row scored before it was learned from";
  table.header = {"day",         "rows",        "clicks",           "malformed",
                  "teacher AUC", "student AUC", "teacher log loss", "student log loss"};
  for (const DayRecord& day : data.history->days) {
    table.rows.push_back({day.day.empty() ? "all" : day.day, FormatCount(day.rows),
                          day.clicks.has_value() && day.rows > 0
                              ? absl::StrFormat("%.2f %%", 100 * *day.clicks / static_cast<double>(day.rows))
                              : "–",
                          day.malformed.has_value() ? FormatCount(*day.malformed) : "–",
                          Figure(day.teacher.auc), Figure(day.student.auc), Figure(day.teacher.logloss),
                          Figure(day.student.logloss)});
  }
  page->Table(table);
  page->Words({{"clicks", "rows whose label is 1, the base rate"},
               {"malformed", "rows that couldn't be read; they are in the run's quarantine, as they were"},
               {"AUC", "how often a clicked row scores above one that wasn't: 0.5 by chance, 1 always"},
               {"log loss", "how wrong the probabilities are, a row; the lower the better"}});
}

void AddLearningSection(const ReportData& data, HtmlPage* page) {
  if (!data.history.has_value()) return;
  std::vector<DayAuc> days;
  for (const DayRecord& day : data.history->days) days.push_back({day.day, day.teacher.auc, day.student.auc});
  page->Section("Learning");
  page->Figures({{"Loss while learning", LossCurves(*data.history)},
                 {"On rows held out", HeldOutAuc(*data.history)},
                 {"By day, before learning from it", AucByDay(days, "AUC")}});
  if (data.history->losses.empty())
    page->Paragraph("The run noted no losses: it had fewer steps than runtime.log_every_steps.");
  page->Words(
      {{"teacher", "the large tower, which learns from the labels"},
       {"student", "the small tower, which learns from labels and teacher, and is what is served"},
       {"held out", data.history->validations.empty()
                        ? "rows kept from training to see when to stop (train.validation); this run had none"
                        : "rows kept from training to see when to stop (train.validation)"}});
}

void AddMetricsTable(const ModelEvaluation& evaluation, HtmlPage* page) {
  TextTable table;
  table.header = {"", "rows", "AUC", "log loss", "of the click rate's", "GAUC", "COPC"};
  const auto add = [&](const std::string& name, const Metrics& metrics) {
    const std::optional<double> share = metrics.normalized_entropy.has_value()
                                            ? std::optional<double>(100 * *metrics.normalized_entropy)
                                            : std::nullopt;
    table.rows.push_back({name, FormatCount(metrics.rows), Figure(metrics.auc), Figure(metrics.logloss),
                          share.has_value() ? absl::StrFormat("%.1f %%", *share) : "–", Figure(metrics.gauc),
                          Figure(metrics.copc, 3)});
  };
  const auto add_tower = [&](const char* name, const std::optional<Evaluation>& tower) {
    if (!tower.has_value()) return;
    add(name, tower->all);
    if (tower->seen.has_value()) add(absl::StrCat(name, ", seen ", evaluation.group_column), *tower->seen);
    if (tower->unseen.has_value())
      add(absl::StrCat(name, ", unseen ", evaluation.group_column), *tower->unseen);
  };
  add_tower("teacher", evaluation.teacher);
  add_tower("student", evaluation.student);
  page->Table(table);
  std::vector<std::pair<std::string, std::string>> words = {
      {"AUC", "how often a clicked row scores above one that wasn't: 0.5 by chance, 1 always"},
      {"log loss", "how wrong the probabilities are, a row; the lower the better"},
      {"of the click rate's",
       "log loss over that of always saying the click rate: below 100 % the model knows more"},
      {"COPC", "clicks over predicted clicks: 1 is right, above 1 too few are predicted"}};
  if (!evaluation.group_column.empty()) {
    words.push_back({"GAUC", absl::StrCat("AUC among the rows of one ", evaluation.group_column,
                                          " at a time, averaged by rows",
                                          evaluation.rows_without_group > 0
                                              ? absl::StrCat("; ", FormatCount(evaluation.rows_without_group),
                                                             " rows without one are left out")
                                              : "")});
    words.push_back({"seen, unseen",
                     absl::StrCat("rows whose ", evaluation.group_column, " training knew, and the others")});
  }
  page->Words(words);
}

// ", 22.8 % of them clicks", of the rows' weights.
std::string ClickRateText(const ModelEvaluation& evaluation) {
  const Evaluation& any = evaluation.student.has_value() ? *evaluation.student : *evaluation.teacher;
  double clicks = 0, weight = 0;
  for (const CalibrationBin& bin : any.calibration) {
    clicks += bin.weight * bin.click_rate;
    weight += bin.weight;
  }
  return weight > 0 ? absl::StrFormat(", %.4g %% of them clicks", 100 * clicks / weight) : "";
}

void AddJudgedSection(const JudgedRows& judged, HtmlPage* page) {
  page->Section("How well it does");
  page->Paragraph(absl::StrCat(
      "Judged on ", FormatCount(judged.evaluation.rows), " rows of ",
      judged.files.size() == 1
          ? judged.files[0]
          : absl::StrCat(judged.files.size(), " files, ", judged.files.front(), " to ", judged.files.back()),
      ClickRateText(judged.evaluation),
      ". Whether training has seen them the page can't know: use rows it hasn't."));
  AddMetricsTable(judged.evaluation, page);
  std::vector<DayAuc> days;
  for (const JudgedDay& day : judged.days) {
    const auto auc = [](const std::optional<Evaluation>& tower) {
      return tower.has_value() ? tower->all.auc : std::nullopt;
    };
    days.push_back({day.day, auc(day.evaluation.teacher), auc(day.evaluation.student)});
  }
  page->Figures({{"Calibration", CalibrationPlot(judged.evaluation)},
                 {"AUC by day", AucByDay(days, "AUC")},
                 {"Scores of the teacher", ScorePlot(judged.teacher, kTeacherColor)},
                 {"Scores of the student", ScorePlot(judged.student, kStudentColor)}});
  page->Words(
      {{"Calibration",
        "of rows that are given 0.1, a tenth should be clicked: points on the dashed line. Below "
        "it too many clicks are predicted"},
       {"Scores", "the further apart the two lines, the better the model tells clicks from the rest"}});
}

void AddImportanceSection(const ModelImportance& importance, HtmlPage* page) {
  page->Section("What each column is worth");
  page->Figures({{"AUC lost without it", ImportancePlot(importance)}});
  page->Paragraph(
      absl::StrCat("The cells of one column are dealt out anew among ", FormatCount(importance.rows),
                   " rows, ", importance.repeats, " times (seed ", importance.seed,
                   "); what AUC is lost is what the model had from the column. The thin line is a "
                   "95 % interval: where it reaches 0 it may be chance. Columns that say the same look "
                   "dispensable, each of them: one "
                   "can be had from the other."));
  TextTable table;
  table.header = {"column"};
  for (const auto& [name, tower] :
       {std::pair("teacher", &importance.teacher), std::pair("student", &importance.student)}) {
    if (!tower->has_value()) continue;
    table.header.push_back(absl::StrCat(name, ": AUC lost"));
    table.header.emplace_back("log loss gained");
  }
  const auto text = [](const std::optional<MeanLoss>& loss) {
    return loss.has_value() ? absl::StrFormat("%+.4f ± %.4f", loss->mean, loss->error) : "–";
  };
  for (const ColumnImportance& column : importance.columns) {
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{column.column});
    for (const std::optional<TowerImportance>* tower : {&column.teacher, &column.student}) {
      if (!tower->has_value()) continue;
      row.push_back(text((*tower)->auc));
      row.push_back(text((*tower)->logloss));
    }
  }
  page->Table(table);
}

void AddSizeSection(const ModelDescription& model, HtmlPage* page) {
  page->Section("Size and speed");
  TextTable table;
  table.header = {"tower", "weights", "FLOPs a row", "µs a row", "embedding rows", "embedding, MB"};
  const auto add = [&](const char* name, const std::optional<TowerDescription>& tower) {
    if (!tower.has_value()) return;
    table.rows.push_back({name, FormatCount(tower->dense_parameters), FormatCount(tower->flops_per_sample),
                          Figure(tower->microseconds_per_sample, 2), FormatCount(tower->embedding_rows),
                          absl::StrFormat("%.3g", static_cast<double>(tower->embedding_bytes) / 1e6)});
  };
  add("teacher", model.teacher);
  add("student", model.student);
  page->Table(table);
  page->Words({{"weights", "numbers of the tower itself, without the embedding"},
               {"FLOPs", "additions and multiplications to score a row, without look-ups"},
               {"µs", "millionths of a second on this machine, one thread, rows by the thousand"},
               {"embedding", absl::StrCat("the learned vectors, ", model.embedding_dim,
                                          " numbers for each id, which both towers read")}});
}

}  // namespace

std::string ReportHtml(const ReportData& data) {
  HtmlPage page(absl::StrCat("What did ", data.model, " learn?"),
                absl::StrCat("Made on ", data.date, " from ", data.description.directory,
                             data.description.origin.last_day.empty()
                                 ? ""
                                 : absl::StrCat(", trained up to ", data.description.origin.last_day)));
  const Verdict verdict = VerdictOn(data);
  page.Verdict(verdict.sentences, verdict.kind == Verdict::Kind::kGood  ? HtmlPage::Tone::kGood
                                  : verdict.kind == Verdict::Kind::kBad ? HtmlPage::Tone::kBad
                                                                        : HtmlPage::Tone::kPlain);
  if (data.judged.has_value()) {
    AddJudgedSection(*data.judged, &page);
    AddImportanceSection(data.judged->importance, &page);
  } else {
    page.Section("How well it does");
    page.Paragraph(
        "Not asked: metrics, calibration, scores and the worth of columns need labelled rows that training "
        "hasn't seen.");
    page.Command(absl::StrCat("tandem report --model=", data.model, " --input=FILES --output=report.html"));
  }
  AddDataSection(data, &page);
  AddLearningSection(data, &page);
  page.Section("What was learned from what");
  for (const std::string& sentence : WhatWasLearned(data.experiment)) page.Paragraph(sentence);
  AddSizeSection(data.description, &page);
  return page.Html();
}

}  // namespace tandem
