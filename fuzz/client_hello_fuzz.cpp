// What a TLS client says first, over any bytes. Beside memory errors: a part of what was understood is understood as a part, and
// what comes behind it changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/client_hello.hpp"

namespace {

using claviger::net::read_client_hello;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto hello = read_client_hello(bytes);
    if (!hello || !*hello) return 0;
    require((*hello)->server_name.size() < bytes.size());
    const auto half = read_client_hello(bytes.substr(0, size / 2));
    require(half.has_value() && (!*half || (*half)->server_name == (*hello)->server_name));
    return 0;
}
