// XML of others as JSON values, so that pointers lead into it, and texts put into XML of ours. An element with text alone is
// a string (its ends trimmed), one with attributes or children an object: "@name" an attribute, a child under its name (a list
// where it comes again), "#text" the text beside them. The root element is the one member of the value. Names keep their
// prefixes. UTF-8 alone; a DOCTYPE is refused, so that no entity is ever declared. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "json/value.hpp"

namespace claviger::json {

struct XmlLimits {
    std::size_t max_bytes = 1 << 20;  // OA-10
    std::size_t max_depth = 64;
};

// In memory for secrets, the parser's own too (VA-08). ErrorCode::invalid_input; the message never quotes the text.
base::Result<Value> parse_xml(std::string_view text, const XmlLimits& limits = {});

// Appends `text` so that it reads as itself in an element or an attribute. ErrorCode::invalid_input, which does not quote it,
// when it is not UTF-8 or has a character that XML cannot hold.
base::Result<void> append_xml_escaped(base::WipedString& out, std::string_view text);

}  // namespace claviger::json
