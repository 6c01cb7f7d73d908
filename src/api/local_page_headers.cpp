#include "api/local_page_headers.hpp"

#include "api/local_page_html.hpp"
#include "api/local_page_style.hpp"

namespace claviger::api {
namespace {

http::ServerResponse bare(int status, std::string policy) {
    http::ServerResponse response;
    response.status = status;
    response.fields.set("Content-Security-Policy", policy);
    response.fields.set("X-Content-Type-Options", "nosniff");
    response.fields.set("X-Frame-Options", "DENY");
    response.fields.set("Referrer-Policy", "no-referrer");
    response.fields.set("Cache-Control", "no-store");
    response.fields.set("Cross-Origin-Opener-Policy", "same-origin");
    response.fields.set("Cross-Origin-Resource-Policy", "same-origin");
    // An idle browser connection would keep one of the few places (LB-05), and the port at the end (LB-15).
    response.fields.set("Connection", "close");
    return response;
}

std::string policy(Active active) {
    std::string text = "default-src 'none'; style-src " + page_style_hash();
    text += active == Active::form ? "; script-src 'self'; form-action 'self'" : "; form-action 'none'";
    return text + "; base-uri 'none'; frame-ancestors 'none'";
}

}  // namespace

http::ServerResponse html_response(int status, std::string body, Active active) {
    auto response = bare(status, policy(active));
    response.fields.set("Content-Type", "text/html; charset=utf-8");
    if (status == 405) response.fields.set("Allow", "GET, POST");
    response.body = std::move(body);
    return response;
}

http::ServerResponse see_other(std::string_view location) {
    auto response = bare(303, policy(Active::none));
    response.fields.set("Location", location);
    return response;
}

http::ServerResponse script_file() {
    auto response = bare(200, "default-src 'none'");
    response.fields.set("Content-Type", "text/javascript; charset=utf-8");
    response.body = std::string(copy_script());
    return response;
}

}  // namespace claviger::api
