#include "inject/sign_sigv4.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "inject/request_edit.hpp"

namespace claviger::inject {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
constexpr std::string_view kContentHash = "X-Amz-Content-Sha256";

// Of a URL that the caller signed for itself.
const std::vector<std::string_view> kQueryNames{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                                                "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"};

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

void append_encoded(char c, std::string& out) { out += fmt::format("%{:02X}", static_cast<unsigned char>(c)); }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What is on the wire with each byte in its one spelling; `kept` stands as it is beside the unreserved ones.
std::string spelled_once(std::string_view wire, std::string_view kept) {
    std::string out;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (wire[i] == '%' && i + 2 < wire.size() && hex_digit(wire[i + 1]) >= 0 && hex_digit(wire[i + 2]) >= 0) {
            const char byte = static_cast<char>(hex_digit(wire[i + 1]) * 16 + hex_digit(wire[i + 2]));
            if (is_unreserved(byte)) out += byte;
            else append_encoded(byte, out);
            i += 2;
        } else if (is_unreserved(wire[i]) || kept.find(wire[i]) != std::string_view::npos) {
            out += wire[i];
        } else {
            append_encoded(wire[i], out);
        }
    }
    return out;
}

// The path encoded once more, without empty segments; of an object store as it is, since keys may hold anything.
std::string canonical_path(std::string_view path, bool object_store) {
    if (object_store) return spelled_once(path, "/");
    std::string out;
    for (const char c : path) {
        if (c == '/' && out.ends_with('/')) continue;
        if (c == '/' || is_unreserved(c)) out += c;
        else append_encoded(c, out);
    }
    return out;
}

std::string canonical_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& piece : base::split(query, '&')) {
        if (piece.empty()) continue;
        const auto equals = std::min(piece.find('='), piece.size());
        const auto value = std::string_view(piece).substr(std::min(equals + 1, piece.size()));
        pairs.emplace_back(spelled_once(std::string_view(piece).substr(0, equals), ""), spelled_once(value, ""));
    }
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& [name, value] : pairs) out += (out.empty() ? "" : "&") + name + "=" + value;
    return out;
}

// Without the blanks that servers do not count.
std::string canonical_value(std::string_view value) {
    std::string out;
    for (const char c : base::trim(value)) {
        if (c == ' ' && out.ends_with(' ')) continue;
        out += c;
    }
    return out;
}

std::map<std::string, std::string> signed_fields(const http::Fields& fields, const net::Url& url) {
    std::map<std::string, std::string> found{{"host", url.authority()}};
    for (const auto& field : fields.items()) {
        const auto name = base::to_lower(field.name);
        if (!name.starts_with("x-amz-") && name != "content-type" && name != "content-md5") continue;
        const auto [at, first] = found.emplace(name, canonical_value(field.value));
        if (!first) at->second += "," + canonical_value(field.value);
    }
    return found;
}

std::string names_of(const std::map<std::string, std::string>& fields) {
    std::string names;
    for (const auto& [name, value] : fields) names += (names.empty() ? "" : ";") + name;
    return names;
}

bool has_body(const http::RequestHead& request) {
    return request.framing.kind == http::BodyFraming::Kind::chunked ||
           (request.framing.kind == http::BodyFraming::Kind::length && request.framing.length > 0);
}

// What the caller says of its body, as far as a server checks it.
std::string declared_hash(const http::RequestHead& request) {
    const auto values = request.fields.all(kContentHash);
    return values.size() == 1 ? std::string(values.front()) : std::string();
}

