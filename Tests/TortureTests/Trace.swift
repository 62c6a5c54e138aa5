import Posix

/// A system call as strace(1) shows it with `-f -y`.
struct TracedCall {
  var name: String
  /// Between the brackets, with strace's escapes.
  var arguments: String
  var result: Int
  var isInjected: Bool

  /// `1234 07:05:09.042 pwrite64(5</a/file>, "…", 3, 0) = 3`; nil for what is no call that returned.
  init?(_ line: Substring) {
    guard let open = line.firstIndex(of: "("), let end = line.range(ofLast: ") = "),
      open < end.lowerBound,
      let name = line[..<open].split(separator: " ").last,
      let result = line[end.upperBound...].split(separator: " ").first.flatMap({
        Int($0.prefix { $0 != "<" })
      })
    else { return nil }
    self.name = String(name)
    arguments = String(line[line.index(after: open)..<end.lowerBound])
    self.result = result
    isInjected = line.hasSuffix("(INJECTED)")
  }

  /// The file of the descriptor that comes first.
  var path: String? {
    guard let open = arguments.firstIndex(of: "<"), arguments[..<open].allSatisfy(\.isNumber),
      let close = arguments[open...].firstIndex(of: ">")
    else { return nil }
    return String(arguments[arguments.index(after: open)..<close])
  }

  /// Texts between quotation marks, still escaped.
  var texts: [String] {
    var texts: [String] = []
    var text: String?
    var isEscaped = false
    for character in arguments {
      if text == nil {
        if character == "\"" { text = "" }
      } else if character == "\"", !isEscaped {
        texts.append(text ?? "")
        text = nil
      } else {
        text?.append(character)
        isEscaped = character == "\\" && !isEscaped
      }
    }
    return texts
  }

  /// The numbers of the lines in what is written.
  var numbers: [UInt64] {
    let mark = #"{\"seq\":\""#
    var numbers: [UInt64] = []
    var rest = arguments[...]
    while let found = rest.range(of: mark) {
      rest = rest[found.upperBound...]
      if let number = UInt64(rest.prefix(16)) { numbers.append(number) }
    }
    return numbers
  }
}

extension StringProtocol where SubSequence == Substring {
  fileprivate func range(of text: String) -> Range<Index>? {
    firstRange(of: text)
  }

  fileprivate func range(ofLast text: String) -> Range<Index>? {
    ranges(of: text).last
  }
}

/// What a power cut would leave at each moment of a trace, as the standard promises it and no more: data after
/// fdatasync(2), a name after fsync(2) of its folder.
struct PowerCut {
  /// Files and folders whose names need not be on the disk yet.
  private var unnamed: Set<String>
  private var written: [String: Set<UInt64>] = [:]
  private var durable: [UInt64: String] = [:]
  private var wholeFiles: Set<String> = []

  private(set) var faults: [String] = []
  private(set) var acknowledged: [UInt64] = []
  private(set) var segments: Set<String> = []

  init(unnamed: Set<String> = []) { self.unnamed = unnamed }

  mutating func take(_ call: TracedCall) {
    if call.result < 0 { return }
    switch call.name {
    case "mkdir": if let path = call.texts.first { unnamed.insert(path) }
    case "pwrite64":
      guard let path = call.path else { return }
      wholeFiles.remove(path)
      written[path, default: []].formUnion(call.numbers)
    case "fdatasync", "fsync": if let path = call.path { sync(path, isWhole: call.name == "fsync") }
    case "rename": if call.texts.count == 2 { rename(call.texts[0], to: call.texts[1]) }
    case "write" where call.path?.hasPrefix("pipe:") ?? false: acknowledge(call)
    default: break
    }
  }

  private mutating func sync(_ path: String, isWhole: Bool) {
    for number in written.removeValue(forKey: path) ?? [] { durable[number] = path }
    if isWhole { wholeFiles.insert(path) }
    unnamed = unnamed.filter { Files.parent(of: $0) != path }
  }

  private mutating func rename(_ old: String, to new: String) {
    let isWhole = wholeFiles.remove(old) != nil
    if isWhole { wholeFiles.insert(new) }
    unnamed.remove(old)
    unnamed.insert(new)
    guard new.hasSuffix(".jsonl") else { return }
    segments.insert(new)
    if !isWhole { faults.append("\(new) was not synced before it got its name") }
  }

  private mutating func acknowledge(_ call: TracedCall) {
    let text = call.texts.first ?? ""
    for number in text.split(separator: "\\n").compactMap({ UInt64($0) }) {
      acknowledged.append(number)
      guard let segment = durable[number] else {
        faults.append("\(number) was acknowledged before it was synced")
        continue
      }
      // Each name on the way to it.
      var path = segment
      while path != "/" {
        if unnamed.contains(path) {
          faults.append("\(number) was acknowledged before the name \(path) was synced")
        }
        path = Files.parent(of: path)
      }
    }
  }
}
