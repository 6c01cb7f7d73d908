// JSON texts from outside: reading in both modes, places, all ways of writing, and, when the text is an object,
// its use as a schema. Beyond not crashing: what was read and written reads as the same, and the bounds hold.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/parse.hpp"
#include "json/schema.hpp"

namespace {

using namespace claviger;

void require(bool holds) {
    if (!holds) std::abort();
}

void use_as_schema(const json::Value& document) {
    const auto schema = json::Schema::compile(document, {.assert_formats = true});
    if (!schema) {
        require(schema.error().code == base::ErrorCode::invalid_input && !schema.error().message.empty());
        return;
    }
    for (const auto& each : schema->validate(document)) {
        require(!each.message.empty() && json::at_pointer(document, each.instance_pointer) != nullptr);
    }
}

void read(std::string_view text, bool comments, bool refuse_duplicates) {
    json::ParseOptions options;
    options.comments = comments;
    options.refuse_duplicate_keys = refuse_duplicates;
    const auto value = json::parse(text, options);
    const auto document = json::Document::parse(text, options);
    require(value.has_value() == document.has_value());
    if (!value) {
        require(value.error().message == document.error().message && value.error().message.starts_with("line "));
        return;
    }
    const auto written = json::to_text(*value);
    require(written == json::to_text(document->root()) && written == json::to_secret_text(*value).reveal());
    const auto again = json::parse(written, {.max_bytes = SIZE_MAX});
    require(again && json::to_text(*again) == written);
    const auto pretty = json::parse(json::to_pretty_text(*value), {.max_bytes = SIZE_MAX});
    require(pretty && json::to_text(*pretty) == written);
    const auto canonical = json::to_canonical_text(*value);
    require(json::to_canonical_text(*json::parse(canonical, {.max_bytes = SIZE_MAX})) == canonical);
    require(document->position("").line > 0 && document->position("/a/0").line > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read(text, false, true);
    read(text, true, true);
    read(text, true, false);
    const auto value = claviger::json::parse(text, {.comments = true});
    if (value && value->is_object()) use_as_schema(*value);
    return 0;
}
