#include "proxy/grpc_messages.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace claviger::proxy {
namespace {

std::string message(const std::string& text) {
    std::string all(5, '\0');
    all[3] = static_cast<char>(text.size() >> 8);
    all[4] = static_cast<char>(text.size() & 0xff);
    return all + text;
}

TEST(GrpcMessages, an_end_is_known_however_the_bytes_come) {
    const std::string parts[] = {message("hello"), message(""), message(std::string(300, 'x')), message("a")};
    std::string all;
    std::vector<std::size_t> ends;
    for (const auto& part : parts) {
        all += part;
        ends.push_back(all.size());
    }
    for (const std::size_t step : {1U, 2U, 3U, 7U, 100U, 1000U}) {
        GrpcMessages messages;
        for (std::size_t at = 0; at < all.size(); at += step) {
            const auto piece = std::string_view(all).substr(at, step);
            const bool expected = std::find(ends.begin(), ends.end(), at + piece.size()) != ends.end();
            EXPECT_EQ(messages.take(piece), expected) << step << " " << at;
        }
    }
}

TEST(GrpcMessages, whose_body_it_is) {
    const struct { const char* type; bool is; } rows[] = {{"application/grpc", true}, {"application/grpc+proto", true}, {"Application/gRPC; a=b", true},
                                                          {"application/grpc-web", false}, {"application/json", false}, {"application/grp", false}, {"", false}};
    for (const auto& row : rows) {
        http::Fields fields;
        fields.add("Content-Type", row.type);
        EXPECT_EQ(GrpcMessages::is_body_of(fields), row.is) << row.type;
    }
    EXPECT_FALSE(GrpcMessages::is_body_of({}));
}

}  // namespace
}  // namespace claviger::proxy
