#include "provider/read.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

#include "base/text.hpp"
#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/afps_v2.hpp"
#include "provider/dialects/archive.hpp"
#include "provider/dialects/flat.hpp"
#include "provider/dialects/native.hpp"
#include "provider/dialects/package.hpp"
#include "provider/validate.hpp"

namespace claviger::provider {
namespace {

// The native members come first: a file that says "auth_type" is native whatever else it holds.
std::string detect(const json::Object& root) {
    if (json::find(root, "auth_type") || json::find(root, "flow")) return "native";
    const auto type = json::string_at(root, "type");
    if (json::find(root, "auths") || type == "integration" || type == "mcp-server") return "afps-v2";
    if (const auto version = json::string_at(root, "schema_version"); version && version->starts_with("2.")) return "afps-v2";
    if (json::find(root, "definition") || type == "provider") return "afps-v1";
    if (json::find(root, "authMode")) return "flat";
    return "native";
}

DialectRead read_dialect(const std::string& dialect, const json::Document& document) {
    if (dialect == "afps-v1") return read_afps_v1(document);
    if (dialect == "afps-v2") return read_afps_v2(document);
    if (dialect == "flat") return read_flat(document);
    return read_native(document);
}

ReadResult refused(std::string code, std::string message, json::Position place = {}) {
    ReadResult result;
    result.findings.push_back({Severity::error, std::move(code), "", place, std::move(message)});
    return result;
}

// The parser's message begins with the place; a finding carries it apart.
ReadResult bad_json(const std::string& message) {
    unsigned line = 0, column = 0;
    int used = 0;
    if (std::sscanf(message.c_str(), "line %9u, column %9u: %n", &line, &column, &used) == 2 && used > 0) {
        return refused("bad_json", message.substr(static_cast<std::size_t>(used)), {line, column});
    }
    return refused("bad_json", message);
}

// Insertion keeps the order of equals; libstdc++'s stable_sort warns under clang, and the list is short.
void sort_by_place(std::vector<Finding>& findings) {
    const auto before = [](const Finding& a, const Finding& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    };
    for (auto at = findings.begin(); at != findings.end(); ++at) {
        std::rotate(std::upper_bound(findings.begin(), at, *at, before), at, at + 1);
    }
}

// What the dialect could not read is absent in the model: a "required" of the validator would only repeat it. When the
// kind itself was not read, what a kind requires says nothing.
bool repeats(const Finding& finding, const std::vector<Finding>& earlier, const PointerMap& pointers) {
    const std::string type = pointers.to_source("/auth_type"), flow = pointers.to_source("/flow");
    const bool of_kind = finding.code == "required" || finding.code == "flow_mismatch" || finding.code == "nothing_injected";
    return std::any_of(earlier.begin(), earlier.end(), [&](const Finding& other) {
        if (other.severity != Severity::error) return false;
        if (of_kind && (other.pointer == type || other.pointer == flow)) return true;
        return other.pointer == finding.pointer && (other.code == finding.code || finding.code == "required");
    });
}

// What kind of thing the file wants to be, for lists that show it also when it does not read.
void read_kind_alone(const json::Value& root, ReadResult& result) {
    for (const std::string_view pointer : {"/auth_type", "/definition/authMode", "/authMode"}) {
        const json::Value* found = json::at_pointer(root, pointer);
        if (found && found->is_string()) result.auth_type = auth_type_from(std::string_view(found->get_string()));
        if (result.auth_type) break;
    }
    const json::Value* flow = json::at_pointer(root, "/flow");
    if (flow && flow->is_string()) result.flow = flow_from(std::string_view(flow->get_string()));
}

ReadResult read_text(std::string_view text, const ReadOptions& options) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // written by some editors
    json::ParseOptions parse_options;
    parse_options.comments = true;
    parse_options.refuse_duplicate_keys = false;  // reported below, with whatever else is wrong
    const auto document = json::Document::parse(text, parse_options);
    if (!document) return bad_json(document.error().message);
    const json::Object* root = document->root().if_object();
    if (!root) return refused("wrong_type", "must be an object; write { ... }", document->position(""));

    ReadResult result;
    result.dialect = detect(*root);
    read_kind_alone(document->root(), result);
    DialectRead read = read_dialect(result.dialect, *document);
    result.findings = std::move(read.findings);
    const std::size_t from_dialect = result.findings.size();
    for (std::size_t i = 0; i < read.definitions.size(); ++i) {
        read.definitions[i].dialect = result.dialect;
        const PointerMap& pointers = i < read.pointers.size() ? read.pointers[i] : PointerMap{};
        const std::vector<Finding> known(result.findings.begin(),
                                         result.findings.begin() + static_cast<std::ptrdiff_t>(from_dialect));
        for (Finding& finding : validate(read.definitions[i], pointers, options)) {
            if (repeats(finding, known, pointers)) continue;
            finding.place = document->position(finding.pointer);
            result.findings.push_back(std::move(finding));
        }
    }
    for (const auto& repeated : document->repeated()) {
        result.findings.push_back({Severity::error, "duplicate_key", repeated.pointer, repeated.place, "is there twice; keep one of them"});
    }
    if (options.bundled) {
        for (Finding& finding : result.findings) finding.severity = Severity::error;
    }
    sort_by_place(result.findings);
    if (result.ok()) result.definitions = std::move(read.definitions);
    return result;
}

}  // namespace

bool ReadResult::ok() const {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.severity == Severity::error; });
}

ReadResult read_definition(std::string_view bytes, const ReadOptions& options) {
    if (!looks_like_archive(bytes)) return read_text(bytes, options);
    const auto package = read_archive(bytes);
    if (!package) return refused("bad_archive", package.error().describe());
    const auto manifest = manifest_of(*package);
    if (!manifest) return refused("bad_archive", manifest.error().describe());
    return read_text(*manifest, options);
}

std::string format_findings(const std::vector<Finding>& findings, std::string_view file_name) {
    std::string text;
    for (const Finding& finding : findings) {
        if (!file_name.empty()) text += base::printable(file_name) + ": ";
        text += finding.severity == Severity::error ? "error: " : "warning: ";
        if (!finding.pointer.empty()) text += base::printable(finding.pointer) + " ";
        if (finding.place.line > 0) {
            text += fmt::format("(line {}, column {}) ", finding.place.line, finding.place.column);
        }
        if (text.ends_with(' ') && (!finding.pointer.empty() || finding.place.line > 0)) text.replace(text.size() - 1, 1, ": ");
        text += base::printable(finding.message, 400) + " [" + finding.code + "]\n";
    }
    return text;
}

}  // namespace claviger::provider
