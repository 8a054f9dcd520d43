// Filters that lay text out: indent, truncate, wordwrap.

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/access.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

Result<std::string_view> text_argument(const Call& call, size_t index) {
  if (call[index].is_undefined()) {
    return undefined_error(call[index]);
  }
  return call.text(index);
}

Result<Value> indent(Call& call) {
  CUPEL_TRY(const auto text, text_argument(call, 0));
  std::string indention;
  if (call[1].is_text()) {
    indention = call[1].bytes();
  } else {
    CUPEL_TRY(const int64_t width, call.integer(1, 4));
    CUPEL_TRY(indention, repeat_text(call.runtime, " ", width));
  }
  CUPEL_TRY(const bool first, call.flag(2, false));
  CUPEL_TRY(const bool blank, call.flag(3, false));
  const std::string terminated = std::string(text) + "\n";
  std::string out = first ? indention : "";
  bool first_line = true;
  for (const auto line : split_lines(terminated, false)) {
    CUPEL_TRY_VOID(call.runtime.step());
    if (!first_line) {
      out += '\n';
      out += !line.empty() || blank ? indention : "";
    }
    first_line = false;
    out += line;
    CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
  }
  return call.runtime.text(std::move(out), call[0].is_markup());
}

Result<Value> truncate(Call& call) {
  CUPEL_TRY(const int64_t limit, call.integer(1, 255));
  CUPEL_TRY(const bool kill_words, call.flag(2, false));
  CUPEL_TRY(const auto end, call[3].is_missing() ? Result<std::string_view>("...") : call.text(3));
  int64_t leeway = 5;
  if (call.has(4)) {
    CUPEL_TRY(leeway, call.integer(4));
  }
  const auto end_length = static_cast<int64_t>(code_point_count(end));
  if (limit < end_length || leeway < 0) {
    return invalid_argument("truncate: the length must hold the end mark, the leeway be positive");
  }
  CUPEL_TRY(const int64_t size, length(call.runtime, call[0]));
  if (size <= limit + leeway) {
    return call[0];
  }
  CUPEL_TRY(const auto text, text_argument(call, 0));
  std::string_view kept =
      text.substr(0, byte_offset(text, static_cast<size_t>(limit - end_length)));
  if (!kill_words) {
    const size_t blank = kept.rfind(' ');
    kept = kept.substr(0, blank == std::string_view::npos ? kept.size() : blank);
  }
  return call.runtime.text(std::string(kept) + std::string(end));
}

/// Wraps one line as Python's textwrap does: white space at line ends goes, long words are broken.
class Wrapper {
 public:
  Wrapper(size_t width, bool break_long_words, bool break_on_hyphens)
      : width_(width), break_long_words_(break_long_words), break_on_hyphens_(break_on_hyphens) {}

  std::vector<std::string> wrap(std::string_view line) {
    text_.clear();
    for (size_t at = 0; at < line.size(); at += sequence_length(line[at])) {
      text_.push_back(code_point_at(line, at));
    }
    split_chunks();
    std::vector<std::string> lines;
    size_t next = 0;
    while (next < chunks_.size()) {
      if (!lines.empty() && is_blank(chunks_[next])) {
        ++next;
        continue;
      }
      auto current = fill_line(next);
      if (!current.empty() && is_blank(current.back())) {
        current.pop_back();
      }
      if (!current.empty()) {
        lines.push_back(encode(current));
      }
    }
    return lines;
  }

 private:
  struct Chunk {
    size_t begin = 0;
    size_t end = 0;
    [[nodiscard]] size_t size() const { return end - begin; }
  };

  static bool is_wrap_space(uint32_t c) { return c == ' ' || (c >= 0x09 && c <= 0x0D); }
  static bool is_letter(uint32_t c) { return is_word(c) && !is_decimal(c); }
  static bool is_word_punctuation(uint32_t c) {
    return is_word(c) || c == '!' || c == '"' || c == '\'' || c == '&' || c == '.' || c == ',' ||
           c == '?';
  }

  [[nodiscard]] uint32_t at(size_t index) const { return index < text_.size() ? text_[index] : 0; }

