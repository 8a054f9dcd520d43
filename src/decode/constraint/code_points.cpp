#include "decode/constraint/code_points.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/format.h"

namespace cupel::decode::constraint {
namespace {

constexpr uint8_t kFirstContinuation = 0x80;
constexpr uint8_t kLastContinuation = 0xBF;

/// What a JSON string may not hold as it is.
const CodePointSet& escaped_in_json() {
  static const CodePointSet set = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  return set;
}

/// Ways of UTF-8 bytes for ranges of code points, which share their ends.
class Utf8Writer {
 public:
  Utf8Writer(AutomatonBuilder& builder, NodeId to) : builder_(builder) { any_[0] = to; }

  void add(NodeId from, CodePointRange range) {
    struct Part {
      uint32_t first;
      uint32_t last;
      size_t bytes;
    };
    static constexpr Part kParts[] = {{0, 0x7F, 1},
                                      {0x80, 0x7FF, 2},
                                      {0x800, 0xD7FF, 3},  // between: surrogates
                                      {0xE000, 0xFFFF, 3},
                                      {0x10000, kLastCodePoint, 4}};
    for (const Part& part : kParts) {
      const uint32_t first = std::max(range.first, part.first);
      const uint32_t last = std::min(range.last, part.last);
      if (first <= last) {
        add_bytes(from, encode(first, part.bytes), encode(last, part.bytes), 0, part.bytes);
      }
    }
  }

 private:
  using Bytes = std::array<uint8_t, 4>;

  static Bytes encode(uint32_t c, size_t count) {
    static constexpr uint8_t kLeads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    Bytes bytes{};
    for (size_t i = count; i-- > 1;) {
      bytes[i] = static_cast<uint8_t>(kFirstContinuation | (c & 0x3FU));
      c >>= 6U;
    }
    bytes[0] = static_cast<uint8_t>(kLeads[count] | c);
    return bytes;
  }

  /// A node from which that many continuation bytes lead to the end.
  NodeId any(size_t bytes) {
    if (bytes > 0 && any_[bytes] < 0) {
      const NodeId next = any(bytes - 1);
      any_[bytes] = builder_.add_node();
      builder_.add_bytes(any_[bytes], kFirstContinuation, kLastContinuation, next);
    }
    return any_[bytes];
  }

  static bool all_are(const Bytes& bytes, size_t begin, size_t count, uint8_t byte) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                       bytes.begin() + static_cast<std::ptrdiff_t>(count),
                       [byte](uint8_t b) { return b == byte; });
  }

  // Sequences of `count` bytes between `low` and `high`, of which the first `at` are read.
  void add_bytes(NodeId from, Bytes low, Bytes high, size_t at, size_t count) {
    const size_t rest = count - at - 1;
    if (rest == 0) {
      builder_.add_bytes(from, low[at], high[at], any(0));
      return;
    }
    if (low[at] == high[at]) {
      const NodeId next = builder_.add_node();
      builder_.add_byte(from, low[at], next);
      add_bytes(next, low, high, at + 1, count);
      return;
    }
    Bytes least = low;
    Bytes most = high;
    std::fill(least.begin() + static_cast<std::ptrdiff_t>(at + 1), least.end(), kFirstContinuation);
    std::fill(most.begin() + static_cast<std::ptrdiff_t>(at + 1), most.end(), kLastContinuation);
    uint8_t first = low[at];
    uint8_t last = high[at];
    if (!all_are(low, at + 1, count, kFirstContinuation)) {
      const NodeId next = builder_.add_node();
      builder_.add_byte(from, first++, next);
      add_bytes(next, low, most, at + 1, count);
    }
    if (!all_are(high, at + 1, count, kLastContinuation)) {
      const NodeId next = builder_.add_node();
      builder_.add_byte(from, last--, next);
      add_bytes(next, least, high, at + 1, count);
    }
    if (first <= last) {
      builder_.add_bytes(from, first, last, any(rest));
    }
  }

  AutomatonBuilder& builder_;
  std::array<NodeId, 4> any_ = {-1, -1, -1, -1};
};

std::string json_escape(uint32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default: {
      constexpr char kDigits[] = "0123456789abcdef";
      return std::string("\\u00") + kDigits[c >> 4U & 15U] + kDigits[c & 15U];
    }
  }
}

}  // namespace

CodePointSet::CodePointSet(std::initializer_list<CodePointRange> ranges) : ranges_(ranges) {
  normalise();
}

void CodePointSet::add(const CodePointSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
}

void CodePointSet::normalise() {
  std::sort(ranges_.begin(), ranges_.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CodePointRange> joined;
  for (const CodePointRange& range : ranges_) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  ranges_ = std::move(joined);
}

CodePointSet CodePointSet::complement() const {
  CodePointSet rest;
  uint32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) {
      rest.ranges_.push_back({next, range.first - 1});
    }
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) {
    rest.ranges_.push_back({next, kLastCodePoint});
  }
  return rest;
}

// A ∖ B is what is in neither the complement of A nor B.
CodePointSet CodePointSet::without(const CodePointSet& other) const {
  CodePointSet rest = complement();
  rest.add(other);
  rest.normalise();
  return rest.complement();
}

bool CodePointSet::contains(uint32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [c](const CodePointRange& r) { return r.first <= c && c <= r.last; });
}

void add_code_points(
    AutomatonBuilder& builder, const CodePointSet& set, Spelling spelling, NodeId from, NodeId to) {
  Utf8Writer writer(builder, to);
  if (spelling == Spelling::kPlain) {
    for (const CodePointRange& range : set.ranges()) {
      writer.add(from, range);
    }
    return;
  }
  const CodePointSet plain = set.without(escaped_in_json());
  for (const CodePointRange& range : plain.ranges()) {
    writer.add(from, range);
  }
  for (const CodePointRange& range : escaped_in_json().ranges()) {
    for (uint32_t c = range.first; c <= range.last; ++c) {
      if (set.contains(c)) {
        const std::string escape = json_escape(c);
        const NodeId before = builder.add_text(from, escape.substr(0, escape.size() - 1));
        builder.add_byte(before, static_cast<uint8_t>(escape.back()), to);
      }
    }
  }
}

}  // namespace cupel::decode::constraint
