// provider lint: the findings of `register`, and advice.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/commands/connection_json.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/registration.hpp"
#include "cli/counted.hpp"
#include "cli/exit_code.hpp"
#include "provider/advice.hpp"
#include "sys/files.hpp"

namespace claviger::cli {
namespace {

using base::Result;

struct Line {
    std::string severity, code, pointer;
    json::Position place;
    std::string message, hint;
};
struct Input { std::string shown, text; };

bool names_a_file(const std::string& word) {
    std::error_code error;
    return word == "-" || word.find('/') != std::string::npos || word.find(".json") != std::string::npos || word.ends_with(".afps") ||
           (!base::valid_name(word)) || (std::filesystem::exists(word, error) && !std::filesystem::is_directory(word, error));
}

// Of a custom provider the file itself, so that the places are right.
Result<Input> input_of(Context& context, const std::string& word) {
    if (names_a_file(word)) {
        TRY(text, read_definition_input(word));
        return Input{word == "-" ? "standard input" : word, std::move(text)};
    }
    for (const std::string_view ending : {".json", ".jsonc"}) {
        const auto file = context.home() / "providers" / (word + std::string(ending));
        std::error_code error;
        if (!std::filesystem::exists(file, error)) continue;
        TRY(text, read_definition_input(file.string()));
        return Input{file.string(), std::move(text)};
    }
    TRY(definition, context.registry().load(word));
    return Input{word, json::to_pretty_text(provider::to_native_json(definition))};
}

std::vector<Line> lines_of(const std::string& text, const provider::ReadResult& read) {
    std::vector<Line> lines;
    for (const auto& finding : read.findings)
        lines.push_back({finding.severity == provider::Severity::error ? "error" : "warning", finding.code, finding.pointer, finding.place, finding.message, ""});
    json::ParseOptions options;
    options.comments = true;
    options.refuse_duplicate_keys = false;
    const auto document = json::Document::parse(text, options);
    if (!document) return lines;  // an archive, or no JSON, which is among the findings
    const auto* definition = read.definitions.size() == 1 ? &read.definitions.front() : nullptr;
    for (auto& advice : provider::advise(document->root(), definition)) {
        const bool known = std::any_of(lines.begin(), lines.end(), [&](const Line& line) { return line.code == advice.code && line.pointer == advice.pointer; });
        if (!known) lines.push_back({advice.grave ? "error" : "advice", advice.code, advice.pointer, document->position(advice.pointer), advice.message, advice.hint});
    }
    return lines;
}

std::string in_words(const std::string& file, const Line& line) {
    std::string text = base::printable(file, 4096);
    if (line.place.line > 0) text += fmt::format(":{}:{}", line.place.line, line.place.column);
    text += ": " + line.severity + ": ";
    if (!line.pointer.empty()) text += base::printable(line.pointer) + " ";
    text += base::printable(line.message, 400);
    if (!line.hint.empty()) text += "; " + line.hint;
    return text + " [" + line.code + "]\n";
}

}  // namespace

Outcome provider_lint(Context& context, const Invocation& invocation) {
    TRY(input, input_of(context, invocation.argument(0)));
    const auto read = provider::read_definition(input.text);
    const auto lines = lines_of(input.text, read);
    const auto count = [&](std::string_view severity) { return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const Line& l) { return l.severity == severity; })); };
    const auto errors = count("error"), warnings = count("warning"), advice = count("advice");
    const bool bad = errors > 0 || (invocation.has("--strict") && !lines.empty());
    if (context.out().json()) {
        json::Array findings;
        for (const auto& line : lines) {
            findings.emplace_back(json::Object{{"severity", line.severity}, {"code", line.code}, {"pointer", line.pointer}, {"line", line.place.line},
                                               {"column", line.place.column}, {"message", line.message}, {"hint", string_or_null(line.hint)}});
        }
        context.out().document(json::Object{{"file", input.shown}, {"dialect", read.dialect}, {"ok", !bad}, {"errors", errors}, {"warnings", warnings},
                                            {"advice", advice}, {"findings", std::move(findings)}});
    } else {
        for (const auto& line : lines) context.out().data(in_words(input.shown, line));
        context.out().talk(lines.empty() ? base::printable(input.shown, 4096) + ": nothing to say against it"
                                         : counted(errors, "error") + ", " + counted(warnings, "warning") + ", " + counted(advice, "piece of advice", "pieces of advice"));
    }
    return bad ? kExitFault : 0;
}

}  // namespace claviger::cli
