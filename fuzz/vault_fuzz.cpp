// Bytes that come back from a disk somebody else may have written: age files and decrypted records.
#include <cstdint>
#include <string_view>

#include "connection/record.hpp"
#include "vault/age.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 0) {
        // The key is given, so that the fuzzer reaches the stanzas and chunks without a key derivation a run.
        const auto unwrap = [](const auto&) -> claviger::base::Result<claviger::base::Secret> {
            return claviger::base::Secret(std::string_view("0123456789abcdef"));
        };
        (void)claviger::vault::age::decrypt_with(bytes, unwrap, [](std::string_view) { return claviger::base::Result<void>(); });
        return 0;
    }
    claviger::vault::Record record;
    record.key = {"local", "connection", "acme/default"};
    record.version = 1;
    record.payload = claviger::base::Secret(bytes);
    (void)claviger::connection::deserialize(record);
    record.key.kind = "client";
    (void)claviger::connection::deserialize_client(record);
    (void)claviger::connection::deserialize_default(record);
    return 0;
}
