#include "net/dns_message.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kHeaderSize = 12, kLongestLabel = 63, kLongestName = 253, kOptionRecordSize = 11;
constexpr unsigned kResponse = 0x80, kOpcodeMask = 0x78, kAuthoritative = 0x04, kRecursionDesired = 0x01, kRecursionAvailable = 0x80;
constexpr std::uint16_t kOptionType = 41, kOurDatagramSize = 1232, kPointerToQuestion = 0xc000 | kHeaderSize;
constexpr std::uint32_t kTimeToLive = 60;

unsigned char byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

void append_number(std::string& to, std::uint16_t number) {
    to += static_cast<char>(number >> 8);
    to += static_cast<char>(number & 0xff);
}

char shown(char byte) {
    const bool of_host = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
    return of_host ? byte : '?';
}

// RFC 1035 section 4.1.2, without compression: there is nothing before a question to point at. Gives where it ends.
std::optional<std::size_t> read_name(std::string_view message, std::size_t at, std::string& name) {
    for (;;) {
        if (at >= message.size()) return std::nullopt;
        const std::size_t length = byte_at(message, at++);
        if (length == 0) return at;
        if (length > kLongestLabel || message.size() - at < length) return std::nullopt;
        if (!name.empty()) name += '.';
        std::string label = base::to_lower(std::string(message.substr(at, length)));
        std::transform(label.begin(), label.end(), label.begin(), shown);
        name += label;
        if (name.size() > kLongestName) return std::nullopt;
        at += length;
    }
}

// An OPT record (RFC 6891 section 6.1.2) stands first of the additional ones, as no query has others before it.
bool has_options(std::string_view message, std::size_t after_question) {
    const bool alone = number_at(message, 6) == 0 && number_at(message, 8) == 0 && number_at(message, 10) > 0;
    return alone && message.size() - after_question >= kOptionRecordSize && message[after_question] == '\0' &&
           number_at(message, after_question + 1) == kOptionType;
}

std::string record_of(const IpAddress& address) {
    const std::size_t size = address.is_v4() ? 4 : 16;
    std::string record;
    append_number(record, kPointerToQuestion);
    append_number(record, address.is_v4() ? DnsQuestion::kA : DnsQuestion::kAaaa);
    append_number(record, DnsQuestion::kInternet);
    append_number(record, kTimeToLive >> 16);
    append_number(record, kTimeToLive & 0xffff);
    append_number(record, static_cast<std::uint16_t>(size));
    record.append(reinterpret_cast<const char*>(address.bytes().data()), size);
    return record;
}

}  // namespace

Result<DnsQuery> parse_dns_query(std::string_view message) {
    if (message.size() < kHeaderSize) return base::fail(ErrorCode::protocol, "no DNS message: it is shorter than a header");
    if ((byte_at(message, 2) & kResponse) != 0) return base::fail(ErrorCode::protocol, "a DNS answer where a question was expected");
    DnsQuery query;
    query.header_and_question = message.substr(0, kHeaderSize);
    if ((byte_at(message, 2) & kOpcodeMask) != 0) {
        query.fault = DnsCode::not_implemented;
        return query;
    }
    const auto end = number_at(message, 4) == 1 ? read_name(message, kHeaderSize, query.question.name) : std::nullopt;
    if (!end || message.size() - *end < 4) {
        query.fault = DnsCode::format_error;
        query.question = {};  // no part of a name is one
        return query;
    }
    query.question.type = number_at(message, *end);
    query.question.kind = number_at(message, *end + 2);
    query.header_and_question = message.substr(0, *end + 4);
    query.edns = has_options(message, *end + 4);
    return query;
}

std::string dns_answer(const DnsQuery& query, DnsCode code, const std::vector<IpAddress>& addresses) {
    std::string answer = query.header_and_question;
    std::string records;
    std::uint16_t count = 0;
    const bool answered = code == DnsCode::no_error && query.question.kind == DnsQuestion::kInternet;
    for (const auto& address : addresses) {
        if (!answered || query.question.type != (address.is_v4() ? DnsQuestion::kA : DnsQuestion::kAaaa)) continue;
        records += record_of(address);
        ++count;
    }
    const bool question = answer.size() > kHeaderSize;
    const unsigned kept = byte_at(answer, 2) & (kOpcodeMask | kRecursionDesired);
    answer[2] = static_cast<char>(kResponse | kAuthoritative | kept);
    answer[3] = static_cast<char>(kRecursionAvailable | static_cast<unsigned>(code));
    std::string counts;
    append_number(counts, question ? 1 : 0);
    append_number(counts, count);
    append_number(counts, 0);
    append_number(counts, query.edns ? 1 : 0);
    answer.replace(4, counts.size(), counts);
    answer += records;
    if (query.edns) {
        answer += '\0';
        append_number(answer, kOptionType);
        append_number(answer, kOurDatagramSize);
        answer.append(6, '\0');  // no extended code, version 0, no flags, no options
    }
    return answer;
}

}  // namespace claviger::net
