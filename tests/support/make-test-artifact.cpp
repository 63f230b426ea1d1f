// Writes a hand-made artifact: make-test-artifact adder|nonzero|packed FILE
#include "tests/support/TestArtifact.h"

#include <cstdio>
#include <string_view>

using namespace lathe::test;

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make-test-artifact adder|nonzero|packed FILE\n");
    return 2;
  }
  std::string_view kind = argv[1];
  TestModel model = kind == "nonzero" ? makeNonZero() : makeAdder();
  writeFile(argv[2], model.write(/*packs=*/kind == "packed"));
  return 0;
}
