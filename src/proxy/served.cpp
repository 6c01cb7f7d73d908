#include "proxy/served.hpp"

namespace claviger::proxy {

void Recording::finish(int status, const std::string& reason, std::uint64_t request_bytes, std::uint64_t response_bytes) {
    finished_ = true;
    served.status = status;
    served.reason = status == 0 && reason.empty() ? "abandoned" : reason;
    served.request_bytes = request_bytes;
    served.response_bytes = response_bytes;
}

Recording::~Recording() {
    if (!to_) return;
    if (!finished_ && served.reason.empty()) served.reason = "interrupted";
    served.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_).count();
    to_(served);
}

}  // namespace claviger::proxy
