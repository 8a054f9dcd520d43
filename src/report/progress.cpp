#include "report/progress.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/format.h"
#include "report/progress_bar.h"

namespace cupel::report {
namespace {

constexpr double kFrameInterval = 0.1;  // seconds; ≤ 10 Hz
constexpr double kIdleInterval = 1.0;   // clocks move even when nothing else does
constexpr size_t kNameWidthMax = 32;

void write_standard_error(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return;  // nobody is listening any more; progress is not worth failing for
    }
    text.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
}

}  // namespace

struct Progress::State {
  explicit State(ProgressOptions given) : options(std::move(given)) {
    if (!options.write) {
      options.write = write_standard_error;
    }
    if (!options.terminal) {
      options.terminal = [] { return detect_terminal(STDERR_FILENO); };
    }
    if (!options.clock) {
      options.clock = now_seconds;
    }
    live = options.terminal().live;
    last_block_s = options.clock();
  }

  Bar& bar(BarId id) {
    CUPEL_CHECK(id < bars.size(), "no such progress bar");
    return bars[id];
  }
  std::vector<std::string> frame_lines(const Terminal& terminal, double now_s) const;
  void draw(std::string_view above, double now_s);
  void plain_progress(Bar& bar, double now_s);
  void plain_block(double now_s, bool force);
  void changed(double now_s);

  ProgressOptions options;
  bool live = false;
  std::mutex mutex;
  std::vector<Bar> bars;
  std::string block_heading;
  std::optional<Table> block;
  bool block_dirty = false;
  double last_block_s = 0;
  bool dirty = false;
  bool closed = false;
  double last_frame_s = -1e9;
  size_t drawn_lines = 0;
  std::condition_variable_any wake;
  std::jthread ticker;  // last member: it stops before the rest goes
};

std::vector<std::string> Progress::State::frame_lines(const Terminal& terminal,
                                                      double now_s) const {
  std::vector<const Bar*> shown;
  // Children stand below their parent, in order of arrival; `bars` alone has no such order.
  const std::function<void(std::optional<size_t>)> collect = [&](std::optional<size_t> parent) {
    for (size_t i = 0; i < bars.size(); ++i) {
      if (bars[i].parent == parent && !(parent && bars[i].end_s)) {
        shown.push_back(&bars[i]);
        collect(i);
      }
    }
  };
  collect(std::nullopt);
  size_t name_width = 0;
  for (const Bar* bar : shown) {
    name_width = std::max(name_width, 2 * bar->depth + display_width(terminal_text(bar->name)));
  }
  const size_t third =
      terminal.columns == 0 ? kNameWidthMax : std::max<size_t>(8, terminal.columns / 3);
  name_width = std::min({name_width, kNameWidthMax, third});
  std::vector<std::string> lines;
  for (const Bar* bar : shown) {
    lines.push_back(drawn_bar_line(*bar, now_s, name_width, terminal));
  }
  if (block) {
    lines.emplace_back();
    lines.push_back(styled(terminal_text(block_heading), Style::kDim, terminal));
    Terminal inner = terminal;
    inner.columns = terminal.columns == 0 ? 0 : terminal.columns - 1;
    const std::string table = block->render(inner);
    for (size_t at = 0; at < table.size();) {
      const size_t end = table.find('\n', at);
      lines.push_back(table.substr(at, end - at));
      at = end + 1;
    }
  }
  const size_t most = std::max<size_t>(1, terminal.rows - 1);
  if (lines.size() > most) {
    lines.resize(most);  // what scrolled off the top could not be redrawn
  }
  return lines;
}

// One write a frame: up to the block's first line, each line with its rest erased, the remainder of
// an earlier, taller block erased. Auto-wrap is off meanwhile, so one line is always one row.
void Progress::State::draw(std::string_view above, double now_s) {
  const Terminal terminal = options.terminal();
  std::string out = "\x1b[?7l";
  if (drawn_lines > 0) {
    out += format("\x1b[{}A\r", drawn_lines);
  }
  if (!above.empty()) {
    out += "\x1b[J" + terminal_text(above) + "\n";
  }
  const std::vector<std::string> lines = frame_lines(terminal, now_s);
  for (const std::string& line : lines) {
    out += line + "\x1b[K\n";
  }
  out += "\x1b[J\x1b[?7h";
  options.write(out);
  drawn_lines = lines.size();
  last_frame_s = now_s;
  dirty = false;
}

void Progress::State::plain_progress(Bar& bar, double now_s) {
  const bool tenth = bar.total > 0 && bar.done * 10 >= bar.total * bar.next_tenth;
  const bool due = now_s >= bar.next_line_s;
  // A quick bar would else print ten lines at once: tenths count from one second on.
  if (!bar.end_s && !due && !(tenth && now_s - bar.start_s >= 1.0)) {
    return;
  }
  options.write(plain_bar_line(bar, now_s) + "\n");
  // The longer it runs, the rarer the lines: a night's log stays readable.
  bar.next_line_s = now_s + std::max(options.plain_interval_s, 0.1 * (now_s - bar.start_s));
  bar.next_tenth = bar.total > 0 ? bar.done * 10 / bar.total + 1 : 1;
}

