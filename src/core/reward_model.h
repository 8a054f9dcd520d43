#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/message.h"

namespace cupel {

/// Rewards of K answers to one conversation.
class RewardModel {
 public:
  virtual ~RewardModel() = default;
  /// One scalar per answer, higher is better.
  virtual Result<std::vector<double>> rewards(const Conversation& prompt,
                                              std::span<const std::string> answers) = 0;
};

/// Verdict of a moderation guard on a text.
struct GuardVerdict {
  enum class Action { kAllow, kFlag, kBlock } action = Action::kAllow;
  std::string category;  ///< empty when allowed
};
class Guard {
 public:
  virtual ~Guard() = default;
  virtual Result<GuardVerdict> check(const Conversation& conversation) = 0;
};

}  // namespace cupel
