#include "tests/support/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tandem {
namespace {

constexpr double kRelative = 1e-4;
constexpr double kAbsolute = 1e-5;

// "[2, 5]" of the element at `index`.
std::string Place(const OracleArray& array, int64_t index) {
  std::vector<int64_t> place(array.shape.size());
  for (size_t i = array.shape.size(); i-- > 0; index /= array.shape[i]) place[i] = index % array.shape[i];
  return absl::StrCat("[", absl::StrJoin(place, ", "), "]");
}

}  // namespace

absl::StatusOr<OracleCase> OracleCase::Load(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can't be opened"));
  OracleCase oracle;
  oracle.json_ = nlohmann::json::parse(file, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!oracle.json_.is_object() || !oracle.json_.contains("op")) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a JSON object with an `op`"));
  }
  oracle.name_ = std::filesystem::path(path).stem().string();
  oracle.op_ = oracle.json_["op"].get<std::string>();
  return oracle;
}

OracleArray OracleCase::array(const std::string& section, const std::string& array) const {
  const nlohmann::json& found = json(section, array);
  return {found.at("shape").get<std::vector<int>>(), found.at("data").get<std::vector<double>>()};
}

const nlohmann::json& OracleCase::json(const std::string& section, const std::string& name) const {
  return json_.at(section).at(name);
}

std::string OracleFolder() {
  const char* folder = std::getenv("TANDEM_ORACLE_DIR");
  return folder != nullptr && *folder != '\0' ? folder : TANDEM_SOURCE_DIR "/tests/testdata/oracles";
}

std::vector<std::string> OracleFiles() {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(OracleFolder(), error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void ExpectOracle(const std::string& what, const OracleArray& expected, const std::vector<double>& actual) {
  ASSERT_EQ(actual.size(), expected.data.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double tolerance = kRelative * std::abs(expected.data[i]) + kAbsolute;
    // Negated, so that NaN fails.
    if (!(std::abs(actual[i] - expected.data[i]) <= tolerance)) {
      ADD_FAILURE() << what << Place(expected, i) << " is " << actual[i] << ", the oracle says "
                    << expected.data[i] << " +- " << tolerance;
      return;
    }
  }
}

void ExpectOracle(const std::string& what, const OracleArray& expected, const AlignedFloats& actual) {
  ExpectOracle(what, expected, std::vector<double>(actual.begin(), actual.end()));
}

}  // namespace tandem
