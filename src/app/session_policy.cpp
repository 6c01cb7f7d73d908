#include "app/session_policy.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace claviger::app {
namespace {

using base::Result;
using proxy::Problem;

Problem refusal(std::string because, std::string rule, std::string command = {}) {
    Problem problem{403, "policy", std::move(because), std::move(command)};
    problem.rule = std::move(rule);
    return problem;
}

Problem too_many(const SessionLimit& limit, base::Duration wait) {
    const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
    Problem problem{429, "rate_limited", fmt::format("{} lets no more requests through now; try again in {} s", limit.name, seconds), ""};
    problem.rule = limit.name;
    problem.retry_after = seconds;
    return problem;
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
    Known known{rules.layer(), made({rules.name(), rules.rate, rules.until}), {}, false};
    if (bucket && rules.rate && bucket->rate() == *rules.rate) known.limit.bucket = std::move(bucket);
    return known;
}

std::optional<Problem> SessionPolicy::over_time(const std::vector<Limit*>& limits) const {
    const auto now = with_.clock.now();
    for (const auto* limit : limits) {
        if (!limit->limit.until || now < *limit->limit.until) continue;
        return refusal(fmt::format("the time of {} is up since {}", limit->limit.name, base::to_rfc3339(*limit->limit.until)), limit->limit.name);
    }
    return std::nullopt;
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

Result<SessionPolicy::Applying> SessionPolicy::applying_to(const proxy::GateRequest& request) {
    Applying all;
    if (request.route != nullptr) {
        TRY(own, rules_of(*request.route));
        all.layers.push_back(&own->layer);
        for (auto& limit : limits_) all.limits.push_back(&limit);
        all.limits.push_back(&own->limit);
    }
    for (const auto& layer : layers_) all.layers.push_back(&layer);
    return all;
}

net::Task<proxy::Admission> SessionPolicy::admit(proxy::GateRequest request, net::Cancellation&) {
    proxy::Admission admission;
    auto applying = applying_to(request);
    if (!applying) {  // nobody knows what they would refuse
        admission.refusal = refusal(applying.error().message, "", applying.error().hint);
        co_return admission;
    }
    const auto judgement = judge(*applying, request);
    admission.reachable_by_name = judgement.allowed_by_name;
    if (judgement.action != policy::Action::allow) admission.refusal = refusal(judgement.because, judgement.rule);
    else if (auto late = over_time(applying->limits)) admission.refusal = std::move(late);
    else admission.refusal = over_rate(applying->limits);
    if (request.route != nullptr) admission.strips_overrides = policy::limits_request_line(applying->layers, *request.route);
    if (admission.refusal) {
        with_.log.info("policy.refused", {{"host", request.url.host()}, {"method", request.method}, {"rule", admission.refusal->rule}});
    }
    co_return admission;
}

bool SessionPolicy::still_admits(const proxy::GateRequest& request) {
    auto applying = applying_to(request);
    return applying && judge(*applying, request).action != policy::Action::deny && !over_time(applying->limits);
}

policy::Judgement SessionPolicy::judge(const Applying& applying, const proxy::GateRequest& request) {
    return policy::judge(applying.layers, policy::RuleRequest{request.method, request.url, request.route, request.tunnel, request.websocket});
}

}  // namespace claviger::app
