#include "src/tune/tune_report.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/message_text.h"
#include "src/page/text_table.h"
#include "src/tune/budget.h"
#include "src/util/progress.h"

namespace tandem {
namespace {

constexpr size_t kShownTrials = 10;
// What one round's error says nothing of, the seeds, may be as large again.
constexpr double kBarOfOneRound = 2;

std::string Loss(const std::optional<double>& loss) {
  return loss.has_value() ? absl::StrFormat("%.5f", *loss) : "-";
}

std::string PassesText(const Trial& trial) {
  return trial.portions == 0 ? absl::StrCat(trial.passes) : absl::StrCat(trial.passes, "+", trial.portions);
}

std::string CountText(int count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

// The mean of the confirmations, and how many there are.
std::string ConfirmedText(int trial, const std::vector<Confirmation>& confirmations) {
  double sum = 0;
  int count = 0;
  for (const Confirmation& confirmation : confirmations) {
    if (confirmation.trial != trial) continue;
    sum += confirmation.logloss;
    ++count;
  }
  return count == 0 ? "" : absl::StrFormat("%.5f (%d)", sum / count, count);
}

std::vector<std::string> RowOf(const Trial& trial, const std::vector<Confirmation>& confirmations) {
  return {absl::StrCat(trial.id),
          Loss(trial.logloss),
          trial.auc.has_value() ? absl::StrFormat("%.4f", *trial.auc) : "-",
          ConfirmedText(trial.id, confirmations),
          PassesText(trial),
          FormatDuration(trial.seconds),
          SettingsText(trial.settings)};
}

std::string OthersText(const std::vector<Trial>& trials, size_t shown) {
  int counts[4] = {};
  for (const Trial& trial : trials) ++counts[trial.state];
  const int not_shown = counts[Trial::kDone] - static_cast<int>(shown);
  std::string text;
  const auto add = [&](int count, const char* what) {
    if (count > 0) absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ", what);
  };
  add(not_shown, "worse ones");
  add(counts[Trial::kStopped], "stopped early");
  add(counts[Trial::kFailed], "failed");
  add(counts[Trial::kPending], "cut short by the end of the search");
  return text.empty() ? "" : absl::StrCat("Besides: ", text, ".\n");
}

}  // namespace

TuneVerdict Judge(const std::vector<Trial>& trials, const ConfirmedLosses& confirmed, bool same_rows) {
  TuneVerdict verdict;
  const std::vector<const Trial*> ranked = Ranked(trials);
  if (!ranked.empty()) verdict.trial = ranked[0]->id;
  if (verdict.trial != 0) verdict.kind = TuneVerdict::kNotConfirmed;
  const auto base = confirmed.find(0);
  if (base == confirmed.end()) return verdict;
  for (const auto& [trial, rounds] : confirmed) {
    if (trial == 0 || trials[trial].state != Trial::kDone) continue;
    std::vector<RowLosses> of_base, of_trial;
    for (const auto& [round, losses] : rounds) {
      const auto same = base->second.find(round);
      if (same == base->second.end()) continue;
      of_base.push_back(same->second);
      of_trial.push_back(losses);
    }
    if (of_base.empty()) continue;
    const Gain gain = GainOf(of_base, of_trial, same_rows);
    if (verdict.gain.has_value() && verdict.gain->gain >= gain.gain) continue;
    verdict.gain = gain;
    verdict.trial = trial;
    const double bar = (gain.rounds > 1 ? 1 : kBarOfOneRound) * gain.error;
    verdict.kind = gain.gain > bar ? TuneVerdict::kBetter : TuneVerdict::kNotBetter;
  }
  return verdict;
}

std::string VerdictText(const TuneVerdict& verdict, const std::vector<Trial>& trials) {
  if (verdict.kind == TuneVerdict::kNothingAhead)
    return "Nothing was better than the configuration as it is: no trial's log loss was below that of trial "
           "0.";
  if (verdict.kind == TuneVerdict::kNotConfirmed) {
    return absl::StrFormat(
        "Not decided: trial %d was ahead in the search by %.5f of log loss, but was not trained again with "
        "another seed, and the best of many looks better than it is. Resumed with more budget, it will be.",
        verdict.trial, *trials[0].logloss - *trials[verdict.trial].logloss);
  }
  const Gain& gain = *verdict.gain;
  const std::string figures = absl::StrFormat(
      "%.5f +- %.5f of log loss (%.5f -> %.5f, %s of training, %s held-out rows)", gain.gain, gain.error,
      gain.base, gain.other, CountText(gain.rounds, "more round"), FormatCount(gain.rows));
  if (verdict.kind == TuneVerdict::kBetter)
    return absl::StrFormat("Better than the configuration as it is: trial %d, by %s.", verdict.trial,
                           figures);
  if (gain.gain <= 0)
    return absl::StrFormat(
        "Nothing was better than the configuration as it is: trial %d, trained again, is behind by %s.",
        verdict.trial,
        absl::StrFormat("%.5f +- %.5f of log loss (%.5f -> %.5f, %s of training, %s held-out rows)",
                        -gain.gain, gain.error, gain.base, gain.other, CountText(gain.rounds, "more round"),
                        FormatCount(gain.rows)));
  return absl::StrFormat(
      "Nothing was clearly better than the configuration as it is: trial %d comes nearest, with "
      "%s.",
      verdict.trial, figures);
}

std::string TrialsTable(const std::vector<Trial>& trials, const std::vector<Confirmation>& confirmations) {
  TextTable table{
      "", {"trial", "log loss", "AUC", "again (rounds)", "passes", "time", "settings"}, {}, "rrrrrrl"};
  const std::vector<const Trial*> ranked = Ranked(trials);
  size_t shown = 0;
  for (size_t i = 0; i < ranked.size(); ++i) {
    const bool again = !ConfirmedText(ranked[i]->id, confirmations).empty();
    if (i >= kShownTrials && ranked[i]->id != 0 && !again) continue;
    table.rows.push_back(RowOf(*ranked[i], confirmations));
    ++shown;
  }
  return absl::StrCat(PlainTable(table), OthersText(trials, shown));
}

std::string TunedConfiguration(const proto::Experiment& tuned, const SearchSpace& space,
                               const Settings& settings, const std::vector<std::string>& facts,
                               const std::string& command) {
  std::string text;
  for (const std::string& fact : facts) text += Wrapped(Printable(fact), "# ", kTextWidth);
  for (const Dimension& dimension : space.dimensions()) {
    for (const Setting& setting : settings) {
      if (setting.key != dimension.key) continue;
      absl::StrAppend(&text, "#   ", setting.key, ": ", dimension.values[dimension.base], " -> ",
                      setting.value, "\n");
    }
  }
  absl::StrAppend(&text, "#\n#   ", command, "\n\n");
  const google::protobuf::Reflection& reflection = *tuned.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(tuned, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      text += MessageText(field->name(), reflection.GetMessage(tuned, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(tuned, field); ++i)
      text += MessageText(field->name(), reflection.GetRepeatedMessage(tuned, field, i));
  }
  for (const std::string& dropped : tuned.drop_feature())
    absl::StrAppend(&text, "drop_feature: \"", absl::CEscape(dropped), "\"\n");
  return text;
}

}  // namespace tandem
