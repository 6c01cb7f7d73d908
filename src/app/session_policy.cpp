#include "app/session_policy.hpp"

namespace claviger::app {
namespace {

proxy::Problem refusal(const policy::Judgement& judgement) {
    proxy::Problem problem{403, "policy", judgement.because, ""};
    problem.rule = judgement.rule;
    return problem;
}

}  // namespace

net::Task<proxy::Admission> SessionPolicy::admit(proxy::GateRequest request, net::Cancellation&) {
    std::vector<const policy::RuleLayer*> layers;
    for (const auto& layer : layers_) layers.push_back(&layer);
    const auto judgement = policy::judge(layers, policy::RuleRequest{request.method, request.url, request.route, request.tunnel});
    proxy::Admission admission;
    admission.reachable_by_name = judgement.allowed_by_name;
    if (judgement.action != policy::Action::allow) {
        with_.log.info("policy.refused", {{"host", request.url.host()}, {"method", request.method}, {"rule", judgement.rule}});
        admission.refusal = refusal(judgement);
    } else if (request.route != nullptr) {
        admission.strips_overrides = policy::limits_request_line(layers, *request.route);
    }
    co_return admission;
}

}  // namespace claviger::app
