#include "json/value.hpp"

#include <charconv>
#include <cstddef>

#include <boost/json/memory_resource.hpp>

namespace claviger::json {
namespace {

class WipingResource final : public boost::json::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        return ::operator new(bytes, std::align_val_t{alignment});
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        base::wipe(memory, bytes);
        ::operator delete(memory, bytes, std::align_val_t{alignment});
    }
    bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
        return &other == this;
    }
};

std::optional<std::string> unescape(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            out += token[i];
            continue;
        }
        if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
        out += token[i] == '0' ? '~' : '/';
    }
    return out;
}

const Value* element(const Array& array, std::string_view token) {
    if (token.empty() || (token.size() > 1 && token.front() == '0')) return nullptr;
    std::size_t index = 0;
    const auto* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, index);
    return error == std::errc{} && stop == end ? array.if_contains(index) : nullptr;
}

const Value* child(const Value& parent, std::string_view escaped_token) {
    const auto token = unescape(escaped_token);
    if (!token) return nullptr;
    if (const auto* object = parent.if_object()) return object->if_contains(*token);
    if (const auto* array = parent.if_array()) return element(*array, *token);
    return nullptr;
}

}  // namespace

// One resource for all, without state: a value moves between secret documents without a copy.
StoragePtr secret_storage() {
    static WipingResource resource;
    return StoragePtr(&resource);
}

const Value* find(const Object& object, std::string_view key) { return object.if_contains(key); }

std::optional<std::string_view> string_at(const Object& object, std::string_view key) {
    const Value* value = find(object, key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

std::optional<std::int64_t> int_at(const Object& object, std::string_view key) {
    const Value* value = find(object, key);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    return value->get_int64();
}

std::optional<bool> bool_at(const Object& object, std::string_view key) {
    const Value* value = find(object, key);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

const Object* object_at(const Object& object, std::string_view key) {
    const Value* value = find(object, key);
    return value == nullptr ? nullptr : value->if_object();
}

const Array* array_at(const Object& object, std::string_view key) {
    const Value* value = find(object, key);
    return value == nullptr ? nullptr : value->if_array();
}

const Value* at_pointer(const Value& root, std::string_view pointer) {
    const Value* value = &root;
    while (!pointer.empty() && value != nullptr) {
        if (pointer.front() != '/') return nullptr;
        pointer.remove_prefix(1);
        const auto token = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(token.size());
        value = child(*value, token);
    }
    return value;
}

std::string pointer_append(std::string_view pointer, std::string_view token) {
    std::string out(pointer);
    out += '/';
    for (const char c : token) {
        if (c == '~') out += "~0";
        else if (c == '/') out += "~1";
        else out += c;
    }
    return out;
}

std::string pointer_append(std::string_view pointer, std::size_t index) {
    return pointer_append(pointer, std::string_view(std::to_string(index)));
}

}  // namespace claviger::json
