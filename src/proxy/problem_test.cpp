#include "proxy/problem.hpp"

#include <gtest/gtest.h>

#include "json/parse.hpp"

namespace claviger::proxy {
namespace {

using base::ErrorCode;

TEST(Problem, PX28_each_failure_has_its_status) {
    const std::pair<ErrorCode, int> rows[] = {
        {ErrorCode::needs_login, 424}, {ErrorCode::suspended, 424}, {ErrorCode::not_connected, 424}, {ErrorCode::storage, 424},
        {ErrorCode::corrupt, 424},     {ErrorCode::key_missing, 424}, {ErrorCode::not_found, 424},   {ErrorCode::denied, 403},
        {ErrorCode::address_refused, 403}, {ErrorCode::timeout, 504}, {ErrorCode::tls, 502},         {ErrorCode::network, 502},
        {ErrorCode::cancelled, 502},   {ErrorCode::protocol, 502},  {ErrorCode::limit, 502},         {ErrorCode::busy, 503}};
    for (const auto& [code, status] : rows) {
        EXPECT_EQ(problem_from(base::Error::make(code, "x")).status, status) << to_string(code);
    }
}

TEST(Problem, PX35_the_answer_is_problem_json_with_reason_and_command) {
    const auto message = to_message({424, "needs_login", "log in \"again\"", "claviger login acme --force"}, true);
    EXPECT_EQ(message.head.status, 424);
    EXPECT_EQ(message.head.fields.find("Content-Type"), "application/problem+json");
    EXPECT_EQ(message.head.fields.find("Connection"), "close");
    EXPECT_EQ(message.head.framing.length, message.body.size());
    const auto body = json::parse(message.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(json::string_at(body->get_object(), "reason"), "needs_login");
    EXPECT_EQ(json::string_at(body->get_object(), "command"), "claviger login acme --force");
    EXPECT_EQ(json::int_at(body->get_object(), "status"), 424);
}

TEST(Problem, PX35_of_a_hint_the_command_alone_is_for_programs) {
    const auto problem_of = [](const char* hint) { return problem_from(base::Error::make(ErrorCode::needs_login, "no", hint)); };
    EXPECT_EQ(problem_of("run: claviger login acme --force").command, "claviger login acme --force");
    EXPECT_EQ(problem_of("see the difference and accept it with: claviger confirm acme; or log in anew with --force").command, "claviger confirm acme");
    EXPECT_EQ(problem_of("see which with: claviger vault status, replace them, then rotate again").command, "claviger vault status");
    EXPECT_EQ(problem_of("try again in a moment; a stopped claviger process may hold it").command, "");
    EXPECT_EQ(problem_of("try again in a moment").command, "");
    EXPECT_EQ(problem_of("try again in a moment").detail, "no; try again in a moment");
    EXPECT_EQ(problem_of("").detail, "no");
}

TEST(Problem, PX28_whatever_keeps_the_credential_away_is_no_fault_of_the_upstream) {
    for (const auto code : {ErrorCode::network, ErrorCode::timeout, ErrorCode::tls, ErrorCode::protocol, ErrorCode::storage}) {
        const auto problem = problem_of_credential(base::Error::make(code, "no"));
        EXPECT_EQ(problem.status, 424);
        EXPECT_EQ(problem.reason, "credential_unavailable");
    }
    EXPECT_EQ(problem_of_credential(base::Error::make(ErrorCode::needs_login, "no")).reason, "needs_login");
    EXPECT_EQ(problem_of_credential(base::Error::make(ErrorCode::cancelled, "no")).status, 424);
}

TEST(Problem, PX28_what_mends_it_is_told_wherever_it_is_known) {
    EXPECT_EQ(problem_of_credential(base::Error::make(ErrorCode::corrupt, "no")).command, "claviger doctor");
    EXPECT_EQ(problem_of_credential(base::Error::make(ErrorCode::corrupt, "no", "run: claviger vault repair")).command, "claviger vault repair");
    EXPECT_EQ(problem_of_credential(base::Error::make(ErrorCode::timeout, "no", "try again in a moment")).command, "");
    EXPECT_EQ(problem_from(base::Error::make(ErrorCode::tls, "no", "trust it with: claviger config set network.ca_file FILE")).command,
              "claviger config set network.ca_file FILE");
}

TEST(Problem, PX21_a_405_says_what_passes_and_how_more_would) {
    policy::PassedMethods passed;
    ASSERT_TRUE(passed.add("OTHER"));
    const auto message = to_message(method_not_allowed(passed, "FETCH"), false);
    EXPECT_EQ(message.head.status, 405);
    EXPECT_EQ(message.head.fields.find("Allow"), passed.allow_field());
    const auto body = json::parse(message.body);
    ASSERT_TRUE(body);
    EXPECT_EQ(json::string_at(body->get_object(), "reason"), "method_not_allowed");
    EXPECT_EQ(json::string_at(body->get_object(), "command"), "claviger run --pass-method FETCH");
    const std::pair<const char*, const char*> rows[] = {
        {"trace", ""}, {"TRACK", ""}, {"CONNECT", ""}, {"*", ""}, {"get", "claviger run --pass-method get"}, {"A`id`", "claviger run --pass-method 'A`id`'"}};
    for (const auto& [method, command] : rows) {
        const auto problem = method_not_allowed(passed, method);
        EXPECT_EQ(problem.command, command) << method;
        EXPECT_EQ(problem.allow, passed.allow_field()) << method;
    }
    EXPECT_FALSE(to_message({403, "policy", "x", ""}, false).head.fields.find("Allow"));
}

// Every class of error, made by whoever says too much.
TEST(Problem, PX35_nothing_of_this_machine_is_told) {
    const char* const internals[] = {"10.1.2.3", "fd00::7", "proxy.corp:3128", "/home/", "/proc/", "/etc/"};
    for (int code = 0; code <= static_cast<int>(ErrorCode::changed); ++code) {
        const auto kind = static_cast<ErrorCode>(code);
        // These are made of names alone, by the layers that know the connection.
        if (kind == ErrorCode::needs_login || kind == ErrorCode::suspended || kind == ErrorCode::not_connected) continue;
        auto error = base::Error::make(kind, "host 'x': address 10.1.2.3 is refused; cannot connect to fd00::7: by proxy.corp:3128; cannot read /home/ann/.claviger/vault.db, /proc/self/fd/3",
                                       "mend the file; this shows all that is wrong: claviger register /home/ann/.claviger/providers/acme.json");
        error.cause = std::make_shared<base::Error>(base::Error::make(kind, "cannot read /etc/hosts"));
        for (const auto& problem : {problem_from(error), problem_of_credential(error)}) {
            const auto message = to_message(problem, true);
            std::string sent = message.body;
            for (const auto& field : message.head.fields.items()) sent.append(field.name).append(": ").append(field.value).append("\n");
            for (const auto* word : internals) EXPECT_EQ(sent.find(word), std::string::npos) << to_string(kind) << ": " << sent;
            EXPECT_NE(problem.why.find("address 10.1.2.3"), std::string::npos) << "the owner is told of " << to_string(kind);
            EXPECT_NE(problem.why.find("/etc/hosts"), std::string::npos) << "and why";
        }
    }
}

TEST(Problem, a_407_asks_for_basic_credentials) {
    const auto message = to_message({407, "proxy_authentication_required", "x", ""}, false);
    EXPECT_EQ(message.head.fields.find("Proxy-Authenticate"), "Basic realm=\"claviger\"");
    EXPECT_EQ(message.head.fields.count("Connection"), 0u);
}

}  // namespace
}  // namespace claviger::proxy
