// Needles: the secrets of one credential in every spelling that a service is likely to answer with (PX-20): as they are,
// in base64 and base64url at each of the three alignments, in hexadecimal of either case, in UTF-16, and all of these
// percent-encoded, backslash-escaped or as HTML character references, up to kLayers deep and mixed, base64 also in lines.
// docs/security-model.md lists them; ADR 13 says why they are found in this way:
//   - A keyed hash of 8 bytes is looked at at every stride-th place, and only what hits is compared, by a keyed digest. So
//     how long a search takes tells nothing of the secret to a program that chooses what is searched, and a needle is not
//     kept, only its digest, in the locked memory of base::Secret.
//   - How much of a stream's end is held back depends on which characters stand there, not on the secret's.
// Owned by whoever holds the credential. Thread rule: immutable after make().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/secret.hpp"
#include "scrub/unescape.hpp"

namespace claviger::scrub {

inline constexpr std::size_t kShortestSecret = 8;      // shorter ones are found in every text by chance
inline constexpr std::size_t kLongestSecret = 16384;   // of a longer one, its end
inline constexpr std::size_t kLongestHeld = 32768;     // of a stream; a longer spelling is not found
inline constexpr int kLayers = 3;
inline constexpr char kMask = '*';

class Needles;
using NeedlesPtr = std::shared_ptr<const Needles>;

class Needles {
public:
    // Of several equal secrets one counts. Null when none is long enough.
    static NeedlesPtr make(const std::vector<std::string_view>& secrets, base::Random& random);

    // Where in `text` needles stand, ascending and disjoint. A character of base64 that says bits of a secret and of its
    // neighbour counts as the secret's.
    [[nodiscard]] std::vector<Range> find(std::string_view text) const;
    // Overwrites them with kMask, so that nothing moves. Returns how many there were.
    std::size_t mask(std::span<char> text) const;
    // What of a stream's text may go.
    struct Settled {
        std::size_t passed;  // a needle that `text` shows the beginning of, but not the end, begins there or later
        std::size_t found;   // needles that begin before it are to be overwritten now; the others will be found again
    };
    [[nodiscard]] Settled settled(std::string_view text) const noexcept;

    // Use make().
    struct Plan;
    Needles(const Plan& plan, base::Random& random);

private:
    static constexpr std::size_t kWindow = 8;
    static constexpr unsigned kFilterBits = 15;
    using Filter = std::array<std::uint64_t, (1U << kFilterBits) / 64>;
    using Digest = std::array<unsigned char, 16>;
    struct Needle {
        std::uint32_t length;
        std::uint8_t any_case, shares_first, shares_last;  // the two: with a neighbour, in base64
        Digest digest;
    };
    struct Window {
        std::uint32_t hash, needle, offset;
    };
    struct Keys {
        std::uint64_t multiplier;
        std::array<unsigned char, 32> digest;
    };

    [[nodiscard]] Digest digest_of(std::string_view bytes, bool any_case) const;
    void search(std::string_view text, std::vector<Range>& found) const;
    void check(std::string_view text, std::size_t at, std::uint32_t hash, std::vector<Range>& found) const;
    // In `text` and, layer by layer, in what its escapes mean.
    void find_below(std::string_view text, int depth, std::vector<Range>& found) const;
    // Around escapes that may be within needles; empty when no more come.
    [[nodiscard]] Range next_region(std::string_view text, std::size_t from) const;
    [[nodiscard]] std::size_t next_escape(std::string_view text, std::size_t from, std::size_t until) const;
    [[nodiscard]] bool matters(std::string_view text, std::size_t at, const Unit& unit) const;
    [[nodiscard]] bool may_be_within(std::string_view text, std::size_t at) const noexcept;

    base::Secret memory_;  // of the four
    Keys* keys_ = nullptr;
    Filter* filter_ = nullptr;
    std::span<Window> windows_;  // ascending by hash
    std::span<Needle> needles_;
    std::size_t stride_ = 1, longest_ = 0;
    std::array<bool, 256> within_{};  // bytes that a needle or its spelling may hold
    std::array<bool, 256> held_{};    // bytes that a needle holds
};

}  // namespace claviger::scrub
