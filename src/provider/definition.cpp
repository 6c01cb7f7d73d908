#include "provider/definition.hpp"

#include <array>

namespace claviger::provider {
namespace {

template <class Enum>
struct Spelling {
    Enum value;
    std::string_view text;
};

constexpr std::array<Spelling<AuthType>, 5> kAuthTypes{{{AuthType::oauth2, "oauth2"},
                                                        {AuthType::oauth1, "oauth1"},
                                                        {AuthType::api_key, "api_key"},
                                                        {AuthType::basic, "basic"},
                                                        {AuthType::custom, "custom"}}};
constexpr std::array<Spelling<Flow>, 8> kFlows{{{Flow::pkce, "pkce"},
                                                {Flow::dcr_pkce, "dcr_pkce"},
                                                {Flow::device_code, "device_code"},
                                                {Flow::client_credentials, "client_credentials"},
                                                {Flow::oauth1, "oauth1"},
                                                {Flow::api_key, "api_key"},
                                                {Flow::basic, "basic"},
                                                {Flow::custom, "custom"}}};
constexpr std::array<Spelling<TokenAuthMethod>, 5> kTokenAuthMethods{
    {{TokenAuthMethod::client_secret_post, "client_secret_post"},
     {TokenAuthMethod::client_secret_basic, "client_secret_basic"},
     {TokenAuthMethod::none, "none"},
     {TokenAuthMethod::private_key_jwt, "private_key_jwt"},
     {TokenAuthMethod::client_secret_jwt, "client_secret_jwt"}}};

template <class Table, class Enum>
std::string_view text_of(const Table& table, Enum value) {
    for (const auto& entry : table) {
        if (entry.value == value) return entry.text;
    }
    return "";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<Spelling<Enum>, N>& table, std::string_view text) {
    for (const auto& entry : table) {
        if (entry.text == text) return entry.value;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(AuthType type) { return text_of(kAuthTypes, type); }
std::string_view to_string(Flow flow) { return text_of(kFlows, flow); }
std::string_view to_string(TokenAuthMethod method) { return text_of(kTokenAuthMethods, method); }
std::optional<AuthType> auth_type_from(std::string_view text) { return value_of(kAuthTypes, text); }
std::optional<Flow> flow_from(std::string_view text) { return value_of(kFlows, text); }
std::optional<TokenAuthMethod> token_auth_method_from(std::string_view text) {
    return value_of(kTokenAuthMethods, text);
}

bool flow_fits(AuthType type, Flow flow) {
    switch (flow) {
        case Flow::pkce:
        case Flow::dcr_pkce:
        case Flow::device_code:
        case Flow::client_credentials: return type == AuthType::oauth2;
        case Flow::oauth1: return type == AuthType::oauth1;
        case Flow::api_key: return type == AuthType::api_key;
        case Flow::basic: return type == AuthType::basic;
        case Flow::custom: return type == AuthType::custom;
    }
    return false;
}

}  // namespace claviger::provider
