#pragma once

#include <string>
#include <utility>
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
  struct Sample {
    std::string asked;
    std::string before;
    std::string after;
  };

  std::string title;
  std::string subtitle;
  std::string lede;  ///< the run in a sentence
  std::vector<Fact> facts;
  std::vector<Note> notes;
  std::vector<Chart> charts;
  std::vector<Sample> samples;
  std::vector<std::pair<std::string, std::string>> settings;  ///< keys that differ from defaults
  std::vector<std::pair<std::string, std::string>> run;       ///< what else is known of it
  std::string command;                                        ///< that makes it again
};

/// The page as one self-contained HTML file without scripts.
std::string render_training_page(const TrainingPage& page);

}  // namespace cupel::report
