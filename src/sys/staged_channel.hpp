// The talk between a session and its staged child, over a socket pair: texts, and descriptors that go along. Internal to the
// folder. Thread rule: one thread at each end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sys/descriptor.hpp"

namespace claviger::sys {

using Texts = std::vector<std::string>;  // without NUL

// False: the other end is gone. No copy of what was sent is left here.
bool send_texts(int channel, const Texts& texts);
std::optional<Texts> receive_texts(int channel);

// Descriptors, at most kMostDescriptors; the other end gets duplicates that are closed at exec.
inline constexpr std::size_t kMostDescriptors = 128;
bool send_descriptors(int channel, const std::vector<Descriptor>& descriptors);
std::optional<std::vector<Descriptor>> receive_descriptors(int channel);

}  // namespace claviger::sys
