#include "net/client_hello.hpp"

#include <algorithm>

namespace claviger::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr unsigned kClientHello = 1, kServerNameExtension = 0, kHostName = 0;
constexpr std::size_t kRecordHead = 5, kHandshakeHead = 4, kLongestRecord = 16384;

base::Error malformed(const char* what) { return base::Error::make(ErrorCode::protocol, std::string("no TLS ClientHello: ") + what); }

// Takes fields of growing offset; once one is not whole, nothing is any more.
class Fields {
public:
    explicit Fields(std::string_view bytes) : rest_(bytes) {}
    [[nodiscard]] bool whole() const { return whole_; }
    [[nodiscard]] bool empty() const { return rest_.empty(); }

    std::size_t number(std::size_t size) {
        std::size_t value = 0;
        for (const char byte : bytes(size)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    std::string_view bytes(std::size_t size) {
        if (size > rest_.size()) whole_ = false;
        if (!whole_) return {};
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    // A vector whose length stands before it in so many bytes.
    std::string_view vector(std::size_t length_size) {
        const std::size_t size = number(length_size);
        return bytes(size);
    }

private:
    std::string_view rest_;
    bool whole_ = true;
};

// The handshake bytes of the records that are there so far, whole or not.
Result<std::string> handshake_bytes(std::string_view records) {
    std::string handshake;
    while (!records.empty()) {
        if (records[0] != kTlsHandshakeRecord) return base::fail(malformed("another record stands before its end"));
        if (records.size() < kRecordHead) break;
        if (records[1] != 3) return base::fail(malformed("the version of its record"));
        Fields head(records.substr(3));
        const std::size_t size = head.number(2);
        if (size == 0 || size > kLongestRecord) return base::fail(malformed("the length of its record"));
        handshake += records.substr(kRecordHead, size);
        records.remove_prefix(std::min(records.size(), kRecordHead + size));
    }
    return handshake;
}

Result<std::string> server_name(std::string_view extension) {
    Fields fields(extension);
    Fields names(fields.vector(2));
    std::string name;
    while (names.whole() && !names.empty()) {
        const std::size_t kind = names.number(1);
        const auto value = names.vector(2);
        if (kind != kHostName) continue;
        if (!name.empty() || value.empty()) return base::fail(malformed("its server names"));
        name = value;
    }
    if (!fields.whole() || !names.whole() || !fields.empty()) return base::fail(malformed("its server names"));
    return name;
}

Result<ClientHello> hello_of(std::string_view body) {
    Fields fields(body);
    fields.bytes(2 + 32);  // version, random
    fields.vector(1);      // session id
    fields.vector(2);      // cipher suites
    fields.vector(1);      // compression methods
    ClientHello hello;
    if (!fields.whole()) return base::fail(malformed("it ends within itself"));
    if (fields.empty()) return hello;
    Fields extensions(fields.vector(2));
    bool named = false;
    while (fields.whole() && extensions.whole() && !extensions.empty()) {
        const std::size_t kind = extensions.number(2);
        const auto value = extensions.vector(2);
        if (!extensions.whole() || kind != kServerNameExtension) continue;
        if (named) return base::fail(malformed("it names its server twice"));
        named = true;
        TRY(name, server_name(value));
        hello.server_name = std::move(name);
    }
    if (!fields.whole() || !extensions.whole() || !fields.empty()) return base::fail(malformed("its extensions"));
    return hello;
}

}  // namespace

Result<std::optional<ClientHello>> read_client_hello(std::string_view bytes) {
    TRY(handshake, handshake_bytes(bytes));
    if (!handshake.empty() && static_cast<unsigned char>(handshake[0]) != kClientHello) return base::fail(malformed("another message stands in its place"));
    if (handshake.size() < kHandshakeHead) return std::optional<ClientHello>();
    Fields head(std::string_view(handshake).substr(1));
    const std::size_t size = head.number(3);
    if (size > kLongestClientHello - kHandshakeHead) return base::fail(ErrorCode::limit, "the TLS ClientHello is too long");
    if (handshake.size() - kHandshakeHead < size) return std::optional<ClientHello>();
    TRY(hello, hello_of(std::string_view(handshake).substr(kHandshakeHead, size)));
    return std::optional<ClientHello>(std::move(hello));
}

}  // namespace claviger::net
