#include "report/table.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace cupel::report {
namespace {

Table small_table() {
  Table table({{.header = "Model", .min_width = 6},
               {.header = "Score", .align = Align::kRight},
               {.header = "Cost", .align = Align::kRight, .keep = 1}});
  table.add_row(std::vector<std::string>{"smollm2-135m", "0.614", "12"});
  table.add_row(std::vector<std::string>{"日本語", "0.1"});
  return table;
}

size_t widest_line(const std::string& text) {
  size_t widest = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    widest = std::max(widest, display_width(text.substr(at, end - at)));
    at = end + 1;
  }
  return widest;
}

TEST(Table, AlignsColumnsByDisplayWidth) {
  EXPECT_EQ(small_table().render({}),
            "Model         Score  Cost\n"
            "-------------------------\n"
            "smollm2-135m  0.614    12\n"
            "日本語          0.1\n");
}

TEST(Table, CutsTextsThenDropsColumnsToFit) {
  Terminal terminal;
  terminal.columns = 20;
  EXPECT_EQ(small_table().render(terminal),
            "Model    Score  Cost\n"
            "--------------------\n"
            "smoll..  0.614    12\n"
            "日本語     0.1\n");
  terminal.columns = 16;
  EXPECT_EQ(small_table().render(terminal),
            "Model   Score\n"
            "-------------\n"
            "smol..  0.614\n"
            "日本語    0.1\n");
  EXPECT_EQ(small_table().hidden_columns(terminal), 1U);
  terminal.columns = 20;
  EXPECT_EQ(small_table().hidden_columns(terminal), 0U);
  EXPECT_EQ(small_table().hidden_columns({}), 0U);
  for (size_t columns = 13; columns < 40; ++columns) {
    terminal.columns = columns;
    EXPECT_LE(widest_line(small_table().render(terminal)), columns);
  }
}

TEST(Table, IsPlainAsciiUnlessTheTerminalShowsMore) {
  const std::string plain = small_table().render({});
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  Terminal rich{.live = true, .colour = true, .unicode = true, .columns = 80, .rows = 24};
  const std::string styled = small_table().render(rich);
  EXPECT_NE(styled.find("\x1b[1mModel\x1b[0m"), std::string::npos);
  EXPECT_NE(styled.find("─"), std::string::npos);
}

TEST(Table, KeepsControlCharactersOfCellsFromTheTerminal) {
  Table table({{.header = "Name"}});
  table.add_row(std::vector<std::string>{"\x1b[2J\x07"});
  const std::string text = table.render({});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(Table, ShowsOnlyItsHeadWithoutRows) {
  EXPECT_EQ(Table({{.header = "Name"}}).render({}), "Name\n----\n");
}

}  // namespace
}  // namespace cupel::report
