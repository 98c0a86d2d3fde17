// Makes the stores that a run, or scoring, keeps its embedding rows in.
//
//   RunOptions options;
//   options.row_stores = [&](const RowStoreRequest& request) -> absl::StatusOr<std::unique_ptr<RowStore>> {
//     return NewMyRowStore(request);
//   };
//   std::unique_ptr<RowStore> local = MakeLocalRowStore(experiment, schema, /*trained=*/true);
#ifndef TANDEM_ROW_STORE_FACTORY_H_
#define TANDEM_ROW_STORE_FACTORY_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "tandem/row_store.h"
#include "tandem/schema.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// What a store is wanted for; valid during the call.
struct RowStoreRequest {
  // Validated; of a student with tables of its own that of the student alone.
  const proto::Experiment& experiment;
  const Schema& schema;  // of it
  bool trained;          // with slots; else the store is filled once, and read
  bool of_student;       // the tables that a student has for itself
};

// Makes empty stores. Null stands for local ones.
using RowStoreFactory =
    std::function<absl::StatusOr<std::unique_ptr<RowStore>>(const RowStoreRequest& request)>;

// Tables in this process: rows are handed out where they lie. The arguments needn't outlive it.
std::unique_ptr<RowStore> MakeLocalRowStore(const proto::Experiment& experiment, const Schema& schema,
                                            bool trained);

}  // namespace tandem

#endif  // TANDEM_ROW_STORE_FACTORY_H_
