// Injection into requests of any bytes: the lines are target, Cookie and a header "name:value". Afterwards a reader of
// the simple kind finds our value once, and nothing of the caller's under our names (PX-13).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "inject/request_edit.hpp"

namespace {

using namespace claviger;

void require(bool holds) {
    if (!holds) std::abort();
}

std::size_t count_parameters(std::string_view target, std::string_view name) {
    const auto mark = target.find('?');
    if (mark == std::string_view::npos) return 0;
    std::size_t count = 0;
    for (const auto& piece : base::split(target.substr(mark + 1), '&')) {
        const auto decoded = base::form_decode(piece.substr(0, piece.find('=')));
        if (decoded && base::equal_ignoring_case(base::trim(*decoded), name)) ++count;
    }
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto lines = base::split({reinterpret_cast<const char*>(data), size}, '\n');
    if (lines.size() < 3) return 0;
    std::string target = "/" + lines[0];
    http::Fields fields;
    fields.add("Cookie", lines[1]);
    fields.add(lines[2].substr(0, lines[2].find(':')), lines[2].substr(lines[2].find(':') + 1));

    inject::remove_parameters(target, {"api_key"});
    require(count_parameters(target, "api_key") == 0);
    inject::append_parameters(target, {{"api_key", "ours"}});
    require(count_parameters(target, "api_key") == 1 && target.ends_with("api_key=ours") && target.starts_with('/'));

    inject::remove_field(fields, "X-Api-Key");
    inject::merge_cookies(fields, {{"sid", "ours"}});
    require(fields.count("X-Api-Key") == 0 && fields.count("x_api_key") == 0 && fields.count("Cookie") == 1);
    std::size_t ours = 0;
    for (const auto& cookie : base::split(*fields.find("Cookie"), ';')) {
        if (base::equal_ignoring_case(base::trim(cookie.substr(0, cookie.find('='))), "sid")) ++ours;
    }
    require(ours == 1 && fields.find("Cookie")->ends_with("sid=ours"));
    return 0;
}
