// A message head as bytes, rebuilt from the model: framing fields come from `framing` alone, and every name, value,
// target and Host is checked by the rules of reading (PX-12, PX-16), so nothing that reaches a peer could be read as
// two messages. Internal to http/. Thread rule: pure functions.
#pragma once

#include "http/message.hpp"
#include "base/error.hpp"

namespace claviger::http {

// Appends to `out`. ErrorCode::invalid_input names the rule, never the bytes.
base::Result<void> append_head(const RequestHead& head, base::WipedString& out);

// What the writer of a response must know besides the head.
struct ResponseContext {
    bool answers_head = false;     // HEAD: framing fields describe, no body follows
    bool answers_connect = false;  // 2xx to CONNECT carries no framing field
    bool add_close = false;        // add "Connection: close"
};
// Fields alone: of a trailer section. Framing fields are left out.
base::Result<void> append_fields(const Fields& fields, base::WipedString& out);
base::Result<void> append_head(const ResponseHead& head, const ResponseContext& context, base::WipedString& out);

}  // namespace claviger::http
