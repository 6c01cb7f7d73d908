// Any bytes as a definition: no crash; an accepted one round-trips through its native form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "provider/read.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace claviger::provider;
    const ReadResult read = read_definition({reinterpret_cast<const char*>(data), size});
    format_findings(read.findings, "file");
    if (read.ok() != !read.definitions.empty() && read.dialect != "afps-v2") std::abort();
    for (const ProviderDefinition& definition : read.definitions) {
        const std::string text = claviger::json::to_text(to_native_json(definition));
        const ReadResult again = read_definition(text);
        if (!again.ok() || again.definitions.size() != 1) std::abort();
        if (claviger::json::to_text(to_native_json(again.definitions.front())) != text) std::abort();
        if (security_digest(again.definitions.front()) != security_digest(definition)) std::abort();
    }
    return 0;
}