void Progress::State::plain_block(double now_s, bool force) {
  if (!block || !block_dirty || (!force && now_s - last_block_s < options.plain_block_interval_s)) {
    return;
  }
  options.write(terminal_text(block_heading) + "\n" + block->render(options.terminal()));
  block_dirty = false;
  last_block_s = now_s;
}

void Progress::State::changed(double now_s) {
  dirty = true;
  if (live && now_s - last_frame_s >= kFrameInterval) {
    draw({}, now_s);
  }
}

Progress::Progress(ProgressOptions options) : state_(std::make_unique<State>(std::move(options))) {
  if (!state_->live || !state_->options.ticker) {
    return;
  }
  state_->ticker = std::jthread([this](const std::stop_token& stop) {
    std::mutex sleep;
    std::unique_lock lock(sleep);
    while (!stop.stop_requested()) {
      state_->wake.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
      tick();
    }
  });
}

Progress::~Progress() {
  close();
}

Progress::BarId Progress::add(BarOptions given) {
  const std::lock_guard lock(state_->mutex);
  const double now_s = state_->options.clock();
  Bar bar;
  bar.name = std::move(given.name);
  bar.unit = std::move(given.unit);
  bar.total = given.total;
  bar.initial = given.initial;
  bar.done = given.initial;
  bar.parent = given.parent;
  bar.depth = given.parent ? state_->bar(*given.parent).depth + 1 : 0;
  bar.start_s = now_s;
  bar.rate = RateMeter(now_s);
  bar.next_line_s = now_s + state_->options.plain_interval_s;
  bar.next_tenth = bar.total > 0 ? bar.done * 10 / bar.total + 1 : 1;
  state_->bars.push_back(std::move(bar));
  state_->changed(now_s);
  return state_->bars.size() - 1;
}

void Progress::advance(BarId id, int64_t amount) {
  const std::lock_guard lock(state_->mutex);
  Bar& bar = state_->bar(id);
  if (bar.end_s || state_->closed) {
    return;
  }
  const double now_s = state_->options.clock();
  bar.done += amount;
  bar.rate.advance(now_s, static_cast<double>(amount));
  if (!state_->live) {
    state_->plain_progress(bar, now_s);
    state_->plain_block(now_s, false);
  }
  state_->changed(now_s);
}

void Progress::set_total(BarId id, int64_t total) {
  const std::lock_guard lock(state_->mutex);
  state_->bar(id).total = total;
  state_->changed(state_->options.clock());
}

void Progress::set_note(BarId id, std::string note) {
  const std::lock_guard lock(state_->mutex);
  state_->bar(id).note = std::move(note);
  state_->changed(state_->options.clock());
}

void Progress::finish(BarId id) {
  const std::lock_guard lock(state_->mutex);
  Bar& bar = state_->bar(id);
  if (bar.end_s || state_->closed) {
    return;
  }
  const double now_s = state_->options.clock();
  bar.end_s = now_s;
  bar.note.clear();
  if (!state_->live) {
    state_->plain_progress(bar, now_s);
  }
  state_->changed(now_s);
}

void Progress::set_block(std::string heading, Table table) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) {
    return;
  }
  state_->block_heading = std::move(heading);
  state_->block = std::move(table);
  state_->block_dirty = true;
  const double now_s = state_->options.clock();
  if (!state_->live) {
    state_->plain_block(now_s, false);
  }
  state_->changed(now_s);
}

void Progress::clear_block() {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) {
    return;
  }
  state_->block.reset();
  state_->block_dirty = false;
  state_->changed(state_->options.clock());
}

void Progress::print_line(std::string_view text) {
  const std::lock_guard lock(state_->mutex);
  if (state_->live && !state_->closed) {
    state_->draw(text, state_->options.clock());
  } else {
    state_->options.write(terminal_text(text) + "\n");
  }
}

void Progress::tick() {
  const std::lock_guard lock(state_->mutex);
  const double now_s = state_->options.clock();
  const double age = now_s - state_->last_frame_s;
  const bool anything = !state_->bars.empty() || state_->block;
  if (state_->live && !state_->closed && anything &&
      age >= (state_->dirty ? kFrameInterval : kIdleInterval)) {
    state_->draw({}, now_s);
  }
}

void Progress::close() {
  if (state_->ticker.joinable()) {
    state_->ticker.request_stop();
    state_->ticker.join();
  }
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) {
    return;
  }
  const double now_s = state_->options.clock();
  if (state_->live && (!state_->bars.empty() || state_->block)) {
    state_->draw({}, now_s);
  } else if (!state_->live) {
    state_->plain_block(now_s, true);
  }
  state_->closed = true;
}

}  // namespace cupel::report
