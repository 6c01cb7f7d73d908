# PX-26 with real TLS clients: see tests/e2e/session_ca_test.py.
if(EXISTS ${CMAKE_SOURCE_DIR}/tests/programs/session_ca_tool.cpp)
  add_executable(session_ca_tool ${CMAKE_SOURCE_DIR}/tests/programs/session_ca_tool.cpp)
  target_link_libraries(session_ca_tool PRIVATE claviger_crypto)
  find_program(PYTHON3 python3 REQUIRED)
  add_test(NAME e2e.session_ca
           COMMAND ${PYTHON3} -B ${CMAKE_SOURCE_DIR}/tests/e2e/session_ca_test.py $<TARGET_FILE:session_ca_tool>)
  set_tests_properties(e2e.session_ca PROPERTIES LABELS e2e TIMEOUT 120)
endif()
