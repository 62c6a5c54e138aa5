import EventLog
import Events
import Journal
import Posix
import TestSupport
import Testing

@Suite struct BuildProgressTests {
  static let build = "00112233445566aa"
  let folder: TemporaryFolder
  let file: File

  init() throws {
    folder = try TemporaryFolder("news")
    file = try File.open(folder.path + "/events", .create)
  }

  private func line(
    _ type: EventType, build: String = build, app: String? = nil,
    _ fill: (inout EventData) -> Void = { _ in }
  ) -> [UInt8] {
    var writer = SlugRecordWriter(program: "relpack")
    var data = EventData(fill)
    data.build = build
    return writer.append(type, app: app, data)
  }

  private func step(_ name: String) -> [UInt8] { line(.buildStep) { $0.step = name } }

  @Test func stepsAndTheFailureAreRead() throws {
    var news = BuildProgress(file, build: Self.build)
    #expect(news.take() == [])
    let cause = Cause(.compile, "it does not", remedy: "Mend it.", facts: ["a": "b"])
    let bytes = step("check") + step("compile") + line(.buildFailed) { $0.cause = cause }
    // A line arrives in two parts.
    try file.write(bytes.prefix(40))
    #expect(news.take() == [])
    try file.write(bytes.dropFirst(40))
    let items = news.take()
    #expect(items.prefix(2) == [.step("check"), .step("compile")])
    guard case .failed(let failure)? = items.last else {
      Issue.record("\(items)")
      return
    }
    #expect(failure.sentence == "it does not" && failure.remedy == "Mend it.")
    #expect(failure.id == "RT-BUILD-COMPILE" && failure.facts.isEmpty)
    #expect(news.take() == [])
  }

  /// Code of the source tree can write to the file.
  @Test func otherLinesAreIgnored() throws {
    var news = BuildProgress(file, build: Self.build)
    var changed = step("check")
    changed[20] ^= 1
    let hostile: [[UInt8]] = [
      line(.deployRequested, app: "shop") { ($0.slug, $0.by) = ("s", "root") },
      line(.buildFinished) { $0.slug = String(repeating: "a", count: 64) },
      line(.buildStep, build: "ffffffffffffffff") { $0.step = "check" },
      line(.slugStored) { $0.slug = "s" }, line(.buildStep), step(""), step("../../etc"),
      step(String(repeating: "x", count: 31)), step("a\u{1B}[2J"), line(.buildFailed), changed,
      Array("{}\n".utf8), [0, 255, 10], [10, 10],
      step(String(repeating: "y", count: SlugRecord.longestLine)),
    ]
    for bytes in hostile {
      try file.write(bytes)
      #expect(news.take() == [])
    }
    try file.write(
      line(.buildFailed) {
        $0.cause = Cause(.compile, String(repeating: "z", count: 5000))
        $0.cause?.id = "RT-MADE-UP"
      })
    guard case .failed(let failure)? = news.take().first else {
      Issue.record("it was not read")
      return
    }
    #expect(failure.id == "RT-BUILD-RELEASE" && failure.sentence.count == 1000)
  }

  @Test func numberOfLinesHasALimit() throws {
    var news = BuildProgress(file, build: Self.build)
    let line = step("check")
    for _ in 0..<30 { try file.write([[UInt8]](repeating: line, count: 200).flatMap { $0 }) }
    var count = 0
    for _ in 0..<10 { count += news.take().count }
    #expect(count == SlugRecord.mostEvents)
    try file.write([UInt8](repeating: 65, count: 3 << 20))
    #expect(news.take() == [])
  }
}