bool is_hash(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Over TLS the body is protected on its way.
bool may_be_unsigned(const net::Url& url, bool object_store) { return object_store && url.scheme() == "https"; }

bool goes_unsigned(const http::RequestHead& request) {
    return request.framing.kind == http::BodyFraming::Kind::chunked || request.framing.length > kCoveredBody;
}

// "2015-08-30T12:36:00Z" as "20150830T123600Z".
std::string basic_time(base::Instant now) {
    std::string text = base::to_rfc3339(now);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

std::string signature_of(const base::Secret& secret_key, std::string_view scope, std::string_view text) {
    base::WipedString key("AWS4");
    key.append(secret_key.reveal());
    for (const auto& part : base::split(scope, '/')) {
        auto next = crypto::hmac_sha256(key, part);
        key = base::WipedString(next);
        base::wipe(next.data(), next.size());
    }
    return base::hex_encode(crypto::hmac_sha256(key, text));
}

// '+' is a blank to some servers and itself to others: written in the one way that all read alike.
void unmistakable_blanks(std::string& target) {
    const auto mark = target.find('?');
    if (mark == std::string::npos) return;
    for (auto plus = target.find('+', mark); plus != std::string::npos; plus = target.find('+', plus)) target.replace(plus, 1, "%20");
}

}  // namespace

Result<SigV4Signature> SigV4Signature::make(const provider::ProviderDefinition& definition, const CredentialFields& fields) {
    const auto rule = definition.inject.aws_sigv4.value_or(provider::AwsSigV4());
    SigV4Signature signature;
    TRY(id, fields.render(rule.access_key_id));
    signature.access_key_id_ = std::string(id.reveal());
    TRY(key, fields.render(rule.secret_access_key));
    signature.secret_key_ = std::move(key);
    if (!fields.left_empty(rule.session_token)) {
        auto token = fields.render(rule.session_token);
        if (token) signature.session_token_ = std::move(*token);
        // By default a field of that name is used where the form has one.
        else if (rule.session_token != provider::AwsSigV4().session_token) return base::fail(std::move(token).error());
    }
    for (const auto& place : rule.places) {
        Place made;
        if (!place.host.empty()) made.labels = base::split(base::to_lower(place.host), '.');
        TRY(region, fields.render(place.region));
        TRY(service, fields.render(place.service));
        made.region = std::string(region.reveal());
        made.service = std::string(service.reveal());
        made.object_store = place.object_store;
        signature.places_.push_back(std::move(made));
    }
    for (const std::string_view text : {std::string_view(signature.access_key_id_), signature.session_token_.reveal()}) {
        if (!http::valid_field_value(text)) return base::fail(ErrorCode::invalid_input, "the access key id or session token holds a character that no header may hold");
    }
    return signature;
}

std::optional<SigV4Signature::Scope> SigV4Signature::fit(const Place& place, const std::vector<std::string>& host) {
    Scope scope{place.region, place.service, place.object_store};
    if (!place.labels.empty() && place.labels.size() != host.size()) return std::nullopt;
    for (std::size_t i = 0; i < place.labels.size(); ++i) {
        if (place.labels[i] == "{region}") scope.region = host[i];
        else if (place.labels[i] == "{service}") scope.service = host[i];
        else if (place.labels[i] != "*" && place.labels[i] != host[i]) return std::nullopt;
    }
    return scope;
}

std::optional<SigV4Signature::Scope> SigV4Signature::scope_of(const net::Url& url) const {
    const auto host = base::split(url.host(), '.');
    for (const auto& place : places_) {
        if (auto scope = fit(place, host)) return scope;
    }
    return std::nullopt;
}

bool SigV4Signature::covers_body(const http::RequestHead& request, const net::Url& url) const {
    const auto scope = scope_of(url);
    if (!scope || !has_body(request)) return false;
    const auto declared = declared_hash(request);
    if (is_hash(declared)) return false;
    if (!may_be_unsigned(url, scope->object_store)) return true;
    return declared != kUnsigned && declared != kUnsignedTrailer && !goes_unsigned(request);
}

void SigV4Signature::remove_callers(http::Fields& fields) {
    for (const std::string_view name : {std::string_view("Authorization"), std::string_view("X-Amz-Date"), std::string_view("X-Amz-Security-Token"), kContentHash}) {
        remove_field(fields, name);
    }
}

Result<void> SigV4Signature::apply(http::RequestHead& request, const net::Url& url, const Occasion& occasion) const {
    const auto scope = scope_of(url);
    if (!scope || scope->region.empty() || scope->service.empty()) {
        return base::fail(ErrorCode::denied, "the definition does not say which region and service " + url.host() + " is", "add it to inject.aws_sigv4.places");
    }
    if (!request.target.starts_with('/')) return base::fail(ErrorCode::denied, "a request without a path cannot be signed");
    const auto declared = declared_hash(request);
    const bool unsigned_fits = may_be_unsigned(url, scope->object_store);
    std::string hash = crypto::sha256_hex(occasion.body);
    if (is_hash(declared) || (unsigned_fits && (declared == kUnsigned || declared == kUnsignedTrailer))) {
        hash = declared;
    } else if (declared.starts_with("STREAMING-")) {
        return base::fail(ErrorCode::unsupported, "the pieces of this request's body are signed with keys of the caller",
                          "let the client send the body without signed pieces");
    } else if (has_body(request) && unsigned_fits && goes_unsigned(request)) {
        hash = kUnsigned;
    }
    remove_parameters(request.target, kQueryNames);
    remove_callers(request.fields);
    unmistakable_blanks(request.target);
    const std::string time = basic_time(occasion.now);
    request.fields.add("X-Amz-Date", time);
    if (!session_token_.empty()) request.fields.add("X-Amz-Security-Token", session_token_.reveal());
    if (scope->object_store || !declared.empty()) request.fields.add(kContentHash, hash);

    const auto mark = std::min(request.target.find('?'), request.target.size());
    const auto path = std::string_view(request.target).substr(0, mark);
    const auto query = std::string_view(request.target).substr(std::min(mark + 1, request.target.size()));
    const auto fields = signed_fields(request.fields, url);
    std::string lines;
    for (const auto& [name, value] : fields) lines += name + ":" + value + "\n";
    const std::string names = names_of(fields);
    std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(path, scope->object_store), canonical_query(query), lines, names, hash);
    const std::string credential_scope = fmt::format("{}/{}/{}/aws4_request", time.substr(0, 8), scope->region, scope->service);
    const std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, credential_scope, crypto::sha256_hex(canonical));
    base::wipe(canonical.data(), canonical.size());  // it holds the session token
    base::wipe(lines.data(), lines.size());
    request.fields.add("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, access_key_id_, credential_scope, names,
                                                    signature_of(secret_key_, credential_scope, text)));
    return {};
}

}  // namespace claviger::inject
