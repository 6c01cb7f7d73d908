// What a human reads on the terminal to approve a login on another device: link, code and, where it can be drawn, a QR
// code (RFC 8628 section 3.3). Thread rule: main thread.
#pragma once

#include "cli/terminal_style.hpp"
#include "connection/dialog.hpp"

namespace claviger::cli {

enum class ShowQr { automatic, always, never };  // automatic: on a terminal, and neither --quiet nor --json

// On stderr, also with --quiet and --json: without it nobody can go on.
void print_device_code(const Output& out, const connection::DeviceCode& code, ShowQr qr);

}  // namespace claviger::cli
