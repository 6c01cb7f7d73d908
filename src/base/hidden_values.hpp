// Values that must not be shown, taken out of texts for people, files and logs: of variables that a definition calls secret
// and that stand in its URLs (LG-03). Found in the spellings that a URL or a form gives them. Move-only.
// Thread rule: a value; masked() is pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace claviger::base {

class HiddenValues {
public:
    void add(std::string_view value);
    [[nodiscard]] bool empty() const { return spellings_.empty(); }
    // Each occurrence as "***". A short value (below 6 bytes) counts only where no letter or digit touches it: words that
    // contain it by chance stay readable.
    [[nodiscard]] std::string masked(std::string_view text) const;
    // Of an error with causes, one flat error.
    [[nodiscard]] Error masked(const Error& error) const;

private:
    std::vector<Secret> spellings_;  // the longest first
};

}  // namespace claviger::base
