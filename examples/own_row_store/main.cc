// Trains with the embedding's rows in a store of the program's own, and says what was asked of it.
//
//   own_row_store experiment.pbtxt 'logs/{date}.tsv.gz' 2026-01-03 work/run
//
// This store keeps local tables and passes every call on to them; one elsewhere sends the calls there, and
// has such tables at the other end. docs/row_stores.md goes through what each call owes.
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem/day_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/row_store.h"
#include "tandem/row_store_factory.h"
#include "tandem/run.h"
#include "tandem/status.h"

namespace {

struct Counts {
  std::atomic<int64_t> steps{0}, keys{0}, learned{0};
};

class CountingRowStore : public tandem::RowStore {
 public:
  CountingRowStore(const tandem::RowStoreRequest& request, Counts* counts)
      : rows_(tandem::MakeLocalRowStore(request.experiment, request.schema, request.trained)),
        counts_(*counts) {}

  const tandem::RowShape& shape() const override { return rows_->shape(); }
  absl::Status Read(absl::Span<tandem::TableRows> tables) const override { return rows_->Read(tables); }
  absl::Status ReadAgain(absl::Span<tandem::TableRows> tables) const override {
    return rows_->ReadAgain(tables);
  }
  absl::Status Admit(const tandem::AdmitStep& step, tandem::RowDemand* demand,
                     tandem::Workers* workers) override {
    ++counts_.steps;
    return rows_->Admit(step, demand, workers);
  }
  absl::Status Learn(const tandem::LearnStep& step, absl::Span<const tandem::TableRows> tables,
                     const tandem::RowGradients& gradients, tandem::Workers* workers) override {
    for (size_t t = 0; t < tables.size(); ++t) {
      counts_.keys += static_cast<int64_t>(tables[t].keys.size());
      counts_.learned += gradients.rows(static_cast<int>(t));
    }
    return rows_->Learn(step, tables, gradients, workers);
  }
  absl::StatusOr<int64_t> Expire(uint32_t day, int days) override { return rows_->Expire(day, days); }
  absl::StatusOr<tandem::StoreState> State() const override { return rows_->State(); }
  absl::StatusOr<std::vector<uint64_t>> Keys(int table, int64_t most) const override {
    return rows_->Keys(table, most);
  }
  absl::Status Export(int table,
                      absl::FunctionRef<absl::Status(const tandem::RowBlock&)> take) const override {
    return rows_->Export(table, take);
  }
  absl::Status Import(int table, const tandem::RowBlock& block) override {
    return rows_->Import(table, block);
  }
  absl::Status Restore(const tandem::StoreState& state) override { return rows_->Restore(state); }

 private:
  const std::unique_ptr<tandem::RowStore> rows_;
  Counts& counts_;
};

absl::Status Train(const std::string& config, const std::string& log, const std::string& end_date,
                   const std::string& run_dir) {
  TANDEM_ASSIGN_OR_RETURN(tandem::proto::Experiment experiment, tandem::LoadExperiment({config}, {}));
  experiment.mutable_data()->set_path(log);
  tandem::ResolveDefaults(&experiment);
  TANDEM_RETURN_IF_ERROR(tandem::ValidateExperiment(experiment));
  Counts counts;
  tandem::RunOptions options;
  options.run_dir = run_dir;
  options.quiet = true;
  options.row_stores =
      [&counts](const tandem::RowStoreRequest& request) -> absl::StatusOr<std::unique_ptr<tandem::RowStore>> {
    return std::make_unique<CountingRowStore>(request, &counts);
  };
  std::vector<std::string> missing;
  TANDEM_ASSIGN_OR_RETURN(options.days, tandem::FindWindow(tandem::FileSystem::Default(), log, end_date,
                                                           experiment.train().window_days(), &missing));
  TANDEM_RETURN_IF_ERROR(tandem::TrainRun(experiment, options).status());
  std::cout << counts.steps << " steps asked for " << counts.keys << " keys, and " << counts.learned
            << " rows learned\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::cerr << "usage: own_row_store CONFIG LOG END_DATE RUN_DIR\n", 2;
  const absl::Status status = Train(argv[1], argv[2], argv[3], argv[4]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return tandem::ExitCode(status);
}
