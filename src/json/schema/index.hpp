// The subschemas of one schema document and their names: every place a $ref may lead to. Knows which keywords
// hold subschemas, so that a "$ref" inside an enum or a default stays data. Nothing outside the document has a
// name here (PK-10). Ownership: borrows the document. Thread rule: used while compiling, by one thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::json::schema {

// Where a subschema stands. A link to the schema above instead of a whole pointer: a hostile document has many
// subschemas below long keys. Views look into the document.
struct Place {
    std::shared_ptr<const std::string> base;  // URI of the resource it belongs to, without fragment
    const Place* above = nullptr;
    std::string_view keyword;              // of the schema above, that holds this one
    std::optional<std::string_view> key;   // below the keyword
    std::optional<std::size_t> index;      // below the keyword
    std::string raw;                       // instead of these, for a schema below unknown keywords

    [[nodiscard]] std::string pointer() const;  // from the document's root; for messages
};

class Index {
public:
    static constexpr std::size_t kLongestUri = 500;

    // `legacy`: draft-07, where $ref hides its siblings.
    explicit Index(bool legacy) : legacy_(legacy) {}

    base::Result<> add_document(const Value& root);
    // The subschema that `reference`, standing in a schema at `from`, means.
    base::Result<const Value*> find(std::string_view reference, const Place& from);
    [[nodiscard]] const Place& place(const Value& subschema) const { return places_.at(&subschema); }
    [[nodiscard]] bool legacy() const { return legacy_; }
    // In document order; grows while references into unknown keywords are found.
    [[nodiscard]] const std::vector<const Value*>& all() const { return order_; }

private:
    base::Result<> add(const Value& schema, Place place);
    base::Result<> name(const Value& schema, const Object& object, Place& place);
    base::Result<> add_children(const Object& object, const Place& place);
    base::Result<> put_anchor(const Place& place, std::string_view anchor, const Value& schema);
    base::Result<const Value*> follow(const Value& resource, std::string_view pointer, const Place& from);

    bool legacy_;
    std::unordered_map<const Value*, Place> places_;
    std::vector<const Value*> order_;
    std::map<std::string, const Value*, std::less<>> resources_;
    std::map<std::string, const Value*, std::less<>> anchors_;  // "resource#anchor"
};

// "at /properties/x of the schema: ..."; the first of a place and one of its keywords.
tl::unexpected<base::Error> bad_schema(const Place& place, std::string_view keyword, std::string_view message);
tl::unexpected<base::Error> bad_schema(std::string_view pointer, std::string_view message);

}  // namespace claviger::json::schema
