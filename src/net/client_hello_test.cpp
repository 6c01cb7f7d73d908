#include "net/client_hello.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>

#include "base/error.hpp"

namespace claviger::net {
namespace {

using base::ErrorCode;

// What OpenSSL says first.
std::string hello_for(const char* name, int version = TLS1_3_VERSION, const std::string& protocols = "") {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), version);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl.get());
    if (name != nullptr) SSL_set_tlsext_host_name(ssl.get(), name);
    if (!protocols.empty()) SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols.data()), static_cast<unsigned>(protocols.size()));
    SSL_do_handshake(ssl.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string number(std::size_t value, int size) {
    std::string bytes;
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
    return bytes;
}

std::string record(std::string_view fragment) { return std::string("\x16\x03\x01", 3) + number(fragment.size(), 2) + std::string(fragment); }

std::string hello_with(const std::string& extensions) {
    const std::string body = std::string(34, 'r') + std::string(1, '\0') + number(2, 2) + "\x13\x01" + number(1, 1) + std::string(1, '\0') + number(extensions.size(), 2) + extensions;
    return record("\x01" + number(body.size(), 3) + body);
}

std::string extension(std::size_t kind, const std::string& value) { return number(kind, 2) + number(value.size(), 2) + value; }

std::string names(const std::string& entries) { return extension(0, number(entries.size(), 2) + entries); }

std::string entry(std::size_t kind, const std::string& name) { return number(kind, 1) + number(name.size(), 2) + name; }

TEST(ClientHello, PX06_tells_the_name_that_openssl_wrote) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const char* name : {"api.acme.com", "a", "API.Acme.Com", "xn--bcher-kva.example"}) {
            const auto hello = read_client_hello(hello_for(name, version, std::string("\x02h2\x08http/1.1", 12)));
            ASSERT_TRUE(hello && *hello) << name;
            EXPECT_EQ((*hello)->server_name, name);
        }
        const auto unnamed = read_client_hello(hello_for(nullptr, version));
        ASSERT_TRUE(unnamed && *unnamed);
        EXPECT_EQ((*unnamed)->server_name, "");
    }
}

TEST(ClientHello, a_part_of_one_wants_more_and_what_follows_it_does_not_matter) {
    const std::string whole = hello_for("api.acme.com");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto part = read_client_hello(std::string_view(whole).substr(0, size));
        ASSERT_TRUE(part) << size;
        EXPECT_FALSE(*part) << size;
    }
    const auto more = read_client_hello(whole + record("anything"));
    ASSERT_TRUE(more && *more);
    EXPECT_EQ((*more)->server_name, "api.acme.com");
}

TEST(ClientHello, it_may_be_cut_into_records_at_any_place) {
    const std::string handshake = hello_for("api.acme.com").substr(5);
    for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
        std::string records;
        for (std::size_t at = 0; at < handshake.size(); at += size) records += record(std::string_view(handshake).substr(at, size));
        const auto hello = read_client_hello(records);
        ASSERT_TRUE(hello && *hello) << size;
        EXPECT_EQ((*hello)->server_name, "api.acme.com");
    }
}

TEST(ClientHello, T4_what_two_readers_could_read_in_two_ways_is_refused) {
    const std::string good = entry(0, "a.example");
    const struct {
        const char* what;
        std::string bytes;
    } rows[] = {
        {"two names", hello_with(names(good + entry(0, "b.example")))},
        {"two extensions", hello_with(names(good) + names(good))},
        {"an empty name", hello_with(names(entry(0, "")))},
        {"bytes behind the names", hello_with(extension(0, number(good.size(), 2) + good + "x"))},
        {"a name that is cut", hello_with(extension(0, number(good.size() + 1, 2) + good))},
        {"an extension that is cut", hello_with(number(0, 2) + number(99, 2) + "x")},
        {"another message", record(std::string("\x02\0\0\x01x", 5))},
        {"another record", std::string("\x17\x03\x03\0\x01x", 6)},
        {"another record within it", record("\x01") + std::string("\x17\x03\x03\0\x01x", 6)},
        {"another version", std::string("\x16\x02\x01\0\x01\x01", 6)},
        {"an empty record", std::string("\x16\x03\x01\0\0", 5)},
        {"a record that is too long", std::string("\x16\x03\x01\x40\x01\x01", 6)},
        {"a body that is cut", record(std::string("\x01\0\0\x02", 4) + "xx")},
    };
    for (const auto& row : rows) {
        const auto hello = read_client_hello(row.bytes);
        ASSERT_FALSE(hello) << row.what;
        EXPECT_EQ(hello.error().code, ErrorCode::protocol) << row.what;
    }
    const auto other_kind = read_client_hello(hello_with(names(entry(7, "other") + good)));
    ASSERT_TRUE(other_kind && *other_kind);
    EXPECT_EQ((*other_kind)->server_name, "a.example") << "kinds of names that are not known are passed over";
    EXPECT_EQ(read_client_hello(record("\x01" + number(0xffffff, 3))).error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace claviger::net
