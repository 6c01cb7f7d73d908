# Names in packages are compared after case folding and NFC (zip_names.cpp).
target_link_libraries(claviger_provider PUBLIC unistring)
