#include "proxy/name_server.hpp"

#include <array>
#include <vector>

#include "net/dns_message.hpp"
#include "net/url.hpp"
#include "proxy/authority.hpp"

namespace claviger::proxy {
namespace {

using net::DnsCode;

constexpr std::chrono::seconds kIdleTime{10};

bool below(std::string_view name, std::string_view domain) {
    return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

struct Found {
    DnsCode code = DnsCode::no_error;
    std::vector<net::IpAddress> addresses{};
};

Found look_up(const std::string& name, SyntheticAddresses& names, bool ipv6) {
    Found found;
    if (below(name, "localhost")) {  // RFC 6761 section 6.3
        found.addresses = {net::IpAddress::v4(127, 0, 0, 1), *net::IpAddress::parse("::1")};
        return found;
    }
    const auto host = net::canonical_host(name);
    if (!host || is_address(*host) || below(name, "invalid") || below(name, "arpa")) {
        found.code = DnsCode::no_such_name;
        return found;
    }
    const auto pair = names.of(*host);
    if (!pair) {
        found.code = DnsCode::server_failure;
        return found;
    }
    found.addresses.push_back(pair->v4);
    if (ipv6) found.addresses.push_back(pair->v6);
    return found;
}

// Whole, or not at all.
net::Task<bool> read_exactly(net::Stream& stream, std::span<char> into) {
    const net::Deadline deadline = net::in(kIdleTime);
    while (!into.empty()) {
        auto got = co_await stream.read_some(into, deadline);
        if (!got || *got == 0) co_return false;
        into = into.subspan(*got);
    }
    co_return true;
}

}  // namespace

std::optional<std::string> answer_names(std::string_view message, SyntheticAddresses& names, bool ipv6) {
    const auto query = net::parse_dns_query(message);
    if (!query) return std::nullopt;
    if (query->fault != DnsCode::no_error) return net::dns_answer(*query, query->fault, {});
    const auto found = look_up(query->question.name, names, ipv6);
    return net::dns_answer(*query, found.code, found.addresses);
}

net::Task<void> serve_names(net::DatagramSocket& socket, SyntheticAddresses& names, bool ipv6) {
    for (;;) {
        auto question = co_await socket.receive();
        if (!question) co_return;
        if (const auto answer = answer_names(question->bytes, names, ipv6)) socket.answer(*question, *answer);
    }
}

net::Task<void> serve_names_over_tcp(net::StreamPtr stream, SyntheticAddresses& names, bool ipv6) {
    for (;;) {
        std::array<char, 2> length{};
        const bool more = co_await read_exactly(*stream, std::span<char>(length));
        if (!more) co_return;
        std::string message(static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8 | static_cast<unsigned char>(length[1]), '\0');
        const bool whole = co_await read_exactly(*stream, std::span<char>(message));
        const auto answer = whole ? answer_names(message, names, ipv6) : std::nullopt;
        if (!answer) co_return;
        std::string framed{static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size() & 0xff)};
        framed += *answer;
        const net::Deadline deadline = net::in(kIdleTime);
        auto sent = co_await stream->write_all(framed, deadline);
        if (!sent) co_return;
    }
}

}  // namespace claviger::proxy
