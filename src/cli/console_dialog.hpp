// Dialogs without a browser form: questions as masked terminal input, or answers from standard input. The
// authorization itself still happens in a browser, wherever the human has one; its callback arrives at the local
// page. Thread rule: on the Loop's thread; blocks it while a human types.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "api/local_page.hpp"
#include "connection/dialog.hpp"

namespace claviger::cli {

enum class Questions { terminal, stdin_text };

class ConsoleDialog final : public connection::Dialog {
public:
    using OpenPage = std::function<base::Result<std::unique_ptr<api::LocalPage>>()>;
    ConsoleDialog(Questions questions, OpenPage open_page, std::function<void(std::string_view)> say)
        : questions_(questions), open_page_(std::move(open_page)), say_(std::move(say)) {}

    net::Task<base::Result<connection::Answers>> ask(
        connection::Form form, std::function<std::map<std::string, std::string>(const connection::Answers&)> check,
        net::Deadline deadline) override;
    net::Task<base::Result<connection::AuthorizationResponse>> authorize(net::Url url, std::string state_param,
                                                                         base::Secret state, net::Deadline deadline) override;
    base::Result<std::string> redirect_uri() override;
    void finished(const base::Result<void>& outcome) override;
    void say(std::string_view line) override { say_(line); }

private:
    base::Result<connection::Answers> take_from_stdin(const connection::Form& form);

    Questions questions_;
    std::optional<base::Secret> bare_;        // standard input, when it is no JSON object; read once
    std::optional<connection::Answers> given_;  // its members; each form takes its own
    OpenPage open_page_;
    std::function<void(std::string_view)> say_;
    std::unique_ptr<api::LocalPage> page_;
};

}  // namespace claviger::cli
