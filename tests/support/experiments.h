// Small experiments and batches for tests: built in code, so that a test shows what it depends on.
#ifndef TANDEM_TESTS_SUPPORT_EXPERIMENTS_H_
#define TANDEM_TESTS_SUPPORT_EXPERIMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/batch.h"
#include "tandem/experiment.pb.h"
#include "tandem/schema.h"

namespace tandem {

// The experiment of a text, defaults written out. CHECKs that it is valid.
proto::Experiment ExperimentOf(const std::string& text);

// Four sparse fields (one of them multi-valued, two sharing a table) and a dense one; `model` is the text of
// the model message, `more` is merged over all of it.
proto::Experiment SmallExperiment(const std::string& model, const std::string& more = "");

// Rows with ids from small vocabularies (so that ids repeat), bags of 0 to 3 ids in multi-valued fields, one
// place of three empty in sequences, numbers between two of a field's knots; labels that depend on them. A
// function of (schema, seed).
Batch RandomBatch(const Schema& schema, int rows, uint64_t seed);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_EXPERIMENTS_H_
