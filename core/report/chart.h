// Line charts through gnuplot, as SVG and PNG. No gnuplot: a warning, no chart.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace eexit {

struct Series {
  enum class Kind { line, dots, cross };
  std::string label{};  // "" keeps it out of the legend
  Kind kind = Kind::line;
  std::vector<double> x{}, y{};
  std::vector<double> low{}, high{};  // a band around a line; may be empty
  int colour = 0;                     // series with the same number share a colour
  bool dashed = false;                // a line, where colours do not suffice
  int panel = 0;                      // of Chart::panels
};

struct Chart {
  std::string title{}, subtitle{}, x_label{}, y_label{};
  std::vector<Series> series{};
  std::optional<double> x_low{}, x_high{}, y_low{}, y_high{};
  std::vector<double> guides{};       // vertical thin lines, e.g. the budgets
  std::vector<std::string> panels{};  // titles of pictures side by side, on the same axes; empty: one without a title.
                                      // The legend below them all names each label once.
};

// The gnuplot program that draws the chart into `<stem>.svg` and `<stem>.png`; pure text, for tests.
std::string gnuplot_script(Chart const&, std::filesystem::path const& stem);

// Runs it. False, after a warning, when gnuplot is not there. RunError when it fails.
bool draw(Chart const&, std::filesystem::path const& stem);

}  // namespace eexit
