#include "provider/dialects/extension.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "provider/dialects/afps_write.hpp"
#include "provider/dialects/native.hpp"

namespace claviger::provider::afps {
namespace {

// The blocks of the native form whose members are set one by one; whatever lies deeper is set as a whole.
constexpr std::array<std::string_view, 6> kBlocks{"oauth", "oauth1", "api_key", "credentials", "inject", "setup_guide"};

bool is_block(std::string_view key) { return std::find(kBlocks.begin(), kBlocks.end(), key) != kBlocks.end(); }

json::Object native_object(ProviderDefinition definition) {
    definition.unknown = {};
    definition.dialect = "native";
    return to_native_json(definition).get_object();
}

json::Object changes(const json::Object& from, const json::Object& to, bool top) {
    json::Object result;
    for (const auto& member : to) {
        const json::Value* old = json::find(from, member.key());
        if (old && *old == member.value()) continue;
        const bool inside = top && is_block(member.key()) && old && old->is_object() && member.value().is_object();
        result[member.key()] = inside ? json::Value(changes(old->get_object(), member.value().get_object(), false)) : member.value();
    }
    for (const auto& member : from)
        if (!json::find(to, member.key())) result[member.key()] = nullptr;
    return result;
}

void apply(json::Object& native, const json::Object& extension, bool top) {
    for (const auto& member : extension) {
        if (member.value().is_null()) {
            if (const auto at = native.find(member.key()); at != native.end()) native.stable_erase(at);
            continue;
        }
        json::Value& place = native[member.key()];
        if (top && is_block(member.key()) && place.is_object() && member.value().is_object())
            apply(place.get_object(), member.value().get_object(), false);
        else
            place = member.value();
    }
}

void point_at(PointerMap& pointers, const json::Object& extension, const std::string& native, const std::string& source, bool top) {
    for (const auto& member : extension) {
        const std::string from = json::pointer_append(native, member.key()), to = json::pointer_append(source, member.key());
        if (top && is_block(member.key()) && member.value().is_object())
            point_at(pointers, member.value().get_object(), from, to, false);
        else
            pointers.add(from, to);
    }
}

// As read_native() understands the merged text; nullopt with a finding when it does not.
std::optional<ProviderDefinition> read_merged(FindingList& findings, const json::Object& native, const std::string& pointer) {
    const auto document = json::Document::parse(json::to_text(native));
    if (!document) {
        findings.add(Severity::error, "wrong_type", pointer, "cannot be read; " + document.error().message);
        return std::nullopt;
    }
    DialectRead read = read_native(*document);
    for (const Finding& finding : read.findings)
        findings.add(Severity::error, finding.code, pointer + finding.pointer, finding.message);
    if (!read.findings.empty() || read.definitions.empty()) return std::nullopt;
    return std::move(read.definitions.front());
}

}  // namespace

json::Object extension_for(const ProviderDefinition& wanted, const ProviderDefinition& said) {
    return changes(native_object(said), native_object(wanted), true);
}

bool read_extension(FindingList& findings, FieldReader& root, ProviderDefinition& definition, PointerMap& pointers,
                    const SaidAlone& said_alone) {
    if (findings.has_errors() || !root.object(kExtensionKey)) return false;
    const json::Object& extension = root.value(kExtensionKey)->get_object();
    const std::string pointer = root.pointer_of(kExtensionKey);
    json::Object native = native_object(definition);
    apply(native, extension, true);
    auto merged = read_merged(findings, native, pointer);
    if (!merged) return false;
    merged->unknown = definition.unknown;
    merged->dialect = definition.dialect;
    const auto said = said_alone(*merged);
    const auto other = said ? differences(definition, *said) : std::vector<std::string>{""};
    for (const std::string& place : other)
        findings.add(Severity::error, "contradicts", pointer,
                     fmt::format("leads to another {} than the rest of the file says; write the definition again by "
                                 "'claviger inspect', or remove this member", place.empty() ? "definition" : place));
    if (!other.empty()) return false;
    definition = std::move(*merged);
    point_at(pointers, extension, "", pointer, true);
    return true;
}

void drop_settled_warnings(std::vector<Finding>& findings) {
    std::erase_if(findings, [](const Finding& finding) { return finding.code == "no_injection"; });
}

}  // namespace claviger::provider::afps
