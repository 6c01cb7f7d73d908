// A QR code as lines for a terminal. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sys/qr_code.hpp"

namespace claviger::cli {

struct QrText {
    bool unicode = true;  // half blocks, two modules to a character; else two characters to a module
    bool colour = true;   // black on white whatever the terminal's colours are; else made for a dark one
    int columns = 80;     // nullopt when it is wider
};

std::optional<std::vector<std::string>> qr_lines(const sys::QrCode& code, const QrText& how);

// Whether the environment's character set is UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is set says so.
bool utf8_environment();

}  // namespace claviger::cli
