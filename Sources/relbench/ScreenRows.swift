/// The times that an operator waits for.
struct ScreenRows {
  let scratch: Scratch

  func show() throws {
    let times = try Stopwatch.times(20) { try scratch.run("reltui", "--once") }
    let bare = try Stopwatch.times(20) { try scratch.run("relctl", "--version") }
    Row.show(
      what: "reltui --once, quiet home, whole process", ours: "\(times.median.short) ms",
      peer: "relctl --version \(bare.median.short) ms", ratio: (times.median / bare.median).two,
      budget: "< 15 ms")
  }
}
