#include "compiler/import/Check.h"
#include "dialects/support/Decisions.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe {

bool CheckResult::isSupported() const {
  return errors.empty() && count(NodeStatus::unsupported) == 0 && count(NodeStatus::blocked) == 0;
}

size_t CheckResult::count(NodeStatus status) const {
  return llvm::count_if(nodes, [&](const NodeReport &node) { return node.status == status; });
}

CheckResult checkModel(llvm::StringRef path, const ImportOptions &options) {
  CheckResult result;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  // What is said of a node stands in its report.
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    bool isOfModel = nodeNames(diagnostic.getLocation()) == std::vector<std::string>{path.str()};
    if (isOfModel && diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      result.errors.push_back(diagnostic.str());
    return mlir::success();
  });
  auto module = importModel(path, options, &context, &result.nodes);
  if (!module && result.isSupported())
    result.errors.push_back("the model could not be imported");
  return result;
}

llvm::StringRef statusName(NodeStatus status) {
  switch (status) {
  case NodeStatus::native:
    return "native";
  case NodeStatus::decomposed:
    return "decomposed";
  case NodeStatus::folded:
    return "folded";
  case NodeStatus::unsupported:
    return "unsupported";
  case NodeStatus::blocked:
    return "blocked";
  }
  return "unknown";
}

void printCheck(const CheckResult &result, llvm::raw_ostream &out, bool isVerbose) {
  for (const NodeReport &node : result.nodes) {
    bool isRefused = node.status == NodeStatus::unsupported;
    if (!isVerbose && !isRefused)
      continue;
    std::string domain = node.domain.empty() ? "" : node.domain + ".";
    out << llvm::formatv("{0,-12} {1} ({2}{3} {4})", statusName(node.status), node.node, domain, node.op, node.version);
    out << (isRefused ? ": " + node.reason : "") << "\n";
  }
  for (const std::string &error : result.errors)
    out << error << "\n";
  out << llvm::formatv("{0} nodes: {1} native, {2} decomposed, {3} folded, {4} unsupported, {5} not looked at\n",
                       result.nodes.size(), result.count(NodeStatus::native), result.count(NodeStatus::decomposed),
                       result.count(NodeStatus::folded), result.count(NodeStatus::unsupported),
                       result.count(NodeStatus::blocked));
}

} // namespace lathe
