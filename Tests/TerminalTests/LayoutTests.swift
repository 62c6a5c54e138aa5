import Terminal
import Testing

@Suite struct LayoutTests {
  private let columns = [
    Column("APP", minimum: 4), Column("STATE", minimum: 5, yields: 1),
    Column("CAUSE", minimum: 6, grows: true, yields: 2),
    Column("MEM", .right, minimum: 6, yields: 3),
  ]
  private let rows = [
    [Cell("greeter"), Cell("ready", .ready), Cell(""), Cell("78 MB")],
    [Cell("日本語アプリ"), Cell("booting 14/22", .busy), Cell("waiting for Repo"), Cell("1.2 GB")],
    [Cell("short")],
  ]

  private func table(_ width: Int) -> [String] {
    let layout = Layout(columns, rows: rows, width: width)
    var frame = Frame(Size(columns: width, rows: 4))
    frame.putHeader(layout, row: 0)
    for (index, row) in rows.enumerated() { frame.put(row, in: layout, row: index + 1) }
    return frame.text
  }

  @Test func fitsColumnsToTheWidth() {
    #expect(
      table(60) == [
        "APP           STATE          CAUSE                       MEM",
        "greeter       ready                                    78 MB",
        "日本語アプリ  booting 14/22  waiting for Repo         1.2 GB",
        "short",
      ])
    #expect(
      table(40) == [
        "APP           STATE       CAUSE      MEM",
        "greeter       ready                78 MB",
        "日本語アプリ  booting 1…  waiti…  1.2 GB",
        "short",
      ])
    #expect(table(20) == ["APP    STATE  CAUSE", "gree…  ready", "日本…  boot…  waiti…", "short"])
    #expect(table(3) == ["APP", "gr…", "日…", "sh…"])
  }

  @Test func keepsWithinAnyWidth() {
    let wide = (0..<20).map { number in
      Column("T\(number)", minimum: number % 7, grows: number % 3 == 0, yields: number % 5)
    }
    let full = [(0..<25).map { Cell(String(repeating: "日x", count: $0)) }]
    for width in -1...300 {
      for columns in [[], columns, wide] {
        let spans = Layout(columns, rows: full, width: width).spans
        let ends = spans.map { $0.start + $0.width }
        let isOrdered = zip(spans.dropFirst(), ends).allSatisfy { $0.start == $1 + Layout.gap }
        let isInside = spans.allSatisfy { $0.width > 0 } && (ends.last ?? 0) <= max(0, width)
        if !isOrdered || !isInside { Issue.record("\(spans) in \(width)") }
      }
    }
  }

  @Test func givesTheRestToThoseThatGrow() {
    let two = [Column("A", grows: true), Column("B"), Column("C", grows: true)]
    let spans = Layout(two, rows: [], width: 20).spans
    #expect(spans.map(\.width) == [7, 1, 8])
  }
}
