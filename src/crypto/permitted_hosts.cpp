#include "crypto/permitted_hosts.hpp"

#include <algorithm>
#include <optional>

#include <arpa/inet.h>

#include "base/text.hpp"

namespace claviger::crypto {
namespace {

using base::ErrorCode;
using base::Result;

std::optional<std::string> address_bytes(std::string_view host) {
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const std::string text(bracketed ? host.substr(1, host.size() - 2) : host);
    if (text.find('\0') != std::string::npos) return std::nullopt;
    std::string bytes(16, '\0');
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
    bytes.resize(4);
    if (!bracketed && inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes;
    return std::nullopt;
}

// As it may stand in a dNSName: lower-case letters, digits, '-' and '_' in non-empty labels.
bool valid_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    std::size_t label = 0;
    for (const char c : name) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!fits && (c != '.' || label == 0)) return false;
        label = fits ? label + 1 : 0;
        if (label > 63) return false;
    }
    // A last label of digits is an IPv4 address written badly, never a name.
    const auto last = name.substr(name.rfind('.') + 1);
    return label > 0 && !std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without a mask: a general name; with one: a subtree's base.
Result<GeneralName> general_name(bool dns, std::string_view bytes) {
    GeneralName name(GENERAL_NAME_new());
    ASN1_STRING* value = dns ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    if (!name || value == nullptr) {
        ASN1_STRING_free(value);
        return openssl_failed("name a host");
    }
    GENERAL_NAME_set0_value(name.get(), dns ? GEN_DNS : GEN_IPADD, value);  // takes the value over
    if (ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) != 1) return openssl_failed("name a host");
    return name;
}

Result<void> add_subtree(STACK_OF(GENERAL_SUBTREE)*& list, bool dns, std::string_view bytes) {
    Subtree subtree(GENERAL_SUBTREE_new());
    TRY(name, general_name(dns, bytes));
    if (list == nullptr) list = sk_GENERAL_SUBTREE_new_null();
    if (!subtree || list == nullptr) return openssl_failed("constrain a name");
    GENERAL_NAME_free(subtree->base);
    subtree->base = name.release();
    if (sk_GENERAL_SUBTREE_push(list, subtree.get()) == 0) return openssl_failed("constrain a name");
    (void)subtree.release();  // the list owns it now
    return {};
}

}  // namespace

bool HostName::covers(const HostName& host) const {
    if (dns.empty() || host.dns.empty()) return !address.empty() && address == host.address;
    if (dns == host.dns) return dns.front() != '.';
    const auto suffix = dns.front() == '.' ? dns : "." + dns;
    return host.dns.size() > suffix.size() && host.dns.ends_with(suffix);
}

Result<HostName> host_name_from(std::string_view text, bool subtree) {
    if (auto bytes = address_bytes(text)) return HostName{"", *std::move(bytes)};
    auto name = base::to_lower(text);
    const auto labels = subtree && name.starts_with('.') ? std::string_view(name).substr(1) : std::string_view(name);
    if (!valid_dns_name(labels)) return base::fail(ErrorCode::invalid_input, "not a host name or an address");
    return HostName{std::move(name), ""};
}

Result<GeneralName> to_general_name(const HostName& host) {
    return host.dns.empty() ? general_name(false, host.address) : general_name(true, host.dns);
}

Result<Constraints> name_constraints(const std::vector<HostName>& permitted) {
    Constraints constraints(NAME_CONSTRAINTS_new());
    if (!constraints) return openssl_failed("constrain names");
    bool any_name = false, any_address = false;
    for (const auto& host : permitted) {
        const bool dns = !host.dns.empty();
        (dns ? any_name : any_address) = true;
        // An address as a subtree is the address and a mask of all ones.
        const auto bytes = dns ? host.dns : host.address + std::string(host.address.size(), '\xff');
        TRY_VOID(add_subtree(constraints->permittedSubtrees, dns, bytes));
    }
    if (!any_name) {
        TRY_VOID(add_subtree(constraints->excludedSubtrees, true, ""));
    }
    if (!any_address) {
        TRY_VOID(add_subtree(constraints->excludedSubtrees, false, std::string(8, '\0')));   // 0.0.0.0/0
        TRY_VOID(add_subtree(constraints->excludedSubtrees, false, std::string(32, '\0')));  // ::/0
    }
    return constraints;
}

}  // namespace claviger::crypto
