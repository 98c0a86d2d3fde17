// The weights of rows that are in this process: for values that come from elsewhere.
#ifndef TANDEM_TESTS_SUPPORT_LOCAL_ROWS_H_
#define TANDEM_TESTS_SUPPORT_LOCAL_ROWS_H_

#include <cstdint>

#include "src/embedding/local_row_store.h"
#include "tandem/embedding.h"

namespace tandem {

// [width]. An id without a row gets one, with its first values. `layer` has local tables.
inline float* LocalRow(EmbeddingLayer* layer, int table, uint64_t key) {
  return static_cast<LocalRowStore&>(layer->store()).InsertRow(table, key);
}

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_LOCAL_ROWS_H_
