// A chat template, and behind the first zero byte what the user says in the conversation that it
// renders. Limits are small: what is tested is that they hold.
#include "engine/template/chat_template.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

constexpr size_t kMostText = size_t{1} << 16U;

Json variables(std::string_view said) {
  const auto message = [](std::string_view role, std::string_view content) {
    return Json::object().set("role", role).set("content", content);
  };
  Json messages = Json::array();
  messages.push_back(message("system", "Be brief."));
  messages.push_back(message("user", said));
  messages.push_back(message("assistant", "Yes."));
  const Json numbers = Json::array().push_back(3).push_back(1).push_back(2);
  const Json tool = Json::object().set("name", "f").set("parameters", Json::object());
  return Json::object()
      .set("messages", messages)
      .set("tools", Json::array().push_back(tool))
      .set("add_generation_prompt", true)
      .set("bos_token", "<s>")
      .set("s", "Hello, World")
      .set("u", "Gr\u00FC\u00DFe \u65E5\u672C")
      .set("n", 7)
      .set("f", 2.5)
      .set("l", numbers)
      .set("d", Json::object().set("b", 1).set("a", numbers))
      .set("eos_token", "</s>");
}

}  // namespace

void chat_template(std::span<const uint8_t> input) {
  const auto [source, said] = split_at_zero(text_of(input));
  const auto parsed = engine::ChatTemplate::parse(source);
  if (!parsed) {
    check_error(parsed.error());
    return;
  }
  engine::RenderOptions options;
  options.now = engine::jinja::LocalTime{.year = 2026, .month = 2, .day = 28};
  options.limits.steps = 20'000;
  options.limits.text_bytes = kMostText;
  options.limits.memory_bytes = size_t{4} << 20U;
  const auto rendered = parsed->render(variables(said), options);
  if (!rendered) {
    check_error(rendered.error());
    return;
  }
  CUPEL_CHECK(rendered->text.size() <= kMostText, "more text than the limit");
  for (const auto& span : rendered->generation) {
    CUPEL_CHECK(span.begin <= span.end && span.end <= rendered->text.size());
  }
}

}  // namespace cupel::fuzz
