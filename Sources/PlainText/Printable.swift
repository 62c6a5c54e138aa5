/// Untrusted text made safe for a screen, and measured in cells.
///
/// Logs, names and terms can hold anything. Text that could control a terminal, is invisible, or is
/// wider on one terminal than on another never reaches a cell.
public enum Printable {
  /// The text with everything replaced that is not plainly visible.
  ///
  /// A tab becomes four spaces and a line end one; control characters (C0 and C1), escapes,
  /// bidirectional controls, zero-width, private and unassigned code points, marks without a base
  /// and marks beyond four become U+FFFD. A variation selector or skin tone is left out, and a
  /// flag becomes the two letters it stands for. Cleaning a cleaned text changes nothing.
  public static func clean(_ text: String) -> String {
    if isPlain(text) { return text }
    var clean = ""
    for cluster in Clusters(text) { clean += cluster.text }
    return clean
  }

  /// The cleaned text of UTF-8 bytes; invalid bytes become U+FFFD.
  public static func clean(utf8 bytes: some Collection<UInt8>) -> String {
    clean(String(decoding: bytes, as: UTF8.self))
  }

  /// The cells that the cleaned text takes.
  public static func width(_ text: String) -> Int {
    if isPlain(text) { return text.utf8.count }
    return Clusters(text).reduce(0) { $0 + $1.width }
  }

  /// The cleaned text, cut to `width` cells; a cut text ends in `…`.
  public static func cut(_ text: String, to width: Int) -> String {
    var result = ""
    for cluster in clusters(text, cutTo: width) { result += cluster.text }
    return result
  }

  /// The cleaned text as lines of at most `width` cells, broken at spaces where there are any.
  ///
  /// Line ends in the text are kept. A width below 2 counts as 2, the width of one cluster.
  /// - Parameter most: how many lines at most; if there would be more, the last ends in `…`.
  public static func wrap(_ text: String, to width: Int, most: Int = .max) -> [String] {
    var lines: [String] = []
    let paragraphs = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for paragraph in paragraphs {
      var wrapping = Wrapping(width: max(2, width))
      for cluster in Clusters(String(paragraph)) {
        wrapping.add(cluster)
        // One line more than wanted shows that there is more text.
        if lines.count + wrapping.lines.count > most { break }
      }
      lines += wrapping.finished()
      if lines.count > most { break }
    }
    guard lines.count > most else { return lines }
    lines = Array(lines.prefix(max(0, most)))
    if let last = lines.popLast() { lines.append(cut(last + " …", to: max(2, width))) }
    return lines
  }

  /// The clusters that fit into `width` cells, the last one `…` when some do not.
  package static func clusters(_ text: String, cutTo width: Int) -> [Cluster] {
    guard width > 0 else { return [] }
    var fitting: [Cluster] = []
    var used = 0
    for cluster in Clusters(text) {
      fitting.append(cluster)
      used += cluster.width
      if used > width { break }
    }
    guard used > width else { return fitting }
    while used > width - 1, let last = fitting.popLast() { used -= last.width }
    return fitting + [Cluster(text: "…", width: 1)]
  }

  private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { 0x20...0x7E ~= $0 } }
}

/// A wrapping of one line of clusters into several.
private struct Wrapping {
  let width: Int
  var lines: [String] = []
  private var line: [Cluster] = []
  private var used = 0
  /// Where the last word of `line` begins, if it follows a space.
  private var word: Int?

  init(width: Int) { self.width = width }

  mutating func add(_ cluster: Cluster) {
    if cluster == .space, used == width { return endLine(at: line.count) }
    if used + cluster.width > width { endLine(at: word ?? line.count) }
    if cluster == .space, line.isEmpty, !lines.isEmpty { return }
    line.append(cluster)
    used += cluster.width
    if cluster == .space { word = line.count }
  }

  func finished() -> [String] {
    line.isEmpty && !lines.isEmpty ? lines : lines + [Self.text(line[...])]
  }

  private mutating func endLine(at end: Int) {
    lines.append(Self.text(line.prefix(end)))
    line.removeFirst(min(end, line.count))
    used = line.reduce(0) { $0 + $1.width }
    word = nil
  }

  private static func text(_ clusters: ArraySlice<Cluster>) -> String {
    let kept = clusters.reversed().drop { $0 == .space }
    return kept.reversed().reduce(into: "") { $0 += $1.text }
  }
}
