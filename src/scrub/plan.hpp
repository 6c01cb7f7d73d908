// What Needles are made of, while the secrets are at hand. Internal to scrub/. Thread rule: a value.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "scrub/needles.hpp"

namespace claviger::scrub {

struct Needles::Plan {
    struct One {
        base::WipedString text;
        bool any_case = false;
        bool shares_first = false, shares_last = false;
    };
    std::vector<One> needles;  // each once
    std::array<bool, 256> within{};  // bytes that a needle or its spelling may hold
    std::array<bool, 256> held{};    // bytes that a needle holds

    static Plan of(const std::vector<std::string_view>& secrets);

private:
    void add(std::string_view text, bool any_case = false, bool shares_first = false, bool shares_last = false);
    void add_readings(std::string_view secret);
    void add_base64(std::string_view secret);
    void add_hex(std::string_view secret);
    void add_utf16(std::string_view secret);
};

}  // namespace claviger::scrub
