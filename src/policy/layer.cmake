# The published schema of project files, so that an editor can have it from the program.
file(READ ${CMAKE_SOURCE_DIR}/src/policy/project.schema.json project_schema)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/policy/project_schema_text.cpp @ONLY CONTENT
  "#include \"policy/project_file.hpp\"\n\nnamespace claviger::policy {\n\nstd::string_view project_schema_text() {\n  return R\"schema(@project_schema@)schema\";\n}\n\n}  // namespace claviger::policy\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/policy/project.schema.json)
target_sources(claviger_policy PRIVATE ${CMAKE_BINARY_DIR}/generated/policy/project_schema_text.cpp)
