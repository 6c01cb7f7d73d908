target_compile_definitions(claviger_cli PUBLIC CLAVIGER_VERSION="${PROJECT_VERSION}")
# Widths of characters on the terminal.
target_link_libraries(claviger_cli PUBLIC claviger_ext_unistring)
