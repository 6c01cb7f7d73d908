// Text templates of a definition: "{{user}}:{{pass}}" + a lookup -> text. One pass: an inserted value is never read as
// a template (PX-24). (The {variables} of URLs are expand.hpp's.) Thread rule: pure functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::provider {

// Gives the value of a field, or nothing when there is no such field.
using FieldLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

// ErrorCode::invalid_input when a name is unknown or malformed; the message holds names, never values. `owner` is the
// definition's name, for the message.
base::Result<base::Secret> render_text(std::string_view text, std::string_view owner, const FieldLookup& find);

// The names in a template, in order, malformed ones too.
std::vector<std::string> fields_in(std::string_view text);

}  // namespace claviger::provider
