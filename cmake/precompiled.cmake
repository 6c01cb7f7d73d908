# Precompiled headers, for builds from scratch (CI). ON: the libraries' headers, a third less to compile. ALL: also our
# own that most files include, a fifth less again; but a change of one of them then compiles everything. Off by default:
# without them a missing include is an error, and ccache shares objects between build directories. Only layers from net
# up get Asio's, since its error categories must be linked. Further arguments are options that the target is compiled
# with: a precompiled header serves only files of the same optimization.
set(CLAVIGER_PRECOMPILED OFF CACHE STRING "use precompiled headers: OFF, ON (of libraries) or ALL (our own too)")

function(claviger_precompiled target asynchronous)
  if(NOT CLAVIGER_PRECOMPILED)
    return()
  endif()
  set(kind plain)
  set(headers <algorithm> <array> <charconv> <chrono> <cstdint> <filesystem> <fstream> <functional> <map> <memory>
      <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
      <fmt/format.h> <tl/expected.hpp> <gmock/gmock.h> <gtest/gtest.h>)
  set(own base/clock base/error base/log base/random base/secret base/text json/parse json/value)
  if(asynchronous)
    set(kind asynchronous)
    list(APPEND headers <boost/asio/awaitable.hpp> <boost/asio/use_awaitable.hpp>)
    list(APPEND own connection/connections connection/dialog crypto/jwk http/client http/codec net/loop net/tls
         oauth/assertion oauth/types provider/read vault/vault)
  endif()
  if(ARGN)
    set(kind ${kind}_test)
  endif()
  if(NOT TARGET claviger_precompiled_${kind})
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled_${kind}.cpp "")
    add_library(claviger_precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled_${kind}.cpp)
    target_link_libraries(claviger_precompiled_${kind} PRIVATE GTest::gmock)  # its definitions
    target_compile_options(claviger_precompiled_${kind} PRIVATE ${ARGN})
    if(CLAVIGER_PRECOMPILED STREQUAL "ALL")
      list(TRANSFORM own REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/src/\\1.hpp")
      list(APPEND headers ${own})
      target_include_directories(claviger_precompiled_${kind} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    endif()
    target_precompile_headers(claviger_precompiled_${kind} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM claviger_precompiled_${kind})
endfunction()
