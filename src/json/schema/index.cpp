#include "json/schema/index.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/schema/reference.hpp"

namespace claviger::json::schema {
namespace {

// The shapes in which a keyword holds subschemas. `items` and `dependencies` mix them.
constexpr std::array<std::string_view, 12> kOne{"additionalItems", "additionalProperties", "contains", "else", "if",
                                                "items", "not", "propertyNames", "then", "unevaluatedItems",
                                                "unevaluatedProperties", "contentSchema"};
constexpr std::array<std::string_view, 5> kList{"allOf", "anyOf", "items", "oneOf", "prefixItems"};
constexpr std::array<std::string_view, 6> kMap{"$defs",        "definitions",       "dependencies",
                                               "dependentSchemas", "patternProperties", "properties"};

template <std::size_t n>
bool in(const std::array<std::string_view, n>& names, std::string_view key) {
    return std::find(names.begin(), names.end(), key) != names.end();
}

bool may_be_schema(const Value& value) { return value.is_object() || value.is_bool(); }

}  // namespace

tl::unexpected<base::Error> bad_schema(std::string_view pointer, std::string_view message) {
    const auto where = pointer.empty() ? std::string("at the root") : "at " + base::printable(pointer, 300);
    return base::fail(base::ErrorCode::invalid_input, fmt::format("{} of the schema: {}", where, message));
}

base::Result<> Index::add_document(const Value& root) {
    if (!may_be_schema(root)) return bad_schema("", "must be an object or a boolean");
    resources_[""] = &root;
    return add(root, Place{});
}

base::Result<> Index::add(const Value& schema, Place place) {
    if (places_.contains(&schema)) return {};
    const auto* object = schema.if_object();
    if (object != nullptr) TRY_VOID(name(schema, *object, place));
    order_.push_back(&schema);
    const Place& kept = places_.emplace(&schema, std::move(place)).first->second;
    return object == nullptr ? base::Result<>{} : add_children(*object, kept);
}

// $id and $anchor. A draft-07 $id that is only a fragment is an anchor.
base::Result<> Index::name(const Value& schema, const Object& object, Place& place) {
    if (legacy_ && object.contains("$ref")) return {};
    if (const Value* id = json::find(object, "$id")) {
        if (!id->is_string()) return bad_schema(pointer_append(place.pointer, "$id"), "must be a string");
        const Reference resolved = resolve(place.base, id->get_string());
        if (resolved.fragment.empty()) {
            place.base = resolved.resource;
            const auto [there, fresh] = resources_.emplace(place.base, &schema);
            // The root stands under the empty name already, and may say so.
            if (!fresh && there->second != &schema) {
                return bad_schema(pointer_append(place.pointer, "$id"), "another schema has the same $id");
            }
        } else {
            TRY_VOID(put_anchor(place, resolved.fragment, schema));
        }
    }
    for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"}) {
        const Value* anchor = json::find(object, keyword);
        if (anchor == nullptr) continue;
        if (!anchor->is_string()) return bad_schema(pointer_append(place.pointer, keyword), "must be a string");
        TRY_VOID(put_anchor(place, anchor->get_string(), schema));
    }
    return {};
}

base::Result<> Index::put_anchor(const Place& place, std::string_view anchor, const Value& schema) {
    const auto [there, fresh] = anchors_.emplace(fmt::format("{}#{}", place.base, anchor), &schema);
    if (fresh || there->second == &schema) return {};
    return bad_schema(place.pointer, fmt::format("the anchor \"{}\" is there twice", base::printable(anchor, 80)));
}

base::Result<> Index::add_children(const Object& object, const Place& place) {
    for (const auto& member : object) {
        const auto pointer = pointer_append(place.pointer, member.key());
        const Value& value = member.value();
        if (in(kOne, member.key()) && may_be_schema(value)) {
            TRY_VOID(add(value, Place{place.base, pointer}));
        } else if (in(kList, member.key()) && value.is_array()) {
            const Array& list = value.get_array();
            for (std::size_t i = 0; i < list.size(); ++i) {
                if (may_be_schema(list[i])) TRY_VOID(add(list[i], Place{place.base, pointer_append(pointer, i)}));
            }
        } else if (in(kMap, member.key()) && value.is_object()) {
            for (const auto& each : value.get_object()) {
                if (!may_be_schema(each.value())) continue;
                TRY_VOID(add(each.value(), Place{place.base, pointer_append(pointer, each.key())}));
            }
        }
    }
    return {};
}

base::Result<const Value*> Index::find(std::string_view reference, const Place& from) {
    const Reference resolved = resolve(from.base, reference);
    const auto pointer = pointer_append(from.pointer, "$ref");
    const auto shown = base::printable(reference, 120);
    const auto resource = resources_.find(resolved.resource);
    if (resource == resources_.end()) {
        return bad_schema(pointer, fmt::format("\"{}\" is not in this schema, and none is fetched; put what it means "
                                               "under $defs and refer to it with \"#/$defs/...\"", shown));
    }
    const auto fragment = base::percent_decode(resolved.fragment);
    if (!fragment) return bad_schema(pointer, fmt::format("\"{}\" is not a reference", shown));
    if (fragment->empty()) return resource->second;
    if (fragment->front() == '/') return follow(*resource->second, *fragment, from);
    const auto anchor = anchors_.find(fmt::format("{}#{}", resolved.resource, *fragment));
    if (anchor == anchors_.end()) return bad_schema(pointer, fmt::format("nothing here is named \"{}\"", shown));
    return anchor->second;
}

base::Result<const Value*> Index::follow(const Value& resource, std::string_view pointer, const Place& from) {
    const Value* target = at_pointer(resource, pointer);
    if (target == nullptr || !may_be_schema(*target)) {
        return bad_schema(pointer_append(from.pointer, "$ref"),
                          fmt::format("there is no schema at \"#{}\"", base::printable(pointer, 120)));
    }
    if (places_.contains(target)) return target;
    // Under a keyword that is not known: its base is that of the nearest schema above.
    const Place* above = &places_.at(&resource);
    for (std::size_t slash = pointer.find('/', 1); slash != std::string_view::npos; slash = pointer.find('/', slash + 1)) {
        const auto known = places_.find(at_pointer(resource, pointer.substr(0, slash)));
        if (known != places_.end()) above = &known->second;
    }
    TRY_VOID(add(*target, Place{above->base, places_.at(&resource).pointer + std::string(pointer)}));
    return target;
}

}  // namespace claviger::json::schema
