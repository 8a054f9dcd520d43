#!/usr/bin/env python3
"""Starts a new method: its source file, its line in the registry and a test that fails until it is filled.

Usage: new.py --kind rating|protocol|processor|family|command|decider|loss --id ID [--root DIR]

Refuses an id that exists. Prints what it wrote and what to do next.
Exit status: 0 done, 2 usage, refused ids included.
"""
import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

# What C++ does not allow as a function name; a trailing underscore makes it one (template_).
KEYWORDS = set("""alignas alignof and asm auto bitand bitor bool break case catch char class compl concept const
 continue default delete do double else enum explicit export extern false float for friend goto if inline int
 long mutable namespace new not nullptr operator or private protected public register requires return short
 signed sizeof static struct switch template this throw true try typedef typename union unsigned using virtual
 void volatile while xor""".split())


class Kind(NamedTuple):
    """Where the pieces of one kind of method go. {id} is the function, {name} the user's word for it."""
    registry: str
    macro: str
    source: str
    test: str
    is_sorted: bool
    code: str
    check: str
    after: str
    torch: bool = False  # its files see libtorch


RATING = Kind(
    registry="src/rank/methods/registry.def", macro="CUPEL_RATING", source="src/rank/methods/{name}.cpp",
    test="tests/rank/{name}_test.cpp", is_sorted=True, after="Say the paper and place in `source`.",
    code='''// {name}: say the paper and the equation here.
#include "base/error.h"
#include "rank/methods/method.h"
#include "rank/methods/registry.h"

namespace cupel::rank::method {{
namespace {{

Result<Ratings> fit(const RatingInput& input, const RatingOptions& /*options*/) {{
  return unsupported("{name}: cannot fit {{}} models yet", input.models());
}}

}}  // namespace

RatingMethod {id}() {{
  return {{.name = "{name}", .summary = "", .source = "", .fit = &fit}};
}}

}}  // namespace cupel::rank::method
''',
    check='''#include "rank/methods/registry.h"

#include <gtest/gtest.h>

namespace cupel::rank {{
namespace {{

// Battles whose ratings are known in closed form, or a published table.
TEST({Camel}, MatchesAnIndependentResult) {{
  const auto method = find_rating_method("{name}");
  ASSERT_TRUE(method.has_value());
  BattleTable table;
  table.intern_model("a");
  table.intern_model("b");
  ASSERT_TRUE(table.add({{.a = 0, .b = 1, .outcome = kWinA}}).has_value());
  const auto ratings = fit_ratings(**method, table);
  ASSERT_TRUE(ratings.has_value()) << ratings.error().message;
  FAIL() << "write down the ratings that {name} must give, and where they come from";
}}

}}  // namespace
}}  // namespace cupel::rank
''')

PROTOCOL = Kind(
    registry="src/judge/protocols.def", macro="CUPEL_PROTOCOL", source="src/judge/protocols/{name}.cpp",
    test="tests/judge/{name}_test.cpp", is_sorted=True, after="`next` must be a pure function of its arguments.",
    code='''// {name}: say the paper and the section here.
#include "base/error.h"
#include "judge/protocol.h"

namespace cupel::judge::protocol {{
namespace {{

Result<Ok> check(const Benchmark& benchmark) {{
  return unsupported("{{}}: the protocol {name} cannot judge yet", benchmark.folder);
}}

Result<ProtocolStep> next(const JudgeItem& item, std::span<const JudgeResponse> /*responses*/) {{
  return unsupported("question {{}}: the protocol {name} cannot judge yet", item.question->id);
}}

}}  // namespace

Protocol {id}() {{
  return {{.name = "{name}", .summary = "", .source = "", .check = &check, .next = &next}};
}}

}}  // namespace cupel::judge::protocol
''',
    check='''#include "judge/protocol.h"

#include <gtest/gtest.h>

namespace cupel::judge {{
namespace {{

TEST({Camel}, ReachesTheOutcomeThatItsSourceStates) {{
  const auto protocol = find_protocol("{name}");
  ASSERT_TRUE(protocol.has_value());
  Benchmark benchmark;
  Question question;
  question.turns = {{"What is two and two?"}};
  const JudgeItem item{{.benchmark = &benchmark,
                       .question = &question,
                       .turn = 1,
                       .sides = {{{{.model = "a", .answers = {{"4"}}}}}}}};
  const auto step = (*protocol)->next(item, {{}});
  ASSERT_TRUE(step.has_value()) << step.error().message;
  FAIL() << "write down the requests of {name}, and the outcome of a given response";
}}

}}  // namespace
}}  // namespace cupel::judge
''')

