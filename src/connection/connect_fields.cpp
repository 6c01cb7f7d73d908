#include "connection/attempt.hpp"
#include "connection/form_fields.hpp"

namespace claviger::connection {

net::Task<base::Result<Answers>> ask_checked(Attempt& attempt, Form form, FormCheck check) {
    const auto deadline = net::in(kFlowLifetime);
    auto again = check;
    auto answers = co_await attempt.with.dialog.ask(std::move(form), std::move(check), deadline);
    if (!answers) co_return base::fail(answers.error());
    if (const auto wrong = again(*answers); !wrong.empty())
        co_return base::fail(base::ErrorCode::invalid_input, wrong.begin()->first + ": " + wrong.begin()->second);
    co_return answers;
}

net::Task<base::Result<std::map<std::string, base::Secret>>> ask_for_credential(Attempt& attempt) {
    CO_TRY(credential, CredentialForm::make(attempt.definition));
    auto form = credential.form();
    FormCheck check = [&credential](const Answers& answers) { return credential.check(answers); };
    auto answers = co_await ask_checked(attempt, std::move(form), std::move(check));
    if (!answers) co_return base::fail(answers.error());
    co_return credential.values(*answers);
}

// Flows api_key, basic and custom: one form, checked, saved.
net::Task<base::Result<ConnectOutcome>> connect_by_fields(Attempt& attempt) {
    auto fields = co_await ask_for_credential(attempt);
    if (!fields) co_return base::fail(fields.error());
    ConnectOutcome outcome;
    outcome.connection = new_connection(attempt);
    outcome.connection.fields = std::move(*fields);
    CO_TRY_VOID(store_connection(attempt, outcome.connection));
    co_return outcome;
}

}  // namespace claviger::connection
