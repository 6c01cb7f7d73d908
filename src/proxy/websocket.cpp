#include "proxy/websocket.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kKeyBytes = 16;
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3

// The elements of all fields of this name, without parameters ("permessage-deflate; x=1" is "permessage-deflate").
std::vector<std::string> elements_of(const http::Fields& fields, std::string_view name) {
    std::vector<std::string> elements;
    for (const std::string_view list : fields.all(name)) {
        for (const auto& one : base::split(list, ',')) {
            const auto element = base::trim(std::string_view(one).substr(0, one.find(';')));
            if (!element.empty()) elements.emplace_back(element);
        }
    }
    return elements;
}

bool names(const http::Fields& fields, std::string_view field, std::string_view element) {
    const auto elements = elements_of(fields, field);
    return std::any_of(elements.begin(), elements.end(), [&](const std::string& one) { return base::equal_ignoring_case(one, element); });
}

bool upgrades(const http::Fields& fields) { return names(fields, "Connection", "Upgrade") && names(fields, "Upgrade", "websocket"); }

// The one value; null when the field is absent or repeated.
std::optional<std::string_view> only(const http::Fields& fields, std::string_view name) {
    const auto values = fields.all(name);
    if (values.size() != 1) return std::nullopt;
    return values.front();
}

// Case matters in names of subprotocols.
bool all_offered(const http::Fields& request, const http::Fields& answer, std::string_view name) {
    const auto offered = elements_of(request, name);
    const auto taken = elements_of(answer, name);
    return std::all_of(taken.begin(), taken.end(), [&](const std::string& one) { return std::find(offered.begin(), offered.end(), one) != offered.end(); });
}

}  // namespace

bool asks_for_websocket(const http::RequestHead& head) { return upgrades(head.fields); }

Result<void> check_websocket_request(const http::RequestHead& head) {
    if (head.method != "GET" || head.minor_version < 1) return base::fail(ErrorCode::protocol, "a WebSocket begins with a GET of HTTP/1.1");
    const bool bodiless = head.framing.kind == http::BodyFraming::Kind::none || (head.framing.kind == http::BodyFraming::Kind::length && head.framing.length == 0);
    if (!bodiless) return base::fail(ErrorCode::protocol, "a WebSocket's handshake has no body");
    const auto key = only(head.fields, "Sec-WebSocket-Key");
    const auto bytes = key ? base::base64_decode(*key) : std::nullopt;
    if (!bytes || bytes->size() != kKeyBytes) return base::fail(ErrorCode::protocol, "Sec-WebSocket-Key is no 16 bytes in base64");
    if (only(head.fields, "Sec-WebSocket-Version") != "13") return base::fail(ErrorCode::protocol, "only version 13 of WebSocket is spoken");
    return {};
}

void add_upgrade(http::Fields& fields) {
    fields.remove("TE");
    fields.set("Upgrade", "websocket");
    fields.set("Connection", "Upgrade");
}

Result<void> check_websocket_answer(const http::RequestHead& request, const http::ResponseHead& answer) {
    if (!upgrades(answer.fields)) return base::fail(ErrorCode::protocol, "the upstream server switched to something else than WebSocket");
    const auto key = only(request.fields, "Sec-WebSocket-Key").value_or("");
    const auto expected = base::base64_encode(crypto::sha1(std::string(key).append(kGuid)));
    if (only(answer.fields, "Sec-WebSocket-Accept") != expected) {
        return base::fail(ErrorCode::protocol, "the upstream server accepted another WebSocket than the one asked for");
    }
    const bool one_protocol = answer.fields.count("Sec-WebSocket-Protocol") <= 1 && elements_of(answer.fields, "Sec-WebSocket-Protocol").size() <= 1;
    if (!one_protocol || !all_offered(request.fields, answer.fields, "Sec-WebSocket-Protocol") ||
        !all_offered(request.fields, answer.fields, "Sec-WebSocket-Extensions")) {
        return base::fail(ErrorCode::protocol, "the upstream server chose a WebSocket protocol or extension that was not offered");
    }
    return {};
}

}  // namespace claviger::proxy
