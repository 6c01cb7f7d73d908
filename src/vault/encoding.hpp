// The byte encoding of everything the vault seals or authenticates: big-endian integers, byte strings behind a
// 32-bit length. Injective, so that two different lists of fields never give the same bytes (VA-02).
// Format: docs/formats/vault.md. Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace claviger::vault {

// String is std::string, or WipedString for what holds key material.
template <class String>
class BasicEncoder {
public:
    BasicEncoder& u8(std::uint8_t value) { return number(value, 1); }
    BasicEncoder& u32(std::uint32_t value) { return number(value, 4); }
    BasicEncoder& u64(std::uint64_t value) { return number(value, 8); }
    BasicEncoder& i64(std::int64_t value) { return number(static_cast<std::uint64_t>(value), 8); }
    BasicEncoder& raw(std::string_view bytes) {
        bytes_.append(bytes.data(), bytes.size());
        return *this;
    }
    BasicEncoder& text(std::string_view bytes) { return u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes); }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
    void reserve(std::size_t size) { bytes_.reserve(size); }

private:
    BasicEncoder& number(std::uint64_t value, int size) {
        for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift & 0xff);
        return *this;
    }
    String bytes_;
};

using Encoder = BasicEncoder<std::string>;
using SecretEncoder = BasicEncoder<base::WipedString>;

// Reads the same back. After a read past the end, ok() is false and every value is zero or empty.
class Decoder {
public:
    explicit Decoder(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(number(8)); }
    std::string_view raw(std::size_t size) {
        if (size > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const char byte : raw(size)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace claviger::vault
