#include "scrub/needles.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include <sodium.h>

#include "scrub/plan.hpp"

namespace claviger::scrub {
namespace {

constexpr std::uint64_t kFold = 0x2020202020202020;  // letters of both cases are one, for the filter
constexpr std::size_t kMostStride = 16;
constexpr std::size_t kLongestSpelling = 128;  // bytes for one of the secret's, hardly ever more

std::uint64_t hash_of(const char* window, std::uint64_t multiplier) noexcept {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, window, sizeof bytes);
    return (bytes | kFold) * multiplier;
}

// As ends_base64_line(), with characters that are escaped.
bool may_end_base64_line(std::string_view text, std::size_t at) noexcept {
    if (at < kShortestLine) return false;
    const auto line = text.substr(at - kShortestLine, kShortestLine);
    return std::all_of(line.begin(), line.end(), [](char c) { return is_base64(c) || c == '%' || c == '\\' || c == '&' || c == '#' || c == ';'; });
}

// Whether `c`, said by an escape, may begin an escape of the next layer with what follows.
bool may_introduce(char c, std::string_view rest) {
    if (!rest.empty() && is_introducer(rest[0])) return true;
    std::array<char, kLongestEscape + 1> text{c};
    std::copy(rest.begin(), rest.end(), text.begin() + 1);
    return unit_at({text.data(), rest.size() + 1}, 0).escape;
}

// Joins what overlaps or touches.
void join(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::size_t kept = 0;
    for (const auto& range : ranges) {
        if (kept > 0 && range.begin <= ranges[kept - 1].end) ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
        else ranges[kept++] = range;
    }
    ranges.resize(kept);
}

}  // namespace

NeedlesPtr Needles::make(const std::vector<std::string_view>& secrets, base::Random& random) {
    const Plan plan = Plan::of(secrets);
    return plan.needles.empty() ? nullptr : std::make_shared<const Needles>(plan, random);
}

Needles::Needles(const Plan& plan, base::Random& random) {
    std::size_t shortest = std::numeric_limits<std::size_t>::max();
    for (const auto& one : plan.needles) {
        shortest = std::min(shortest, one.text.size());
        longest_ = std::max(longest_, one.text.size());
    }
    stride_ = std::min(shortest - kWindow + 1, kMostStride);
    within_ = plan.within;
    held_ = plan.held;

    const std::size_t windows = plan.needles.size() * stride_;
    const auto rounded = [](std::size_t bytes) { return (bytes + 15) / 16 * 16; };
    memory_ = base::Secret::zeroed(rounded(sizeof(Keys)) + sizeof(Filter) + rounded(windows * sizeof(Window)) +
                                   rounded(plan.needles.size() * sizeof(Needle)));
    std::byte* place = memory_.writable().data();
    const auto take = [&](std::size_t bytes) { return std::exchange(place, place + rounded(bytes)); };
    keys_ = new (take(sizeof(Keys))) Keys();
    filter_ = new (take(sizeof(Filter))) Filter();
    windows_ = {reinterpret_cast<Window*>(take(windows * sizeof(Window))), windows};
    needles_ = {reinterpret_cast<Needle*>(take(plan.needles.size() * sizeof(Needle))), plan.needles.size()};

    random.fill(std::as_writable_bytes(std::span(keys_, 1)));
    keys_->multiplier |= 1;
    std::size_t made = 0;
    for (std::uint32_t i = 0; i < plan.needles.size(); ++i) {
        const auto& one = plan.needles[i];
        const std::string_view text(one.text);
        needles_[i] = {static_cast<std::uint32_t>(text.size()), one.any_case, one.shares_first, one.shares_last, digest_of(text, one.any_case)};
        // At the end of a secret, since many begin alike (JWT, prefixes of keys).
        for (std::size_t back = 0; back < stride_; ++back) {
            const auto offset = static_cast<std::uint32_t>(text.size() - kWindow - back);
            const auto hash = hash_of(text.data() + offset, keys_->multiplier);
            const auto bit = hash >> (64 - kFilterBits);
            (*filter_)[bit / 64] |= std::uint64_t{1} << bit % 64;
            windows_[made++] = {static_cast<std::uint32_t>(hash >> 32), i, offset};
        }
    }
    std::sort(windows_.begin(), windows_.end(), [](const Window& a, const Window& b) { return a.hash < b.hash; });
}

Needles::Digest Needles::digest_of(std::string_view bytes, bool any_case) const {
    base::WipedString folded;
    if (any_case) {
        folded.assign(bytes);
        for (char& c : folded) c = c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c;
        bytes = folded;
    }
    Digest digest{};
    crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                       keys_->digest.data(), keys_->digest.size());
    return digest;
}

void Needles::search(std::string_view text, std::vector<Range>& found) const {
    const std::uint64_t multiplier = keys_->multiplier;
    const Filter& filter = *filter_;
    for (std::size_t at = 0, stride = stride_; at + kWindow <= text.size(); at += stride) {
        const auto hash = hash_of(text.data() + at, multiplier);
        const auto bit = hash >> (64 - kFilterBits);
        if ((filter[bit / 64] >> bit % 64 & 1) != 0) [[unlikely]] check(text, at, static_cast<std::uint32_t>(hash >> 32), found);
    }
}

