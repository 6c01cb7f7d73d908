// inspect: a definition in full, in each form that Claviger writes, and the schema of the native one.
#include "base/text.hpp"
#include "cli/commands/handlers.hpp"
#include "provider/dialects/afps_v1.hpp"
#include "provider/dialects/flat.hpp"
#include "provider/dialects/pack.hpp"
#include "provider/schema_text.hpp"
#include "sys/files.hpp"
#include "sys/terminal.hpp"

namespace claviger::cli {
namespace {

using base::ErrorCode;
using base::Result;

using Written = provider::afps::Written;  // the bytes, and pointers of what the form loses

Result<Written> write_as(const provider::ProviderDefinition& definition, std::string_view format) {
    if (format == "afps") return provider::write_afps_v1(definition);
    if (format == "flat") return provider::write_flat(definition);
    if (format == "afps-package") {
        TRY(manifest, provider::write_afps_v1(definition));
        provider::PackageFiles package;
        package.files["manifest.json"] = std::move(manifest.text);
        TRY(bytes, provider::write_archive(package));
        return Written{std::move(bytes), std::move(manifest.lost)};
    }
    return Written{json::to_pretty_text(provider::to_native_json(definition)), {}};
}

Outcome put_out(Context& context, const Invocation& invocation, const std::string& bytes) {
    if (!invocation.has("--output")) {
        context.out().data(bytes.ends_with('\n') || bytes.starts_with("PK") ? bytes : bytes + "\n");
        return 0;
    }
    const std::string file = invocation.value("--output");
    TRY_VOID(sys::write_file_atomically(file, bytes));
    if (context.out().json()) context.out().document(json::Object{{"status", "written"}, {"file", file}});
    else context.out().data("Wrote " + base::printable(file, 4096) + ".\n");
    return 0;
}

}  // namespace

Outcome inspect_provider(Context& context, const Invocation& invocation) {
    if (invocation.has("--schema")) {
        if (!invocation.arguments.empty() || invocation.has("--format")) {
            return base::fail(ErrorCode::usage, "--schema is of all definitions", "leave out the provider and --format");
        }
        return put_out(context, invocation, std::string(provider::definition_schema_text()));
    }
    if (invocation.arguments.empty()) return base::fail(ErrorCode::usage, "missing PROVIDER: name of a provider", "claviger help inspect says more");
    const std::string format = invocation.value("--format", "native");
    if (format == "afps-package" && !invocation.has("--output") && (context.out().json() || sys::stdout_is_terminal())) {
        return base::fail(ErrorCode::usage, "a package is a binary file", "add --output FILE.afps");
    }
    TRY(name, checked_name("provider", invocation.argument(0)));
    TRY(definition, context.registry().load(name));
    TRY(written, write_as(definition, format));
    if (!written.lost.empty()) {
        context.out().warn("the form '" + format + "' cannot say: " + base::printable(base::join(written.lost, ", "), 2000));
    }
    return put_out(context, invocation, written.text);
}

}  // namespace claviger::cli
