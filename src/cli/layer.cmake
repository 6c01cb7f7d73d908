target_compile_definitions(claviger_cli PUBLIC CLAVIGER_VERSION="${PROJECT_VERSION}")
