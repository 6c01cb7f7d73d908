#include "json/schema/visit.hpp"

#include <algorithm>

namespace claviger::json::schema {

bool Effort::spend(std::size_t steps) {
    if (steps > left) exceeded = true;
    left -= std::min(steps, left);
    return !exceeded;
}

std::string pointer_of(const Step* step) {
    if (step == nullptr) return {};
    auto text = pointer_of(step->up);
    text += step->is_index ? pointer_append({}, step->index) : pointer_append({}, step->key);
    return text;
}

bool Visit::run(const Node& node) {
    if (depth_ > Effort::kDeepest) effort_.exceeded = true;
    if (!effort_.spend(1 + node.checks.size())) return false;
    if (node.never) fail("false", "must not be there");
    for (const Check& check : node.checks) {
        if (effort_.exceeded || (failed_ && findings_ == nullptr)) return false;
        check(*this);
    }
    return !failed_;
}

void Visit::fail(std::string_view keyword, std::string message) {
    failed_ = true;
    if (findings_ == nullptr) return;
    auto pointer = pointer_of(at_);
    if (!effort_.spend(1 + (pointer.size() + message.size()) / 16)) return;  // many long ones fill the memory
    findings_->push_back({&instance_, {std::move(pointer), std::string(keyword), std::move(message)}});
}

bool Visit::require(const Node& node) {
    Visit same(instance_, at_, effort_, findings_, depth_ + 1);
    const bool valid = same.run(node);
    if (valid) merge(same);
    failed_ = failed_ || !valid;
    return valid;
}

bool Visit::attempt(const Node& node, Findings* into) {
    Visit same(instance_, at_, effort_, into, depth_ + 1);
    const bool valid = same.run(node);
    if (valid) merge(same);
    return valid;
}

bool Visit::holds(const Node& node) { return Visit(instance_, at_, effort_, nullptr, depth_ + 1).run(node); }

bool Visit::require_part(const Node& node, const Value& value, const Step& step, std::string_view keyword,
                         std::string_view if_never) {
    Visit part(value, &step, effort_, findings_, depth_ + 1);
    if (node.never) part.fail(keyword, std::string(if_never));
    const bool valid = !node.never && part.run(node);
    failed_ = failed_ || !valid;
    return valid;
}

bool Visit::require_member(const Node& node, std::string_view key, const Value& value, std::string_view keyword,
                           std::string_view if_never) {
    return require_part(node, value, Step{at_, key, 0, false}, keyword, if_never);
}

bool Visit::require_item(const Node& node, std::size_t index, const Value& value, std::string_view keyword) {
    return require_part(node, value, Step{at_, {}, index, true}, keyword, "is one element too many");
}

bool Visit::part_holds(const Node& node, const Value& part) {
    return Visit(part, nullptr, effort_, nullptr, depth_ + 1).run(node);
}

std::size_t Visit::parts() const {
    if (const auto* object = instance_.if_object()) return object->size();
    if (const auto* array = instance_.if_array()) return array->size();
    return 0;
}

void Visit::mark(std::size_t index) {
    if (!effort_.tracking) return;
    if (marks_.empty()) marks_.assign(parts(), false);
    if (index < marks_.size()) marks_[index] = true;
}

void Visit::mark_all() {
    if (effort_.tracking) marks_.assign(parts(), true);
}

void Visit::merge(const Visit& other) {
    if (other.marks_.empty()) return;
    effort_.spend(other.marks_.size() / 64);
    if (marks_.empty()) marks_.assign(parts(), false);
    for (std::size_t i = 0; i < marks_.size(); ++i) marks_[i] = marks_[i] || other.marks_[i];
}

}  // namespace claviger::json::schema
