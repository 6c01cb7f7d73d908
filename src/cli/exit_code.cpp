#include "cli/exit_code.hpp"

namespace claviger::cli {
namespace {

constexpr ExitCode kCodes[] = {
    {0, "ok", "done"},
    {1, "internal", "a bug in claviger, or something unforeseen"},
    {2, "usage", "the command line is malformed, or lacks an answer (--yes, --input) that nobody can be asked for: no terminal"},
    {3, "not_found", "no such provider, file or setting"},
    {4, "invalid_input, unsupported, limit", "a file, a form or an answer is wrong"},
    {5, "already_exists, already_connected", "it exists already, or is connected already; --force overwrites"},
    {6, "not_connected", "no such connection"},
    {7, "needs_login, suspended", "the connection is expired, suspended or refused: log in again"},
    {8, "authorization_failed", "the authorization server, or the human who was sent there, said no"},
    {9, "network, timeout, protocol, tls, address_refused", "a server, or a session of yours (approve), cannot be reached, is too slow, or breaks its protocol or TLS"},
    {10, "storage, corrupt, key_missing", "the disk or the vault: full, damaged, of a newer version, or its key is missing"},
    {11, "cancelled", "a question was answered with no or with Ctrl-C, or not in time, or a signal stopped it"},
    {12, "busy, changed", "a port or a lock is taken"},
    {13, "denied", "not allowed here"},
    {14, "fault", "a check found a fault (doctor, vault status, log --verify)"},
    {15, "no_isolation", "run: the program cannot be isolated here (--no-sandbox runs it without), or have the network of its own that --transparent wants"},
    {126, "denied, storage", "run: the program was found but cannot be executed"},
    {127, "not_found", "run: the program was not found"},
};

}  // namespace

std::span<const ExitCode> exit_codes() { return kCodes; }

int exit_code_of(base::ErrorCode code) {
    using base::ErrorCode;
    switch (code) {
        case ErrorCode::internal: return 1;
        case ErrorCode::usage: return kExitUsage;
        case ErrorCode::not_found: return 3;
        case ErrorCode::invalid_input:
        case ErrorCode::unsupported:
        case ErrorCode::limit: return 4;
        case ErrorCode::already_exists:
        case ErrorCode::already_connected: return 5;
        case ErrorCode::not_connected: return 6;
        case ErrorCode::needs_login:
        case ErrorCode::suspended: return 7;
        case ErrorCode::authorization_failed: return 8;
        case ErrorCode::protocol:
        case ErrorCode::timeout:
        case ErrorCode::network:
        case ErrorCode::tls:
        case ErrorCode::address_refused: return 9;
        case ErrorCode::storage:
        case ErrorCode::key_missing:
        case ErrorCode::corrupt: return 10;
        case ErrorCode::cancelled: return 11;
        case ErrorCode::busy:
        case ErrorCode::changed: return 12;
        case ErrorCode::denied: return 13;
        case ErrorCode::no_isolation: return 15;
    }
    return 1;
}

}  // namespace claviger::cli
