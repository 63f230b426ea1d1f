// Nothing is allocated by a run after the first one at a shape. This file
// replaces operator new for the whole program, to count.
#include "tests/unit/runtime/Check.h"

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<long> allocations = 0;

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

using namespace lathe::test;

TEST_CASE("allocation: later runs at known shapes allocate nothing") {
  Opened opened(makeAdder());
  for (uint32_t threads : {1u, 3u}) {
    SessionPtr session = makeSession(opened, threads);
    std::vector<float> a(4000), b(4000), y(4000);
    std::vector<int64_t> small = {10, 4}, large = {1000, 4};
    auto run = [&](const std::vector<int64_t> &shape) {
      size_t bytes = static_cast<size_t>(shape[0]) * 16;
      lathe_tensor_t inputs[] = {{a.data(), bytes, shape.data(), 2, LATHE_F32, 0},
                                 {b.data(), bytes, shape.data(), 2, LATHE_F32, 0}};
      lathe_tensor_t output = {y.data(), bytes, nullptr, 0, 0, 0};
      return lathe_session_run(session.get(), inputs, 2, &output, 1);
    };
    REQUIRE(textOf(run(large)) == "");
    long before = allocations;
    REQUIRE(run(small) == nullptr);
    CHECK(allocations > before); // the tables of a new shape: the counter counts
    before = allocations;
    bool good = true;
    for (int i = 0; i < 50; ++i)
      good = good && !run(large) && !run(small);
    CHECK(allocations == before);
    CHECK(good);
  }
}
