// What a log's rows and columns ask of model and training: knots, widths, epochs, and when to stop.
//
//   const Recipe recipe = RecipeFor({/*rows=*/32950, /*positives=*/3700, /*fields=*/19});
//   recipe.settings;                               // embedding, model and train of an experiment
#ifndef TANDEM_SRC_INIT_RECIPE_H_
#define TANDEM_SRC_INIT_RECIPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/experiment.pb.h"

namespace tandem {

struct RecipeInput {
  double rows = 0;
  double positives = 0;
  int fields = 0;
  double distinct_ids = 0;  // of all tables
  int days = 0;             // from the first to the last, of a log in daily files; 0: it has none
  struct Sequence {
    std::string feature, target;
  };
  std::vector<Sequence> sequences = {};
};

struct Recipe {
  int knots = 0;
  proto::Experiment settings;
  // Why, a sentence each.
  std::string why_embedding, why_model, why_train;
};

Recipe RecipeFor(const RecipeInput& input);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_RECIPE_H_
