// The bad-certificate zoo as files, for a test of the whole program. Never installed.
//   certificate_zoo <directory>
// writes roots.pem (all that the client trusts), for the n-th case n.pem (chain, then key), and cases.json: of each its
// name, host, what is to be said of it (empty: it is good), and whether TLS 1.2 is the newest.
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "json/value.hpp"
#include "net/certificate_zoo.hpp"

namespace {

using namespace claviger;
using namespace claviger::net::fixture;

bool write(const std::string& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    return file.flush().good();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::string directory = argv[1];
    std::set<std::string> roots;
    json::Array listed;
    bool written = true;
    for (const ZooCase& one : certificate_zoo()) {
        std::string chain;
        for (const Certificate& certificate : one.chain) chain += pem(certificate);
        written = written && write(directory + "/" + std::to_string(listed.size()) + ".pem", chain + pem(one.key));
        roots.insert(pem(one.trusted));
        json::Object entry;
        entry["name"] = one.name;
        entry["host"] = one.host;
        entry["expected"] = one.expected;
        entry["tls12"] = one.max_version == TLS1_2_VERSION;
        listed.push_back(entry);
    }
    std::string trusted;
    for (const std::string& root : roots) trusted += root;
    written = written && write(directory + "/roots.pem", trusted) && write(directory + "/cases.json", json::to_text(listed));
    if (!written) std::fprintf(stderr, "certificate_zoo: cannot write into %s\n", directory.c_str());
    return written ? 0 : 1;
}
