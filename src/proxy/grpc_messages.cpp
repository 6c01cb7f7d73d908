#include "proxy/grpc_messages.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace claviger::proxy {

bool GrpcMessages::take(std::string_view bytes) {
    while (!bytes.empty()) {
        if (left_ > 0) {
            const auto n = std::min<std::size_t>(left_, bytes.size());
            left_ -= static_cast<std::uint32_t>(n);
            bytes.remove_prefix(n);
            continue;
        }
        prefix_[prefix_size_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (prefix_size_ < prefix_.size()) continue;
        prefix_size_ = 0;
        left_ = (std::uint32_t{prefix_[1]} << 24) | (std::uint32_t{prefix_[2]} << 16) | (std::uint32_t{prefix_[3]} << 8) | prefix_[4];
    }
    return left_ == 0 && prefix_size_ == 0;
}

bool GrpcMessages::is_body_of(const http::Fields& fields) {
    constexpr std::string_view kType = "application/grpc";
    const auto type = fields.find("Content-Type");
    if (!type || !base::equal_ignoring_case(type->substr(0, kType.size()), kType)) return false;
    const auto rest = type->substr(kType.size());  // "+proto", "; ...", but not grpc-web, whose trailers are a message
    return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

}  // namespace claviger::proxy
