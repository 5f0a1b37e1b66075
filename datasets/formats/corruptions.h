// Test sets whose pictures were spoilt on purpose, in five severities (Hendrycks, Dietterich 2019).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace eexit {

// Of a tree <dir>/<corruption>/<severity 1..5>/<class>/ as ImageNet-C is: the corruptions, sorted. Each folder of a
// severity is what list_pictures() reads. SpecError when there is no corruption, or one lacks a severity.
std::vector<std::string> corruption_trees(std::filesystem::path const& dir);

// Of a folder <dir>/<corruption>.npy and labels.npy as CIFAR-10-C and CIFAR-100-C are: the corruptions, sorted.
std::vector<std::string> corruption_arrays(std::filesystem::path const& dir);

// One severity (1 to 5) of one of them: a fifth of the rows, the lightest first; 10,000 of 50,000. Only those rows are
// read, and held. Its constants are empty. SpecError when the arrays are of other shapes or a label is not below
// `classes`.
Dataset corruption_array(std::filesystem::path const& dir, std::string const& corruption, int severity, int classes);

}  // namespace eexit
