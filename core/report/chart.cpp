#include "core/report/chart.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/log.h"
#include "core/base/process.h"
#include "core/base/text.h"

namespace eexit {
namespace {

// Okabe and Ito (2008): told apart by colour-blind readers. Their yellow is too pale on white; grey stands in.
constexpr std::array palette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F"};
constexpr int width = 760, least_height = 500;      // of the SVG; the PNG has twice as many pixels
constexpr int plot_width = 660, plot_height = 350;  // about what the margins leave

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
    require(finite(series.x) && finite(series.y) && finite(series.low) && finite(series.high),
            "a chart shows finite numbers");
  }
}

std::string data_blocks(Chart const& chart) {
  std::string out;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    auto const& series = chart.series[s];
    out += fmt::format("$s{} <<END\n", s);
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
std::string plot_command(Chart const& chart) {
  std::vector<std::string> parts;
  auto const& all = chart.series;
  for (std::size_t s = 0; s < all.size(); ++s)
    if (!all[s].low.empty())
      parts.push_back(
          fmt::format("$s{} using 1:3:4 with filledcurves fillcolor '{}' fill transparent solid 0.18 noborder notitle",
                      s, colour_of(all[s])));
  auto title = [](Series const& series) {
    return series.label.empty() ? std::string("notitle") : "title " + in_quotes(series.label);
  };
  for (std::size_t s = 0; s < all.size(); ++s)
    if (all[s].kind == Series::Kind::line && !all[s].x.empty())
      parts.push_back(fmt::format("$s{} using 1:2 with lines linecolor '{}' linewidth 2 {}{}", s, colour_of(all[s]),
                                  all[s].dashed ? "dashtype (8,4) " : "", title(all[s])));
  int crosses = 0;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (all[s].x.empty() || all[s].kind == Series::Kind::line) continue;
    // A white rim keeps dots readable on lines; crosses differ in form too, for print without colour.
    if (all[s].kind == Series::Kind::dots) {
      parts.push_back(
          fmt::format("$s{} using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle", s));
      parts.push_back(fmt::format("$s{} using 1:2 with points pointtype 7 pointsize 0.8 linecolor '{}' {}", s,
                                  colour_of(all[s]), title(all[s])));
    } else {
      parts.push_back(
          fmt::format("$s{} using 1:2 with points pointtype {} pointsize 1.3 linewidth 2.5 linecolor '{}' {}", s,
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

Layout layout_of(Chart const& chart) {
  std::vector<double> x = chart.guides, y;
  for (auto const& series : chart.series) {
    x.insert(x.end(), series.x.begin(), series.x.end());
    for (auto const* values : {&series.y, &series.low, &series.high}) y.insert(y.end(), values->begin(), values->end());
  }
  auto const xs = range_of(x, chart.x_low, chart.x_high), ys = range_of(y, chart.y_low, chart.y_high);
  std::string out;
  auto const titles = wrapped(chart.title, 78), subtitles = wrapped(chart.subtitle, 100);
  auto const lines = titles.size() + subtitles.size();
  int row = static_cast<int>(lines);
  for (auto const& line : titles)
    out += fmt::format("set label {} at graph 0, graph 1 offset 0, {} left font ',16' textcolor '#222222'\n",
                       in_quotes(line), 1.25 * row-- - 0.4);
  for (auto const& line : subtitles)
    out += fmt::format("set label {} at graph 0, graph 1 offset 0, {} left font ',12' textcolor '#666666'\n",
                       in_quotes(line), 1.25 * row-- - 0.5);
  out += fmt::format("set tmargin {}\n", lines == 0 ? 1.0 : 1.25 * static_cast<double>(lines) + 0.8);
  out += fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", shortest(xs.low), shortest(xs.high), shortest(ys.low),
                     shortest(ys.high));
  out += fmt::format("set xtics {} nomirror\nset ytics {} nomirror\n", shortest(tick_of(xs, chart.guides)),
                     shortest(tick_of(ys, {})));
  out += "set xlabel " + in_quotes(chart.x_label) + "\nset ylabel " + in_quotes(chart.y_label) + "\n";
  for (double guide : chart.guides)
    out += fmt::format(
        "set arrow from first {0}, graph 0 to first {0}, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor "
        "'#8A8A8A'\n",
        shortest(guide));
  auto const legend = legend_place(chart, xs, ys);
  return {out + legend.command, least_height + 24 * legend.lines_below};
}

// Runs gnuplot on a script file. False when there is none.
bool run_gnuplot(fs::path const& script) {
  auto const output = run_command({"gnuplot", "--default-settings", script.string()});  // no gnuplotrc of the user
  if (!output || output->status == 0) return output.has_value();
  std::string message;  // on one line, without gnuplot's indentation
  for (char c : output->err) {
    if (c == '\n') c = ' ';
    if (c != ' ' || (!message.empty() && message.back() != ' ')) message += c;
  }
  throw RunError("gnuplot failed on " + script.string() + ": " + message);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// What gnuplot 5.4 has no option for: crosses as thick as in the PNG, and a font for readers without Helvetica.
std::string polished(std::string svg) {
  for (std::string id : {"id='gpPt0' stroke-width='", "id='gpPt1' stroke-width='"}) {
    auto const at = svg.find(id);
    if (at == std::string::npos) continue;
    auto const from = at + id.size();
    svg.replace(from, svg.find('\'', from) - from, "0.42");
  }
  return replaced(std::move(svg), "font-family=\"Helvetica\"", "font-family=\"Helvetica, Arial, sans-serif\"");
}

// The files of a drawing in progress; gone at the end whatever happens.
struct Workplace {
  fs::path folder;
  explicit Workplace(fs::path path) : folder(std::move(path)) { make_folder(folder); }
  Workplace(Workplace const&) = delete;
  Workplace& operator=(Workplace const&) = delete;
  ~Workplace() {
    std::error_code ignored;  // nothing to lose: only temporary files
    fs::remove_all(folder, ignored);
  }
};

}  // namespace

std::string gnuplot_script(Chart const& chart, fs::path const& stem) {
  check(chart);
  auto const layout = layout_of(chart);
  std::string out = data_blocks(chart);
  out += "set encoding utf8\nset border 3 linewidth 1 linecolor '#444444'\n";
  out += "set tics out scale 0.6 textcolor '#222222'\nset format '%g'\n";
  out += "set grid linetype 1 linewidth 0.5 linecolor '#E3E3E3'\nset lmargin 9\nset rmargin 3\n" + layout.commands;
  std::string const text = "noenhanced font 'Helvetica,14' background '#FFFFFF'";
  out += fmt::format("set terminal svg size {},{} {}\n", width, layout.height, text);
  out += "set output " + in_quotes(stem.string() + ".svg") + "\n" + plot_command(chart);
  // Twice the pixels. The scales make text, lines and points look as in the SVG.
  out += fmt::format("set terminal pngcairo size {},{} {} fontscale 1.5 linewidth 2 pointscale 2.6\n", 2 * width,
                     2 * layout.height, text);
  return out + "set output " + in_quotes(stem.string() + ".png") + "\nreplot\nset output\n";
}

bool draw(Chart const& chart, fs::path const& stem) {
  auto const target = fs::absolute(stem);  // a name that starts with | would be a command to gnuplot
  Workplace const work(target.parent_path() /
                       ("." + target.filename().string() + ".drawing-" + std::to_string(getpid())));
  auto const inside = work.folder / "chart";
  auto const script = work.folder / "chart.gp";
  write_file(script, gnuplot_script(chart, inside));
  if (!run_gnuplot(script)) {
    warn("gnuplot is not installed: no charts are drawn");
    return false;
  }
  write_file(target.string() + ".svg", polished(read_file(inside.string() + ".svg")));
  write_file(target.string() + ".png", read_file(inside.string() + ".png"));
  return true;
}

}  // namespace eexit
