// Schemas over the same value: JSON Schema core 2020-12 sections 8.2.3 and 10.2.
#include <utility>

#include <fmt/format.h>

#include "json/schema/keywords.hpp"

namespace claviger::json::schema {
namespace {

using Nodes = std::vector<const Node*>;

// What keeps the alternative with the fewest violations from matching, in words.
std::string closest(const Findings& findings) {
    if (findings.empty()) return {};
    const SchemaViolation& first = findings.front().violation;
    return fmt::format("; the closest one wants: {}{}", first.message,
                       first.instance_pointer.empty() ? "" : " (at " + first.instance_pointer + ")");
}

// How many alternatives match, and into `nearest` the violations of the one that nearly does.
std::size_t matches(Visit& visit, const Nodes& nodes, Findings& nearest) {
    std::size_t count = 0;
    bool first = true;
    for (const Node* node : nodes) {
        Findings findings;
        if (visit.attempt(*node, &findings)) ++count;
        else if (std::exchange(first, false) || findings.size() < nearest.size()) nearest = std::move(findings);
    }
    return count;
}

}  // namespace

base::Result<> compile_reference(const Source& source) {
    for (const std::string_view keyword : {"$dynamicRef", "$recursiveRef"}) {
        if (source.schema.contains(keyword)) return source.bad(keyword, "is not supported; use $ref");
    }
    TRY(reference, source.string("$ref"));
    if (!reference) return {};
    TRY(node, source.compiler.referenced(*reference, source.place));
    source.add([node](Visit& visit) { visit.require(*node); });
    return {};
}

base::Result<> compile_combinations(const Source& source) {
    TRY(all, source.subschemas("allOf"));
    if (!all.empty()) {
        source.add([all = std::move(all)](Visit& visit) {
            for (const Node* node : all) visit.require(*node);
        });
    }
    TRY(any, source.subschemas("anyOf"));
    if (!any.empty()) {
        source.add([any = std::move(any)](Visit& visit) {
            Findings nearest;
            if (matches(visit, any, nearest) > 0) return;
            visit.fail("anyOf", fmt::format("matches none of the {} alternatives{}", any.size(), closest(nearest)));
        });
    }
    TRY(one, source.subschemas("oneOf"));
    if (!one.empty()) {
        source.add([one = std::move(one)](Visit& visit) {
            Findings nearest;
            const std::size_t count = matches(visit, one, nearest);
            if (count == 1) return;
            visit.fail("oneOf", count > 1 ? fmt::format("matches {} of the alternatives, must match one", count)
                                          : fmt::format("matches none of the {} alternatives{}", one.size(), closest(nearest)));
        });
    }
    TRY(no, source.subschema("not"));
    if (no != nullptr) {
        source.add([no](Visit& visit) {
            if (visit.holds(*no)) visit.fail("not", "must not have this form");
        });
    }
    return {};
}

base::Result<> compile_condition(const Source& source) {
    TRY(condition, source.subschema("if"));
    TRY(consequence, source.subschema("then"));
    TRY(alternative, source.subschema("else"));
    if (condition == nullptr) return {};
    source.add([condition, consequence, alternative](Visit& visit) {
        const Node* next = visit.attempt(*condition) ? consequence : alternative;
        if (next == nullptr) return;
        if (next->never) return visit.fail(next == consequence ? "then" : "else", "must not have this form");
        visit.require(*next);
    });
    return {};
}

}  // namespace claviger::json::schema
