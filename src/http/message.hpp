// An HTTP message as a value: what was parsed is what is decided on and what is written again (PX-16).
// Field values are wiped when freed, since any may carry a credential. Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace claviger::http {

struct Field {
    std::string name;        // as received or set; compared without case
    base::WipedString value;  // without surrounding white space
};

class Fields {
public:
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;  // first
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
    void add(std::string_view name, std::string_view value);
    void set(std::string_view name, std::string_view value);  // removes all of that name first
    std::size_t remove(std::string_view name);                 // all of that name; returns how many
    [[nodiscard]] const std::vector<Field>& items() const { return items_; }
    [[nodiscard]] std::vector<Field>& items() { return items_; }

private:
    std::vector<Field> items_;
};

// How a body is delimited (RFC 9112 section 6). The writer derives the framing fields from this; a received
// Content-Length or Transfer-Encoding field is never copied. In an answer to HEAD and in a 304 it tells what the fields
// said about a body that is not sent; reading one gives 0 bytes and writing one sends none.
struct BodyFraming {
    enum class Kind { none, length, chunked, until_close } kind = Kind::none;
    std::uint64_t length = 0;
};

struct RequestHead {
    std::string method;
    std::string target;  // origin-form, absolute-form, authority-form (CONNECT) or *
    int minor_version = 1;
    Fields fields;
    BodyFraming framing;
};

struct ResponseHead {
    int status = 0;
    std::string reason;
    int minor_version = 1;
    Fields fields;
    BodyFraming framing;
};

// RFC 9110 section 5.6.2 token; field values without CTL, leading or trailing space (PX-12).
bool valid_field_name(std::string_view name) noexcept;
bool valid_field_value(std::string_view value) noexcept;
// RFC 9110 section 7.6.1: Connection-nominated and the fixed hop-by-hop fields, Proxy-* included.
void remove_hop_by_hop(Fields& fields);

}  // namespace claviger::http