DECIDER = Kind(
    registry="src/judge/deciders.def", macro="CUPEL_DECIDER", source="src/judge/deciders/{name}.cpp",
    test="tests/judge/decider_{name}_test.cpp", is_sorted=True,
    after="Write the kind into scripts/check_touchstone.py too: it is the second, independent implementation.",
    code='''// {name}: say what passes here.
#include "base/error.h"
#include "judge/decider_fields.h"

namespace cupel::judge::decider {{
namespace {{

Result<std::unique_ptr<Decider>> parse(const Json& program) {{
  CUPEL_TRY_VOID(only_fields(program, {{}}));
  return make_decider([](std::string_view /*answer*/) {{ return false; }});
}}

}}  // namespace

DeciderKind {id}() {{
  return {{.kind = "{name}", .summary = "", .parse = &parse}};
}}

}}  // namespace cupel::judge::decider
''',
    check='''#include "judge/decider.h"

#include <gtest/gtest.h>

namespace cupel::judge {{
namespace {{

TEST({Camel}Decider, TellsRightFromWrong) {{
  const auto decider = parse_decider(Json::object().set("kind", "{name}"));
  ASSERT_TRUE(decider.has_value()) << decider.error().message;
  EXPECT_TRUE((*decider)->decide("write an answer that passes"));
  EXPECT_FALSE((*decider)->decide("write one that fails"));
}}

}}  // namespace
}}  // namespace cupel::judge
''')

PROCESSOR = Kind(
    registry="src/decode/processors.def", macro="CUPEL_PROCESSOR", source="src/decode/processors/{name}.cpp",
    test="tests/decode/{name}_test.cpp", is_sorted=False,
    after="The order of processors.def is the order they run in: move the new last line where it belongs.",
    code='''// {name}: say the paper and the equation here.
#include "decode/logits_processor.h"

namespace cupel::decode::processor {{
namespace {{

void apply(Candidates& /*candidates*/, const ProcessorContext& /*context*/) {{}}

}}  // namespace

LogitsProcessor {id}() {{
  return {{.name = "{name}",
          .summary = "",
          .active = [](const SamplingOptions& /*options*/) {{ return false; }},
          .apply = &apply}};
}}

}}  // namespace cupel::decode::processor
''',
    check='''#include "decode/logits_processor.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace cupel::decode {{
namespace {{

TEST({Camel}, ChangesTheCandidatesAsItsSourceStates) {{
  const auto& all = logits_processors();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [](const LogitsProcessor& p) {{ return p.name == "{name}"; }});
  ASSERT_NE(found, all.end());
  const SamplingOptions options;
  const std::vector<float> logits = {{1, 2}};
  Candidates candidates;
  candidates.start(*engine::operators_for(engine::CpuLevel::kScalar).value(), logits);
  found->apply(candidates, {{.options = &options, .seen = {{}}}});
  FAIL() << "write down the logits that {name} must leave";
}}

}}  // namespace
}}  // namespace cupel::decode
''')

FAMILY = Kind(
    registry="src/engine/model/families.def", macro="CUPEL_FAMILY", source="src/engine/model/families/{name}.cpp",
    test="tests/engine/family_{name}_test.cpp", is_sorted=True,
    after="Add a case to bench/oracles/families_oracle.py, whose fixtures tests/engine/families_oracle_test.cpp runs.",
    code='''// {name}: say what differs from a plain decoder here.
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {{
namespace {{

Result<ModelDescription> describe(MetadataReader& read) {{
  CUPEL_TRY(ModelDescription model, describe_common(read));
  return model;
}}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {{
  CUPEL_TRY_VOID(config.expect_text("hidden_act", {{"silu"}}));
  return hf::translate_common(config, out);
}}

}}  // namespace

ModelFamily {id}() {{
  return {{.architecture = "{name}",
          .summary = "",
          .describe = &describe,
          .hf = {{.model_types = {{"{name}"}}, .translate = &translate}}}};
}}

}}  // namespace cupel::engine::family
''',
    check='''#include "engine/model/description.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace cupel::engine {{
namespace {{

TEST({Camel}Family, DescribesAKnownConfiguration) {{
  const auto& families = model_families();
  const auto found =
      std::find_if(families.begin(), families.end(),
                   [](const ModelFamily& family) {{ return family.architecture == "{name}"; }});
  ASSERT_NE(found, families.end());
  EXPECT_FALSE(found->summary.empty());
  FAIL() << "describe a file of {name} and write down the numbers of its published configuration";
}}

}}  // namespace
}}  // namespace cupel::engine
''')

