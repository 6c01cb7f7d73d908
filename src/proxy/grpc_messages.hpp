// Where the messages of a gRPC body end: each follows a byte and its length in four (gRPC over HTTP/2, "Length-Prefixed-
// Message"). Thread rule: value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.hpp"

namespace claviger::proxy {

class GrpcMessages {
public:
    // Whether the body's last byte so far, the last of these, ends a message.
    bool take(std::string_view bytes);
    // Whether a body with these fields is made of such messages.
    static bool is_body_of(const http::Fields& fields);

private:
    std::array<unsigned char, 5> prefix_{};
    std::size_t prefix_size_ = 0;
    std::uint32_t left_ = 0;
};

}  // namespace claviger::proxy
