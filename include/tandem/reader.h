// What this header held is now day_files.h, day_reader.h and quarantine.h: include these.
#ifndef TANDEM_READER_H_
#define TANDEM_READER_H_

#include "tandem/day_files.h"
#include "tandem/day_reader.h"
#include "tandem/quarantine.h"

#endif  // TANDEM_READER_H_
