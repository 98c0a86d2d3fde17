# Every tests/<area>/x_test.cc becomes the binary x_test, registered with ctest case by case. With sanitizers and in CI
# (TANDEM_TESTS_TOGETHER) they are one binary, registered file by file: a third of the compiler's time, and fewer processes.
file(GLOB TEST_SUPPORT CONFIGURE_DEPENDS tests/support/*.cc tests/fuzz/*target*.cc)  # what is fuzzed is replayed, too
add_library(tandem_test_support STATIC ${TEST_SUPPORT} ${CMAKE_CURRENT_LIST_DIR}/empty.cc)
target_include_directories(tandem_test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(tandem_test_support SYSTEM PUBLIC ${PROTO_DIR})
find_package(rapidcheck REQUIRED)
target_link_libraries(tandem_test_support PUBLIC tandem tandem_flags rapidcheck GTest::gmock_main GTest::gtest nlohmann_json::nlohmann_json
  glog::glog absl::flat_hash_map absl::str_format absl::time Eigen3::Eigen ZLIB::ZLIB PkgConfig::ZSTD Threads::Threads)
target_compile_definitions(tandem_test_support PUBLIC
  TANDEM_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}" TANDEM_BINARY_DIR="${CMAKE_CURRENT_BINARY_DIR}")
# Tests spend their time in the library and in building: their own code isn't optimised.
target_compile_options(tandem_test_support PUBLIC -O0)
target_precompile_headers(tandem_test_support PRIVATE <gmock/gmock.h> <gtest/gtest.h> <glog/logging.h> <absl/status/statusor.h>
  <absl/strings/str_cat.h> <absl/strings/str_join.h> <tandem/experiment.pb.h>)

# The parts of the command line that have a header: tested, though they are no library.
file(GLOB TOOL_PARTS CONFIGURE_DEPENDS tools/*.h)
list(TRANSFORM TOOL_PARTS REPLACE "\\.h$" ".cc")
list(FILTER TOOL_PARTS EXCLUDE REGEX "/(cpu_check|command|train_run)\\.cc$")
add_library(tandem_tool_parts STATIC EXCLUDE_FROM_ALL ${TOOL_PARTS})
target_link_libraries(tandem_tool_parts PUBLIC tandem_test_support gflags)

file(GLOB TEST_SOURCES CONFIGURE_DEPENDS tests/*/*_test.cc)
file(GLOB ORACLE_OPS CONFIGURE_DEPENDS tests/oracle/op_*.cc)  # oracle_test: one binary for all ops, a file an op
add_custom_target(tandem_tests)  # all test binaries

# A binary a file. With TANDEM_TESTS_TOGETHER it is there when it is asked for.
foreach(source ${TEST_SOURCES})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tests)
  if(name STREQUAL oracle_test)
    target_sources(${name} PRIVATE ${ORACLE_OPS})
  endif()
  target_link_libraries(${name} PRIVATE tandem_tool_parts tandem_test_support)
  target_precompile_headers(${name} REUSE_FROM tandem_test_support)
  if(TANDEM_TESTS_TOGETHER)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  else()
    add_dependencies(tandem_tests ${name})
    gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  endif()
endforeach()

