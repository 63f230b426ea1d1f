// Writes a hand-made artifact: make-test-artifact adder|nonzero FILE
#include "tests/support/TestArtifact.h"

#include <cstdio>
#include <string_view>

using namespace lathe::test;

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make-test-artifact adder|nonzero FILE\n");
    return 2;
  }
  TestModel model = std::string_view(argv[1]) == "nonzero" ? makeNonZero() : makeAdder();
  writeFile(argv[2], model.write());
  return 0;
}
