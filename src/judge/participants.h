#pragma once

#include <string>

#include "core/chat_model.h"
#include "core/scorer.h"

namespace cupel::judge {

/// A model that is evaluated.
struct Contender {
  ChatModel* model = nullptr;
  std::string spec;
  bool is_control = false;  ///< a null model
};

/// Who judges: words through `model`, label probabilities through `scorer`.
struct Judge {
  std::string name = "programs";  ///< the name when nobody does
  ChatModel* model = nullptr;
  Scorer* scorer = nullptr;
  std::string fingerprint;
  std::string spec;
};

}  // namespace cupel::judge
