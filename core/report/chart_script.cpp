// A chart as a gnuplot program: layout, legend, panels.
#include "core/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {
namespace {

// Okabe and Ito (2008): told apart by colour-blind readers. Their yellow is too pale on white; grey stands in.
constexpr std::array palette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F"};
constexpr int width = 760, least_height = 500;      // of the SVG; the PNG has twice as many pixels
constexpr int plot_width = 660, plot_height = 350;  // about what the margins leave
constexpr int most_columns = 3;                     // of panels
constexpr int panel_width = 330, panel_height = 270, panel_gap = 22, panel_row_gap = 66;
constexpr int left_margin = 74, right_margin = 20, axis_margin = 62, text_line = 22, legend_line = 24;

std::string_view colour_of(Series const& series) {
  return palette[static_cast<std::size_t>(std::abs(series.colour)) % palette.size()];
}

// In single quotes gnuplot knows no escapes and no commands in backticks; only the quote itself is doubled.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::vector<std::string> wrapped(std::string const& text, std::size_t letters) {
  std::vector<std::string> lines(1);
  for (auto const& word : split(text, ' ')) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > letters) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

struct Range {
  double low = 0, high = 1;
  double share(double value) const { return (value - low) / (high - low); }
};

// 1, 2, 2.5 or 5 times a power of ten, about a sixth of the span; somewhat more where all guides then stand at a tick.
double tick_of(Range range, std::vector<double> const& guides) {
  double const raw = (range.high - range.low) / 6;
  double const power = std::pow(10.0, std::floor(std::log10(raw)));
  std::vector<double> steps;
  for (double step : {1.0, 2.0, 2.5, 5.0, 10.0})
    if (raw <= step * power * (1 + 1e-9)) steps.push_back(step * power);
  for (double step : steps) {
    auto at_tick = [&](double guide) { return std::abs(guide / step - std::round(guide / step)) < 1e-6; };
    if (step <= 3 * raw && std::all_of(guides.begin(), guides.end(), at_tick)) return step;
  }
  return steps.front();
}

// The given ends, and where none is given a little more than the values need. A value at zero keeps zero as the end.
Range range_of(std::vector<double> const& values, std::optional<double> low, std::optional<double> high) {
  Range range;
  if (!values.empty()) {
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    range = {*least, *most};
  }
  if (low) range.low = *low;
  if (high) range.high = *high;
  if (!(range.low < range.high)) {
    double const half = std::max(std::abs(range.low) * 0.05, 1e-3);
    if (!low) range.low -= half;
    range.high = std::max(range.high, range.low + 2 * half);
  }
  double const pad = 0.04 * (range.high - range.low);
  if (!low) range.low = range.low >= 0 && range.low < pad ? 0 : range.low - pad;
  if (!high) range.high += pad;
  return range;
}

struct Point2 {
  double x = 0, y = 0;
};

// Everything drawn, lines and edges of bands as points close together, in shares of the plot area.
std::vector<Point2> inked(Chart const& chart, Range xs, Range ys) {
  std::vector<Point2> points;
  auto stroke = [&](std::vector<double> const& x, std::vector<double> const& y, bool line) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      points.push_back({xs.share(x[i]), ys.share(y[i])});
      if (!line || i == 0) continue;
      auto const to = points.back();
      Point2 const from = {xs.share(x[i - 1]), ys.share(y[i - 1])};
      for (int k = 1; k < 32; ++k)
        points.push_back({from.x + (to.x - from.x) * k / 32, from.y + (to.y - from.y) * k / 32});
    }
  };
  for (auto const& series : chart.series) {
    bool const line = series.kind == Series::Kind::line;
    for (auto const* y : {&series.y, &series.low, &series.high}) stroke(series.x, *y, line);
  }
  return points;
}

struct Legend {
  std::string command;
  int lines_below = 0;  // the picture grows by them
};

