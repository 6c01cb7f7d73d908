#include "sys/secret_service.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>

#include <dlfcn.h>

#include <fmt/format.h>

#include "base/text.hpp"

namespace claviger::sys {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// The part of libsecret's and GLib's stable C interface that is used, declared here so that neither is needed to
// build or to start. Layouts are from secret-schema.h and gerror.h.
struct SchemaAttribute {
    const char* name;
    int type;  // 0: string
};
struct Schema {
    const char* name;
    int flags;  // 0: the schema's name is part of what an item is found by
    SchemaAttribute attributes[32];
    int reserved;
    void* reserved_pointers[7];
};
struct GError {
    std::uint32_t domain;
    int code;
    char* message;
};
using Object = void;

const Schema kSchema = {"claviger.VaultKey", 0, {{"application", 0}, {"vault", 0}, {"key", 0}}, 0, {}};
constexpr int kAnySchema = 1 << 1;

struct Library {
    Object* (*service_get_sync)(int, Object*, GError**) = nullptr;
    Object* (*collection_for_alias_sync)(Object*, const char*, int, Object*, GError**) = nullptr;
    int (*collection_get_locked)(Object*) = nullptr;
    int (*password_storev_sync)(const Schema*, Object*, const char*, const char*, const char*, Object*, GError**) = nullptr;
    char* (*password_lookupv_sync)(const Schema*, Object*, Object*, GError**) = nullptr;
    int (*password_clearv_sync)(const Schema*, Object*, Object*, GError**) = nullptr;
    void (*password_free)(char*) = nullptr;
    Object* (*cancellable_new)() = nullptr;
    void (*cancellable_cancel)(Object*) = nullptr;
    void (*object_unref)(Object*) = nullptr;
    void (*error_free)(GError*) = nullptr;
    Object* (*hash_table_new)(unsigned (*)(const void*), int (*)(const void*, const void*)) = nullptr;
    int (*hash_table_insert)(Object*, void*, void*) = nullptr;
    void (*hash_table_unref)(Object*) = nullptr;
    unsigned (*str_hash)(const void*) = nullptr;
    int (*str_equal)(const void*, const void*) = nullptr;
    bool complete = false;
};

template <class Function>
bool find(void* handle, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle, name));
    return function != nullptr;
}

Library load_library() {
    Library library;
    // Never closed: GLib keeps threads that run its code.
    void* handle = ::dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) return library;
    library.complete = find(handle, "secret_service_get_sync", library.service_get_sync) &&
                       find(handle, "secret_collection_for_alias_sync", library.collection_for_alias_sync) &&
                       find(handle, "secret_collection_get_locked", library.collection_get_locked) &&
                       find(handle, "secret_password_storev_sync", library.password_storev_sync) &&
                       find(handle, "secret_password_lookupv_nonpageable_sync", library.password_lookupv_sync) &&
                       find(handle, "secret_password_clearv_sync", library.password_clearv_sync) &&
                       find(handle, "secret_password_free", library.password_free) &&
                       find(handle, "g_cancellable_new", library.cancellable_new) &&
                       find(handle, "g_cancellable_cancel", library.cancellable_cancel) &&
                       find(handle, "g_object_unref", library.object_unref) &&
                       find(handle, "g_error_free", library.error_free) &&
                       find(handle, "g_hash_table_new", library.hash_table_new) &&
                       find(handle, "g_hash_table_insert", library.hash_table_insert) &&
                       find(handle, "g_hash_table_unref", library.hash_table_unref) &&
                       find(handle, "g_str_hash", library.str_hash) && find(handle, "g_str_equal", library.str_equal);
    return library;
}

// Without a bus in the environment GLib would start one of its own.
bool session_bus_is_named() {
    if (const char* address = std::getenv("DBUS_SESSION_BUS_ADDRESS"); address != nullptr && *address != '\0') return true;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::error_code ignored;
    return runtime != nullptr && std::filesystem::is_socket(std::filesystem::path(runtime) / "bus", ignored);
}

const Library* library() {
    static const Library loaded = load_library();
    return loaded.complete ? &loaded : nullptr;
}

// Cancels the call under way after `wait`: libsecret's own patience is 25 seconds a message.
class Deadline {
public:
    Deadline(const Library& library, std::chrono::milliseconds wait)
        : library_(library), cancellable_(library.cancellable_new()), watchdog_([this, wait] {
              std::unique_lock lock(mutex_);
              if (!ended_.wait_for(lock, wait, [this] { return over_; })) library_.cancellable_cancel(cancellable_);
          }) {}
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        ended_.notify_one();
        watchdog_.join();
        library_.object_unref(cancellable_);
    }
    [[nodiscard]] Object* cancellable() const { return cancellable_; }

