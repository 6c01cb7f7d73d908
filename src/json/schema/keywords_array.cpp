// The keywords for arrays: JSON Schema validation 2020-12 section 6.4, core sections 10.3.1 and 11.2.
#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "json/schema/comparison.hpp"
#include "json/schema/keywords.hpp"

namespace claviger::json::schema {
namespace {

std::string elements(std::size_t n) { return fmt::format("{} element{}", n, n == 1 ? "" : "s"); }

// The first two equal elements, by index. Sorted by hash: comparing all pairs would be quadratic.
std::pair<std::size_t, std::size_t> first_duplicate(const Array& array, Visit& visit) {
    std::vector<std::pair<std::size_t, std::size_t>> by_hash;  // hash, index
    for (std::size_t i = 0; i < array.size(); ++i) by_hash.emplace_back(hash(array[i]), i);
    std::sort(by_hash.begin(), by_hash.end());
    std::pair<std::size_t, std::size_t> best{array.size(), array.size()};
    for (std::size_t a = 0; a < by_hash.size(); ++a) {
        for (std::size_t b = a + 1; b < by_hash.size() && by_hash[b].first == by_hash[a].first; ++b) {
            if (!visit.spend(1)) return best;
            if (!equal(array[by_hash[a].second], array[by_hash[b].second])) continue;
            best = std::min(best, std::pair{by_hash[b].second, by_hash[a].second});
            break;
        }
    }
    return best;
}

base::Result<> compile_unique(const Source& source) {
    const Value* wanted = find(source.schema, "uniqueItems");
    if (wanted == nullptr) return {};
    if (!wanted->is_bool()) return source.bad("uniqueItems", "must be true or false");
    if (!wanted->get_bool()) return {};
    source.add([](Visit& visit) {
        const auto* array = visit.instance().if_array();
        if (array == nullptr || !visit.spend(array->size())) return;
        const auto [later, earlier] = first_duplicate(*array, visit);
        if (later == array->size()) return;
        visit.fail("uniqueItems", fmt::format("elements {} and {} are the same", earlier, later));
    });
    return {};
}

}  // namespace

base::Result<> compile_array_limits(const Source& source) {
    TRY(least, source.count("minItems"));
    if (least) {
        source.add([least = *least](Visit& visit) {
            const auto* array = visit.instance().if_array();
            if (array == nullptr || array->size() >= least) return;
            visit.fail("minItems", array->empty() ? "must not be empty" : fmt::format("must have at least {}", elements(least)));
        });
    }
    TRY(most, source.count("maxItems"));
    if (most) {
        source.add([most = *most](Visit& visit) {
            const auto* array = visit.instance().if_array();
            if (array != nullptr && array->size() > most) visit.fail("maxItems", fmt::format("must have at most {}", elements(most)));
        });
    }
    return compile_unique(source);
}

base::Result<> compile_items(const Source& source) {
    const Value* items = find(source.schema, "items");
    const bool legacy_list = items != nullptr && items->is_array();  // draft-07
    if (legacy_list && source.schema.contains("prefixItems")) {
        return source.bad("items", "must be a schema when prefixItems is there");
    }
    std::vector<const Node*> first;
    if (legacy_list) {
        for (const Value& each : items->get_array()) {
            TRY(node, source.node_of("items", each));
            first.push_back(node);
        }
    } else {
        TRY(prefix, source.subschemas("prefixItems"));
        first = std::move(prefix);
    }
    const std::string_view rest_keyword = legacy_list ? "additionalItems" : "items";
    TRY(rest, source.subschema(rest_keyword));
    if (first.empty() && rest == nullptr) return {};
    source.add([first = std::move(first), rest, rest_keyword](Visit& visit) {
        const auto* array = visit.instance().if_array();
        if (array == nullptr || !visit.spend(array->size())) return;
        for (std::size_t i = 0; i < array->size(); ++i) {
            const Node* node = i < first.size() ? first[i] : rest;
            if (node == nullptr) return;
            visit.require_item(*node, i, (*array)[i], i < first.size() ? "prefixItems" : rest_keyword);
            visit.mark(i);
        }
    });
    return {};
}

base::Result<> compile_contains(const Source& source) {
    TRY(node, source.subschema("contains"));
    TRY(least, source.count("minContains"));
    TRY(most, source.count("maxContains"));
    if (node == nullptr) return {};
    source.add([node, least = least.value_or(1), most](Visit& visit) {
        const auto* array = visit.instance().if_array();
        if (array == nullptr) return;
        std::size_t count = 0;
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (!visit.part_holds(*node, (*array)[i])) continue;
            ++count;
            visit.mark(i);
        }
        if (count < least) {
            visit.fail(least == 1 ? "contains" : "minContains", fmt::format("must contain at least {} of the required kind", elements(least)));
        }
        if (most && count > *most) {
            visit.fail("maxContains", fmt::format("must contain at most {} of the required kind", elements(*most)));
        }
    });
    return {};
}

base::Result<> compile_unevaluated_items(const Source& source) {
    TRY(node, source.subschema("unevaluatedItems"));
    if (node == nullptr) return {};
    source.compiler.need_tracking();
    source.add([node](Visit& visit) {
        const auto* array = visit.instance().if_array();
        if (array == nullptr || !visit.spend(array->size())) return;
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (!visit.marked(i)) visit.require_item(*node, i, (*array)[i], "unevaluatedItems");
        }
        visit.mark_all();
    });
    return {};
}

}  // namespace claviger::json::schema