# tandem_tests_together(BINARY source...): one binary, its files registered as tests of their own, each run by a process.
function(tandem_tests_together binary)
  set(sources ${ARGN})
  foreach(source ${ARGN})
    get_filename_component(name ${source} NAME_WE)
    set(having)
    if(name STREQUAL run_test AND TANDEM_SANITIZE MATCHES "thread")
      set(having --having=Threads)  # the others train the same way on the same threads
    elseif(name STREQUAL tune_run_test AND TANDEM_SANITIZE MATCHES "thread")
      set(having --having=TheBest)  # trials on two threads, as in the others
    endif()
    add_test(NAME ${name} COMMAND ${binary} --only=${name} ${having} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
    if(name MATCHES "^(${TANDEM_LONG_TESTS})_test$")
      set_tests_properties(${name} PROPERTIES COST 100)
    endif()
    if(name STREQUAL oracle_test)
      list(APPEND sources ${ORACLE_OPS})
    endif()
  endforeach()
  tandem_units(units ${binary} ${sources})
  add_executable(${binary} ${units} tests/together/main.cc)
  add_dependencies(tandem_tests ${binary})
  target_link_libraries(${binary} PRIVATE tandem_tool_parts tandem_test_support)
  target_precompile_headers(${binary} REUSE_FROM tandem_test_support)
  target_compile_options(${binary} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)  # of included sources, as the compiler sees them
endfunction()

# What takes long begins first.
set(TANDEM_LONG_TESTS dual_model_gradient|gradient|run|trainer|loss)
if(TANDEM_TESTS_TOGETHER)
  if(TANDEM_SANITIZE MATCHES "thread")
    # What has threads, and what several of them may call.
    list(FILTER TEST_SOURCES INCLUDE REGEX "/(util/(threads|pipeline|profile)|data/(day_reader|synthetic)|embedding/(embedding|local_row_store)|serve/.*|online/.*|train/(batch_source|committee|dense_update|live_scorer|remote_rows|replay|run|trainer)|compare/compare_run|tune/tune_run)_test\\.cc$")
    # Models made by hand are tried in processes of their own, one after another.
    list(FILTER TEST_SOURCES EXCLUDE REGEX "/hand_made_[a-z]*_test\\.cc$")
  endif()
  # Those that count allocations replace operator new, which the sanitizers want for themselves in all others.
  set(COUNTING_TESTS)
  foreach(source ${TEST_SOURCES})
    file(STRINGS ${source} counts REGEX "allocation_counter" LIMIT_COUNT 1)
    if(counts)
      list(APPEND COUNTING_TESTS ${source})
    endif()
  endforeach()
  list(REMOVE_ITEM TEST_SOURCES ${COUNTING_TESTS})
  tandem_tests_together(tests_together ${TEST_SOURCES})
  tandem_tests_together(tests_that_count_allocations ${COUNTING_TESTS})
endif()

if(TANDEM_SANITIZE MATCHES "thread")
  return()  # no test from here on runs threads that the ones above don't
endif()

# Tests of the scripts: tests/<area>/x_test.py, run as they are. Label `script`: nothing of the library runs in them that is built with the
# sanitizers and runs nowhere else.
find_package(Python3 COMPONENTS Interpreter REQUIRED)
file(GLOB SCRIPT_TESTS CONFIGURE_DEPENDS tests/*/*_test.py)
foreach(source ${SCRIPT_TESTS})
  get_filename_component(name ${source} NAME_WE)
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${source} $<$<STREQUAL:${name},snippets_test>:${CMAKE_CURRENT_BINARY_DIR}>
    COMMAND_EXPAND_LISTS)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS script)
endforeach()

# COST: what takes long begins first.

# Tests of the command line: tests/end_to_end/x_test.sh BINARY SOURCE_DIR; exit code 77: what it needs isn't there.
file(GLOB END_TO_END_TESTS CONFIGURE_DEPENDS tests/end_to_end/*_test.sh)
foreach(source ${END_TO_END_TESTS})
  get_filename_component(name ${source} NAME_WE)
  set(kills)
  if(TANDEM_SANITIZE AND name MATCHES "^(daily|online)_test$")
    set(kills 2)  # each of them takes a while longer
  endif()
  add_test(NAME ${name} COMMAND bash ${source} $<TARGET_FILE:tandem_cli> ${CMAKE_CURRENT_SOURCE_DIR} ${kills})
  # Several times what they take where nothing else runs.
  set_tests_properties(${name} PROPERTIES TIMEOUT 1500 COST 100 SKIP_RETURN_CODE 77)
  if(name STREQUAL readme_test)
    set_tests_properties(${name} PROPERTIES LABELS script)
  endif()
endforeach()

# docs/config.md is generated.
add_test(NAME config_docs_are_up_to_date
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/gen_config_docs.py --check)
set_tests_properties(config_docs_are_up_to_date PROPERTIES LABELS script)

# The installed package, and the example that is built against it.
set(PACKAGE_TEST_ARGUMENTS ${CMAKE_CURRENT_BINARY_DIR})
if(TANDEM_SANITIZE)
  list(APPEND PACKAGE_TEST_ARGUMENTS -fsanitize=${TANDEM_SANITIZE})
endif()
add_test(NAME package_test
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tests/package/package_test.sh ${PACKAGE_TEST_ARGUMENTS})
set_tests_properties(package_test PROPERTIES TIMEOUT 600 COST 100 LABELS script ENVIRONMENT "CXX=${CMAKE_CXX_COMPILER}")

# An older processor, where an emulator is installed (qemu-user).
find_program(QEMU_X86_64 qemu-x86_64)
if(QEMU_X86_64 AND TANDEM_X86 AND NOT TANDEM_SANITIZE AND TANDEM_ARCH_FLAGS STREQUAL TANDEM_DEFAULT_ARCH_FLAGS)
  add_test(NAME cpu_check_test COMMAND ${QEMU_X86_64} -cpu Nehalem $<TARGET_FILE:tandem_cli> --version)
  set_tests_properties(cpu_check_test PROPERTIES PASS_REGULAR_EXPRESSION "this build needs an x86-64-v3 processor")
endif()
