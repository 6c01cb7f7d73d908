#include "api/approval_html.hpp"

#include <fmt/format.h>

#include "api/local_page_headers.hpp"
#include "api/local_page_html.hpp"
#include "base/text.hpp"

namespace claviger::api {
namespace {

using base::html_escape;
using policy::WaitingRequest;

std::string fact(std::string_view name, std::string_view value) {
    return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", name, html_escape(base::printable(value, 1000)));
}

std::string card(const ApprovalView& view, const WaitingRequest& waiting) {
    const auto& request = waiting.request;
    const auto left = std::chrono::ceil<std::chrono::seconds>(waiting.until - view.now).count();
    const std::string with = request.provider.empty() ? "" : request.provider + " (" + request.connection + ")";
    std::string out = fmt::format("<section class=\"ask\"><h2><code>{}</code></h2><dl>", html_escape(approval_subject(request)));
    out += fact("Credential", with.empty() ? "none" : with) + fact("Asked by", request.rule) + fact("Program", view.program) +
           fact("Number", waiting.id) + fact("Refused in", fmt::format("{} s", std::max<std::int64_t>(left, 0)));
    out += fmt::format(
        "</dl><form method=\"post\" action=\"{0}\" autocomplete=\"off\"><input type=\"hidden\" name=\"id\" value=\"{1}\">"
        "<div class=\"row\"><button name=\"answer\" value=\"once\">Approve this once</button>"
        "<button class=\"deny\" name=\"answer\" value=\"deny\">Deny</button>"
        "<button class=\"deny\" name=\"answer\" value=\"deny_like\">Deny its like too</button></div>"
        "<div class=\"row\"><button name=\"answer\" value=\"for\">Approve for</button><select name=\"seconds\" aria-label=\"how long\">"
        "<option value=\"300\">5 minutes</option><option value=\"600\" selected>10 minutes</option><option value=\"1800\">30 minutes</option>"
        "<option value=\"3600\">1 hour</option></select></div>"
        "<p class=\"help\">For a time, and its like: every {2} to {3} that this rule asks about.</p></form></section>",
        html_escape(view.action), html_escape(waiting.id), html_escape(base::printable(request.tunnel ? "tunnel" : request.websocket ? "WebSocket" : request.method + " request", 80)),
        html_escape(base::printable(request.host)));
    return out;
}

}  // namespace

std::string approval_subject(const policy::AskedRequest& request) {
    if (request.tunnel) return "all that is sent through a tunnel to " + base::printable(request.host);
    return base::printable(request.method, 40) + " " + base::printable(request.host) + base::printable(request.target, 800) +
           (request.websocket ? ", and all that is said through the WebSocket that it opens" : "");
}

http::ServerResponse approval_page(const ApprovalView& view) {
    std::string body;
    if (!view.notice.empty()) body += fmt::format("<p class=\"notice\" role=\"status\">{}</p>", html_escape(base::printable(view.notice, 400)));
    if (view.waiting.empty()) {
        body += fmt::format("<h1>Nothing waits</h1><p class=\"lead\">When a rule of the session of {} asks, the request is shown here. "
                            "This page goes on by itself.</p>", html_escape(base::printable(view.program, 80)));
        const int seconds = view.notice.empty() ? 0 : 3;  // to be read
        const auto head = fmt::format("<meta http-equiv=\"refresh\" content=\"{};url={}\">", seconds, html_escape(view.next));
        return html_response(200, page_document("Nothing waits", head, body), Active::none);
    }
    body += fmt::format("<h1>{} approval{} wanted</h1>", view.waiting.size(), view.waiting.size() == 1 ? "" : "s");
    for (const auto& waiting : view.waiting) body += card(view, waiting);
    body += fmt::format("<p class=\"foot\"><a href=\"{}\">Look again</a> Session {}. The body of a request is not shown.</p>", html_escape(view.next),
                        html_escape(view.session));
    // As with the login's form: with "no-referrer" browsers send "Origin: null" (LB-03).
    return html_response(200, page_document("Approval wanted", "<meta name=\"referrer\" content=\"same-origin\">", body), Active::form);
}

http::ServerResponse approval_refusal_page(int status) {
    if (status != 404) return refusal_page(status);
    const std::string_view text = "Each link to this page works once. Run \"claviger approve --page\" in a terminal of your own.";
    return html_response(404, page_document("Link used", "", fmt::format("<h1>This link has been used</h1><p class=\"lead\">{}</p>", html_escape(text))), Active::none);
}

}  // namespace claviger::api
