// type, enum, const; the assertions on numbers and strings. JSON Schema validation 2020-12, sections 6.1 to 6.3
// and 7.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "json/schema/comparison.hpp"
#include "json/schema/format.hpp"
#include "json/schema/keywords.hpp"
#include "json/schema/pattern.hpp"

namespace claviger::json::schema {
namespace {

struct Type {
    std::string_view name;
    std::string_view article;
    bool (*is)(const Value&);
};
constexpr std::array<Type, 7> kTypes{{
    {"null", "", [](const Value& v) { return v.is_null(); }},
    {"boolean", "a ", [](const Value& v) { return v.is_bool(); }},
    {"object", "an ", [](const Value& v) { return v.is_object(); }},
    {"array", "an ", [](const Value& v) { return v.is_array(); }},
    {"number", "a ", [](const Value& v) { return v.is_number(); }},
    {"integer", "an ", [](const Value& v) { return v.is_number() && is_integer(v); }},
    {"string", "a ", [](const Value& v) { return v.is_string(); }},
}};

base::Result<const Type*> type_named(const Source& source, const Value& name) {
    if (const auto* text = name.if_string()) {
        for (const Type& type : kTypes) {
            if (std::string_view(*text) == type.name) return &type;
        }
    }
    return source.bad("type", "must be null, boolean, object, array, number, integer, string or a list of these");
}

std::string shown(const Value& value) { return base::printable(to_text(value), 100); }

std::size_t length_of(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string characters(std::size_t n) { return fmt::format("{} character{}", n, n == 1 ? "" : "s"); }

base::Result<> compile_bound(const Source& source, std::string_view keyword, std::string_view words,
                             bool (*allows)(int comparison)) {
    TRY(limit, source.number(keyword));
    if (limit == nullptr) return {};
    source.add([keyword, allows, bound = Value(*limit), message = fmt::format("must be {} {}", words, shown(*limit))](
                   Visit& visit) {
        if (visit.instance().is_number() && !allows(compare_numbers(visit.instance(), bound))) visit.fail(keyword, message);
    });
    return {};
}

base::Result<> compile_pattern(const Source& source) {
    TRY(text, source.string("pattern"));
    if (!text) return {};
    TRY(compiled, source.pattern("pattern", *text));
    source.add([pattern = std::move(compiled)](Visit& visit) {
        const auto* string = visit.instance().if_string();
        if (string == nullptr || !visit.spend(pattern.cost(string->size())) || pattern.matches(*string)) return;
        visit.fail("pattern", fmt::format("must match the pattern {}", base::printable(pattern.source(), 200)));
    });
    return {};
}

base::Result<> compile_format(const Source& source) {
    TRY(name, source.string("format"));
    const FormatCheck check = name && source.compiler.options().assert_formats ? format_check(*name) : nullptr;
    if (check == nullptr) return {};
    source.add([check, message = fmt::format("must be a valid {}", *name)](Visit& visit) {
        const auto* string = visit.instance().if_string();
        if (string != nullptr && visit.spend(1 + string->size() / 16) && !check(*string)) visit.fail("format", message);
    });
    return {};
}

}  // namespace

base::Result<> compile_type(const Source& source) {
    const Value* value = find(source.schema, "type");
    if (value == nullptr) return {};
    std::vector<const Type*> allowed;
    if (const auto* list = value->if_array()) {
        for (const Value& each : *list) {
            TRY(type, type_named(source, each));
            allowed.push_back(type);
        }
        if (allowed.empty()) return source.bad("type", "must not be empty");
    } else {
        TRY(type, type_named(source, *value));
        allowed.push_back(type);
    }
    std::string message = "must be ";
    for (std::size_t i = 0; i < allowed.size(); ++i) {
        if (i > 0) message += i + 1 == allowed.size() ? " or " : ", ";
        message += fmt::format("{}{}", allowed[i]->article, allowed[i]->name);
    }
    source.add([allowed = std::move(allowed), message = std::move(message)](Visit& visit) {
        const auto fits = [&](const Type* type) { return type->is(visit.instance()); };
        if (std::none_of(allowed.begin(), allowed.end(), fits)) visit.fail("type", message);
    });
    return {};
}

base::Result<> compile_enum_and_const(const Source& source) {
    TRY(list, source.array("enum"));
    if (list != nullptr) {
        std::vector<std::string> texts;
        for (const Value& each : *list) texts.push_back(each.is_string() ? base::printable(each.get_string(), 100) : shown(each));
        auto message = list->empty() ? "no value is allowed here" : "must be one of " + base::join(texts, ", ");
        source.add([allowed = Array(*list), message = std::move(message)](Visit& visit) {
            if (!visit.spend(allowed.size())) return;
            const auto same = [&](const Value& each) { return equal(each, visit.instance()); };
            if (std::none_of(allowed.begin(), allowed.end(), same)) visit.fail("enum", message);
        });
    }
    if (const Value* constant = find(source.schema, "const")) {
        source.add([only = Value(*constant)](Visit& visit) {
            if (!equal(only, visit.instance())) visit.fail("const", "must be " + shown(only));
        });
    }
    return {};
}

base::Result<> compile_numbers(const Source& source) {
    TRY_VOID(compile_bound(source, "minimum", "at least", [](int c) { return c >= 0; }));
    TRY_VOID(compile_bound(source, "maximum", "at most", [](int c) { return c <= 0; }));
    TRY_VOID(compile_bound(source, "exclusiveMinimum", "more than", [](int c) { return c > 0; }));
    TRY_VOID(compile_bound(source, "exclusiveMaximum", "less than", [](int c) { return c < 0; }));
    TRY(divisor, source.number("multipleOf"));
    if (divisor == nullptr) return {};
    if (compare_numbers(*divisor, Value(0)) <= 0) return source.bad("multipleOf", "must be more than 0");
    source.add([by = Value(*divisor)](Visit& visit) {
        if (!visit.instance().is_number() || is_multiple(visit.instance(), by)) return;
        visit.fail("multipleOf", "must be a multiple of " + shown(by));
    });
    return {};
}

base::Result<> compile_strings(const Source& source) {
    TRY(least, source.count("minLength"));
    if (least) {
        source.add([least = *least](Visit& visit) {
            const auto* string = visit.instance().if_string();
            if (string == nullptr || length_of(*string) >= least) return;
            visit.fail("minLength", string->empty() ? "must not be empty" : fmt::format("must have at least {}", characters(least)));
        });
    }
    TRY(most, source.count("maxLength"));
    if (most) {
        source.add([most = *most](Visit& visit) {
            const auto* string = visit.instance().if_string();
            if (string == nullptr || length_of(*string) <= most) return;
            visit.fail("maxLength", fmt::format("must have at most {}", characters(most)));
        });
    }
    TRY_VOID(compile_pattern(source));
    return compile_format(source);
}

}  // namespace claviger::json::schema
