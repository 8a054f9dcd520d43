#include "cli/pairs_text.h"

#include <vector>

#include "base/format.h"
#include "base/text.h"

namespace cupel::cli {
namespace {

std::string answers_line(const curate::PairSummary& s) {
  std::string line = format("answers  {} to {} prompt{}, {:.0f} tokens each", s.answers, s.prompts,
                            s.prompts == 1 ? "" : "s", s.mean_tokens);
  if (s.cut_short > 0) {
    line += format("; {} cut short", s.cut_short);
  }
  if (s.errors > 0) {
    line += format("; {} could not be had", s.errors);
  }
  return line + "\n";
}

std::string pass_line(const curate::PairSummary& s) {
  std::string line = format("pass     {} of {}: {:.1f}%", s.passed, s.answers, 100 * s.pass_rate);
  if (s.interval) {
    line += format(" (95%: {:.1f} to {:.1f}, prompts as units)", 100 * s.interval->low,
                   100 * s.interval->high);
  }
  return line + "\n";
}

std::string pairs_line(const curate::PairSummary& s) {
  std::string line = format("pairs    {} of {} prompt{}", s.pairs, s.paired_prompts,
                            s.paired_prompts == 1 ? "" : "s");
  if (s.pairs > 0) {
    line += format("; chosen {:.1f} tokens, rejected {:.1f}", s.chosen_tokens, s.rejected_tokens);
  }
  std::vector<std::string> why;
  const auto reason = [&why](int64_t count, std::string_view text) {
    if (count > 0) {
      why.push_back(format("{} {}", count, text));
    }
  };
  reason(s.none_passes, "where no answer passes");
  reason(s.all_pass, "where all pass");
  reason(s.no_answer, "without an answer");
  reason(s.too_few_whole, "with too few whole answers (raise --max-tokens)");
  reason(s.no_match, "where no two whole answers are of like length");
  return line + "\n" + (why.empty() ? "" : "no pair  " + join(why, ", ") + "\n");
}

}  // namespace

std::string no_pairs_text(const curate::PairSummary& s) {
  std::vector<std::string> advice;
  if (s.too_few_whole > 0) {
    advice.emplace_back("raise --max-tokens");
  }
  if (s.no_match > 0) {
    advice.emplace_back("raise --length-ratio");
  }
  if (s.none_passes > 0 || s.all_pass > 0) {
    advice.emplace_back("sample more (--samples) or change the rule");
  }
  if (s.no_answer > 0) {
    advice.emplace_back("ask what fits into the context");
  }
  return "there is no pair to train on; " + join(advice, ", or ");
}

std::string pairs_text(const curate::PairSummary& summary,
                       const std::string& folder,
                       size_t held_out) {
  std::string text = answers_line(summary) + pass_line(summary) + pairs_line(summary);
  text += format("wrote    {}/pairs.jsonl, answers.jsonl, summary.json\n", folder);
  if (held_out > 0) {
    text += format("held out {} prompts: {}/held_out, for cupel eval --bench\n", held_out, folder);
  }
  return text;
}

}  // namespace cupel::cli
