// `lathe diff`: options, and what is printed and written.
#pragma once

#include "compiler/diff/Diff.h"
#include <CLI/CLI.hpp>

namespace lathe {

/// Options of `lathe diff`.
struct DiffCommand {
  diff::DiffOptions options;
  std::string jsonPath, htmlPath;
  size_t layers = 20; // shown
  bool isQuick = false;
};

void addDiff(CLI::App &app, DiffCommand &command);
/// Gives the exit code.
int runDiff(DiffCommand command);

/// Options of samples that are pictures.
void addImageOptions(CLI::App &app, ImageOptions &images);

} // namespace lathe
