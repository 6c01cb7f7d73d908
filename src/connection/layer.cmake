# A small program around renewals, for the tests that kill, race and starve them from outside.
add_executable(refresh_tool ${CMAKE_SOURCE_DIR}/tests/programs/refresh_tool.cpp)
target_link_libraries(refresh_tool PRIVATE claviger_connection)
find_program(PYTHON3 python3 REQUIRED)
foreach(test refresh_crash refresh_race)
  add_test(NAME e2e.${test} COMMAND ${PYTHON3} -B ${CMAKE_SOURCE_DIR}/tests/e2e/${test}_test.py $<TARGET_FILE:refresh_tool>)
  set_tests_properties(e2e.${test} PROPERTIES LABELS e2e TIMEOUT 900)
endforeach()
