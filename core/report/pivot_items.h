// A part of the pivot: rows of results.csv at their places in a table, before they are grouped into cells.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/report/pivot.h"

namespace eexit::pivots {

using Texts = std::vector<std::string>;

enum class Section { run, plain, rival, oracle, published };  // in the order they are printed
Section section_of(Result const&);

// A plain network or a rival: one accuracy at one cost, without exits.
inline bool is_fixed(Section section) { return section == Section::plain || section == Section::rival; }

// Columns and axes that say nothing about a plain network.
bool is_foreign(std::string const& column);

// One result at one place of the table. Policy, confidence, split and budget may differ from the result's own.
struct Item {
  enum class State { value, empty, failed, too_dear };
  Result const* from = nullptr;
  Section section = Section::run;
  State state = State::value;
  std::string split{}, policy{}, confidence{}, budget{};
};

// The item's text in a column or axis.
std::string text_of(Item const&, std::string const& column);

// What is asked for, with the empty answers of the Pivot filled from the file.
struct Selection {
  struct Shown {
    std::string policy{};
    std::map<std::string, std::string> confidence{};  // by policy
  };
  Pivot const& pivot;
  std::map<std::string, Shown> shown{};  // by study
  std::string budget = "max";            // where it is no axis
  Texts unseen{};                        // policies and confidences in the file that the table leaves out

  bool axis(std::string const& column) const;
  bool measured(Result const&) const;
  bool wanted(Result const&) const;
};

// The results that the filter lets through. SpecError on a value that none has.
std::vector<Result> filtered(std::vector<Result> const&, Pivot const&);

Selection select(std::vector<Result> const&, Pivot const&);

// Rows widened: a failed run counts in every cell it would have filled, a plain network stands at every budget.
std::vector<Item> items_of(std::vector<Result> const&, Selection const&);

void add_once(Texts&, std::string const&);
bool contains(Texts const&, std::string const&);

}  // namespace eexit::pivots
