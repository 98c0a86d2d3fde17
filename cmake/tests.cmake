# Every tests/<area>/x_test.cc becomes the binary x_test, registered with ctest case by case; with sanitizers, as a whole, for a
# process takes long to start then.
file(GLOB TEST_SUPPORT CONFIGURE_DEPENDS tests/support/*.cc)
add_library(tandem_test_support STATIC ${TEST_SUPPORT} ${CMAKE_CURRENT_LIST_DIR}/empty.cc)
target_include_directories(tandem_test_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(tandem_test_support SYSTEM PUBLIC ${PROTO_DIR})
target_link_libraries(tandem_test_support PUBLIC tandem tandem_flags GTest::gmock_main GTest::gtest nlohmann_json::nlohmann_json
  glog::glog absl::flat_hash_map absl::str_format absl::time Eigen3::Eigen ZLIB::ZLIB PkgConfig::ZSTD Threads::Threads)
target_compile_definitions(tandem_test_support PUBLIC
  TANDEM_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}" TANDEM_BINARY_DIR="${CMAKE_CURRENT_BINARY_DIR}")
# Tests spend their time in the library and in building: their own code isn't optimised.
target_compile_options(tandem_test_support PUBLIC -O0)
target_precompile_headers(tandem_test_support PRIVATE <gmock/gmock.h> <gtest/gtest.h> <glog/logging.h> <absl/status/statusor.h>
  <absl/strings/str_cat.h> <absl/strings/str_join.h> <tandem/experiment.pb.h>)

file(GLOB TEST_SOURCES CONFIGURE_DEPENDS tests/*/*_test.cc)
if(TANDEM_SANITIZE MATCHES "thread")
  # What has threads, and what several of them may call.
  list(FILTER TEST_SOURCES INCLUDE REGEX
    "/(util/(threads|pipeline|profile)|data/(day_reader|synthetic)|embedding/embedding|serve/.*|online/.*|train/(batch_source|replay|run|trainer))_test\\.cc$")
endif()
add_custom_target(tandem_tests)  # all test binaries
foreach(source ${TEST_SOURCES})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  add_dependencies(tandem_tests ${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tests)
  if(name STREQUAL oracle_test)
    # One binary for all ops, a file an op.
    file(GLOB ORACLE_OPS CONFIGURE_DEPENDS tests/oracle/op_*.cc)
    target_sources(${name} PRIVATE ${ORACLE_OPS})
  endif()
  if(source MATCHES "/tests/tools/(.*)_test.cc$")
    target_sources(${name} PRIVATE tools/${CMAKE_MATCH_1}.cc)  # the command line is no library
  endif()
  target_link_libraries(${name} PRIVATE tandem_test_support)
  target_precompile_headers(${name} REUSE_FROM tandem_test_support)
  if(TANDEM_SANITIZE)
    set(arguments)
    if(name STREQUAL run_test AND TANDEM_SANITIZE MATCHES "thread")
      set(arguments --gtest_filter=*Threads*)  # the others train the same way on the same threads
    endif()
    add_test(NAME ${name} COMMAND ${name} ${arguments} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
    if(name STREQUAL dual_model_gradient_test)
      set_tests_properties(${name} PROPERTIES COST 100)
    endif()
  else()
    gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  endif()
endforeach()

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
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 COST 100 SKIP_RETURN_CODE 77)
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
