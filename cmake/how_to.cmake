# The pages docs/how_to_add_*.md, followed to the letter: their files and edits are built, and linked before what the library and
# the tests have of the same files. That nothing else has to be compiled again is what the pages promise. (A new arm of a oneof
# moves nothing in the messages, so that objects from before and after fit.)
if(TANDEM_SANITIZE)
  return()
endif()
set(HOW_TO ${CMAKE_CURRENT_SOURCE_DIR}/docs/how_to_add_an_interaction.md ${CMAKE_CURRENT_SOURCE_DIR}/docs/how_to_add_a_sample_format.md)
set(HOW_TO_DIR ${CMAKE_CURRENT_BINARY_DIR}/how_to)
set(HOW_TO_EDITED src/config/experiment.proto src/config/ranges.cc src/data/sample_format.cc src/nn/interaction.cc
  tests/support/reference.cc tests/support/interaction_configs.h)
set(HOW_TO_LIBRARY src/config/ranges.cc src/data/ltsv/ltsv_format.cc src/data/sample_format.cc
  src/nn/interaction.cc src/nn/interaction_senet.cc)
set(HOW_TO_TESTS tests/support/reference.cc tests/data/ltsv_test.cc tests/data/fixed_records_test.cc tests/nn/interaction_senet_test.cc)
list(TRANSFORM HOW_TO_LIBRARY PREPEND ${HOW_TO_DIR}/ OUTPUT_VARIABLE HOW_TO_LIBRARY_FILES)
list(TRANSFORM HOW_TO_TESTS PREPEND ${HOW_TO_DIR}/ OUTPUT_VARIABLE HOW_TO_TEST_FILES)
add_custom_command(
  OUTPUT ${HOW_TO_LIBRARY_FILES} ${HOW_TO_TEST_FILES} ${HOW_TO_DIR}/src/config/experiment.proto
  COMMAND ${Python3_EXECUTABLE} tests/how_to/follow.py ${HOW_TO} . ${HOW_TO_DIR}
  DEPENDS ${HOW_TO} tests/how_to/follow.py ${HOW_TO_EDITED}
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
add_custom_command(
  OUTPUT ${HOW_TO_DIR}/tandem/experiment.pb.cc
  COMMAND protobuf::protoc --cpp_out=${HOW_TO_DIR} -I tandem=${HOW_TO_DIR}/src/config ${HOW_TO_DIR}/src/config/experiment.proto
  DEPENDS ${HOW_TO_DIR}/src/config/experiment.proto)

# What all of them see first.
add_library(how_to_flags INTERFACE)
target_include_directories(how_to_flags BEFORE INTERFACE ${HOW_TO_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(how_to_flags SYSTEM INTERFACE ${PROTO_DIR})
target_link_libraries(how_to_flags INTERFACE tandem_flags absl::strings absl::span absl::statusor glog::glog protobuf::libprotobuf)

add_library(how_to_proto OBJECT EXCLUDE_FROM_ALL ${HOW_TO_DIR}/tandem/experiment.pb.cc)
target_include_directories(how_to_proto SYSTEM PRIVATE ${HOW_TO_DIR})
target_link_libraries(how_to_proto PRIVATE protobuf::libprotobuf)
target_compile_options(how_to_proto PRIVATE ${TANDEM_ARCH_OPTIONS})

add_library(how_to_library OBJECT EXCLUDE_FROM_ALL ${HOW_TO_LIBRARY_FILES})
target_include_directories(how_to_library PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include)
target_link_libraries(how_to_library PRIVATE how_to_flags)
add_dependencies(how_to_library how_to_proto)

add_executable(how_to_tandem EXCLUDE_FROM_ALL $<TARGET_OBJECTS:tandem_cli> $<TARGET_OBJECTS:how_to_library> $<TARGET_OBJECTS:how_to_proto>)
target_link_libraries(how_to_tandem PRIVATE $<TARGET_PROPERTY:tandem_cli,LINK_LIBRARIES>)
set_target_properties(how_to_tandem PROPERTIES LINKER_LANGUAGE CXX)
add_dependencies(how_to_tandem tandem_cli)

add_executable(how_to_test EXCLUDE_FROM_ALL ${HOW_TO_TEST_FILES} tests/config/config_validate_test.cc tests/nn/gradient_test.cc
  tests/nn/tower_test.cc
  tests/serve/model_floats_test.cc tests/train/feature_change_test.cc tests/tune/search_space_test.cc
  $<TARGET_OBJECTS:how_to_library> $<TARGET_OBJECTS:how_to_proto>)
target_link_libraries(how_to_test PRIVATE how_to_flags tandem_test_support)
add_dependencies(how_to_test how_to_proto)

# Built by the tests, so that a page that is wrong fails a test and no build.
add_test(NAME how_to_build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_CURRENT_BINARY_DIR} --target how_to_test how_to_tandem)
set_tests_properties(how_to_build PROPERTIES FIXTURES_SETUP how_to TIMEOUT 600 COST 100)
add_test(NAME how_to_unit_test COMMAND how_to_test --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME how_to_model_test
  COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/tests/how_to/model_test.sh ${CMAKE_CURRENT_BINARY_DIR}/how_to_tandem ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME how_to_log_test
  COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/tests/how_to/log_test.sh ${CMAKE_CURRENT_BINARY_DIR}/how_to_tandem ${CMAKE_CURRENT_SOURCE_DIR})
set_tests_properties(how_to_unit_test how_to_model_test how_to_log_test PROPERTIES FIXTURES_REQUIRED how_to TIMEOUT 300)
