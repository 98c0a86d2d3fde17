#include "tandem/durable_files.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/util/aside.h"
#include "src/util/format_version.h"
#include "src/util/paths.h"
#include "tandem/status.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

constexpr absl::string_view kManifest = "MANIFEST";
// What the first line begins with; a file's line has two spaces at least.
constexpr absl::string_view kFormat = "format ";
// Bytes of a file that are read at a time: they stay in the cache.
constexpr int64_t kChunk = 256 << 10;
constexpr absl::string_view kDamaged = "; the file is damaged. Nothing was loaded.";

struct Entry {
  std::string name;
  int64_t size = 0;
  std::string checksum;
};

std::string Join(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, absl::EndsWith(directory, "/") ? "" : "/", name);
}

std::string Hex(XXH128_hash_t hash) { return absl::StrFormat("%016x%016x", hash.high64, hash.low64); }

std::string Line(absl::string_view name, int64_t size, absl::string_view checksum) {
  return absl::StrCat(name, " ", size, " ", checksum, "\n");
}

// MANIFEST's last line, about itself.
std::string LastLine(absl::string_view lines) {
  return Line(kManifest, lines.size(), Hex(XXH3_128bits(lines.data(), lines.size())));
}

// Reads a file of any size, a chunk at a time.
absl::StatusOr<std::string> ChecksumOfFile(FileSystem& fs, const std::string& path, int64_t size) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  std::string chunk(std::min(kChunk, size), '\0');
  for (int64_t offset = 0; offset < size;) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t count,
                            fs.ReadRange(path, offset, std::min(kChunk, size - offset), &chunk[0]));
    if (count == 0) return ModelError(path, ": ended at byte ", offset, " of ", size, " while it was read");
    XXH3_128bits_update(&state, chunk.data(), count);
    offset += count;
  }
  return Hex(XXH3_128bits_digest(&state));
}

// Of the files, whoever wrote them, which are durable then.
absl::Status WriteManifest(FileSystem& fs, const std::string& directory) {
  TANDEM_ASSIGN_OR_RETURN(const auto names, fs.List(directory));
  std::vector<std::string> paths;
  for (const std::string& name : names) {
    const std::string& path = paths.emplace_back(Join(directory, name));
    if (name == kManifest || name.find('\n') != std::string::npos || fs.IsDirectory(path))
      return absl::InternalError(
          absl::StrCat(path, ": only files go in here, and MANIFEST is added to them"));
  }
  TANDEM_RETURN_IF_ERROR(fs.SyncFiles(paths));
  std::string lines = absl::StrCat(kFormat, kFormatVersion, "\n");
  for (size_t i = 0; i < names.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(paths[i]));
    TANDEM_ASSIGN_OR_RETURN(const std::string checksum, ChecksumOfFile(fs, paths[i], size));
    lines += Line(names[i], size, checksum);
  }
  TANDEM_ASSIGN_OR_RETURN(auto file, fs.Create(Join(directory, kManifest)));
  TANDEM_RETURN_IF_ERROR(file->Append(lines + LastLine(lines)));
  TANDEM_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

absl::Status FillAside(FileSystem& fs, const std::string& aside,
                       const std::function<absl::Status(const std::string&)>& fill) {
  TANDEM_RETURN_IF_ERROR(fill(aside));
  TANDEM_RETURN_IF_ERROR(WriteManifest(fs, aside));
  return fs.SyncDirectory(aside);
}

// "name size checksum"; a name may hold spaces.
bool ParseLine(absl::string_view line, Entry* entry) {
  const size_t before_checksum = line.rfind(' ');
  if (before_checksum == absl::string_view::npos || before_checksum == 0) return false;
  const size_t before_size = line.rfind(' ', before_checksum - 1);
  if (before_size == absl::string_view::npos) return false;
  entry->name = absl::StrCat(line.substr(0, before_size));
  entry->checksum = absl::StrCat(line.substr(before_checksum + 1));
  return absl::SimpleAtoi(line.substr(before_size + 1, before_checksum - before_size - 1), &entry->size);
}

// The version that the first line says, which is taken away.
int TakeFormat(absl::string_view* lines) {
  absl::string_view line = lines->substr(0, lines->find('\n'));
  const size_t length = line.size() + 1;
  int version = 0;
  if (!absl::ConsumePrefix(&line, kFormat) || !absl::SimpleAtoi(line, &version)) return kFormatWithoutVersion;
  lines->remove_prefix(std::min(length, lines->size()));
  return version;
}

absl::StatusOr<std::vector<Entry>> ReadManifest(FileSystem& fs, const std::string& directory) {
  const std::string path = Join(directory, kManifest);
  if (!fs.Exists(path)) {
    return ModelError(directory, ": holds no MANIFEST; it is no checkpoint or bundle, or not a whole one. ",
                      "Nothing was loaded.");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  // The line before the last one's newline; without any, the whole text is the last line.
  const size_t newline = text.size() < 2 ? std::string::npos : text.rfind('\n', text.size() - 2);
  absl::string_view lines = absl::string_view(text).substr(0, newline == std::string::npos ? 0 : newline + 1);
  const bool whole = absl::string_view(text).substr(lines.size()) == LastLine(lines);
  const int version = TakeFormat(&lines);
  if (!whole && version > kFormatVersion) {
    // Where a newer Tandem has its checksum, and how it is made, isn't known here.
    return ModelError(path, ": was written by a newer Tandem (format ", version, ", this one reads up to ",
                      kFormatVersion, "), or is damaged: its own checksum, in the last line, differs. ",
                      "Nothing was loaded.");
  }
  if (!whole) return ModelError(path, ": its own checksum, in the last line, differs", kDamaged);
  TANDEM_RETURN_IF_ERROR(CheckFormatVersion(version, directory));
  std::vector<Entry> entries;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    if (!ParseLine(line, &entries.emplace_back())) {
      return ModelError(path, ":", entries.size() + 1, ": not 'name size checksum'", kDamaged);
    }
  }
  return entries;
}

