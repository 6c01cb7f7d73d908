#include "api/local_page_html.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "api/local_page_headers.hpp"
#include "api/local_page_style.hpp"
#include "base/text.hpp"
#include "net/url.hpp"
#include "sys/qr_code.hpp"

namespace claviger::api {
namespace {

using base::html_escape;
using connection::FormField;

constexpr std::string_view kKey =
    R"(<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="7.5" cy="15.5" r="4.5"/><path d="M10.8 12.2 20 3m-4 4 3 3"/></svg>)";
constexpr std::string_view kTick = R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M5 12.5 10 17.5 19.5 7"/></svg>)";
constexpr std::string_view kCross = R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 7 17 17M17 7 7 17"/></svg>)";
constexpr std::string_view kTurn = R"(<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3a9 9 0 1 0 9 9"/></svg>)";

std::string sign(std::string_view kind, std::string_view drawing) {
    return fmt::format("<div class=\"sign {}\">{}</div>", kind, drawing);
}

// A link only where the address is one that a browser opens as a page; else the words alone.
std::string link(std::string_view address, std::string_view words) {
    const auto url = net::Url::parse(address);
    if (!url || (url->scheme() != "https" && url->scheme() != "http")) return html_escape(words);
    return fmt::format("<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">{}</a>", html_escape(url->text()),
                       html_escape(words));
}

std::string guide(const connection::Form& form) {
    if (form.guide.steps.empty() && form.docs_url.empty() && form.guide.callback_url_hint.empty()) return {};
    std::string out = "<section class=\"steps\"><h2>Where to get it</h2>";
    if (!form.guide.steps.empty()) {
        out += "<ol>";
        for (const auto& step : form.guide.steps)
            out += "<li>" + (step.url.empty() ? html_escape(step.label) : link(step.url, step.label)) + "</li>";
        out += "</ol>";
    }
    if (!form.guide.callback_url_hint.empty()) out += "<p>" + html_escape(form.guide.callback_url_hint) + "</p>";
    if (!form.docs_url.empty()) out += "<p>" + link(form.docs_url, "Read the provider's documentation") + "</p>";
    return out + "</section>";
}

std::string redirect_box(const std::string& redirect_uri) {
    if (redirect_uri.empty()) return {};
    return fmt::format(
        "<div class=\"uri\"><label for=\"redirect-uri\">Redirect URI</label><div class=\"row\">"
        "<input id=\"redirect-uri\" type=\"text\" readonly value=\"{}\" aria-describedby=\"redirect-uri-help\">"
        "<button class=\"copy\" type=\"button\" data-copies=\"redirect-uri\" hidden>Copy</button></div>"
        "<p class=\"help\" id=\"redirect-uri-help\">Give the application exactly this address, also called callback "
        "URL.</p></div>",
        html_escape(redirect_uri));
}

std::string control(const FormField& field, std::string_view id, std::string_view attributes) {
    if (!field.choices.empty()) {
        std::string out = fmt::format("<select id=\"{}\" name=\"{}\"{}>", id, html_escape(field.name), attributes);
        if (!field.required || field.default_value.empty()) out += "<option value=\"\"></option>";
        for (const auto& choice : field.choices)
            out += fmt::format("<option value=\"{0}\"{1}>{0}</option>", html_escape(choice),
                               choice == field.default_value ? " selected" : "");
        return out + "</select>";
    }
    // A default is the definition's, never what somebody typed; a secret has none.
    return fmt::format(
        "<input id=\"{}\" name=\"{}\" type=\"{}\" value=\"{}\" placeholder=\"{}\" autocomplete=\"off\" "
        "autocapitalize=\"off\" autocorrect=\"off\" spellcheck=\"false\"{}>",
        id, html_escape(field.name), field.secret ? "password" : "text",
        field.secret ? "" : html_escape(field.default_value), html_escape(field.placeholder), attributes);
}

// `number` makes the id: a field's own name could be anything.
std::string field_row(const FormField& field, std::size_t number, const std::string* wrong, bool focus) {
    const auto id = fmt::format("field-{}", number);
    std::string attributes, described;
    if (!field.help.empty()) described += id + "-help";
    if (wrong != nullptr) described += (described.empty() ? "" : " ") + id + "-wrong";
    if (!described.empty()) attributes += fmt::format(" aria-describedby=\"{}\"", described);
    if (wrong != nullptr) attributes += " aria-invalid=\"true\"";
    if (field.required) attributes += " required";
    if (focus) attributes += " autofocus";
    std::string out = fmt::format("<div class=\"field\"><label for=\"{}\">{}{}</label>{}", id, html_escape(field.label),
                                  field.required ? "" : "<span class=\"optional\">optional</span>",
                                  control(field, id, attributes));
    if (wrong != nullptr)
        out += fmt::format("<p class=\"wrong\" id=\"{}-wrong\" role=\"alert\">{}</p>", id, html_escape(*wrong));
    if (!field.help.empty() && (wrong == nullptr || *wrong != field.help))
        out += fmt::format("<p class=\"help\" id=\"{}-help\">{}</p>", id, html_escape(field.help));
    return out + "</div>";
}

std::string form_body(const FormView& view) {
    const auto& form = view.form;
    std::string out = "<h1>" + html_escape(form.title) + "</h1><p class=\"lead\">" + html_escape(form.intro) + "</p>";
    if (!form.error.empty()) out += "<p class=\"banner\" role=\"alert\">" + html_escape(form.error) + "</p>";
    if (!view.wrong.empty())
        out += form.fields.size() == 1
                   ? "<p class=\"banner\" role=\"alert\">Please look at the marked field. For safety the page keeps nothing "
                     "that was typed: enter it again.</p>"
                   : "<p class=\"banner\" role=\"alert\">Please look at the marked fields. For safety the page keeps nothing "
                     "that was typed: enter all of them again.</p>";
    if (const auto together = view.wrong.find(""); together != view.wrong.end())
        out += "<p class=\"banner\" role=\"alert\">" + html_escape(together->second) + "</p>";
    out += guide(form) + redirect_box(form.redirect_uri);
    out += fmt::format("<form method=\"post\" action=\"{}\" autocomplete=\"off\"><input type=\"hidden\" name=\"csrf\" "
                       "value=\"{}\">", html_escape(view.action), html_escape(view.csrf));
    bool focus_given = false;
    for (std::size_t i = 0; i < form.fields.size(); ++i) {
        const auto wrong = view.wrong.find(form.fields[i].name);
        const bool is_wrong = wrong != view.wrong.end();
        const bool focus = !focus_given && (is_wrong || view.wrong.empty());
        focus_given = focus_given || focus;
        out += field_row(form.fields[i], i, is_wrong ? &wrong->second : nullptr, focus);
    }
    return out + "<button class=\"go\" type=\"submit\">Continue</button></form>"
                 "<p class=\"foot\">This page is served by Claviger on this computer. What you enter is in no "
                 "log and on no later page.</p>";
}

std::string message_body(std::string_view drawing, std::string_view heading, std::string_view text) {
    return fmt::format("{}<h1>{}</h1><p class=\"lead\">{}</p>", drawing, html_escape(heading), html_escape(text));
}

// One path of unit squares on white, whatever the theme: scanners want dark on light.
std::string qr_svg(const sys::QrCode& code) {
    std::string path;
    for (int y = 0; y < code.width(); ++y)
        for (int x = 0; x < code.width(); ++x)
            if (code.dark(x, y)) path += fmt::format("M{} {}h1v1h-1z", x, y);
    const int quiet = sys::QrCode::kQuietZone, side = code.width() + 2 * quiet;
    return fmt::format("<svg class=\"qr\" viewBox=\"{0} {0} {1} {1}\" role=\"img\" aria-label=\"QR code of the link\" "
                       "shape-rendering=\"crispEdges\"><rect x=\"{0}\" y=\"{0}\" width=\"{1}\" height=\"{1}\" fill=\"#fff\"/>"
                       "<path d=\"{2}\" fill=\"#000\"/></svg>", -quiet, side, path);
}

std::string_view advice(base::ErrorCode code) {
    using base::ErrorCode;
    switch (code) {
        case ErrorCode::authorization_failed:
            return "The provider said no, or did not take what it was sent: the application's client id and secret, or the "
                   "request itself. The terminal says which; there \"claviger explain\" shows what to check.";
        case ErrorCode::timeout: return "It took too long. Start the login again in the terminal.";
        case ErrorCode::cancelled: return "The login was stopped. Start it again in the terminal.";
        case ErrorCode::network:
        case ErrorCode::tls: return "The provider could not be reached safely. Check the connection and log in again.";
        case ErrorCode::storage:
        case ErrorCode::key_missing: return "The credential could not be saved, so nothing is connected. The terminal says why.";
        default: return "Nothing was saved. The terminal says what happened and what to do next.";
    }
}

}  // namespace

