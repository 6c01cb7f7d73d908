#include "proxy/answer_guard.hpp"

#include "base/text.hpp"

namespace claviger::proxy {

namespace {

// gRPC codes its messages itself, each with or without (its specification of HTTP/2, "Compression").
constexpr std::string_view kMessageCoding = "grpc-encoding", kMessageCodings = "grpc-accept-encoding";

std::optional<std::string> unknown_coding(const http::ResponseHead& answer) {
    if (const auto messages = answer.fields.find(kMessageCoding); messages && *messages != "identity") return std::string(*messages);
    auto coding = http::content_coding(answer.fields);
    // A part of a coded body cannot be decoded (RFC 9110 section 14.4: ranges are of the coded bytes).
    if (coding.empty() || (http::ContentDecoder::knows(coding) && answer.status != 206)) return std::nullopt;
    return coding;
}

}  // namespace

void ask_uncoded(http::Fields& request) {
    request.set("Accept-Encoding", "identity");
    request.remove(kMessageCodings);
}

std::optional<Problem> coding_problem(const http::ResponseHead& answer) {
    const bool has_body = answer.framing.kind != http::BodyFraming::Kind::none;
    const auto coding = has_body ? unknown_coding(answer) : std::nullopt;
    if (!coding) return std::nullopt;
    return Problem{502, "coded_answer",
                   "the answer is coded (" + base::printable(*coding, 40) + ") although it was asked for uncoded, so nobody can see whether it shows the credential",
                   ""};
}

Problem reflected_credential() {
    return Problem{502, "reflected_credential", "the service answered with the credential that it was given, and such answers are stopped here (run.reflection)", ""};
}

std::unique_ptr<http::ContentDecoder> take_coding_off(http::ResponseHead& answer) {
    const auto coding = http::content_coding(answer.fields);
    if (coding.empty()) return nullptr;
    // What tells of the coded body.
    for (const auto* name : {"Content-Encoding", "Content-Length", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest", "Accept-Ranges"}) answer.fields.remove(name);
    const auto tag = answer.fields.find("ETag");
    if (tag && tag->starts_with('"')) answer.fields.set("ETag", "W/" + std::string(*tag));
    if (answer.framing.kind == http::BodyFraming::Kind::none) return nullptr;
    answer.framing = {http::BodyFraming::Kind::chunked, 0};
    return std::make_unique<http::ContentDecoder>(coding);
}

std::uint64_t guard_fields(http::Fields& fields, const Credential& credential) {
    credential.injection.withhold_cookies(fields);
    if (!credential.reflections) return 0;
    std::uint64_t found = 0;
    for (auto& field : fields.items()) {
        found += credential.reflections->mask(field.name);
        found += credential.reflections->mask(field.value);
    }
    return found;
}

std::uint64_t guard_head(http::ResponseHead& answer, const Credential& credential) {
    const auto in_reason = credential.reflections ? credential.reflections->mask(answer.reason) : 0;
    return in_reason + guard_fields(answer.fields, credential);
}

}  // namespace claviger::proxy
