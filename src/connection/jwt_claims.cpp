#include "connection/jwt_claims.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "connection/secret_variables.hpp"
#include "connection/token_options.hpp"
#include "json/parse.hpp"
#include "oauth/foreign_text.hpp"

namespace claviger::connection {
namespace {

std::string_view without_final_slash(std::string_view text) {
    if (text.ends_with('/')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::optional<json::Value> unverified_claims(const base::Secret& token) {
    const auto text = token.reveal();
    const auto first = text.find('.'), second = text.find('.', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    auto claims = base::base64url_decode(text.substr(first + 1, second - first - 1));
    if (!claims) return std::nullopt;
    json::ParseOptions parsing;
    parsing.storage = json::secret_storage();
    auto value = json::parse(*claims, parsing);
    base::wipe(claims->data(), claims->size());
    if (!value || !value->is_object()) return std::nullopt;
    return std::move(*value);
}

std::optional<std::string> wrong_audience(const base::Secret& access_token, std::string_view wanted) {
    const auto claims = unverified_claims(access_token);
    const auto* aud = claims ? json::find(claims->get_object(), "aud") : nullptr;
    if (aud == nullptr) return std::nullopt;
    std::vector<std::string_view> named;
    if (aud->is_string()) named.emplace_back(aud->get_string());
    if (const auto* list = aud->if_array())
        for (const auto& item : *list)
            if (item.is_string()) named.emplace_back(item.get_string());
    const auto fits = [&](std::string_view each) { return without_final_slash(each) == without_final_slash(wanted); };
    if (std::any_of(named.begin(), named.end(), fits)) return std::nullopt;
    const auto told = named.empty() ? std::string("nobody") : "'" + oauth::clean_text(named.front()) + "'";
    return fmt::format("the access token says that it is for {}{}, not for {} as asked: the service may refuse it", told,
                       named.size() > 1 ? " and others" : "", base::printable(wanted, 200));
}

std::optional<std::string> other_audience(const provider::ProviderDefinition& definition, const Connection& connection) {
    if (!definition.oauth2) return std::nullopt;
    const auto resource = resource_parameter(*definition.oauth2, connection.variables);
    std::optional<std::string> warning;
    for (const auto& wanted : {resource.value_or(""), definition.oauth2->audience}) {
        if (wanted.empty()) continue;
        auto wrong = wrong_audience(connection.access_token, wanted);
        if (!wrong) return std::nullopt;
        if (!warning) warning = secret_variables(definition, connection).masked(*wrong);
    }
    return warning;
}

}  // namespace claviger::connection
