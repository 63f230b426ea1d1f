// Runs cases in processes of their own, some at a time, so that a crash is a result like any other.
#pragma once

#include "tests/conformance/RunCase.h"
#include <functional>
#include <vector>

namespace lathe::conformance {

/// Gives one result per case, in order. A case that takes longer than `seconds` is killed and counts as a crash.
/// `finished` is told of each case as it ends.
std::vector<Result> runAll(const std::vector<Case> &cases, int jobs, unsigned seconds,
                           const std::function<void(const Case &, const Result &)> &finished);

} // namespace lathe::conformance
