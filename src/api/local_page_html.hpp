// The pages as text. What varies comes from the definition and is escaped; nothing of a request is ever in a page
// (LB-06). Every page works without JavaScript. Thread rule: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "connection/dialog.hpp"
#include "http/server.hpp"

namespace claviger::api {

struct FormView {
    const connection::Form& form;
    std::string_view action;  // path of the POST
    std::string_view csrf;
    const std::map<std::string, std::string>& wrong;  // field -> message, from the flow's own check
};

// A whole page; `title` is escaped, `head` and `body` are markup.
std::string page_document(std::string_view title, std::string_view head, std::string_view body);

// Complete responses, with every header of LB-07.
http::ServerResponse form_page(const FormView& view);
http::ServerResponse waiting_page(std::string_view name);
http::ServerResponse leaving_page(std::string_view name, std::string_view go_path);  // on to the provider
// The code of a device flow; `next` is the path that answers when there is something new.
http::ServerResponse code_page(std::string_view name, const connection::DeviceCode& code, std::string_view next);
http::ServerResponse success_page(std::string_view name);
http::ServerResponse failure_page(std::string_view name, base::ErrorCode code);
// One fixed text per status: 400, 403, 404, 405, 413, 415, 421.
http::ServerResponse refusal_page(int status);
http::ServerResponse see_other(std::string_view location);
http::ServerResponse script_file();

}  // namespace claviger::api
