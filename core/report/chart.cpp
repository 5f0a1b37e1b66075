#include "core/report/chart.h"

#include <unistd.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/log.h"
#include "core/base/process.h"

namespace eexit {
namespace {

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
