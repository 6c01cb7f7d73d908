#include "json/schema/index.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

tl::unexpected<base::Error> bad_schema(const Place& place, std::string_view keyword, std::string_view message) {
    return bad_schema(pointer_append(place.pointer(), keyword), message);
}

std::string Place::pointer() const {
    if (above == nullptr) return {};
    if (!raw.empty()) return above->pointer() + raw;
    auto text = pointer_append(above->pointer(), keyword);
    if (key) text = pointer_append(text, *key);
    return index ? pointer_append(text, *index) : text;
}

base::Result<> Index::add_document(const Value& root) {
    if (!may_be_schema(root)) return bad_schema("", "must be an object or a boolean");
    resources_[""] = &root;
    Place place;
    place.base = std::make_shared<const std::string>();
    return add(root, std::move(place));
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
        if (!id->is_string()) return bad_schema(place, "$id", "must be a string");
        const Reference resolved = resolve(*place.base, id->get_string());
        if (resolved.resource.size() > kLongestUri) return bad_schema(place, "$id", "is too long");
        if (resolved.fragment.empty()) {
            place.base = std::make_shared<const std::string>(resolved.resource);
            const auto [there, fresh] = resources_.emplace(resolved.resource, &schema);
            // The root stands under the empty name already, and may say so.
            if (!fresh && there->second != &schema) return bad_schema(place, "$id", "another schema has the same $id");
        } else {
            TRY_VOID(put_anchor(place, resolved.fragment, schema));
        }
    }
    for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"}) {
        const Value* anchor = json::find(object, keyword);
        if (anchor == nullptr) continue;
        if (!anchor->is_string()) return bad_schema(place, keyword, "must be a string");
        TRY_VOID(put_anchor(place, anchor->get_string(), schema));
    }
    return {};
}

base::Result<> Index::put_anchor(const Place& place, std::string_view anchor, const Value& schema) {
    const auto [there, fresh] = anchors_.emplace(fmt::format("{}#{}", *place.base, anchor), &schema);
    if (fresh || there->second == &schema) return {};
    return bad_schema(place.pointer(), fmt::format("the anchor \"{}\" is there twice", base::printable(anchor, 80)));
}

base::Result<> Index::add_children(const Object& object, const Place& place) {
    for (const auto& member : object) {
        Place below;
        below.base = place.base;
        below.above = &place;
        below.keyword = member.key();
        const Value& value = member.value();
        if (in(kOne, member.key()) && may_be_schema(value)) {
            TRY_VOID(add(value, below));
        } else if (in(kList, member.key()) && value.is_array()) {
            const Array& list = value.get_array();
            for (std::size_t i = 0; i < list.size(); ++i) {
                below.index = i;
                if (may_be_schema(list[i])) TRY_VOID(add(list[i], below));
            }
        } else if (in(kMap, member.key()) && value.is_object()) {
            for (const auto& each : value.get_object()) {
                below.key = each.key();
                if (may_be_schema(each.value())) TRY_VOID(add(each.value(), below));
            }
        }
    }
    return {};
}

base::Result<const Value*> Index::find(std::string_view reference, const Place& from) {
    const auto bad = [&](std::string_view words) {
        return bad_schema(from, "$ref", fmt::format(fmt::runtime(words), base::printable(reference, 120)));
    };
    const Reference resolved = resolve(*from.base, reference);
    const auto resource = resources_.find(resolved.resource);
    if (resource == resources_.end()) {
        return bad("\"{}\" is not in this schema, and none is fetched; put what it means under $defs and refer to it "
                   "with \"#/$defs/...\"");
    }
    const auto fragment = base::percent_decode(resolved.fragment);
    if (!fragment) return bad("\"{}\" is not a reference");
    if (fragment->empty()) return resource->second;
    if (fragment->front() == '/') return follow(*resource->second, *fragment, from);
    const auto anchor = anchors_.find(fmt::format("{}#{}", resolved.resource, *fragment));
    if (anchor == anchors_.end()) return bad("nothing here is named \"{}\"");
    return anchor->second;
}

base::Result<const Value*> Index::follow(const Value& resource, std::string_view pointer, const Place& from) {
    const Value* target = at_pointer(resource, pointer);
    if (target == nullptr || !may_be_schema(*target)) {
        return bad_schema(from, "$ref", fmt::format("there is no schema at \"#{}\"", base::printable(pointer, 120)));
    }
    if (places_.contains(target)) return target;
    // Under a keyword that is not known: its base is that of the nearest schema above.
    Place place;
    place.above = &places_.at(&resource);
    place.base = place.above->base;
    place.raw = pointer;
    for (std::size_t slash = pointer.find('/', 1); slash != std::string_view::npos; slash = pointer.find('/', slash + 1)) {
        const auto known = places_.find(at_pointer(resource, pointer.substr(0, slash)));
        if (known != places_.end()) place.base = known->second.base;
    }
    TRY_VOID(add(*target, std::move(place)));
    return target;
}

}  // namespace claviger::json::schema
