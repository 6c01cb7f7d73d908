#include "json/xml.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <expat.h>
#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::json {
namespace {

using base::ErrorCode;

// The parser's memory holds what it reads: a header keeps the size, so that all of it is wiped.
constexpr std::size_t kHeader = alignof(std::max_align_t);

void* allocate(std::size_t bytes) {
    if (bytes > SIZE_MAX - kHeader) return nullptr;
    auto* block = static_cast<std::byte*>(std::malloc(kHeader + bytes));
    if (block == nullptr) return nullptr;
    std::memcpy(block, &bytes, sizeof bytes);
    return block + kHeader;
}

std::size_t size_of(const void* memory) {
    std::size_t bytes = 0;
    std::memcpy(&bytes, static_cast<const std::byte*>(memory) - kHeader, sizeof bytes);
    return bytes;
}

void release(void* memory) {
    if (memory == nullptr) return;
    base::wipe(memory, size_of(memory));
    std::free(static_cast<std::byte*>(memory) - kHeader);
}

void* reallocate(void* memory, std::size_t bytes) {
    void* fresh = allocate(bytes);
    if (fresh == nullptr || memory == nullptr) return fresh;
    std::memcpy(fresh, memory, std::min(bytes, size_of(memory)));
    release(memory);
    return fresh;
}

class Builder {
public:
    Builder(XML_Parser parser, const XmlLimits& limits) : parser_(parser), limits_(limits) {
        XML_SetUserData(parser, this);
        XML_SetElementHandler(parser, started, ended);
        XML_SetCharacterDataHandler(parser, said);
        XML_SetStartDoctypeDeclHandler(parser, doctype);
        XML_SetXmlDeclHandler(parser, declared);
    }
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;

    [[nodiscard]] std::string_view refusal() const { return refusal_; }
    Value take() { return Value(std::move(root_), secret_storage()); }

private:
    struct Open {
        base::WipedString name, text;
        Object members{secret_storage()};
    };
    static Builder& of(void* self) { return *static_cast<Builder*>(self); }

    // No exception (of memory alone) may pass through the parser's frames, which are C: it ends the process here.
    static void started(void* self, const XML_Char* name, const XML_Char** attributes) noexcept { of(self).start(name, attributes); }
    static void ended(void* self, const XML_Char*) noexcept { of(self).end(); }
    static void said(void* self, const XML_Char* text, int bytes) noexcept {
        auto& open = of(self).open_;
        if (!open.empty()) open.back().text.append(text, static_cast<std::size_t>(bytes));
    }
    static void doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) { of(self).refuse("has a DOCTYPE, which is never read"); }
    static void declared(void* self, const XML_Char*, const XML_Char* encoding, int) {
        if (encoding == nullptr || base::equal_ignoring_case(encoding, "utf-8") || base::equal_ignoring_case(encoding, "us-ascii")) return;
        of(self).refuse("is not UTF-8");
    }

    void refuse(std::string_view why) {
        refusal_ = why;
        XML_StopParser(parser_, XML_FALSE);
    }

    void start(const XML_Char* name, const XML_Char** attributes) {
        if (!refusal_.empty()) return;
        if (open_.size() >= limits_.max_depth) return refuse("is nested too deeply");
        auto& open = open_.emplace_back();
        open.name = name;
        for (; *attributes != nullptr; attributes += 2) open.members[std::string("@") + attributes[0]] = std::string_view(attributes[1]);
    }

    void end() {
        if (!refusal_.empty()) return;
        Open open = std::move(open_.back());
        open_.pop_back();
        const auto text = base::trim(open.text);
        Value value(secret_storage());
        if (open.members.empty()) {
            value.emplace_string() = text;
        } else {
            if (!text.empty()) open.members["#text"].emplace_string() = text;
            value = std::move(open.members);
        }
        put(open_.empty() ? root_ : open_.back().members, open.name, std::move(value));
    }

    // An element's own value is never a list, so a list is of elements of one name.
    static void put(Object& into, std::string_view name, Value value) {
        auto* before = into.if_contains(name);
        if (before == nullptr) {
            into.emplace(name, std::move(value));
        } else if (auto* list = before->if_array()) {
            list->push_back(std::move(value));
        } else {
            Array both(secret_storage());
            both.push_back(std::move(*before));
            both.push_back(std::move(value));
            *before = std::move(both);
        }
    }

    XML_Parser parser_;
    const XmlLimits& limits_;
    std::vector<Open> open_;
    Object root_{secret_storage()};
    std::string_view refusal_;
};

// XML 1.0 section 2.2, without what UTF-8 itself forbids.
bool holds_only_characters_of_xml(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
        // U+FFFE and U+FFFF
        if (byte == 0xef && text.substr(at, 2) == "\xef\xbf" && at + 2 < text.size() && static_cast<unsigned char>(text[at + 2]) >= 0xbe) return false;
    }
    return true;
}

}  // namespace

base::Result<Value> parse_xml(std::string_view text, const XmlLimits& limits) {
    const auto failed = [](std::string_view why) { return base::fail(ErrorCode::invalid_input, fmt::format("the XML {}", why)); };
    if (text.size() > limits.max_bytes) return failed("is too long");
    // Expat would take UTF-16 by its first bytes, with and without a mark, whatever the encoding that it is told.
    if (!base::valid_utf8(text) || text.find('\0') != std::string_view::npos) return failed("is not UTF-8");
    const XML_Memory_Handling_Suite memory{allocate, reallocate, release};
    // The encoding that is named here counts whatever the text declares.
    const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
        XML_ParserCreate_MM("UTF-8", &memory, nullptr), XML_ParserFree);
    if (!parser) return failed("could not be read: out of memory");
    Builder builder(parser.get(), limits);
    const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
    if (!builder.refusal().empty()) return failed(builder.refusal());
    if (status == XML_STATUS_OK) return builder.take();
    return failed(fmt::format("is not well-formed in line {}: {}", XML_GetCurrentLineNumber(parser.get()),
                              XML_ErrorString(XML_GetErrorCode(parser.get()))));
}

base::Result<void> append_xml_escaped(base::WipedString& out, std::string_view text) {
    if (!base::valid_utf8(text) || !holds_only_characters_of_xml(text))
        return base::fail(ErrorCode::invalid_input, "has a character that XML cannot hold");
    for (const char c : text) {
        switch (c) {
            case '&': out.append("&amp;"); break;
            case '<': out.append("&lt;"); break;
            case '>': out.append("&gt;"); break;
            case '"': out.append("&quot;"); break;
            case '\'': out.append("&apos;"); break;
            case '\t': out.append("&#9;"); break;   // as they stand a reader would make spaces or line feeds of them
            case '\n': out.append("&#10;"); break;
            case '\r': out.append("&#13;"); break;
            default: out.push_back(c);
        }
    }
    return {};
}

}  // namespace claviger::json
