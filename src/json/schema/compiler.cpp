#include "json/schema/compiler.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/schema/comparison.hpp"
#include "json/schema/keywords.hpp"

namespace claviger::json::schema {
namespace {

bool is_legacy(const Value& document) {
    const auto* object = document.if_object();
    const auto dialect = object == nullptr ? std::nullopt : string_at(*object, "$schema");
    if (!dialect) return false;
    for (const std::string_view draft : {"draft-04", "draft-06", "draft-07"}) {
        if (dialect->find(draft) != std::string_view::npos) return true;
    }
    return false;
}

using Group = base::Result<> (*)(const Source&);
// Order matters where one check reads what others marked: the unevaluated keywords come last.
constexpr Group kGroups[] = {
    compile_type,        compile_enum_and_const, compile_numbers,      compile_strings,
    compile_object_limits, compile_required,     compile_members,      compile_property_names,
    compile_dependencies, compile_array_limits,  compile_items,        compile_contains,
    compile_reference,   compile_combinations,   compile_condition,    compile_unevaluated_properties,
    compile_unevaluated_items,
};

}  // namespace

Compiler::Compiler(const Value& document, const SchemaOptions& options)
    : document_(document), options_(options), index_(is_legacy(document)) {}

base::Result<std::shared_ptr<const Node>> Compiler::run() {
    TRY_VOID(index_.add_document(document_));
    TRY(root, node(document_));
    // Also what nothing refers to, so that a mistake there is found. By index: the list may grow.
    for (std::size_t i = 0; i < index_.all().size(); ++i) TRY_VOID(node(*index_.all()[i]));
    compiled_.at(&document_)->tracks = tracks_;
    return std::shared_ptr<const Node>(nodes_, root);
}

base::Result<const Node*> Compiler::node(const Value& subschema) {
    const auto known = compiled_.find(&subschema);
    if (known != compiled_.end()) return known->second;
    Node& fresh = nodes_->emplace_back();
    compiled_.emplace(&subschema, &fresh);  // before its content: a schema may refer to itself
    TRY_VOID(fill(fresh, subschema));
    return &fresh;
}

base::Result<> Compiler::fill(Node& node, const Value& subschema) {
    const auto* object = subschema.if_object();
    if (object == nullptr) {
        node.never = !subschema.get_bool();
        return {};
    }
    const Source source{*this, *object, index_.place(subschema), node};
    if (legacy() && object->contains("$ref")) return compile_reference(source);
    for (const Group group : kGroups) TRY_VOID(group(source));
    return {};
}

base::Result<const Node*> Compiler::referenced(std::string_view reference, const Place& from) {
    TRY(target, index_.find(reference, from));
    return node(*target);
}

base::Result<Pattern> Source::pattern(std::string_view keyword, std::string_view text) const {
    auto compiled = Pattern::compile(text);
    if (!compiled) return bad(keyword, fmt::format("\"{}\" {}", base::printable(text, 80), compiled.error().message));
    if (!compiler.afford(*compiled)) return bad(keyword, "the schema has too many or too large patterns");
    return compiled;
}

bool Compiler::afford(const Pattern& pattern) {
    patterns_ += pattern.size();
    return patterns_ <= kLargestPatterns;
}

tl::unexpected<base::Error> Source::bad(std::string_view keyword, std::string_view message) const {
    return bad_schema(place, keyword, message);
}

base::Result<const Value*> Source::number(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value != nullptr && !value->is_number()) return bad(keyword, "must be a number");
    return value;
}

base::Result<std::optional<std::size_t>> Source::count(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !is_integer(*value) || compare_numbers(*value, Value(0)) < 0) {
        return bad(keyword, "must be a whole number from 0");
    }
    if (compare_numbers(*value, Value(std::int64_t{1} << 53)) > 0) return bad(keyword, "is too large");
    return value->to_number<std::size_t>();
}

base::Result<const Array*> Source::array(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value != nullptr && !value->is_array()) return bad(keyword, "must be an array");
    return value == nullptr ? nullptr : value->if_array();
}

base::Result<const Object*> Source::object(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value != nullptr && !value->is_object()) return bad(keyword, "must be an object");
    return value == nullptr ? nullptr : value->if_object();
}

base::Result<std::optional<std::string_view>> Source::string(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return bad(keyword, "must be a string");
    return std::string_view(value->get_string());
}

base::Result<const Node*> Source::node_of(std::string_view keyword, const Value& value) const {
    if (!value.is_object() && !value.is_bool()) return bad(keyword, "must be a schema: an object or a boolean");
    return compiler.node(value);
}

base::Result<const Node*> Source::subschema(std::string_view keyword) const {
    const Value* value = find(schema, keyword);
    if (value == nullptr) return nullptr;
    return node_of(keyword, *value);
}

base::Result<std::vector<const Node*>> Source::subschemas(std::string_view keyword) const {
    std::vector<const Node*> nodes;
    TRY(list, array(keyword));
    if (list == nullptr) return nodes;
    if (list->empty()) return bad(keyword, "must not be empty");
    for (const Value& each : *list) {
        TRY(node_of_each, node_of(keyword, each));
        nodes.push_back(node_of_each);
    }
    return nodes;
}

}  // namespace claviger::json::schema
