// Quantities as people read them.
//
//   absl::StrCat(Thousands(32950), " rows, ", Bytes(2.3e9));               // "32,950 rows, 2.3 GB"
#ifndef TANDEM_SRC_INIT_QUANTITY_H_
#define TANDEM_SRC_INIT_QUANTITY_H_

#include <string>

namespace tandem {

// "32,950"
std::string Thousands(double count);
// "1.2 million", "34,000"
std::string About(double count);
// "150 MB", "2.3 GB"
std::string Bytes(double bytes);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_QUANTITY_H_
