// A configuration with comments that say why each setting is what it is.
//
//   const std::string text = ConfigurationText(parts);       // ParseExperiment reads it
#ifndef TANDEM_SRC_INIT_WRITER_H_
#define TANDEM_SRC_INIT_WRITER_H_

#include <string>
#include <vector>

#include "src/init/column_kind.h"
#include "src/init/features.h"
#include "src/init/recipe.h"
#include "tandem/experiment.pb.h"

namespace tandem {

struct ConfigurationParts {
  std::vector<std::string> head;      // sentences
  std::vector<std::string> commands;  // what to type next
  const proto::Data* data;
  std::vector<std::string> data_notes;  // sentences
  const Label* label;
  const std::vector<PlannedFeature>* features;
  const ColumnPlans* columns;  // for those left out
  const Recipe* recipe;
};

std::string ConfigurationText(const ConfigurationParts& parts);

// Words in lines of at most `width` bytes, each begun with `prefix`.
std::string Wrapped(const std::string& text, const std::string& prefix, size_t width);

// Bytes that a terminal shows as they are.
std::string Printable(const std::string& text);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_WRITER_H_
