# Property tests. Deferred: the test program is made after this file is read.
find_package(rapidcheck REQUIRED)
cmake_language(DEFER CALL target_link_libraries vault_test PRIVATE rapidcheck)

# A small program around the vault, for the tests that kill, race and starve it from outside.
add_executable(vault_tool ${CMAKE_SOURCE_DIR}/tests/programs/vault_tool.cpp)
target_link_libraries(vault_tool PRIVATE claviger_vault)
find_program(PYTHON3 python3 REQUIRED)
foreach(test vault_crash age secret_service)
  add_test(NAME e2e.${test} COMMAND ${PYTHON3} -B ${CMAKE_SOURCE_DIR}/tests/e2e/${test}_test.py $<TARGET_FILE:vault_tool>)
  set_tests_properties(e2e.${test} PROPERTIES LABELS e2e TIMEOUT 900)
endforeach()
