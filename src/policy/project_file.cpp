#include "policy/project_file.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.hpp"
#include "policy/session_rules.hpp"

namespace claviger::policy {
namespace {

using provider::Finding;
using provider::Severity;

constexpr std::size_t kMostFindings = 100;

class ProjectReader {
public:
    explicit ProjectReader(const json::Document& document) : document_(document) {}

    ProjectRead read() {
        const auto* root = document_.root().if_object();
        if (root == nullptr) {
            wrong("", "wrong_type", "must be an object; write { ... }");
            return std::move(out_);
        }
        check_keys(*root, "", {"$schema", "use", "only", "unmatched", "read_only", "rules", "methods", "rate", "for"});
        read_use(*root);
        out_.file.only = flag(*root, "only");
        if (out_.file.only && out_.file.use.empty()) wrong("/only", "required", "serves nothing but what \"use\" names, and that names nothing");
        if (const auto word = text(*root, "", "unmatched")) {
            if (*word == "allow" || *word == "deny") out_.file.unmatched_allowed = *word == "allow";
            else wrong("/unmatched", "bad_value", "must be \"allow\" or \"deny\"" + meant(*word, {"allow", "deny"}));
        }
        read_rules(*root);
        if (flag(*root, "read_only")) out_.file.rules.push_back(read_only_rule(std::string(kProjectFileName) + ": read_only"));
        for (const auto& [at, one] : texts(*root, "", "methods")) {
            if (auto added = out_.file.methods.add(one); !added) wrong(at, added.error());
        }
        if (const auto rate = text(*root, "", "rate")) take("/rate", Rate::parse(*rate), out_.file.rate);
        if (const auto time = text(*root, "", "for")) take("/for", parse_duration(*time), out_.file.lasting);
        for (const auto& repeated : document_.repeated()) {
            out_.findings.push_back({Severity::error, "duplicate_key", repeated.pointer, repeated.place, "is there twice; keep one of them"});
        }
        sort();
        return std::move(out_);
    }

private:
    void wrong(const std::string& pointer, std::string code, std::string message) {
        if (out_.findings.size() >= kMostFindings) return;
        out_.findings.push_back({Severity::error, std::move(code), pointer, document_.position(pointer), std::move(message)});
    }

    void wrong(const std::string& pointer, const base::Error& error) {
        wrong(pointer, "bad_value", error.message + (error.hint.empty() ? "" : "; " + error.hint));
    }

    template <class T>
    void take(const std::string& pointer, base::Result<T> value, std::optional<T>& into) {
        if (value) into = std::move(*value);
        else wrong(pointer, value.error());
    }

    static std::string meant(std::string_view word, const std::vector<std::string_view>& known) {
        const auto near = base::did_you_mean(word, known);
        return near ? "; did you mean \"" + *near + "\"?" : "";
    }

    void check_keys(const json::Object& object, const std::string& pointer, const std::vector<std::string_view>& known) {
        for (const auto& member : object) {
            const std::string_view key = member.key();
            if (std::find(known.begin(), known.end(), key) != known.end()) continue;
            auto hint = meant(key, known);
            if (hint.empty()) hint = "; known are " + base::join({known.begin(), known.end()}, ", ");
            wrong(json::pointer_append(pointer, key), "unknown_key", "is not known here" + hint);
        }
    }

    std::optional<std::string> text(const json::Object& object, const std::string& pointer, std::string_view key) {
        const auto* value = json::find(object, key);
        if (value == nullptr || value->is_null()) return std::nullopt;
        if (value->is_string()) return std::string(value->get_string());
        wrong(json::pointer_append(pointer, key), "wrong_type", "must be a string");
        return std::nullopt;
    }

    bool flag(const json::Object& object, std::string_view key) {
        const auto* value = json::find(object, key);
        if (value == nullptr || value->is_null()) return false;
        if (value->is_bool()) return value->get_bool();
        wrong(json::pointer_append("", key), "wrong_type", "must be true or false");
        return false;
    }

    // A string or a list of strings, each with its pointer.
    std::vector<std::pair<std::string, std::string>> texts(const json::Object& object, const std::string& pointer, std::string_view key) {
        std::vector<std::pair<std::string, std::string>> found;
        const auto* value = json::find(object, key);
        const auto here = json::pointer_append(pointer, key);
        if (value == nullptr || value->is_null()) return found;
        if (value->is_string()) return {{here, std::string(value->get_string())}};
        const auto* list = value->if_array();
        if (list == nullptr || list->empty()) {
            wrong(here, "wrong_type", "must be a string or a list of strings that is not empty");
            return found;
        }
        for (std::size_t i = 0; i < list->size(); ++i) {
            const auto at = json::pointer_append(here, i);
            if ((*list)[i].is_string()) found.emplace_back(at, std::string((*list)[i].get_string()));
            else wrong(at, "wrong_type", "must be a string");
        }
        return found;
    }

