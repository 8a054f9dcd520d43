#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/template/runtime.h"

namespace cupel::engine {

namespace jinja {
struct Template;
}  // namespace jinja

/// A rendered conversation.
struct RenderedTemplate {
  /// Bytes [begin, end) of the text.
  struct Span {
    size_t begin = 0;
    size_t end = 0;
  };
  std::string text;
  /// What `{% generation %}` blocks wrote, in order: the parts that a model learns to write.
  std::vector<Span> generation;
  /// Generation blocks whose place in the text is not known: they ran inside a macro or a captured
  /// block. Whoever makes loss masks must refuse a template where this is not 0.
  size_t unplaced_generation = 0;
};

struct RenderOptions {
  /// What `strftime_now` sees; this machine's local time when empty.
  std::optional<jinja::LocalTime> now;
  jinja::Limits limits;
};

/// A chat template as published with a model: Jinja, rendered as transformers does (jinja2 3.1's
/// immutable sandbox with trim_blocks, lstrip_blocks, loop controls and the tag `generation`; the
/// functions raise_exception and strftime_now; tojson without HTML escapes).
///
/// Sandbox: a template cannot run, recurse, print or allocate without bound (Limits), cannot change
/// its input and sees nothing but the variables. Differences to the reference: integers have 64
/// bits; `include`, `import` and `extends` fail when reached (as there), `autoescape true`,
/// `random`, `urlize`, `lipsum`, str.encode and str.translate are refused.
///
/// Errors: parse - kCorruptData or kUnsupported; render - kInvalidArgument when the template
/// refuses the messages or they lack what it needs, kExhausted past a limit. All as "template:LINE:
/// …". Cost: thread-safe; a render of a usual conversation takes well below a millisecond. Checked
/// against: tests/engine/template_published_test.cpp, template_features_test.cpp.
class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source);

  /// `variables` is an object: messages, tools, add_generation_prompt, bos_token …
  [[nodiscard]] Result<RenderedTemplate> render(const Json& variables,
                                                const RenderOptions& options = {}) const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> parsed)
      : parsed_(std::move(parsed)) {}
  std::shared_ptr<const jinja::Template> parsed_;
};

/// The variables of one case as in `chat_templates/*.cases.jsonl`: messages, tools and documents
/// (null when absent, as transformers passes them), add_generation_prompt (false), bos_token,
/// eos_token (when given), then the members of `extra`. Other members are not variables. Errors:
/// kCorruptData when `messages` is no array or `extra` no object.
Result<Json> template_variables(const Json& test_case);

/// "2026-07-24T15:30:00" (fractions of a second allowed). Errors: kInvalidArgument.
Result<jinja::LocalTime> parse_local_time(std::string_view text);

}  // namespace cupel::engine
