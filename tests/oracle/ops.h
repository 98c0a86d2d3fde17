// What oracle_test knows to check: one function an op, in tests/oracle/op_*.cc, listed in kOracleOps
// (oracle_test.cc).
#ifndef TANDEM_TESTS_ORACLE_OPS_H_
#define TANDEM_TESTS_ORACLE_OPS_H_

#include "tests/support/oracle.h"

namespace tandem {

// Each fails the running test where Tandem and the oracle differ.
void CheckCin(const OracleCase& oracle);
void CheckCrossV1(const OracleCase& oracle);
void CheckCrossV2(const OracleCase& oracle);
void CheckDualStep(const OracleCase& oracle);
void CheckEmbeddingPool(const OracleCase& oracle);
void CheckFm(const OracleCase& oracle);
void CheckJointLoss(const OracleCase& oracle);
void CheckMetrics(const OracleCase& oracle);
void CheckMlp(const OracleCase& oracle);
void CheckOptimizer(const OracleCase& oracle);
void CheckTransformer(const OracleCase& oracle);

}  // namespace tandem

#endif  // TANDEM_TESTS_ORACLE_OPS_H_