    void read_use(const json::Object& root) {
        const auto* value = json::find(root, "use");
        if (value == nullptr || value->is_null()) return;
        const auto* object = value->if_object();
        if (object == nullptr) return wrong("/use", "wrong_type", "must be an object of provider and connection: {\"acme\": \"work\"}");
        for (const auto& member : *object) {
            const auto at = json::pointer_append("/use", member.key());
            if (!base::valid_name(member.key())) wrong(at, "bad_value", "is no name of a provider");
            else if (!member.value().is_string() || !base::valid_name(member.value().get_string())) wrong(at, "bad_value", "must be the name of a connection, for instance \"default\"");
            else out_.file.use.emplace(std::string(member.key()), std::string(member.value().get_string()));
        }
    }

    void read_rules(const json::Object& root) {
        const auto* value = json::find(root, "rules");
        if (value == nullptr || value->is_null()) return;
        const auto* list = value->if_array();
        if (list == nullptr) return wrong("/rules", "wrong_type", "must be a list of rules: [{\"action\": \"deny\", \"methods\": \"DELETE\"}]");
        if (list->size() > kMostProjectRules) return wrong("/rules", "too_many", fmt::format("has more than {} rules", kMostProjectRules));
        for (std::size_t i = 0; i < list->size(); ++i) {
            const auto at = json::pointer_append("/rules", i);
            const auto* object = (*list)[i].if_object();
            if (object == nullptr) wrong(at, "wrong_type", "must be an object: {\"action\": \"deny\", \"methods\": \"DELETE\"}");
            else read_rule(*object, at, i + 1);
        }
    }

    void read_rule(const json::Object& object, const std::string& pointer, std::size_t number) {
        check_keys(object, pointer, {"action", "methods", "hosts", "paths", "connection", "comment"});
        Rule rule;
        const auto action = text(object, pointer, "action");
        if (!action) wrong(pointer, "required", "needs an \"action\": \"allow\", \"ask\" or \"deny\"");
        else if (*action == "allow" || *action == "ask" || *action == "deny") rule.action = *action == "allow" ? Action::allow : *action == "ask" ? Action::ask : Action::deny;
        else wrong(json::pointer_append(pointer, "action"), "bad_value", "must be \"allow\", \"ask\" or \"deny\"" + meant(*action, {"allow", "ask", "deny"}));

        std::vector<std::string> methods;
        for (auto& [at, one] : texts(object, pointer, "methods")) methods.push_back(std::move(one));
        if (!methods.empty()) {
            auto parsed = Methods::parse(base::join(methods, ","));
            if (parsed) rule.methods = std::move(*parsed);
            else wrong(json::pointer_append(pointer, "methods"), parsed.error());
        }
        for (const auto& [at, one] : texts(object, pointer, "hosts")) {
            auto host = RuleHost::parse(one);
            if (host) rule.hosts.push_back(std::move(*host));
            else wrong(at, host.error());
        }
        for (const auto& [at, one] : texts(object, pointer, "paths")) {
            auto path = PathPattern::parse(one);
            if (path) rule.paths.push_back(std::move(*path));
            else wrong(at, path.error());
        }
        read_connection(object, pointer, rule);
        rule.name = fmt::format("{}: rule {} ({} {})", kProjectFileName, number, to_string(rule.action), summary(rule));
        out_.file.rules.push_back(std::move(rule));
    }

    void read_connection(const json::Object& object, const std::string& pointer, Rule& rule) {
        const auto named = text(object, pointer, "connection");
        if (!named) return;
        const auto slash = std::min(named->find('/'), named->size());
        rule.provider = named->substr(0, slash);
        if (slash < named->size()) rule.connection = named->substr(slash + 1);
        const bool valid = base::valid_name(rule.provider) && (slash == named->size() || base::valid_name(rule.connection));
        if (!valid) wrong(json::pointer_append(pointer, "connection"), "bad_value", "must be a provider, or provider/connection: \"acme/work\"");
    }

    static std::string summary(const Rule& rule) {
        const bool more = rule.hosts.size() > 1 || rule.paths.size() > 1;
        return rule.text() + (more ? " and more" : "");
    }

    // Insertion keeps the order of equals, and the list is short.
    void sort() {
        const auto before = [](const Finding& a, const Finding& b) { return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column); };
        auto& findings = out_.findings;
        for (auto at = findings.begin(); at != findings.end(); ++at) std::rotate(std::upper_bound(findings.begin(), at, *at, before), at, at + 1);
    }

    const json::Document& document_;
    ProjectRead out_;
};

}  // namespace

ProjectRead read_project_file(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // written by some editors
    json::ParseOptions options;
    options.comments = true;
    options.refuse_duplicate_keys = false;  // reported with whatever else is wrong
    options.max_bytes = kMostProjectBytes;
    options.max_depth = 8;
    const auto document = json::Document::parse(text, options);
    if (document) return ProjectReader(*document).read();
    // The parser's message begins with the place; a finding carries it apart.
    ProjectRead out;
    const std::string& message = document.error().message;
    unsigned line = 0, column = 0;
    int used = 0;
    const bool placed = std::sscanf(message.c_str(), "line %9u, column %9u: %n", &line, &column, &used) == 2 && used > 0;
    out.findings.push_back({Severity::error, "bad_json", "", placed ? json::Position{line, column} : json::Position{}, placed ? message.substr(static_cast<std::size_t>(used)) : message});
    return out;
}

}  // namespace claviger::policy
