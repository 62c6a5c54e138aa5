import Glibc
import Posix
import TestSupport
import Testing

@Suite struct EventLoopTests {
  private enum Source { case first, second, timer, other }

  /// What a loop is given, and what its next turn holds.
  private struct Case {
    var name: String
    var prepare: (inout EventLoop<Source>, _ pipes: [(reading: File, writing: File)]) throws -> Void
    var tokens: Set<Source> = []
    var deadline: Int64? = 5000
  }

  private static var cases: [Case] {
    [
      Case(name: "nothing, at the deadline", prepare: { _, _ in }, deadline: 10),
      Case(name: "nothing, without a wait", prepare: { _, _ in }, deadline: 0),
      Case(
        name: "a descriptor with bytes",
        prepare: { loop, pipes in
          loop.watch(pipes[0].reading.descriptor, as: .first)
          loop.watch(pipes[1].reading.descriptor, as: .second)
          try pipes[1].writing.write([1])
        }, tokens: [.second]),
      Case(
        name: "two descriptors under one token",
        prepare: { loop, pipes in
          loop.watch(pipes.map { Poll.Interest($0.reading.descriptor) }, as: .first)
          for pipe in pipes { try pipe.writing.write([1]) }
        }, tokens: [.first]),
      Case(
        name: "a descriptor under two tokens",
        prepare: { loop, pipes in
          for token in [Source.first, .second] {
            loop.watch(pipes[0].reading.descriptor, as: token)
          }
          try pipes[0].writing.write([1])
        }, tokens: [.first, .second]),
      Case(
        name: "a token that watches another descriptor now",
        prepare: { loop, pipes in
          for pipe in pipes { loop.watch(pipe.reading.descriptor, as: .first) }
          try pipes[0].writing.write([1])
        }, deadline: 10),
      Case(
        name: "a token that was forgotten",
        prepare: { loop, pipes in
          loop.watch(pipes[0].reading.descriptor, as: .first)
          loop.wake(.first, at: 0)
          loop.forget(.first)
          try pipes[0].writing.write([1])
        }, deadline: 10),
      Case(
        name: "a descriptor that can be written",
        prepare: { loop, pipes in
          loop.watch([.init(pipes[0].writing.descriptor, reads: false, writes: true)], as: .first)
        }, tokens: [.first]),
      Case(
        name: "a pipe whose reader is there",
        prepare: { loop, pipes in
          loop.watch([.close(ofReaderOf: pipes[0].writing.descriptor)], as: .first)
        }, deadline: 10),
      Case(
        name: "a moment in the past, and one to come",
        prepare: { loop, _ in
          loop.wake(.timer, at: Clock.monotonic() - 1)
          loop.wake(.other, at: Clock.monotonic() + 60_000)
        }, tokens: [.timer]),
      Case(
        name: "a moment before the deadline",
        prepare: { loop, _ in loop.wake(.timer, at: Clock.monotonic() + 20) }, tokens: [.timer],
        deadline: nil),
      Case(
        name: "a moment that was put off",
        prepare: { loop, _ in
          loop.wake(.timer, at: 0)
          loop.wake(.timer, at: Clock.monotonic() + 60_000)
        }, deadline: 10),
      Case(
        name: "a moment that was taken out",
        prepare: { loop, _ in
          loop.wake(.timer, at: 0)
          loop.wake(.timer, at: nil)
        }, deadline: 10),
    ]
  }

  @Test func whatATurnHolds() throws {
    for example in Self.cases {
      let pipes = [try File.pipe(), try File.pipe()]
      var loop = EventLoop<Source>()
      try example.prepare(&loop, pipes)
      let start = Clock.monotonic()
      let deadline = example.deadline.map { $0 == 0 ? 0 : start + $0 }
      let turn = try loop.wait(until: deadline)
      #expect(turn.tokens == example.tokens, "\(example.name)")
      #expect(turn.isEmpty == example.tokens.isEmpty, "\(example.name)")
      if turn.isEmpty, let deadline { #expect(Clock.monotonic() >= deadline, "\(example.name)") }
    }
  }

  @Test func aTurnNamesEachDescriptor() throws {
    let pipes = [try File.pipe(), try File.pipe()]
    var loop = EventLoop<Source>()
    loop.watch(pipes.map { Poll.Interest($0.reading.descriptor) }, as: .first)
    try pipes[1].writing.write([1])
    let ready = try loop.wait(until: Clock.monotonic() + 5000).ready[.first]
    #expect(ready == [Poll.Ready(pipes[1].reading.descriptor, isReadable: true)])
  }

  /// Bytes that were not read are reported again; a moment is reported once.
  @Test func whatComesBackInTheNextTurn() throws {
    let pipe = try File.pipe()
    try pipe.writing.write([1])
    var loop = EventLoop<Source>()
    loop.watch(pipe.reading.descriptor, as: .first)
    loop.wake(.timer, at: 0)
    #expect(try loop.wait().tokens == [.first, .timer])
    #expect(try loop.wait().tokens == [.first])
    #expect(try pipe.reading.read(upTo: 9) == [1])
    #expect(try loop.wait(until: 0).isEmpty)
  }

  @Test func theReaderOfAPipeIsGone() throws {
    var pipe: (reading: File?, writing: File)
    do {
      let (reading, writing) = try File.pipe()
      pipe = (reading, writing)
    }
    var loop = EventLoop<Source>()
    loop.watch([.close(ofReaderOf: pipe.writing.descriptor)], as: .first)
    #expect(try loop.wait(until: 0).isEmpty)
    pipe.reading = nil
    #expect(try loop.wait(until: Clock.monotonic() + 5000).has(.first))
  }

  @Test func signalsEndAWait() async {
    await #expect(processExitsWith: .success) {
      var loop = EventLoop<Int>(signals: try Signals([.term, .usr1]))
      for signal in [SIGTERM, SIGUSR1] { raise(signal) }
      let turn = try loop.wait(until: Clock.monotonic() + 5000)
      #expect(Set(turn.signals) == [.term, .usr1] && turn.tokens.isEmpty && !turn.isEmpty)
      #expect(try loop.wait(until: 0).isEmpty)
    }
  }

  /// A signal with a handler interrupts poll(2), but not the loop's wait.
  @Test func anInterruptedWaitGoesOn() async {
    await #expect(processExitsWith: .success) {
      signal(SIGALRM) { _ in }
      var loop = EventLoop<Int>()
      let deadline = Clock.monotonic() + 1500
      alarm(1)
      let turn = try loop.wait(until: deadline)
      #expect(turn.isEmpty)
      #expect(Clock.monotonic() >= deadline)
    }
  }
}
