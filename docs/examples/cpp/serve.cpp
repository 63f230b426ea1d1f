// Serves a compiled model from several threads: each worker has a session of its own, all share one artifact and its weights.
//
//   serve MODEL.lathe WORKERS REQUESTS
//
// Requests here are made up (ones of the model's sizes, dynamic ones 1), so that the program shows the threads and nothing
// else; prints how many requests were answered per second.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <lathe/lathe.hpp>
#include <thread>
#include <vector>

namespace {

/// One input's memory.
struct Request {
  std::vector<std::vector<char>> bytes;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<lathe_tensor_t> tensors;

  explicit Request(const lathe::Artifact &artifact) {
    for (const lathe::TensorInfo &info : artifact.inputs()) {
      size_t size = lathe_dtype_bytes(info.dtype);
      shapes.push_back(info.shape);
      for (int64_t &axis : shapes.back()) {
        axis = axis < 0 ? 1 : axis;
        size *= static_cast<size_t>(axis);
      }
      bytes.emplace_back(size, char(0));
      dtypes.push_back(info.dtype);
    }
    for (size_t i = 0; i < bytes.size(); ++i)
      tensors.push_back(
          {bytes[i].data(), bytes[i].size(), shapes[i].data(), static_cast<uint32_t>(shapes[i].size()), dtypes[i], 0});
  }

private:
  std::vector<lathe_dtype_t> dtypes;
};

void work(const lathe::Artifact &artifact, std::atomic<long> &left, std::atomic<long> &failed) {
  try {
    lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
    options.threads = 1; // the workers are the parallelism
    lathe::Session session(artifact, options);
    Request request(artifact);
    while (left.fetch_sub(1) > 0)
      session.run(request.tensors);
  } catch (const lathe::Error &error) {
    std::fprintf(stderr, "serve: %s\n", error.what());
    ++failed;
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: serve MODEL.lathe WORKERS REQUESTS\n");
    return 2;
  }
  try {
    lathe::Artifact artifact(argv[1]);
    const long requests = std::atol(argv[3]);
    std::atomic<long> left = requests, failed = 0;
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> workers;
    for (int i = 0; i < std::atoi(argv[2]); ++i)
      workers.emplace_back([&] { work(artifact, left, failed); });
    for (std::thread &worker : workers)
      worker.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%ld requests, %.1f per second\n", requests, static_cast<double>(requests) / seconds);
    return failed ? 1 : 0;
  } catch (const lathe::Error &error) {
    std::fprintf(stderr, "serve: %s\n", error.what());
    return 1;
  }
}
