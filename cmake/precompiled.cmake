# Two precompiled headers, for builds without a compiler cache (CI): a third less to compile. Off by default: without
# them a missing include is an error, and ccache shares objects between build directories. Only layers from net up get
# Asio's, since its error categories must be linked.
option(CLAVIGER_PRECOMPILED "use precompiled headers" OFF)

function(claviger_precompiled target asynchronous)
  if(NOT CLAVIGER_PRECOMPILED)
    return()
  endif()
  set(kind plain)
  set(headers <algorithm> <array> <charconv> <chrono> <cstdint> <filesystem> <fstream> <functional> <map> <memory>
      <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
      <fmt/format.h> <tl/expected.hpp> <gmock/gmock.h> <gtest/gtest.h>)
  if(asynchronous)
    set(kind asynchronous)
    list(APPEND headers <boost/asio/awaitable.hpp> <boost/asio/use_awaitable.hpp>)
  endif()
  if(NOT TARGET claviger_precompiled_${kind})
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled_${kind}.cpp "")
    add_library(claviger_precompiled_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled_${kind}.cpp)
    target_link_libraries(claviger_precompiled_${kind} PRIVATE GTest::gmock)  # its definitions
    target_precompile_headers(claviger_precompiled_${kind} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM claviger_precompiled_${kind})
endfunction()
