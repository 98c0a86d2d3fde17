#include "src/tune/ledger.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_split.h"
#include "src/util/format_version.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// Ledgers counted formats of their own before they took the number of all files: that one is 2.
constexpr int kOwnFormat = 1, kOwnFormatIs = 2;
// Of Trial::State, by number.
constexpr const char* kStates[] = {"pending", "done", "stopped", "failed"};

Json NumberOrNull(const std::optional<double>& number) { return number.has_value() ? Json(*number) : Json(); }

std::optional<double> OptionalNumber(const Json& json, const char* key) {
  if (!json.contains(key) || json.at(key).is_null()) return std::nullopt;
  return json.at(key).get<double>();
}

Trial::State StateOf(const std::string& name) {
  for (const Trial::State state : {Trial::kDone, Trial::kStopped})
    if (name == kStates[state]) return state;
  return Trial::kFailed;
}

void Note(const TrialPoint& point, Trial* trial) {
  int& count = point.of_phase ? trial->portions : trial->passes;
  count = point.number;
  if (!point.of_phase) trial->passes_figure = point.figure;
  if (!point.best) return;
  trial->logloss = point.logloss;
  trial->auc = point.auc;
}

TrialPoint ReadPoint(const Json& json) {
  TrialPoint point;
  point.of_phase = json.contains("portion");
  point.number = json.at(point.of_phase ? "portion" : "pass").get<int>();
  point.best = json.at("best").get<bool>();
  point.logloss = OptionalNumber(json, "logloss");
  point.auc = OptionalNumber(json, "auc");
  point.figure = json.at("figure").get<double>();
  if (json.contains("rung")) point.rung = json.at("rung").get<int>();
  return point;
}

absl::Status CheckBegin(Json json, const std::string& path, const Json& expected) {
  const int format = json.value("format", 0);
  TANDEM_RETURN_IF_ERROR(CheckFormatVersion(format == kOwnFormat ? kOwnFormatIs : format, path));
  json["format"] = kFormatVersion;
  if (json == expected) return absl::OkStatus();
  return ConfigError("resume: ", path, " was begun with ", json.dump(), ", and this is ", expected.dump(),
                     "; a tuning keeps its data and kernels");
}

}  // namespace

