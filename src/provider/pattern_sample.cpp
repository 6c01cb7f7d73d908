#include "provider/pattern_sample.hpp"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <utility>

#include "provider/pattern.hpp"

namespace claviger::provider {
namespace {

using Class = std::bitset<128>;
constexpr std::string_view kWords = "claviger-managed-placeholder-";
constexpr int kDeepest = 16;
constexpr std::size_t kLongEnough = 16;  // of a repetition without an end, so that the words can be read

Class range(char from, char to) {
    Class set;
    for (int c = from; c <= to; ++c) set.set(static_cast<std::size_t>(c));
    return set;
}
Class one(char c) { return range(c, c); }
Class digits() { return range('0', '9'); }
Class word() { return range('a', 'z') | range('A', 'Z') | digits() | one('_'); }
Class printable() { return range('!', '~'); }

// One way through the pattern. Whatever is not known here ends it; the result is tried against the pattern itself.
class Sampler {
public:
    explicit Sampler(std::string_view pattern) : left_(pattern) {}
    std::optional<std::string> whole() {
        auto text = alternatives(0);
        return text && left_.empty() ? text : std::nullopt;
    }

private:
    using Text = std::optional<std::string>;

    bool take(char c) {
        if (!left_.starts_with(c)) return false;
        left_.remove_prefix(1);
        return true;
    }
    char next() {
        const char c = left_.front();
        left_.remove_prefix(1);
        return c;
    }

    Text alternatives(int depth) {  // the first one counts
        auto first = sequence(depth);
        while (first && take('|')) {
            if (!sequence(depth)) return std::nullopt;
        }
        return first;
    }

    Text sequence(int depth) {
        std::string text;
        while (!left_.empty() && left_.front() != '|' && left_.front() != ')') {
            auto piece = repeated(depth);
            if (!piece || text.size() + piece->size() > kLongestSample) return std::nullopt;
            text += *piece;
        }
        return text;
    }

    Text repeated(int depth) {
        std::optional<Class> set;
        std::string group;
        const char c = next();
        if (c == '^' || c == '$') return "";
        if (c == '(') {
            auto inside = group_text(depth);
            if (!inside) return std::nullopt;
            group = std::move(*inside);
        } else if (c == '[') {
            set = brackets();
            if (!set) return std::nullopt;
        } else if (c == '\\') {
            if (left_.empty()) return std::nullopt;
            if (left_.front() == 'A' || left_.front() == 'z' || left_.front() == 'b') return next(), std::string();
            set = escaped();
            if (!set) return std::nullopt;
        } else {
            set = c == '.' ? printable() : one(c);
        }
        const auto times = count(set && set->count() > 1);
        if (!times) return std::nullopt;
        std::string text;
        for (std::size_t i = 0; i < *times && text.size() <= kLongestSample; ++i) {
            if (set) text += member(*set, i);
            else text += group;
        }
        return text;
    }

    Text group_text(int depth) {
        if (depth >= kDeepest) return std::nullopt;
        if (take('?')) {  // (?:...), (?i), (?P<name>...)
            const auto end = left_.find_first_of(":)>");
            if (end == std::string_view::npos) return std::nullopt;
            const bool flags_alone = left_[end] == ')';
            left_.remove_prefix(end + 1);
            if (flags_alone) return "";
        }
        auto text = alternatives(depth + 1);
        return text && take(')') ? text : std::nullopt;
    }

    std::optional<Class> escaped() {
        const char c = next();
        switch (c) {
            case 'd': return digits();
            case 'w': return word();
            case 's': return one(' ') | one('\t');
            case 'D': return printable() & ~digits();
            case 'W': return printable() & ~word();
            case 'S': return printable();
            default: break;
        }
        if (word()[static_cast<unsigned char>(c) & 127U]) return std::nullopt;  // \x41, \pL, \Q...: not understood
        return one(c);
    }

    std::optional<Class> brackets() {
        constexpr std::pair<std::string_view, Class (*)()> kNamed[] = {
            {"[:alnum:]", [] { return word() & ~one('_'); }}, {"[:alpha:]", [] { return range('a', 'z') | range('A', 'Z'); }},
            {"[:digit:]", digits}, {"[:lower:]", [] { return range('a', 'z'); }}, {"[:upper:]", [] { return range('A', 'Z'); }},
            {"[:word:]", word}, {"[:xdigit:]", [] { return digits() | range('a', 'f') | range('A', 'F'); }}};
        Class set;
        const bool negated = take('^');
        for (bool first = true; first || !take(']'); first = false) {
            if (left_.empty()) return std::nullopt;
            bool named = false;
            for (const auto& [name, members] : kNamed) {
                if (!left_.starts_with(name)) continue;
                left_.remove_prefix(name.size());
                set |= members();
                named = true;
            }
            if (named) continue;
            const char c = next();
            if (static_cast<unsigned char>(c) >= 128) return std::nullopt;
            Class from = one(c);
            if (c == '\\') {
                const auto escape = left_.empty() ? std::nullopt : escaped();
                if (!escape) return std::nullopt;
                from = *escape;
            }
            if (from.count() == 1 && left_.size() > 1 && left_[0] == '-' && left_[1] != ']') {
                next();
                const char to = next();
                if (to == '\\' || static_cast<unsigned char>(to) >= 128) return std::nullopt;
                from = range(c, to);
            }
            set |= from;
        }
        if (negated) set = printable() & ~set;
        return set;
    }

    // How often; `readable`: a class that words may be made of.
    std::optional<std::size_t> count(bool readable) {
        std::size_t least = 1;
        bool endless = false;
        if (take('*')) least = 0, endless = true;
        else if (take('+')) endless = true;
        else if (take('?')) least = 0;
        else if (take('{')) {
            const auto end = left_.find('}');
            if (end == std::string_view::npos) return std::nullopt;
            const auto inside = left_.substr(0, end);
            const auto parsed = std::from_chars(inside.data(), inside.data() + inside.size(), least);
            if (parsed.ec != std::errc{}) return std::nullopt;
            endless = inside.ends_with(',');
            left_.remove_prefix(end + 1);
        }
        take('?');  // as few as possible: we already do
        return endless && readable ? std::max(least, kLongEnough) : least;
    }

    static char member(const Class& set, std::size_t at) {
        const auto has = [&](char c) { return set[static_cast<unsigned char>(c)]; };
        for (const bool upper : {false, true}) {  // the words, in one case or the other, without what is not allowed
            std::string words;
            bool letters = true;
            for (char c : kWords) {
                if (upper && c >= 'a') c = static_cast<char>(c - 'a' + 'A');
                if (has(c)) words += c;
                else if (c != '-') letters = false;
            }
            if (letters) return words[at % words.size()];
        }
        if (has('0')) return '0';
        for (std::size_t c = 0; c < set.size(); ++c) {
            if (set[c]) return static_cast<char>(c);
        }
        return '?';
    }

    std::string_view left_;
};

}  // namespace

std::optional<std::string> pattern_sample(std::string_view pattern) {
    if (pattern.size() > kLongestPattern) return std::nullopt;
    auto text = Sampler(pattern).whole();
    return text && !text->empty() && pattern_matches(pattern, *text) ? text : std::nullopt;
}

}  // namespace claviger::provider