void Needles::check(std::string_view text, std::size_t at, std::uint32_t hash, std::vector<Range>& found) const {
    const auto by_hash = [](const Window& window, std::uint32_t wanted) { return window.hash < wanted; };
    for (auto window = std::lower_bound(windows_.begin(), windows_.end(), hash, by_hash); window != windows_.end() && window->hash == hash; ++window) {
        const Needle& needle = needles_[window->needle];
        if (window->offset > at || text.size() - (at - window->offset) < needle.length) continue;
        Range range{at - window->offset, at - window->offset + needle.length};
        const auto digest = digest_of(text.substr(range.begin, needle.length), needle.any_case != 0);
        if (sodium_memcmp(digest.data(), needle.digest.data(), digest.size()) != 0) continue;
        if (needle.shares_first != 0 && range.begin > 0 && is_base64(text[range.begin - 1])) --range.begin;
        if (needle.shares_last != 0 && range.end < text.size() && is_base64(text[range.end])) ++range.end;
        found.push_back(range);
    }
}

bool Needles::matters(std::string_view text, std::size_t at, const Unit& unit) const {
    if (unit.length == 0) return true;
    for (std::size_t i = 0; i < unit.length; ++i) {
        const char c = unit.byte(i);
        if (c == '\n' || c == '\r') {
            if (ends_base64_line(text, at)) return true;
        } else if (is_introducer(c)) {
            if (held_[static_cast<unsigned char>(c)] || may_introduce(c, text.substr(at + unit.taken, kLongestEscape))) return true;
        } else if (within_[static_cast<unsigned char>(c)]) {
            return true;
        }
    }
    return false;
}

std::size_t Needles::next_escape(std::string_view text, std::size_t from, std::size_t until) const {
    const bool quotes_matter = within_['"'];
    for (std::size_t at = next_introducer(text, from); at < until; at = next_introducer(text, at)) {
        // Most of what there is, without a closer look: line ends of ordinary text, \n and \" of JSON.
        const char c = text[at], next = at + 1 < text.size() ? text[at + 1] : ' ';
        const bool after_base64 = at > 0 && is_base64(text[at - 1]);
        if (c == '\n' && !after_base64) {
            ++at;
        } else if (c == '\\' && ((next == 'n' && !after_base64) || (next == '"' && !quotes_matter))) {
            at += 2;
        } else {
            const auto unit = unit_at(text, at);
            if (unit.escape && matters(text, at, unit)) return at;
            at += unit.taken;
        }
    }
    return until;
}

Range Needles::next_region(std::string_view text, std::size_t from) const {
    // What a needle may begin and end with before its first and behind its last escape; between two that are near each
    // other nobody looks for more.
    constexpr std::size_t kNear = 1024;
    const std::size_t before = longest_ + kShortestLine, behind = longest_ + kNear + kLongestEscape;
    std::size_t escape = next_escape(text, from, text.size());
    if (escape == text.size()) return {};
    Range region{escape > before ? escape - before : 0, 0};
    for (std::size_t until = 0; escape < text.size(); escape = escape < until ? escape : text.size()) {
        region.end = std::min(escape + behind, text.size());
        until = std::min(region.end + before, text.size());
        escape = next_escape(text, std::min(escape + kNear, text.size()), until);
    }
    return region;
}

void Needles::find_below(std::string_view text, int depth, std::vector<Range>& found) const {
    search(text, found);
    if (depth == kLayers) return;
    for (auto region = next_region(text, 0); region.end > 0; region = next_region(text, region.end)) {
        const auto part = text.substr(region.begin, region.end - region.begin);
        base::WipedString layer;
        unescape(part, layer);
        std::vector<Range> deeper;
        find_below(layer, depth + 1, deeper);
        join(deeper);
        spell_out(part, deeper);
        for (const auto& range : deeper) found.push_back({range.begin + region.begin, range.end + region.begin});
    }
}

std::vector<Range> Needles::find(std::string_view text) const {
    std::vector<Range> found;
    find_below(text, 0, found);
    join(found);
    return found;
}

std::size_t Needles::mask(std::span<char> text) const {
    const auto found = find({text.data(), text.size()});
    for (const auto& range : found) std::fill(text.begin() + static_cast<std::ptrdiff_t>(range.begin), text.begin() + static_cast<std::ptrdiff_t>(range.end), kMask);
    return found.size();
}

bool Needles::may_be_within(std::string_view text, std::size_t at) const noexcept {
    const char c = text[at];
    if (within_[static_cast<unsigned char>(c)]) return true;
    if (c != '\n' && c != '\r') return false;
    const bool second = c == '\n' && at > 0 && text[at - 1] == '\r';
    const char next = at + 1 < text.size() ? text[at + 1] : 'A';
    const bool break_again = next == '\n' || next == '\r';
    const bool goes_on = break_again ? c == '\r' && next == '\n' : is_base64(next) || is_introducer(next);
    return goes_on && may_end_base64_line(text, second ? at - 1 : at);
}

Needles::Settled Needles::settled(std::string_view text) const noexcept {
    // With no escape at the end of the text as many bytes say as many; with escapes a needle may be far longer.
    const std::size_t plain = longest_ + kShortestLine;
    std::size_t most = plain, at = text.size();
    while (at > 0 && text.size() - at < most && may_be_within(text, at - 1)) {
        --at;
        if (is_introducer(text[at])) most = std::max(plain, std::min(longest_ * kLongestSpelling, kLongestHeld));
    }
    // Cut within a run, what a line break is cannot be told any more when the text before it has gone.
    const bool cut = at > 0 && may_be_within(text, at - 1);
    return {at, cut ? at + kShortestLine : at};
}

}  // namespace claviger::scrub
