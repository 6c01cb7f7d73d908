// One instance value under one schema: what a compiled keyword sees when it checks. Collects violations, marks
// what was evaluated (for unevaluatedProperties and unevaluatedItems), keeps the bounds on work and depth.
// Ownership: lives on the stack of one validation; borrows everything. Thread rule: one validation, one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "json/schema.hpp"
#include "json/value.hpp"

namespace claviger::json::schema {
class Visit;
using Check = std::function<void(Visit&)>;
}  // namespace claviger::json::schema

namespace claviger::json {

// A compiled schema object. Nodes of one schema live and die together, so they point at each other freely.
struct Schema::Node {
    bool never = false;                  // the schema `false`
    bool tracks = false;                 // of the root: some keyword asks what was evaluated
    std::vector<schema::Check> checks;  // in the order in which they must run
};

}  // namespace claviger::json

namespace claviger::json::schema {

using Node = Schema::Node;

struct Found {
    const Value* where = nullptr;
    SchemaViolation violation;
};
using Findings = std::vector<Found>;

// The way from the root to an instance value, as a list on the stack: written out only for a violation.
struct Step {
    const Step* up = nullptr;
    std::string_view key;
    std::size_t index = 0;
    bool is_index = false;
};

// Bounds of one validation: a hostile schema can ask for exponential work.
struct Effort {
    static constexpr std::size_t kMostSteps = 2'000'000;
    static constexpr unsigned kDeepest = 800;

    std::size_t left = kMostSteps;
    bool exceeded = false;
    bool tracking = false;

    bool spend(std::size_t steps);
};

class Visit {
public:
    Visit(const Value& instance, const Step* at, Effort& effort, Findings* findings, unsigned depth)
        : instance_(instance), at_(at), effort_(effort), findings_(findings), depth_(depth) {}

    [[nodiscard]] const Value& instance() const { return instance_; }
    bool run(const Node& node);  // true when valid
    void fail(std::string_view keyword, std::string message);
    [[nodiscard]] bool reports() const { return findings_ != nullptr; }  // else only the verdict counts
    bool spend(std::size_t steps) { return effort_.spend(steps); }

    // The same instance under another schema. `require` reports and fails with it; `attempt` only says, and puts
    // its violations into `into` if given; both keep the marks of a success. `holds` keeps nothing.
    bool require(const Node& node);
    bool attempt(const Node& node, Findings* into = nullptr);
    bool holds(const Node& node);

    // A part of the instance. A part that may not be there at all is reported under `keyword`.
    bool require_member(const Node& node, std::string_view key, const Value& value, std::string_view keyword,
                        std::string_view if_never);
    bool require_item(const Node& node, std::size_t index, const Value& value, std::string_view keyword);
    bool part_holds(const Node& node, const Value& part);

    // Marks: members and items count by their index in the instance.
    void mark(std::size_t index);
    void mark_all();
    [[nodiscard]] bool marked(std::size_t index) const { return index < marks_.size() && marks_[index]; }

private:
    bool require_part(const Node& node, const Value& value, const Step& step, std::string_view keyword,
                      std::string_view if_never);
    [[nodiscard]] std::size_t parts() const;
    void merge(const Visit& other);

    const Value& instance_;
    const Step* at_;
    Effort& effort_;
    Findings* findings_;  // null: only the verdict counts
    unsigned depth_;
    bool failed_ = false;
    std::vector<bool> marks_;
};

std::string pointer_of(const Step* step);

}  // namespace claviger::json::schema
