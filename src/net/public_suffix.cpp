#include <libpsl.h>

#include "base/text.hpp"
#include "net/url.hpp"

namespace claviger::net {

namespace {

bool is_suffix(std::string_view domain, int sections) {
    const auto name = base::to_lower(without_final_dot(domain));
    if (name.empty()) return true;
    const psl_ctx_t* list = psl_builtin();  // static storage of the library
    // Without a list nothing can be told apart: refuse every wildcard rather than allow "*.co.uk".
    if (list == nullptr) return true;
    return psl_is_public_suffix2(list, name.c_str(), sections) != 0;
}

}  // namespace

bool is_public_suffix(std::string_view domain) { return is_suffix(domain, PSL_TYPE_ANY); }
bool is_registry_suffix(std::string_view domain) { return is_suffix(domain, PSL_TYPE_ICANN); }

}  // namespace claviger::net
