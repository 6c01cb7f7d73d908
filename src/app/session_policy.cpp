#include "app/session_policy.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace claviger::app {
namespace {

using base::Result;
using proxy::Problem;

Problem too_many(const SessionLimit& limit, base::Duration wait) {
    const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
    Problem problem{429, "rate_limited", fmt::format("{} lets no more requests through now; try again in {} s", limit.name, seconds), ""};
    problem.rule = limit.name;
    problem.retry_after = seconds;
    return problem;
}

policy::AskedRequest asked_of(const proxy::GateRequest& request, std::string rule) {
    policy::AskedRequest asked;
    if (request.route != nullptr) asked.provider = request.route->provider, asked.connection = request.route->connection;
    asked.method = request.method;
    for (const auto& method : policy::methods_in_query(request.url.query().value_or(""))) asked.method += " as " + method;
    asked.host = request.url.authority();
    asked.rule = std::move(rule);
    asked.tunnel = request.tunnel, asked.websocket = request.websocket;
    if (!request.tunnel) asked.target = policy::shown_target(request.url);
    return asked;
}

// How an answer is told to the program, if it was no approval.
std::optional<Problem> refusal_of(const policy::Approvals::Answered& answered, const std::string& rule) {
    using Outcome = policy::Approvals::Outcome;
    const auto told = [&](int status, std::string reason, std::string_view why) {
        Problem problem{status, std::move(reason), fmt::format("{} asks for the owner's approval, {}", rule, why), ""};
        problem.rule = rule;
        return problem;
    };
    switch (answered.outcome) {
        case Outcome::once:
        case Outcome::for_a_time:
        case Outcome::earlier: return std::nullopt;
        case Outcome::denied: return told(403, "approval_denied", "who was asked and denied it");
        case Outcome::denied_earlier: return told(403, "approval_denied", "who denied one like it for the rest of this session");
        case Outcome::timed_out: {
            auto problem = told(403, "approval_timed_out", "who was asked and did not answer in time; ask for it, then try again");
            problem.command = "claviger approve --watch";
            return problem;
        }
        case Outcome::gone: return told(403, "approval_timed_out", "and the client did not wait for it");
        case Outcome::unavailable: {
            auto problem = told(503, "approval_unavailable", "who cannot be asked on this machine now");
            problem.command = "claviger doctor";
            problem.why = answered.why;
            return problem;
        }
        case Outcome::too_often: {
            auto problem = told(429, "too_many_asked", "who is asked so many things a minute and no more");
            problem.retry_after = 5;
            return problem;
        }
        case Outcome::too_many: break;
    }
    auto problem = told(429, "too_many_waiting", "and as many requests as can wait for one");
    problem.command = "claviger approve";
    problem.retry_after = 30;
    return problem;
}

std::string approval_text(const policy::Approvals::Answered& answered) {
    using Outcome = policy::Approvals::Outcome;
    switch (answered.outcome) {
        case Outcome::once: return "once";
        case Outcome::for_a_time: return policy::duration_text(answered.lasting);
        case Outcome::earlier: return "earlier";
        default: return "";
    }
}

}  // namespace

SessionPolicy::SessionPolicy(Surroundings with, std::vector<policy::RuleLayer> layers, const std::vector<SessionLimit>& limits)
    : with_(with), layers_(std::move(layers)) {
    for (const auto& limit : limits) limits_.push_back(made(limit));
}

SessionPolicy::Limit SessionPolicy::made(SessionLimit limit) const {
    std::optional<policy::TokenBucket> bucket;
    if (limit.rate) bucket.emplace(*limit.rate, with_.clock.now());
    return Limit{std::move(limit), std::move(bucket)};
}

Result<SessionPolicy::Known*> SessionPolicy::rules_of(const policy::Route& route) {
    const std::pair key(route.provider, route.connection);
    const auto now = std::chrono::steady_clock::now();
    const auto found = known_.find(key);
    const auto is_fresh = [&] { return found != known_.end() && !found->second.stale; };
    if (is_fresh() && now - found->second.looked < kMoment) return &found->second;
    TRY(change, with_.vault.change_counter());
    if (change != seen_change_) {
        for (auto& [of, known] : known_) known.stale = true;
        seen_change_ = change;
    }
    if (is_fresh()) {
        found->second.looked = now;
        return &found->second;
    }
    TRY(known, read_rules(key, found == known_.end() ? std::nullopt : found->second.limit.bucket));
    known.looked = now;
    return &known_.insert_or_assign(key, std::move(known)).first->second;
}

