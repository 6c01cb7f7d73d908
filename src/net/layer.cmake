# PX-25 and G18 through the whole program: see tests/e2e/certificate_zoo_test.py.
if(EXISTS ${CMAKE_SOURCE_DIR}/tests/programs/certificate_zoo.cpp)
  add_executable(certificate_zoo ${CMAKE_SOURCE_DIR}/tests/programs/certificate_zoo.cpp)
  target_link_libraries(certificate_zoo PRIVATE claviger_net)
  find_program(PYTHON3 python3 REQUIRED)
  add_test(NAME e2e.certificate_zoo
           COMMAND ${PYTHON3} -B ${CMAKE_SOURCE_DIR}/tests/e2e/certificate_zoo_test.py $<TARGET_FILE:claviger> $<TARGET_FILE:certificate_zoo>)
  set_tests_properties(e2e.certificate_zoo PROPERTIES LABELS e2e TIMEOUT 300)
endif()
