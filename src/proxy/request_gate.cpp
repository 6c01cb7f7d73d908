#include "proxy/request_gate.hpp"

#include "policy/methods.hpp"

namespace claviger::proxy {

net::Task<Admission> admission(RequestGate* gate, GateRequest request, net::Cancellation& gone) {
    if (gate == nullptr) co_return Admission{};
    auto admitted = co_await gate->admit(std::move(request), gone);
    gone.on_cancel(nullptr);
    co_return admitted;
}

void strip_overrides(http::Fields& fields) {
    std::erase_if(fields.items(), [](const http::Field& field) { return policy::overrides_request_line(field.name); });
}

void strip_path_overrides(http::Fields& fields) {
    std::erase_if(fields.items(), [](const http::Field& field) { return policy::overrides_path(field.name); });
}

}  // namespace claviger::proxy
