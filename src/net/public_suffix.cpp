#include <libpsl.h>

#include "base/text.hpp"
#include "net/url.hpp"

namespace claviger::net {

bool is_public_suffix(std::string_view domain) {
    auto name = base::to_lower(domain);
    if (!name.empty() && name.back() == '.') name.pop_back();
    if (name.empty()) return true;
    const psl_ctx_t* list = psl_builtin();  // static storage of the library
    // Without a list nothing can be told apart: refuse every wildcard rather than allow "*.co.uk".
    if (list == nullptr) return true;
    return psl_is_public_suffix(list, name.c_str()) != 0;
}

}  // namespace claviger::net