std::string page_document(std::string_view title, std::string_view head, std::string_view body) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<title>{} - Claviger</title>{}<style>{}</style></head>\n<body><p class=\"brand\">{}Claviger</p>\n<main>{}</main>"
        "</body></html>\n",
        html_escape(title), head, page_style(), kKey, body);
}

http::ServerResponse form_page(const FormView& view) {
    // With "no-referrer" browsers send "Origin: null" with the form, which is refused (LB-03); this page alone tells
    // its own origin, and no other.
    const std::string_view head = "<meta name=\"referrer\" content=\"same-origin\"><script src=\"/copy.js\" defer></script>";
    return html_response(200, page_document(view.form.title, head, form_body(view)), Active::form);
}

http::ServerResponse waiting_page(std::string_view name) {
    const auto body = message_body(sign("turn", kTurn), fmt::format("Connecting {}", name),
                                   "Claviger is exchanging the authorization and saving the credential. This page goes on by itself.");
    return html_response(200, page_document("Connecting", "<meta http-equiv=\"refresh\" content=\"1\">", body), Active::none);
}

http::ServerResponse leaving_page(std::string_view name, std::string_view go_path) {
    const auto head = fmt::format("<meta http-equiv=\"refresh\" content=\"0;url={}\">", html_escape(go_path));
    auto body = message_body(sign("", kKey), fmt::format("On to {}", name),
                             "Approve the access there; you come back here by yourself.");
    body += fmt::format("<a class=\"go\" href=\"{}\">Continue</a>", html_escape(go_path));
    return html_response(200, page_document("Continue", head, body), Active::none);
}

