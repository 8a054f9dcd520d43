#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "decode/constraint/automaton.h"

namespace cupel::fuzz {

/// Of an automaton: more are of counts of thousands, seconds of work for no other code.
inline constexpr size_t kMostNodes = 1U << 14U;

/// Follows the automaton with the masks of a small vocabulary that has all bytes, a few tokens
/// long; `choices` decides between what is allowed. Checks that a mask is never empty and agrees
/// with the machine byte by byte. The text so far, where it may end there; else nothing.
std::string walk_masks(decode::constraint::Automaton automaton, std::span<const uint8_t> choices);

}  // namespace cupel::fuzz