  [[nodiscard]] bool is_blank(const Chunk& chunk) const {
    return std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(chunk.begin),
                       text_.begin() + static_cast<std::ptrdiff_t>(chunk.end), is_space);
  }

  // A dash run between words at `index`: "word--word".
  [[nodiscard]] size_t em_dash_length(size_t index) const {
    if (index == 0 || !is_word_punctuation(at(index - 1))) {
      return 0;
    }
    size_t end = index;
    while (at(end) == '-') {
      ++end;
    }
    return end - index >= 2 && end < text_.size() && is_word(at(end)) ? end - index : 0;
  }

  // A hyphen at `index` within a word, behind which a line may break.
  [[nodiscard]] bool breaks_after_hyphen(size_t index) const {
    if (at(index) != '-' || index < 2) {
      return false;
    }
    const bool before = is_letter(at(index - 1)) &&
                        (is_letter(at(index - 2)) ||
                         (index >= 3 && at(index - 2) == '-' && is_letter(at(index - 3))));
    const bool after =
        is_letter(at(index + 1)) &&
        (is_letter(at(index + 2)) || (at(index + 2) == '-' && is_letter(at(index + 3))));
    return before && after;
  }

  [[nodiscard]] size_t word_end(size_t begin) const {
    size_t end = begin + 1;
    while (end < text_.size() && !is_wrap_space(text_[end])) {
      if (break_on_hyphens_ && breaks_after_hyphen(end)) {
        return end + 1;
      }
      if (break_on_hyphens_ && em_dash_length(end) > 0) {
        return end;
      }
      ++end;
    }
    return end;
  }

  void split_chunks() {
    chunks_.clear();
    for (size_t begin = 0; begin < text_.size();) {
      size_t end = begin;
      while (end < text_.size() && is_wrap_space(text_[end])) {
        ++end;
      }
      if (end == begin) {
        const size_t dash = break_on_hyphens_ ? em_dash_length(begin) : 0;
        end = dash > 0 ? begin + dash : word_end(begin);
      }
      chunks_.push_back({begin, end});
      begin = end;
    }
  }

  std::vector<Chunk> fill_line(size_t& next) {
    std::vector<Chunk> line;
    size_t used = 0;
    while (next < chunks_.size() && used + chunks_[next].size() <= width_) {
      used += chunks_[next].size();
      line.push_back(chunks_[next++]);
    }
    if (next < chunks_.size() && chunks_[next].size() > width_) {
      break_word(line, next, width_ - used);
    }
    return line;
  }

  void break_word(std::vector<Chunk>& line, size_t& next, size_t room) {
    Chunk& word = chunks_[next];
    if (!break_long_words_) {
      if (line.empty()) {
        line.push_back(word);
        ++next;
      }
      return;
    }
    size_t cut = word.begin + room;
    if (break_on_hyphens_) {
      for (size_t i = cut; i > word.begin + 1; --i) {
        if (at(i - 1) == '-') {
          const bool only_hyphens =
              std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(word.begin),
                          text_.begin() + static_cast<std::ptrdiff_t>(i - 1),
                          [](uint32_t c) { return c == '-'; });
          cut = only_hyphens ? cut : i;
          break;
        }
      }
    }
    line.push_back({word.begin, cut});
    word.begin = cut;
  }

  [[nodiscard]] std::string encode(const std::vector<Chunk>& line) const {
    std::string out;
    for (const auto& chunk : line) {
      for (size_t i = chunk.begin; i < chunk.end; ++i) {
        append_utf8(out, text_[i]);
      }
    }
    return out;
  }

  size_t width_;
  bool break_long_words_;
  bool break_on_hyphens_;
  std::vector<uint32_t> text_;
  std::vector<Chunk> chunks_;
};

Result<Value> word_wrap(Call& call) {
  CUPEL_TRY(const auto text, text_argument(call, 0));
  CUPEL_TRY(const int64_t width, call.integer(1, 79));
  CUPEL_TRY(const bool break_long_words, call.flag(2, true));
  CUPEL_TRY(const auto separator, call.has(3) ? call.text(3) : Result<std::string_view>("\n"));
  CUPEL_TRY(const bool break_on_hyphens, call.flag(4, true));
  if (width <= 0) {
    return invalid_argument("invalid width {} (must be > 0)", width);
  }
  // Dashes are looked at again from every place in a run of them.
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size()));
  const size_t dashes = static_cast<size_t>(std::count(text.begin(), text.end(), '-'));
  CUPEL_TRY_VOID(call.runtime.step(dashes > 4096 ? dashes * dashes / 64 : 0));
  Wrapper wrapper(static_cast<size_t>(width), break_long_words, break_on_hyphens);
  std::string out;
  bool first = true;
  for (const auto line : split_lines(text, false)) {
    out += first ? "" : separator;
    first = false;
    bool first_part = true;
    for (const auto& part : wrapper.wrap(line)) {
      out += first_part ? "" : separator;
      first_part = false;
      out += part;
      CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
    }
  }
  return call.runtime.text(std::move(out));
}

constexpr Builtin kFilters[] = {
    {"indent", "s width? first? blank?", indent},
    {"truncate", "s length? killwords? end? leeway?", truncate},
    {"wordwrap", "s width? break_long_words? wrapstring? break_on_hyphens?", word_wrap},
};

}  // namespace

std::span<const Builtin> layout_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
