#include "src/train/log_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "src/util/progress.h"
#include "src/util/running_hash.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int64_t kBufferBytes = 1 << 20;
// Smaller files may well be alike: a header, and no rows.
constexpr int64_t kFewestBytesOfDoubles = 4096;

// The paths without the folder that they share.
std::vector<std::string> NamesOf(const std::vector<std::string>& paths) {
  size_t shared = paths.empty() ? 0 : paths[0].rfind('/') + 1;
  for (const std::string& path : paths) {
    while (shared > 0 && (path.size() < shared || path.compare(0, shared, paths[0], 0, shared) != 0))
      shared = shared < 2 ? 0 : paths[0].rfind('/', shared - 2) + 1;
  }
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const std::string& path : paths) names.push_back(path.substr(shared));
  return names;
}

// As far as the file system tells.
bool SameBytes(const FileInfo& one, const FileInfo& other) {
  return one.size == other.size && one.device == other.device && one.number == other.number &&
         one.modified == other.modified && one.changed == other.changed;
}

}  // namespace

LogFiles::LogFiles(FileSystem& fs, const std::string& run_dir, const proto::RunState& state)
    : fs_(fs), run_dir_(run_dir) {
  for (const proto::LogFile& file : state.log_file()) {
    records_[file.day()][file.path()] = file;
    noted_.insert(file.day());
  }
}

absl::StatusOr<FileInfo> LogFiles::LookAt(const std::string& path) const {
  absl::StatusOr<FileInfo> look = fs_.Info(path);
  if (!look.ok()) return DataError(look.status().message());
  return look;
}

absl::StatusOr<LogFiles::Seen> LogFiles::Hashed(const std::string& path, const std::string& day,
                                                const std::string& name) const {
  Seen seen;
  // Before the bytes: what is written meanwhile shows at the next look.
  TANDEM_ASSIGN_OR_RETURN(seen.look, LookAt(path));
  RunningHash hash;
  int64_t bytes = 0;
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs_.OpenForReading(path);
  if (!file.ok()) return DataError(file.status().message());
  const std::unique_ptr<char[]> buffer(new char[kBufferBytes]);
  for (;;) {
    const absl::StatusOr<int64_t> read = (*file)->Read(buffer.get(), kBufferBytes);
    if (!read.ok()) return DataError(read.status().message());
    if (*read == 0) break;
    hash.Update({buffer.get(), static_cast<size_t>(*read)});
    bytes += *read;
  }
  seen.record.set_path(name);
  seen.record.set_bytes(bytes);
  seen.record.set_hash(hash.Digest());
  if (!day.empty()) seen.record.set_day(day);
  return seen;
}

absl::Status LogFiles::Changed(const std::string& path, const proto::LogFile& then, int64_t bytes_now,
                               const char* when) const {
  return DataError(
      path, ": has changed ", when, ": ",
      bytes_now == then.bytes()
          ? absl::StrCat("as many bytes, ", FormatCount(bytes_now), ", but others")
          : absl::StrCat(FormatCount(then.bytes()), " bytes then, ", FormatCount(bytes_now), " now"),
      "; a run needs the log it began with. Put the file back as it was, or train anew: name "
      "another run directory, or remove ",
      run_dir_);
}

absl::Status LogFiles::CheckNames(const Day& day, const std::vector<std::string>& names) const {
  const auto recorded = records_.find(day.date);
  if (recorded == records_.end()) return absl::OkStatus();
  const std::string of_day = day.date.empty() ? "" : absl::StrCat(" of ", day.date);
  const std::string advice = absl::StrCat(
      "; a run needs the log it began with. Put it back as it was, or train anew: name another run "
      "directory, "
      "or remove ",
      run_dir_);
  std::set<std::string> absent;
  for (const auto& [name, record] : recorded->second) absent.insert(name);
  for (size_t i = 0; i < names.size(); ++i) {
    if (absent.erase(names[i]) > 0) continue;
    TANDEM_ASSIGN_OR_RETURN(const FileInfo look, LookAt(day.files[i]));
    if (look.kind != FileInfo::Kind::kFile) continue;
    return DataError(day.files[i], ": is new: the run has read the log", of_day, " without it", advice);
  }
  if (absent.empty()) return absl::OkStatus();
  return DataError(*absent.begin(), ", a file of the log", of_day, " that the run has read, is gone", advice);
}

absl::Status LogFiles::CheckSizes(const std::vector<Day>& days) const {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Day& day : days) {
    const auto recorded = records_.find(day.date);
    if (recorded == records_.end()) continue;
    const std::vector<std::string> names = NamesOf(day.files);
    TANDEM_RETURN_IF_ERROR(CheckNames(day, names));
    for (size_t i = 0; i < names.size(); ++i) {
      const auto record = recorded->second.find(names[i]);
      TANDEM_ASSIGN_OR_RETURN(const FileInfo look, LookAt(day.files[i]));
      if (record == recorded->second.end() || look.size == record->second.bytes()) continue;
      return Changed(day.files[i], record->second, look.size, "since this run read it");
    }
  }
  return absl::OkStatus();
}

absl::Status LogFiles::Verify(const Day& day, const char* when) {
  const std::vector<std::string> names = NamesOf(day.files);
  std::map<std::string, proto::LogFile> before;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    TANDEM_RETURN_IF_ERROR(CheckNames(day, names));
    before = records_[day.date];
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& path = day.files[i];
    TANDEM_ASSIGN_OR_RETURN(const FileInfo look, LookAt(path));
    if (look.kind != FileInfo::Kind::kFile) continue;
    const auto record = before.find(names[i]), end = before.end();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const auto last = looks_.find(path);
      if (record != end && last != looks_.end() && SameBytes(last->second, look)) continue;
    }
    if (record != end && record->second.bytes() != look.size)
      return Changed(path, record->second, look.size, when);
    TANDEM_ASSIGN_OR_RETURN(const Seen now, Hashed(path, day.date, names[i]));
    if (record != end &&
        (record->second.bytes() != now.record.bytes() || record->second.hash() != now.record.hash()))
      return Changed(path, record->second, now.record.bytes(), when);
    std::lock_guard<std::mutex> lock(mutex_);
    looks_[path] = now.look;
    records_[day.date][names[i]] = now.record;
    WarnOfDouble(path, now.record);
  }
  return absl::OkStatus();
}

void LogFiles::WarnOfDouble(const std::string& path, const proto::LogFile& record) {
  const auto [before, first] = by_content_.emplace(std::make_pair(record.bytes(), record.hash()), path);
  if (first || before->second == path || record.bytes() < kFewestBytesOfDoubles) return;
  LOG(WARNING) << path << " holds the same bytes as " << before->second << ": are its rows in the log twice?";
}

absl::Status LogFiles::Begin(const Day& day) { return Verify(day, "since this run first read it"); }

absl::Status LogFiles::End(const Day& day) { return Verify(day, "while this run read it"); }

void LogFiles::Note(const Day& day, proto::RunState* state) {
  if (!noted_.insert(day.date).second) return;
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& name : NamesOf(day.files)) {
    const auto record = records_[day.date].find(name);
    if (record != records_[day.date].end()) *state->add_log_file() = record->second;
  }
}

}  // namespace tandem
