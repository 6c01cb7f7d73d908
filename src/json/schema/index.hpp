// The subschemas of one schema document and their names: every place a $ref may lead to. Knows which keywords
// hold subschemas, so that a "$ref" inside an enum or a default stays data. Nothing outside the document has a
// name here (PK-10). Ownership: borrows the document. Thread rule: used while compiling, by one thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "json/value.hpp"

namespace claviger::json::schema {

struct Place {
    std::string base;     // URI of the resource it belongs to, without fragment
    std::string pointer;  // from the document's root; for messages
};

class Index {
public:
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

// "at /properties/x of the schema: ...".
tl::unexpected<base::Error> bad_schema(std::string_view pointer, std::string_view message);

}  // namespace claviger::json::schema
