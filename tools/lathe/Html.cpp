//===- Html.cpp - the page of lathe inspect -------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Html.h"

#include "InspectPage.h"

#include <string_view>

namespace lathe::cli {

std::string dumpJson(const nlohmann::ordered_json &json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Names from the model must not end the script that they stand in.
static std::string escapeForScript(const std::string &json) {
  std::string escaped;
  for (char c : json)
    if (c == '<')
      escaped += "\\u003c";
    else
      escaped += c;
  return escaped;
}

std::string makePage(const nlohmann::ordered_json &model) {
  constexpr std::string_view mark = "/*DATA*/null";
  std::string page = inspectPage;
  page.replace(page.find(mark), mark.size(), escapeForScript(dumpJson(model, -1)));
  return page;
}

} // namespace lathe::cli