// A bucket goes on as it is while its rate stays.
Result<SessionPolicy::Known> SessionPolicy::read_rules(const std::pair<std::string, std::string>& key, std::optional<policy::TokenBucket> bucket) {
    TRY(rules, connection::load_rules(with_.vault, key.first, key.second));
    Known known{rules.layer(), made(limit_of(rules)), {}, false};
    if (bucket && rules.rate && bucket->rate() == *rules.rate) known.limit.bucket = std::move(bucket);
    return known;
}

std::optional<Problem> SessionPolicy::over_rate(const std::vector<Limit*>& limits) {
    const auto now = with_.clock.now();
    for (std::size_t i = 0; i < limits.size(); ++i) {
        const auto wait = limits[i]->bucket ? limits[i]->bucket->take(now) : std::nullopt;
        if (!wait) continue;
        while (i-- > 0) {
            if (limits[i]->bucket) limits[i]->bucket->give_back();
        }
        return too_many(limits[i + 1]->limit, *wait);
    }
    return std::nullopt;
}

Result<SessionPolicy::Judged> SessionPolicy::judge_now(const proxy::GateRequest& request) {
    Judged judged;
    std::vector<const policy::RuleLayer*> layers;
    if (request.route != nullptr) {
        TRY(own, rules_of(*request.route));
        layers.push_back(&own->layer);
        for (auto& limit : limits_) judged.limits.push_back(&limit);
        judged.limits.push_back(&own->limit);
    }
    for (const auto& layer : layers_) layers.push_back(&layer);
    std::vector<const SessionLimit*> limits;
    for (const auto& limit : limits_) limits.push_back(&limit.limit);  // the session's time is up for whatever goes through it
    if (request.route != nullptr) limits.push_back(&judged.limits.back()->limit);
    judged.verdict = judge(layers, limits, policy::RuleRequest{request.method, request.url, request.route, request.tunnel, request.websocket}, with_.clock.now());
    // Whoever is asked is told a method and a path: these alone may be what happens.
    judged.strips_overrides = judged.verdict.asks() || (request.route != nullptr && policy::limits_request_line(layers, *request.route));
    return judged;
}

net::Task<proxy::Admission> SessionPolicy::admit(proxy::GateRequest request, net::Cancellation& gone) {
    proxy::Admission admission;
    auto judged = judge_now(request);
    if (judged) {
        admission.rule = judged->verdict.judgement.rule;
        admission.refusal = judged->verdict.refusal;
        // Nobody is asked for what is over a rate: the token is taken before.
        if (!admission.refusal) admission.refusal = over_rate(judged->limits);
    }
    if (judged && !admission.refusal && judged->verdict.asks()) {
        auto asked = asked_of(request, admission.rule);
        const auto answered = co_await with_.approvals.ask(std::move(asked), gone);
        admission.approval = approval_text(answered);
        admission.refusal = refusal_of(answered, admission.rule);
        judged = judge_now(request);  // rules may have changed meanwhile, and a time may have passed (PX-29)
        if (judged && !admission.refusal) admission.refusal = judged->verdict.refusal;
    }
    if (!judged) {  // nobody knows what the rules would refuse
        admission.refusal = policy_refusal("the rules of this connection cannot be read, so nothing is let through", "", proxy::command_in(judged.error().hint));
        admission.refusal->why = judged.error().describe();
    } else {
        admission.reachable_by_name = judged->verdict.names_host();
        admission.strips_overrides = judged->strips_overrides;
    }
    if (admission.refusal) {
        if (!admission.refusal->rule.empty()) admission.rule = admission.refusal->rule;
        with_.log.info("policy.refused", {{"host", request.url.host()}, {"method", request.method}, {"rule", admission.refusal->rule}});
    }
    co_return admission;
}

bool SessionPolicy::still_admits(const proxy::GateRequest& request) {
    const auto judged = judge_now(request);
    return judged && !judged->verdict.refusal;
}

}  // namespace claviger::app
