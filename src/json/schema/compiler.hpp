// Turns an indexed schema document into nodes. A Source is one schema object being compiled: what the functions
// of keywords.hpp read their keywords from and put their checks into.
// Ownership: the compiler owns the nodes until they are handed out; it borrows the document. Thread rule: one
// thread; what it made is immutable.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "json/schema.hpp"
#include "json/schema/index.hpp"
#include "json/schema/pattern.hpp"
#include "json/schema/visit.hpp"

namespace claviger::json::schema {

class Compiler {
public:
    static constexpr std::size_t kLargestPatterns = 100'000;  // instructions

    Compiler(const Value& document, const SchemaOptions& options);

    base::Result<std::shared_ptr<const Node>> run();
    base::Result<const Node*> node(const Value& subschema);
    base::Result<const Node*> referenced(std::string_view reference, const Place& from);
    [[nodiscard]] const SchemaOptions& options() const { return options_; }
    [[nodiscard]] bool legacy() const { return index_.legacy(); }
    // Patterns take the most work to compile, so all of a schema have one bound. False when it is passed.
    bool afford(const Pattern& pattern);
    void need_tracking() { tracks_ = true; }

private:
    base::Result<> fill(Node& node, const Value& subschema);

    using Nodes = std::deque<Node>;
    const Value& document_;
    const SchemaOptions& options_;
    Index index_;
    std::size_t patterns_ = 0;
    bool tracks_ = false;
    std::shared_ptr<Nodes> nodes_ = std::make_shared<Nodes>();
    std::unordered_map<const Value*, Node*> compiled_;
};

struct Source {
    Compiler& compiler;
    const Object& schema;
    const Place& place;
    Node& node;

    // Absent: nullptr or nullopt. Of a wrong type: an error.
    base::Result<const Value*> number(std::string_view keyword) const;
    base::Result<std::optional<std::size_t>> count(std::string_view keyword) const;
    base::Result<const Array*> array(std::string_view keyword) const;
    base::Result<const Object*> object(std::string_view keyword) const;
    base::Result<std::optional<std::string_view>> string(std::string_view keyword) const;
    base::Result<const Node*> subschema(std::string_view keyword) const;
    base::Result<std::vector<const Node*>> subschemas(std::string_view keyword) const;
    base::Result<Pattern> pattern(std::string_view keyword, std::string_view text) const;
    // The subschema `value`, found under `keyword`.
    base::Result<const Node*> node_of(std::string_view keyword, const Value& value) const;

    void add(Check check) const { node.checks.push_back(std::move(check)); }
    [[nodiscard]] tl::unexpected<base::Error> bad(std::string_view keyword, std::string_view message) const;
};

}  // namespace claviger::json::schema
