# The bundled catalogue: providers/*.json become constant data in one generated file. The tool refuses a file that is
# no JSON, lacks a name, or is named otherwise; the tests hold every file against all rules.
file(GLOB bundled_definitions CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/providers/*.json)
set(generated_catalogue ${CMAKE_BINARY_DIR}/generated/provider/catalogue_data.cpp)
add_executable(embed_catalogue ${CMAKE_SOURCE_DIR}/tools/embed_catalogue.cpp)
target_link_libraries(embed_catalogue PRIVATE claviger_json claviger_base)
add_custom_command(
  OUTPUT ${generated_catalogue}
  COMMAND embed_catalogue ${generated_catalogue} ${bundled_definitions}
  DEPENDS embed_catalogue ${bundled_definitions}
  COMMENT "Embedding the bundled definitions"
  VERBATIM)
target_sources(claviger_provider PRIVATE ${generated_catalogue})

# The published schema, so that an editor can have it from the program.
file(READ ${CMAKE_SOURCE_DIR}/providers/schema/provider.schema.json definition_schema)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/provider/schema_text.cpp @ONLY CONTENT
  "#include \"provider/schema_text.hpp\"\n\nnamespace claviger::provider {\n\nstd::string_view definition_schema_text() {\n  return R\"schema(@definition_schema@)schema\";\n}\n\n}  // namespace claviger::provider\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/providers/schema/provider.schema.json)
target_sources(claviger_provider PRIVATE ${CMAKE_BINARY_DIR}/generated/provider/schema_text.cpp)

# Names in packages are compared after case folding and NFC (zip_names.cpp).
target_link_libraries(claviger_provider PUBLIC claviger_ext_unistring)
# Random definitions in the tests.
find_package(rapidcheck REQUIRED)
cmake_language(DEFER CALL target_link_libraries provider_test PRIVATE rapidcheck)
