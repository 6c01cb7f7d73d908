// Questions for names, over any bytes, and the answers to them. Beside memory errors: an answer is one, to that question, and
// short enough for any datagram; and it is never taken for a question.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/dns_message.hpp"
#include "proxy/name_server.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    claviger::proxy::SyntheticAddresses names;
    const auto answer = claviger::proxy::answer_names(bytes, names, true);
    if (!answer) return 0;
    require(answer->size() >= 12 && answer->size() <= 512 && answer->substr(0, 2) == bytes.substr(0, 2));
    require(!claviger::net::parse_dns_query(*answer).has_value());
    const auto query = claviger::net::parse_dns_query(bytes);
    require(query.has_value() && query->question.name.size() <= 253);
    require(query->question.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.?") == std::string::npos);
    return 0;
}
