//===- Html.h - the page of lathe inspect -----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_HTML_H
#define LATHE_TOOLS_LATHE_HTML_H

#include <nlohmann/json.hpp>
#include <string>

namespace lathe::cli {

/// JSON text; bytes of names that are no UTF-8 are replaced.
std::string dumpJson(const nlohmann::ordered_json &json, int indent);

/// A page that needs nothing beside itself: inspect.html with the data in it.
std::string makePage(const nlohmann::ordered_json &model);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_HTML_H
