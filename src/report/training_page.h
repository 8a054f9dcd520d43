#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/figures_lines.h"
#include "report/page_notes.h"

namespace cupel::report {

/// What a training run's page shows. Texts are data: they are escaped.
struct TrainingPage {
  struct Fact {
    std::string name;
    std::string value;
    std::string more;  ///< a few words below it
  };
  struct Chart {
    LineFigure figure;
    std::string hint;  ///< what to look for
  };
  struct Setting {
    std::string key;
    std::string value;
    std::string otherwise;  ///< its default
  };
  struct Sample {
    std::string asked;
    std::optional<std::string> before;  ///< nothing: not asked
    std::optional<std::string> after;
  };

  std::string title;
  std::string subtitle;
  std::string lede;  ///< the run in a sentence
  std::vector<Fact> facts;
  std::vector<Note> notes;
  std::vector<Chart> charts;
  std::vector<Sample> samples;
  std::vector<Setting> settings;  ///< those that differ from their defaults
  std::vector<RunFact> run;       ///< what else is known of it
  std::string command;            ///< that makes it again
};

/// The page as one self-contained HTML file; complete without its one script.
std::string render_training_page(const TrainingPage& page);

}  // namespace cupel::report
