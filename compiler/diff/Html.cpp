#include "compiler/diff/Diff.h"
#include "compiler/diff/DiffPage.h"

namespace lathe::diff {

/// Names from the model must not end the script that they stand in.
static std::string escapedForScript(llvm::StringRef json) {
  std::string escaped;
  for (char c : json)
    if (c == '<')
      escaped += "\\u003c";
    else
      escaped += c;
  return escaped;
}

std::string toHtml(const Comparison &comparison) {
  constexpr llvm::StringLiteral mark = "/*DATA*/null";
  std::string page = diffPage;
  page.replace(page.find(mark), mark.size(), escapedForScript(toJson(comparison)));
  return page;
}

} // namespace lathe::diff
