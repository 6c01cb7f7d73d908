#include "oauth/metadata_fetch.hpp"

#include <fmt/format.h>

#include "oauth/foreign_text.hpp"

namespace claviger::oauth {

net::Task<base::Result<std::optional<std::string>>> fetch_metadata(http::Client& http, net::Url url) {
    constexpr int kMaxRedirects = 3;
    CO_TRY_VOID(check_endpoint(url, "metadata URL"));
    const auto origin = url.origin();
    for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
        http::Request request{"GET", url, {}, {}};
        request.fields.set("Accept", "application/json");
        auto answer = co_await http.send(std::move(request));
        if (!answer) co_return base::fail(answer.error().within("cannot read " + url.redacted()));
        if (answer->status == 200) co_return std::optional<std::string>(std::in_place, answer->body);
        const auto location = answer->fields.find("Location");
        if (answer->status < 300 || answer->status >= 400 || !location) co_return std::optional<std::string>();
        CO_TRY(next, url.resolve(*location));
        if (next.origin() != origin) {
            co_return base::fail(base::ErrorCode::protocol,
                                 fmt::format("{} redirects to another origin, which is not followed", url.redacted()),
                                 "name the issuer by its own URL");
        }
        url = next;
    }
    co_return base::fail(base::ErrorCode::protocol, fmt::format("{} redirects without end", url.redacted()));
}

}  // namespace claviger::oauth
