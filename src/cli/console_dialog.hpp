// Dialogs without a browser form: questions as masked terminal input, or answers from standard input. The
// authorization itself still happens in a browser, wherever the human has one; its callback arrives at the local
// page. Thread rule: on the Loop's thread; a question on the terminal blocks it while a human types.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "api/local_page.hpp"
#include "connection/dialog.hpp"
#include "net/loop.hpp"

namespace claviger::cli {

enum class Questions { terminal, stdin_text };

class ConsoleDialog final : public connection::Dialog {
public:
    using OpenPage = std::function<base::Result<std::unique_ptr<api::LocalPage>>()>;
    // `loop` outlives it. `known`: the names that standard input may give.
    ConsoleDialog(net::Loop& loop, Questions questions, std::vector<std::string> known, OpenPage open_page, std::function<void(std::string_view)> say,
                  std::function<void(const connection::DeviceCode&)> show_code)
        : loop_(loop), questions_(questions), known_(std::move(known)), open_page_(std::move(open_page)), say_(std::move(say)),
          show_code_(std::move(show_code)) {}

    void introduce(std::string_view display_name) override;
    net::Task<base::Result<connection::Answers>> ask(
        connection::Form form, std::function<std::map<std::string, std::string>(const connection::Answers&)> check,
        net::Deadline deadline) override;
    net::Task<base::Result<connection::AuthorizationResponse>> authorize(net::Url url, std::string state_param,
                                                                         base::Secret state, net::Deadline deadline) override;
    net::Task<void> show_device_code(connection::DeviceCode code) override;
    base::Result<std::string> redirect_uri() override;
    void finished(const base::Result<void>& outcome) override;
    net::Task<void> farewell(net::Deadline deadline) override;
    void say(std::string_view line) override { say_(line); }

private:
    net::Task<base::Result<connection::Answers>> take_from_stdin(const connection::Form& form);
    base::Result<void> keep_stdin(const connection::Form& form, base::Result<base::Secret> text);
    base::Result<connection::Answers> answers_for(const connection::Form& form);

    net::Loop& loop_;
    Questions questions_;
    std::vector<std::string> known_;
    std::optional<base::Secret> bare_;        // standard input, when it is no JSON object; read once
    std::optional<connection::Answers> given_;  // its members; each form takes its own
    OpenPage open_page_;
    std::function<void(std::string_view)> say_;
    std::function<void(const connection::DeviceCode&)> show_code_;
    std::string name_;  // of what is being connected, for a page that is opened later
    std::unique_ptr<api::LocalPage> page_;
};

}  // namespace claviger::cli
