// The keywords for objects: JSON Schema validation 2020-12 section 6.5, core sections 10.3.2 and 11.3.
#include <algorithm>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/schema/keywords.hpp"
#include "json/schema/pattern.hpp"

namespace claviger::json::schema {
namespace {

std::string shown(std::string_view key) { return fmt::format("\"{}\"", base::printable(key, 80)); }

base::Result<std::vector<std::string>> names(const Source& source, std::string_view keyword, const Value& list) {
    std::vector<std::string> result;
    const auto* array = list.if_array();
    if (array == nullptr) return source.bad(keyword, "must be an array of strings");
    for (const Value& each : *array) {
        if (!each.is_string()) return source.bad(keyword, "must be an array of strings");
        result.emplace_back(each.get_string());
    }
    return result;
}

std::string members(std::size_t n) { return fmt::format("{} member{}", n, n == 1 ? "" : "s"); }

// properties, patternProperties and additionalProperties, which only make sense together.
struct Members {
    std::unordered_map<std::string, const Node*> named;
    std::vector<std::pair<Pattern, const Node*>> patterns;
    const Node* additional = nullptr;

    void check(Visit& visit) const;
    [[nodiscard]] std::string unknown(std::string_view key) const;
};

std::string Members::unknown(std::string_view key) const {
    std::vector<std::string_view> known;
    for (const auto& [name, node] : named) {
        if (!node->never) known.emplace_back(name);
    }
    std::sort(known.begin(), known.end());
    const auto guess = base::did_you_mean(key, known);
    return guess ? fmt::format("unknown key {}; did you mean {}?", shown(key), shown(*guess))
                 : fmt::format("unknown key {}", shown(key));
}

void Members::check(Visit& visit) const {
    const auto* object = visit.instance().if_object();
    if (object == nullptr || !visit.spend(object->size())) return;
    std::size_t index = 0;
    for (const auto& member : *object) {
        const std::string_view key = member.key();
        bool known = false;
        if (const auto found = named.find(std::string(key)); found != named.end()) {
            known = true;
            visit.require_member(*found->second, key, member.value(), "properties", "must not be there");
        }
        for (const auto& [pattern, node] : patterns) {
            if (!visit.spend(pattern.cost(key.size()))) return;
            if (!pattern.matches(key)) continue;
            known = true;
            visit.require_member(*node, key, member.value(), "patternProperties", "must not be there");
        }
        if (!known && additional != nullptr) {
            known = true;
            const bool wants_words = additional->never && visit.reports();
            if (wants_words && !visit.spend(named.size())) return;
            visit.require_member(*additional, key, member.value(), "additionalProperties",
                                 wants_words ? unknown(key) : std::string());
        }
        if (known) visit.mark(index);
        ++index;
    }
}

base::Result<> add_dependent_required(const Source& source, std::string_view keyword, std::string_view key,
                                      const Value& list) {
    TRY(needed, names(source, keyword, list));
    source.add([keyword, key = std::string(key), needed = std::move(needed)](Visit& visit) {
        const auto* object = visit.instance().if_object();
        if (object == nullptr || !object->contains(key)) return;
        for (const std::string& each : needed) {
            if (!object->contains(each)) visit.fail(keyword, fmt::format("{} is required because {} is there", shown(each), shown(key)));
        }
    });
    return {};
}

base::Result<> add_dependent_schema(const Source& source, std::string_view keyword, std::string_view key,
                                    const Value& schema) {
    TRY(node, source.node_of(keyword, schema));
    source.add([keyword, key = std::string(key), node](Visit& visit) {
        const auto* object = visit.instance().if_object();
        if (object == nullptr || !object->contains(key)) return;
        if (node->never) return visit.fail(keyword, fmt::format("{} must not be there", shown(key)));
        visit.require(*node);
    });
    return {};
}

}  // namespace

base::Result<> compile_object_limits(const Source& source) {
    TRY(least, source.count("minProperties"));
    if (least) {
        source.add([least = *least](Visit& visit) {
            const auto* object = visit.instance().if_object();
            if (object == nullptr || object->size() >= least) return;
            visit.fail("minProperties", fmt::format("must have at least {}", members(least)));
        });
    }
    TRY(most, source.count("maxProperties"));
    if (most) {
        source.add([most = *most](Visit& visit) {
            const auto* object = visit.instance().if_object();
            if (object == nullptr || object->size() <= most) return;
            visit.fail("maxProperties", fmt::format("must have at most {}", members(most)));
        });
    }
    return {};
}

base::Result<> compile_required(const Source& source) {
    const Value* list = find(source.schema, "required");
    if (list == nullptr) return {};
    TRY(needed, names(source, "required", *list));
    source.add([needed = std::move(needed)](Visit& visit) {
        const auto* object = visit.instance().if_object();
        if (object == nullptr || !visit.spend(needed.size())) return;
        for (const std::string& each : needed) {
            if (!object->contains(each)) visit.fail("required", shown(each) + " is required");
        }
    });
    return {};
}

base::Result<> compile_members(const Source& source) {
    auto rules = std::make_shared<Members>();
    TRY(named, source.object("properties"));
    TRY(patterns, source.object("patternProperties"));
    TRY(additional, source.subschema("additionalProperties"));
    if (named == nullptr && patterns == nullptr && additional == nullptr) return {};
    if (named != nullptr) {
        for (const auto& each : *named) {
            TRY(node, source.node_of("properties", each.value()));
            rules->named.emplace(std::string(each.key()), node);
        }
    }
    if (patterns != nullptr) {
        for (const auto& each : *patterns) {
            TRY(pattern, source.pattern("patternProperties", each.key()));
            TRY(node, source.node_of("patternProperties", each.value()));
            rules->patterns.emplace_back(std::move(pattern), node);
        }
    }
    rules->additional = additional;
    source.add([rules = std::shared_ptr<const Members>(std::move(rules))](Visit& visit) { rules->check(visit); });
    return {};
}

base::Result<> compile_property_names(const Source& source) {
    TRY(node, source.subschema("propertyNames"));
    if (node == nullptr) return {};
    source.add([node](Visit& visit) {
        const auto* object = visit.instance().if_object();
        if (object == nullptr || !visit.spend(object->size())) return;
        for (const auto& member : *object) {
            const Value name(member.key());
            if (!visit.part_holds(*node, name)) {
                visit.fail("propertyNames", fmt::format("{} is not allowed as a key", shown(member.key())));
            }
        }
    });
    return {};
}

base::Result<> compile_dependencies(const Source& source) {
    TRY(required, source.object("dependentRequired"));
    if (required != nullptr) {
        for (const auto& each : *required) {
            TRY_VOID(add_dependent_required(source, "dependentRequired", each.key(), each.value()));
        }
    }
    TRY(schemas, source.object("dependentSchemas"));
    if (schemas != nullptr) {
        for (const auto& each : *schemas) {
            TRY_VOID(add_dependent_schema(source, "dependentSchemas", each.key(), each.value()));
        }
    }
    TRY(mixed, source.object("dependencies"));  // draft-07
    if (mixed != nullptr) {
        for (const auto& each : *mixed) {
            const auto add = each.value().is_array() ? add_dependent_required : add_dependent_schema;
            TRY_VOID(add(source, "dependencies", each.key(), each.value()));
        }
    }
    return {};
}

base::Result<> compile_unevaluated_properties(const Source& source) {
    TRY(node, source.subschema("unevaluatedProperties"));
    if (node == nullptr) return {};
    source.compiler.need_tracking();
    source.add([node](Visit& visit) {
        const auto* object = visit.instance().if_object();
        if (object == nullptr || !visit.spend(object->size())) return;
        std::size_t index = 0;
        for (const auto& member : *object) {
            if (!visit.marked(index)) {
                visit.require_member(*node, member.key(), member.value(), "unevaluatedProperties",
                                     "unknown key " + shown(member.key()));
            }
            ++index;
        }
        visit.mark_all();
    });
    return {};
}

}  // namespace claviger::json::schema
