#include "json/schema/comparison.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

namespace claviger::json::schema {
namespace {

// Holds every int64, uint64 and double exactly.
using Wide = long double;
static_assert(std::numeric_limits<Wide>::digits >= 64);

Wide wide(const Value& number) {
    if (const auto* i = number.if_int64()) return static_cast<Wide>(*i);
    if (const auto* u = number.if_uint64()) return static_cast<Wide>(*u);
    return number.get_double();
}

__extension__ using Wide128 = unsigned __int128;

// |number| = digits * 10^exponent.
struct Decimal {
    std::uint64_t digits = 0;
    int exponent = 0;
};

Decimal decimal(const Value& number) {
    if (const auto* i = number.if_int64()) {
        return {*i < 0 ? 0 - static_cast<std::uint64_t>(*i) : static_cast<std::uint64_t>(*i), 0};
    }
    if (const auto* u = number.if_uint64()) return {*u, 0};
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(number.get_double()),
                                   std::chars_format::scientific).ptr;
    Decimal result;
    const char* at = buffer.data();
    bool fraction = false;
    for (; at != end && *at != 'e'; ++at) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        result.digits = result.digits * 10 + static_cast<std::uint64_t>(*at - '0');
        if (fraction) --result.exponent;
    }
    int exponent = 0;
    if (at != end) std::from_chars(at + (at[1] == '+' ? 2 : 1), end, exponent);
    result.exponent += exponent;
    return result;
}

std::size_t mix(std::size_t a, std::size_t b) { return (a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2))) * 31; }

}  // namespace

bool is_integer(const Value& value) {
    if (value.is_int64() || value.is_uint64()) return true;
    const auto* real = value.if_double();
    return real != nullptr && std::isfinite(*real) && std::trunc(*real) == *real;
}

int compare_numbers(const Value& a, const Value& b) {
    const Wide x = wide(a), y = wide(b);
    return x < y ? -1 : x > y ? 1 : 0;
}

bool is_multiple(const Value& number, const Value& divisor) {
    const Decimal a = decimal(number), b = decimal(divisor);
    if (a.digits == 0) return true;
    int shift = a.exponent - b.exponent;
    if (shift >= 0) {
        auto rest = static_cast<Wide128>(a.digits % b.digits);
        for (; shift > 0 && rest != 0; --shift) rest = rest * 10 % b.digits;
        return rest == 0;
    }
    auto larger = static_cast<Wide128>(b.digits);
    for (; shift < 0; ++shift) {
        larger *= 10;
        if (larger > a.digits) return false;
    }
    return a.digits % static_cast<std::uint64_t>(larger) == 0;
}

bool equal(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
    if (a.kind() != b.kind()) return false;
    if (const auto* array = a.if_array()) {
        const Array& other = b.get_array();
        return std::equal(array->begin(), array->end(), other.begin(), other.end(), equal);
    }
    if (const auto* object = a.if_object()) {
        const Object& other = b.get_object();
        return object->size() == other.size() && std::all_of(object->begin(), object->end(), [&](const auto& member) {
                   const Value* there = find(other, member.key());
                   return there != nullptr && equal(member.value(), *there);
               });
    }
    return a == b;
}

std::size_t hash(const Value& value) {
    if (value.is_number()) return std::hash<double>{}(static_cast<double>(wide(value)));
    if (const auto* text = value.if_string()) return mix(1, std::hash<std::string_view>{}(*text));
    if (const auto* boolean = value.if_bool()) return *boolean ? 2 : 3;
    std::size_t result = 5;
    if (const auto* array = value.if_array()) {
        for (const Value& each : *array) result = mix(result, hash(each));
    } else if (const auto* object = value.if_object()) {
        for (const auto& member : *object) {  // a sum: the order does not matter
            result += mix(std::hash<std::string_view>{}(member.key()), hash(member.value()));
        }
        result = mix(7, result);
    }
    return result;
}

}  // namespace claviger::json::schema
