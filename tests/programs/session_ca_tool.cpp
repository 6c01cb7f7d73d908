// A session's authority as files, for tests with real TLS clients, including leaves that the product refuses to
// mint. Never installed.
//   session_ca_tool <directory> <permitted host,...> <leaf host>...
// writes root.pem, key.pem and, for the n-th leaf host, leaf-<n>.pem (leaf, then root).
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "crypto/session_certificates.hpp"

namespace {

using namespace claviger;
using base::Result;

void write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

Result<void> run(const std::string& directory, const std::string& hosts, const std::vector<std::string>& leaves) {
    std::vector<crypto::HostName> permitted;
    for (const auto& host : base::split(hosts, ',')) {
        TRY(name, crypto::host_name_from(host, true));
        permitted.push_back(std::move(name));
    }
    const auto now = base::SystemClock{}.now();
    const crypto::Validity validity{now - std::chrono::minutes(5), now + std::chrono::hours(1)};
    TRY(root_key, crypto::generate_key());
    TRY(leaf_key, crypto::generate_key());
    TRY(root, crypto::make_root(root_key.get(), permitted, validity));
    TRY(root_pem, crypto::certificate_text(root.get()));
    TRY(key_pem, crypto::private_pem(leaf_key.get()));
    write(directory + "/root.pem", root_pem);
    write(directory + "/key.pem", key_pem.reveal());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        TRY(host, crypto::host_name_from(leaves[i], false));
        TRY(leaf, crypto::make_leaf(leaf_key.get(), root.get(), root_key.get(), host, validity));
        TRY(leaf_pem, crypto::certificate_text(leaf.get()));
        write(directory + "/leaf-" + std::to_string(i) + ".pem", leaf_pem + root_pem);
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3) return 2;
    const auto done = run(words[0], words[1], {words.begin() + 2, words.end()});
    if (!done) std::fprintf(stderr, "session_ca_tool: %s\n", done.error().describe().c_str());
    return done ? 0 : 1;
}
