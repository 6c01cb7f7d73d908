# g++ 12 miscompiles ordinary coroutines (double destruction), so the compiler must pass a probe,
# not a version check. Everything else here is hardening (SC-02).
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "Claviger is built with clang-19: cmake -DCMAKE_CXX_COMPILER=clang++-19 (see docs/decisions/0001-compiler.md)")
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT CLAVIGER_FUZZ)
  add_link_options(-fuse-ld=mold)
else()
  add_link_options(-fuse-ld=lld)
endif()

add_compile_options(-gline-tables-only)  # backtraces with lines at four fifths of the cost of -g
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror
                    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero -fPIE)
add_link_options(-pie -static-libstdc++ -static-libgcc -Wl,-z,relro,-z,now,-z,noexecstack)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
if(CLAVIGER_SANITIZE)
  # the sanitizers' runtimes want the shared libstdc++
  get_directory_property(link_options LINK_OPTIONS)
  list(REMOVE_ITEM link_options -static-libstdc++ -static-libgcc)
  set_directory_properties(PROPERTIES LINK_OPTIONS "${link_options}")
  add_compile_options(-fsanitize=${CLAVIGER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CLAVIGER_SANITIZE})
  add_compile_definitions(CLAVIGER_SANITIZED)
else()
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(CLAVIGER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
# Test programs are compiled in half the time without optimization; what they test is compiled as it is shipped.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(CLAVIGER_TEST_OPTIONS -O0 -g0 -U_FORTIFY_SOURCE)
endif()
