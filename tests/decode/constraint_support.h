#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/check.h"
#include "decode/constraint/json_schema.h"
#include "decode/constraint/machine.h"

namespace cupel::decode::constraint::test {

/// A machine over a compiled pattern or schema; what does not compile ends the process, since
/// nothing below could run.
inline Machine machine_of(Result<Automaton> automaton) {
  CUPEL_CHECK(automaton.has_value(), automaton ? "" : automaton.error().message);
  return Machine(std::make_shared<const Automaton>(std::move(*automaton)));
}

inline Machine schema_machine(std::string_view schema) {
  return machine_of(compile_json_schema(schema));
}

inline Machine::State read(Machine& machine, std::string_view text) {
  machine.allow_work(1 << 30);
  Machine::State state = machine.start();
  for (const char byte : text) {
    state = machine.next(state, static_cast<uint8_t>(byte));
  }
  return state;
}

inline bool accepts(Machine& machine, std::string_view text) {
  return machine.accepts(read(machine, text));
}

/// The error of what should not compile.
inline Error error_of(Result<Automaton> automaton) {
  CUPEL_CHECK(!automaton.has_value(), "compiled what should not");
  return automaton.error();
}

}  // namespace cupel::decode::constraint::test
