# Deferred: the test program is made after this file is read.
cmake_language(DEFER CALL target_link_libraries base_test PRIVATE rapidcheck)
