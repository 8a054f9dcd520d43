#include "report/progress.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "report/progress_bar.h"

namespace cupel::report {
namespace {

/// A terminal and a clock under the test's control; output is collected write by write.
struct Screen {
  Terminal terminal;
  double now_s = 100;
  std::vector<std::string> writes;

  ProgressOptions options() {
    ProgressOptions options;
    options.write = [this](std::string_view text) { writes.emplace_back(text); };
    options.terminal = [this] { return terminal; };
    options.clock = [this] { return now_s; };
    options.ticker = false;
    return options;
  }
};

Terminal live_terminal(size_t columns = 80) {
  return {.live = true, .colour = false, .unicode = false, .columns = columns, .rows = 24};
}

/// The lines of a frame without its escape sequences.
std::vector<std::string> frame_lines(std::string frame) {
  for (size_t at = frame.find('\x1b'); at != std::string::npos; at = frame.find('\x1b', at)) {
    size_t end = at + 1;
    while (end < frame.size() && std::isalpha(static_cast<unsigned char>(frame[end])) == 0) {
      ++end;
    }
    frame.erase(at, end - at + 1);
  }
  std::erase(frame, '\r');
  std::vector<std::string> lines;
  for (size_t at = 0; at < frame.size();) {
    const size_t end = std::min(frame.size(), frame.find('\n', at));
    lines.push_back(frame.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(ClockText, ShowsHoursOnlyWhenThereAreAny) {
  EXPECT_EQ(clock_text(7.4), "0:07");
  EXPECT_EQ(clock_text(725), "12:05");
  EXPECT_EQ(clock_text(3725), "1:02:05");
  EXPECT_EQ(clock_text(-3), "0:00");
  EXPECT_EQ(clock_text(1e300), "?");
}

TEST(Progress, WritesPlainLinesByTenthsAndAtTheEnd) {
  Screen screen;
  Progress progress(screen.options());
  const auto bar = progress.add({.name = "answers", .total = 100, .unit = "answers"});
  for (int i = 0; i < 100; ++i) {
    screen.now_s += 0.5;
    progress.advance(bar);
  }
  progress.finish(bar);
  // Ten lines by tenths, the last of them at 100%, and the final one.
  ASSERT_EQ(screen.writes.size(), 11U);
  EXPECT_EQ(screen.writes.front(), "answers: 10/100 answers (10%), 2.0/s, 0:45 left\n");
  EXPECT_EQ(screen.writes.back(), "answers: 100/100 answers in 0:50\n");
}

TEST(Progress, WritesPlainLinesByTimeWhenWorkIsSlow) {
  Screen screen;
  Progress progress(screen.options());
  const auto bar = progress.add({.name = "slow", .total = 100000});
  for (int i = 0; i < 360; ++i) {  // an hour, a step every 10 s
    screen.now_s += 10;
    progress.advance(bar);
  }
  EXPECT_GE(screen.writes.size(), 30U);
  EXPECT_LE(screen.writes.size(), 60U);  // rarer as the run gets longer, not 360
}

TEST(Progress, DoesNotCountResumedWorkInTheRate) {
  Screen screen;
  Progress progress(screen.options());
  const auto bar = progress.add({.name = "resumed", .total = 100, .initial = 80});
  screen.now_s += 10;
  progress.advance(bar, 10);  // 1/s, 10 left
  ASSERT_EQ(screen.writes.size(), 1U);
  EXPECT_EQ(screen.writes[0], "resumed: 90/100 (90%), 1.0/s, 0:10 left\n");
}

TEST(Progress, RedrawsAtMostTenTimesASecond) {
  Screen screen;
  screen.terminal = live_terminal();
  Progress progress(screen.options());
  const auto bar = progress.add({.name = "fast", .total = 1000});
  for (int i = 0; i < 1000; ++i) {
    screen.now_s += 0.001;
    progress.advance(bar);
    progress.tick();
  }
  EXPECT_GE(screen.writes.size(), 9U);
  EXPECT_LE(screen.writes.size(), 11U);
}

TEST(Progress, DrawsBarsAndBlockInPlace) {
  Screen screen;
  screen.terminal = live_terminal(60);
  Progress progress(screen.options());
  const auto bar = progress.add({.name = "eval", .total = 4, .unit = "models"});
  const auto inner = progress.add({.name = "smollm2", .total = 10, .parent = bar});
  Table table({{.header = "Model"}, {.header = "Score", .align = Align::kRight}});
  table.add_row(std::vector<std::string>{"null", "0.1"});
  progress.set_block("So far", table);
  screen.now_s += 1;
  progress.advance(inner, 5);
  const auto lines = frame_lines(screen.writes.back());
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_TRUE(lines[0].starts_with("eval"));
  EXPECT_TRUE(lines[1].starts_with("  smollm2"));
  EXPECT_NE(lines[1].find("5/10"), std::string::npos);
  EXPECT_NE(lines[1].find("##"), std::string::npos);
  EXPECT_EQ(lines[3], "So far");
  EXPECT_EQ(lines[6], "null     0.1");
  for (const std::string& line : lines) {
    EXPECT_LT(display_width(line), 60U);
  }
  // The next frame starts where this one did, and a finished child is gone.
  screen.now_s += 1;
  progress.finish(inner);
  EXPECT_NE(screen.writes.back().find("\x1b[7A\r"), std::string::npos);
  EXPECT_EQ(frame_lines(screen.writes.back()).size(), 6U);
}

TEST(Progress, NeverHidesTheCursorNorGrowsBeyondTheScreen) {
  Screen screen;
  screen.terminal = live_terminal();
  screen.terminal.rows = 5;
  Progress progress(screen.options());
  for (int i = 0; i < 20; ++i) {
    screen.now_s += 1;
    progress.add({.name = "bar", .total = 2});
  }
  progress.close();
  for (const std::string& frame : screen.writes) {
    EXPECT_EQ(frame.find("\x1b[?25l"), std::string::npos);
    EXPECT_LE(std::ranges::count(frame, '\n'), 4);
  }
}

TEST(Progress, PrintsLinesAboveTheBars) {
  Screen screen;
  screen.terminal = live_terminal();
  Progress progress(screen.options());
  progress.add({.name = "bar", .total = 2});
  progress.print_line("retrying \x1b[31m");
  const auto lines = frame_lines(screen.writes.back());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "retrying \uFFFD[31m");
  EXPECT_TRUE(lines[1].starts_with("bar"));
}

TEST(Progress, ShowsTheBlockNowAndThenInPlainOutput) {
  Screen screen;
  Progress progress(screen.options());
  Table table({{.header = "Model"}});
  for (int i = 0; i < 10; ++i) {
    screen.now_s += 10;
    progress.set_block("So far", table);
  }
  EXPECT_EQ(screen.writes.size(), 3U);  // at 30, 60 and 90 s
  progress.close();
  EXPECT_EQ(screen.writes.size(), 4U);  // and the last state
  progress.close();
  EXPECT_EQ(screen.writes.size(), 4U);
}

TEST(Progress, TakesTheBlockAwayWhenItFollowsInFull) {
  Table table({{.header = "Model"}});
  Screen screen;
  screen.terminal = live_terminal();
  {
    Progress progress(screen.options());
    progress.add({.name = "bar", .total = 2});
    progress.set_block("So far", table);
    screen.now_s += 1;
    progress.clear_block();
  }
  EXPECT_EQ(frame_lines(screen.writes.back()).size(), 1U);
  Screen plain;
  {
    Progress progress(plain.options());
    progress.set_block("So far", table);
    progress.clear_block();
  }
  EXPECT_TRUE(plain.writes.empty());
}

TEST(Progress, StartsAtWhatIsThereAndCountsItInNoRate) {
  Screen screen;
  screen.terminal = live_terminal();
  Progress progress(screen.options());
  const auto bar =
      progress.add({.name = "answers", .total = 100, .initial = 60, .unit = "answers"});
  EXPECT_NE(frame_lines(screen.writes.back())[0].find("60/100 answers"), std::string::npos);
  screen.now_s += 10;
  progress.advance(bar, 5);  // 5 in 10 s: the other 35 take 70 s, however quickly the 60 came
  EXPECT_NE(frame_lines(screen.writes.back())[0].find("65/100 answers  30.0/min  1:10 left"),
            std::string::npos)
      << frame_lines(screen.writes.back())[0];
}

TEST(Progress, CountsRightFromManyThreads) {
  std::mutex mutex;
  std::string out;
  ProgressOptions options;
  options.write = [&](std::string_view text) {
    const std::lock_guard lock(mutex);
    out = text;
  };
  options.terminal = [] { return live_terminal(); };  // with the ticker
  Progress progress(options);
  const auto bar = progress.add({.name = "work", .total = 4000});
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          progress.advance(bar);
        }
      });
    }
  }
  progress.finish(bar);
  progress.close();
  EXPECT_NE(out.find("4,000/4,000"), std::string::npos);
}

TEST(DrawnBarLine, FitsEveryWidth) {
  Bar bar;
  bar.name = "a rather long name of a bar 日本語";
  bar.unit = "answers";
  bar.note = "question 17 of the benchmark";
  bar.total = 1200;
  bar.done = 345;
  bar.rate = RateMeter(0);
  bar.rate.advance(60, 345);
  for (size_t columns = 20; columns < 140; ++columns) {
    for (const bool unicode : {false, true}) {
      Terminal terminal = live_terminal(columns);
      terminal.unicode = unicode;
      const std::string line = drawn_bar_line(bar, 61, columns / 3, terminal);
      EXPECT_LT(display_width(line), columns) << line;
    }
  }
}

}  // namespace
}  // namespace cupel::report