private:
    const Library& library_;
    Object* cancellable_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;
    std::thread watchdog_;
};

// A GHashTable over strings that the map keeps alive.
class Table {
public:
    Table(const Library& library, const SecretAttributes& attributes)
        : library_(library), table_(library.hash_table_new(library.str_hash, library.str_equal)) {
        for (const auto& [name, value] : attributes) {
            library.hash_table_insert(table_, const_cast<char*>(name.c_str()), const_cast<char*>(value.c_str()));
        }
    }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table() { library_.hash_table_unref(table_); }
    [[nodiscard]] Object* get() const { return table_; }

private:
    const Library& library_;
    Object* table_;
};

base::Error service_error(const Library& library, GError* error, std::string_view doing) {
    std::string reason = "no answer";
    if (error != nullptr) {
        reason = base::printable(error->message != nullptr ? error->message : "", 200);
        library.error_free(error);
    }
    return base::Error::make(ErrorCode::unsupported, fmt::format("{}: {}", doing, reason),
                             "start and unlock the desktop's keyring, or choose another key source");
}

Result<const Library*> available() {
    if (!session_bus_is_named()) {
        return fail(ErrorCode::unsupported, "there is no session bus, so no Secret Service", "choose another key source");
    }
    if (const Library* loaded = library()) return loaded;
    return fail(ErrorCode::unsupported, "libsecret is not installed", "install it, or choose another key source");
}

Result<base::Secret> look_up(const Schema& schema, const SecretAttributes& attributes, std::chrono::milliseconds wait) {
    TRY(library, available());
    const Deadline deadline(*library, wait);
    const Table table(*library, attributes);
    GError* error = nullptr;
    char* found = library->password_lookupv_sync(&schema, table.get(), deadline.cancellable(), &error);
    if (error != nullptr) return fail(service_error(*library, error, "the Secret Service did not answer"));
    if (found == nullptr) return fail(ErrorCode::not_found, "the Secret Service has no such item");
    base::Secret secret{std::string_view(found)};
    library->password_free(found);  // wipes
    return secret;
}

}  // namespace

bool secret_service_ready(std::chrono::milliseconds wait) {
    const auto loaded = available();
    if (!loaded) return false;
    const Library& library = **loaded;
    const Deadline deadline(library, wait);
    Object* service = library.service_get_sync(0, deadline.cancellable(), nullptr);
    if (service == nullptr) return false;
    Object* collection = library.collection_for_alias_sync(service, "default", 0, deadline.cancellable(), nullptr);
    const bool ready = collection != nullptr && library.collection_get_locked(collection) == 0;
    if (collection != nullptr) library.object_unref(collection);
    library.object_unref(service);
    return ready;
}

Result<void> secret_service_store(const SecretAttributes& attributes, std::string_view label, const base::Secret& text,
                                  std::chrono::milliseconds wait) {
    TRY(library, available());
    const Deadline deadline(*library, wait);
    const Table table(*library, attributes);
    base::WipedString terminated(text.reveal());
    GError* error = nullptr;
    if (library->password_storev_sync(&kSchema, table.get(), "default", std::string(label).c_str(), terminated.c_str(),
                                      deadline.cancellable(), &error) == 0) {
        return fail(service_error(*library, error, "the Secret Service did not store the key"));
    }
    return {};
}

Result<base::Secret> secret_service_lookup(const SecretAttributes& attributes, std::chrono::milliseconds wait) {
    return look_up(kSchema, attributes, wait);
}

Result<base::Secret> secret_service_lookup_of_others(const SecretAttributes& attributes, std::chrono::milliseconds wait) {
    Schema schema = {"org.freedesktop.Secret.Generic", kAnySchema, {}, 0, {}};
    if (attributes.size() >= std::size(schema.attributes)) return fail(ErrorCode::invalid_input, "too many attributes");
    std::transform(attributes.begin(), attributes.end(), schema.attributes,
                   [](const auto& attribute) { return SchemaAttribute{attribute.first.c_str(), 0}; });
    return look_up(schema, attributes, wait);
}

Result<void> secret_service_clear(const SecretAttributes& attributes, std::chrono::milliseconds wait) {
    TRY(library, available());
    const Deadline deadline(*library, wait);
    const Table table(*library, attributes);
    GError* error = nullptr;
    library->password_clearv_sync(&kSchema, table.get(), deadline.cancellable(), &error);
    if (error != nullptr) return fail(service_error(*library, error, "the Secret Service did not remove the key"));
    return {};
}

}  // namespace claviger::sys
