// Definitions made to cost much: read_definition bounds its work and its findings.
#include <gtest/gtest.h>

#include "provider/read.hpp"

namespace claviger::provider {
namespace {

constexpr std::string_view kHead = R"({"name":"acme","display_name":"Acme",)";
constexpr std::string_view kOAuth = R"("auth_type":"oauth2","flow":"pkce","oauth":{"authorization_url":"https://acme.example/a",)"
                                    R"("token_url":"https://acme.example/t",)";
constexpr std::string_view kKey = R"("auth_type":"api_key","flow":"api_key","api_url":"api.acme.example","api_key":{)";

std::string oauth(std::string_view more) { return std::string(kHead) + std::string(kOAuth) + std::string(more) + "}}"; }
std::string key(std::string_view more) { return std::string(kHead) + std::string(kKey) + std::string(more) + "}}"; }
std::string key_and(std::string_view more) { return std::string(kHead) + std::string(kKey) + "}," + std::string(more) + "}"; }
std::string placed(std::string_view places) {
    return std::string(kHead) + R"("auth_type":"api_key","flow":"api_key","api_key":{},)" + std::string(places) + "}";
}

TEST(ReadDefinition, PK08_patterns_are_linear_and_bounded) {
    for (const std::string pattern : {"(a+)+$", "(a|aa)+$", "([a-z]+)*x", "((a{0,50}){0,50}){0,50}", "a{1,1000}{1,1000}"}) {
        read_definition(key("\"key_pattern\":\"" + pattern + "\""));  // must return at once
    }
    EXPECT_FALSE(read_definition(key("\"key_pattern\":\"((a{0,100}){0,100}){0,100}\"")).ok());
    EXPECT_FALSE(read_definition(key("\"key_pattern\":\"" + std::string(600, 'a') + "\"")).ok());
}

// RS-10: a file at the bound of size costs little, whatever it is made of: what is not linear runs into the test's
// time limit.
TEST(ReadDefinition, hostile_files_cost_little) {
    const auto repeated = [](std::string_view piece, std::size_t bytes) {
        std::string text;
        for (int i = 0; text.size() < bytes; ++i) {
            for (const char c : piece) text += c == '#' ? std::to_string(i) : std::string(1, c);
        }
        return text;
    };
    constexpr std::size_t kMuch = 900'000;
    for (const std::string& text : std::vector<std::string>{
             placed("\"api_url\":[" + repeated("\"*.#\",", kMuch) + "\"a.b\"]"),
             placed("\"api_url\":\"https://" + repeated("{a#}", kMuch) + "\""),
             placed("\"authorized_uris\":[" + repeated("\"https://*.*.*/#\",", kMuch) + "\"\"]"),
             oauth("\"refresh_url\":\"https://a.example/" + repeated("{a#}", kMuch) + "\""),
             key_and("\"inject\":{\"headers\":{\"X\":\"" + repeated("{{a#}}", kMuch) + "\"}}"),
             key_and("\"inject\":{\"headers\":{" + repeated("\"X#\":\"{{a}}\",", kMuch) + "\"X\":\"\"}}"),
             key_and("\"vars\":{" + repeated("\"v#\":{\"pattern\":\"(a{1,500}){1,50}\"},", kMuch) + "\"v\":{}}"),
             key_and("\"export\":{" + repeated("\"A#\":\"api_kei\",", kMuch) + "\"A\":\"api_key\"}"),
             key_and(repeated("\"api_urls_#\":1,", kMuch) + "\"z\":1"),
             oauth("\"scopes\":[" + repeated("\"a b#\",", kMuch) + "\"a\"]"),
             oauth("\"response\":{\"access_token\":[" + repeated("\"a#\",", kMuch) + "\"/a\"]}")}) {
        const ReadResult read = read_definition(text);
        EXPECT_FALSE(read.ok()) << text.substr(0, 200);
        EXPECT_LE(read.findings.size(), 402u);
    }
}

}  // namespace
}  // namespace claviger::provider