absl::StatusOr<Ledger> Ledger::Open(FileSystem& fs, const std::string& path, const std::string& data,
                                    const std::string& kernels) {
  Ledger ledger;
  const Json begin = {{"event", "begun"}, {"format", kFormatVersion}, {"kernels", kernels}, {"data", data}};
  std::string text;
  if (fs.Exists(path)) {
    TANDEM_ASSIGN_OR_RETURN(text, fs.ReadFile(path));
  }
  text.resize(text.rfind('\n') + 1);  // 0 where there is none
  if (text.empty()) {
    TANDEM_ASSIGN_OR_RETURN(ledger.file_, fs.Create(path));
    TANDEM_RETURN_IF_ERROR(ledger.Append(begin.dump(), 0));
    return ledger;
  }
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    ++number;
    try {
      const std::string bytes(line);
      if (number == 1) {
        TANDEM_RETURN_IF_ERROR(CheckBegin(Json::parse(bytes), path, begin));
      } else {
        ledger.Read(bytes);
      }
    } catch (const Json::exception& error) {
      return ModelError(path, ":", number, ": no line of a tuning's ledger (", error.what(), ")");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(ledger.file_, fs.OpenForAppend(path, static_cast<int64_t>(text.size())));
  return ledger;
}

// What JSON of another shape throws is Open's to catch.
void Ledger::Read(const std::string& line) {
  const Json json = Json::parse(line);
  const std::string event = json.at("event").get<std::string>();
  spent_ = std::max(spent_, json.at("at").get<double>());
  if (event == "budget") {
    budget_ = json.at("seconds").get<double>();
  } else if (event == "drawn") {
    Trial trial;
    trial.id = static_cast<int>(trials_.size());
    trial.parent = json.at("parent").get<int>();
    for (const auto& [key, value] : json.at("settings").items())
      trial.settings.push_back({key, value.get<std::string>()});
    trials_.push_back(std::move(trial));
  } else if (event == "validated") {
    const TrialPoint point = ReadPoint(json);
    Trial& trial = trials_.at(json.at("trial").get<size_t>());
    Note(point, &trial);
    trial.seconds = json.at("seconds").get<double>();
    if (point.rung.has_value()) rung_figures_.push_back({trial.id, *point.rung, point.figure});
  } else if (event == "ended") {
    Trial& trial = trials_.at(json.at("trial").get<size_t>());
    trial.state = StateOf(json.at("how").get<std::string>());
    trial.why = json.value("why", "");
    trial.seconds = json.at("seconds").get<double>();
  } else if (event == "confirmed") {
    confirmations_.push_back({json.at("trial").get<int>(), json.at("round").get<int>(),
                              json.at("logloss").get<double>(), OptionalNumber(json, "auc"),
                              json.at("seconds").get<double>()});
  }
}

absl::Status Ledger::Append(const std::string& line, double at) {
  spent_ = std::max(spent_, at);
  TANDEM_RETURN_IF_ERROR(file_->Append(line + "\n"));
  return file_->Sync();
}

absl::Status Ledger::Budget(double seconds, double at) {
  budget_ = seconds;
  return Append(Json{{"event", "budget"}, {"at", at}, {"seconds", seconds}}.dump(), at);
}

absl::StatusOr<int> Ledger::Drawn(const Settings& settings, int parent, double at) {
  Trial trial;
  trial.id = static_cast<int>(trials_.size());
  trial.parent = parent;
  trial.settings = settings;
  Json values = Json::object();
  for (const Setting& setting : settings) values[setting.key] = setting.value;
  const Json json = {
      {"event", "drawn"}, {"at", at}, {"trial", trial.id}, {"parent", parent}, {"settings", values}};
  TANDEM_RETURN_IF_ERROR(Append(json.dump(), at));
  trials_.push_back(std::move(trial));
  return trials_.back().id;
}

absl::Status Ledger::Validated(int trial, const TrialPoint& point, double seconds, double at) {
  Json json = {{"event", "validated"}, {"at", at}, {"trial", trial}};
  json[point.of_phase ? "portion" : "pass"] = point.number;
  json["logloss"] = NumberOrNull(point.logloss);
  json["auc"] = NumberOrNull(point.auc);
  json["best"] = point.best;
  json["figure"] = point.figure;
  if (point.rung.has_value()) {
    json["rung"] = *point.rung;
    rung_figures_.push_back({trial, *point.rung, point.figure});
  }
  json["seconds"] = seconds;
  Note(point, &trials_[trial]);
  trials_[trial].seconds = seconds;
  return Append(json.dump(), at);
}

absl::Status Ledger::Ended(int trial, Trial::State state, const std::string& why, double seconds, double at) {
  Trial& ended = trials_[trial];
  ended.state = state;
  ended.why = why;
  ended.seconds = seconds;
  Json json = {{"event", "ended"}, {"at", at}, {"trial", trial}, {"how", kStates[state]}};
  if (!why.empty()) json["why"] = why;
  json["seconds"] = seconds;
  return Append(json.dump(-1, ' ', false, Json::error_handler_t::replace), at);
}

absl::Status Ledger::Confirmed(const Confirmation& confirmation, double at) {
  confirmations_.push_back(confirmation);
  const Json json = {{"event", "confirmed"},
                     {"at", at},
                     {"trial", confirmation.trial},
                     {"round", confirmation.round},
                     {"logloss", confirmation.logloss},
                     {"auc", NumberOrNull(confirmation.auc)},
                     {"seconds", confirmation.seconds}};
  return Append(json.dump(), at);
}

}  // namespace tandem
