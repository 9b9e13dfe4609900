// A function on a stack of its own, which can be left in the middle and gone on with.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace trainyard {
namespace gpu {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Begins anew with another function; whatever the stack held is forgotten. The function must not throw.
  void begin(std::function<void()> body);
  // Runs until the function leaves or ends. Only from outside of all fibers.
  void resume();
  // Leaves the function that runs; the next resume goes on behind this.
  void leave();
  bool ended() const { return ended_; }

 private:
  struct Context;
  static void enter(Fiber* fiber);
  static void start(unsigned high, unsigned low);

  std::unique_ptr<Context> context_;
  std::function<void()> body_;
  bool ended_ = true;
};

}  // namespace gpu
}  // namespace trainyard
