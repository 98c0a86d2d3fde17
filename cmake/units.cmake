# tandem_units(UNITS NAME source...): sets UNITS to translation units that hold the sources together (cmake/units.py), which compile in
# a third of the time. -DTANDEM_UNIT_LINES=1 gives a unit a file: for work on one, and to see that each includes what it uses (clang-tidy,
# which takes files one by one, sees it of those that changed).
find_package(Python3 COMPONENTS Interpreter REQUIRED)
set(TANDEM_UNIT_LINES 2000 CACHE STRING "Lines of the sources that are compiled together")
function(tandem_units units name)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/units.py ${CMAKE_CURRENT_BINARY_DIR}/units ${name} ${TANDEM_UNIT_LINES} ${ARGN}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE paths RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "cmake/units.py: ${failed}")
  endif()
  string(STRIP "${paths}" paths)
  string(REPLACE "\n" ";" paths "${paths}")
  set(${units} ${paths} PARENT_SCOPE)
  # Files that come to share a name are put apart.
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()
