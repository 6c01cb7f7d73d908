#include "json/schema.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "json/schema/compiler.hpp"
#include "json/schema/visit.hpp"

namespace claviger::json {
namespace {

using Ranks = std::unordered_map<const Value*, std::size_t>;

void rank(const Value& value, Ranks& ranks) {
    ranks.emplace(&value, ranks.size());
    if (const auto* array = value.if_array()) {
        for (const Value& each : *array) rank(each, ranks);
    } else if (const auto* object = value.if_object()) {
        for (const auto& member : *object) rank(member.value(), ranks);
    }
}

bool same(const SchemaViolation& a, const SchemaViolation& b) {
    return a.instance_pointer == b.instance_pointer && a.keyword == b.keyword && a.message == b.message;
}

}  // namespace

base::Result<Schema> Schema::compile(const Value& document, const SchemaOptions& options) {
    TRY(root, schema::Compiler(document, options).run());
    return Schema(std::move(root));
}

std::vector<SchemaViolation> Schema::validate(const Value& instance) const {
    schema::Effort effort;
    effort.tracking = root_->tracks;
    schema::Findings findings;
    const bool valid = schema::Visit(instance, nullptr, effort, &findings, 0).run(*root_);
    if (effort.exceeded) return {{"", "limit", "takes too much work to check against this schema"}};
    if (valid) return {};

    Ranks ranks;
    rank(instance, ranks);
    std::vector<std::pair<std::size_t, std::size_t>> order;  // rank, then as found
    for (const auto& found : findings) order.emplace_back(ranks.at(found.where), order.size());
    std::sort(order.begin(), order.end());
    std::vector<SchemaViolation> violations;
    for (const auto& [unused, index] : order) violations.push_back(std::move(findings[index].violation));
    // One rule may be reached twice, through allOf and $ref.
    violations.erase(std::unique(violations.begin(), violations.end(), same), violations.end());
    return violations;
}

}  // namespace claviger::json
