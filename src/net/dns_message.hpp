// Messages of the domain name system (RFC 1035) as far as a server needs them that knows addresses alone: one question in, its
// answer out, with EDNS(0) (RFC 6891) where the question has it. Values. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/ip_address.hpp"

namespace claviger::net {

struct DnsQuestion {
    static constexpr std::uint16_t kA = 1, kAaaa = 28, kInternet = 1;  // types, and the class
    std::string name;  // lower case, without the final dot; a byte that is none of a host name stands as '?'
    std::uint16_t type = 0, kind = 0;
};

enum class DnsCode : std::uint8_t { no_error = 0, format_error = 1, server_failure = 2, no_such_name = 3, not_implemented = 4 };

struct DnsQuery {
    std::string header_and_question;  // of the message, as they came
    DnsQuestion question;
    bool edns = false;
    // What is wrong with it, to be answered so; no_error: nothing is.
    DnsCode fault = DnsCode::no_error;
};
// ErrorCode::protocol: it deserves no answer, as it is none of a client or too short to be answered.
base::Result<DnsQuery> parse_dns_query(std::string_view message);

// Addresses of the family that was asked for are the answer; none: there are none, which is no error.
std::string dns_answer(const DnsQuery& query, DnsCode code, const std::vector<IpAddress>& addresses);

}  // namespace claviger::net