http::ServerResponse code_page(std::string_view name, const connection::DeviceCode& code, std::string_view next) {
    const auto& link = code.complete_url ? *code.complete_url : code.url;
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(code.end - std::chrono::steady_clock::now()).count();
    const auto head = fmt::format("<meta http-equiv=\"refresh\" content=\"0;url={}\"><script src=\"/copy.js\" defer></script>",
                                  html_escape(next));
    auto body = fmt::format(
        "<h1>Connect {0}</h1><p class=\"lead\">Open the page of the provider here or on another device, and check that it "
        "shows this code or enter it there.</p><div class=\"code\"><label for=\"user-code\">Code</label><div class=\"row\">"
        "<input id=\"user-code\" type=\"text\" readonly value=\"{1}\"><button class=\"copy\" type=\"button\" "
        "data-copies=\"user-code\" hidden>Copy</button></div></div>"
        "<a class=\"go\" href=\"{2}\" target=\"_blank\" rel=\"noopener noreferrer\">Open {3}</a>",
        html_escape(name), html_escape(code.user_code), html_escape(link.text()), html_escape(code.url.authority()));
    if (const auto qr = sys::QrCode::of(link.text()))
        body += fmt::format("<figure class=\"qr\">{}<figcaption>Or scan it with a phone: <code>{}</code></figcaption></figure>",
                            qr_svg(*qr), html_escape(code.url.text()));
    body += fmt::format("<p class=\"foot\">The code is valid for {} more minute{}. This page goes on by itself as soon as the "
                        "access is approved.</p>", std::max<std::int64_t>(minutes, 1), minutes > 1 ? "s" : "");
    return html_response(200, page_document(fmt::format("Connect {}", name), head, body), Active::form);
}

http::ServerResponse success_page(std::string_view name) {
    const auto body = message_body(sign("", kTick), fmt::format("{} is connected", name),
                                   "The credential is encrypted and stored. You can close this window and go back to the terminal.");
    return html_response(200, page_document("Connected", "", body), Active::none);
}

http::ServerResponse failure_page(std::string_view name, base::ErrorCode code) {
    const auto body = message_body(sign("bad", kCross), fmt::format("{} is not connected", name), advice(code));
    return html_response(200, page_document("Not connected", "", body), Active::none);
}

http::ServerResponse refusal_page(int status) {
    struct Text { int status; std::string_view heading, text; };
    static constexpr Text kTexts[] = {
        {400, "That did not fit", "The answer does not belong to a login that is waiting. If you were logging in, go on in the window "
                                  "that Claviger opened; it still waits."},
        {403, "Not from here", "The request did not come from the page that Claviger opened. Use the link in the terminal."},
        {404, "Nothing here", "The link has been used, is too old, or was never one. Start the login again in the terminal, or use the "
                              "newest link it shows."},
        {405, "Not this way", "This address takes another kind of request. Use the link in the terminal."},
        {413, "Too much", "That is more than a credential. Nothing was saved."},
        {415, "Not a form", "The answer was not sent as a form. Use the page that Claviger opened."},
        {421, "Another name", "This server answers only under http://127.0.0.1. Use the link in the terminal."},
    };
    for (const auto& text : kTexts)
        if (text.status == status)
            return html_response(status, page_document(text.heading, "", message_body(sign("bad", kCross), text.heading, text.text)),
                                 Active::none);
    return refusal_page(400);
}

}  // namespace claviger::api
