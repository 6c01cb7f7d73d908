// "1 error", "2 errors". Thread rule: a pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace claviger::cli {

inline std::string counted(std::size_t count, std::string_view one, std::string_view many = {}) {
    std::string text = std::to_string(count) + " ";
    if (count == 1) return text.append(one);
    return many.empty() ? text.append(one) + "s" : text.append(many);
}

}  // namespace claviger::cli
