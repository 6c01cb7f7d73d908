// The stored form of a transcript, docs/formats/transcript.md.
#include <algorithm>
#include <array>

#include "json/parse.hpp"
#include "oauth/transcript.hpp"

namespace claviger::oauth {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::array<std::pair<Step::Kind, std::string_view>, 12> kKinds{{{Step::Kind::metadata, "metadata"},
                                                                          {Step::Kind::registration, "registration"},
                                                                          {Step::Kind::authorization, "authorization"},
                                                                          {Step::Kind::pushed_authorization, "pushed_authorization"},
                                                                          {Step::Kind::device_authorization, "device_authorization"},
                                                                          {Step::Kind::token, "token"},
                                                                          {Step::Kind::temporary_credentials, "temporary_credentials"},
                                                                          {Step::Kind::token_credentials, "token_credentials"},
                                                                          {Step::Kind::keys, "keys"},
                                                                          {Step::Kind::userinfo, "userinfo"},
                                                                          {Step::Kind::revocation, "revocation"},
                                                                          {Step::Kind::other, "other"}}};

json::Array outlines_json(const std::vector<Outline>& outlines) {
    json::Array list;
    for (const auto& outline : outlines) {
        json::Object item{{"name", outline.name}};
        if (outline.hidden) item["hidden"] = true;
        else item["value"] = outline.value;
        item["size"] = outline.size;
        list.emplace_back(std::move(item));
    }
    return list;
}

std::string text_at(const json::Object& object, std::string_view key) { return std::string(json::string_at(object, key).value_or("")); }

std::vector<Outline> outlines_from(const json::Object& step, std::string_view key) {
    std::vector<Outline> outlines;
    const auto* list = json::array_at(step, key);
    if (list == nullptr) return outlines;
    for (const auto& item : *list) {
        const auto* object = item.if_object();
        if (object == nullptr) continue;
        outlines.push_back({text_at(*object, "name"), text_at(*object, "value"), json::bool_at(*object, "hidden").value_or(false),
                            static_cast<std::size_t>(std::max<std::int64_t>(0, json::int_at(*object, "size").value_or(0)))});
    }
    return outlines;
}

json::Object step_json(const Step& step) {
    json::Object sent{{"method", step.method}, {"url", step.url}, {"query", outlines_json(step.query)}};
    if (step.kind != Step::Kind::authorization) {
        sent["fields"] = outlines_json(step.fields);
        sent["type"] = step.body_type;
        sent["body"] = outlines_json(step.body);
    }
    json::Object object{{"kind", to_string(step.kind)}, {"sent", std::move(sent)}};
    if (step.times > 1) object["times"] = step.times;
    if (step.answered) {
        json::Object answer{{"body", outlines_json(step.answer)}};
        if (step.status != 0) {
            answer["status"] = step.status;
            answer["fields"] = outlines_json(step.answer_fields);
            answer["type"] = step.answer_type;
            answer["size"] = step.answer_size;
        }
        if (step.clock_difference) answer["clock_difference"] = *step.clock_difference;
        object["answer"] = std::move(answer);
    } else {
        object["answer"] = nullptr;
    }
    if (!step.failure_code.empty()) object["failure"] = json::Object{{"code", step.failure_code}, {"message", step.failure}};
    return object;
}

Step step_from(const json::Object& object) {
    Step step;
    for (const auto& [kind, name] : kKinds) {
        if (name == text_at(object, "kind")) step.kind = kind;
    }
    step.times = static_cast<int>(std::clamp<std::int64_t>(json::int_at(object, "times").value_or(1), 1, 1'000'000));
    if (const auto* sent = json::object_at(object, "sent")) {
        step.method = text_at(*sent, "method");
        step.url = text_at(*sent, "url");
        step.query = outlines_from(*sent, "query");
        step.fields = outlines_from(*sent, "fields");
        step.body_type = text_at(*sent, "type");
        step.body = outlines_from(*sent, "body");
    }
    if (const auto* answer = json::object_at(object, "answer")) {
        step.answered = true;
        step.status = static_cast<int>(json::int_at(*answer, "status").value_or(0));
        step.answer_fields = outlines_from(*answer, "fields");
        step.answer_type = text_at(*answer, "type");
        step.answer_size = static_cast<std::size_t>(std::max<std::int64_t>(0, json::int_at(*answer, "size").value_or(0)));
        step.answer = outlines_from(*answer, "body");
        step.clock_difference = json::int_at(*answer, "clock_difference");
    }
    if (const auto* failure = json::object_at(object, "failure")) {
        step.failure_code = text_at(*failure, "code");
        step.failure = text_at(*failure, "message");
    }
    return step;
}

}  // namespace

std::string_view to_string(Step::Kind kind) {
    for (const auto& [value, name] : kKinds) {
        if (value == kind) return name;
    }
    return "other";
}

json::Value to_json(const Transcript& transcript) {
    json::Array steps;
    for (const auto& step : transcript.steps) steps.emplace_back(step_json(step));
    return json::Object{{"format", kFormat},
                        {"provider", transcript.provider},
                        {"connection", transcript.connection},
                        {"flow", transcript.flow},
                        {"at", base::to_rfc3339(transcript.at)},
                        {"redirect_uri", transcript.redirect_uri},
                        {"client_authentication", transcript.client_authentication},
                        {"pkce", transcript.pkce},
                        {"error", json::Object{{"code", transcript.error_code}, {"message", transcript.error}}},
                        {"steps", std::move(steps)}};
}

base::Result<Transcript> transcript_from_json(std::string_view text) {
    TRY(value, json::parse(text));
    const auto* object = value.if_object();
    if (object == nullptr) return base::fail(base::ErrorCode::invalid_input, "not a transcript");
    if (json::int_at(*object, "format") != kFormat) return base::fail(base::ErrorCode::unsupported, "the transcript is of another version of claviger");
    Transcript transcript;
    transcript.provider = text_at(*object, "provider");
    transcript.connection = text_at(*object, "connection");
    transcript.flow = text_at(*object, "flow");
    transcript.redirect_uri = text_at(*object, "redirect_uri");
    transcript.client_authentication = text_at(*object, "client_authentication");
    transcript.pkce = json::bool_at(*object, "pkce").value_or(true);
    if (const auto at = base::from_rfc3339(text_at(*object, "at"))) transcript.at = *at;
    if (const auto* error = json::object_at(*object, "error")) {
        transcript.error_code = text_at(*error, "code");
        transcript.error = text_at(*error, "message");
    }
    if (const auto* steps = json::array_at(*object, "steps")) {
        for (const auto& step : *steps) {
            if (step.is_object()) transcript.steps.push_back(step_from(step.get_object()));
        }
    }
    return transcript;
}

}  // namespace claviger::oauth