// The first corner where the legend covers nothing; below the chart when there is none.
Legend legend_place(Chart const& chart, Range xs, Range ys) {
  std::size_t letters = 0;
  int entries = 0;
  for (auto const& series : chart.series) {
    if (series.label.empty()) continue;
    letters = std::max(letters, series.label.size());
    ++entries;
  }
  if (entries == 0) return {"unset key\n", 0};
  double const w = (60.0 + 7.5 * static_cast<double>(letters)) / plot_width, h = (16.0 + 21.0 * entries) / plot_height;
  char const* style = "Left reverse samplen 2 spacing 1.2 width 1 height 0.3\n";
  struct Corner {
    char const* name;
    double left, bottom;
  };
  auto const ink = inked(chart, xs, ys);
  for (auto const& corner : {Corner{"bottom right", 1 - w, 0}, Corner{"top left", 0, 1 - h},
                             Corner{"bottom left", 0, 0}, Corner{"top right", 1 - w, 1 - h}}) {
    bool const free = std::none_of(ink.begin(), ink.end(), [&](Point2 p) {
      return p.x >= corner.left && p.x <= corner.left + w && p.y >= corner.bottom && p.y <= corner.bottom + h;
    });
    if (w < 0.7 && h < 0.7 && free)
      return {fmt::format("set key inside {} opaque box linecolor '#D8D8D8' linewidth 0.5 {}", corner.name, style), 0};
  }
  int const columns = std::max(1, static_cast<int>(width / (w * plot_width)));
  return {fmt::format("set key below center horizontal maxcols {} {}", columns, style), (entries - 1) / columns + 1};
}

void check(Chart const& chart) {
  auto finite = [](std::vector<double> const& values) {
    return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  };
  for (auto const& series : chart.series) {
    require(series.x.size() == series.y.size(), "a series has as many x as y");
    require(series.low.size() == series.high.size() && (series.low.empty() || series.low.size() == series.x.size()),
            "a band has two edges at every point");
    require(series.panel >= 0 && series.panel < std::max(1, static_cast<int>(chart.panels.size())),
            "a series stands in one of the panels");
    require(finite(series.x) && finite(series.y) && finite(series.low) && finite(series.high),
            "a chart shows finite numbers");
  }
}

// Blocks $s0, $s1, ..., or of another name.
std::string data_blocks(Chart const& chart, char const* name = "$s") {
  std::string out;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    auto const& series = chart.series[s];
    out += fmt::format("{}{} <<END\n", name, s);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      out += shortest(series.x[i]) + " " + shortest(series.y[i]);
      if (!series.low.empty()) out += " " + shortest(series.low[i]) + " " + shortest(series.high[i]);
      out += "\n";
    }
    out += "END\n";
  }
  return out;
}

// Bands lie below all lines, points above them: three passes over the series, in one plot command.
std::string plot_command(Chart const& chart, int panel, bool with_titles, char const* name = "$s") {
  std::vector<std::string> parts;
  auto const& all = chart.series;
  auto const here = [&](std::size_t s) { return all[s].panel == panel; };
  for (std::size_t s = 0; s < all.size(); ++s)
    if (here(s) && !all[s].low.empty())
      parts.push_back(
          fmt::format("{}{} using 1:3:4 with filledcurves fillcolor '{}' fill transparent solid 0.18 noborder notitle",
                      name, s, colour_of(all[s])));
  auto title = [&](Series const& series) {
    return series.label.empty() || !with_titles ? std::string("notitle") : "title " + in_quotes(series.label);
  };
  for (std::size_t s = 0; s < all.size(); ++s)
    if (here(s) && all[s].kind == Series::Kind::line && !all[s].x.empty())
      parts.push_back(fmt::format("{}{} using 1:2 with lines linecolor '{}' linewidth 2 {}{}", name, s,
                                  colour_of(all[s]), all[s].dashed ? "dashtype (8,4) " : "", title(all[s])));
  int crosses = 0;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (!here(s) || all[s].x.empty() || all[s].kind == Series::Kind::line) continue;
    // A white rim keeps dots readable on lines; crosses differ in form too, for print without colour.
    if (all[s].kind == Series::Kind::dots) {
      parts.push_back(
          fmt::format("{}{} using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle", name, s));
      parts.push_back(fmt::format("{}{} using 1:2 with points pointtype 7 pointsize 0.8 linecolor '{}' {}", name, s,
                                  colour_of(all[s]), title(all[s])));
    } else {
      parts.push_back(
          fmt::format("{}{} using 1:2 with points pointtype {} pointsize 1.3 linewidth 2.5 linecolor '{}' {}", name, s,
                      crosses++ % 2 == 0 ? 2 : 1, colour_of(all[s]), title(all[s])));
    }
  }
  if (parts.empty()) parts.push_back("NaN notitle");
  return "plot " + join(std::span<std::string const>(parts), ", \\\n     ") + "\n";
}

struct Layout {
  std::string commands;
  int height = 0;  // of the picture
};

struct Ranges {
  Range x, y;
};