// The files and those that MANIFEST names, itself aside, are the same.
absl::Status VerifyNames(FileSystem& fs, const std::string& directory, const std::vector<Entry>& entries) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> present, fs.List(directory));
  present.erase(std::remove(present.begin(), present.end(), kManifest), present.end());
  std::vector<std::string> named;
  named.reserve(entries.size());
  for (const Entry& entry : entries) named.push_back(entry.name);
  std::sort(named.begin(), named.end());
  std::vector<std::string> differing;
  std::set_difference(named.begin(), named.end(), present.begin(), present.end(),
                      std::back_inserter(differing));
  if (!differing.empty()) {
    return ModelError(Join(directory, differing[0]), ": missing, though MANIFEST names it; ",
                      "the directory was copied in part or damaged. Nothing was loaded.");
  }
  std::set_difference(present.begin(), present.end(), named.begin(), named.end(),
                      std::back_inserter(differing));
  if (!differing.empty()) {
    return ModelError(Join(directory, differing[0]),
                      ": not in MANIFEST; remove it if it was put there by hand. ", "Nothing was loaded.");
  }
  return absl::OkStatus();
}

// What a model is made of lies in it: a link may lead to another of its files, and nowhere else.
absl::Status VerifyPlace(FileSystem& fs, const std::string& path) {
  const std::string target = fs.ReadLink(path);
  if (target.empty() || (target.find('/') == std::string::npos && target != "." && target != ".."))
    return absl::OkStatus();
  return ModelError(path, ": a link that leads out of its directory, to ", target,
                    "; what a model is made of lies in it. Put a copy in its place. Nothing was loaded.");
}

absl::Status VerifyFile(FileSystem& fs, const std::string& path, const Entry& entry) {
  TANDEM_RETURN_IF_ERROR(VerifyPlace(fs, path));
  TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(path));
  if (size != entry.size) {
    return ModelError(path, ": holds ", size, " bytes where MANIFEST has ", entry.size, kDamaged);
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string checksum, ChecksumOfFile(fs, path, size));
  if (checksum == entry.checksum) return absl::OkStatus();
  return ModelError(path, ": checksum differs from the one in MANIFEST", kDamaged);
}

absl::Status WriteDurably(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  TANDEM_ASSIGN_OR_RETURN(auto file, fs.OpenForAppend(path, 0));
  TANDEM_RETURN_IF_ERROR(file->Append(bytes));
  TANDEM_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

}  // namespace

absl::Status WriteFileAtomically(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  TANDEM_ASSIGN_OR_RETURN(Aside aside, Aside::File(fs, path));
  TANDEM_RETURN_IF_ERROR(aside.Named(WriteDurably(fs, aside.path(), bytes)));
  return aside.Commit();
}

absl::Status WriteDirectory(FileSystem& fs, const std::string& path,
                            const std::function<absl::Status(const std::string& aside)>& fill) {
  if (fs.Exists(path))
    return absl::InternalError(absl::StrCat(path, ": exists already; it is never overwritten"));
  TANDEM_ASSIGN_OR_RETURN(Aside aside, Aside::Directory(fs, path));
  TANDEM_RETURN_IF_ERROR(FillAside(fs, aside.path(), fill));
  return aside.Commit();
}

absl::Status VerifyDirectory(FileSystem& fs, const std::string& path) {
  if (!fs.IsDirectory(path)) return ModelError(path, ": no such directory");
  TANDEM_RETURN_IF_ERROR(VerifyPlace(fs, Join(path, kManifest)));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadManifest(fs, path));
  TANDEM_RETURN_IF_ERROR(VerifyNames(fs, path, entries));
  for (const Entry& entry : entries) TANDEM_RETURN_IF_ERROR(VerifyFile(fs, Join(path, entry.name), entry));
  return absl::OkStatus();
}

absl::Status CheckDirectoryFormat(FileSystem& fs, const std::string& directory) {
  const absl::StatusOr<std::string> text = fs.ReadFile(Join(directory, kManifest));
  if (!text.ok()) return absl::OkStatus();
  absl::string_view lines = *text;
  return CheckFormatVersion(TakeFormat(&lines), directory);
}

absl::Status RemoveDirectory(FileSystem& fs, const std::string& path) {
  RemoveOrphans(fs, ParentPath(path));
  const std::string aside = AsidePath(path);
  TANDEM_RETURN_IF_ERROR(fs.Rename(path, aside));
  TANDEM_RETURN_IF_ERROR(fs.SyncDirectory(ParentPath(path)));
  return fs.RemoveAll(aside);
}

}  // namespace tandem
