// Oracles: inputs, parameters, outputs and gradients of a building block, in float64, from an independent
// implementation by automatic differentiation (tests/testdata/oracles/README.md).
//
//   const OracleCase oracle = OracleCase::Load(path).value();
//   const AlignedFloats x = oracle.array("inputs", "x").floats();
//   ...
//   ExpectOracle("output", oracle.array("outputs", "output"), output);
//
// An array that a case lacks throws out of the JSON library, which fails the test with its name.
#ifndef TANDEM_TESTS_SUPPORT_ORACLE_H_
#define TANDEM_TESTS_SUPPORT_ORACLE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/matrix.h"

namespace tandem {

struct OracleArray {
  std::vector<int> shape;
  std::vector<double> data;  // row-major

  AlignedFloats floats() const { return {data.begin(), data.end()}; }
};

class OracleCase {
 public:
  static absl::StatusOr<OracleCase> Load(const std::string& path);

  // File name without folder and ".json".
  const std::string& name() const { return name_; }
  const std::string& op() const { return op_; }
  const nlohmann::json& config() const { return json_.at("config"); }
  // Sections: "inputs", "params", "upstream", "outputs", "grads".
  bool has(const std::string& section, const std::string& array) const {
    return json_.at(section).contains(array);
  }
  OracleArray array(const std::string& section, const std::string& array) const;
  // What isn't an array of numbers, such as bags.
  const nlohmann::json& json(const std::string& section, const std::string& name) const;

 private:
  std::string name_, op_;
  nlohmann::json json_;
};

// The folder that TANDEM_ORACLE_DIR names, else the copy in tests/testdata/oracles.
std::string OracleFolder();
// The paths of its cases, sorted.
std::vector<std::string> OracleFiles();

// Fails at the first element that is further off than 1e-4 relative plus 1e-5 absolute, or when the sizes
// differ.
void ExpectOracle(const std::string& what, const OracleArray& expected, const std::vector<double>& actual);
void ExpectOracle(const std::string& what, const OracleArray& expected, const AlignedFloats& actual);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_ORACLE_H_