Ranges ranges_of(Chart const& chart) {
  std::vector<double> x = chart.guides, y;
  for (auto const& series : chart.series) {
    x.insert(x.end(), series.x.begin(), series.x.end());
    for (auto const* values : {&series.y, &series.low, &series.high}) y.insert(y.end(), values->begin(), values->end());
  }
  return {range_of(x, chart.x_low, chart.x_high), range_of(y, chart.y_low, chart.y_high)};
}

std::string axes_of(Chart const& chart, Ranges const& ranges) {
  auto const& [xs, ys] = ranges;
  std::string out = fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", shortest(xs.low), shortest(xs.high),
                                shortest(ys.low), shortest(ys.high));
  out += fmt::format("set xtics {} nomirror\nset ytics {} nomirror\n", shortest(tick_of(xs, chart.guides)),
                     shortest(tick_of(ys, {})));
  for (double guide : chart.guides)
    out += fmt::format(
        "set arrow from first {0}, graph 0 to first {0}, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor "
        "'#8A8A8A'\n",
        shortest(guide));
  return out;
}

std::string label_command(std::string const& text, std::string const& at, int size, char const* colour) {
  return fmt::format("set label {} at {} font ',{}' textcolor '{}'\n", in_quotes(text), at, size, colour);
}

Layout layout_of(Chart const& chart) {
  auto const ranges = ranges_of(chart);
  std::string out;
  auto const titles = wrapped(chart.title, 78), subtitles = wrapped(chart.subtitle, 100);
  auto const lines = titles.size() + subtitles.size();
  int row = static_cast<int>(lines);
  auto const above = [&](double drop) {
    return fmt::format("graph 0, graph 1 offset 0, {} left", 1.25 * row-- - drop);
  };
  for (auto const& line : titles) out += label_command(line, above(0.4), 16, "#222222");
  for (auto const& line : subtitles) out += label_command(line, above(0.5), 12, "#666666");
  out += fmt::format("set tmargin {}\n", lines == 0 ? 1.0 : 1.25 * static_cast<double>(lines) + 0.8);
  out += axes_of(chart, ranges);
  out += "set xlabel " + in_quotes(chart.x_label) + "\nset ylabel " + in_quotes(chart.y_label) + "\n";
  auto const legend = legend_place(chart, ranges.x, ranges.y);
  return {out + legend.command, least_height + 24 * legend.lines_below};
}

// --- Panels: pictures side by side over the same axes, placed by pixels ---------------------------------------------

// One series for each label, in order of first appearance: what the legend names.
Chart legend_entries(Chart const& chart) {
  Chart entries;
  for (auto series : chart.series) {
    bool const known = std::any_of(entries.series.begin(), entries.series.end(),
                                   [&](Series const& other) { return other.label == series.label; });
    if (series.label.empty() || known) continue;
    series.x = series.y = {-1};  // outside the unit square that the legend's plot shows
    series.low = series.high = {};
    series.panel = 0;
    entries.series.push_back(series);
  }
  return entries;
}

class Panels {
 public:
  explicit Panels(Chart const& chart) : chart_(chart), legend_(legend_entries(chart)), ranges_(ranges_of(chart)) {
    auto const count = static_cast<int>(chart.panels.size());
    columns_ = std::min(count, most_columns);
    rows_ = (count + columns_ - 1) / columns_;
    width_ = left_margin + columns_ * panel_width + (columns_ - 1) * panel_gap + right_margin;
    auto const letters = static_cast<std::size_t>(width_) * 100 / 760;
    titles_ = wrapped(chart.title, letters * 78 / 100);
    subtitles_ = wrapped(chart.subtitle, letters);
    std::size_t longest = 0;
    for (auto const& entry : legend_.series) longest = std::max(longest, entry.label.size());
    legend_columns_ = std::clamp(width_ / (60 + static_cast<int>(8 * longest)), 1, 6);
    auto const entries = static_cast<int>(legend_.series.size());
    legend_height_ = legend_line * ((entries + legend_columns_ - 1) / legend_columns_);
    top_ = 14 + text_line * static_cast<int>(titles_.size() + subtitles_.size()) + 30;
    height_ = top_ + rows_ * panel_height + (rows_ - 1) * panel_row_gap + axis_margin + legend_height_;
  }
  int width() const { return width_; }
  int height() const { return height_; }

  // Everything but the data, the terminal and the output: may be run for each of several terminals.
  std::string commands() const {
    std::string out = "set multiplot\n" + texts() + axes_of(chart_, ranges_) + "unset key\n";
    for (int panel = 0; panel < static_cast<int>(chart_.panels.size()); ++panel) {
      out += placed(panel) + plot_command(chart_, panel, false);
      out += "unset label\n";
    }
    return out + legend() + "unset multiplot\nreset\n";
  }

