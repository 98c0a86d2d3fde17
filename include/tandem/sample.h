// What this header held is now schema.h and row_decoder.h: include these.
#ifndef TANDEM_SAMPLE_H_
#define TANDEM_SAMPLE_H_

#include "tandem/row_decoder.h"
#include "tandem/schema.h"

#endif  // TANDEM_SAMPLE_H_
