#include "http/message.hpp"

#include <algorithm>

#include "http/syntax.hpp"

namespace claviger::http {
namespace {

constexpr std::string_view kHopByHop[] = {"connection", "keep-alive", "te", "transfer-encoding", "upgrade"};

bool is_hop_by_hop(std::string_view name) {
    constexpr std::string_view kProxy = "proxy-";
    if (name.size() >= kProxy.size() && syntax::equal_loosely(name.substr(0, kProxy.size()), kProxy)) return true;
    return std::any_of(std::begin(kHopByHop), std::end(kHopByHop),
                       [&](std::string_view fixed) { return syntax::equal_loosely(name, fixed); });
}

}  // namespace

std::optional<std::string_view> Fields::find(std::string_view name) const {
    for (const Field& field : items_) {
        if (syntax::same_name(field.name, name)) return std::string_view(field.value);
    }
    return std::nullopt;
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const Field& field : items_) {
        if (syntax::same_name(field.name, name)) values.emplace_back(field.value);
    }
    return values;
}

std::size_t Fields::count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(items_.begin(), items_.end(), [&](const Field& field) {
        return syntax::same_name(field.name, name);
    }));
}

void Fields::add(std::string_view name, std::string_view value) {
    if (items_.empty()) items_.reserve(16);  // most messages need no second allocation
    items_.push_back(Field{std::string(name), base::WipedString(value)});
}

void Fields::set(std::string_view name, std::string_view value) {
    // The value may be a view into a field that is about to go.
    Field field{std::string(name), base::WipedString(value)};
    remove(field.name);
    items_.push_back(std::move(field));
}

std::size_t Fields::remove(std::string_view name) {
    return std::erase_if(items_, [&](const Field& field) { return syntax::same_name(field.name, name); });
}

bool valid_field_name(std::string_view name) noexcept {
    return !name.empty() && syntax::all(name, syntax::kToken);
}

bool valid_field_value(std::string_view value) noexcept {
    return syntax::all(value, syntax::kValue) && syntax::trim_ows(value).size() == value.size();
}

void remove_hop_by_hop(Fields& fields) {
    // Nominated names first and from a copy: the Connection field itself goes too.
    std::vector<std::string> nominated;
    for (const std::string_view value : fields.all("connection")) {
        syntax::each_element(value, [&](std::string_view element) {
            // Host is for every recipient; nominating it would only unroute the message (RFC 9110 section 7.6.1).
            if (!syntax::same_name(element, "host")) nominated.emplace_back(element);
        });
    }
    std::erase_if(fields.items(), [&](const Field& field) {
        if (is_hop_by_hop(field.name)) return true;
        return std::any_of(nominated.begin(), nominated.end(), [&](const std::string& name) {
            return syntax::same_name(field.name, name);
        });
    });
}

}  // namespace claviger::http
