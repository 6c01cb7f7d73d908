# Property tests. Deferred: the test program is made after this file is read.
find_package(rapidcheck REQUIRED)
cmake_language(DEFER CALL target_link_libraries vault_test PRIVATE rapidcheck)

# A small program around the vault, for the tests that kill, race and starve it from outside.
add_executable(vault_tool EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/programs/vault_tool.cpp)
target_link_libraries(vault_tool PRIVATE claviger_vault)
