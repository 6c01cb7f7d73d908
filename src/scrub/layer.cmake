# Property tests. Deferred: the test program does not exist yet when this file is read.
find_package(rapidcheck REQUIRED)
cmake_language(DEFER CALL target_link_libraries scrub_test PRIVATE rapidcheck)