  // Where the legend's own series begin among the data blocks.
  Chart const& entries() const { return legend_; }

 private:
  std::string x(double pixels) const { return shortest(pixels / width_); }
  std::string y(double pixels_from_top) const { return shortest(1 - pixels_from_top / height_); }

  std::string texts() const {
    std::string out;
    double at = 26;
    auto const write = [&](std::string const& line, int size, char const* colour) {
      out += label_command(line, "screen " + x(left_margin) + ", screen " + y(at) + " left", size, colour);
      at += text_line;
    };
    for (auto const& line : titles_) write(line, 16, "#222222");
    for (auto const& line : subtitles_) write(line, 12, "#666666");
    auto const middle = left_margin + (width_ - left_margin - right_margin) / 2.0;
    out += label_command(chart_.x_label,
                         "screen " + x(middle) + ", screen " + y(height_ - legend_height_ - 20) + " center", 14,
                         "#000000");
    auto const half = top_ + (height_ - top_ - axis_margin - legend_height_) / 2.0;
    out += label_command(chart_.y_label, "screen " + x(18) + ", screen " + y(half) + " center rotate", 14, "#000000");
    return out;
  }

  std::string placed(int panel) const {
    int const column = panel % columns_, row = panel / columns_;
    double const left = left_margin + column * (panel_width + panel_gap),
                 top = top_ + row * (panel_height + panel_row_gap);
    std::string out = fmt::format(
        "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n",
        x(left), x(left + panel_width), y(top), y(top + panel_height));
    out += label_command(shortened(chart_.panels[static_cast<std::size_t>(panel)], 42),
                         "graph 0, graph 1 offset 0, 0.7 left", 14, "#222222");
    return out + (column == 0 ? "set format y '%g'\n" : "set format y ''\n");
  }

  std::string legend() const {
    if (legend_.series.empty()) return "";
    std::string out = "unset border\nunset tics\nunset arrow\nunset grid\nset xrange [0:1]\nset yrange [0:1]\n";
    out += fmt::format(
        "set lmargin at screen 0\nset rmargin at screen 1\nset tmargin at screen {}\nset bmargin at screen 0\n",
        y(height_ - legend_height_));
    out += fmt::format(
        "set key at screen 0.5, screen {} center bottom horizontal maxcols {} Left reverse samplen 2 "
        "spacing 1.2 width 1 height 0.3\n",
        x(0), legend_columns_);
    return out + plot_command(legend_, 0, true, "$l");
  }

  Chart const& chart_;
  Chart legend_;
  Ranges ranges_;
  std::vector<std::string> titles_, subtitles_;
  int columns_ = 1, rows_ = 1, legend_columns_ = 1, width_ = 0, height_ = 0, top_ = 0, legend_height_ = 0;
};

}  // namespace

std::string gnuplot_script(Chart const& chart, std::filesystem::path const& stem) {
  check(chart);
  std::string const setup =
      "set encoding utf8\nset border 3 linewidth 1 linecolor '#444444'\n"
      "set tics out scale 0.6 textcolor '#222222'\nset format '%g'\n"
      "set grid linetype 1 linewidth 0.5 linecolor '#E3E3E3'\n";
  std::string const text = "noenhanced font 'Helvetica,14' background '#FFFFFF'";
  auto const svg = [&](int wide, int high) {
    return fmt::format("set terminal svg size {},{} {}\n", wide, high, text) + "set output " +
           in_quotes(stem.string() + ".svg") + "\n";
  };
  // Twice the pixels. The scales make text, lines and points look as in the SVG.
  auto const png = [&](int wide, int high) {
    return fmt::format("set terminal pngcairo size {},{} {} fontscale 1.5 linewidth 2 pointscale 2.6\n", 2 * wide,
                       2 * high, text) +
           "set output " + in_quotes(stem.string() + ".png") + "\n";
  };
  if (!chart.panels.empty()) {
    Panels const panels(chart);
    auto const drawing = setup + panels.commands();
    return data_blocks(chart) + data_blocks(panels.entries(), "$l") + svg(panels.width(), panels.height()) + drawing +
           png(panels.width(), panels.height()) + drawing + "set output\n";
  }
  auto const layout = layout_of(chart);
  return data_blocks(chart) + setup + "set lmargin 9\nset rmargin 3\n" + layout.commands + svg(width, layout.height) +
         plot_command(chart, 0, true) + png(width, layout.height) + "replot\nset output\n";
}

}  // namespace eexit
