// The one style sheet and the one script of the local page: constants, so that the content security policy can name
// the style by its hash. Thread rule: constants.
#pragma once

#include <string>
#include <string_view>

namespace claviger::api {

std::string_view page_style();
std::string_view copy_script();        // gives the copy button to those who have JavaScript
const std::string& page_style_hash();  // "'sha256-...'"

}  // namespace claviger::api
