// Stands in for OneDnn.cpp where there is no oneDNN.
#include "tests/kernels/OneDnn.h"

namespace lathe::test {

struct OneDnn::Impl {};
OneDnn::OneDnn(const PreparedKernel &kernel, const std::vector<unsigned> &constants, bool free) {}
OneDnn::~OneDnn() = default;
OneDnn::operator bool() const { return false; }
void OneDnn::run() {}
const float *OneDnn::output() const { return nullptr; }

} // namespace lathe::test
