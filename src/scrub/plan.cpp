#include "scrub/plan.hpp"

#include <algorithm>

#include <sodium.h>

namespace claviger::scrub {
namespace {

base::WipedString encoded(std::string_view bytes, int variant) {
    base::WipedString out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), variant);
    out.resize(out.size() - 1);  // its terminating zero
    return out;
}

}  // namespace

void Needles::Plan::add(std::string_view text, bool any_case, bool shares_first, bool shares_last) {
    if (text.size() < kShortestSecret) return;
    const bool known = std::any_of(needles.begin(), needles.end(), [&](const One& one) { return std::string_view(one.text) == text; });
    if (!known) needles.push_back({base::WipedString(text), any_case, shares_first, shares_last});
}

// A secret that itself holds what looks like escapes is taken for these when its text is unescaped: what becomes of it then
// is looked for too, for each choice of kinds, as the others may have been escaped on their way.
void Needles::Plan::add_readings(std::string_view secret) {
    add(secret);
    if (secret.find(' ') != std::string_view::npos) {
        base::WipedString form(secret);  // application/x-www-form-urlencoded
        std::replace(form.begin(), form.end(), ' ', '+');
        add(form);
    }
    if (next_introducer(secret, 0) == secret.size()) return;
    for (Escapes kinds = 1; kinds <= kAllEscapes; ++kinds) {
        base::WipedString reading(secret);
        for (int layer = 0; layer < kLayers; ++layer) {
            base::WipedString next;
            next.reserve(reading.size());
            unescape(reading, next, kinds);
            if (next == reading) break;
            add(next);
            reading = std::move(next);
        }
    }
}

void Needles::Plan::add_base64(std::string_view secret) {
    for (std::size_t before = 0; before < 3; ++before) {
        base::WipedString padded(before, '\0');
        padded += secret;
        // The characters that say bits of the secret and nothing else.
        const std::size_t first = (before * 8 + 5) / 6, last = padded.size() * 8 / 6;
        for (const int variant : {sodium_base64_VARIANT_ORIGINAL_NO_PADDING, sodium_base64_VARIANT_URLSAFE_NO_PADDING}) {
            const auto text = encoded(padded, variant);
            add(std::string_view(text).substr(first, last - first), false, before != 0, padded.size() % 3 != 0);
        }
    }
}

void Needles::Plan::add_hex(std::string_view secret) {
    base::WipedString text(secret.size() * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
    add(std::string_view(text).substr(0, secret.size() * 2), true);
}

// Little-endian but for the last zero byte: that much is also in the big-endian text.
void Needles::Plan::add_utf16(std::string_view secret) {
    if (std::any_of(secret.begin(), secret.end(), [](char c) { return (c & 0x80) != 0; })) return;
    base::WipedString text;
    text.reserve(secret.size() * 2);
    for (const char c : secret) {
        if (!text.empty()) text += '\0';
        text += c;
    }
    add(text);
}

Needles::Plan Needles::Plan::of(const std::vector<std::string_view>& secrets) {
    Plan plan;
    for (unsigned c = 0; c < 128; ++c) plan.within[c] = is_base64(static_cast<char>(c));
    for (const char c : {'.', '~', ':', '%', '\\', '&', '#', ';', '\0'}) plan.within[static_cast<unsigned char>(c)] = true;
    for (std::string_view secret : secrets) {
        if (secret.size() < kShortestSecret) continue;
        if (secret.size() > kLongestSecret) secret.remove_prefix(secret.size() - kLongestSecret);
        plan.add_readings(secret);
        plan.add_base64(secret);
        plan.add_hex(secret);
        plan.add_utf16(secret);
    }
    for (const auto& one : plan.needles) {
        for (const char c : one.text) plan.within[static_cast<unsigned char>(c)] = plan.held[static_cast<unsigned char>(c)] = true;
    }
    return plan;
}

}  // namespace claviger::scrub