COMMAND = Kind(
    registry="src/cli/commands.def", macro="CUPEL_COMMAND", source="src/cli/cmd_{name}.cpp",
    test="tests/cli/{name}_test.cpp", is_sorted=True,
    after="Add a row to the table of commands in README.md; its output's schema belongs in docs/eval-json.md.",
    code='''// cupel {name}: say what it does here.
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"

namespace cupel::cli::command {{
namespace {{

class {Camel} : public Command {{
 public:
  void declare(Arguments& a) override {{
    a.choice("--format", {{"text", "json"}}, format_, "Output");
  }}

  Result<int> run() override {{ return unsupported("{name}: does nothing yet"); }}

 private:
  std::string format_ = "text";
}};

}}  // namespace

CommandInfo {id}() {{
  return {{.name = "{name}",
          .group = "Inspect",
          .summary = "",
          .examples = "  cupel {name}\\n",
          .make = &make_command<{Camel}>}};
}}

}}  // namespace cupel::cli::command
''',
    check='''#include <cstdlib>

#include <gtest/gtest.h>

namespace cupel::cli {{
namespace {{

TEST({Camel}Command, DoesWhatItsHelpSays) {{
  FAIL() << "run cupel {name} and write down what it must print";
}}

}}  // namespace
}}  // namespace cupel::cli
''')

LOSS = Kind(
    registry="src/align/losses/registry.def", macro="CUPEL_LOSS", source="src/align/losses/{name}.cpp",
    test="tests/align/{name}_test.cpp", is_sorted=True, torch=True,
    after="Declare all that it reads; then `cupel loss --list --format markdown > docs/losses.md`.",
    code='''// {name}: say the paper here, and what differs from it.
#include <array>

#include "align/losses/common.h"

namespace cupel::align::loss {{
namespace {{

constexpr std::array kParameters = {{kBeta}};

LossOutput run(const LossBatch& batch, const LossOptions& options) {{
  return with_implicit_rewards(0 * log_ratio_margin(batch), batch, options["beta"]);
}}

}}  // namespace

LossInfo {id}() {{
  return {{.name = "{name}",
          .summary = "",
          .formula = "",
          .source = "",
          .reads = {{.reference = Use::kMust}},
          .parameters = kParameters,
          .run = &run}};
}}

}}  // namespace cupel::align::loss
''',
    check='''#include <gtest/gtest.h>

#include "align/fixtures.h"

namespace cupel::align {{
namespace {{

TEST({Camel}Loss, HoldsItsWorkedValue) {{
  const Json report = evaluate("{name}", pair_p());
  EXPECT_EQ(gradient_of(report, "chosen").size(), 3U);
  FAIL() << "work the formula on fixture P by hand, and write value and gradients down";
}}

}}  // namespace
}}  // namespace cupel::align
''')

KINDS = {"rating": RATING, "protocol": PROTOCOL, "processor": PROCESSOR, "family": FAMILY, "command": COMMAND,
         "decider": DECIDER, "loss": LOSS}


def refuse(message):
    print(f"new: {message}", file=sys.stderr)
    sys.exit(2)


def with_line(text, macro, new, is_sorted):
    """The registry with one line more; comments and blank lines stay where they are."""
    lines = text.splitlines()
    line = f"{macro}({new})"
    position = len(lines)
    if is_sorted:
        for i, old in enumerate(lines):
            match = re.match(rf"{macro}\((\w+)\)", old)
            if match and match.group(1) > new:
                position = i
                break
    lines.insert(position, line)
    return "\n".join(lines) + "\n"


def create(kind, name, root):
    words = {"name": name, "id": name + "_" if name in KEYWORDS else name,
             "Camel": "".join(part.capitalize() for part in name.split("_"))}
    registry = root / kind.registry
    text = registry.read_text(encoding="utf-8")
    taken = re.findall(rf"^{kind.macro}\((\w+)\)", text, re.MULTILINE)
    if words["id"] in taken:
        refuse(f"\"{name}\" exists in {kind.registry}; it has: {', '.join(taken)}")
    source, test = kind.source.format(**words), kind.test.format(**words)
    for path in (source, test):
        if (root / path).exists():
            refuse(f"{path} exists; choose another id or remove it")
    for path, body in ((source, kind.code), (test, kind.check)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(body.format(**words), encoding="utf-8")
    registry.write_text(with_line(text, kind.macro, words["id"], kind.is_sorted), encoding="utf-8")
    return [source, test, kind.registry]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    if args.kind not in KINDS:
        refuse(f"KIND is \"{args.kind}\"; expected {', '.join(sorted(KINDS))}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", args.id):
        refuse(f"ID is \"{args.id}\"; expected lower-case words joined by underscores")
    kind = KINDS[args.kind]
    for path in create(kind, args.id, args.root):
        print(f"new: {path}")
    print(f"new: the test fails until it holds a real expectation: make test FILTER={args.id}. {kind.after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
