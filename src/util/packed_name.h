// What the ending of a file's name says of its compression: the one place that knows the endings.
//
//   const PackedName name = PackedNameOf("logs/2000-11-20.tsv.gz");
//   name.packing;               // Packing::kGzip
//   name.bare;                  // "logs/2000-11-20.tsv"
//   name.ending;                // ".gz"
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_UTIL_PACKED_NAME_H_
#define TANDEM_SRC_UTIL_PACKED_NAME_H_

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace tandem {

enum class Packing {
  kNone,
  kGzip,
  kZstd,
  kUnread,  // packed in a way that isn't read, nor written
};

// Views of the path.
struct PackedName {
  Packing packing = Packing::kNone;
  absl::string_view bare;
  absl::string_view ending;  // "" for kNone
};

// A name that is nothing but an ending has none.
inline PackedName PackedNameOf(absl::string_view path) {
  struct Ending {
    absl::string_view text;
    Packing packing;
  };
  constexpr Ending kEndings[] = {{".gz", Packing::kGzip},   {".zst", Packing::kZstd},
                                 {".zstd", Packing::kZstd}, {".bz2", Packing::kUnread},
                                 {".xz", Packing::kUnread}, {".zip", Packing::kUnread}};
  for (const Ending& ending : kEndings) {
    if (!absl::EndsWith(path, ending.text)) continue;
    const size_t bare = path.size() - ending.text.size();
    if (bare == 0 || path[bare - 1] == '/') break;
    return {ending.packing, path.substr(0, bare), path.substr(bare)};
  }
  return {Packing::kNone, path, {}};
}

// Of what is read: compressed, by its name.
inline bool IsPackedLog(absl::string_view path) {
  const Packing packing = PackedNameOf(path).packing;
  return packing == Packing::kGzip || packing == Packing::kZstd;
}
// The name of what is in the file, where that is read; else its own.
inline absl::string_view UnpackedName(absl::string_view path) {
  return IsPackedLog(path) ? PackedNameOf(path).bare : path;
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PACKED_NAME_H_
