// XML from outside, and texts put into XML of ours. Beyond not crashing: what was read has one root, an error is a sentence, and
// what was escaped reads as itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"
#include "json/xml.hpp"

namespace {

using namespace claviger;

void require(bool holds) {
    if (!holds) std::abort();
}

void escape(std::string_view text) {
    base::WipedString body("<a>");
    if (!json::append_xml_escaped(body, text)) return;
    body.append("</a>");
    const auto value = json::parse_xml(body, {.max_bytes = SIZE_MAX});
    require(value && json::string_at(value->get_object(), "a") == base::trim(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = claviger::json::parse_xml(text);
    require(value ? value->is_object() && value->get_object().size() == 1 : value.error().message.starts_with("the XML "));
    if (size < 4096) escape(text);
    return 0;
}
