// All tests in one binary, which runs those of one file:
//
//   tests_together --only=mlp_test                   # of tests/*/mlp_test.cc
//   tests_together --only=run_test --having=Threads  # of these, what has that in its name
//
// A name that no test has is an error: nothing passes because it isn't there. Other arguments are gtest's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace {

// The value of the argument `--name=value`; empty where it isn't given.
std::string Argument(int count, char** arguments, const std::string& name) {
  const std::string start = "--" + name + "=";
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument.compare(0, start.size(), start) == 0) return argument.substr(start.size());
  }
  return "";
}

// gtest's filter for the tests of the file `stem`.cc with `having` in their names.
std::string FilterOfFile(const std::string& stem, const std::string& having) {
  const std::string end = "/" + stem + ".cc";
  std::string filter;
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  for (int i = 0; i < tests.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *tests.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      const std::string file = test.file();
      const std::string name = std::string(suite.name()) + "." + test.name();
      const bool wanted =
          file.size() >= end.size() && file.compare(file.size() - end.size(), end.size(), end) == 0;
      if (wanted && name.find(having) != std::string::npos) filter += name + ":";
    }
  }
  return filter;
}

}  // namespace

// ThreadSanitizer asks for it: the C library's own lock, which glog's time zone is looked up under, is none that
// it sees.
extern "C" const char* __tsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "race:tzset_internal\n";
}

int main(int count, char** arguments) {
  testing::InitGoogleMock(&count, arguments);
  const std::string only = Argument(count, arguments, "only");
  if (!only.empty()) {
    const std::string filter = FilterOfFile(only, Argument(count, arguments, "having"));
    if (filter.empty()) {
      std::fprintf(stderr, "no test of %s.cc is in this binary\n", only.c_str());
      return 1;
    }
    GTEST_FLAG_SET(filter, filter);
  }
  return RUN_ALL_TESTS();
}
