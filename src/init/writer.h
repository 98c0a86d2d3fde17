// A configuration with comments that say why each setting is what it is.
//
//   const std::string text = ConfigurationText(parts);       // ParseExperiment reads it
#ifndef TANDEM_SRC_INIT_WRITER_H_
#define TANDEM_SRC_INIT_WRITER_H_

#include <string>
#include <vector>

#include "src/config/message_text.h"
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

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_WRITER_H_
