// What a browser sends of a form. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "http/message.hpp"

namespace claviger::api {

using FormPairs = std::vector<std::pair<std::string, base::Secret>>;

// application/x-www-form-urlencoded; nullopt when malformed, or more than 64.
std::optional<FormPairs> read_pairs(std::string_view encoded);
// The one value of that name; nullptr when absent or repeated.
const base::Secret* only(const FormPairs& pairs, std::string_view name);
bool is_form_content(const http::Fields& fields);

}  // namespace claviger::api
