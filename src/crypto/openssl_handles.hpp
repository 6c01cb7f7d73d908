// Owners for OpenSSL's objects and its errors as ours. For crypto/ only. Thread rule: as the objects.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/error.hpp"

namespace claviger::crypto {

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* object) const { free_function(object); }
};

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free_all>>;
using GeneralName = std::unique_ptr<GENERAL_NAME, Free<GENERAL_NAME_free>>;
using Subtree = std::unique_ptr<GENERAL_SUBTREE, Free<GENERAL_SUBTREE_free>>;
using Constraints = std::unique_ptr<NAME_CONSTRAINTS, Free<NAME_CONSTRAINTS_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;

// The oldest error of this thread's queue, which is emptied.
inline tl::unexpected<base::Error> openssl_failed(std::string_view what) {
    const auto code = ERR_get_error();
    ERR_clear_error();
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return base::fail(base::ErrorCode::internal, fmt::format("cannot {}: {}", what, text.data()));
}

}  // namespace claviger::crypto
